// Addresses as text, checked without a network library.
#pragma once

#include <string>
#include <string_view>

namespace chatrelay::config {

bool is_ip_address(std::string_view text);           // IPv4, or IPv6 without brackets and zone
bool is_ip_or_cidr(std::string_view text);           // also 10.0.0.0/8, fd00::/8
bool is_loopback_address(std::string_view text);     // 127.0.0.0/8 or ::1
bool is_unspecified_address(std::string_view text);  // 0.0.0.0 or ::

}  // namespace chatrelay::config
