#include "systems/livehelperchat/endpoints/chat_list.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "systems/livehelperchat/endpoints/tracking_vid.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t looked_at_max = 2'000;
constexpr std::size_t page_rooms = 200;
constexpr std::size_t limit_max = 200;
constexpr std::size_t numbers_max = 100;  // Limit: of a list of numbers
constexpr std::int64_t delay_max_s = 1'000'000'000;

std::optional<std::int64_t> number(const Ask& ask, std::string_view name) {
  const std::optional<std::string> said = ask.query(name);
  if (!said || trim(*said).empty()) return std::nullopt;
  return Ask::integer(trim(*said));
}

std::optional<std::string> text(const Ask& ask, std::string_view name) {
  std::optional<std::string> said = ask.query(name);
  if (said && said->empty()) said.reset();
  return said;
}

template <class Take>
void each_entry(std::string_view list, Take take) {
  for (std::size_t n = 0; n < numbers_max && !list.empty(); ++n) {
    const std::size_t comma = list.find(',');
    if (const std::string_view entry = trim(list.substr(0, comma)); !entry.empty()) take(entry);
    if (comma == list.npos) return;
    list.remove_prefix(comma + 1);
  }
}

// "status=1" and "status_ids=0,1". Alone, Live Helper Chat takes no number under `min`.
std::set<std::int64_t> numbers(const Ask& ask, std::string_view one, std::string_view many, std::int64_t min) {
  std::set<std::int64_t> out;
  if (const auto single = number(ask, one); single && *single >= min) out.insert(*single);
  if (const auto list = ask.query(many))
    each_entry(*list, [&](std::string_view entry) { out.insert(Ask::integer(entry)); });
  return out;
}

// A single number as it is, several as a list: `filter` and `filterin`.
void show(json::object& one, json::object& many, const char* column, const std::set<std::int64_t>& numbers) {
  if (numbers.size() == 1) one[column] = *numbers.begin();
  if (numbers.size() > 1) many[column] = json::array(numbers.begin(), numbers.end());
}

bool fits(const std::set<std::int64_t>& wanted, std::int64_t number) {
  return wanted.empty() || wanted.contains(number);
}

bool fits_room(const ChatFilter& filter, const conversations::RoomView& room, const UserOf& users, WallTime now) {
  const std::int64_t created = seconds(room.created_at);
  if (!fits(filter.statuses, static_cast<int>(chat_status(room)))) return false;
  if (!fits(filter.departments, department_number(room.department))) return false;
  if (filter.has_operator && !room.agent) return false;
  if (!filter.users.empty() && !filter.users.contains(room.agent ? operator_number(room.agent->id, users) : 0))
    return false;
  if (filter.time_gt && created <= *filter.time_gt) return false;
  if (filter.time_lt && created >= *filter.time_lt) return false;
  const std::int64_t spoke = room.waiting_response ? seconds(room.last_at) : created;
  if (filter.last_user_msg_time_gt && spoke <= *filter.last_user_msg_time_gt) return false;
  // Chats that are older than so many seconds.
  return !filter.delay_s || created < seconds(now) - *filter.delay_s;
}

bool fits_visitor(const ChatFilter& filter, const conversations::VisitorView& visitor) {
  const auto same = [](const std::optional<std::string>& wanted, const std::optional<std::string>& known) {
    return !wanted || wanted == known;
  };
  return same(filter.email, visitor.email) && same(filter.phone, visitor.phone) && same(filter.nick, visitor.name);
}

// Newest first, a page at a time: all of the source, or those of one visitor.
class Rooms {
 public:
  Rooms(Api& api, const ChatFilter& filter) : api_(api), filter_(filter) {
    before_ = filter.id_lt && *filter.id_lt > 0 ? static_cast<store::OwnPk>(*filter.id_lt) : 0;
  }
  // Empty: no more.
  Result<std::vector<store::OwnRoom>> next() {
    if (done_ || looked_at_ >= looked_at_max) return std::vector<store::OwnRoom>();
    if (filter_.vid) return of_visitor();
    auto rooms = api_.reader().own_rooms(api_.source(), before_, page_rooms);
    if (!rooms) return rooms.error();
    looked_at_ += rooms->size();
    if (rooms->empty()) return rooms;
    before_ = rooms->back().pk;
    done_ = before_ <= 1;
    return rooms;
  }

