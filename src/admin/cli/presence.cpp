// chatrelay presence show|set
#include <ostream>

#include "admin/cli/listing.hpp"
#include "admin/cli/shell.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::cli {
namespace {

std::string online_word(const json::value& one) {
  return cell(one, "online") == "true" ? "online" : "offline";
}

// A list member as words with commas; "-" when it is empty.
std::string words(const json::value& object, std::string_view name) {
  std::string out;
  for (const json::value& one : rows_of(object, name)) {
    const std::string word = one.is_string() ? clean(one.get_string()) : json::serialize(one);
    out += (out.empty() ? "" : ", ") + word;
  }
  return out.empty() ? "-" : out;
}

std::string set_since(const json::value& one) {
  const json::value* set = find(one, "by_hand");
  return set && set->is_object() ? time_cell(*set, "since") : "-";
}

std::string departments_of(const json::value& user) {
  const std::string ids = words(user, "departments");
  return ids == "0" ? "all" : ids;
}

void print_users(Shell& shell, const json::value& shown) {
  Table table({{"USER", true, false},
               {"NAME", false, true},
               {"AGENT", false, true},
               {"STATE", false, false},
               {"BECAUSE OF", false, false},
               {"SET SINCE", false, false},
               {"ROUTING STATUS", false, false},
               {"DEPARTMENTS", false, true}});
  for (const json::value& user : rows_of(shown, "users"))
    table.add({cell(user, "id"), cell(user, "name"), cell(user, "agent"), online_word(user), cell(user, "reason"),
               set_since(user), cell(user, "routing_status"), departments_of(user)});
  if (table.empty()) return;
  shell.out() << "\n";
  table.print(shell.out(), shell.terminal.width);
}

void print_departments(Shell& shell, const json::value& shown) {
  Table table({{"DEPARTMENT", true, false},
               {"NAME", false, true},
               {"STATE", false, false},
               {"BECAUSE OF", false, false},
               {"SET SINCE", false, false}});
  for (const json::value& one : rows_of(shown, "departments"))
    table.add({cell(one, "id"), cell(one, "name"), online_word(one), words(one, "reasons"), set_since(one)});
  if (table.empty()) return;
  shell.out() << "\n";
  table.print(shell.out(), shell.terminal.width);
}

void print_schedules(Shell& shell, const json::value& shown) {
  Table table({{"SCHEDULE", false, true}, {"NOW", false, false}, {"UNTIL", false, false}, {"HOURS IN", false, false}});
  for (const json::value& one : rows_of(shown, "schedules"))
    table.add({cell(one, "name"), cell(one, "open") == "true" ? "open" : "closed", time_cell(one, "changes_at"),
               cell(one, "time_zone")});
  if (table.empty()) return;
  shell.out() << "\n";
  table.print(shell.out(), shell.terminal.width);
}

void print_upstream(Shell& shell, const json::value& shown) {
  const json::value* upstream = find(shown, "upstream");
  if (!upstream || !upstream->is_object()) return;
  const std::string age = cell(*upstream, "answered_seconds_ago");
  shell.out() << "\nupstream " << cell(*upstream, "url") << ": "
              << (age == "-" ? "has not answered yet" : online_word(*upstream) + ", answered " + age + " s ago")
              << "\n";
}

int show(Shell& shell, bool as_json) {
  const auto shown = AdminClient(shell).get("/api/presence");
  if (as_json) return print_json(shell, shown);
  if (cell(shown, "configured") != "true") {
    shell.out() << "the configuration has no presence\n";
    return exit_code::ok;
  }
  shell.out() << "all: " << online_word(shown) << " (" << words(shown, "reasons") << ")\n";
  print_departments(shell, shown);
  print_users(shell, shown);
  print_schedules(shell, shown);
  print_upstream(shell, shown);
  return exit_code::ok;
}

struct SetOptions {
  std::vector<std::string> words;  // [USER] STATE
  std::string user, department;
  bool as_json = false;
};

int set(Shell& shell, SetOptions options) {
  const std::string state = options.words.back();
  if (state != "online" && state != "offline" && state != "auto")
    throw Failure(exit_code::usage, "say online, offline or auto (no longer by hand) last");
  if (options.words.size() == 2) {
    if (!options.user.empty()) throw Failure(exit_code::usage, "the user is named twice");
    options.user = options.words.front();
  }
  if (!options.user.empty() && !options.department.empty())
    throw Failure(exit_code::usage, "name a user or a department, not both");
  json::object body{{"state", state}};
  if (!options.user.empty()) body["user"] = options.user;
  if (!options.department.empty()) body["department"] = options.department;
  const auto answer = AdminClient(shell).post("/api/presence", body);
  if (options.as_json) return print_json(shell, answer);
  const std::string id = cell(answer, "id");
  shell.out() << cell(answer, "what") << (id == "-" ? "" : " " + id) << " is " << online_word(answer)
              << (state == "auto" ? "" : ", by hand") << "\n";
  return exit_code::ok;
}

}  // namespace

void add_presence(CLI::App& app, Shell& shell) {
  CLI::App* presence = add_verb(app, "presence", "who is online and why; setting it by hand", "");
  presence->require_subcommand(1);

  CLI::App* show_verb = add_verb(*presence, "show", "everybody, every department and the hours",
                                 "  chatrelay presence show\n  chatrelay presence show --json");
  auto as_json = std::make_shared<bool>(false);
  show_verb->add_flag("--json", *as_json, "print the answer of the API as JSON");
  show_verb->callback([&shell, as_json] { shell.action = [&shell, as_json] { return show(shell, *as_json); }; });

  CLI::App* set_verb = add_verb(*presence, "set",
                                "set somebody, a department, or (naming neither) everything by hand, over a restart "
                                "too; auto ends it",
                                "  chatrelay presence set offline --user jo@example.com\n"
                                "  chatrelay presence set jo@example.com auto\n"
                                "  chatrelay presence set online --department 2\n"
                                "  chatrelay presence set offline");
  auto options = std::make_shared<SetOptions>();
  set_verb->add_option("STATE", options->words, "[USER] online|offline|auto")->required()->expected(1, 2);
  set_verb->add_option("--user", options->user, "a number, a username, an e-mail address or LiveChat's agent id");
  set_verb->add_option("--department", options->department, "a number");
  set_verb->add_flag("--json", options->as_json, "print the answer of the API as JSON");
  set_verb->callback([&shell, options] { shell.action = [&shell, options] { return set(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
