#include "config/origins.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace chatrelay::config {

namespace {

// scheme://host[:port]. Of any scheme: the pages of applications come from capacitor://localhost and the like.
bool is_origin(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == text.npos || end == 0) return false;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  };
  const std::string_view host = text.substr(end + 3);
  return std::ranges::all_of(text.substr(0, end), fits) && !host.empty() &&
         host.find_first_of("/?#@* \t\"<>") == host.npos;
}

// What no browser sends, although it means the same: it would be refused for ever. nullptr if it is not that.
const char* unsent_form(std::string_view origin) {
  if (std::ranges::any_of(origin, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return "; browsers send such a name in ASCII (xn--…): write that";
  if ((origin.starts_with("https://") && origin.ends_with(":443")) ||
      (origin.starts_with("http://") && origin.ends_with(":80")))
    return "; browsers leave out the port that the scheme has anyway: leave it out";
  return nullptr;
}

}  // namespace

std::vector<std::string> read_origins(const Node& node, bool star) {
  std::vector<std::string> origins;
  for (const Node& item : node.items()) {
    const std::string origin = to_lower_ascii(item.string());
    if (const char* why = unsent_form(origin))
      item.problem("is " + item.shown() + why);
    else if (is_origin(origin) || (star && origin == "*"))
      origins.push_back(origin);
    else
      item.problem("is " + item.shown() + "; it must be an origin: https://host or https://host:port without a path" +
                   (star ? ", or *" : " (* would let every website write here)"));
  }
  return origins;
}

}  // namespace chatrelay::config
