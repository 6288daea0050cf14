#include "systems/rocketchat/endpoints/room_waiters.hpp"

#include <atomic>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/async/inbox.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace asio = boost::asio;

struct RoomWaiters::Waiter {
  explicit Waiter(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  bool rung = false;
  void wake() {
    rung = true;
    timer.cancel();
  }
};

// Shared with places, which a coroutine may hold longer than the endpoints live.
struct RoomWaiters::State {
  explicit State(asio::any_io_executor e) : executor(std::move(e)) {}
  asio::any_io_executor executor;
  std::unordered_map<std::string, std::vector<Waiter*>> rooms;
  std::atomic<std::size_t> waiting{0};  // read by the ringing thread: nobody waits, nobody is woken
  bool stopped = false;

  void wake(const std::string& room) {
    const auto found = rooms.find(room);
    if (found == rooms.end()) return;
    for (Waiter* waiter : found->second) waiter->wake();
  }
  void stop() {
    stopped = true;
    for (auto& [room, waiters] : rooms)
      for (Waiter* waiter : waiters) waiter->wake();
  }
};

class RoomWaiters::Listening {
 public:
  Listening(const std::shared_ptr<State>& state, RoomBell& bell, std::string source)
      : inbox_(state->executor,
               [state](std::vector<std::string>&& rooms) {
                 for (const std::string& room : rooms) state->wake(room);
               }),
        subscription_(bell, [this, state, source = std::move(source)](const std::string& of, const std::string& room) {
          if (of == source && state->waiting.load() != 0) inbox_.put(room);
        }) {}

 private:
  Inbox<std::string> inbox_;
  RoomBell::Subscription subscription_;  // goes first: then nobody puts any more
};

RoomWaiters::RoomWaiters(asio::any_io_executor executor, RoomBell& bell, std::string source)
    : state_(std::make_shared<State>(std::move(executor))),
      listening_(std::make_unique<Listening>(state_, bell, std::move(source))) {}

RoomWaiters::~RoomWaiters() = default;

void RoomWaiters::stop() {
  asio::dispatch(state_->executor, [state = state_] { state->stop(); });
}

std::size_t RoomWaiters::size() const {
  return state_->waiting.load();
}

RoomWaiters::Place::Place(RoomWaiters& waiters, std::string room) : state_(waiters.state_), room_(std::move(room)) {
  if (state_->stopped || state_->waiting.load() >= waiters_max) return;
  std::vector<Waiter*>& others = state_->rooms[room_];
  if (others.size() >= room_waiters_max) return;
  waiter_ = std::make_unique<Waiter>(state_->executor);
  others.push_back(waiter_.get());
  ++state_->waiting;
}

RoomWaiters::Place::~Place() {
  if (!waiter_) return;
  const auto found = state_->rooms.find(room_);
  std::erase(found->second, waiter_.get());
  if (found->second.empty()) state_->rooms.erase(found);
  --state_->waiting;
}

asio::awaitable<void> RoomWaiters::Place::wait(Millis limit) {
  if (!waiter_ || waiter_->rung || state_->stopped) co_return;
  waiter_->timer.expires_after(limit);
  boost::system::error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  auto ended = waiter_->timer.async_wait(token);
  co_await std::move(ended);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
