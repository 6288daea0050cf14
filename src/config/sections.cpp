#include "config/sections.hpp"

#include <filesystem>
#include <system_error>

#include "common/text.hpp"
#include "config/address.hpp"

namespace chatrelay::config {
namespace {

Address read_address(const Node& node, const Address& fallback) {
  if (!node.present()) return fallback;
  const std::string text = node.string();
  if (text.empty()) return fallback;
  Result<Address> address = parse_address(text);
  if (address) return *address;
  node.problem("is wrong: " + address.error().message);
  return fallback;
}

std::optional<Tls> read_tls(const Node& node) {
  if (!node.present()) return std::nullopt;
  node.only({"certificate", "key"});
  Tls tls;
  for (const auto& [key, value] : {std::pair{"certificate", &tls.certificate}, std::pair{"key", &tls.key}}) {
    const Node file = node[key];
    if (!file.present()) file.problem("is missing: TLS needs a certificate and a key, both PEM files");
    *value = file.path_value();
  }
  return tls;
}

// Where the outside reaches us: a scheme and a host, perhaps a path; kept without a slash at the end.
std::string read_public_url(const Node& node) {
  std::string url = node.string();
  if (url.empty()) return url;
  const std::string lower = to_lower_ascii(url);
  const std::size_t scheme = lower.starts_with("https://") ? 8 : lower.starts_with("http://") ? 7 : 0;
  if (scheme == 0 || url.size() == scheme || url[scheme] == '/' || url.find_first_of(" \t\r\n\"<>?#") != url.npos) {
    node.problem("is " + node.shown() + "; it must be a URL without query, like https://relay.example.com");
    return {};
  }
  while (url.ends_with('/')) url.pop_back();
  return url;
}

// A folder whose files are served under /site/.
std::string read_site(const Node& node) {
  if (!node.present()) return {};
  const std::string folder = node.path_value();
  if (folder.empty()) return {};
  std::error_code ec;
  if (std::filesystem::is_directory(folder, ec)) return folder;
  node.problem("names " + folder + ", which is no folder");
  return {};
}

bool same_socket(const Address& a, const Address& b) {
  if (a.port == 0 || a.port != b.port) return false;
  return a.host == b.host || is_unspecified_address(a.host) || is_unspecified_address(b.host);
}

}  // namespace

Millis positive_duration(const Node& node, Millis fallback) {
  const Millis value = node.duration(fallback);
  if (value > Millis{0}) return value;
  node.problem("must be longer than 0");
  return fallback;
}

Listen read_listen(const Node& node) {
  Listen listen;
  node.only({"public", "public_url", "admin", "admin_token", "trusted_proxies", "site"});
  const Node pub = node["public"];
  if (pub.is_map()) {
    pub.only({"address", "tls"});
    listen.public_address = read_address(pub["address"], listen.public_address);
    listen.tls = read_tls(pub["tls"]);
  } else {
    listen.public_address = read_address(pub, listen.public_address);
  }
  listen.public_url = read_public_url(node["public_url"]);
  listen.admin = read_address(node["admin"], listen.admin);
  listen.admin_token = node["admin_token"].secret();
  if (!is_loopback_address(listen.admin.host) && listen.admin_token.empty())
    node["admin"].problem("is " + listen.admin.host +
                          ", which others can reach: it needs listen.admin_token (or take 127.0.0.1)");
  if (same_socket(listen.public_address, listen.admin))
    node["admin"].problem("has the same address and port as listen.public; they must differ");
  listen.site = read_site(node["site"]);
  for (const Node& entry : node["trusted_proxies"].items()) {
    const std::string proxy = entry.string();
    if (is_ip_or_cidr(proxy))
      listen.trusted_proxies.push_back(proxy);
    else
      entry.problem("is " + entry.shown() + "; it must be an address or a network, like 10.0.0.0/8");
  }
  return listen;
}

Retention read_retention(const Node& node) {
  Retention retention;
  node.only({"events", "deliveries", "conversations"});
  retention.events = positive_duration(node["events"], retention.events);
  retention.deliveries = positive_duration(node["deliveries"], retention.deliveries);
  retention.conversations = positive_duration(node["conversations"], retention.conversations);
  return retention;
}

std::uint64_t body_size(const Node& node, std::uint64_t fallback) {
  const std::uint64_t size = node.size_bytes(fallback);
  // Limit: a body is held in memory as a whole, several of them at a time.
  constexpr std::uint64_t most = 256 << 20;
  if (size >= 1024 && size <= most) return size;
  node.problem("is " + node.shown() + "; it must be from 1KiB to 256MiB");
  return fallback;
}

Limits read_limits(const Node& node) {
  Limits limits;
  node.only({"body", "headers", "header_bytes", "queue"});
  limits.body_bytes_max = body_size(node["body"], limits.body_bytes_max);
  limits.headers_max = node["headers"].integer(limits.headers_max, 10, 10'000);
  const Node header_bytes = node["header_bytes"];
  const std::uint64_t bytes = header_bytes.size_bytes(limits.header_bytes_max);
  if (bytes >= 1024 && bytes <= 1 << 20)
    limits.header_bytes_max = bytes;
  else
    header_bytes.problem("is " + header_bytes.shown() + "; it must be from 1KiB to 1MiB");
  limits.queue_max = node["queue"].integer(limits.queue_max, 1, 1'000'000'000'000);
  return limits;
}

Transcripts read_transcripts(const Node& node) {
  Transcripts transcripts;
  node.only({"time_zone"});
  const Node zone = node["time_zone"];
  if (!zone.present()) return transcripts;
  const std::string name = zone.string();
  std::string why;
  if (const date::time_zone* found = find_zone(name, &why)) {
    transcripts.time_zone = Zone(*found);
    return transcripts;
  }
  const std::string near = nearest_zone(name);
  zone.problem("is " + zone.shown() + ", which the system's tzdata does not have" +
               (near.empty() ? " (" + printable(why, 200) + ")" : "; did you mean \"" + near + "\"?"));
  return transcripts;
}

Conversations read_conversations(const Node& node) {
  Conversations conversations;
  node.only({"silence"});
  const Node silence = node["silence"];
  if (!silence.present()) return conversations;
  constexpr Millis least = std::chrono::minutes(1);  // shorter, and every pause to think would end a chat
  const Millis value = silence.duration(least);
  if (value < least)
    silence.problem("is " + silence.shown() + "; it must be a minute or longer, like 12h");
  else
    conversations.silence = value;
  return conversations;
}

void read_log(const Node& node, log::Level& level, log::Format& format) {
  node.only({"level", "format"});
  level = node["level"].one_of<log::Level>({{"debug", log::Level::debug},
                                            {"info", log::Level::info},
                                            {"warn", log::Level::warn},
                                            {"error", log::Level::error}},
                                           level);
  format = node["format"].one_of<log::Format>({{"text", log::Format::text}, {"json", log::Format::json}}, format);
}

}  // namespace chatrelay::config
