#include "config/address.hpp"

#include <cstdint>

#include <arpa/inet.h>

#include "common/digits.hpp"
#include "common/text.hpp"
#include "config/config.hpp"

namespace chatrelay::config {
namespace {

bool is_v4(std::string_view text) {
  in_addr address{};
  return inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

bool is_v6(std::string_view text) {
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool same_v6(std::string_view text, const in6_addr& other) {
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1 && IN6_ARE_ADDR_EQUAL(&address, &other);
}

}  // namespace

bool is_ip_address(std::string_view text) {
  if (text.find('\0') != text.npos) return false;
  return is_v4(text) || is_v6(text);
}

bool is_ip_or_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return is_ip_address(text);
  const std::string_view address = text.substr(0, slash);
  const auto bits = whole_number<unsigned>(text.substr(slash + 1));
  return is_ip_address(address) && bits && *bits <= (is_v4(address) ? 32u : 128u);
}

bool is_loopback_address(std::string_view text) {
  return (is_v4(text) && text.starts_with("127.")) || same_v6(text, in6addr_loopback);
}

bool is_unspecified_address(std::string_view text) {
  return text == "0.0.0.0" || same_v6(text, in6addr_any);
}

Result<Address> parse_address(std::string_view text) {
  const auto wrong = [&] {
    return invalid('"' + printable(text, 80) + "\" is not an address with a port, like 0.0.0.0:8080 or [::1]:8080");
  };
  Address address;
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return wrong();
  const auto port = whole_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return wrong();
  address.port = *port;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!is_v6(host)) return wrong();
  } else if (host.empty()) {
    host = "0.0.0.0";
  } else if (host == "localhost") {
    host = "127.0.0.1";
  } else if (!is_v4(host)) {
    return wrong();
  }
  address.host = std::string(host);
  return address;
}

}  // namespace chatrelay::config
