// MailPool: SMTP transactions on a few threads, each with a libcurl handle that keeps its connection for the next mail.
//
// Threads, because libcurl 7.88 waits inside its calls for the answer to QUIT, also when it closes a kept connection:
// on the loop's thread one hanging mail server would stop every delivery. A thread ends after some seconds without
// work. Thread: the executor's, but for what says otherwise.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "http/client.hpp"
#include "http/target.hpp"

namespace chatrelay::http {

// Empty, or why the mail cannot be sent as it is. Addresses with line breaks or brackets would be commands; a message
// with a bare CR or LF could end early and begin another one (SMTP smuggling).
std::string problem_of(const MailRequest& request);

class MailPool {
 public:
  MailPool(boost::asio::any_io_executor executor, std::size_t threads_max);
  ~MailPool();
  MailPool(const MailPool&) = delete;
  MailPool& operator=(const MailPool&) = delete;

  // Limit: the caller starts at most threads_max at once (Admission). Cancellation cuts the connection.
  boost::asio::awaitable<MailResponse> send(const MailRequest& request, Target target,
                                            std::vector<std::string> addresses, Millis timeout);
  // Cuts every transaction and waits for the threads: a moment, no network waits.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chatrelay::http
