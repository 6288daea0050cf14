// addmsguser, addmsgadmin, fetchchatmessages.
#include <utility>

#include "common/text.hpp"
#include "systems/livehelperchat/endpoints/chat_edit.hpp"
#include "systems/livehelperchat/endpoints/chat_handlers.hpp"
#include "systems/livehelperchat/endpoints/message_reading.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::string_view cannot_send = "You cannot send messages to this chat. Please refresh your browser.";
constexpr std::int64_t survey_shown = 5, contact_form = 2;  // status_sub: nothing may be sent
constexpr std::size_t name_characters_max = 100;            // of name_support
constexpr std::size_t operator_characters_max = 10'000;     // Limit: of what our side says; visitors have their own

// The fields that must be there, in the order in which Live Helper Chat looks for them.
std::optional<Reply> missing(const Ask& ask, std::initializer_list<const char*> names) {
  if (!ask.body_fault.empty()) return failed(ask.shape(), ask.body_fault);
  for (const char* name : names)
    if (!ask.field(name)) return failed(ask.shape(), "Required input field '" + std::string(name) + "' missing.");
  return std::nullopt;
}

Reply bad_length(const Ask& ask, std::size_t max) {
  return failed(ask.shape(), "Please enter a message, max characters - " + std::to_string(max));
}

bool is_bad_length(std::string_view text, std::size_t max) {
  return trim(text).empty() || character_count(text) > max;
}

std::int64_t status_sub(const conversations::RoomView& room) {
  const json::value* said = room.hidden.if_contains("status_sub");
  return said && said->is_int64() ? said->get_int64() : 0;
}

Reply posted(const conversations::MessageView& message, json::value chat, Api& api) {
  json::object body;
  body["error"] = false;
  body["r"] = "";
  body["msg"] = posted_record(message, std::move(chat), user_of(api));
  return Reply(std::move(body));
}

// The chat's hash opens it; without one it takes an account that sees it.
awaitable<ChatOrReply> chat_of_visitor(Api& api, Ask& ask) {
  ChatOrReply out;
  Result<std::optional<FoundChat>> found = find_chat(api, Ask::integer(ask.said("chat_id").value_or("")));
  if (!found) {
    out.reply = broken(ask.shape(), found.error());
    co_return out;
  }
  if (*found && opens((**found).room, ask.said("hash").value_or(""))) {
    out.chat = std::move(**found);
    co_return out;
  }
  auto pending = api.authenticate(ask);
  std::optional<Reply> refusal = co_await std::move(pending);
  if (refusal)
    out.reply = std::move(refusal);
  else if (!*found)
    out.reply = failed(ask.shape(), chat_unknown);
  else if (!may_read(ask, **found))
    out.reply = failed(ask.shape(), chat_unreadable);
  else
    out.chat = std::move(**found);
  co_return out;
}

awaitable<Reply> add_visitor_message(Api& api, Ask& ask) {
  if (auto fault = missing(ask, {"msg"})) co_return std::move(*fault);
  const auto max = static_cast<std::size_t>(api.serving().message_length_max);
  std::string text = repair_utf8(*ask.field("msg"));
  if (is_bad_length(text, max)) co_return bad_length(ask, max);
  auto looking = chat_of_visitor(api, ask);
  ChatOrReply found = co_await std::move(looking);
  if (found.reply) co_return std::move(*found.reply);
  const FoundChat& chat = *found.chat;
  const std::int64_t sub = status_sub(chat.room);
  if (!chat.room.open || sub == survey_shown || sub == contact_form) co_return failed(ask.shape(), cannot_send);
  conversations::PostMessage command;
  command.call = api.call(ask);
  command.token = chat.visitor.token;
  command.room_id = chat.room.id;
  command.new_id = new_id();
  command.text = std::move(text);
  auto pending = api.run(std::move(command), &conversations::post_message);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer) co_return refused(ask.shape(), answer->refusal);
  api.ring(answer->value->room.id);
  // A text here, as Live Helper Chat repeats what was posted.
  co_return posted(answer->value->message, json::value(std::to_string(chat.room.pk)), api);
}

// --- our side

struct SayAndEdit {
  conversations::Say say;
  std::optional<ChatEdit> edit;
};

conversations::Answer<conversations::PostedMessage> say_and_edit(store::Transaction& tx, const SayAndEdit& command) {
  // A closed chat takes no message: one that is to be open from now on is opened first. Said afterwards again, for an
  // operator's message makes a waiting chat active. The room is there: nothing of this is refused.
  if (command.edit && !command.edit->end) edit_chat(tx, *command.edit);
  auto said = conversations::say(tx, command.say);
  if (said && command.edit) edit_chat(tx, *command.edit);
  return said;
}

// Who speaks: sender is operator (also when missing, or another word), bot, system or whisper.
void read_sender(Api& api, const Ask& ask, conversations::Say& say) {
  const std::string sender = ask.field("sender").value_or("operator");
  const std::string name(trim(ask.field("operator_name").value_or("")));
  if (sender == "bot" || sender == "system") {
    say.author = author_of(sender == "bot" ? bot_kind : system_kind, name);
    if (sender == "system") say.audience = "agents";
  } else {
    const std::int64_t user = Ask::integer(ask.field("user_id").value_or(""));
    say.author = user > 0 ? author_of(user, name.empty() ? ask.account->user : name) : operator_author(api, ask, name);
    if (sender == "whisper" || is_whisper(ask.field("meta_msg").value_or(""))) say.audience = "agents";
    say.accepts = say.audience == "all";
  }
  say.author_username = say.author.name.value_or("");
}

