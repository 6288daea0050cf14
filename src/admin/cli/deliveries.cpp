// chatrelay deliveries list|show|retry|cancel
#include <ostream>

#include "admin/cli/listing.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::cli {
namespace {

void add_filters(Filters& filters, CLI::App& verb) {
  filters.option(verb, "destination", "only to this destination");
  filters.option(verb, "rule", "only of this rule");
  filters.option(verb, "state",
                 "only in these states: pending, deferred, held, delivered, dead, cancelled (several with commas)");
  filters.option(verb, "event", "only of this event");
  filters.option(verb, "source", "with --chat: only of this chat");
  filters.option(verb, "chat", "with --source: only of this chat");
  filters.option(verb, "since", time_help);
  filters.option(verb, "until", time_help);
}

void print_delivery(Shell& shell, const json::value& delivery) {
  print_facts(shell, {{"delivery", cell(delivery, "seq")},
                      {"id", cell(delivery, "id")},
                      {"event", cell(delivery, "event_seq")},
                      {"event id", cell(delivery, "event_id")},
                      {"rule", cell(delivery, "rule")},
                      {"destination", cell(delivery, "destination")},
                      {"action", cell(delivery, "action")},
                      {"state", cell(delivery, "state")},
                      {"reason", cell(delivery, "reason")},
                      {"note", cell(delivery, "note")},
                      {"created", time_cell(delivery, "created_at")},
                      {"due", time_cell(delivery, "due_at")},
                      {"finished", time_cell(delivery, "finished_at")}});
  if (const json::value* payload = find(delivery, "payload"))
    shell.out() << "\nWhat is sent:\n" << pretty_json(*payload) << "\n";
  Table tries({{"TRY", true, false},
               {"STARTED", false, false},
               {"TOOK", true, false},
               {"OUTCOME", false, false},
               {"STATUS", true, false},
               {"REASON", false, true},
               {"ANSWER", false, true}});
  for (const json::value& one : rows_of(delivery, "tries")) {
    tries.add({cell(one, "number"), time_cell(one, "started_at"), cell(one, "took_ms") + "ms", cell(one, "outcome"),
               cell(one, "status"), cell(one, "reason"), cell(one, "response")});
  }
  shell.out() << (tries.empty() ? "\nnot tried yet\n" : "\n");
  if (!tries.empty()) tries.print(shell.out(), shell.terminal.width);
}

struct ShowOptions {
  std::string id;
  bool as_json = false;
};

int show(Shell& shell, const ShowOptions& options) {
  const auto delivery = AdminClient(shell).get("/api/deliveries" + segment(options.id));
  if (options.as_json) return print_json(shell, delivery);
  print_delivery(shell, delivery);
  return exit_code::ok;
}

// retry and cancel: by ids, or by a filter.
struct ChangeOptions {
  std::vector<std::string> ids;
  Filters filters;
  std::size_t limit = 0;
  std::string reason;
  bool as_json = false;
};

int change(Shell& shell, const std::string& verb, const std::string& done, const ChangeOptions& options) {
  json::object body;
  if (!options.ids.empty()) body["ids"] = json::value_from(options.ids);
  if (auto filter = options.filters.object(); !filter.empty()) body["filter"] = std::move(filter);
  if (body.size() != 1)
    throw Failure(exit_code::usage, "name deliveries, or give a filter such as --destination NAME; not both");
  if (options.limit) body["limit"] = options.limit;
  if (!options.reason.empty()) body["reason"] = options.reason;
  const auto answer = AdminClient(shell).post("/api/deliveries/" + verb, body);
  if (options.as_json) return print_json(shell, answer);
  shell.out() << done << " " << cell(answer, "changed") << " of " << cell(answer, "matched") << " deliveries\n";
  if (cell(answer, "more") == "true")
    shell.out() << "There are more that fit: run the same command again, or raise --limit (at most 10000).\n";
  return exit_code::ok;
}

void add_change(CLI::App& deliveries, Shell& shell, const std::string& name, const std::string& done,
                const std::string& what, const std::string& examples) {
  CLI::App* verb = add_verb(deliveries, name, what, examples);
  auto options = std::make_shared<ChangeOptions>();
  verb->add_option("DELIVERY", options->ids, "numbers or ids of deliveries");
  add_filters(options->filters, *verb);
  verb->add_option("--limit", options->limit, "how many at most when a filter is given (100)")
      ->check(CLI::Range(1, 10'000));
  if (name == "cancel") verb->add_option("--reason", options->reason, "is kept with the deliveries");
  verb->add_flag("--json", options->as_json, "print the answer of the API as JSON");
  verb->callback([&shell, options, name, done] {
    shell.action = [&shell, options, name, done] { return change(shell, name, done, *options); };
  });
}

}  // namespace

void add_deliveries(CLI::App& app, Shell& shell) {
  CLI::App* deliveries = add_verb(app, "deliveries", "what was sent, every attempt, dead letters", "");
  deliveries->require_subcommand(1);

  CLI::App* list = add_verb(*deliveries, "list", "deliveries, newest first",
                            "  chatrelay deliveries list --state dead\n"
                            "  chatrelay deliveries list --destination crm --state pending,deferred,held --json");
  auto listing = std::make_shared<Listing>();
  add_filters(listing->filters, *list);
  listing->add_to(*list);
  list->callback([&shell, listing] {
    shell.action = [&shell, listing] {
      return print_listing(shell, *listing, "/api/deliveries", "deliveries", delivery_table(), delivery_row);
    };
  });

  CLI::App* verb =
      add_verb(*deliveries, "show", "one delivery: what is sent, and every attempt",
               "  chatrelay deliveries show 4711\n  chatrelay deliveries show 01JD3Z5K8Q0000000000000001 --json");
  auto options = std::make_shared<ShowOptions>();
  verb->add_option("DELIVERY", options->id, "its number or its id")->required();
  verb->add_flag("--json", options->as_json, "print the answer of the API as JSON");
  verb->callback([&shell, options] { shell.action = [&shell, options] { return show(shell, *options); }; });

  add_change(
      *deliveries, shell, "retry", "retried",
      "try again: a finished one goes to the end of its lane, a deferred or held one is due now. A filter without "
      "--state means dead letters",
      "  chatrelay deliveries retry 4711 4712\n  chatrelay deliveries retry --destination crm --since 1d --limit 1000");
  add_change(*deliveries, shell, "cancel", "cancelled",
             "give up; the lane goes on. A filter without --state means all that are open",
             "  chatrelay deliveries cancel 4711 --reason \"sent by hand\"\n  chatrelay deliveries cancel "
             "--destination crm --state held");
}

}  // namespace chatrelay::admin::cli
