#include "systems/livehelperchat/endpoints/serving.hpp"

#include <algorithm>
#include <set>

#include "common/digits.hpp"
#include "common/password_hash.hpp"
#include "config/origins.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::int64_t id_max = 2'147'483'647;  // of Live Helper Chat's columns

// "lhchat,use", "lhchat,*" or "*".
bool is_permission(std::string_view text) {
  if (text == "*") return true;
  const std::size_t comma = text.find(',');
  return comma != text.npos && comma > 0 && comma + 1 < text.size() &&
         text.find_first_of(" \t,", comma + 1) == text.npos;
}

void read_rate(const config::Node& node, Rate& rate) {
  if (const auto given = node.rate()) rate = *given;
}

Limits read_limits(const config::Node& node) {
  Limits limits;
  if (!node) return limits;
  if (!node.is_map()) {
    node.problem("must hold rates: per_key, per_address, failed_logins");
    return limits;
  }
  // `body` is every source's, and read where webhooks come in.
  node.only({"body", "per_key", "per_address", "failed_logins"});
  read_rate(node["per_key"], limits.per_key);
  read_rate(node["per_address"], limits.per_address);
  read_rate(node["failed_logins"], limits.failed_logins);
  return limits;
}

std::string read_hash(const config::Node& node) {
  if (!node) return {};
  std::string hash = node.string();
  if (const std::string problem = password_hash_problem(hash); !problem.empty()) node.problem(problem);
  return hash;
}

std::vector<std::int64_t> read_numbers(const config::Node& node) {
  std::vector<std::int64_t> numbers;
  for (const config::Node& each : node.items()) numbers.push_back(each.integer(0, 0, id_max));
  return numbers;
}

Account read_account(const config::Node& node) {
  Account account;
  if (!node.is_map()) {
    node.problem("must be a map: user, email, key or key_hash, password_hash, id, departments, permissions");
    return account;
  }
  node.only({"user", "email", "key", "key_hash", "password_hash", "id", "departments", "permissions"});
  account.user = node["user"].required_string();
  if (account.user.find(':') != std::string::npos)
    node["user"].problem("has a colon in it; Basic authentication could not tell where the name ends");
  account.email = node["email"].string();
  if (account.email.find(':') != std::string::npos) node["email"].problem("has a colon in it");
  if (node["key"].present()) account.key = node["key"].secret();
  account.key_hash = read_hash(node["key_hash"]);
  account.password_hash = read_hash(node["password_hash"]);
  account.id = node["id"].integer(0, 1, id_max);
  account.departments = read_numbers(node["departments"]);
  account.all_permissions = !node["permissions"].present();
  account.permissions = node["permissions"].strings();
  for (const config::Node& each : node["permissions"].items())
    if (!is_permission(each.string()))
      each.problem("is " + each.shown() + "; a permission is a module and a function, like \"lhchat,use\", or \"*\"");
  return account;
}

// What several keys say together. Those of which each alone is wrong have told it already.
void check_account(const config::Node& node, const Account& account) {
  if (!node.is_map()) return;
  const bool has_key = node["key"].present();
  const bool has_key_hash = node["key_hash"].present();
  if (has_key && has_key_hash) node["key_hash"].problem("stands beside key; an account has one key");
  if (has_key && account.key.empty()) node["key"].problem("is empty; everybody would have it");
  if (!has_key && !has_key_hash && !node["password_hash"].present())
    node.problem("has none of key, key_hash and password_hash: nobody could use it");
  if (account.email.empty() || node["password_hash"].present()) return;
  node["email"].warning("does nothing without password_hash: a key goes with the user's name alone");
}

std::vector<Account> read_accounts(const config::Node& node) {
  std::vector<Account> accounts;
  std::set<std::string> users;
  for (const config::Node& each : node.items()) {
    accounts.push_back(read_account(each));
    check_account(each, accounts.back());
    const std::string& user = accounts.back().user;
    if (!user.empty() && !users.insert(user).second) each["user"].problem("is there twice");
  }
  return accounts;
}

std::vector<Department> read_departments(const config::Node& node) {
  std::vector<Department> departments;
  std::set<std::int64_t> ids;
  for (const config::Node& each : node.items()) {
    if (!each.is_map()) {
      each.problem("must be a map: id, name, hidden, disabled");
      continue;
    }
    each.only({"id", "name", "hidden", "disabled"});
    Department department;
    if (!each["id"].present()) each["id"].problem("is missing");
    department.id = each["id"].integer(0, 1, id_max);
    department.name = each["name"].required_string();
    department.hidden = each["hidden"].boolean(false);
    department.disabled = each["disabled"].boolean(false);
    if (department.id > 0 && !ids.insert(department.id).second) each["id"].problem("is there twice");
    departments.push_back(std::move(department));
  }
  return departments;
}

// A number that is no department's is a typing error, once departments are named at all.
void check_department_numbers(const config::Node& accounts, const Serving& serving) {
  if (serving.departments.empty()) return;
  for (const config::Node& account : accounts.items())
    for (const config::Node& number : account["departments"].items()) {
      const std::int64_t id = number.integer(0, 0, id_max);
      if (id != 0 && !serving.department(id)) number.problem("is " + number.shown() + ", which is none of departments");
    }
}

}  // namespace

bool Account::has(std::string_view permission) const {
  if (all_permissions) return true;
  const std::string_view module = permission.substr(0, permission.find(','));
  return std::ranges::any_of(permissions, [&](const std::string& each) {
    return each == permission || each == "*" || (each.ends_with(",*") && each.substr(0, each.size() - 2) == module);
  });
}

bool Account::sees(std::int64_t department) const {
  return departments.empty() || std::ranges::find(departments, 0) != departments.end() ||
         std::ranges::find(departments, department) != departments.end();
}

const Department* Serving::department(std::int64_t id) const {
  const auto found = std::ranges::find(departments, id, &Department::id);
  return found == departments.end() ? nullptr : &*found;
}

std::optional<std::int64_t> Serving::department_number(std::string_view text) const {
  const auto named = std::ranges::find(departments, text, &Department::name);
  if (named != departments.end()) return named->id;
  return whole_number<std::int64_t>(text);
}

Serving read_serving(const config::SourceConfig& config) {
  const config::Node& node = config.node;
  Serving serving;
  serving.source = config.name;
  serving.hosts = node["hosts"].strings();
  serving.origins = config::read_origins(node["origins"], true);
  serving.accounts = read_accounts(node["accounts"]);
  serving.departments = read_departments(node["departments"]);
  serving.limits = read_limits(node["limits"]);
  // Limit: a character is four bytes of UTF-8 at most, and a room keeps 256 KiB of a message.
  serving.tracking = read_tracking(node["tracking"]);
  serving.message_length_max = node["message_length_max"].integer(serving.message_length_max, 1, 60'000);
  serving.status_cache = node["status_cache"].duration(serving.status_cache);
  return serving;
}

void check_serving(const config::SourceConfig& config, const config::Config&, config::Problems&) {
  const Serving serving = read_serving(config);  // its nodes tell what is wrong
  check_department_numbers(config.node["accounts"], serving);
  const config::Node cache = config.node["status_cache"];
  if (serving.status_cache > std::chrono::hours(1))
    cache.problem("is " + cache.shown() + "; pages would show for so long what is over. At most 1h");
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
