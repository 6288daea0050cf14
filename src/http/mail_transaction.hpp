// One SMTP transaction on a libcurl handle: options, replies, verdict. Blocks; runs on a thread of the MailPool.
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "http/easy.hpp"
#include "http/target.hpp"

namespace chatrelay::http {

// The server's replies as they come, of several lines too: keeps the last one.
class SmtpReplies {
 public:
  void take(std::string_view line);
  const std::string& last() const { return last_; }
  int code() const { return code_; }
  bool saw_354() const { return saw_354_; }

 private:
  std::string last_;  // Limit: 1 KiB
  int code_ = 0;
  bool complete_ = true;
  bool saw_354_ = false;
};

// The sockets of one handle, kept connections too, so that another thread can cut them. Lifetime: longer than the
// handle.
class SocketTracker {
 public:
  curl_socket_t opened(curl_socket_t socket);
  int close(curl_socket_t socket);
  void cut();  // Thread: any

 private:
  std::mutex mutex_;
  std::set<curl_socket_t> open_;
};

class MailTransaction {
 public:
  MailTransaction(MailRequest request, Target target, std::vector<std::string> addresses, Millis timeout);
  MailTransaction(const MailTransaction&) = delete;
  MailTransaction& operator=(const MailTransaction&) = delete;

  // Blocks until the server has answered, the time is over, or cancel(). Thread: one at a time.
  void perform(CURL* easy, SocketTracker& sockets);
  // Thread: any. Ends perform() at once by closing both directions of its connection.
  void cancel();
  const MailResponse& response() const { return response_; }

 private:
  void set_session(CURL* easy, SocketTracker& sockets);
  void set_mail(CURL* easy);
  void conclude(CURL* easy, CURLcode code);
  static std::size_t on_read(char* out, std::size_t, std::size_t size, void* self);
  static std::size_t on_reply(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_body(char*, std::size_t, std::size_t size, void*);
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address);
  static int on_close(void* sockets, curl_socket_t socket);

  MailRequest request_;
  Target target_;
  StringList resolve_;
  StringList recipients_;
  Millis timeout_;
  AddressGuard guard_;
  SmtpReplies replies_;
  MailResponse response_;
  std::size_t sent_ = 0;
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime give_up_at_ = SteadyTime::max();  // sooner after the server's verdict
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  SocketTracker* sockets_ = nullptr;  // while perform() runs
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace chatrelay::http
