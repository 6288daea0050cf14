#include "event/served_event.hpp"

#include "common/json.hpp"

namespace chatrelay {

std::string served_event_body(const Event& event) {
  json::value value = to_json(event, EventExtras{});
  json::object& body = value.as_object();
  // What the store knows of it anyway, and what is not known yet.
  for (const char* key : {"id", "source", "system", "received_at", "links", "presence"}) body.erase(key);
  return json::serialize(body);
}

std::optional<Event> served_event_from_body(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value || !value->is_object()) return std::nullopt;
  return event_from_json(*value);
}

}  // namespace chatrelay
