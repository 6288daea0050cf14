// chatrelay links CHAT | --remote ID
#include "admin/cli/links.hpp"

#include <ostream>

#include "admin/cli/listing.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::cli {
namespace {

Table back_table() {
  return Table({{"CHATS", false, true},
                {"SOURCE", false, true},
                {"DESTINATION", false, true},
                {"SCOPE", false, false},
                {"KEY", false, true},
                {"VALUE", false, true},
                {"VISITOR", false, true},
                {"EVENT", true, false},
                {"SAVED", false, false}});
}

std::vector<std::string> back_row(const json::value& link) {
  std::string chats;
  for (const json::value& chat : rows_of(link, "chats"))
    chats += (chats.empty() ? "" : ", ") + cell(json::object{{"chat", chat}}, "chat");
  return {chats.empty() ? "-" : chats, cell(link, "source"),    cell(link, "destination"),
          cell(link, "scope"),         cell(link, "key"),       cell(link, "value"),
          cell(link, "visitor_id"),    cell(link, "event_seq"), time_cell(link, "saved_at")};
}

struct Options {
  std::string chat, source, remote, destination, key;
  bool as_json = false;
};

int print(Shell& shell, const Options& options) {
  if (options.chat.empty() == options.remote.empty())
    throw Failure(exit_code::usage, "say either which chat, or --remote ID: see chatrelay links --help");
  AdminClient client(shell);
  Query query;
  if (options.remote.empty()) {
    const std::string source = options.source.empty() ? source_of_chat(client, options.chat) : options.source;
    query = {{"source", source}, {"chat", options.chat}};
  } else {
    query = {{"remote", options.remote}, {"destination", options.destination}, {"key", options.key}};
  }
  const auto answer = client.get("/api/links", query);
  if (options.as_json) return print_json(shell, answer);
  if (!options.remote.empty()) {
    Table table = back_table();
    for (const json::value& link : rows_of(answer, "links")) table.add(back_row(link));
    if (table.empty())
      shell.out() << "no chat is known by " << clean(options.remote) << "\n";
    else
      table.print(shell.out(), shell.terminal.width);
    return exit_code::ok;
  }
  if (rows_of(answer, "links").empty()) shell.out() << "no destination remembers anything of this chat\n";
  print_links(shell, answer);
  return exit_code::ok;
}

}  // namespace

void print_links(Shell& shell, const json::value& object) {
  Table table({{"DESTINATION", false, true},
               {"SCOPE", false, false},
               {"THREAD", false, true},
               {"KEY", false, true},
               {"VALUE", false, true},
               {"EVENT", true, false},
               {"SAVED", false, false}});
  for (const json::value& link : rows_of(object, "links"))
    table.add({cell(link, "destination"), cell(link, "scope"), cell(link, "thread_id"), cell(link, "key"),
               cell(link, "value"), cell(link, "event_seq"), time_cell(link, "saved_at")});
  if (!table.empty()) table.print(shell.out(), shell.terminal.width);
}

std::string source_of_chat(AdminClient& client, const std::string& chat) {
  const auto page = client.get("/api/chats", {{"chat", chat}, {"limit", "2"}});
  const auto& rows = rows_of(page, "chats");
  if (rows.empty()) throw Failure(exit_code::data, "there is no chat " + clean(chat));
  if (rows.size() > 1)
    throw Failure(exit_code::usage,
                  "several sources have a chat " + clean(chat) + ": say which one with --source NAME");
  return string_at(rows.front(), "source").value_or("");
}

void add_links(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(app, "links", "which record a chat became at each destination, and back",
                            "  chatrelay links PJ0MRSHTDG\n"
                            "  chatrelay links --remote 1503712            which chats are this contact's\n"
                            "  chatrelay links --remote 1700000000.0001 --destination team --json");
  auto options = std::make_shared<Options>();
  CLI::Option* chat = verb->add_option("CHAT", options->chat, "a chat's id");
  verb->add_option("--source", options->source, "the source it came from (needed if several have this id)");
  CLI::Option* remote =
      verb->add_option("--remote", options->remote, "an id at a destination: a contact, a ticket, a thread");
  verb->add_option("--destination", options->destination, "only at this destination")->needs(remote);
  verb->add_option("--key", options->key, "only under this key, for example contact_id")->needs(remote);
  verb->add_flag("--json", options->as_json, "print the answer of the API as JSON");
  chat->excludes(remote);
  verb->callback([&shell, options] { shell.action = [&shell, options] { return print(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
