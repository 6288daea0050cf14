#include "http/response_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/beast/http/status.hpp>

#include "common/log.hpp"
#include "common/text.hpp"

namespace chatrelay::http {

namespace {

void append_number(std::string& out, std::size_t number) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  if (error == std::errc{}) out.append(digits, end);
}

bool is_ours(std::string_view name) {
  static constexpr std::array<std::string_view, 6> ours{"Content-Length", "Transfer-Encoding",     "Connection", "Date",
                                                        "Content-Type",   "X-Content-Type-Options"};
  return std::any_of(ours.begin(), ours.end(), [&](std::string_view o) { return iequals_ascii(o, name); });
}

}  // namespace

std::string_view DateHeader::now() {
  const auto second = std::time(nullptr);
  if (second != second_) {
    second_ = second;
    std::tm parts{};
    gmtime_r(&second, &parts);
    length_ = std::strftime(text_, sizeof text_, "%a, %d %b %Y %H:%M:%S GMT", &parts);  // no locale is set: English
  }
  return {text_, length_};
}

bool is_token(std::string_view text) {
  static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || others.find(c) != others.npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
}

bool status_has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

void append_head(std::string& out, const Response& response, const ResponseShape& shape, std::string_view date) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(response.status));
  out.push_back(' ');
  const auto reason = beast::http::obsolete_reason(static_cast<beast::http::status>(response.status));
  out.append(reason.data(), reason.size());
  out.append("\r\nDate: ").append(date);
  if (status_has_body(response.status)) {
    if (shape.chunked) {
      out.append("\r\nTransfer-Encoding: chunked");
    } else if (!response.stream) {
      out.append("\r\nContent-Length: ");
      append_number(out, response.body.size());
    }
    const bool has_body = !response.body.empty() || response.stream;
    if (has_body && !response.content_type.empty() && is_field_value(response.content_type)) {
      out.append("\r\nContent-Type: ").append(response.content_type);
    }
  }
  if (!shape.keep_alive) {
    out.append("\r\nConnection: close");
  } else if (shape.http_1_0) {
    out.append("\r\nConnection: keep-alive");
  }
  out.append("\r\nX-Content-Type-Options: nosniff\r\n");
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name) || !is_field_value(value) || is_ours(name)) {
      log::warn("a header of an answer was dropped", {{"header", printable(name, 60)}});
      continue;
    }
    out.append(name).append(": ").append(value).append("\r\n");
  }
  out.append("\r\n");
}

}  // namespace chatrelay::http
