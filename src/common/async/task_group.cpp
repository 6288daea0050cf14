#include "common/async/task_group.hpp"

#include <exception>
#include <list>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "common/log.hpp"

namespace chatrelay {

namespace asio = boost::asio;

struct TaskGroup::State {
  State(asio::any_io_executor e, std::string n) : executor(std::move(e)), name(std::move(n)) {}
  asio::any_io_executor executor;
  std::string name;
  std::list<asio::cancellation_signal> signals;
  std::list<asio::steady_timer*> waiting;  // each lives in the frame of a join
  bool closed = false;
};

namespace {

void log_escaped(const std::string& group, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    if (e.code() == asio::error::operation_aborted) return;  // cancelled: that is how it was asked to end
    log::error("coroutine failed", {{"group", group}, {"error", e.what()}});
  } catch (const std::exception& e) {
    log::error("coroutine failed", {{"group", group}, {"error", e.what()}});
  } catch (...) {
    log::error("coroutine failed", {{"group", group}, {"error", "unknown exception"}});
  }
}

}  // namespace

// The completion handler of a spawn. It leaves the group when it is destroyed, so also when the io_context is destroyed
// with the coroutine unfinished.
class TaskGroup::Registration {
 public:
  Registration(std::shared_ptr<State> state, std::list<asio::cancellation_signal>::iterator at)
      : state_(std::move(state)), at_(at) {}
  Registration(Registration&& other) noexcept : state_(std::exchange(other.state_, nullptr)), at_(other.at_) {}
  Registration& operator=(Registration&&) = delete;
  ~Registration() { leave(); }

  void operator()(const std::exception_ptr& error) {
    if (error && state_) log_escaped(state_->name, error);
    leave();
  }

 private:
  void leave() {
    const std::shared_ptr<State> state = std::exchange(state_, nullptr);
    if (!state) return;
    state->signals.erase(at_);
    if (!state->signals.empty()) return;
    for (asio::steady_timer* timer : state->waiting) timer->cancel();
  }
  std::shared_ptr<State> state_;
  std::list<asio::cancellation_signal>::iterator at_;
};

TaskGroup::TaskGroup(asio::any_io_executor executor, std::string name)
    : state_(std::make_shared<State>(std::move(executor), std::move(name))) {}

TaskGroup::~TaskGroup() {
  close();
}

void TaskGroup::spawn(asio::awaitable<void> task) {
  if (state_->closed) return;
  const auto at = state_->signals.emplace(state_->signals.end());
  asio::co_spawn(state_->executor, std::move(task), asio::bind_cancellation_slot(at->slot(), Registration(state_, at)));
}

void TaskGroup::close() {
  state_->closed = true;
}

void TaskGroup::cancel_all(asio::cancellation_type type) {
  // A handler may end its coroutine at once, which takes its signal off the list.
  const std::shared_ptr<State> state = state_;
  for (auto at = state->signals.begin(); at != state->signals.end();) (at++)->emit(type);
}

std::size_t TaskGroup::size() const {
  return state_->signals.size();
}

asio::awaitable<bool> TaskGroup::join(std::chrono::milliseconds limit) {
  return wait_until_empty(state_, limit);
}

asio::awaitable<bool> TaskGroup::wait_until_empty(std::shared_ptr<State> state, std::chrono::milliseconds limit) {
  if (state->signals.empty()) co_return true;
  asio::steady_timer timer(state->executor, limit);
  // Leaves the list with the frame, however that ends.
  struct Waiting {
    Waiting(State& s, asio::steady_timer& t) : state(s), at(s.waiting.insert(s.waiting.end(), &t)) {}
    ~Waiting() { state.waiting.erase(at); }
    State& state;
    std::list<asio::steady_timer*>::iterator at;
  };
  const Waiting waiting(*state, timer);
  constexpr auto token = asio::as_tuple(asio::use_awaitable);
  auto wait = timer.async_wait(token);
  co_await std::move(wait);
  co_return state->signals.empty();
}

}  // namespace chatrelay
