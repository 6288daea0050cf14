// Admission: who may start a transfer now. A number of slots, shared among groups (one group: one destination).
//
// A group gets a slot while it holds fewer than are free: alone it can have half of all, and however many groups hang,
// the next one still finds a free slot (dynamic thresholds, as in shared-memory switches). A group that holds none is
// always admitted: so nobody waits for another group's end. Within a group: first come, first served. Thread: the
// executor's.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/clock.hpp"

namespace chatrelay::http {

class Admission {
  struct State;

 public:
  Admission(boost::asio::any_io_executor executor, std::size_t slots);
  ~Admission() { close(); }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Given back when destroyed. Empty: not admitted.
  class Slot {
   public:
    Slot() {}
    Slot(std::shared_ptr<State> state, std::string group) : state_(std::move(state)), group_(std::move(group)) {}
    Slot(Slot&& other) noexcept : state_(std::move(other.state_)), group_(std::move(other.group_)) {}
    Slot& operator=(Slot&& other) noexcept;
    ~Slot();
    explicit operator bool() const { return state_ != nullptr; }

   private:
    std::shared_ptr<State> state_;
    std::string group_;
  };

  // An empty slot when the deadline passed, on cancellation, and after close().
  boost::asio::awaitable<Slot> enter(std::string group, SteadyTime deadline);
  void close();
  std::size_t active() const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace chatrelay::http
