// Busy: since when a thread has been at one piece of work, for the watchdog. Thread: one marks it, any may ask.
#pragma once

#include <atomic>

#include "common/clock.hpp"

namespace chatrelay::deliver {

class Busy {
 public:
  explicit Busy(const Clock& clock) : clock_(clock) {}

  // 0: not busy.
  Millis busy_for() const {
    const long long since = since_.load();
    if (since == 0) return Millis{0};
    return std::chrono::duration_cast<Millis>(clock_.steady().time_since_epoch() - SteadyTime::duration(since));
  }

  // Busy as long as it lives.
  class Mark {
   public:
    explicit Mark(Busy& busy) : busy_(busy) { busy_.since_ = busy_.clock_.steady().time_since_epoch().count(); }
    ~Mark() { busy_.since_ = 0; }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;

   private:
    Busy& busy_;
  };

 private:
  const Clock& clock_;
  std::atomic<long long> since_{0};  // steady clock's count; 0: not busy
};

}  // namespace chatrelay::deliver
