// Client: libcurl's multi interface on the delivery thread's executor. HTTP and SMTP.
//
// Every handle: NOSIGNAL, QUICK_EXIT (7.88 blocks curl_multi_perform for seconds when a time-out meets a slow resolver
// otherwise), empty PROXY, no redirects, TLS 1.2 at least, certificate verified, a bounded answer, a bounded number of resolver
// threads. Private, loopback, link-local, multicast and unspecified addresses are refused at connect time (after DNS, so a name that
// changes its address gains nothing) unless allowed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.hpp"

namespace chatrelay::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct ClientRequest {
  ClientRequest() {}
  std::string method = "POST";
  std::string url;
  Headers headers;               // Invariant 10: names and values with CR, LF or NUL are refused before sending
  std::string body;
  Millis timeout{30'000};        // connect, TLS, sending and answer together
  Millis connect_timeout{10'000};
  std::size_t response_bytes_max = 64 << 10;  // more is cut, the transfer counts as complete
  bool allow_private = false;
  std::string ca_file;           // empty: the system's
  std::string group;             // transfers of one group never take more than group_max resolver threads/connections
};

// How far a request got: what decides between "try again" and "may have been applied".
enum class Progress {
  not_sent,        // refused, no address, TLS failed: nothing of the request can have been applied
  sent,            // something was sent, no complete answer came: ambiguous
  answered,
};

struct ClientResponse {
  ClientResponse() {}
  Progress progress = Progress::not_sent;
  int status = 0;
  Headers headers;
  std::string body;              // at most response_bytes_max
  std::string error;             // libcurl's text, when there is no complete answer; no URL with secrets in it
  bool timed_out = false;
  bool refused_address = false;  // private address, not allowed
};

// One mail through SMTP. The message is complete (RFC 5322, CRLF, base64 bodies): contract §4.2 "recommended".
struct MailRequest {
  MailRequest() {}
  std::string url;               // smtp://host:587/ehlo-name or smtps://host:465/ehlo-name
  std::string username, password;   // AUTH only after TLS unless allow_plain_auth
  std::string bearer;               // XOAUTH2
  bool require_tls = true;          // CURLUSESSL_ALL
  std::string ca_file;
  std::string from, to;             // addr-specs, validated by the caller; one recipient per transaction
  std::string message;
  Millis timeout{60'000};
  bool allow_private = false;
  bool probe = false;               // only log in, send nothing
};

struct MailResponse {
  MailResponse() {}
  int curl_code = 0;             // CURLcode
  int reply_code = 0;            // the last SMTP reply code seen (CURLINFO_RESPONSE_CODE)
  std::string reply;             // the last reply's text with the enhanced code, one line; bounded
  std::string error;
  bool sent_body = false;        // 354 was seen
};

class Client {
 public:
  struct Options {
    std::size_t connections_max = 256;
    std::size_t resolver_threads_max = 32;
    std::string user_agent = "chatrelay";
  };
  Client(boost::asio::any_io_executor executor, Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Thread: the executor's. Terminal cancellation aborts the transfer. Never throws for network reasons.
  boost::asio::awaitable<ClientResponse> send(ClientRequest request);
  boost::asio::awaitable<MailResponse> send_mail(MailRequest request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chatrelay::http
