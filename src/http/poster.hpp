// Poster: how a thread of the client hands a result to the executor's thread, and what makes that safe at the end:
// after close() nothing is posted, so the executor's context may go. Thread: any.
#pragma once

#include <mutex>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

namespace chatrelay::http {

class Poster {
 public:
  explicit Poster(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  template <class Function>
  void post(Function function) {
    const std::lock_guard lock(mutex_);
    if (!closed_) boost::asio::post(executor_, std::move(function));
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  boost::asio::any_io_executor executor_;
  std::mutex mutex_;
  bool closed_ = false;
};

}  // namespace chatrelay::http
