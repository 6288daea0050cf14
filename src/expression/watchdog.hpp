// Watchdog: one thread of the process that stops evaluations which run too long, through jq_halt, and knows what runs.
//
// Arming and disarming are a few atomic operations; the thread looks at the armed slots now and then, so an evaluation
// ends up to a quarter of its limit late (at most 100 ms). It lives while a Slot does.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "expression/expression.hpp"

struct jq_state;

namespace chatrelay::expression {

class Watchdog {
 public:
  // What an evaluation is: set before arming, immutable while armed.
  struct Subject {
    std::string expression;
    config::Location where;
  };

  class Slot {
   public:
    Slot(jq_state* jq, Millis limit);
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    // Lifetime: `subject` lives as long as the slot.
    void arm(const Subject& subject);
    bool disarm();  // true: it was halted, and libjq may say anything

   private:
    friend class Watchdog;
    enum State : int { idle, armed, halting, halted };
    jq_state* jq_;
    const Millis limit_;
    std::atomic<int> state_{idle};
    std::atomic<std::int64_t> started_ns_{0};
    std::atomic<const Subject*> subject_{nullptr};
    std::shared_ptr<Watchdog> watchdog_;
  };

  ~Watchdog();
  // nullptr if nothing ever ran, or nothing is left that could.
  static std::shared_ptr<Watchdog> current();
  std::vector<Running> running();

 private:
  static std::shared_ptr<Watchdog> acquire();
  void run();
  void look(Slot& slot, std::int64_t now_ns);

  std::mutex mutex_;  // slots_, and a slot's life while it is looked at
  std::condition_variable changed_;
  std::vector<Slot*> slots_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace chatrelay::expression
