// Commands about visitors who are watched without a chat.
#include "conversations/rooms_guests.hpp"

#include <algorithm>
#include <utility>

#include "common/digits.hpp"

namespace chatrelay::conversations {

namespace {

std::string text_in(const json::object& object, std::string_view key) {
  const json::value* member = object.if_contains(key);
  return member && member->is_string() ? std::string(member->get_string()) : std::string();
}

std::int64_t number_in(const json::object& object, std::string_view key) {
  const json::value* member = object.if_contains(key);
  return member && member->is_int64() ? member->get_int64() : 0;
}

json::value text_or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value();
}

// --- pages

json::object page_record(const Page& page) {
  json::object record;
  record["url"] = text_or_null(kept_if(page.url, text_bytes_max));
  record["title"] = text_or_null(kept_if(page.title, name_bytes_max));
  record["referrer"] = text_or_null(kept_if(page.referrer, name_bytes_max));
  return record;
}

bool says_something(const Page& page) {
  return (page.url && !page.url->empty()) || (page.title && !page.title->empty());
}

const json::object* last_page(const VisitorView& visitor) {
  const json::value* pages = visitor.hidden.if_contains("pages");
  if (!pages || !pages->is_array() || pages->get_array().empty()) return nullptr;
  return pages->get_array().back().if_object();
}

bool is_other_page(const VisitorView& visitor, const Page& page) {
  if (!says_something(page)) return false;
  const json::object* last = last_page(visitor);
  if (!last) return true;
  const json::object record = page_record(page);
  const auto differs = [&](const char* key) {
    const json::value* known = last->if_contains(key);
    return !known || *known != record.at(key);
  };
  return differs("url") || differs("title");
}

// The oldest are forgotten: over the count, and where the record would grow too large.
void add_page(VisitorView& visitor, const Page& page, WallTime now) {
  json::object record = page_record(page);
  record["at"] = to_ms(now);
  json::array pages;
  if (const json::value* known = visitor.hidden.if_contains("pages"); known && known->is_array())
    pages = known->get_array();
  pages.push_back(std::move(record));
  while (pages.size() > pages_max || (pages.size() > 1 && json::serialize(pages).size() > custom_bytes_max / 2))
    pages.erase(pages.begin());
  visitor.hidden["pages"] = std::move(pages);
  visitor.hidden["page_views"] = number_in(visitor.hidden, "page_views") + 1;
}

// --- invitations

std::optional<Invitation> invitation_in(const VisitorView& visitor, bool shown) {
  const json::value* member = visitor.hidden.if_contains("invitation");
  const json::object* record = member ? member->if_object() : nullptr;
  if (!record || record->contains("shown") != shown) return std::nullopt;
  Invitation invitation;
  invitation.id = text_in(*record, "id");
  invitation.text = text_in(*record, "text");
  if (const std::string id = text_in(*record, "author_id"); !id.empty()) invitation.author.id = id;
  if (const std::string name = text_in(*record, "author_name"); !name.empty()) invitation.author.name = name;
  invitation.author.role = text_in(*record, "author_role");
  return invitation;
}

}  // namespace

// --- guests

VisitorView new_guest(store::Transaction& tx, const Call& call, const Guest& guest) {
  VisitorView visitor;
  visitor.id = guest.new_id;
  visitor.token = guest.token;
  visitor.status = "online";
  visitor.created_at = call.now;
  put(tx, call, visitor);
  visitor.id += "-" + std::to_string(visitor.pk);
  put(tx, call, visitor);
  return visitor;
}

std::optional<VisitorView> find_guest(store::Transaction& tx, const Call& call, const std::string& id) {
  const std::size_t dash = id.rfind('-');
  if (dash == id.npos) return std::nullopt;
  const auto pk = whole_number<store::OwnPk>(std::string_view(id).substr(dash + 1));
  if (!pk || *pk == 0) return std::nullopt;
  const std::optional<store::OwnVisitor> visitor = tx.visitor(*pk);
  if (!visitor || visitor->source != call.source || visitor->id != id) return std::nullopt;
  return view(*visitor);
}

// --- tracking

