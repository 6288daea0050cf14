#include "systems/generic/generic_map.hpp"

#include "common/text.hpp"
#include "expression/json_text.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::generic {

namespace {

// A scalar as text: ids are often numbers.
std::optional<std::string> text_of(const json::value& value) {
  if (value.is_string()) {
    if (value.get_string().empty()) return std::nullopt;
    return std::string(value.get_string());
  }
  if (value.is_number() || value.is_bool()) return expression::compact_json(value);
  return std::nullopt;
}

// RFC 3339, or a number of seconds or milliseconds since the epoch (more than 10^11 seconds would be the year 5138).
std::optional<WallTime> time_of(const json::value& value) {
  if (value.is_string()) return meaningful_time(value.get_string());
  if (!value.is_number()) return std::nullopt;
  const double number = value.to_number<double>();
  constexpr double seconds_max = 1e11, ms_max = 1e15;
  if (!(number > 0) || number > ms_max) return std::nullopt;
  return from_ms(static_cast<long long>(number < seconds_max ? number * 1000 : number));
}

// Ids that someone maps with numbers in them: {id: .customer_no}.
json::value with_text_members(json::value value, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (json::value* member = value.get_object().if_contains(key); member && member->is_number())
      *member = expression::compact_json(*member);
  return value;
}

Message message_of(const json::value& value, const Event& event) {
  Message message;
  if (value.is_object())
    message = message_from_json(with_text_members(value, {"id", "text", "client_id"}));
  else
    message.text = text_of(value);
  if (message.audience != "all") message.audience = "agents";  // Invariant: what is not for all never goes to a visitor
  if (message.author.role || message.author.id || !event.visitor) return message;
  message.author = Author{event.visitor->id, event.visitor->name, "visitor"};
  return message;
}

}  // namespace

std::unique_ptr<Map> Map::read(const config::Node& node, const config::Node& own, const json::object& tables,
                               config::Problems& problems) {
  const std::size_t before = problems.list().size();
  if (node.present() && !node.is_map()) node.problem("must be a map of jq expressions");
  node.only({"type", "chat", "thread", "visitor", "agent", "message", "occurred_at", "key"});
  auto map = std::unique_ptr<Map>(new Map);
  expression::Builder builder(tables);
  if (own.present() && !own.is_map()) own.problem("must be a map of jq expressions: {when: …, id: …}");
  own.only({"when", "id"});
  const auto add_of = [&](const config::Node& of, const char* name, Id& id) {
    const config::Node expression = of[name];
    if (expression.present()) id = builder.add(expression.string(), expression.where(), problems);
  };
  const auto add = [&](const char* name, Id& id) { add_of(node, name, id); };
  add_of(own, "when", map->own_when_);
  add_of(own, "id", map->own_id_);
  add("type", map->type_);
  add("chat", map->chat_);
  add("thread", map->thread_);
  add("visitor", map->visitor_);
  add("agent", map->agent_);
  add("message", map->message_);
  add("occurred_at", map->occurred_at_);
  add("key", map->key_);
  if (node["thread"].present() && !node["chat"].present())
    node["thread"].problem("needs chat: a thread is a part of a chat");
  for (std::size_t i = before; i < problems.list().size(); ++i)
    if (!problems.list()[i].warning) return nullptr;
  if (builder.size() > 0) {
    map->program_ = builder.build(problems);
    if (!map->program_) return nullptr;
  }
  return map;
}

Result<json::value> Map::first(const Id& id, std::string_view name, const json::value& payload) {
  if (!id || !program_) return json::value(nullptr);
  auto results = program_->evaluate(*id, payload);
  if (!results.has_value()) return invalid(std::string(name) + ": " + results.error().message);
  if (results->empty()) return json::value(nullptr);
  return std::move(results->front());
}

std::optional<std::string> Map::key(const json::value& payload) {
  const auto value = first(key_, "map.key", payload);
  if (!value.has_value() || value->is_null()) return std::nullopt;
  if (const auto text = text_of(*value)) return text;
  if (value->is_string()) return std::nullopt;
  return expression::compact_json(*value);
}

Result<bool> Map::is_own(const json::value& payload, WallTime now) {
  const auto holds = first(own_when_, "own.when", payload);
  if (!holds.has_value()) return holds.error();
  if (!holds->is_null() && *holds != json::value(false)) return true;
  const auto id = first(own_id_, "own.id", payload);
  if (!id.has_value()) return id.error();
  return id->is_string() && can_be_own_id(id->get_string(), now);
}

Result<void> Map::apply(const json::value& payload, Event& event) {
  const auto type = first(type_, "map.type", payload);
  if (!type.has_value()) return type.error();
  if (const auto text = text_of(*type)) event.type = std::string(truncate_utf8(*text, 200));

  const auto chat = first(chat_, "map.chat", payload);
  if (!chat.has_value()) return chat.error();
  if (chat->is_object()) {
    event.chat = chat_from_json(with_text_members(*chat, {"id", "thread_id", "department"}));
  } else if (const auto id = text_of(*chat)) {
    event.chat.emplace().id = id;
  }
  const auto thread = first(thread_, "map.thread", payload);
  if (!thread.has_value()) return thread.error();
  if (const auto id = text_of(*thread); id && event.chat) event.chat->thread_id = id;
  // A form names the department without a chat: who reads it depends on that.
  if (event.chat && !event.chat->id && !event.chat->department) event.chat.reset();

  const auto visitor = first(visitor_, "map.visitor", payload);
  if (!visitor.has_value()) return visitor.error();
  if (visitor->is_object())
    event.visitor = visitor_from_json(with_text_members(*visitor, {"id", "phone"}));
  else if (const auto id = text_of(*visitor))
    event.visitor.emplace().id = id;

  const auto agent = first(agent_, "map.agent", payload);
  if (!agent.has_value()) return agent.error();
  if (agent->is_object())
    event.agent = agent_from_json(with_text_members(*agent, {"id"}));
  else if (const auto id = text_of(*agent))
    event.agent.emplace().id = id;

  const auto occurred_at = first(occurred_at_, "map.occurred_at", payload);
  if (!occurred_at.has_value()) return occurred_at.error();
  event.occurred_at = time_of(*occurred_at);

  const auto message = first(message_, "map.message", payload);
  if (!message.has_value()) return message.error();
  if (!message->is_null()) event.message = message_of(*message, event);
  if (event.message && !event.message->sent_at) event.message->sent_at = event.occurred_at;
  return {};
}

}  // namespace chatrelay::systems::generic
