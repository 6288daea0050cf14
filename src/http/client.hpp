// Client: HTTP on libcurl's multi interface in the delivery thread's executor; SMTP on a few threads of its own.
//
// Every handle: NOSIGNAL, QUICK_EXIT, empty PROXY, no redirects, TLS 1.2 at least, certificate verified, a bounded
// answer. Names are resolved by a bounded number of threads of ours, never by libcurl, so a name server that hangs for
// one host delays nobody else. Private, loopback, link-local, multicast and unspecified addresses are refused before
// connecting, at connect time and before a kept connection is used again (after DNS, so a name that changes its address
// gains nothing) unless allowed. SMTP has threads because libcurl 7.88 waits for the answer to QUIT inside its calls:
// one hanging mail server would hold the loop. Slots are shared among groups so that one group never gets the last free
// one (see admission.hpp).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/clock.hpp"

namespace chatrelay::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct ClientRequest {
  ClientRequest() {}
  std::string method = "POST";
  std::string url;
  Headers headers;  // Invariant 10: names and values with CR, LF or NUL are refused before sending
  std::string body;
  Millis timeout{30'000};  // connect, TLS, sending and answer together
  Millis connect_timeout{10'000};
  std::size_t response_bytes_max = 64 << 10;  // more is cut, the transfer counts as complete
  bool allow_private = false;
  std::string ca_file;  // empty: the system's
  std::string group;    // whose share of the connections is used; empty: the URL's host and port
  bool fresh_connection =
      false;  // libcurl repeats a request by itself when a kept connection turns out dead; a new one rules that out
};

// How far a request got: what decides between "try again" and "may have been applied".
enum class Progress {
  not_sent,  // refused, no address, TLS failed: nothing of the request can have been applied
  sent,      // something was sent, no complete answer came: ambiguous
  answered,
};

struct ClientResponse {
  ClientResponse() {}
  Progress progress = Progress::not_sent;
  int status = 0;
  Headers headers;    // of the final answer, 64 KiB at most
  std::string body;   // at most response_bytes_max
  std::string error;  // libcurl's text, when there is no complete answer; no URL with secrets in it
  bool timed_out = false;
  bool refused_address = false;  // private address, not allowed
};

// The value of the first header of that name (any case); nullptr if there is none.
const std::string* find_header(const Headers& headers, std::string_view name);

// One mail through SMTP. The message is complete (RFC 5322, CRLF, base64 bodies): contract §4.2 "recommended".
struct MailRequest {
  MailRequest() {}
  std::string url;                 // smtp://host:587/ehlo-name or smtps://host:465/ehlo-name
  std::string username, password;  // AUTH only after TLS unless allow_plain_auth
  std::string bearer;              // XOAUTH2
  bool require_tls = true;         // STARTTLS (smtp://) or nothing is sent; false: plain text, STARTTLS is not tried
  bool allow_plain_auth = false;   // log in without TLS; otherwise a login makes TLS required
  std::string ca_file;
  std::string from, to;  // addr-specs; one recipient per transaction; an empty `from` is the null sender
  std::string message;   // refused with a bare CR or LF or a NUL in it: SMTP smuggling
  Millis timeout{60'000};
  bool allow_private = false;
  bool probe = false;  // only log in, send nothing
};

struct MailResponse {
  MailResponse() {}
  int curl_code = 0;   // CURLcode
  int reply_code = 0;  // the last SMTP reply code seen (CURLINFO_RESPONSE_CODE)
  std::string reply;   // the last reply's text with the enhanced code, one line; bounded
  std::string error;
  bool sent_body = false;  // 354 was seen: with no reply code of 400 or more after it, the mail may have been taken
  bool timed_out = false;
  bool refused_address = false;
};

// The addresses of a name, or an error. Blocks; called on a resolver thread.
struct Resolution {
  std::vector<std::string> addresses;
  std::string error;
};
using ResolveFunction = std::function<Resolution(const std::string& host)>;

class Client {
 public:
  struct Options {
    std::size_t connections_max = 256;
    std::size_t resolver_threads_max = 32;
    std::size_t mail_threads_max = 16;
    std::string user_agent = "chatrelay";
    ResolveFunction resolve;  // for tests; unset: getaddrinfo
  };
  // Lifetime: destroyed on the executor's thread, before its context. Transfers under way end as cancelled.
  Client(boost::asio::any_io_executor executor, Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Thread: the executor's. Terminal cancellation aborts the transfer. Never throws for network reasons.
  boost::asio::awaitable<ClientResponse> send(ClientRequest request);
  boost::asio::awaitable<MailResponse> send_mail(MailRequest request);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chatrelay::http