bool would_track(const VisitorView& visitor, const Track& command) {
  VisitorView changed = visitor;
  const GuestNews news = take(changed, command.guest);
  return news.is_news || news.has_moved || is_other_page(visitor, command.page) || is_stale(visitor, command.call);
}

Answer<Tracked> track(store::Transaction& tx, const Track& command) {
  const Call& call = command.call;
  std::optional<VisitorView> known = find_visitor(tx, call, command.guest.token);
  const bool is_new = !known;
  if (is_new) {
    if (!can_be_made(command.guest.token, command.guest.new_id)) return Refusal::unknown_visitor;
    known = new_guest(tx, call, command.guest);
  }
  VisitorView& visitor = *known;
  const GuestNews news = take(visitor, command.guest);
  const bool other_page = is_other_page(visitor, command.page);
  if (other_page) add_page(visitor, command.page, call.now);
  if (is_new || news.is_news || news.has_moved || other_page || is_stale(visitor, call)) put(tx, call, visitor);
  const bool tells = is_new || news.is_news || other_page;
  if (tells) {
    const std::optional<RoomState> room = oldest_open_room(tx, visitor);
    Event event = event_of(event_type::visitor_activity, call, visitor, room ? &*room : nullptr);
    event.activity = command.activity;
    if (says_something(command.page)) {
      json::object page = page_record(command.page);
      event.visitor->page.url = kept_if(command.page.url, text_bytes_max);
      event.visitor->page.title = kept_if(command.page.title, name_bytes_max);
      event.visitor->page.referrer = kept_if(command.page.referrer, name_bytes_max);
      event.activity["page"] = std::move(page);
    }
    event.activity["change"] = is_new ? "new" : other_page ? "page" : "visitor";
    event.activity["page_views"] = number_in(visitor.hidden, "page_views");
    if (command.department) event.activity["department"] = kept(*command.department, name_bytes_max);
    tell(tx, call, std::move(event));
  }
  return Tracked{std::move(visitor), is_new, tells};
}

// --- invitations

Answer<Invited> invite(store::Transaction& tx, const Invite& command) {
  const Call& call = command.call;
  std::optional<VisitorView> visitor = find_guest(tx, call, command.visitor_id);
  if (!visitor) return Refusal::unknown_visitor;
  for (const bool shown : {false, true})
    if (const auto known = invitation_in(*visitor, shown); known && known->id == command.id)
      return Invited{std::move(*visitor), false};
  if (text_in(visitor->hidden, "last_invitation") == command.id) return Invited{std::move(*visitor), false};
  if (oldest_open_room(tx, *visitor)) return Refusal::rooms_open;
  const Author author = our_author(command.author);
  json::object record;
  record["id"] = kept(command.id, id_bytes_max);
  record["text"] = kept(command.text, text_bytes_max);
  record["author_id"] = author.id.value_or("");
  record["author_name"] = author.name.value_or("");
  record["author_role"] = author.role.value_or("bot");
  visitor->hidden["invitation"] = std::move(record);
  put(tx, call, *visitor);
  return Invited{std::move(*visitor), true};
}

std::optional<Invitation> waiting_invitation(const VisitorView& visitor) {
  return invitation_in(visitor, false);
}

std::optional<Invitation> shown_invitation(const VisitorView& visitor) {
  return invitation_in(visitor, true);
}

// Its id stays: a delivery that is made again must not invite again.
void forget_invitation(VisitorView& visitor) {
  const json::value* member = visitor.hidden.if_contains("invitation");
  if (!member) return;
  std::string id = member->is_object() ? text_in(member->get_object(), "id") : std::string();
  visitor.hidden.stable_erase("invitation");
  visitor.hidden["last_invitation"] = std::move(id);
}