 private:
  Result<std::vector<store::OwnRoom>> of_visitor() {
    done_ = true;
    const auto visitor = api_.reader().own_visitor(api_.source(), visitor_token(*filter_.vid));
    if (!visitor) return visitor.error();
    if (!*visitor) return std::vector<store::OwnRoom>();
    auto rooms = api_.reader().own_rooms((**visitor).pk, looked_at_max);
    if (rooms && before_ != 0) std::erase_if(*rooms, [&](const store::OwnRoom& room) { return room.pk >= before_; });
    return rooms;
  }

  Api& api_;
  const ChatFilter& filter_;
  store::OwnPk before_ = 0;
  std::size_t looked_at_ = 0;
  bool done_ = false;
};

}  // namespace

ChatFilter read_chat_filter(const Ask& ask) {
  ChatFilter filter;
  filter.statuses = numbers(ask, "status", "status_ids", 1);
  filter.departments = numbers(ask, "departament_id", "departament_ids", 1);
  filter.users = numbers(ask, "user_id", "user_ids", 1);
  filter.vid = text(ask, "vid");
  filter.email = text(ask, "email");
  filter.phone = text(ask, "phone");
  filter.nick = text(ask, "nick");
  filter.id_gt = number(ask, "id_gt");
  filter.id_lt = number(ask, "id_lt");
  filter.time_gt = number(ask, "time_gt");
  filter.time_lt = number(ask, "time_lt");
  filter.last_user_msg_time_gt = number(ask, "last_user_msg_time_gt");
  if (const auto delay = number(ask, "delay")) filter.delay_s = std::clamp<std::int64_t>(*delay, 0, delay_max_s);
  filter.has_operator = ask.is_on("has_operator");
  filter.with_messages = ask.is_on("include_messages");
  if (const auto limit = number(ask, "limit"); limit && *limit > 0)
    filter.limit = static_cast<std::size_t>(std::min<std::int64_t>(*limit, limit_max));
  if (const auto offset = number(ask, "offset"); offset && *offset > 0)
    filter.offset = static_cast<std::size_t>(std::min<std::int64_t>(*offset, looked_at_max));
  if (const auto fields = ask.query("ignore_fields"))
    each_entry(*fields, [&](std::string_view entry) { filter.without.emplace(entry); });
  return filter;
}

json::object ChatFilter::shown() const {
  json::object one, many, above, below, out;
  show(one, many, "dep_id", departments);
  show(one, many, "status", statuses);
  show(one, many, "user_id", users);
  const auto add = [](json::object& to, const char* name, const auto& value) {
    if (value) to[name] = json::value(*value);
  };
  add(one, "email", email);
  add(one, "phone", phone);
  add(one, "nick", nick);
  add(above, "id", id_gt);
  add(above, "time", time_gt);
  add(above, "last_user_msg_time", last_user_msg_time_gt);
  add(below, "id", id_lt);
  add(below, "time", time_lt);
  if (has_operator) above["user_id"] = 0;
  if (!one.empty()) out["filter"] = std::move(one);
  if (!many.empty()) out["filterin"] = std::move(many);
  if (!above.empty()) out["filtergt"] = std::move(above);
  if (!below.empty()) out["filterlt"] = std::move(below);
  out["limit"] = limit;
  out["offset"] = offset;
  out["smart_select"] = true;
  return out;
}

Result<ChatPage> list_chats(Api& api, const Ask& ask, const ChatFilter& filter) {
  const UserOf users = user_of(api);
  const bool asks_for_visitor = filter.email || filter.phone || filter.nick;
  ChatPage page;
  for (Rooms rooms(api, filter);;) {
    const auto next = rooms.next();
    if (!next) return next.error();
    if (next->empty()) return page;
    for (const store::OwnRoom& stored : *next) {
      if (filter.id_gt && static_cast<std::int64_t>(stored.pk) <= *filter.id_gt) return page;
      FoundChat chat;
      chat.room = conversations::view(stored);
      if (!may_read(ask, chat) || !fits_room(filter, chat.room, users, ask.now)) continue;
      const bool is_shown = page.count >= filter.offset && page.chats.size() < filter.limit;
      if (is_shown || asks_for_visitor) {
        const auto visitor = api.reader().own_visitor(stored.visitor);
        if (!visitor) return visitor.error();
        if (!*visitor) continue;
        chat.visitor = conversations::view(**visitor);
        if (!fits_visitor(filter, chat.visitor)) continue;
      }
      ++page.count;
      if (is_shown) page.chats.push_back(std::move(chat));
    }
  }
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
