#include "http/request_limiter.hpp"

#include <algorithm>
#include <array>

namespace chatrelay::http {

namespace {

// Each new window takes away so many of either kind that are over: the table shrinks again, and no call pays for all.
constexpr int forgotten_a_call = 2;

std::string random_salt() {
  std::array<std::uint8_t, 16> bytes{};
  random_bytes(bytes);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

RequestLimiter::RequestLimiter(std::size_t keys_max)
    : keys_max_(std::max<std::size_t>(keys_max, 1)), salt_(random_salt()) {}

RequestLimiter::Verdict RequestLimiter::take(std::string_view key, const Rate& rate, WallTime now) {
  const Hash128 hash = hash_of(key);
  auto found = windows_.find(hash);
  // A window that begins in the future was opened before the clock was set back.
  if (found != windows_.end() && (now >= found->second.end || now < found->second.start)) {
    forget(found);
    found = windows_.end();
  }

  Verdict verdict;
  verdict.limit = rate.count;
  if (found == windows_.end()) {
    if (!make_room(now)) {
      verdict.reset = std::max(used_up_.begin()->first, now + Millis{1});
      verdict.retry_after = verdict.reset - now;
      return verdict;
    }
    const WallTime end = now + std::max(rate.per, Millis{1});
    found = windows_.emplace(hash, Window{now, end, 0, false, open_.emplace(end, hash)}).first;
  }
  Window& window = found->second;
  verdict.reset = window.end;
  if (window.used >= rate.count) {
    verdict.retry_after = window.end - now;
    mark_used_up(found);
    return verdict;
  }
  ++window.used;
  verdict.allowed = true;
  verdict.remaining = rate.count - window.used;
  if (verdict.remaining == 0) mark_used_up(found);
  return verdict;
}

void RequestLimiter::give_back(std::string_view key) {
  const auto found = windows_.find(hash_of(key));
  if (found == windows_.end() || found->second.used == 0) return;
  Window& window = found->second;
  --window.used;
  if (!window.used_up) return;
  used_up_.erase(window.place);
  window.place = open_.emplace(window.end, found->first);
  window.used_up = false;
}

Hash128 RequestLimiter::hash_of(std::string_view key) const {
  const std::array<std::string_view, 2> parts{salt_, key};
  return hash128(parts);
}

// False: every place is taken by a key that used up its calls.
bool RequestLimiter::make_room(WallTime now) {
  forget_over(open_, now);
  forget_over(used_up_, now);
  if (windows_.size() < keys_max_) return true;
  if (!open_.empty()) {
    forget(windows_.find(open_.begin()->second));
    return true;
  }
  const auto last = windows_.find(std::prev(used_up_.end())->second);
  if (last->second.start <= now) return false;
  forget(last);  // of a time that the clock has left again
  return true;
}

void RequestLimiter::forget_over(ByEnd& by_end, WallTime now) {
  for (int i = 0; i < forgotten_a_call && !by_end.empty() && by_end.begin()->first <= now; ++i)
    forget(windows_.find(by_end.begin()->second));
}

void RequestLimiter::forget(Windows::iterator window) {
  (window->second.used_up ? used_up_ : open_).erase(window->second.place);
  windows_.erase(window);
}

void RequestLimiter::mark_used_up(Windows::iterator window) {
  if (window->second.used_up) return;
  open_.erase(window->second.place);
  window->second.place = used_up_.emplace(window->second.end, window->first);
  window->second.used_up = true;
}

}  // namespace chatrelay::http
