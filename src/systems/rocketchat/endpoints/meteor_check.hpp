// What the visitor's routes and GET room check requests with: Meteor's check(), which coerces nothing, with its texts
// ("Match error: Expected string, got number in field visitor.name"). Pure. After meteor/packages/check/match.js.
//
// Keys are looked at in the order in which the client sent them; what is missing is said last. An optional key may be
// absent, but not null. Not here: the schemas of all other routes (schema.hpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace chatrelay::systems::rocketchat::endpoints {

namespace json = boost::json;

struct MeteorMember;

struct MeteorPattern {
  enum class Kind { string, boolean, object, array };  // array: of objects with these members
  Kind kind = Kind::string;
  bool including = false;  // Match.ObjectIncluding: unknown keys are welcome
  std::vector<MeteorMember> members;
};

struct MeteorMember {
  std::string_view name;
  bool maybe = false;  // Match.Maybe
  MeteorPattern pattern;
};

// nullopt: it fits. Else the text of the error.
std::optional<std::string> meteor_fault(const MeteorPattern& pattern, const json::value& value);

}  // namespace chatrelay::systems::rocketchat::endpoints
