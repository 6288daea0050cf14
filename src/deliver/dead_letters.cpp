#include "deliver/dead_letters.hpp"

#include <utility>

namespace chatrelay::deliver {

std::optional<boost::json::object> DeadLetters::note(const std::string& destination, boost::json::object payload,
                                                     SteadyTime now) {
  Entry& entry = entries_[destination];
  if (entry.count++ == 0) ++waiting_;
  entry.last = std::move(payload);
  if (now < entry.next) return std::nullopt;
  --waiting_;
  return tell(entry, now);
}

std::vector<boost::json::object> DeadLetters::due(SteadyTime now) {
  std::vector<boost::json::object> payloads;
  if (waiting_ == 0) return payloads;
  for (auto& [destination, entry] : entries_) {
    if (entry.count == 0 || now < entry.next) continue;
    --waiting_;
    payloads.push_back(tell(entry, now));
  }
  return payloads;
}

boost::json::object DeadLetters::tell(Entry& entry, SteadyTime now) {
  boost::json::object payload = std::move(entry.last);
  payload["count"] = entry.count;
  entry.last = {};
  entry.count = 0;
  entry.next = now + every;
  return payload;
}

}  // namespace chatrelay::deliver
