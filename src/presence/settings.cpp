#include "presence/settings.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "common/text.hpp"
#include "presence/schedule_config.hpp"

namespace chatrelay::presence {
namespace {

using config::Node;

constexpr std::int64_t id_max = 2'147'483'647;  // Live Helper Chat's ids are 32 bits wide
constexpr std::size_t text_bytes_max = 200;     // Limit: names and addresses
constexpr std::size_t departments_of_user_max = 100;

std::int64_t read_id(const Node& node) {
  if (!node.present()) node.problem("is missing");
  return node.integer(1, 1, id_max);
}

std::optional<std::int64_t> read_optional_id(const Node& node) {
  if (!node.present()) return std::nullopt;
  return node.integer(1, 1, id_max);
}

std::string read_text(const Node& node) {
  std::string text = node.string();
  if (text.size() <= text_bytes_max) return text;
  node.problem("is longer than " + std::to_string(text_bytes_max) + " bytes");
  return {};
}

std::optional<std::size_t> read_schedule_name(const Node& node, const std::vector<NamedSchedule>& schedules) {
  if (!node.present()) return std::nullopt;
  const std::string name = node.string();
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < schedules.size(); ++i) {
    if (schedules[i].name == name) return i;
    names.push_back(schedules[i].name);
  }
  const std::string_view near = nearest(name, names.data(), names.size());
  node.problem("is " + node.shown() + ", which is none of presence.schedules" +
               (near.empty() ? std::string() : "; did you mean \"" + std::string(near) + "\"?"));
  return std::nullopt;
}

std::vector<std::int64_t> read_departments_of_user(const Node& node) {
  if (!node.present()) return {0};
  if (node.size() > departments_of_user_max) {
    node.problem("has more than " + std::to_string(departments_of_user_max) + " departments");
    return {0};
  }
  std::set<std::int64_t> ids;
  for (const Node& entry : node.items()) {
    if (!entry.present())
      entry.problem("is empty; it must be a department's number");
    else
      ids.insert(entry.integer(0, 0, id_max));
  }
  if (ids.empty()) node.problem("is empty; leave it out, or say [0], for all departments");
  if (ids.contains(0) && ids.size() > 1) node.problem("has 0, all departments, beside others");
  return {ids.begin(), ids.end()};
}

// What identifies somebody must identify one person alone, whatever the case of its letters.
void claim(const Node& node, const std::string& text, std::int64_t id, std::map<std::string, std::int64_t>& owners) {
  if (text.empty()) return;
  const auto [owner, fresh] = owners.emplace(to_lower_ascii(text), id);
  if (!fresh && owner->second != id)
    node.problem("is " + node.shown() + ", which user " + std::to_string(owner->second) + " has already");
}

User read_user(const Node& node, const std::vector<NamedSchedule>& schedules,
               std::map<std::string, std::int64_t>& owners) {
  node.only({"id", "agent", "username", "email", "name", "departments", "bot", "schedule", "upstream"});
  User user;
  user.id = read_id(node["id"]);
  user.agent = read_text(node["agent"]);
  user.username = read_text(node["username"]);
  user.email = read_text(node["email"]);
  user.name = read_text(node["name"]);
  user.departments = read_departments_of_user(node["departments"]);
  user.bot = node["bot"].boolean(false);
  user.schedule = read_schedule_name(node["schedule"], schedules);
  user.upstream = read_optional_id(node["upstream"]);
  claim(node["agent"], user.agent, user.id, owners);
  claim(node["username"], user.username, user.id, owners);
  claim(node["email"], user.email, user.id, owners);
  return user;
}

// The entries of a list; too many are one problem, and none is read.
std::vector<Node> entries_of(const Node& node, std::size_t most) {
  if (node.present() && !node.is_list()) node.problem("must be a list");
  if (node.size() > most) {
    node.problem("has more than " + std::to_string(most) + " entries");
    return {};
  }
  return node.is_list() ? node.items() : std::vector<Node>{};
}

std::vector<User> read_users(const Node& node, const std::vector<NamedSchedule>& schedules) {
  std::vector<User> users;
  std::set<std::int64_t> ids;
  std::map<std::string, std::int64_t> owners;
  for (const Node& entry : entries_of(node, users_max)) {
    User user = read_user(entry, schedules, owners);
    if (entry["id"].present() && !ids.insert(user.id).second)
      entry["id"].problem("is " + entry["id"].shown() + ", which another user has already");
    users.push_back(std::move(user));
  }
  return users;
}

std::vector<Department> read_departments(const Node& node, const std::vector<NamedSchedule>& schedules) {
  std::vector<Department> departments;
  std::set<std::int64_t> ids;
  for (const Node& entry : entries_of(node, departments_max)) {
    entry.only({"id", "name", "schedule", "upstream"});
    Department department;
    department.id = read_id(entry["id"]);
    department.name = read_text(entry["name"]);
    department.schedule = read_schedule_name(entry["schedule"], schedules);
    department.upstream = read_optional_id(entry["upstream"]);
    if (entry["id"].present() && !ids.insert(department.id).second)
      entry["id"].problem("is " + entry["id"].shown() + ", which another department has already");
    departments.push_back(std::move(department));
  }
  return departments;
}

bool is_plain_url(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  if (scheme == 0 || url.size() == scheme || url[scheme] == '/') return false;
  return std::all_of(url.begin(), url.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '?' && c != '#' && c != '@' && c != '\\'; });
}

