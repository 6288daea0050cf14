// Limits that destinations share by key: two with one token have one budget. For each key a rate with a burst, how many
// at once, and the pause that an answer asked for. Pure: given the time; no Asio.
//
// Does not wait (limits_gate.hpp does), and does not know what is sent. Thread: delivery, but for SharedLimits.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/units.hpp"

namespace chatrelay::destinations::connector {

// One entry of `limits:`, with the settings put in.
struct LimitRule {
  LimitRule() {}
  std::string key;               // may be a token: kept as a hash only
  std::optional<Rate> rate;      // absent: any
  std::int64_t burst = 1;        // so many may leave at once after a rest
  std::int64_t concurrency = 0;  // 0: any
  std::size_t position = 0;      // in the file: one key may have several
};
// From what the templates gave; null is absent. Errors: invalid, with what does not fit.
Result<LimitRule> limit_rule(const boost::json::value& key, const boost::json::value& rate,
                             const boost::json::value& burst, const boost::json::value& concurrency);

// The budget of one key.
class SharedLimit {
 public:
  using Wake = std::function<void()>;
  explicit SharedLimit(const LimitRule& rule) { set(rule); }
  void set(const LimitRule& rule);  // what is under way stays counted

  // How long until one more may leave: zero if now; nullopt: when a place is given back.
  std::optional<std::chrono::nanoseconds> wait(SteadyTime now) const;
  void take(SteadyTime now);
  void give_back();
  // The later end counts: an answer that was under way may ask for less than one before it.
  void pause(SteadyTime now, Millis how_long);
  void end_pause();
  // Called once, at the next give_back or set, if it is still there then.
  void when_changed(std::weak_ptr<Wake> wake);

 private:
  void wake_all();
  std::chrono::nanoseconds interval_{0};
  std::chrono::nanoseconds tolerance_{0};
  std::int64_t concurrency_ = 0;
  std::int64_t under_way_ = 0;
  SteadyTime scheduled_{};  // when the next token would be on schedule (GCRA)
  SteadyTime paused_until_{};
  std::vector<std::weak_ptr<Wake>> waiting_;
};

// A place in every limit of a destination; given back by its end.
class LimitPermit {
 public:
  LimitPermit() = default;
  explicit LimitPermit(std::vector<std::shared_ptr<SharedLimit>> limits) : limits_(std::move(limits)) {}
  ~LimitPermit() { give_back(); }
  LimitPermit(LimitPermit&& other) noexcept : limits_(std::move(other.limits_)) { other.limits_.clear(); }
  LimitPermit& operator=(LimitPermit&& other) noexcept;

 private:
  void give_back();
  std::vector<std::shared_ptr<SharedLimit>> limits_;
};

// The limits of one destination, in the file's order. Thread: made on any, used on delivery's alone.
class LimitSet {
 public:
  // `rules`: what each of the limits becomes when this set is first used. Not before: a reload makes it on another
  // thread, while deliveries wait for the same limits, and may throw it away.
  explicit LimitSet(std::vector<std::shared_ptr<SharedLimit>> limits, std::vector<LimitRule> rules = {})
      : limits_(std::move(limits)), rules_(std::move(rules)) {}
  bool empty() const { return limits_.empty(); }
  // All of them, or none: nothing is taken of one while another says wait.
  std::optional<LimitPermit> try_take(SteadyTime now);
  // The longest wait of all; nullopt: one of them waits for a place.
  std::optional<std::chrono::nanoseconds> wait(SteadyTime now) const;
  // What a `throttle` asked for: pauses all who share the first limit. Without limits it does nothing.
  void pause(SteadyTime now, Millis how_long);
  void end_pause();
  void when_changed(const std::shared_ptr<SharedLimit::Wake>& wake);

 private:
  std::vector<std::shared_ptr<SharedLimit>> limits_;
  std::vector<LimitRule> rules_;
};

// All limits of the daemon. Outlives a reload, so that a budget that is used up stays so; what no destination holds any
// longer is forgotten. Thread: that which reads configurations; what it gives shares with others, and is not touched.
class SharedLimits {
 public:
  // `connector`: the limits of different connectors have nothing in common, whatever their keys.
  LimitSet join(std::string_view connector, const std::vector<LimitRule>& rules);
  std::size_t size() const { return limits_.size(); }

 private:
  std::map<std::string, std::weak_ptr<SharedLimit>> limits_;
};

}  // namespace chatrelay::destinations::connector
