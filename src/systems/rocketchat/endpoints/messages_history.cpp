// messages.history/:rid: the messages of a room, newest first, page by page; with `wait`, a long poll.
#include <algorithm>
#include <cmath>
#include <utility>

#include "systems/rocketchat/endpoints/api.hpp"
#include "systems/rocketchat/endpoints/dates.hpp"
#include "systems/rocketchat/endpoints/message_schemas.hpp"
#include "systems/rocketchat/endpoints/room_waiters.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

constexpr double limit_default = 20;
constexpr double limit_max = 1000;     // the store's
constexpr double offset_max = 10'000;  // Limit: each message that is skipped is read; `end` goes as far as one likes
constexpr double wait_s_max = 30;      // proxies cut an answer that takes a minute
constexpr std::size_t unread_max = 2'000;  // Limit: counted; a client shows "many" long before

struct Wanted {
  store::OwnMessageQuery query;  // room is set for each look
  std::optional<WallTime> seen;  // ls
  Millis wait{0};
};

// Missing, 0 and what JavaScript counts as false: the fallback. A negative one is taken without its sign, as MongoDB
// takes it.
std::size_t count_of(const Ask& ask, std::string_view key, double fallback, double max) {
  const double given = std::trunc(std::fabs(ask.number(key).value_or(0)));
  return static_cast<std::size_t>(std::min(given == 0 ? fallback : given, max));
}

// false: the parameter is there and no date. An empty one is as good as none.
bool read_bound(const Ask& ask, std::string_view key, std::optional<WallTime>& bound) {
  const std::string text = ask.string(key);
  if (text.empty()) return true;
  bound = read_date(text);
  return bound.has_value();
}

std::optional<http::Response> read_wanted(const Ask& ask, Wanted& wanted) {
  // A bound that is passed over would make a client that pages by it read the same page for ever.
  if (!read_bound(ask, "end", wanted.query.before)) return schema_failure("end must be a date", Shape::plain, true);
  if (!read_bound(ask, "ts", wanted.query.from)) return schema_failure("ts must be a date", Shape::plain, true);
  wanted.seen = read_date(ask.string("ls"));
  wanted.query.limit = count_of(ask, "limit", limit_default, limit_max);
  if (ask.number("offset").value_or(0) > offset_max)
    return schema_failure("offset must be <= 10000 (page by end)", Shape::plain, true);
  wanted.query.offset = ask.number("offset").value_or(0) < 0 ? 0 : count_of(ask, "offset", 0, offset_max);
  const double seconds = std::clamp(ask.number("wait").value_or(0), 0.0, wait_s_max);
  wanted.wait = Millis{static_cast<Millis::rep>(seconds * 1000)};
  return std::nullopt;
}

// Is there anything that the client has not seen? Without `ls` it has seen what is there now.
Result<bool> has_news(Api& api, store::OwnPk room, const std::optional<WallTime>& seen) {
  if (!seen) return false;
  store::OwnMessageQuery newest;
  newest.room = room;
  newest.limit = 1;
  const auto messages = api.reader().own_messages(newest);
  if (!messages) return messages.error();
  return !messages->empty() && messages->front().sent_at > *seen;
}

// What lies between what the client has seen and the page that it gets.
std::optional<http::Response> add_unread(Api& api, const Known& known, const Wanted& wanted,
                                         const std::vector<store::OwnMessage>& page, json::object& fields) {
  std::size_t count = 0;
  std::optional<store::OwnMessage> first;
  if (wanted.seen && !page.empty() && page.back().sent_at > *wanted.seen) {
    const auto counted =
        api.reader().count_own_messages(known.room.pk, *wanted.seen, page.back().sent_at, unread_max, &first);
    if (!counted) return broken(counted.error());
    count = *counted;
  }
  if (first) fields["firstUnread"] = message_record(conversations::view(*first, known.room.id), known.visitor.token);
  fields["unreadNotLoaded"] = count;
  return std::nullopt;
}

http::Response show_page(Api& api, const Known& known, Wanted& wanted) {
  wanted.query.room = known.room.pk;
  const auto page = api.reader().own_messages(wanted.query);
  if (!page) return broken(page.error());
  json::array messages;
  messages.reserve(page->size());
  for (const store::OwnMessage& each : *page)
    messages.push_back(message_record(conversations::view(each, known.room.id), known.visitor.token));
  json::object fields;
  fields["messages"] = std::move(messages);
  if (auto failed = add_unread(api, known, wanted, *page, fields)) return std::move(*failed);
  return success(std::move(fields));
}

awaitable<http::Response> history(Api& api, Ask& ask) {
  const std::string token = ask.string("token");
  if (token.empty()) co_return failure("error-token-param-not-provided");
  Wanted wanted;
  if (auto failed = read_wanted(ask, wanted)) co_return std::move(*failed);
  const std::string& room = ask.capture("rid");
  Known known;
  if (auto failed = api.find(token, room, known)) co_return std::move(*failed);
  if (wanted.wait > Millis{0} && known.room.open) {
    RoomWaiters::Place place(api.waiters(), room);
    const Result<bool> news = has_news(api, known.room.pk, wanted.seen);
    if (!news) co_return broken(news.error());
    if (!*news) {
      auto rung = place.wait(wanted.wait);
      co_await std::move(rung);
      if (auto failed = api.find(token, room, known)) co_return std::move(*failed);
    }
  }
  co_return show_page(api, known, wanted);
}

}  // namespace

std::vector<Route> history_routes() {
  return {{"GET", "messages.history/{rid}", &history, Limit::history, &history_schema()}};
}

}  // namespace chatrelay::systems::rocketchat::endpoints
