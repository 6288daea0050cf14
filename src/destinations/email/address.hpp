// Addresses of mail, strictly: what passes here can stand in a header and in MAIL FROM and RCPT TO without any quoting.
//
// libcurl of Debian 12 sends CR and LF in a recipient as further SMTP commands (contract §4.2), so nothing else may
// ever reach it. Not supported on purpose: quoted local parts, address literals, comments, groups, non-ASCII
// (SMTPUTF8).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chatrelay::destinations::email {

// local@domain: a dot-atom of RFC 5322 §3.2.3 (Limit: 64) and a host name (Limit: 254 in all).
bool is_addr_spec(std::string_view text);

struct Mailbox {
  std::string name;     // display name, any text; may be empty
  std::string address;  // passes is_addr_spec
  std::string domain() const { return address.substr(address.rfind('@') + 1); }
  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

// "a@b", "Name <a@b>", "\"Name, more\" <a@b>". One mailbox: a comma outside the name never makes two.
std::optional<Mailbox> parse_mailbox(std::string_view text);

}  // namespace chatrelay::destinations::email
