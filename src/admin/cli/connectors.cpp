// chatrelay connectors list|show|test
#include <algorithm>
#include <filesystem>

#include "admin/cli/listing.hpp"
#include "admin/cli/tests_report.hpp"

namespace chatrelay::admin::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  bool as_json = false;
};

// The shipped connectors are built in: trying them needs no configuration at all.
std::string config_if_any(const Shell& shell) {
  const std::string file = shell.config_file();
  const bool named = !shell.config_option.empty() || shell.terminal.variable("CHATRELAY_CONFIG");
  return named || std::filesystem::exists(file) ? file : std::string{};
}

std::vector<ConnectorPage> load_pages(Shell& shell) {
  config::Problems problems;
  std::vector<ConnectorPage> pages = shell.hooks.connectors(config_if_any(shell), problems);
  if (problems.has_errors()) throw Failure(exit_code::config, problems.to_string());
  return pages;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

boost::json::object json_of(const ConnectorPage& page) {
  boost::json::array actions;
  for (const std::string& action : page.actions) actions.emplace_back(action);
  return boost::json::object{{"name", page.name}, {"about", page.about}, {"actions", std::move(actions)}};
}

int list(Shell& shell, bool as_json) {
  const std::vector<ConnectorPage> pages = load_pages(shell);
  if (as_json) {
    boost::json::array rows;
    for (const ConnectorPage& page : pages) rows.push_back(json_of(page));
    const boost::json::value all(boost::json::object{{"connectors", std::move(rows)}});
    return print_json(shell, all);
  }
  std::size_t widest = 0;
  for (const ConnectorPage& page : pages) widest = std::max(widest, page.name.size());
  const std::string indent(widest + 2, ' ');
  for (const ConnectorPage& page : pages) {
    shell.out() << page.name << std::string(widest + 2 - page.name.size(), ' ') << page.about << "\n"
                << indent << joined(page.actions) << "\n";
  }
  return exit_code::ok;
}

int show(Shell& shell, const std::vector<std::string>& names) {
  const std::vector<ConnectorPage> pages = load_pages(shell);
  bool first = true;
  for (const std::string& name : names) {
    const auto page = std::ranges::find(pages, name, &ConnectorPage::name);
    if (page == pages.end()) throw Failure(exit_code::data, "there is no connector \"" + name + "\"");
    if (!first) shell.out() << "\n";
    shell.out() << page->manual;
    first = false;
  }
  return exit_code::ok;
}

int test(Shell& shell, const Options& options) {
  const TestReport report = shell.hooks.test_connectors(config_if_any(shell), options.names);
  if (!options.names.empty() && report.tests.empty() && !report.problems.has_errors())
    throw Failure(exit_code::data, "there is no connector of that name with tests");
  return print_report(shell, report, options.as_json);
}

}  // namespace

void add_connectors(CLI::App& app, Shell& shell) {
  CLI::App* connectors = add_verb(app, "connectors", "what destinations can be used, and their tests", "");
  connectors->require_subcommand(1);
  auto options = std::make_shared<Options>();

  CLI::App* lister = add_verb(*connectors, "list", "the connectors and their actions", "  chatrelay connectors list");
  lister->add_flag("--json", options->as_json, "print the list as JSON");
  lister->callback([&shell, options] { shell.action = [&shell, options] { return list(shell, options->as_json); }; });

  CLI::App* shower = add_verb(*connectors, "show", "a connector's manual: what to set up, its settings and actions",
                              "  chatrelay connectors show webhook");
  shower->add_option("NAME", options->names, "which connectors")->required();
  shower->callback([&shell, options] { shell.action = [&shell, options] { return show(shell, options->names); }; });

  CLI::App* tester = add_verb(*connectors, "test", "run the tests inside the connectors",
                              "  chatrelay connectors test\n"
                              "  chatrelay connectors test webhook");
  tester->add_option("NAME", options->names, "only these connectors");
  tester->add_flag("--json", options->as_json, "print the results as JSON");
  tester->callback([&shell, options] { shell.action = [&shell, options] { return test(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
