// EmailOptions: what a destination of kind email is configured with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "config/config.hpp"
#include "destinations/email/address.hpp"

namespace chatrelay::destinations::email {

struct Smtp {
  std::string origin;  // "smtp://mail.example:587"
  std::string ehlo;    // empty: the host's name
  std::string username, password, bearer;
  std::string ca_file;
  bool require_tls = true;
};

struct EmailOptions {
  std::string name;
  std::optional<Smtp> smtp;  // else maildir
  std::string maildir;
  Mailbox from;
  std::vector<Mailbox> to;
  std::optional<Mailbox> reply_to;
  Millis timeout{30'000};
  bool allow_private = false;
};

// Every problem is added at its place. Usable only if there was none.
EmailOptions read_email_options(const config::DestinationConfig& config);
const std::vector<std::string>& email_keys();

}  // namespace chatrelay::destinations::email
