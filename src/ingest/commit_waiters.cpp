#include "ingest/commit_waiters.hpp"

#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/async/inbox.hpp"

namespace chatrelay::ingest {

namespace asio = boost::asio;

namespace {
using Signature = void(Result<store::Appended>);
using Handler = asio::async_result<asio::use_awaitable_t<>, Signature>::handler_type;
constexpr std::size_t pool_max = 1024;  // Limit: as many as a group commit takes; more are freed
}  // namespace

class CommitWaiters::Impl {
 public:
  explicit Impl(asio::any_io_executor executor)
      : inbox_(std::make_shared<Answers>(std::move(executor),
                                         [this](std::vector<WaiterPtr>&& waiters) { answer(std::move(waiters)); })) {}

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

  void start(store::Store& store, store::NewEvent& event, Handler handler) {
    WaiterPtr owned = take_free();
    Waiter* waiter = owned.get();
    waiter->inbox = inbox_;
    waiter->handler.emplace(std::move(handler));
    waiter->index = waiting_.size();
    waiting_.push_back(waiter);
    owned.release();  // the callback owns it now
    // One pointer: fits into std::function without an allocation.
    store.append(std::move(event), [waiter](Result<store::Appended> result) {
      const std::shared_ptr<Answers> inbox = waiter->inbox;
      waiter->result.emplace(std::move(result));
      inbox->put(WaiterPtr(waiter));
    });
  }

 private:
  struct Waiter;
  using WaiterPtr = std::unique_ptr<Waiter>;
  using Answers = Inbox<WaiterPtr>;
  struct Waiter {
    std::shared_ptr<Answers> inbox;
    std::optional<Handler> handler;                 // Thread: the executor's
    std::optional<Result<store::Appended>> result;  // Thread: the writer's until it is put into the inbox
    std::size_t index = 0;                          // in waiting_
  };

  WaiterPtr take_free() {
    if (free_.empty()) return std::make_unique<Waiter>();
    WaiterPtr waiter = std::move(free_.back());
    free_.pop_back();
    return waiter;
  }

  void answer(std::vector<WaiterPtr>&& waiters) {
    const std::shared_ptr<bool> alive = alive_;  // a resumed coroutine may destroy us
    for (WaiterPtr& waiter : waiters) {
      if (!*alive) return;
      waiting_.back()->index = waiter->index;
      waiting_[waiter->index] = waiting_.back();
      waiting_.pop_back();
      Handler handler = std::move(*waiter->handler);
      Result<store::Appended> result = std::move(*waiter->result);
      waiter->handler.reset();
      waiter->result.reset();
      waiter->inbox.reset();
      if (free_.size() < pool_max) free_.push_back(std::move(waiter));
      std::move(handler)(std::move(result));
    }
  }

  struct Life {
    std::shared_ptr<bool> flag = std::make_shared<bool>(true);
    ~Life() { *flag = false; }
  };
  Life life_;
  std::shared_ptr<bool> alive_ = life_.flag;
  std::shared_ptr<Answers> inbox_;
  std::vector<Waiter*> waiting_;
  std::vector<WaiterPtr> free_;
};

CommitWaiters::CommitWaiters(asio::any_io_executor executor) : impl_(std::make_unique<Impl>(std::move(executor))) {}
CommitWaiters::~CommitWaiters() = default;

asio::awaitable<Result<store::Appended>> CommitWaiters::append(store::Store& store, store::NewEvent& event) {
  const auto initiation = [this, &store, &event](Handler handler) { impl_->start(store, event, std::move(handler)); };
  return asio::async_initiate<const asio::use_awaitable_t<>&, Signature>(initiation, asio::use_awaitable);
}

}  // namespace chatrelay::ingest
