// chatrelay destinations status|pause|resume|test
#include <ostream>

#include "admin/cli/authorize.hpp"
#include "admin/cli/listing.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::cli {
namespace {

std::string state_of(const json::value& destination) {
  if (cell(destination, "configured") == "false") return "missing";
  if (cell(destination, "disabled") == "true") return "disabled";
  if (cell(destination, "paused") == "true") return "paused";
  const std::string circuit = cell(destination, "circuit");
  return circuit == "closed" || circuit == "-" ? "ok" : "circuit " + circuit;
}

std::vector<std::string> status_row(const json::value& destination) {
  const json::value none = json::object{};
  const json::value* found = find(destination, "backlog");
  const json::value& backlog = found ? *found : none;
  std::string note = cell(destination, "reason");
  if (const json::value* until = find(destination, "waits_until"); until && until->is_string())
    note = (note == "-" ? "" : note + "; ") + "waits until " + local_time(*until);
  if (note == "-") note = cell(destination, "description");
  return {cell(destination, "name"), state_of(destination), cell(backlog, "pending"),     cell(backlog, "deferred"),
          cell(backlog, "held"),     cell(backlog, "dead"), time_cell(backlog, "oldest"), note};
}

int status(Shell& shell, bool as_json) {
  const auto answer = AdminClient(shell).get("/api/destinations");
  if (as_json) return print_json(shell, answer);
  Table table({{"DESTINATION", false, true},
               {"STATE", false, false},
               {"PENDING", true, false},
               {"DEFERRED", true, false},
               {"HELD", true, false},
               {"DEAD", true, false},
               {"OLDEST OPEN", false, false},
               {"NOTE", false, true}});
  for (const json::value& destination : rows_of(answer, "destinations")) table.add(status_row(destination));
  if (table.empty())
    shell.out() << "no destinations\n";
  else
    table.print(shell.out(), shell.terminal.width);
  return exit_code::ok;
}

struct Options {
  std::vector<std::string> names;
  std::string reason;
  bool as_json = false;
  bool sends = false;
  std::string action;
  std::vector<std::string> with;  // KEY=VALUE
};

int switch_all(Shell& shell, const std::string& verb, const std::string& done, const Options& options) {
  AdminClient client(shell);
  for (const std::string& name : options.names) {
    json::object body;
    if (!options.reason.empty()) body["reason"] = options.reason;
    client.post("/api/destinations" + segment(name) + "/" + verb, body);
    shell.out() << done << " " << clean(name) << "\n";
  }
  return exit_code::ok;
}

json::object test_body(const Options& options) {
  json::object body;
  if (!options.sends) {
    if (!options.action.empty() || !options.with.empty())
      throw Failure(exit_code::usage, "--action and --with say what --send sends; write --send as well");
    return body;
  }
  if (options.names.size() != 1) throw Failure(exit_code::usage, "--send takes one destination");
  body["send"] = true;
  if (!options.action.empty()) body["action"] = options.action;
  json::object with;
  for (const std::string& pair : options.with) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Failure(exit_code::usage, "--with takes KEY=VALUE, not \"" + clean(pair) + "\"");
    with[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  body["with"] = std::move(with);
  return body;
}

int test(Shell& shell, const Options& options) {
  const json::object body = test_body(options);
  AdminClient client(shell);
  std::vector<std::string> names = options.names;
  if (names.empty()) {
    const auto all = client.get("/api/destinations");
    for (const json::value& destination : rows_of(all, "destinations"))
      if (cell(destination, "configured") == "true") names.push_back(string_at(destination, "name").value_or(""));
  }
  int code = exit_code::ok;
  json::array answers;
  for (const std::string& name : names) {
    auto answer = client.post("/api/destinations" + segment(name) + "/test", body, Millis{120'000});
    const bool well = cell(answer, "ok") == "true";
    if (!well) code = exit_code::failed;
    if (!options.as_json)
      shell.out() << (well ? "ok      " : "FAILED  ") << clean(name) << ": " << cell(answer, "reason") << "\n";
    answers.push_back(std::move(answer));
  }
  if (options.as_json) print_json(shell, answers);
  return code;
}

}  // namespace

void add_destinations(CLI::App& app, Shell& shell) {
  CLI::App* destinations =
      add_verb(app, "destinations", "where deliveries go: state and backlog, pause, resume, test", "");
  destinations->require_subcommand(1);

  CLI::App* status_verb = add_verb(*destinations, "status", "state, circuit and backlog of every destination",
                                   "  chatrelay destinations status --json");
  auto as_json = std::make_shared<bool>(false);
  status_verb->add_flag("--json", *as_json, "print the answer of the API as JSON");
  status_verb->callback([&shell, as_json] { shell.action = [&shell, as_json] { return status(shell, *as_json); }; });

  CLI::App* pause_verb = add_verb(*destinations, "pause", "hold back what goes there, until resumed",
                                  "  chatrelay destinations pause crm --reason \"maintenance until noon\"");
  auto pause_options = std::make_shared<Options>();
  pause_verb->add_option("NAME", pause_options->names, "destinations")->required();
  pause_verb->add_option("--reason", pause_options->reason, "is shown by status");
  pause_verb->callback([&shell, pause_options] {
    shell.action = [&shell, pause_options] { return switch_all(shell, "pause", "paused", *pause_options); };
  });

  CLI::App* resume_verb =
      add_verb(*destinations, "resume", "end a pause, or what disabled it; what waits leaves at a ramp",
               "  chatrelay destinations resume crm");
  auto resume_options = std::make_shared<Options>();
  resume_verb->add_option("NAME", resume_options->names, "destinations")->required();
  resume_verb->callback([&shell, resume_options] {
    shell.action = [&shell, resume_options] { return switch_all(shell, "resume", "resumed", *resume_options); };
  });

  CLI::App* test_verb = add_verb(
      *destinations, "test", "prove address, TLS and login; exit 1 if one fails. Nothing is delivered without --send",
      "  chatrelay destinations test\n  chatrelay destinations test mailbox\n"
      "  chatrelay destinations test team --send --with text=\"Hello from chatrelay\"");
  auto test_options = std::make_shared<Options>();
  test_verb->add_option("NAME", test_options->names, "destinations (all)");
  test_verb->add_flag("--send", test_options->sends, "deliver something written by hand, once and at once");
  test_verb->add_option("--action", test_options->action, "of the destination (its default)");
  test_verb->add_option("--with", test_options->with, "KEY=VALUE, of what the action takes; more than once");
  test_verb->add_flag("--json", test_options->as_json, "print the answers of the API as JSON");
  test_verb->callback(
      [&shell, test_options] { shell.action = [&shell, test_options] { return test(shell, *test_options); }; });

  add_authorize(*destinations, shell);
}

}  // namespace chatrelay::admin::cli
