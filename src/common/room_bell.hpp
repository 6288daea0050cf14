// RoomBell: tells those who wait for news of a room that something was committed in it. Rung from any thread; each
// listener's callback runs on the ringing thread and must be short: put into an Inbox.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace chatrelay {

class RoomBell {
 public:
  using Listener = std::function<void(const std::string& source, const std::string& room)>;

  // Lifetime: until the Subscription is gone; its destructor waits for a ring under way.
  class Subscription {
   public:
    Subscription(RoomBell& bell, Listener listener) : bell_(bell), listener_(std::move(listener)) { bell_.add(this); }
    ~Subscription() { bell_.remove(this); }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    friend class RoomBell;
    RoomBell& bell_;
    Listener listener_;
  };

  void ring(const std::string& source, const std::string& room) {
    const std::lock_guard lock(mutex_);
    for (Subscription* each : subscriptions_) each->listener_(source, room);
  }

 private:
  void add(Subscription* subscription) {
    const std::lock_guard lock(mutex_);
    subscriptions_.push_back(subscription);
  }
  void remove(Subscription* subscription) {
    const std::lock_guard lock(mutex_);
    std::erase(subscriptions_, subscription);
  }
  std::mutex mutex_;
  std::vector<Subscription*> subscriptions_;
};

}  // namespace chatrelay
