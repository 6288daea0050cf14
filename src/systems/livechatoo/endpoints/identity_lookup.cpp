#include "systems/livechatoo/endpoints/identity_lookup.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "common/text.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

namespace {

// RFC 6265 §4.1.1, cookie-octet: no space, quote, comma, semicolon, backslash.
bool is_cookie_octet(char c) {
  return c > 0x20 && c < 0x7F && c != '"' && c != ',' && c != ';' && c != '\\';
}

// "PHPSESSID=abc" or "abc": one pair of the configured name.
std::optional<std::string> cookie_of(const std::string& name, std::string_view value) {
  if (const std::size_t equals = value.find('='); equals != value.npos) {
    if (value.substr(0, equals) != name) return std::nullopt;
    value.remove_prefix(equals + 1);
  }
  if (value.empty() || !std::ranges::all_of(value, is_cookie_octet)) return std::nullopt;
  return name + "=" + std::string(value);
}

bool is_plain_text(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string pair_of(const std::string& name, std::string_view value) {
  return percent_encode(name) + "=" + percent_encode(value);
}

}  // namespace

std::optional<http::ClientRequest> lookup_request(const Lookup& lookup, std::string_view value) {
  if (!is_plain_text(value) || trim(value).empty()) return std::nullopt;  // a blank header would not be sent at all
  http::ClientRequest request;
  request.method = lookup.method;
  request.url = lookup.url;
  request.headers = lookup.headers;
  request.headers.emplace_back("Accept", "application/json");
  request.timeout = lookup.timeout;
  request.connect_timeout = std::min(lookup.timeout, request.connect_timeout);
  request.allow_private = lookup.allow_private;
  switch (lookup.place) {
    case Place::query:
      request.url += (request.url.find('?') == std::string::npos ? "?" : "&") + pair_of(lookup.name, value);
      break;
    case Place::form:
      request.body = pair_of(lookup.name, value);
      request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
      break;
    case Place::json: {
      boost::json::object body;
      body[lookup.name] = repair_utf8(value);
      request.body = boost::json::serialize(body);
      request.headers.emplace_back("Content-Type", "application/json");
      break;
    }
    case Place::header:
      request.headers.emplace_back(lookup.name, std::string(value));
      break;
    case Place::cookie: {
      auto cookie = cookie_of(lookup.name, value);
      if (!cookie) return std::nullopt;
      request.headers.emplace_back("Cookie", std::move(*cookie));
      break;
    }
  }
  return request;
}

Found judge(const http::ClientResponse& response) {
  if (response.progress != http::Progress::answered) return Found::unavailable;
  const int status = response.status;
  if (status >= 200 && status < 300) return Found::document;
  if ((status >= 300 && status < 400) || status == 401 || status == 403 || status == 404 || status == 410)
    return Found::nobody;
  return Found::unavailable;
}

}  // namespace chatrelay::systems::livechatoo::endpoints
