#include <algorithm>
#include <cctype>

#include "systems/livechat/livechat_objects.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::livechat {

namespace {

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

bool is_uuid(std::string_view id) {
  if (id.size() != 36) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? id[i] != '-' : !is_hex(id[i])) return false;
  }
  return true;
}

// The page seen last, by its time where there is one: lists come oldest first.
const json::value* latest_page(const json::value& visit) {
  const json::value* pages = find(visit, "last_pages");
  if (!pages || !pages->is_array()) return nullptr;
  const json::value* latest = nullptr;
  std::optional<WallTime> latest_at;
  for (const json::value& page : pages->get_array()) {
    if (!page.is_object()) continue;
    const auto opened_at = meaningful_time_at(page, "opened_at");
    if (latest && latest_at && opened_at && *opened_at < *latest_at) continue;
    latest = &page;
    latest_at = opened_at;
  }
  return latest;
}

// `visit` since 3.6, `last_visit` before; captures show both at once.
void read_visit(const json::value& customer, Visitor& visitor) {
  const json::value* visit = find(customer, "visit");
  if (!visit || !visit->is_object()) visit = find(customer, "last_visit");
  if (!visit || !visit->is_object()) return;
  visitor.ip = strict_string_at(*visit, "ip");
  visitor.user_agent = strict_string_at(*visit, "user_agent");
  visitor.page.referrer = strict_string_at(*visit, "referrer");
  if (const json::value* place = find(*visit, "geolocation")) visitor.timezone = strict_string_at(*place, "timezone");
  if (const json::value* page = latest_page(*visit)) {
    visitor.page.url = strict_string_at(*page, "url");
    visitor.page.title = strict_string_at(*page, "title");
  }
}

}  // namespace

std::optional<std::string> role_of_id(std::string_view id) {
  if (id.find('@') != std::string_view::npos) return "agent";
  if (is_uuid(id)) return "visitor";
  if (id.size() == 32 && std::all_of(id.begin(), id.end(), is_hex)) return "bot";
  return std::nullopt;
}

Visitor read_customer(const json::value& customer) {
  Visitor visitor;
  visitor.id = string_at(customer, "id");
  visitor.name = strict_string_at(customer, "name");
  visitor.email = strict_string_at(customer, "email");
  visitor.phone = string_at(customer, "phone_number");
  visitor.active = bool_at(customer, "online");
  if (!visitor.active) visitor.active = bool_at(customer, "present");
  read_visit(customer, visitor);
  if (const json::value* fields = find(customer, "session_fields")) visitor.custom = read_session_fields(*fields);
  return visitor;
}

Agent read_agent(const json::value& user) {
  Agent agent;
  agent.id = string_at(user, "id");
  agent.name = strict_string_at(user, "name");
  agent.email = strict_string_at(user, "email");
  if (!agent.email && agent.id && agent.id->find('@') != std::string::npos) agent.email = agent.id;
  return agent;
}

std::optional<Person> read_person(const json::value& user) {
  const auto id = string_at(user, "id");
  if (!id) return std::nullopt;
  const std::string type = strict_string_at(user, "type").value_or("");
  Person person;
  person.is_visitor = type == "customer" || (type.empty() && role_of_id(*id) == "visitor");
  person.present = bool_at(user, "present").value_or(true);
  if (person.is_visitor)
    person.visitor = read_customer(user);
  else
    person.agent = read_agent(user);
  return person;
}

Person person_of_id(const std::string& id, std::string_view type_hint) {
  Person person;
  person.is_visitor = type_hint == "customer" || (type_hint != "agent" && role_of_id(id) == "visitor");
  if (person.is_visitor) {
    person.visitor.id = id;
    return person;
  }
  person.agent.id = id;
  if (id.find('@') != std::string::npos) person.agent.email = id;
  return person;
}

json::object read_session_fields(const json::value& fields) {
  json::object out;
  const auto add = [&out](const json::value& members) {
    if (!members.is_object()) return;
    for (const auto& member : members.get_object()) out.insert_or_assign(member.key(), member.value());
  };
  add(fields);
  if (fields.is_array())
    for (const json::value& field : fields.get_array()) add(field);
  return out;
}

}  // namespace chatrelay::systems::livechat
