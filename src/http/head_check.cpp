#include "http/head_check.hpp"

#include <algorithm>

#include <boost/beast/http/error.hpp>

#include "common/text.hpp"

namespace chatrelay::http {

namespace {

namespace field = beast::http;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

HeadVerdict refuse(int status, std::string_view why) {
  HeadVerdict verdict;
  verdict.status = status;
  verdict.why = why;
  return verdict;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string_view host_name(std::string_view host) {
  host = trim(host);
  if (!host.empty() && host.front() == '[') {
    const auto close = host.find(']');
    return close == std::string_view::npos ? std::string_view{} : host.substr(1, close - 1);
  }
  host = host.substr(0, host.find(':'));
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);  // the root's dot: the same name
  return host;
}

HeadVerdict check_head(const Head& head, const ServerLimits& limits, const std::vector<std::string>& hosts_allowed) {
  std::size_t count = 0;
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  std::string_view host;
  std::string_view length;
  std::string_view coding;
  std::string_view expect;
  for (const auto& f : head) {
    ++count;
    switch (f.name()) {
      case field::field::host:
        ++hosts;
        host = view(f.value());
        break;
      case field::field::content_length:
        ++lengths;
        length = view(f.value());
        break;
      case field::field::transfer_encoding:
        ++codings;
        coding = view(f.value());
        break;
      case field::field::expect:
        expect = view(f.value());
        break;
      default:
        break;
    }
  }
  if (count > limits.headers_max) return refuse(431, "too many header fields\n");
  // Request smuggling: a proxy before us may have believed the other one of two lengths (RFC 9112 §6.1, §6.3).
  if (codings > 0 && lengths > 0) return refuse(400, "both Content-Length and Transfer-Encoding\n");
  if (lengths > 1 || (lengths == 1 && !all_digits(length))) return refuse(400, "Content-Length is not one number\n");
  if (codings > 1) return refuse(400, "more than one Transfer-Encoding\n");
  if (codings == 1) {
    if (head.version() < 11) return refuse(400, "Transfer-Encoding in HTTP/1.0\n");
    if (!iequals_ascii(coding, "chunked")) return refuse(501, "the only transfer coding is chunked\n");
  }
  if (hosts > 1 || (hosts == 0 && head.version() >= 11)) return refuse(400, "exactly one Host is needed\n");
  if (!hosts_allowed.empty()) {
    const auto name = host_name(host);
    const bool known = std::any_of(hosts_allowed.begin(), hosts_allowed.end(), [&](const std::string& allowed) {
      return iequals_ascii(host_name(allowed), name) || iequals_ascii(allowed, name);
    });
    if (!known || name.empty()) return refuse(403, "this Host is not served here\n");
  }
  if (!expect.empty() && head.version() >= 11 && !iequals_ascii(expect, "100-continue")) {
    return refuse(417, "the only expectation is 100-continue\n");
  }
  HeadVerdict verdict;
  verdict.wants_continue = !expect.empty() && head.version() >= 11;
  verdict.chunked = codings == 1;
  return verdict;
}

HeadVerdict verdict_of(const boost::system::error_code& ec) {
  using beast::http::error;
  if (ec == error::header_limit || ec == error::buffer_overflow)
    return refuse(431, "the header fields are too large\n");
  if (ec == error::body_limit) return refuse(413, "the body is too large\n");
  return refuse(400, "this is not an HTTP/1.1 request\n");
}

}  // namespace chatrelay::http
