// RequestLimiter: how many calls a key may make in a time. Fixed windows: the first call of a key opens one, and it
// ends a rate's period later, whatever was refused in between.
//
// Bounded: keys are hashed with a salt of its own, so that nobody can aim at a place of the table. When the table is
// full, windows that are over go first, then the open window that would end first among the keys that have calls left.
// A key that used up its calls is never forgotten early, however many new keys a flood brings; when all are such
// (keys_max × the rate's calls within one period), a new key is refused until one of their windows ends.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/clock.hpp"
#include "common/crypto.hpp"
#include "common/units.hpp"

namespace chatrelay::http {

// Thread: one. Reads no clock.
class RequestLimiter {
 public:
  struct Verdict {
    bool allowed = false;
    std::int64_t limit = 0;      // calls in a window
    std::int64_t remaining = 0;  // after this one
    WallTime reset;              // when the window ends
    Millis retry_after{0};       // until then, if it was refused
  };

  // Limit: keys remembered at a time, about 200 bytes each.
  explicit RequestLimiter(std::size_t keys_max = 100'000);
  // Counts a call. One key with several rates keeps the window that it has; so name the rate in the key.
  Verdict take(std::string_view key, const Rate& rate, WallTime now);
  // Uncounts a call that take() allowed, and that was refused for another reason.
  void give_back(std::string_view key);
  std::size_t size() const { return windows_.size(); }

 private:
  using ByEnd = std::multimap<WallTime, Hash128>;
  struct Window {
    WallTime start, end;
    std::int64_t used = 0;
    bool used_up = false;  // which of the two it stands in
    ByEnd::iterator place;
  };
  struct Hasher {
    std::size_t operator()(const Hash128& hash) const { return static_cast<std::size_t>(hash.low); }
  };
  using Windows = std::unordered_map<Hash128, Window, Hasher>;

  Hash128 hash_of(std::string_view key) const;
  bool make_room(WallTime now);
  void forget(Windows::iterator window);
  void forget_over(ByEnd& by_end, WallTime now);
  void mark_used_up(Windows::iterator window);

  std::size_t keys_max_;
  std::string salt_;
  Windows windows_;
  ByEnd open_, used_up_;  // each window stands in one of them
};

}  // namespace chatrelay::http