std::string read_url(const Node& node) {
  std::string url = node.required_string();
  while (url.ends_with('/')) url.pop_back();
  if (url.ends_with("/restapi")) url.resize(url.size() - std::string_view("/restapi").size());
  if (node.present() && !node.string().empty() && !is_plain_url(url))
    node.problem("is " + node.shown() +
                 "; it must be the address of a Live Helper Chat, like "
                 "https://chat.example.com/index.php, without a login and without parameters");
  return url;
}

Millis read_between(const Node& node, Millis fallback, Millis least, Millis most) {
  const Millis read = node.present() ? node.duration(fallback) : fallback;
  if (read >= least && read <= most) return read;
  node.problem("is " + node.shown() + "; it must be from " + format_duration(least) + " to " + format_duration(most));
  return fallback;
}

Upstream read_upstream(const Node& node) {
  using namespace std::chrono_literals;
  node.only({"url", "every", "timeout", "keep", "fallback", "exclude_bot", "exclude_online_hours", "allow_private",
             "ca_file"});
  Upstream upstream;
  upstream.url = read_url(node["url"]);
  upstream.every = read_between(node["every"], upstream.every, 5s, 1h);
  upstream.timeout = read_between(node["timeout"], upstream.timeout, 1s, 60s);
  upstream.keep = read_between(node["keep"], std::max<Millis>(upstream.keep, 2 * upstream.every), 1s, 24h * 30);
  if (upstream.keep < upstream.every)
    node["keep"].problem("is shorter than presence.upstream.every: no answer would count until the next");
  upstream.fallback = node["fallback"].one_of<bool>({{"online", true}, {"offline", false}}, false);
  upstream.exclude_bot = node["exclude_bot"].boolean(false);
  upstream.exclude_online_hours = node["exclude_online_hours"].boolean(false);
  upstream.allow_private = node["allow_private"].boolean(false);
  upstream.ca_file = node["ca_file"].path_value();
  return upstream;
}

// Whoever is asked for at the upstream needs one, and the questions of one poll are bounded.
void check_upstream_ids(const Node& node, const Settings& settings) {
  std::size_t questions = 1;
  for (const auto& [key, count] : {std::pair<std::string_view, std::size_t>{"users", settings.users.size()},
                                   {"departments", settings.departments.size()}}) {
    for (std::size_t i = 0; i < count; ++i) {
      const Node id = node[key].at(i)["upstream"];
      if (!id.present()) continue;
      ++questions;
      if (!settings.upstream) id.problem("needs presence.upstream");
    }
  }
  if (settings.upstream && questions > upstream_questions_max)
    node["upstream"].problem("would be asked " + std::to_string(questions) + " questions at each poll; at most " +
                             std::to_string(upstream_questions_max) + " users and departments may be asked for");
}

}  // namespace

Settings read_settings(const Node& node) {
  Settings settings;
  node.only({"time_zone", "schedule", "schedules", "users", "departments", "upstream"});
  settings.configured = node.present();
  settings.schedules = read_schedules(node["schedules"], node["time_zone"]);
  settings.schedule = read_schedule_name(node["schedule"], settings.schedules);
  settings.users = read_users(node["users"], settings.schedules);
  settings.departments = read_departments(node["departments"], settings.schedules);
  if (node["upstream"].present()) settings.upstream = read_upstream(node["upstream"]);
  check_upstream_ids(node, settings);
  return settings;
}

}  // namespace chatrelay::presence
