#include "http/mail_pool.hpp"

#include <condition_variable>
#include <deque>
#include <list>
#include <system_error>
#include <thread>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/mail_transaction.hpp"
#include "http/poster.hpp"

namespace chatrelay::http {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds idle_time{15};  // then the thread closes its connections and ends

struct Pending {
  Pending(MailRequest request, Target target, std::vector<std::string> addresses, Millis timeout,
          asio::any_io_executor executor)
      : transaction(std::move(request), std::move(target), std::move(addresses), timeout),
        finished(executor, SteadyTime::max()) {}
  MailTransaction transaction;
  asio::steady_timer finished;  // the executor's thread only
  bool done = false;            // likewise
};

struct Worker {
  std::thread thread;
  SocketTracker sockets;
  bool ended = false;
};

}  // namespace

struct MailPool::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor e, std::size_t t)
      : executor(std::move(e)), poster(executor), threads_max(std::max<std::size_t>(t, 1)) {}

  // False: there is no thread and none can be started.
  bool put(std::shared_ptr<Pending> pending) {
    const std::lock_guard lock(mutex);
    for (auto at = workers.begin(); at != workers.end();) {
      if (at->ended) at->thread.join();
      at = at->ended ? workers.erase(at) : std::next(at);
    }
    queue.push_back(std::move(pending));
    if (idle < queue.size() && workers.size() < threads_max) {
      Worker& worker = workers.emplace_back();
      try {
        worker.thread = std::thread([this, &worker] { work(worker); });
      } catch (const std::system_error&) {
        workers.pop_back();
        if (workers.empty()) {
          queue.pop_back();
          return false;
        }
      }
    }
    wake.notify_one();
    return true;
  }

  void work(Worker& worker) {
    EasyHandle easy(curl_easy_init());
    std::unique_lock lock(mutex);
    for (;;) {
      ++idle;
      const bool called = wake.wait_for(lock, idle_time, [&] { return stopping || !queue.empty(); });
      --idle;
      if (stopping || !called) break;
      const auto pending = std::move(queue.front());
      queue.pop_front();
      running.push_back(pending.get());
      lock.unlock();
      pending->transaction.perform(easy.get(), worker.sockets);
      lock.lock();
      running.remove(pending.get());
      poster.post([pending] {
        pending->done = true;
        pending->finished.cancel();
      });
    }
    lock.unlock();
    worker.sockets.cut();  // QUIT would be polite, but libcurl waits two minutes for its answer
    easy.reset();
    lock.lock();
    worker.ended = true;
  }

  void close() {
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
      stopping = true;
      queue.clear();
      for (auto* pending : running) pending->transaction.cancel();
      for (auto& worker : workers) worker.sockets.cut();
      wake.notify_all();
    }
    for (auto& worker : workers) worker.thread.join();
    workers.clear();
    poster.close();
    for (auto* pending : waiting) pending->finished.cancel();
  }

  asio::any_io_executor executor;
  Poster poster;
  std::size_t threads_max;
  std::list<Pending*> waiting;  // the executor's thread only
  std::mutex mutex;             // for what follows
  std::condition_variable wake;
  std::deque<std::shared_ptr<Pending>> queue;
  std::list<Pending*> running;
  std::list<Worker> workers;
  std::size_t idle = 0;
  bool stopping = false;
};

MailPool::MailPool(asio::any_io_executor executor, std::size_t threads_max)
    : state_(std::make_shared<State>(std::move(executor), threads_max)) {}

MailPool::~MailPool() {
  close();
}

void MailPool::close() {
  state_->close();
}

asio::awaitable<MailResponse> MailPool::send(const MailRequest& request, Target target,
                                             std::vector<std::string> addresses, Millis timeout) {
  const auto state = state_;
  const auto pending =
      std::make_shared<Pending>(request, std::move(target), std::move(addresses), timeout, state->executor);
  const bool taken = !state->stopping && state->put(pending);
  if (!taken) {
    MailResponse response;
    response.curl_code = CURLE_FAILED_INIT;
    response.error = "no thread for the mail";
    co_return response;
  }
  // Whatever ends this frame also ends the transaction; its thread keeps what it works on.
  struct Waiting {
    Waiting(State& s, Pending& p) : state_of(s), pending_of(p), at(s.waiting.insert(s.waiting.end(), &p)) {}
    ~Waiting() {
      state_of.waiting.erase(at);
      if (!pending_of.done) pending_of.transaction.cancel();
    }
    State& state_of;
    Pending& pending_of;
    std::list<Pending*>::iterator at;
  };
  const Waiting waiting(*state, *pending);
  boost::system::error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await pending->finished.async_wait(token);
  if (pending->done) co_return pending->transaction.response();
  MailResponse response;
  response.curl_code = CURLE_ABORTED_BY_CALLBACK;
  response.error = "cancelled";
  response.sent_body = true;  // not known: its thread may be anywhere
  co_return response;
}

}  // namespace chatrelay::http
