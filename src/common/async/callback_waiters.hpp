// CallbackWaiters: lets coroutines of one thread wait for callbacks that another thread makes, many at a time: all that
// were called back before the thread looks are woken with one post. Nothing is allocated for a wait once the pool is
// warm.
//
// No timer: a wait ends when it is called back, which whoever was given the callback always does, once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/async/inbox.hpp"
#include "common/error.hpp"

namespace chatrelay {

// Thread: the executor's, except for the callbacks.
template <class T>
class CallbackWaiters {
 public:
  explicit CallbackWaiters(boost::asio::any_io_executor executor)
      : inbox_(std::make_shared<Answers>(std::move(executor),
                                         [this](std::vector<WaiterPtr>&& waiters) { answer(std::move(waiters)); })) {}

  // Lifetime: coroutines that still wait are destroyed here, on this thread; late callbacks find nobody.
  ~CallbackWaiters() {
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
  CallbackWaiters(const CallbackWaiters&) = delete;
  CallbackWaiters& operator=(const CallbackWaiters&) = delete;

  // `begin(callback)` hands the callback over, which takes a Result<T>; it is called when the awaitable is awaited, so
  // what it refers to lives until then. It holds references only: g++ 12 corrupts anything else on its way.
  template <class Begin>
  boost::asio::awaitable<Result<T>> wait(Begin begin) {
    static_assert(std::is_trivially_copyable_v<Begin>);
    const auto initiation = [this, begin](Handler handler) { begin(start(std::move(handler))); };
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, Signature>(initiation,
                                                                                         boost::asio::use_awaitable);
  }

 private:
  using Signature = void(Result<T>);
  using Handler = typename boost::asio::async_result<boost::asio::use_awaitable_t<>, Signature>::handler_type;
  static constexpr std::size_t pool_max = 1024;  // Limit: as many as a group commit takes; more are freed

  struct Waiter;
  using WaiterPtr = std::unique_ptr<Waiter>;
  using Answers = Inbox<WaiterPtr>;
  struct Waiter {
    std::shared_ptr<Answers> inbox;
    std::optional<Handler> handler;   // Thread: the executor's
    std::optional<Result<T>> result;  // Thread: the callback's until it is put into the inbox
    std::size_t index = 0;            // in waiting_
  };

  // One pointer: fits into a std::function without an allocation. It owns the waiter until it is called.
  auto start(Handler handler) {
    Waiter* waiter = take_free().release();
    waiter->inbox = inbox_;
    waiter->handler.emplace(std::move(handler));
    waiter->index = waiting_.size();
    waiting_.push_back(waiter);
    return [waiter](Result<T> result) {
      const std::shared_ptr<Answers> inbox = waiter->inbox;
      waiter->result.emplace(std::move(result));
      inbox->put(WaiterPtr(waiter));
    };
  }

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
      Result<T> result = std::move(*waiter->result);
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

}  // namespace chatrelay
