#include "systems/rocketchat/endpoints/commits.hpp"

#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/async/inbox.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace asio = boost::asio;

namespace {
using Signature = void(Result<bool>);
using Handler = asio::async_result<asio::use_awaitable_t<>, Signature>::handler_type;
}  // namespace

class Commits::Impl {
 public:
  explicit Impl(asio::any_io_executor executor)
      : inbox_(std::make_shared<Inbox<WaiterPtr>>(
            std::move(executor), [this](std::vector<WaiterPtr>&& waiters) { answer(std::move(waiters)); })) {}

  ~Impl() {
    // Handlers first, while no late callback can free a waiter; then nobody takes what comes.
    std::vector<Handler> handlers;
    handlers.reserve(waiting_.size());
    for (Waiter* waiter : waiting_) {
      if (!waiter->handler) continue;
      handlers.push_back(std::move(*waiter->handler));
      waiter->handler.reset();
    }
    inbox_->close();
  }

  void start(store::Store& store, store::Store::Command& command, Handler handler) {
    auto owned = std::make_unique<Waiter>();
    Waiter* waiter = owned.get();
    waiter->inbox = inbox_;
    waiter->handler.emplace(std::move(handler));
    waiter->index = waiting_.size();
    waiting_.push_back(waiter);
    owned.release();  // the callback owns it now
    store.command(std::move(command), [waiter](Result<bool> result) {
      const auto inbox = waiter->inbox;
      waiter->result.emplace(std::move(result));
      inbox->put(WaiterPtr(waiter));
    });
  }

 private:
  struct Waiter;
  using WaiterPtr = std::unique_ptr<Waiter>;
  struct Waiter {
    std::shared_ptr<Inbox<WaiterPtr>> inbox;
    std::optional<Handler> handler;      // Thread: the executor's
    std::optional<Result<bool>> result;  // Thread: the writer's until it is put into the inbox
    std::size_t index = 0;               // in waiting_
  };

  void answer(std::vector<WaiterPtr>&& waiters) {
    const std::shared_ptr<bool> alive = alive_;  // a resumed coroutine may destroy us
    for (WaiterPtr& waiter : waiters) {
      if (!*alive) return;
      waiting_.back()->index = waiter->index;
      waiting_[waiter->index] = waiting_.back();
      waiting_.pop_back();
      Handler handler = std::move(*waiter->handler);
      Result<bool> result = std::move(*waiter->result);
      waiter.reset();
      std::move(handler)(std::move(result));
    }
  }

  struct Life {
    std::shared_ptr<bool> flag = std::make_shared<bool>(true);
    ~Life() { *flag = false; }
  };
  Life life_;
  std::shared_ptr<bool> alive_ = life_.flag;
  std::shared_ptr<Inbox<WaiterPtr>> inbox_;
  std::vector<Waiter*> waiting_;
};

Commits::Commits(asio::any_io_executor executor) : impl_(std::make_unique<Impl>(std::move(executor))) {}
Commits::~Commits() = default;

asio::awaitable<Result<bool>> Commits::commit(store::Store& store, store::Store::Command& command) {
  const auto initiation = [this, &store, &command](Handler handler) {
    impl_->start(store, command, std::move(handler));
  };
  return asio::async_initiate<const asio::use_awaitable_t<>&, Signature>(initiation, asio::use_awaitable);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
