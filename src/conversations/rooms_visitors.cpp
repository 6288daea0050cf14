// Commands about the visitor.
#include <utility>

#include "conversations/rooms_steps.hpp"

namespace chatrelay::conversations {

namespace {

// Notes what is said; whether that was news.
bool change(std::optional<std::string>& known, const std::optional<std::string>& said) {
  if (!said) return false;
  std::optional<std::string> wanted = kept_if(said, name_bytes_max);
  if (wanted->empty()) wanted.reset();
  if (known == wanted) return false;
  known = std::move(wanted);
  return true;
}

bool change_username(VisitorView& visitor, const std::optional<std::string>& said) {
  if (!said || said->empty()) return false;
  std::string wanted = kept(*said, name_bytes_max);
  if (visitor.username == wanted) return false;
  visitor.username = std::move(wanted);
  return true;
}

// A field that would not fit is not kept: those that are there already stay whole.
bool change_custom(json::object& known, const SaveVisitor::Custom& said) {
  if (said.key.size() > id_bytes_max) return false;
  const std::string key = kept(said.key, id_bytes_max);
  const json::value* before = known.if_contains(key);
  if (before && !said.overwrite) return false;
  std::optional<json::value> value = kept_custom(said.value);
  if (!value || (before && *before == *value)) return false;
  json::object wanted = known;
  wanted.insert_or_assign(key, std::move(*value));
  if (json::serialize(wanted).size() > custom_bytes_max) return false;
  known = std::move(wanted);
  return true;
}

}  // namespace

GuestNews take(VisitorView& visitor, const Guest& guest) {
  GuestNews news;
  news.is_news |= change(visitor.name, guest.name);
  news.is_news |= change(visitor.email, guest.email);
  news.is_news |= change(visitor.phone, guest.phone);
  for (const SaveVisitor::Custom& field : guest.custom) news.is_news |= change_custom(visitor.custom, field);
  news.has_moved |= change(visitor.ip, guest.ip);
  news.has_moved |= change(visitor.user_agent, guest.user_agent);
  news.has_moved |= change(visitor.timezone, guest.timezone);
  return news;
}

namespace {

// The event goes in the lane of the conversation that the visitor is in, if there is one.
void tell_of_visitor(store::Transaction& tx, const Call& call, const VisitorView& visitor, const char* type,
                     json::object activity) {
  const std::optional<RoomState> room = oldest_open_room(tx, visitor);
  Event event = event_of(type, call, visitor, room ? &*room : nullptr);
  event.activity = std::move(activity);
  tell(tx, call, std::move(event));
}

}  // namespace

// Retention goes by updated_at: who comes back now and then stays known, at a write a day.
bool is_stale(const VisitorView& visitor, const Call& call) {
  return call.now - visitor.updated_at > std::chrono::hours(24);
}

Answer<VisitorView> save_visitor(store::Transaction& tx, const SaveVisitor& command) {
  const Call& call = command.call;
  std::optional<VisitorView> known = find_visitor(tx, call, command.token);
  const bool is_new = !known;
  if (is_new) {
    if (!can_be_made(command.token, command.new_id)) return Refusal::unknown_visitor;
    known.emplace();
    known->id = command.new_id;
    known->token = command.token;
    known->created_at = call.now;
    known->status = "online";
  }
  VisitorView& visitor = *known;
  bool is_news = is_new;
  is_news |= change_username(visitor, command.username);
  is_news |= change(visitor.name, command.name);
  is_news |= change(visitor.email, command.email);
  is_news |= change(visitor.phone, command.phone);
  is_news |= change(visitor.department, command.department);
  for (const SaveVisitor::Custom& field : command.custom) is_news |= change_custom(visitor.custom, field);
  // Where somebody calls from may differ with each call: kept, and told with the next event.
  bool has_moved = change(visitor.ip, command.ip);
  has_moved |= change(visitor.user_agent, command.user_agent);
  if (is_news || has_moved || is_stale(visitor, call)) put(tx, call, visitor);
  if (is_news) tell_of_visitor(tx, call, visitor, event_type::visitor_updated, {});
  return visitor;
}

Answer<VisitorView> remove_visitor(store::Transaction& tx, const ByToken& command) {
  std::optional<VisitorView> visitor = find_visitor(tx, command.call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  if (oldest_open_room(tx, *visitor)) return Refusal::rooms_open;
  tx.remove_visitor(visitor->pk);
  return std::move(*visitor);
}

Answer<VisitorView> set_status(store::Transaction& tx, const SetStatus& command) {
  std::optional<VisitorView> visitor = find_visitor(tx, command.call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  if (change(visitor->status, command.status) || is_stale(*visitor, command.call)) put(tx, command.call, *visitor);
  json::object activity;
  activity["status"] = visitor->status ? json::value(*visitor->status) : json::value(nullptr);
  tell_of_visitor(tx, command.call, *visitor, event_type::visitor_activity, std::move(activity));
  return std::move(*visitor);
}

Answer<VisitorView> visit_page(store::Transaction& tx, const VisitPage& command) {
  const Call& call = command.call;
  std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  std::optional<RoomState> room;
  if (command.room_id.empty()) {
    room = oldest_open_room(tx, *visitor);
  } else {
    room = find_room(tx, call, *visitor, command.room_id);
    if (!room) return Refusal::unknown_room;
  }
  if (is_stale(*visitor, call)) put(tx, call, *visitor);
  Event event = event_of(event_type::visitor_activity, call, *visitor, room ? &*room : nullptr);
  Page& page = event.visitor->page;
  page.url = kept_if(command.page.url, text_bytes_max);
  page.title = kept_if(command.page.title, text_bytes_max);
  page.referrer = kept_if(command.page.referrer, text_bytes_max);
  const auto text = [](const std::optional<std::string>& said) { return said ? json::value(*said) : json::value(); };
  json::object told;
  told["url"] = text(page.url);
  told["title"] = text(page.title);
  told["referrer"] = text(page.referrer);
  event.activity["page"] = std::move(told);
  event.activity["change"] = kept(command.change, name_bytes_max);
  tell(tx, call, std::move(event));
  return std::move(*visitor);
}

Answer<bool> leave_message(store::Transaction& tx, const LeaveMessage& command) {
  const Call& call = command.call;
  VisitorView visitor;  // known by what was filled in alone
  visitor.name = kept(command.name, name_bytes_max);
  visitor.email = kept(command.email, name_bytes_max);
  Event event = event_of(event_type::offline_message, call, visitor, nullptr);
  event.visitor->id.reset();
  if (command.department) event.chat.emplace().department = kept_if(command.department, name_bytes_max);
  if (command.department) event.activity["department"] = *event.chat->department;
  if (command.host) event.activity["host"] = kept(*command.host, name_bytes_max);
  Message& message = event.message.emplace();
  message.id = command.new_id;
  message.text = kept(command.text, message_bytes_max);
  message.author.name = visitor.name;
  message.author.role = "visitor";
  message.sent_at = call.now;
  tell(tx, call, std::move(event));
  return true;
}

}  // namespace chatrelay::conversations
