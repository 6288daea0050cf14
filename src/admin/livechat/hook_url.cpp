#include "admin/livechat/hook_url.hpp"

#include "common/text.hpp"
#include "http/address.hpp"

namespace chatrelay::admin::livechat {

namespace {

constexpr std::size_t url_characters_max = 500;  // register_webhook, since 3.5

// Of "https://" or "http://"; 0 for anything else.
std::size_t scheme_size(std::string_view url) {
  const std::string lower = to_lower_ascii(url.substr(0, 8));
  return lower == "https://" ? 8 : lower.starts_with("http://") ? 7 : 0;
}

}  // namespace

Result<std::string> hook_url(std::string_view base, const std::string& source) {
  std::string url(base);
  while (url.ends_with('/')) url.pop_back();
  const std::size_t scheme = scheme_size(url);
  if (scheme == 0 || url.size() <= scheme || url.find_first_of(" \t\r\n\"<>?#") != std::string::npos)
    return invalid("\"" + printable(base) + "\" is not a URL like https://relay.example.com");
  if (url.find("/hooks/") == std::string::npos) url += "/hooks/" + source;
  if (url.size() > url_characters_max)
    return Error(ErrorKind::too_large, "the address has " + std::to_string(url.size()) +
                                           " characters, and LiveChat takes 500: give the relay a shorter one");
  return url;
}

std::string reach_warning(std::string_view url) {
  const std::size_t scheme = scheme_size(url);
  const std::string host = to_lower_ascii(url.substr(scheme, url.find('/', scheme) - scheme));
  const auto address = http::parse_address(host);
  if ((address && http::is_private_address(*address)) || host == "localhost" || host.starts_with("localhost:"))
    return "LiveChat cannot reach " + printable(host) + ", a private address: say the public one with --url";
  if (scheme == 7) return printable(url) + " is not https://: the secret and all chats travel in clear text";
  return {};
}

}  // namespace chatrelay::admin::livechat
