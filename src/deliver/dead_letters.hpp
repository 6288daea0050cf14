// DeadLetters: how often dead letters are told. The first one at once, then at most one event a minute for a
// destination, with their number: a destination that rejects everything must not fill the store with alerts. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"

namespace chatrelay::deliver {

class DeadLetters {
 public:
  // One more died. The payload to raise now, or nullopt: it is told later, counted.
  std::optional<boost::json::object> note(const std::string& destination, boost::json::object payload, SteadyTime now);
  // What has waited long enough.
  std::vector<boost::json::object> due(SteadyTime now);
  bool waiting() const { return waiting_ > 0; }

 private:
  static constexpr std::chrono::minutes every{1};
  struct Entry {
    SteadyTime next{};
    std::uint64_t count = 0;  // not told yet
    boost::json::object last;
  };
  static boost::json::object tell(Entry& entry, SteadyTime now);
  std::map<std::string, Entry, std::less<>> entries_;
  std::size_t waiting_ = 0;  // entries with something not told
};

}  // namespace chatrelay::deliver
