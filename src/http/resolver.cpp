#include "http/resolver.hpp"

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <system_error>
#include <thread>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netdb.h>
#include <sys/socket.h>

#include "http/poster.hpp"

namespace chatrelay::http {

namespace asio = boost::asio;

namespace {

constexpr Millis fresh_time{60'000};     // libcurl's own default
constexpr Millis usable_time{600'000};   // an old address is better than none
constexpr Millis failure_time{1'000};    // one lookup answers all who ask in the same moment
constexpr std::size_t names_max = 4096;  // Limit: names come from rules, and rules may take them from visitors
constexpr std::size_t addresses_max = 16;

struct Entry {
  std::shared_ptr<const Resolution> result;
  SteadyTime resolved_at{};  // of the result
  SteadyTime checked_at{};   // of the last lookup, also a failed one
  bool looking_up = false;
  std::list<asio::steady_timer*> waiting;

  bool good() const { return result && result->error.empty(); }
};

}  // namespace

struct Resolver::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor e, std::size_t t, ResolveFunction r)
      : executor(std::move(e)), poster(executor), threads_max(std::max<std::size_t>(t, 1)), resolve(std::move(r)) {}

  void look_up(const std::string& host, Entry& entry) {
    if (entry.looking_up) return;
    entry.looking_up = true;
    queue.push_back(host);
    start_queued();
  }
  void start_queued() {
    while (running < threads_max && !queue.empty() && !closed) {
      const std::string host = std::move(queue.front());
      queue.pop_front();
      ++running;
      try {
        // Detached: a lookup cannot be interrupted, and shutting down must not wait for a name server.
        std::thread([self = shared_from_this(), host] {
          auto result = std::make_shared<Resolution>(self->resolve(host));
          self->poster.post([self, host, result] { self->finished(host, result); });
        }).detach();
      } catch (const std::system_error& error) {
        auto result = std::make_shared<Resolution>();
        result->error = std::string("no thread for the lookup: ") + error.what();
        asio::post(executor, [self = shared_from_this(), host, result] { self->finished(host, result); });
      }
    }
  }
  void finished(const std::string& host, std::shared_ptr<const Resolution> result) {
    --running;
    const auto at = entries.find(host);
    if (at != entries.end()) {
      Entry& entry = at->second;
      const auto now = std::chrono::steady_clock::now();
      entry.looking_up = false;
      entry.checked_at = now;
      const bool keep_old = !result->error.empty() && entry.good() && now - entry.resolved_at < usable_time;
      if (!keep_old) {
        entry.result = std::move(result);
        entry.resolved_at = now;
      }
      for (auto* timer : entry.waiting) timer->cancel();
    }
    start_queued();
  }
  void forget_old() {
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(entries, [&](const auto& e) {
      return !e.second.looking_up && e.second.waiting.empty() && now - e.second.checked_at > fresh_time;
    });
    for (auto at = entries.begin(); entries.size() >= names_max && at != entries.end();) {
      at = !at->second.looking_up && at->second.waiting.empty() ? entries.erase(at) : std::next(at);
    }
  }
  // What may be used now without waiting.
  std::shared_ptr<const Resolution> usable(const Entry& entry, SteadyTime now) const {
    if (!entry.result) return nullptr;
    if (now - entry.resolved_at < (entry.good() ? usable_time : failure_time)) return entry.result;
    return nullptr;
  }

  asio::any_io_executor executor;
  Poster poster;
  std::size_t threads_max;
  ResolveFunction resolve;
  std::map<std::string, Entry> entries;
  std::deque<std::string> queue;
  std::size_t running = 0;
  bool closed = false;
};

Resolver::Resolver(asio::any_io_executor executor, std::size_t threads_max, ResolveFunction resolve)
    : state_(std::make_shared<State>(std::move(executor), threads_max,
                                     resolve ? std::move(resolve) : resolve_by_system)) {}

std::size_t Resolver::lookups_running() const {
  return state_->running;
}

void Resolver::close() {
  state_->closed = true;
  state_->poster.close();
  for (auto& [host, entry] : state_->entries) {
    for (auto* timer : entry.waiting) timer->cancel();
  }
}

asio::awaitable<std::shared_ptr<const Resolution>> Resolver::resolve(std::string host, SteadyTime deadline) {
  const auto state = state_;
  if (state->closed) co_return nullptr;
  if (state->entries.size() >= names_max && !state->entries.contains(host)) state->forget_old();
  Entry& entry = state->entries[host];  // stays: an entry with a lookup or a waiter is not erased
  const auto now = std::chrono::steady_clock::now();
  if (auto result = state->usable(entry, now)) {
    if (entry.good() && now - entry.checked_at > fresh_time) state->look_up(host, entry);
    co_return result;
  }
  state->look_up(host, entry);

  asio::steady_timer timer(state->executor, deadline);
  struct Waiting {
    Waiting(Entry& e, asio::steady_timer& t) : entry_of(e), at(e.waiting.insert(e.waiting.end(), &t)) {}
    ~Waiting() { entry_of.waiting.erase(at); }
    Entry& entry_of;
    std::list<asio::steady_timer*>::iterator at;
  };
  const Waiting waiting(entry, timer);
  boost::system::error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await timer.async_wait(token);
  if (state->closed) co_return nullptr;
  co_return state->usable(entry, std::chrono::steady_clock::now());
}

Resolution resolve_by_system(const std::string& host) {
  Resolution resolution;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    resolution.error = "cannot resolve the name: " + std::string(::gai_strerror(error));
    return resolution;
  }
  for (const addrinfo* at = list; at && resolution.addresses.size() < addresses_max; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
    if (std::find(resolution.addresses.begin(), resolution.addresses.end(), text) == resolution.addresses.end()) {
      resolution.addresses.emplace_back(text);
    }
  }
  ::freeaddrinfo(list);
  if (resolution.addresses.empty()) resolution.error = "the name has no address";
  return resolution;
}

}  // namespace chatrelay::http
