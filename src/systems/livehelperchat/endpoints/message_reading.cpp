#include "systems/livehelperchat/endpoints/message_reading.hpp"

#include <algorithm>

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t page_messages = 500;
constexpr std::size_t page_bytes_max = 1 << 20;  // Limit: of one answer, after one message at least
constexpr std::size_t counted_max = 100'000;     // Limit: of messages after the cursor; counting reads an index

using Found = Result<std::vector<store::OwnMessage>>;

// The first ones of a range, oldest first. The store gives the newest first and stops at a number of bytes: then what
// is missing is the beginning, so half as many are asked for, until all of them come.
Found first_of(store::Reader& reader, store::OwnMessageQuery query, std::size_t count) {
  for (std::size_t wanted = std::min(count, page_messages); wanted > 0; wanted /= 2) {
    query.limit = wanted;
    query.offset = count - wanted;
    Found page = reader.own_messages(query);
    if (!page) return page;
    if (page->size() < wanted && page->size() > 0 && wanted > 1) continue;
    std::reverse(page->begin(), page->end());
    return page;
  }
  return std::vector<store::OwnMessage>();
}

}  // namespace

Result<MessagePage> messages_after(Api& api, const conversations::RoomView& room, std::int64_t after,
                                   bool for_visitors) {
  // Far from the ends of what a clock can say: strangers choose it. What is said from now on is left to the next call:
  // it would move what is counted from the newest message on.
  const WallTime seen = from_ms(std::clamp<std::int64_t>(after, 0, std::int64_t{1} << 52));
  const WallTime end = room.last_at + Millis{1};
  const auto count = api.reader().count_own_messages(room.pk, seen, end, counted_max, nullptr);
  if (!count) return count.error();
  store::OwnMessageQuery query;
  query.room = room.pk;
  query.from = seen + Millis{1};
  query.before = end;
  query.bytes_max = page_bytes_max;
  const Found found = first_of(api.reader(), query, *count);
  if (!found) return found.error();
  const UserOf users = user_of(api);
  MessagePage page;
  page.last_id = std::max<std::int64_t>(after, 0);
  for (const store::OwnMessage& stored : *found) {
    const conversations::MessageView message = conversations::view(stored, room.id);
    page.last_id = message_number(message);
    if (!for_visitors || is_for_visitors(message)) page.messages.push_back(message_record(message, room.pk, users));
  }
  return page;
}

Result<json::array> newest_messages(Api& api, const conversations::RoomView& room, std::size_t count,
                                    std::size_t& bytes_left) {
  if (bytes_left == 0) return json::array();
  store::OwnMessageQuery query;
  query.room = room.pk;
  query.limit = count;
  query.bytes_max = bytes_left;
  const Found found = api.reader().own_messages(query);
  if (!found) return found.error();
  const UserOf users = user_of(api);
  json::array out;
  for (auto stored = found->rbegin(); stored != found->rend(); ++stored) {
    out.push_back(message_record(conversations::view(*stored, room.id), room.pk, users));
    bytes_left -= std::min(bytes_left, json::serialize(out.back()).size());
  }
  return out;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
