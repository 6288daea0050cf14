#include "destinations/email/address.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace chatrelay::destinations::email {

namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_atext(char c) {
  return is_alphanumeric(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// Parts between dots, none of them empty.
template <class Check>
bool all_parts(std::string_view text, Check check) {
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || !check(part)) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_label(std::string_view label) {
  return label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

std::string unquoted(std::string_view name) {
  name = trim(name);
  if (name.size() < 2 || name.front() != '"' || name.back() != '"') return std::string(name);
  std::string text;
  name = name.substr(1, name.size() - 2);
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\' && i + 1 < name.size()) ++i;
    text += name[i];
  }
  return text;
}

}  // namespace

bool is_addr_spec(std::string_view text) {
  if (text.size() > 254) return false;
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return false;
  const std::string_view local = text.substr(0, at);
  return all_parts(local, [](std::string_view part) { return std::ranges::all_of(part, is_atext); }) &&
         all_parts(text.substr(at + 1), is_label);
}

std::optional<Mailbox> parse_mailbox(std::string_view text) {
  text = trim(text);
  if (is_addr_spec(text)) return Mailbox{{}, std::string(text)};
  if (!text.ends_with('>')) return std::nullopt;
  const std::size_t open = text.rfind('<');
  if (open == std::string_view::npos) return std::nullopt;
  const std::string_view address = text.substr(open + 1, text.size() - open - 2);
  if (!is_addr_spec(address)) return std::nullopt;
  // A name with a line break is an attempt at something, not a name.
  if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) return std::nullopt;
  return Mailbox{unquoted(text.substr(0, open)), std::string(address)};
}

}  // namespace chatrelay::destinations::email
