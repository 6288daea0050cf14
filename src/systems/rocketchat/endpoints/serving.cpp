#include "systems/rocketchat/endpoints/serving.hpp"

#include "config/origins.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

void read_rate(const config::Node& node, Rate& rate) {
  if (const auto given = node.rate()) rate = *given;
}

Limits read_limits(const config::Node& node) {
  Limits limits;
  if (!node) return limits;
  if (!node.is_map()) {
    node.problem("must hold rates: default, message, visitor, room, history, offline_message; and per_address");
    return limits;
  }
  // `body` is every source's, and read where webhooks come in.
  node.only({"body", "default", "message", "visitor", "room", "history", "offline_message", "per_address"});
  read_rate(node["default"], limits.standard);
  read_rate(node["message"], limits.message);
  read_rate(node["visitor"], limits.visitor);
  read_rate(node["room"], limits.room);
  read_rate(node["history"], limits.history);
  read_rate(node["offline_message"], limits.offline_message);
  // Limit: 100,000 visitors behind one address; a product with any rate stays far within 63 bits.
  limits.per_address = node["per_address"].integer(limits.per_address, 1, 100'000);
  return limits;
}

std::vector<Secret> read_tokens(const config::Node& node) {
  std::vector<Secret> tokens;
  for (const config::Node& each : node.items()) {
    tokens.push_back(each.secret());
    if (tokens.back().empty()) each.problem("is empty; whoever sends no token would be an operator");
  }
  return tokens;
}

}  // namespace

const Rate& Limits::of(Limit limit) const {
  switch (limit) {
    case Limit::standard:
      return standard;
    case Limit::message:
      return message;
    case Limit::visitor:
      return visitor;
    case Limit::room:
      return room;
    case Limit::history:
      return history;
    case Limit::offline_message:
      return offline_message;
  }
  return standard;
}

bool Serving::is_operator(std::string_view token) const {
  bool known = false;
  for (const Secret& each : operator_tokens) known = each.matches(token) || known;  // all of them, every time
  return known;
}

Serving read_serving(const config::SourceConfig& config) {
  const config::Node& node = config.node;
  Serving serving;
  serving.source = config.name;
  serving.hosts = node["hosts"].strings();
  serving.origins = config::read_origins(node["origins"], true);
  serving.operator_tokens = read_tokens(node["operator_tokens"]);
  serving.limits = read_limits(node["limits"]);
  serving.delete_window = node["delete_window"].duration(serving.delete_window);
  serving.strict = node["strict"].boolean(serving.strict);
  // Limit: a UTF-16 unit is three bytes of UTF-8 at most, and a room keeps 256 KiB of a message.
  serving.message_length_max = node["message_length_max"].integer(serving.message_length_max, 1, 80'000);
  serving.rooms_per_visitor = node["rooms_per_visitor"].integer(serving.rooms_per_visitor, 1, 10'000);
  serving.transcript_to = node["transcript_to"].string();
  serving.offline = node["offline"].boolean(serving.offline);
  serving.closed_comment = node["closed_comment"].string(serving.closed_comment);
  serving.title = node["title"].string(serving.title);
  serving.offline_title = node["offline_title"].string(serving.offline_title);
  serving.color = node["color"].string(serving.color);
  serving.offline_color = node["offline_color"].string(serving.offline_color);
  serving.welcome = node["welcome"].string();
  serving.offline_welcome = node["offline_welcome"].string();
  serving.offline_success = node["offline_success"].string();
  serving.registration_form = node["registration_form"].boolean(serving.registration_form);
  serving.name_field = node["name_field"].boolean(serving.name_field);
  serving.email_field = node["email_field"].boolean(serving.email_field);
  serving.language = node["language"].string(serving.language);
  serving.departments = node["departments"].strings();
  return serving;
}

void check_serving(const config::SourceConfig& config, const config::Config& whole, config::Problems&) {
  const Serving serving = read_serving(config);  // its nodes tell what is wrong
  if (serving.transcript_to.empty()) return;
  const config::DestinationConfig* destination = whole.destination(serving.transcript_to);
  const config::Node node = config.node["transcript_to"];
  if (!destination) {
    node.problem("names a destination that does not exist: " + node.shown());
  } else if (destination->kind != "email") {
    node.problem("names " + node.shown() + ", which is no mail destination (kind: email)");
  }
}

}  // namespace chatrelay::systems::rocketchat::endpoints
