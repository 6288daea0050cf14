#include "systems/livechat/livechat_api_config.hpp"

#include "common/text.hpp"

namespace chatrelay::systems {

namespace {

namespace json = boost::json;

json::array texts(const config::Node& node) {
  json::array out;
  for (std::string& text : node.strings()) out.emplace_back(std::move(text));
  return out;
}

json::object read_presence(const config::Node& node) {
  json::object presence;
  node.only({"user_ids", "my_bots"});
  if (const config::Node ids = node["user_ids"]; ids.present()) {
    ids.only({"values", "exclude_values"});
    const bool values = ids["values"].present();
    if (values == ids["exclude_values"].present()) ids.problem("takes either values or exclude_values");
    const char* name = values ? "values" : "exclude_values";
    presence["user_ids"] = json::object{{name, texts(ids[name])}};
  }
  if (node["my_bots"].present()) presence["my_bots"] = node["my_bots"].boolean(false);
  if (presence.empty()) node.problem("says nothing: it takes user_ids and my_bots");
  return presence;
}

json::array read_source_types(const config::Node& node) {
  for (const config::Node& one : node.items())
    one.one_of<std::string>({{"my_client", ""}, {"other_clients", ""}, {"system", ""}}, "");
  return texts(node);
}

json::object read_filters(const config::Node& node) {
  json::object filters;
  if (!node.present()) return filters;
  node.only({"author_type", "only_my_chats", "chat_presence", "source_type", "agent_ids"});
  if (const config::Node author = node["author_type"]; author.present())
    filters["author_type"] = author.one_of<std::string>({{"customer", "customer"}, {"agent", "agent"}}, "");
  if (node["only_my_chats"].present()) filters["only_my_chats"] = node["only_my_chats"].boolean(false);
  if (node["chat_presence"].present()) filters["chat_presence"] = read_presence(node["chat_presence"]);
  if (node["source_type"].present()) filters["source_type"] = read_source_types(node["source_type"]);
  // The shape of this one in a request is not documented: it is sent as it is written.
  if (node["agent_ids"].present()) filters["agent_ids"] = node["agent_ids"].json(true);
  return filters;
}

std::vector<std::string> read_additional_data(const config::Node& node) {
  if (!node.present()) return {"chat_properties", "chat_presence_user_ids"};
  for (const config::Node& one : node.items())
    one.one_of<std::string>({{"chat_properties", ""}, {"chat_presence_user_ids", ""}}, "");
  return node.strings();
}

bool is_loopback(std::string_view url) {
  for (const std::string_view host : {"127.", "localhost", "[::1]"})
    if (url.starts_with(std::string("http://") + std::string(host))) return true;
  return false;
}

std::string read_base_url(const config::Node& node, const std::string& fallback) {
  std::string url = node.string(fallback);
  while (url.ends_with('/')) url.pop_back();
  const std::string lower = to_lower_ascii(url);
  const bool plain = lower.starts_with("http://");
  const std::size_t scheme = plain ? 7 : 8;
  if ((!plain && !lower.starts_with("https://")) || url.size() <= scheme ||
      url.find_first_of(" \t\r\n\"<>?#@", scheme) != std::string::npos) {
    node.problem("is " + node.shown() + "; it must be a URL like " + fallback);
    return fallback;
  }
  if (plain && !is_loopback(lower)) node.warning("is not https://: the token travels in clear text");
  return url;
}

void read_bot(const config::Node& node, LivechatApi& api) {
  node.only({"name", "status"});
  if (node["name"].present()) api.bot_name = node["name"].required_string();
  api.bot_status = node["status"].one_of<std::string>(
      {{"accepting_chats", "accepting_chats"}, {"not_accepting_chats", "not_accepting_chats"}}, api.bot_status);
}

}  // namespace

std::optional<LivechatApi> read_livechat_api(const config::Node& node) {
  if (!node.present()) return std::nullopt;
  LivechatApi api;
  if (!node.is_map()) {
    node.problem("must be a map: {account: …, token: …, client_id: …}");
    return api;
  }
  node.only({"account", "token", "client_id", "version", "base_url", "actions", "filters", "additional_data", "bot"});
  api.account = node["account"].string();
  if (api.account.find(':') != std::string::npos)
    node["account"].problem("has a colon in it: it is the Account ID alone, without the token");
  api.token = node["token"].secret();
  if (api.token.empty()) node["token"].problem("is missing: a personal access token of the Developer Console");
  api.client_id = node["client_id"].required_string();
  api.version = node["version"].one_of<std::string>(
      {{"3.3", "3.3"}, {"3.4", "3.4"}, {"3.5", "3.5"}, {"3.6", "3.6"}, {"3.7", "3.7"}}, api.version);
  api.base_url = read_base_url(node["base_url"], api.base_url);
  api.actions = node["actions"].strings();
  api.filters = read_filters(node["filters"]);
  api.additional_data = read_additional_data(node["additional_data"]);
  read_bot(node["bot"], api);
  return api;
}

bool is_livechat_probe(std::string_view body_without_secrets) {
  static const std::string question = R"({"action":")" + std::string(livechat_probe_action) + R"("})";
  return body_without_secrets == question;
}

}  // namespace chatrelay::systems
