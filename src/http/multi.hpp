// Multi: libcurl's multi interface on an executor.
//
// libcurl's sockets are in an epoll set of our own, which is one descriptor for Asio. A socket stays in the set while
// its connection is kept, so a request over a kept connection costs no epoll_ctl. Thread: the executor's. Lifetime:
// destroyed before the executor's context; transfers still in it end as cancelled.
#pragma once

#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <curl/curl.h>

#include "http/easy.hpp"

namespace chatrelay::http {

class Multi;

// A transfer as the loop sees it. Owned by whoever started it.
class MultiTransfer {
 public:
  virtual ~MultiTransfer() = default;
  // Called once; from within start() only when the loop is closed already. The handle is out of the loop already and
  // still holds its results.
  virtual void ended(CURLcode code) = 0;
  AddressGuard guard;
  Multi* multi = nullptr;  // set by start()
};

class Multi : public std::enable_shared_from_this<Multi> {
 public:
  Multi(boost::asio::any_io_executor executor, std::size_t connections_max);
  ~Multi();
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;
  void open();   // starts to listen; apart from the constructor because handlers share the ownership
  void close();  // ends all transfers with CURLE_ABORTED_BY_CALLBACK

  // Lifetime: `transfer` stays until ended() or abort().
  void start(CURL* easy, MultiTransfer& transfer);
  void abort(CURL* easy);  // without ended()

  EasyHandle take_easy();
  void give_back(EasyHandle easy);

 private:
  struct Registration {
    bool ours = false;         // opened by us: then we hear when it is closed
    std::uint32_t in_set = 0;  // what epoll was told
    bool wanted = false;       // libcurl wants to hear of it
  };
  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int on_timer(CURLM*, long timeout_ms, void* self);
  static curl_socket_t on_open(void* transfer, curlsocktype, curl_sockaddr* address);
  static int on_close(void* self, curl_socket_t socket);

  Registration& registration(curl_socket_t socket);
  void watch(curl_socket_t socket, std::uint32_t events);
  void wait_for_sockets();
  void sockets_ready();
  void wait_until(SteadyTime time);
  void kick();
  void act(curl_socket_t socket, int events);
  void collect();

  boost::asio::any_io_executor executor_;
  CURLM* multi_;
  int epoll_;
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer timer_;
  SteadyTime due_ = SteadyTime::max();  // when libcurl wants to be called
  SteadyTime timer_set_ =
      SteadyTime::max();  // when the timer fires; may be earlier: then it is set anew, which is rarer than moving it
  bool kicked_ = false;
  bool closed_ = false;
  std::vector<Registration> sockets_;  // by descriptor
  std::unordered_set<CURL*> running_;
  std::vector<EasyHandle> idle_;
};

}  // namespace chatrelay::http
