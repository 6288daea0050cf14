// Silence: a source that has not been heard for its `silent_after` raises one own event, source_silent, once per
// silence.
//
// Silence counts from when the source was last heard, and at the earliest from when we began to listen: that nothing
// came while we were not running proves nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/clock.hpp"
#include "config/config.hpp"
#include "store/store.hpp"

namespace chatrelay::ingest {

// The pure part. Steady time: a clock that jumps makes no silence.
class SilenceWatch {
 public:
  struct Silent {
    std::string source;
    Millis silent_for{0};
    Millis silent_after{0};
  };
  // Replaces what is watched. A source that was watched before keeps what was heard of it.
  void watch(const std::map<std::string, Millis>& silent_after, SteadyTime now);
  void heard(std::string_view source, SteadyTime at);
  // The sources whose silence has just become too long.
  std::vector<Silent> check(SteadyTime now);
  std::optional<SteadyTime> next_check() const;  // nullopt: nothing can become silent

 private:
  struct Watched {
    Millis silent_after{0};
    SteadyTime last{};
    bool told = false;
  };
  std::map<std::string, Watched, std::less<>> watched_;
};

// Owns the timer. Thread: ingest.
class SilenceAlarm {
 public:
  // `last_heard` says when a source was heard last, nullopt if not since the start (Hooks::last_heard).
  using LastHeard = std::function<std::optional<SteadyTime>(std::string_view source)>;
  SilenceAlarm(boost::asio::any_io_executor executor, store::Store& store, const Clock& clock, LastHeard last_heard);
  ~SilenceAlarm();
  SilenceAlarm(const SilenceAlarm&) = delete;
  SilenceAlarm& operator=(const SilenceAlarm&) = delete;

  void set_sources(const std::vector<config::SourceConfig>& sources);
  // Looks now; the timer calls it.
  void check();

 private:
  void arm();
  store::Store& store_;
  const Clock& clock_;
  LastHeard last_heard_;
  SilenceWatch watch_;
  std::vector<std::string> names_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Lifetime: a timer's handler may run after us
};

}  // namespace chatrelay::ingest
