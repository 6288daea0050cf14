// A Conversation as JSON: what the store keeps. It is written with every event of the chat, so what is unknown is left
// out.
#include "common/json.hpp"
#include "conversations/fold.hpp"

namespace chatrelay::conversations {

namespace {

// Null members and empty objects are left out, here and in `page`; properties and custom fields are strangers' and stay
// as they are.
json::value compact(json::value value) {
  json::object kept;
  for (auto& member : value.get_object()) {
    json::value& v = member.value();
    if (member.key() == "page" && v.is_object()) v = compact(std::move(v));
    if (v.is_null() || (v.is_object() && v.get_object().empty())) continue;
    kept.emplace(member.key(), std::move(v));
  }
  return kept;
}

json::array strings(const std::vector<std::string>& list) {
  json::array out;
  for (const std::string& entry : list) out.emplace_back(entry);
  return out;
}

std::vector<std::string> strings_at(const json::value& value, std::string_view key) {
  std::vector<std::string> out;
  const json::value* list = find(value, key);
  if (!list || !list->is_array()) return out;
  for (const json::value& entry : list->get_array())
    if (entry.is_string()) out.emplace_back(entry.get_string());
  return out;
}

const json::array& array_at(const json::value& value, std::string_view key) {
  static const json::array none;
  const json::value* list = find(value, key);
  return list && list->is_array() ? list->get_array() : none;
}

json::value person_json(const Person& person) {
  json::object out;
  if (person.is_visitor)
    out["visitor"] = compact(to_json(person.visitor));
  else
    out["agent"] = compact(to_json(person.agent));
  if (!person.present) out["left"] = true;
  return out;
}

json::value rating_json(const std::string& thread, const Rating& rating) {
  json::object out{{"thread", thread}};
  if (rating.score) out["score"] = *rating.score;
  if (rating.scale) out["scale"] = *rating.scale;
  if (rating.comment) out["comment"] = *rating.comment;
  return out;
}

}  // namespace

json::value to_json(const Conversation& c) {
  json::object out;
  if (c.chat) out["chat"] = compact(to_json(*c.chat));
  if (c.visitor) out["visitor"] = compact(to_json(*c.visitor));
  if (c.agent) out["agent"] = compact(to_json(*c.agent));
  json::array people, ratings, earlier;
  for (const Person& person : c.people) people.push_back(person_json(person));
  for (const auto& [thread, rating] : c.ratings) ratings.push_back(rating_json(thread, rating));
  for (const Chat& thread : c.earlier_threads) earlier.push_back(compact(to_json(thread)));
  const auto put = [&out](const char* key, json::array list) {
    if (!list.empty()) out[key] = std::move(list);
  };
  put("people", std::move(people));
  put("ratings", std::move(ratings));
  put("earlier_threads", std::move(earlier));
  put("opened_threads", strings(c.opened_threads));
  put("seen_message_ids", strings(c.seen_message_ids));
  put("early_message_ids", strings(c.early_message_ids));
  put("changed_message_ids", strings(c.changed_message_ids));
  put("silent_threads", strings(c.silent_threads));
  out["last_event"] = static_cast<std::int64_t>(c.last_event);  // Limit: 48 bits
  return out;
}

Conversation conversation_from_json(const json::value& value) {
  Conversation c;
  if (const json::value* chat = find(value, "chat"); chat && chat->is_object()) c.chat = chat_from_json(*chat);
  if (const json::value* visitor = find(value, "visitor"); visitor && visitor->is_object())
    c.visitor = visitor_from_json(*visitor);
  if (const json::value* agent = find(value, "agent"); agent && agent->is_object()) c.agent = agent_from_json(*agent);
  for (const json::value& entry : array_at(value, "people")) {
    Person person;
    const json::value* visitor = find(entry, "visitor");
    const json::value* agent = find(entry, "agent");
    if (!visitor && !agent) continue;
    person.is_visitor = visitor != nullptr;
    if (visitor) person.visitor = visitor_from_json(*visitor);
    if (agent) person.agent = agent_from_json(*agent);
    person.present = !bool_at(entry, "left").value_or(false);
    c.people.push_back(std::move(person));
  }
  for (const json::value& entry : array_at(value, "ratings"))
    if (const auto thread = strict_string_at(entry, "thread"))
      c.ratings.emplace_back(
          *thread, Rating{number_at(entry, "score"), number_at(entry, "scale"), strict_string_at(entry, "comment")});
  for (const json::value& entry : array_at(value, "earlier_threads"))
    c.earlier_threads.push_back(chat_from_json(entry));
  c.opened_threads = strings_at(value, "opened_threads");
  c.seen_message_ids = strings_at(value, "seen_message_ids");
  c.early_message_ids = strings_at(value, "early_message_ids");
  c.changed_message_ids = strings_at(value, "changed_message_ids");
  c.silent_threads = strings_at(value, "silent_threads");
  c.last_event = static_cast<EventSeq>(int_at(value, "last_event").value_or(0));
  return c;
}

}  // namespace chatrelay::conversations
