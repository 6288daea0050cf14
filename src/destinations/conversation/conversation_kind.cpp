// The kind for app's table: its settings, and what rules may say to it.
#include <algorithm>

#include "common/text.hpp"
#include "destinations/conversation/conversation_destination.hpp"
#include "destinations/kinds.hpp"

namespace chatrelay::destinations::conversation {

namespace {

constexpr std::size_t name_bytes_max = 100;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string read_source(const config::DestinationConfig& config, const std::vector<std::string>& served) {
  const config::Node node = config.node["source"];
  if (served.empty()) {
    config.node.problem("writes into chats that we serve ourselves, but no source has serve: true");
    return {};
  }
  if (!node.present()) {
    if (served.size() == 1) return served.front();
    config.node.problem("needs source: several are served (" + listed(served) + ")");
    return {};
  }
  std::string name = node.string();
  if (std::ranges::find(served, name) != served.end()) return name;
  node.problem("is " + node.shown() + ", which is not a source with serve: true; there is " + listed(served));
  return {};
}

ConversationOptions read_options(const config::DestinationConfig& config, const std::vector<std::string>& served) {
  ConversationOptions options;
  options.name = config.name;
  options.timeout = config.timeout;
  options.served = served.size();
  options.source = read_source(config, served);
  if (const config::Node name = config.node["name"]; name.present()) {
    options.bot_name = std::string(trim(name.required_string()));
    if (options.bot_name.size() > name_bytes_max)
      name.problem("is longer than " + std::to_string(name_bytes_max) + " bytes");
  }
  return options;
}

rules::Target target(const std::string& destination) {
  rules::Target target;
  target.destination = destination;
  target.default_action = "message";
  target.own_chats = true;
  // Chats show plain text: nothing to escape, and nothing in it is markup.
  const rules::WithKey required{true, expression::Escape::none};
  const rules::WithKey optional{false, expression::Escape::none};
  const rules::WithKey audience{false, expression::Escape::none, true};
  target.actions["message"].with = {
      {"chat", required}, {"text", required}, {"author", optional}, {"audience", audience}};
  target.actions["invite"].with = {
      {"visitor", required}, {"text", required}, {"author", optional}, {"audience", audience}};
  target.actions["assign"].with = {{"chat", required}, {"agent", required}};
  target.actions["close"].with = {{"chat", required}, {"comment", optional}};
  return target;
}

}  // namespace

}  // namespace chatrelay::destinations::conversation

namespace chatrelay::destinations {

DestinationKind conversation_kind(std::vector<std::string> served) {
  DestinationKind kind;
  kind.kind = "conversation";
  kind.schema = [served](const config::DestinationConfig& config, config::Problems&) {
    std::vector<std::string> keys = config::common_destination_keys();
    keys.insert(keys.end(), {"source", "name"});
    config.node.only(keys);
    conversation::read_options(config, served);
    return conversation::target(config.name);
  };
  kind.make = [served](const config::DestinationConfig& config, const Context& context,
                       config::Problems&) -> std::unique_ptr<Destination> {
    conversation::ConversationOptions options = conversation::read_options(config, served);
    if (options.source.empty()) return nullptr;
    return std::make_unique<conversation::ConversationDestination>(std::move(options), context);
  };
  return kind;
}

}  // namespace chatrelay::destinations
