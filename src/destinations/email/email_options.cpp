#include "destinations/email/email_options.hpp"

#include <filesystem>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace chatrelay::destinations::email {

namespace {

constexpr std::string_view maildir_scheme = "maildir:";

// An EHLO argument and the host of a URL: letters, digits, dots, hyphens; or an address in brackets.
bool is_host(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']')
    return text.find_first_of(" \r\n\t/") == std::string_view::npos;
  return is_addr_spec("x@" + std::string(text));
}

std::string read_maildir(const config::Node& node, std::string_view path) {
  if (path.empty()) {
    node.problem("needs a folder: maildir:/var/mail/chat");
    return {};
  }
  if (path.starts_with('/')) return std::string(path);
  return (std::filesystem::path(node.where().file).parent_path() / path).lexically_normal().string();
}

std::string read_origin(const config::Node& node, const std::string& text) {
  const auto url = boost::urls::parse_uri(text);
  const bool smtps = url.has_value() && std::string_view(url->scheme()) == "smtps";
  if (url.has_error() || (!smtps && std::string_view(url->scheme()) != "smtp")) {
    node.problem("must be smtp://host:587, smtps://host:465 or maildir:/folder");
    return {};
  }
  if (url->has_userinfo()) {
    node.problem("must not hold user:password@; write username: and password:");
    return {};
  }
  const std::string host(url->encoded_host());
  const bool more =
      url->has_query() || url->has_fragment() || (!url->encoded_path().empty() && url->encoded_path() != "/");
  if (!is_host(host) || more) {
    node.problem(more ? "must be a host and a port only; the name for EHLO is ehlo:" : "has no usable host");
    return {};
  }
  std::string port(url->port());
  if (port.empty()) port = smtps ? "465" : "587";
  return std::string(url->scheme()) + "://" + host + ":" + port;
}

Smtp read_smtp(const config::Node& node, const std::string& text) {
  Smtp smtp;
  smtp.origin = read_origin(node["smtp"], text);
  smtp.ehlo = node["ehlo"].string();
  if (!smtp.ehlo.empty() && !is_host(smtp.ehlo)) node["ehlo"].problem("must be a host name");
  smtp.ca_file = node["ca_file"].path_value();
  smtp.require_tls = node["tls"].one_of<bool>({{"required", true}, {"off", false}}, true);
  smtp.username = node["username"].string();
  smtp.password = node["password"].secret().reveal();
  smtp.bearer = node["bearer"].secret().reveal();
  if (!smtp.password.empty() && !smtp.bearer.empty())
    node["bearer"].problem("stands beside password: one of both is enough");
  const bool login = !smtp.password.empty() || !smtp.bearer.empty();
  if (login && smtp.username.empty()) node.problem("has a password or bearer, but no username");
  if (!login && !smtp.username.empty()) node["username"].problem("needs a password or a bearer");
  if (!smtp.require_tls) {
    if (login)
      node["tls"].problem("is off: a login is never sent in clear");
    else if (smtp.origin.starts_with("smtps:"))
      node["tls"].problem("is off, but smtps:// is TLS");
    else
      node["tls"].warning("is off: mails go over the network in clear");
  }
  return smtp;
}

std::optional<Mailbox> read_mailbox(const config::Node& node) {
  std::optional<Mailbox> mailbox = parse_mailbox(node.string());
  if (!mailbox)
    node.problem("is " + node.shown() + ", which is not an address (a@example.com, or Name <a@example.com>)");
  return mailbox;
}

void refuse_smtp_keys(const config::Node& node) {
  for (const std::string_view key : {"tls", "username", "password", "bearer", "ca_file", "ehlo"}) {
    if (node[key].present()) node[key].problem("belongs to smtp://, not to a Maildir");
  }
}

}  // namespace

const std::vector<std::string>& email_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> all = config::common_destination_keys();
    all.insert(all.end(),
               {"smtp", "tls", "username", "password", "bearer", "from", "to", "ca_file", "ehlo", "reply_to"});
    return all;
  }();
  return keys;
}

EmailOptions read_email_options(const config::DestinationConfig& config) {
  const config::Node& node = config.node;
  EmailOptions options;
  options.name = config.name;
  options.timeout = config.timeout;
  options.allow_private = config.allow_private;
  const std::string smtp = node["smtp"].required_string();
  if (smtp.starts_with(maildir_scheme)) {
    options.maildir = read_maildir(node["smtp"], std::string_view(smtp).substr(maildir_scheme.size()));
    refuse_smtp_keys(node);
  } else if (!smtp.empty()) {
    options.smtp = read_smtp(node, smtp);
  }
  if (!node["from"].present())
    node.problem("needs from: the address that mails come from");
  else if (auto from = read_mailbox(node["from"]))
    options.from = std::move(*from);
  for (const config::Node& to : node["to"].items()) {
    if (auto mailbox = read_mailbox(to)) options.to.push_back(std::move(*mailbox));
  }
  if (node["reply_to"].present()) options.reply_to = read_mailbox(node["reply_to"]);
  return options;
}

}  // namespace chatrelay::destinations::email
