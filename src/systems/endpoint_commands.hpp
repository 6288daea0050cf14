// EndpointCommands: how endpoints change what is stored: a command of conversations/ runs in the store's writer, and
// its caller goes on after the commit (Invariant 1). Thread: the executor's.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/callback_waiters.hpp"
#include "conversations/rooms.hpp"
#include "store/store.hpp"

namespace chatrelay::systems {

class EndpointCommands {
 public:
  // Lifetime: the store outlives it.
  EndpointCommands(boost::asio::any_io_executor executor, store::Store& store)
      : store_(store), commits_(std::move(executor)) {}

  // The command and its answer live until the writer is done with them, also when the waiting coroutine is gone.
  template <class T, class C>
  boost::asio::awaitable<Result<conversations::Answer<T>>> run(C command,
                                                               conversations::Answer<T> (*apply)(store::Transaction&,
                                                                                                 const C&)) {
    auto state = std::make_shared<Running<T, C>>(std::move(command), apply);
    return wait_for<T, C>(std::move(state));
  }

 private:
  template <class T, class C>
  struct Running {
    using Apply = conversations::Answer<T> (*)(store::Transaction&, const C&);
    Running(C&& c, Apply a) : command(std::move(c)), apply(a) {}
    C command;
    Apply apply;
    std::optional<conversations::Answer<T>> answer;
  };
  template <class T, class C>
  boost::asio::awaitable<Result<conversations::Answer<T>>> wait_for(std::shared_ptr<Running<T, C>> running) {
    store::Store::Command body = [running](store::Transaction& tx) {
      running->answer.emplace(running->apply(tx, running->command));
    };
    store::Store& store = store_;
    const auto begin = [&store, &body](auto done) { store.command(std::move(body), done); };
    auto pending = commits_.wait(begin);
    const Result<bool> done = co_await std::move(pending);
    if (!done) co_return done.error();
    if (!running->answer) co_return Error(ErrorKind::internal, "a command ended without an answer");
    co_return std::move(*running->answer);
  }

  store::Store& store_;
  CallbackWaiters<bool> commits_;
};

}  // namespace chatrelay::systems
