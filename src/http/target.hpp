// Target: a URL taken apart by libcurl's own parser, so that what we check is what libcurl connects to:
// "http://2130706433/" and "http://0x7f.1/" are 127.0.0.1 here too.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/address.hpp>
#include <curl/curl.h>

#include "common/error.hpp"
#include "http/client.hpp"

namespace chatrelay::http {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using UrlHandle = std::unique_ptr<CURLU, UrlDeleter>;
using StringList = std::unique_ptr<curl_slist, ListDeleter>;

struct Target {
  Target() {}
  UrlHandle url;
  std::string host;  // as libcurl names it: lower-case punycode; without brackets
  std::string port;
  std::optional<boost::asio::ip::address> literal;  // the host is an address
  std::string group() const { return host + ":" + port; }
};

// Errors: invalid; never with the URL in it, which may hold secrets.
Result<Target> parse_target(const std::string& url, std::initializer_list<std::string_view> schemes);

// The addresses that may be connected to. Empty with `refused` set: all of them are private.
struct Allowed {
  std::vector<std::string> addresses;
  bool refused = false;
};
Allowed allowed_addresses(const std::vector<std::string>& addresses, bool allow_private);

// For CURLOPT_RESOLVE. nullptr for a literal address, which needs none.
StringList resolve_list(const Target& target, const std::vector<std::string>& addresses);

void append(StringList& list, const std::string& text);

}  // namespace chatrelay::http