Answer<Invitation> show_invitation(store::Transaction& tx, const ByToken& command) {
  const Call& call = command.call;
  std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  std::optional<Invitation> invitation = waiting_invitation(*visitor);
  // A chat that began meanwhile is where people talk now.
  if (!invitation || oldest_open_room(tx, *visitor)) return Refusal::no_invitation;
  visitor->hidden.at("invitation").get_object()["shown"] = to_ms(call.now);
  put(tx, call, *visitor);
  Event event = event_of(event_type::visitor_activity, call, *visitor, nullptr);
  event.activity["change"] = "invitation";
  event.activity["invitation"] = json::object{{"id", invitation->id}, {"text", invitation->text}};
  tell(tx, call, std::move(event));
  return std::move(*invitation);
}

// --- back to a chat

namespace {
// Not last_at: a whisper or a note that comes later is nothing to come back for.
WallTime spoken_at(const RoomView& room) {
  return room.answered_at.value_or(room.last_at);
}
}  // namespace

std::optional<RoomView> room_to_go_back_to(const VisitorView& visitor, const std::vector<RoomView>& newest_first) {
  const auto open = std::find_if(newest_first.begin(), newest_first.end(), [](const RoomView& r) { return r.open; });
  if (open == newest_first.end() || open->waiting_response) return std::nullopt;
  if (number_in(visitor.hidden, "called_back_at") >= to_ms(spoken_at(*open))) return std::nullopt;
  return *open;
}

Answer<OpenedRoom> call_back(store::Transaction& tx, const ByToken& command) {
  const Call& call = command.call;
  std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  constexpr std::size_t looked_at = 100;  // Limit: of open rooms
  std::vector<RoomView> rooms;
  for (const store::OwnRoom& room : tx.open_rooms(visitor->pk, looked_at)) rooms.push_back(view(room));
  std::reverse(rooms.begin(), rooms.end());
  std::optional<RoomView> room = room_to_go_back_to(*visitor, rooms);
  if (!room) return Refusal::unknown_room;
  visitor->hidden["called_back_at"] = to_ms(spoken_at(*room));
  put(tx, call, *visitor);
  return OpenedRoom{std::move(*room), std::move(*visitor), false};
}

// --- another secret

namespace {

// What the first of two knows and the other does not.
void complete(VisitorView& known, const VisitorView& other) {
  const auto fill = [](std::optional<std::string>& to, const std::optional<std::string>& from) {
    if (!to) to = from;
  };
  fill(known.name, other.name);
  fill(known.email, other.email);
  fill(known.phone, other.phone);
  fill(known.timezone, other.timezone);
  json::object custom = known.custom;
  for (const auto& member : other.custom)
    if (!custom.contains(member.key())) custom.emplace(member.key(), member.value());
  if (json::serialize(custom).size() <= custom_bytes_max) known.custom = std::move(custom);
  known.hidden["page_views"] = number_in(known.hidden, "page_views") + number_in(other.hidden, "page_views");
}

}  // namespace

Answer<Renamed> rename(store::Transaction& tx, const Rename& command) {
  const Call& call = command.call;
  std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  if (!visitor || !can_be_made(command.new_token, visitor->id)) return Refusal::unknown_visitor;
  if (command.token == command.new_token) return Renamed{std::move(*visitor), false};
  std::optional<VisitorView> other = find_visitor(tx, call, command.new_token);
  if (!other) {
    visitor->token = command.new_token;
    put(tx, call, *visitor);
    return Renamed{std::move(*visitor), false};
  }
  if (!can_be_made(command.retired_token, visitor->id) || find_visitor(tx, call, command.retired_token))
    return Refusal::id_taken;
  constexpr std::size_t moved_max = 100;  // Limit: of open rooms
  for (const store::OwnRoom& open : tx.open_rooms(visitor->pk, moved_max)) {
    RoomState room = room_state(open);
    room.view.visitor = other->pk;
    put(tx, call, room);
  }
  complete(*other, *visitor);
  visitor->token = command.retired_token;
  visitor->hidden.clear();
  put(tx, call, *visitor);
  put(tx, call, *other);
  const std::optional<RoomState> room = oldest_open_room(tx, *other);
  Event event = event_of(event_type::visitor_updated, call, *other, room ? &*room : nullptr);
  event.activity["merged"] = visitor->id;
  tell(tx, call, std::move(event));
  return Renamed{std::move(*other), true};
}

}  // namespace chatrelay::conversations
