// LiveChat's objects (users, events, threads, properties) into ours. Field names and traps: livechat.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/json.hpp"
#include "event/event.hpp"

namespace chatrelay::systems::livechat {

// What the shape of a user id says: agents are e-mail addresses, customers UUIDs, bots 32 hexadecimal digits.
// nullopt for anything else. Whoever knows the users of the chat knows better: folding corrects it.
std::optional<std::string> role_of_id(std::string_view id);

// A customer or an agent, as in incoming_chat's users. nullopt without an id.
std::optional<Person> read_person(const json::value& user);
Visitor read_customer(const json::value& customer);
Agent read_agent(const json::value& agent);
// An agent or visitor of whom only the id is known.
Person person_of_id(const std::string& id, std::string_view type_hint);
// [{key: value}, …] in order, also a plain object; a key told twice has its last value.
json::object read_session_fields(const json::value& fields);

// Name and e-mail address that a visitor wrote into a form: fields of type name and email say so, whatever their label.
void read_contact(const json::value& filled_form, Visitor& visitor);

// LiveChat's Event. `people` gives names and roles to authors.
Message read_message(const json::value& event, const std::vector<Person>& people);
// What belongs to an event but is no message: system messages' types and variables, postbacks, parsed details.
json::object read_event_activity(const json::value& event);

// {namespace: {name: value}}; anything else is left out.
json::object read_properties(const json::value& properties);
void merge_properties(json::object& into, const json::object& from);
// {namespace: [name, …]} as "namespace.name".
std::vector<std::string> read_removed_properties(const json::value& properties);
// "0" or "1,2": LiveChat's groups are numbers.
std::optional<std::string> read_groups(const json::value& access);
std::optional<Queue> read_queue(const json::value& queue);
std::optional<std::vector<std::string>> read_strings(const json::value& list);

}  // namespace chatrelay::systems::livechat
