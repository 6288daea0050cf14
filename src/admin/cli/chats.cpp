// chatrelay chats list|show
#include <ostream>

#include "admin/cli/links.hpp"
#include "admin/cli/listing.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::cli {
namespace {

std::string visitor_text(const json::value& chat, const char* member) {
  const json::value* visitor = find(chat, "visitor");
  return visitor ? cell(*visitor, member) : "-";
}

std::vector<std::string> chat_row(const json::value& chat) {
  return {time_cell(chat, "active_at"), cell(chat, "source"),        cell(chat, "chat_id"), cell(chat, "status"),
          visitor_text(chat, "name"),   visitor_text(chat, "email"), cell(chat, "messages")};
}

Table chat_table() {
  return Table({{"ACTIVE", false, false},
                {"SOURCE", false, true},
                {"CHAT", false, true},
                {"STATUS", false, false},
                {"VISITOR", false, true},
                {"E-MAIL", false, true},
                {"MESSAGES", true, false}});
}

std::string author_of(const json::value& message) {
  const json::value* author = find(message, "author");
  if (!author) return "?";
  std::string who = cell(*author, "name");
  if (who == "-") who = cell(*author, "id");
  const std::string role = cell(*author, "role");
  return role == "-" ? who : who + " (" + role + ")";
}

// What was chosen may be several.
std::string answer_of(const json::value& field) {
  const json::array& chosen = rows_of(field, "value");
  if (chosen.empty()) return cell(field, "value");
  std::string text;
  for (const json::value& one : chosen) text += (text.empty() ? "" : ", ") + cell(json::object{{"one", one}}, "one");
  return text;
}

void print_message(Shell& shell, const json::value& message) {
  std::string marks;
  if (cell(message, "audience") == "agents") marks += " [agents only]";
  if (cell(message, "edited_at") != "-") marks += " [edited]";
  if (cell(message, "deleted") == "true") marks += " [deleted]";
  const std::string sent = time_cell(message, "sent_at");
  shell.out() << (sent == "-" ? "" : sent + "  ") << author_of(message) << marks << "\n";
  std::string text = clean_lines(string_at(message, "text").value_or(""));
  for (const json::value& file : rows_of(message, "files"))
    text += (text.empty() ? "" : "\n") + ("[file] " + cell(file, "name") + " " + cell(file, "url"));
  for (const json::value& field : rows_of(message, "form"))
    text += (text.empty() ? "" : "\n") + (cell(field, "label") + ": " + answer_of(field));
  if (text.empty()) text = "[" + cell(message, "kind") + "]";
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    shell.out() << "    " << line << "\n";
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
}

void print_chat(Shell& shell, const json::value& chat) {
  print_facts(shell, {{"chat", cell(chat, "chat_id")},
                      {"source", cell(chat, "source")},
                      {"thread", cell(chat, "thread_id")},
                      {"status", cell(chat, "status")},
                      {"visitor", visitor_text(chat, "name")},
                      {"e-mail", visitor_text(chat, "email")},
                      {"visitor id", visitor_text(chat, "id")},
                      {"started", time_cell(chat, "started_at")},
                      {"active", time_cell(chat, "active_at")}});
  shell.out() << "\n";
  for (const json::value& message : rows_of(chat, "transcript")) print_message(shell, message);
  if (rows_of(chat, "transcript").empty()) shell.out() << "no messages\n";
  if (!rows_of(chat, "links").empty()) shell.out() << "\n";
  print_links(shell, chat);
  Table deliveries = delivery_table();
  for (const json::value& delivery : rows_of(chat, "deliveries")) deliveries.add(delivery_row(delivery));
  shell.out() << (deliveries.empty() ? "\nno deliveries\n" : "\n");
  if (!deliveries.empty()) deliveries.print(shell.out(), shell.terminal.width);
}

struct ShowOptions {
  std::string id, source, thread;
  bool as_json = false;
};

int show(Shell& shell, const ShowOptions& options) {
  AdminClient client(shell);
  const std::string source = options.source.empty() ? source_of_chat(client, options.id) : options.source;
  const auto chat = client.get("/api/chats" + segment(source) + segment(options.id), {{"thread", options.thread}});
  if (options.as_json) return print_json(shell, chat);
  print_chat(shell, chat);
  return exit_code::ok;
}

}  // namespace

void add_chats(CLI::App& app, Shell& shell) {
  CLI::App* chats = add_verb(app, "chats", "conversations", "");
  chats->require_subcommand(1);

  CLI::App* list = add_verb(*chats, "list", "conversations, the last active ones first",
                            "  chatrelay chats list --visitor thomas@example.com\n"
                            "  chatrelay chats list --source livechat --state active --since 1d");
  auto listing = std::make_shared<Listing>();
  listing->filters.option(*list, "source", "only from this source");
  listing->filters.option(*list, "visitor", "a visitor's id, or a part of the name or e-mail address");
  listing->filters.option(*list, "state", "only in this state: queued, active, closed, bot, chatbox, operators");
  listing->filters.option(*list, "chat", "only this chat id");
  listing->filters.option(*list, "since", time_help);
  listing->filters.option(*list, "until", time_help);
  listing->add_to(*list);
  list->callback([&shell, listing] {
    shell.action = [&shell, listing] {
      return print_listing(shell, *listing, "/api/chats", "chats", chat_table(), chat_row);
    };
  });

  CLI::App* verb = add_verb(*chats, "show", "one chat: its transcript, links and deliveries",
                            "  chatrelay chats show PJ0MRSHTDG\n"
                            "  chatrelay chats show PJ0MRSHTDG --source livechat --thread K600PKZON8");
  auto options = std::make_shared<ShowOptions>();
  verb->add_option("CHAT", options->id, "the chat's id")->required();
  verb->add_option("--source", options->source, "the source it came from (needed if several have this id)");
  verb->add_option("--thread", options->thread, "only this thread of it");
  verb->add_flag("--json", options->as_json, "print the answer of the API as JSON");
  verb->callback([&shell, options] { shell.action = [&shell, options] { return show(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
