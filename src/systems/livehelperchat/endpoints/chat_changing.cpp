// Changing chats: PUT and DELETE chat/{id}, setchatstatus, updatechatattributes, closechatasvisitor.
#include <utility>

#include "common/json.hpp"
#include "common/text.hpp"
#include "http/address.hpp"
#include "systems/livehelperchat/endpoints/chat_edit.hpp"
#include "systems/livehelperchat/endpoints/chat_handlers.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr const char* closed_by_visitor = "Visitor has closed the chat";

conversations::SaveVisitor save_of(const conversations::Call& call, const FoundChat& chat) {
  conversations::SaveVisitor save;
  save.call = call;
  save.token = chat.visitor.token;  // known: nobody is made
  return save;
}

conversations::EndRoom end_of(Api& api, const Ask& ask, const FoundChat& chat) {
  conversations::EndRoom end;
  end.call = api.call(ask);
  end.room_id = chat.room.id;
  end.new_message_id = new_id();
  end.author = operator_author(api, ask);
  return end;
}

// An open status changes the chat, 2 ends it.
void take_status(Api& api, const Ask& ask, const FoundChat& chat, const std::string& name, ChatEdit& edit) {
  if (name == "closed")
    edit.end = end_of(api, ask, chat);
  else
    edit.change.status = name;
}

ChatEdit begin_edit(Api& api, const Ask& ask, const FoundChat& chat) {
  ChatEdit edit;
  edit.change.call = api.call(ask);
  edit.change.room_id = chat.room.id;
  return edit;
}

// The columns that PUT chat may change. What is wrong is told; nothing is changed then.
std::optional<std::string> read_columns(Api& api, const Ask& ask, const FoundChat& chat, ChatEdit& edit) {
  edit.change.hidden = chat_columns(ask.fields);
  conversations::SaveVisitor save = save_of(edit.change.call, chat);
  save.name = ask.field("nick");
  save.email = ask.field("email");
  save.phone = ask.field("phone");
  if (const auto ip = ask.field("ip"))
    if (const auto address = http::parse_address(trim(*ip))) save.ip = address->to_string();
  if (save.name || save.email || save.phone || save.ip) edit.visitor = std::move(save);
  if (const auto department = ask.field("dep_id")) {
    const std::int64_t number = Ask::integer(*department);
    const bool is_known = api.serving().departments.empty() || api.serving().department(number);
    if (number <= 0 || !is_known || !ask.account->sees(number)) return "Please choose a department";
    edit.change.department = std::to_string(number);
  }
  if (const auto user = ask.field("user_id")) {
    const std::int64_t number = Ask::integer(*user);
    edit.change.agent.emplace();
    if (number > 0) edit.change.agent->id = std::to_string(number);
  }
  if (const auto status = ask.field("status")) {
    const std::optional<std::string> name = status_said(*status);
    if (!name) return "Unknown status!";
    take_status(api, ask, chat, *name, edit);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> status_said(std::string_view text) {
  const std::string_view digits = trim(text);
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
  return status_name(Ask::integer(digits));
}

awaitable<Reply> put_chat(Api& api, Ask& ask) {
  ChatOrReply found = chat_for(api, ask, Ask::integer(ask.ordered(0)), Access::use);
  if (found.reply) co_return std::move(*found.reply);
  ChatEdit edit = begin_edit(api, ask, *found.chat);
  if (const auto fault = read_columns(api, ask, *found.chat, edit)) co_return failed(ask.shape(), *fault);
  auto pending = api.run(std::move(edit), &edit_chat);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer) co_return refused(ask.shape(), answer->refusal);
  const conversations::OpenedRoom& changed = *answer->value;
  api.ring(changed.room.id);
  co_return done(chat_record(changed.room, changed.visitor, user_of(api), ChatShape::record));
}

awaitable<Reply> delete_chat(Api& api, Ask& ask) {
  ChatOrReply found = chat_for(api, ask, Ask::integer(ask.ordered(0)), Access::use);
  if (found.reply) co_return std::move(*found.reply);
  conversations::RemoveRoom command;
  command.call = api.call(ask);
  command.room_id = found.chat->room.id;
  command.author = operator_author(api, ask);
  auto pending = api.run(std::move(command), &conversations::remove_room);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer) co_return refused(ask.shape(), answer->refusal);
  api.ring(answer->value->room.id);
  co_return done(true);
}

awaitable<Reply> set_chat_status(Api& api, Ask& ask) {
  const std::optional<std::string> name = status_said(ask.said("status").value_or(""));
  ChatOrReply found = chat_for(api, ask, Ask::integer(ask.said("chat_id").value_or("")), Access::use);
  if (found.reply) co_return std::move(*found.reply);
  if (!name) co_return failed(ask.shape(), "Unknown status!");
  ChatEdit edit = begin_edit(api, ask, *found.chat);
  take_status(api, ask, *found.chat, *name, edit);
  auto pending = api.run(std::move(edit), &edit_chat);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer) co_return refused(ask.shape(), answer->refusal);
  api.ring(answer->value->room.id);
  co_return done("Status changed!");
}

// By whoever knows the chat's hash. What is told becomes the visitor's custom fields too, for rules to see.
awaitable<Reply> update_chat_attributes(Api& api, Ask& ask) {
  const Result<std::optional<FoundChat>> found = find_chat(api, Ask::integer(ask.said("chat_id").value_or("")));
  if (!found) co_return broken(ask.shape(), found.error());
  if (!*found || !opens((**found).room, ask.said("hash").value_or(""))) co_return failed(ask.shape(), hash_wrong);
  const FoundChat& chat = **found;
  json::value data;
  if (const json::value* given = ask.fields.if_contains("data"); given && given->is_structured()) data = *given;
  if (const auto text = ask.field("data"); text && data.is_null())
    if (Result<json::value> parsed = parse_json(*text)) data = std::move(*parsed);
  const json::value* there = chat.room.hidden.if_contains("additional_data");
  const auto merged =
      additional_data(data, there && there->is_string() ? std::string_view(there->get_string()) : std::string_view());
  if (!merged) co_return failed(ask.shape(), "Could not parse data!");
  ChatEdit edit = begin_edit(api, ask, chat);
  edit.change.hidden["additional_data"] = *merged;
  edit.visitor = save_of(edit.change.call, chat);
  for (auto& [name, value] : attributes_of(data))
    edit.visitor->custom.push_back({std::move(name), json::value(value), true});
  auto pending = api.run(std::move(edit), &edit_chat);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer) co_return refused(ask.shape(), answer->refusal);
  json::object body;
  body["stored"] = "true";
  co_return Reply(std::move(body));
}

// No account: the hash is what it takes. A chat that is not there and a wrong hash look alike.
awaitable<Reply> close_chat_as_visitor(Api& api, Ask& ask) {
  const Result<std::optional<FoundChat>> found = find_chat(api, Ask::integer(ask.said("chat_id").value_or("")));
  if (!found) co_return broken(ask.shape(), found.error());
  if (!*found || !opens((**found).room, ask.said("hash").value_or(""))) co_return failed(ask.shape(), chat_unknown);
  const FoundChat& chat = **found;
  conversations::CloseRoom command;
  command.call = api.call(ask);
  command.token = chat.visitor.token;
  command.room_id = chat.room.id;
  command.comment = closed_by_visitor;
  command.new_message_id = new_id();
  auto pending = api.run(std::move(command), &conversations::close_room);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer && answer->refusal != conversations::Refusal::room_closed)
    co_return refused(ask.shape(), answer->refusal);
  if (*answer) api.ring(answer->value->room.id);
  co_return done(true);
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
