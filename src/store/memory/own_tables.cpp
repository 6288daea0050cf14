#include "store/memory/own_tables.hpp"

#include <algorithm>

namespace chatrelay::store::memory {
namespace {
constexpr std::size_t page_max = 1000;
}

const OwnVisitor* OwnTables::visitor(std::string_view source, std::string_view token) const {
  for (const auto& [pk, v] : visitors)
    if (v.token == token && v.source == source) return &v;
  return nullptr;
}

const OwnRoom* OwnTables::room(std::string_view source, std::string_view id) const {
  for (const auto& [pk, r] : rooms)
    if (r.id == id && r.source == source) return &r;
  return nullptr;
}

const OwnMessage* OwnTables::message(std::string_view source, std::string_view id) const {
  for (const auto& [pk, of_room] : messages) {
    if (of_room.source != source) continue;
    for (const auto& [sent_at, m] : of_room.by_time)
      if (m.id == id) return &m;
  }
  return nullptr;
}

std::vector<OwnRoom> OwnTables::open_rooms(OwnPk visitor, std::size_t limit) const {
  std::vector<OwnRoom> found;
  for (auto at = rooms.begin(); at != rooms.end() && found.size() < limit; ++at)
    if (at->second.visitor == visitor && at->second.open) found.push_back(at->second);
  return found;
}

std::vector<OwnRoom> OwnTables::rooms_of(OwnPk visitor, std::size_t limit) const {
  std::vector<OwnRoom> found;
  for (auto at = rooms.rbegin(); at != rooms.rend() && found.size() < limit; ++at)
    if (at->second.visitor == visitor) found.push_back(at->second);
  return found;
}

std::vector<OwnRoom> OwnTables::rooms_of(std::string_view source, OwnPk before, std::size_t limit) const {
  std::vector<OwnRoom> found;
  for (auto at = rooms.rbegin(); at != rooms.rend() && found.size() < limit; ++at)
    if (at->second.source == source && (before == 0 || at->first < before)) found.push_back(at->second);
  return found;
}

std::vector<OwnMessage> OwnTables::messages_of(const OwnMessageQuery& query) const {
  std::vector<OwnMessage> found;
  const auto of_room = messages.find(query.room);
  if (of_room == messages.end()) return found;
  const auto& by_time = of_room->second.by_time;
  const auto limit = std::min(query.limit, page_max);
  auto skip = query.offset;
  auto at = std::make_reverse_iterator(query.before ? by_time.lower_bound(*query.before) : by_time.end());
  std::size_t bytes = 0;
  for (; at != by_time.rend() && found.size() < limit && bytes < query.bytes_max &&
         (!query.from || at->first >= *query.from);
       ++at) {
    if (skip > 0) {
      --skip;
      continue;
    }
    bytes += json::serialize(at->second.record).size();
    found.push_back(at->second);
  }
  return found;
}

std::size_t OwnTables::count_messages(OwnPk room, WallTime after, WallTime before, std::size_t limit,
                                      std::optional<OwnMessage>* oldest) const {
  if (oldest) oldest->reset();
  const auto of_room = messages.find(room);
  if (of_room == messages.end()) return 0;
  const auto& by_time = of_room->second.by_time;
  std::size_t count = 0;
  for (auto at = by_time.upper_bound(after); at != by_time.end() && at->first < before; ++at) {
    if (oldest && !*oldest) *oldest = at->second;
    if (count == limit) break;
    ++count;
  }
  return count;
}

bool OwnTables::has_rooms(OwnPk visitor) const {
  return std::any_of(rooms.begin(), rooms.end(), [&](const auto& entry) { return entry.second.visitor == visitor; });
}

std::size_t OwnTables::prune(WallTime before, std::size_t limit) {
  std::size_t removed = 0;
  for (auto at = rooms.begin(); at != rooms.end() && removed < limit;) {
    if (at->second.last_at >= before && gone_visitors.count(at->second.visitor) == 0) {
      ++at;
      continue;
    }
    at = rooms.erase(at);
    ++removed;
  }
  std::erase_if(gone_visitors, [&](OwnPk visitor) { return !has_rooms(visitor); });
  for (auto at = messages.begin(); at != messages.end() && removed < limit;) {
    auto& by_time = at->second.by_time;
    for (; rooms.count(at->first) == 0 && !by_time.empty() && removed < limit; ++removed)
      by_time.erase(by_time.begin());
    at = by_time.empty() ? messages.erase(at) : std::next(at);
  }
  for (auto at = visitors.begin(); at != visitors.end() && removed < limit;) {
    if (at->second.updated_at >= before || has_rooms(at->first)) {
      ++at;
      continue;
    }
    at = visitors.erase(at);
    ++removed;
  }
  return removed;
}

}  // namespace chatrelay::store::memory
