// chatrelay events list|show|tail
#include <ostream>

#include "admin/cli/links.hpp"
#include "admin/cli/listing.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::cli {
namespace {

std::vector<std::string> event_row(const json::value& event) {
  const json::value* planned = find(event, "planned");
  std::string type = cell(event, "type");
  if (planned && planned->is_bool() && !planned->get_bool()) type = "(waits to be planned)";
  if (const std::size_t parts = rows_of(event, "parts").size(); parts > 1) type += " +" + std::to_string(parts - 1);
  return {cell(event, "seq"),     time_cell(event, "received_at"), cell(event, "source"),  type,
          cell(event, "chat_id"), cell(event, "deliveries"),       cell(event, "failures")};
}

Table event_table() {
  return Table({{"EVENT", true, false},
                {"RECEIVED", false, false},
                {"SOURCE", false, true},
                {"TYPE", false, true},
                {"CHAT", false, true},
                {"DELIVERIES", true, false},
                {"FAILURES", true, false}});
}

void print_event(Shell& shell, const json::value& event) {
  std::string types;
  for (const json::value& part : rows_of(event, "parts"))
    types +=
        (types.empty() ? "" : ", ") + cell(part, "type") + (cell(part, "suppressed") == "true" ? " (nothing new)" : "");
  print_facts(shell, {{"event", cell(event, "seq")},
                      {"id", cell(event, "id")},
                      {"source", cell(event, "source")},
                      {"type", types.empty() ? "(waits to be planned)" : types},
                      {"received", time_cell(event, "received_at")},
                      {"chat", cell(event, "chat_id")},
                      {"thread", cell(event, "thread_id")},
                      {"content type", cell(event, "content_type")}});
  if (const json::value* decoded = find(event, "events")) {
    shell.out() << "\nAs rules see it (without what earlier events told):\n";
    if (decoded->is_array())
      shell.out() << pretty_json(*decoded) << "\n";
    else
      shell.out() << "its source is not configured now\n";
  }
  if (const json::value* raw = find(event, "raw"))
    shell.out() << "\nAs it came, secrets removed:\n" << pretty_json(*raw) << "\n";
  for (const json::value& failure : rows_of(event, "failures"))
    shell.out() << "\nFAILED  rule \"" << cell(failure, "rule") << "\" (" << cell(failure, "where")
                << "): " << cell(failure, "reason") << "\n";
  if (!rows_of(event, "links").empty()) shell.out() << "\n";
  print_links(shell, event);
  Table deliveries = delivery_table();
  for (const json::value& delivery : rows_of(event, "deliveries")) deliveries.add(delivery_row(delivery));
  shell.out() << (deliveries.empty() ? "\nno deliveries\n" : "\n");
  if (!deliveries.empty()) deliveries.print(shell.out(), shell.terminal.width);
}

int show(Shell& shell, const std::string& id, bool as_json) {
  const auto event = AdminClient(shell).get("/api/events" + segment(id));
  if (as_json) return print_json(shell, event);
  print_event(shell, event);
  return exit_code::ok;
}

// One line as soon as an event is there; the columns have fixed widths, since what comes next is not known.
void print_tail_line(Shell& shell, const json::value& event) {
  if (const auto notice = string_at(event, "notice")) {
    shell.out() << "(" << clean(*notice) << ")" << std::endl;
    return;
  }
  const auto row = event_row(event);
  const auto fixed = [](const std::string& text, std::size_t width) {
    const std::string cut = cut_to_width(text, width);
    return cut + std::string(width - std::min(width, display_width(cut)), ' ');
  };
  shell.out() << fixed(row[0], 8) << "  " << row[1] << "  " << fixed(row[2], 12) << "  " << fixed(row[3], 24) << "  "
              << fixed(row[4], 16) << "  " << row[5] << " deliveries"
              << (row[6] == "0" || row[6] == "-" ? "" : ", " + row[6] + " FAILED") << std::endl;
}

int tail(Shell& shell, const Filters& filters, bool failures, bool as_json) {
  Query query = filters.query();
  if (failures) query.emplace_back("failures", "true");
  AdminClient(shell).follow("/api/events/tail", query, [&](const json::value& event) {
    if (as_json)
      shell.out() << compact_json(event) << std::endl;
    else
      print_tail_line(shell, event);
    return static_cast<bool>(shell.out());
  });
  return exit_code::ok;
}

struct ListOptions {
  Listing listing;
  bool failures = false;
};
struct ShowOptions {
  std::string id;
  bool as_json = false;
};
struct TailOptions {
  Filters filters;
  bool failures = false, as_json = false;
};

void add_list(CLI::App& events, Shell& shell) {
  CLI::App* verb = add_verb(events, "list", "what arrived, newest first",
                            "  chatrelay events list --since 1h\n"
                            "  chatrelay events list --source livechat --type offline_message --json\n"
                            "  chatrelay events list --failures        events on which a rule failed");
  auto options = std::make_shared<ListOptions>();
  Filters& filters = options->listing.filters;
  filters.option(*verb, "source", "only from this source");
  filters.option(*verb, "type", "only this type, for example incoming_chat");
  filters.option(*verb, "chat", "only of this chat id");
  filters.option(*verb, "since", time_help);
  filters.option(*verb, "until", time_help);
  verb->add_flag("--failures", options->failures, "only events on which a rule failed");
  options->listing.add_to(*verb);
  verb->callback([&shell, options] {
    shell.action = [&shell, options] {
      const std::string path = options->failures ? "/api/events?failures=true" : "/api/events";
      return print_listing(shell, options->listing, path, "events", event_table(), event_row);
    };
  });
}

}  // namespace

void add_events(CLI::App& app, Shell& shell) {
  CLI::App* events = add_verb(app, "events", "what arrived", "");
  events->require_subcommand(1);
  add_list(*events, shell);

  CLI::App* show_verb =
      add_verb(*events, "show", "one event: decoded, as it came, what rules made of it",
               "  chatrelay events show 1234\n  chatrelay events show 01JD3Z5K8Q0000000000000001 --json");
  auto show_options = std::make_shared<ShowOptions>();
  show_verb->add_option("EVENT", show_options->id, "its number or its id")->required();
  show_verb->add_flag("--json", show_options->as_json, "print the answer of the API as JSON");
  show_verb->callback([&shell, show_options] {
    shell.action = [&shell, show_options] { return show(shell, show_options->id, show_options->as_json); };
  });

  CLI::App* tail_verb =
      add_verb(*events, "tail", "what arrives, as it arrives, until interrupted",
               "  chatrelay events tail --source livechat\n  chatrelay events tail --failures --json");
  auto tail_options = std::make_shared<TailOptions>();
  tail_options->filters.option(*tail_verb, "source", "only from this source");
  tail_options->filters.option(*tail_verb, "type", "only this type");
  tail_options->filters.option(*tail_verb, "chat", "only of this chat id");
  tail_verb->add_flag("--failures", tail_options->failures, "only events on which a rule failed");
  tail_verb->add_flag("--json", tail_options->as_json, "print JSON lines");
  tail_verb->callback([&shell, tail_options] {
    shell.action = [&shell, tail_options] {
      return tail(shell, tail_options->filters, tail_options->failures, tail_options->as_json);
    };
  });
}

}  // namespace chatrelay::admin::cli
