#include "systems/rocketchat/endpoints/email_shape.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

constexpr std::size_t address_bytes_max = 254;
constexpr std::size_t local_bytes_max = 64;

struct Halves {
  std::string_view local, domain;
};

// Both empty unless there is exactly one '@'.
Halves split(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || text.find('@', at + 1) != std::string_view::npos) return {};
  return {text.substr(0, at), text.substr(at + 1)};
}

bool dots_are_between(std::string_view part) {
  return !part.empty() && part.front() != '.' && part.back() != '.' && part.find("..") == std::string_view::npos;
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

bool is_host_name(std::string_view domain) {
  while (true) {
    const std::size_t dot = domain.find('.');
    if (!is_label(domain.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace

namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Line breaks, controls and what turns the direction of writing, beyond ASCII too.
bool hides_something(std::string_view text) {
  return printable(text, text.size()) != text;
}

}  // namespace

bool looks_like_email(std::string_view text) {
  if (text.size() > address_bytes_max) return false;
  const Halves halves = split(text);
  if (halves.local.size() > local_bytes_max || !dots_are_between(halves.local) || !dots_are_between(halves.domain))
    return false;
  if (hides_something(text) || (is_ascii(halves.domain) && !is_host_name(halves.domain))) return false;
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7F || std::string_view("\"(),:;<>[\\]").find(c) != std::string_view::npos;
  });
}

bool is_mail_recipient(std::string_view text) {
  if (!looks_like_email(text)) return false;
  const Halves halves = split(text);
  const auto is_atext = [](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
  };
  return std::ranges::all_of(halves.local, is_atext) && is_host_name(halves.domain);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
