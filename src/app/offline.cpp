#include "app/offline.hpp"

#include <algorithm>
#include <future>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "app/daemon.hpp"
#include "app/registry.hpp"
#include "app/setup.hpp"
#include "common/ids.hpp"
#include "common/room_bell.hpp"
#include "common/text.hpp"
#include "destinations/connector/inline_tests.hpp"
#include "destinations/connector/manual.hpp"
#include "destinations/connector/registry.hpp"
#include "http/client.hpp"
#include "rules/test_runner.hpp"
#include "store/memory/memory_store.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace chatrelay::app {

namespace {

namespace asio = boost::asio;
using admin::cli::CheckResult;
using admin::cli::TestReport;
using admin::cli::TestResult;

// Makes the destinations as serve would, on a loop that nobody runs; `probe` runs it until each has been tried.
void try_destinations(const Setup& setup, bool probe, config::Problems& problems) {
  asio::io_context context{1};
  http::Client client(context.get_executor(), http::Client::Options{});
  const SystemClock clock;
  // Never the configured store: the daemon may have it open.
  const auto store = store::make_memory_store(clock);
  RoomBell bell;
  const destinations::Context destination_context{
      context.get_executor(),  client, clock, setup.config().tables, "localhost", *store, bell,
      setup.config().store_key};
  auto made = setup.make_destinations(destination_context);
  if (!probe) return;
  for (const deliver::ConfiguredDestination& destination : made) {
    auto answer = asio::co_spawn(context, destination.destination->probe(), asio::use_future);
    context.restart();
    while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready && context.run_one() > 0) {
    }
    const Outcome outcome = answer.get();
    if (outcome.klass != OutcomeClass::ok)
      problems.add(destination.config.node.where(),
                   "destinations." + destination.config.name + " does not answer as it should: " + outcome.reason);
  }
}

// The shipped connectors are tried by `connectors test`; those of folders are the operator's own, and nobody else's.
void lint_own_connectors(const config::Config& config, config::Problems& problems) {
  config::Problems said_already;
  const auto own = destinations::connector::Registry::load({}, config.connectors, said_already);
  for (const auto& [name, file] : own->all()) destinations::connector::lint_connector(*file, problems);
}

CheckResult check(const std::string& config_file, bool online) {
  const auto setup = Setup::load(config_file, config::Environment::process());
  CheckResult result;
  config::Problems found;
  lint_own_connectors(setup->config(), found);
  if (!setup->problems().has_errors()) try_destinations(*setup, online, found);
  result.problems = setup->problems();
  result.problems.append(found);
  result.sources = setup->config().sources.size();
  result.destinations = setup->config().destinations.size();
  result.rules = setup->rules() ? setup->rules()->size() : 0;
  return result;
}

std::shared_ptr<const destinations::connector::Registry> load_connectors(const std::string& config_file,
                                                                         config::Problems& problems) {
  std::vector<std::string> folders;
  if (!config_file.empty())
    folders = config::load_config(config_file, problems, config::Environment::process()).connectors;
  return destinations::connector::Registry::load(destinations::connector::shipped_connectors(), folders, problems);
}

std::vector<admin::cli::ConnectorPage> connector_pages(const std::string& config_file, config::Problems& problems) {
  std::vector<admin::cli::ConnectorPage> pages;
  const auto registry = load_connectors(config_file, problems);
  for (const auto& [name, file] : registry->all()) {
    admin::cli::ConnectorPage page{name, file->about, {}, destinations::connector::manual_page(*file)};
    for (const auto& [action, about] : file->actions) page.actions.push_back(action);
    pages.push_back(std::move(page));
  }
  return pages;
}

TestReport test_connectors(const std::string& config_file, const std::vector<std::string>& files) {
  TestReport report;
  const auto registry = load_connectors(config_file, report.problems);
  for (const auto& [name, file] : registry->all()) {
    if (!files.empty() && std::find(files.begin(), files.end(), name) == files.end()) continue;
    const auto run = destinations::connector::run_inline_tests(*file);
    report.problems.append(run.uncovered);
    for (const auto& test : run.tests) {
      TestResult result{test.where.to_string(), name + ": " + test.name, test.differences.empty(), {}};
      for (const std::string& difference : test.differences) result.detail += difference + "\n";
      report.tests.push_back(std::move(result));
    }
  }
  return report;
}

// A recorded webhook goes the whole way that one from the outside goes: signed, admitted (secrets taken out), decoded.
Result<std::vector<Event>> decode_recorded(systems::Source& source, const std::string& name, std::string_view body,
                                           EventSeq seq, WallTime now) {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  const systems::Source::Signed sent = source.sign(std::string(body), now);
  systems::HookRequest request;
  request.path_secret = std::string_view(sent.path_suffix).substr(sent.path_suffix.empty() ? 0 : 1);
  request.body = sent.body;
  request.content_type = "application/json";
  request.headers = &sent.headers;
  request.header = [](const void* headers, std::string_view wanted) -> std::string_view {
    for (const auto& [key, value] : *static_cast<const Headers*>(headers))
      if (iequals_ascii(key, wanted)) return value;
    return {};
  };
  const std::string_view content_type = request.header_value("content-type");
  if (!content_type.empty()) request.content_type = content_type;
  systems::Verdict verdict = source.admit(request, now);
  if (verdict.rejected) return invalid("the daemon would refuse it: " + verdict.rejected->message);
  systems::StoredWebhook webhook;
  webhook.seq = seq;
  webhook.id = encode_ulid({now, 0, seq});
  webhook.source = name;
  webhook.received_at = now;
  webhook.body = std::move(verdict.accepted->body);
  webhook.content_type = std::move(verdict.accepted->content_type);
  return source.decode(webhook);
}

TestReport test_rules(const std::string& config_file, const std::vector<std::string>& files) {
  TestReport report;
  const auto environment = config::Environment::process();
  const auto setup = Setup::load(config_file, environment);
  report.problems = setup->problems();
  if (report.problems.has_errors()) return report;

  auto sources = setup->make_sources();
  const WallTime now = SystemClock().now();
  EventSeq seq = 0;
  const rules::Decode decode = [&](const std::string& name, std::string_view body) -> Result<std::vector<Event>> {
    const auto found = sources.find(name);
    if (found == sources.end()) return not_found("there is no source \"" + name + "\"");
    return decode_recorded(*found->second, name, body, ++seq, now);
  };
  const auto& config = setup->config();
  const auto run = rules::run_tests(files.empty() ? config.rules : files, config.rules, setup->catalog(), config.tables,
                                    decode, report.problems, environment);
  for (const rules::TestResult& test : run.tests)
    report.tests.push_back({test.where.to_string(), test.name, test.passed, test.details, test.skipped});
  return report;
}

}  // namespace

admin::cli::Hooks command_line_hooks() {
  admin::cli::Hooks hooks;
  hooks.serve = &serve;
  hooks.check = &check;
  hooks.test_rules = &test_rules;
  hooks.test_connectors = &test_connectors;
  hooks.connectors = &connector_pages;
  hooks.make_source = [](const config::SourceConfig& config, const boost::json::object& tables,
                         config::Problems& problems) {
    const systems::SourceKind* kind = find_source_kind(config.system);
    return kind ? kind->make(config, tables, problems) : nullptr;
  };
  hooks.restore = &store::sqlite::restore;
  return hooks;
}

}  // namespace chatrelay::app
