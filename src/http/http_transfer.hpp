// HttpTransfer: one request on one libcurl handle, and what its answer means for "may it have been applied".
// Lifetime: in the frame of the coroutine that awaits it; leaving the frame aborts the transfer.
#pragma once

#include <memory>

#include <boost/asio/steady_timer.hpp>

#include "http/client.hpp"
#include "http/multi.hpp"
#include "http/target.hpp"

namespace chatrelay::http {

// Empty, or why the request cannot be sent as it is.
std::string problem_of(const ClientRequest& request);

class HttpTransfer final : public MultiTransfer {
 public:
  HttpTransfer(std::shared_ptr<Multi> multi, const ClientRequest& request, Target target, StringList resolve,
               Millis timeout, const std::string& user_agent, boost::asio::steady_timer& finished);
  ~HttpTransfer() override;
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  void start();
  void cancel();
  bool done() const { return done_; }
  ClientResponse take_response() { return std::move(response_); }
  void ended(CURLcode code) override;

 private:
  void set_request(const std::string& user_agent);
  void set_headers();
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self);
  bool take_header(std::string_view line);
  bool take_body(std::string_view bytes);

  std::shared_ptr<Multi> loop_;
  const ClientRequest& request_;
  Target target_;
  StringList resolve_;
  StringList header_list_;
  EasyHandle easy_;
  boost::asio::steady_timer& finished_;
  ClientResponse response_;
  std::size_t header_bytes_ = 0;
  std::size_t dropped_bytes_ = 0;
  bool cut_ = false;
  bool head_complete_ = false;  // of the final answer
  bool done_ = false;
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace chatrelay::http
