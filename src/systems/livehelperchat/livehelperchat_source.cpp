#include "systems/livehelperchat/livehelperchat_source.hpp"

#include "common/text.hpp"
#include "systems/livehelperchat/livehelperchat_admit.hpp"
#include "systems/livehelperchat/livehelperchat_decode.hpp"
#include "systems/livehelperchat/serving_keys.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems {

using namespace livehelperchat;

namespace {

constexpr std::string_view system_name = "livehelperchat";

// The keys of the receiving side; they do nothing without `secrets`.
const std::vector<std::string>& receiving_keys() {
  static const std::vector<std::string> keys{"secrets", "secret_in", "template", "map", "event", "own"};
  return keys;
}

class LivehelperchatSource final : public Source {
 public:
  LivehelperchatSource(Settings settings, std::unique_ptr<Map> map)
      : admission_(std::move(settings)), map_(std::move(map)) {}

  Verdict admit(const HookRequest& request, WallTime) override { return admission_.admit(request, *map_); }

  std::vector<Event> decode(const StoredWebhook& webhook) override {
    return decoded(webhook, system_name, [&] { return decode_livehelperchat(webhook, *map_); });
  }

  Signed sign(std::string body, WallTime) const override { return admission_.sign(std::move(body)); }

  // A REST API call over there may be GET, POST, PUT or DELETE (curl sends a GET that has a body as POST).
  HookManners hook_manners() const override { return {.takes_put_and_delete = true, .empty_answers = true}; }

 private:
  LivehelperchatAdmission admission_;
  std::unique_ptr<Map> map_;
};

SecretPlace read_place(const config::Node& node) {
  SecretPlace place;
  const std::string text = node.string("path");
  if (text == "path") return place;
  const std::size_t colon = text.find(':');
  const std::string where = text.substr(0, colon);
  if (colon != std::string::npos) place.name = trim(std::string_view(text).substr(colon + 1));
  place.where = where == "query" ? SecretPlace::Where::query : SecretPlace::Where::header;
  if ((where != "query" && where != "header") || place.name.empty())
    node.problem("is " + node.shown() + "; it must be path, query:NAME or header:NAME");
  return place;
}

constexpr const char* own_name_default = "chatrelay";

OwnNames read_own(const config::Node& node) {
  OwnNames own;
  if (!node.present()) {
    own.names.emplace_back(own_name_default);
    return own;
  }
  if (!node.is_map()) {
    node.problem("must be {user_ids: […], names: […]}");
    return own;
  }
  node.only({"user_ids", "names"});
  for (const config::Node& each : node["user_ids"].items()) {
    const std::int64_t id = each.integer(0, -2, 2'147'483'647);
    if (id == 0) each.problem("is 0, which is the visitor; an operator's number is above 0, -2 is a bot");
    own.user_ids.push_back(id);
  }
  for (const config::Node& each : node["names"].items()) own.names.push_back(each.required_string());
  if (own.user_ids.empty() && own.names.empty()) node.problem("names nobody: user_ids or names say who writes for us");
  return own;
}

void warn_of_idle_keys(const config::Node& node, bool serve) {
  for (const std::string& key : serving_keys())
    if (!serve && key != "serve" && key != "limits" && node[key].present())
      node[key].warning("does nothing without serve: true");
  if (node["secrets"].present()) return;
  for (const std::string& key : receiving_keys())
    if (node[key].present()) node[key].warning("does nothing without secrets: there is no hook");
}

std::unique_ptr<Source> make_livehelperchat(const config::SourceConfig& config, const boost::json::object& tables,
                                            config::Problems& problems) {
  const std::size_t before = problems.list().size();
  const config::Node& node = config.node;
  std::vector<std::string> known = config::common_source_keys();
  known.insert(known.end(), receiving_keys().begin(), receiving_keys().end());
  known.insert(known.end(), serving_keys().begin(), serving_keys().end());
  node.only(known);
  const bool serve = node["serve"].boolean(false);
  warn_of_idle_keys(node, serve);
  Settings settings;
  settings.source = config.name;
  settings.window = config.dedup_window;
  if (node["secrets"].present()) {
    settings.secrets = read_secrets(node["secrets"]);
  } else if (!serve) {
    node["secrets"].problem(
        "is missing: without a secret nobody could be told from a stranger (serve: true serves the REST API)");
  }
  settings.place = read_place(node["secret_in"]);
  settings.own = read_own(node["own"]);
  auto map = Map::read(node, tables, problems);
  for (std::size_t i = before; i < problems.list().size(); ++i)
    if (!problems.list()[i].warning) return nullptr;
  return map ? std::make_unique<LivehelperchatSource>(std::move(settings), std::move(map)) : nullptr;
}

}  // namespace

SourceKind livehelperchat_kind() {
  return {system_name, &make_livehelperchat};
}

}  // namespace chatrelay::systems