awaitable<Reply> add_operator_message(Api& api, Ask& ask) {
  if (auto fault = missing(ask, {"chat_id", "msg"})) co_return std::move(*fault);
  ChatOrReply found = chat_for(api, ask, Ask::integer(*ask.field("chat_id")), Access::use);
  if (found.reply) co_return std::move(*found.reply);
  const FoundChat& chat = *found.chat;
  SayAndEdit command;
  conversations::Say& say = command.say;
  say.text = repair_utf8(*ask.field("msg"));
  if (is_bad_length(say.text, operator_characters_max)) co_return bad_length(ask, operator_characters_max);
  if (character_count(ask.field("operator_name").value_or("")) > name_characters_max)
    co_return failed(ask.shape(), "Maximum 100 characters for a name");
  const std::string meta = ask.field("meta_msg").value_or("");
  if (meta.size() > meta_bytes_max) co_return failed(ask.shape(), "meta_msg is too long");
  say.call = api.call(ask);
  say.room_id = chat.room.id;
  say.id = new_id();
  if (!meta.empty()) say.hidden["meta_msg"] = repair_utf8(meta);
  read_sender(api, ask, say);
  if (const auto status = ask.field("status"); status && !status->empty()) {
    const std::optional<std::string> name = status_said(*status);
    if (!name) co_return failed(ask.shape(), "Unknown status!");
    command.edit.emplace();
    command.edit->change.call = say.call;
    command.edit->change.room_id = chat.room.id;
    if (*name == "closed")
      command.edit->end = conversations::EndRoom{say.call, chat.room.id, "", new_id(), operator_author(api, ask)};
    else
      command.edit->change.status = *name;
  }
  auto pending = api.run(std::move(command), &say_and_edit);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer) co_return refused(ask.shape(), answer->refusal);
  api.ring(answer->value->room.id);
  co_return posted(answer->value->message, json::value(static_cast<std::int64_t>(chat.room.pk)), api);
}

// --- reading

// For clients that put it into a page as it is. BBCode stays text: nothing of what somebody wrote becomes markup.
void write_as_html(json::array& messages) {
  for (json::value& each : messages) {
    json::value& text = each.at("msg");
    std::string html;
    for (const char c : escape_html(text.as_string())) c == '\n' ? html.append("<br />") : html.append(1, c);
    text = html;
  }
}

// The hash shows what the visitor may see. So does an account without `lhchat,use`, and one that asks for no system
// messages: that is how programs of visitors ask.
awaitable<Reply> fetch_messages(Api& api, Ask& ask) {
  const bool has_hash = !ask.said("hash").value_or("").empty();
  auto looking = chat_of_visitor(api, ask);
  ChatOrReply found = co_await std::move(looking);
  if (found.reply) co_return std::move(*found.reply);
  const FoundChat& chat = *found.chat;
  if (has_hash && !opens(chat.room, *ask.said("hash"))) co_return failed(ask.shape(), hash_wrong);
  const bool without_system = ask.is_on("ignore_system_messages");
  const bool for_visitors = has_hash || without_system || !ask.may(use_permission, chat.department());
  const std::int64_t after = Ask::integer(ask.said("last_message_id").value_or(""));
  Result<MessagePage> page = messages_after(api, chat.room, after, for_visitors);
  if (!page) co_return broken(ask.shape(), page.error());
  if (ask.is_on("as_html")) write_as_html(page->messages);
  json::object result;
  result["messages"] = std::move(page->messages);
  result["ot"] = "";
  result["closed"] = !chat.room.open;
  result["check_status"] = chat.room.open && chat_status(chat.room) != ChatStatus::active;
  result["lmid"] = page->last_id;
  co_return done(std::move(result));
}

}  // namespace

namespace {

Route route(std::string_view view, Handler handler, Shape shape, std::string_view summary) {
  Route made;
  made.view = view;
  made.methods = {"POST"};
  made.handler = handler;
  made.shape = shape;
  made.summary = summary;
  return made;
}

}  // namespace

std::vector<Route> message_routes() {
  using In = Parameter::In;
  Route user = route("addmsguser", add_visitor_message, Shape::r_400, "A visitor's message");
  user.needs_account = user.formatted = false;
  user.parameters = {{"chat_id", In::field, "integer", true, "The chat"},
                     {"hash", In::field, "string", false, "The chat's; without it, an account is needed"},
                     {"msg", In::field, "string", true, "The text"}};
  Route admin = route("addmsgadmin", add_operator_message, Shape::r_400, "A message of our side");
  admin.formatted = false;
  admin.parameters = {{"chat_id", In::field, "integer", true, "The chat"},
                      {"msg", In::field, "string", true, "The text"},
                      {"sender", In::field, "string", false, "operator, bot, system or whisper"},
                      {"user_id", In::field, "integer", false, "The operator; else the account's"},
                      {"operator_name", In::field, "string", false, "The name that the visitor sees"},
                      {"meta_msg", In::field, "string", false, "JSON, given back as it is"},
                      {"status", In::field, "integer", false, "The chat's from now on, 0 to 5"}};
  Route fetch = route("fetchchatmessages", fetch_messages, Shape::result, "A chat's messages");
  fetch.methods = {"GET", "POST"};
  fetch.needs_account = false;
  fetch.parameters = {
      {"chat_id", In::query, "integer", true, "The chat"},
      {"hash", In::query, "string", false, "The chat's: shows what its visitor may see; else an account is needed"},
      {"last_message_id", In::query, "integer", false, "Those after it alone"},
      {"ignore_system_messages", In::query, "boolean", false, "Without system messages and whispers"},
      {"as_html", In::query, "boolean", false, "Texts escaped for HTML, with <br /> for line ends"}};
  return {user, admin, fetch};
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
