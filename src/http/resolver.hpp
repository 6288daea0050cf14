// Resolver: names to addresses, on a bounded number of threads, with a cache and one lookup per name at a time.
//
// getaddrinfo cannot be interrupted: a lookup that nobody waits for any more still holds its thread, so the bound
// counts threads, not callers. A name that hangs takes one thread, however many transfers want it. An answer is fresh
// for a minute; after that it is still used for up to ten while a new lookup runs, so a slow name server delays only
// first contacts. Thread: the executor's.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/clock.hpp"
#include "http/client.hpp"

namespace chatrelay::http {

class Resolver {
 public:
  Resolver(boost::asio::any_io_executor executor, std::size_t threads_max, ResolveFunction resolve);
  ~Resolver() { close(); }
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // nullptr: the deadline passed, or cancelled, or closed.
  boost::asio::awaitable<std::shared_ptr<const Resolution>> resolve(std::string host, SteadyTime deadline);
  void close();
  std::size_t lookups_running() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// getaddrinfo for both families, without duplicates.
Resolution resolve_by_system(const std::string& host);

}  // namespace chatrelay::http
