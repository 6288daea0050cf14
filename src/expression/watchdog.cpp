#include "expression/watchdog.hpp"

#include <algorithm>

#include "expression/jv_convert.hpp"

namespace chatrelay::expression {
namespace {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::mutex instance_mutex;
std::weak_ptr<Watchdog> instance;

}  // namespace

std::shared_ptr<Watchdog> Watchdog::current() {
  const std::lock_guard lock(instance_mutex);
  return instance.lock();
}

std::shared_ptr<Watchdog> Watchdog::acquire() {
  const std::lock_guard lock(instance_mutex);
  std::shared_ptr<Watchdog> watchdog = instance.lock();
  if (watchdog == nullptr) {
    watchdog = std::make_shared<Watchdog>();
    watchdog->thread_ = std::thread([raw = watchdog.get()] { raw->run(); });
    instance = watchdog;
  }
  return watchdog;
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    Millis period{100};
    for (const Slot* slot : slots_) period = std::clamp(slot->limit_ / 4, Millis{2}, period);
    changed_.wait_for(lock, period);
    const std::int64_t now = now_ns();
    for (Slot* slot : slots_) look(*slot, now);
  }
}

void Watchdog::look(Slot& slot, std::int64_t now) {
  if (slot.state_.load() != Slot::armed) return;
  if (now - slot.started_ns_.load() < std::chrono::nanoseconds(slot.limit_).count()) return;
  // The start that was read may be that of an evaluation which has ended, with a new one armed since: so claim, then
  // look again.
  int expected = Slot::armed;
  if (!slot.state_.compare_exchange_strong(expected, Slot::halting)) return;
  if (now - slot.started_ns_.load() < std::chrono::nanoseconds(slot.limit_).count()) {
    slot.state_.store(Slot::armed);
    return;
  }
  jq_halt(slot.jq_, jv_invalid(), jv_invalid());
  slot.state_.store(Slot::halted);
}

std::vector<Running> Watchdog::running() {
  std::vector<Running> list;
  const std::lock_guard lock(mutex_);
  const std::int64_t now = now_ns();
  for (const Slot* slot : slots_) {
    const Subject* subject = slot->subject_.load();
    if (subject == nullptr) continue;
    list.push_back({subject->expression, subject->where,
                    std::chrono::duration_cast<Millis>(
                        std::chrono::nanoseconds(std::max<std::int64_t>(0, now - slot->started_ns_.load())))});
  }
  return list;
}

Watchdog::Slot::Slot(jq_state* jq, Millis limit) : jq_(jq), limit_(limit), watchdog_(acquire()) {
  {
    const std::lock_guard lock(watchdog_->mutex_);
    watchdog_->slots_.push_back(this);
  }
  watchdog_->changed_.notify_all();  // its period may be shorter now
}

Watchdog::Slot::~Slot() {
  const std::lock_guard lock(watchdog_->mutex_);
  std::erase(watchdog_->slots_, this);
}

void Watchdog::Slot::arm(const Subject& subject) {
  started_ns_.store(now_ns());
  subject_.store(&subject);
  state_.store(armed);
}

bool Watchdog::Slot::disarm() {
  bool was_halted = false;
  for (;;) {
    int expected = armed;
    if (state_.compare_exchange_strong(expected, idle)) break;
    if (expected == halted) {
      was_halted = true;
      state_.store(idle);
      break;
    }
    std::this_thread::yield();  // halting: the watchdog needs a moment
  }
  subject_.store(nullptr);
  return was_halted;
}

std::vector<Running> running_now() {
  const std::shared_ptr<Watchdog> watchdog = Watchdog::current();
  return watchdog == nullptr ? std::vector<Running>{} : watchdog->running();
}

}  // namespace chatrelay::expression
