#include "systems/livehelperchat/endpoints/tracking_visitor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "common/digits.hpp"
#include "common/text.hpp"
#include "http/address.hpp"
#include "systems/livehelperchat/endpoints/chat_lookup.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t user_agent_bytes_max = 512;
constexpr std::size_t segment_bytes_max = 100;  // Limit: of one value that is echoed
constexpr std::size_t segments_max = 10;        // Limit: of values of one parameter

constexpr std::array<std::string_view, 20> crawlers{
    "Google",     "Yahoo",           "Slurp",
    "msnbot",     "bingbot",         "Baiduspider",
    "YandexBot",  "DuckDuckBot",     "facebookexternalhit",
    "AhrefsBot",  "SemrushBot",      "MJ12bot",
    "DotBot",     "PetalBot",        "Applebot",
    "GPTBot",     "ClaudeBot",       "CCBot",
    "Bytespider", "archive.org_bot",
};

// A parameter's values, back in the URL: each one segment, which ends nothing and begins nothing.
void append(std::string& url, const Ask& ask, std::string_view name) {
  std::string values;
  std::size_t count = 0;
  for (const std::string& value : ask.unordered_all(name)) {
    if (value.empty() || count++ == segments_max) break;
    values += "/" + percent_encode(truncate_utf8(value, segment_bytes_max));
  }
  if (!values.empty()) url += "/(" + std::string(name) + ")" + values;
}

}  // namespace

conversations::Guest guest_of(const Ask& ask, std::string_view vid) {
  conversations::Guest guest;
  guest.token = visitor_token(vid);
  guest.new_id = new_id();
  if (const auto ip = ask.field("ip"))
    if (const auto address = http::parse_address(trim(*ip))) guest.ip = address->to_string();
  std::string agent = ask.field("ua").value_or("");
  if (agent.empty()) agent = ask.unordered("ua").value_or("");
  agent = repair_utf8(agent);
  if (!agent.empty()) guest.user_agent = std::string(truncate_utf8(agent, user_agent_bytes_max));
  // "Europe/Vilnius" has become two values.
  std::string tz;
  for (const std::string& part : ask.unordered_all("tz")) tz += (tz.empty() ? "" : "/") + part;
  guest.timezone = timezone_of(tz);
  return guest;
}

std::optional<std::string> timezone_of(std::string_view tz) {
  constexpr double hours_max = 14;
  if (const auto hours = whole_number<double>(tz)) {
    if (!(std::fabs(*hours) <= hours_max)) return std::nullopt;
    const int minutes = static_cast<int>(std::lround(*hours * 60));
    if (minutes == 0) return "UTC";
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "UTC%c%02d:%02d", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                  std::abs(minutes) % 60);
    return std::string(text.data());
  }
  constexpr std::size_t name_bytes_max = 64;
  const bool is_name = !tz.empty() && tz.size() <= name_bytes_max && std::all_of(tz.begin(), tz.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
           c == '-' || c == '/';
  });
  return is_name ? std::optional(std::string(tz)) : std::nullopt;
}

bool is_crawler(std::string_view user_agent) {
  return std::any_of(crawlers.begin(), crawlers.end(),
                     [&](std::string_view name) { return user_agent.find(name) != user_agent.npos; });
}

std::string url_append(const Ask& ask, std::string_view vid, bool sounds) {
  std::string url;
  for (const char* name : {"department", "theme", "operator", "priority", "ua", "survey"}) append(url, ask, name);
  url += "/(vid)/" + std::string(vid);
  if (sounds) url += "/(playsound)/true";
  return url;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
