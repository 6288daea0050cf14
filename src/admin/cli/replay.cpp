// chatrelay replay
#include <ostream>

#include "admin/cli/listing.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::cli {
namespace {

struct Options {
  std::vector<std::string> events;
  Filters filters;
  std::string destination, rule;
  std::size_t limit = 0;
  bool dry_run = false, same_id = false, as_json = false;
};

// The planner takes a bounded slice at a time beside its other work.
constexpr Millis replay_limit = std::chrono::minutes(30);

void print_plans(Shell& shell, const json::value& answer) {
  const bool dry_run = cell(answer, "dry_run") == "true";
  Table table({{"EVENT", true, false},
               {"RULE", false, true},
               {"DESTINATION", false, true},
               {"ACTION", false, true},
               {dry_run ? "WOULD SEND" : "", false, true}});
  std::vector<std::string> failures;
  for (const json::value& plan : rows_of(answer, "plans")) {
    for (const json::value& delivery : rows_of(plan, "deliveries")) {
      const json::value* payload = find(delivery, "payload");
      table.add({cell(plan, "event_seq"), cell(delivery, "rule"), cell(delivery, "destination"),
                 cell(delivery, "action"), payload ? compact_json(*payload) : ""});
    }
    for (const json::value& failure : rows_of(plan, "failures"))
      failures.push_back("FAILED  event " + cell(plan, "event_seq") + ", rule \"" + cell(failure, "rule") + "\" (" +
                         cell(failure, "where") + "): " + cell(failure, "reason"));
  }
  if (!table.empty()) table.print(shell.out(), shell.terminal.width);
  for (const std::string& failure : failures) shell.out() << failure << "\n";
  if (dry_run)
    shell.out() << "dry run: " << cell(answer, "planned") << " deliveries of " << cell(answer, "events")
                << " events would be made\n";
  else
    shell.out() << cell(answer, "created") << " deliveries of " << cell(answer, "events") << " events made\n";
  if (cell(answer, "payloads_left_out") == "true")
    shell.out() << "Some of what would be sent is not shown: it was too much.\n";
  if (cell(answer, "more") == "true")
    shell.out() << "There are more events that fit: narrow --since and --until, or raise --limit (at most 10000).\n";
}

int replay(Shell& shell, const Options& options) {
  json::object body = options.filters.object();
  if (!options.events.empty()) body["events"] = json::value_from(options.events);
  if (body.empty()) throw Failure(exit_code::usage, "say which events: --event, or a filter such as --since 1h");
  if (!options.destination.empty()) body["destination"] = options.destination;
  if (!options.rule.empty()) body["rule"] = options.rule;
  if (options.limit) body["limit"] = options.limit;
  if (options.dry_run) body["dry_run"] = true;
  if (options.same_id) body["same_id"] = true;
  const auto answer = AdminClient(shell).post("/api/replay", body, replay_limit);
  if (options.as_json) return print_json(shell, answer);
  print_plans(shell, answer);
  return exit_code::ok;
}

}  // namespace

void add_replay(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(
      app, "replay", "plan and make the deliveries of past events again, by the rules of now",
      "  chatrelay replay --event 1234 --dry-run            print what would be sent\n"
      "  chatrelay replay --since 2h --destination crm      after an outage that lost something there\n"
      "  chatrelay replay --event 1234 --same-id            open the deliveries that exist again, with their ids");
  auto options = std::make_shared<Options>();
  verb->add_option("--event", options->events, "number or id of an event; may be repeated");
  options->filters.option(*verb, "since", time_help);
  options->filters.option(*verb, "until", time_help);
  options->filters.option(*verb, "type", "only events of this type");
  options->filters.option(*verb, "source", "only events from this source");
  options->filters.option(*verb, "chat", "only events of this chat id");
  verb->add_option("--destination", options->destination, "only deliveries to this destination");
  verb->add_option("--rule", options->rule, "only deliveries of this rule");
  verb->add_option("--limit", options->limit, "how many events at most when a filter is given (1000)")
      ->check(CLI::Range(1, 10'000));
  verb->add_flag("--dry-run", options->dry_run, "print the plan, make nothing");
  verb->add_flag("--same-id", options->same_id, "open the deliveries that exist again instead of making new ones");
  verb->add_flag("--json", options->as_json, "print the answer of the API as JSON");
  verb->callback([&shell, options] { shell.action = [&shell, options] { return replay(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
