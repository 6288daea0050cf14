// RoomWaiters: requests that wait for news of a room (long polls). The RoomBell is rung on any thread; waiters are
// woken on the executor's.
//
// No ring is lost between a look into the store and the wait, if the place is taken before the look.
// Limit: waiters_max in all, room_waiters_max for one room; who gets no place answers at once.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/clock.hpp"
#include "common/room_bell.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

class RoomWaiters {
  struct State;
  struct Waiter;

 public:
  static constexpr std::size_t waiters_max = 4096;    // under half of the connections that a server takes
  static constexpr std::size_t room_waiters_max = 8;  // a visitor's windows

  RoomWaiters(boost::asio::any_io_executor executor, RoomBell& bell, std::string source);
  ~RoomWaiters();
  RoomWaiters(const RoomWaiters&) = delete;
  RoomWaiters& operator=(const RoomWaiters&) = delete;

  // A place among those who wait for news of a room. May outlive the RoomWaiters.
  class Place {
   public:
    Place(RoomWaiters& waiters, std::string room);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    // Ends at a ring since the place was taken, after `limit`, at stop(), or at once when there was no place.
    boost::asio::awaitable<void> wait(Millis limit);

   private:
    std::shared_ptr<State> state_;
    std::string room_;
    std::unique_ptr<Waiter> waiter_;  // none: no place was left
  };

  // Everybody goes on at once, now and from now on. Thread: any.
  void stop();
  std::size_t size() const;

 private:
  class Listening;
  std::shared_ptr<State> state_;
  std::unique_ptr<Listening> listening_;
};

}  // namespace chatrelay::systems::rocketchat::endpoints
