// ReaderThread: a thread of its own with its own store::Reader, for listings that may take their time. The delivery
// thread, on which the admin port lives, never waits for the disk because somebody looks at a list.
//
// It also decodes stored webhooks for `events show`, with its own instances of the sources.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/thread_pool.hpp>

#include "admin/api/waiter.hpp"
#include "common/log.hpp"
#include "deliver/planner.hpp"
#include "store/store.hpp"

namespace chatrelay::admin::api {

// Sources for one thread, made anew after a reload.
class Decoders {
 public:
  // nullptr: no source of that name is configured now.
  systems::Source* find(const std::shared_ptr<const deliver::PlannerSetup>& setup, const std::string& source);

 private:
  std::shared_ptr<const deliver::PlannerSetup> setup_;
  std::map<std::string, std::unique_ptr<systems::Source>> sources_;
};

struct ReadAccess {
  store::Reader& reader;
  Decoders& decoders;
};

class ReaderThread {
 public:
  static constexpr std::size_t waiting_max = 64;  // Limit: reads that wait; people and scrapers send a handful
  static constexpr Millis read_limit{30'000};

  ReaderThread(store::Store& store, boost::asio::any_io_executor reply_to);
  ~ReaderThread();  // waits for the read in hand
  ReaderThread(const ReaderThread&) = delete;
  ReaderThread& operator=(const ReaderThread&) = delete;

  // Thread: the executor's. `read` runs on the reader thread; what it refers to must be owned by it.
  // Errors: what `read` returns; unavailable when too many wait, or it takes longer than read_limit.
  template <class T>
  boost::asio::awaitable<Result<T>> run(std::function<Result<T>(ReadAccess&)> read) {
    if (*waiting_ >= waiting_max) co_return unavailable("too many requests are waiting for the store; try again");
    ++*waiting_;
    Waiter<T> waiter(reply_to_);
    auto reply = waiter.callback();
    boost::asio::post(pool_, [this, read = std::move(read), reply = std::move(reply), waiting = waiting_]() mutable {
      Result<T> result = guarded<T>(read);
      boost::asio::post(reply_to_, [waiting] { --*waiting; });
      reply(std::move(result));
    });
    auto result = co_await waiter.wait(read_limit);
    co_return result;
  }

 private:
  template <class T>
  Result<T> guarded(const std::function<Result<T>(ReadAccess&)>& read) {
    try {
      if (!reader_) reader_ = store_.open_reader();  // here: a Reader belongs to the thread that opened it
      ReadAccess access{*reader_, decoders_};
      return read(access);
    } catch (const std::exception& e) {
      // Decoding what a stranger sent, for somebody who only looks: it must not end the daemon.
      log::error("a read for the admin port failed", {{"error", e.what()}});
      return Error(ErrorKind::internal, "internal error, see the log");
    }
  }

  store::Store& store_;
  boost::asio::any_io_executor reply_to_;
  std::shared_ptr<std::size_t> waiting_ = std::make_shared<std::size_t>(0);  // Thread: the executor's
  std::unique_ptr<store::Reader> reader_;                                    // Thread: the pool's
  Decoders decoders_;                                                        // Thread: the pool's
  boost::asio::thread_pool pool_{1};                                         // last: joined first
};

}  // namespace chatrelay::admin::api
