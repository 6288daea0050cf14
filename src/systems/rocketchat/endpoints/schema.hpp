// Schema: what a request must look like, checked as Rocket.Chat's own validator (Ajv 8, coercing types, stopping at the
// first fault) checks it, with its texts. Pure.
//
// Order of faults in one object: its type, what is missing (in the order of `properties`), what should not be there,
// then each property in order. It changes what it checks: 123 becomes "123" where a string is asked for, null becomes
// "". Not here: Meteor's check(), which the visitor's route uses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace chatrelay::systems::rocketchat::endpoints {

namespace json = boost::json;

struct Schema;

struct Property {
  enum class Kind { string, number, boolean, object, array, any };
  std::string_view name;
  Kind kind = Kind::string;
  bool required = false;
  bool nullable = false;          // null stays null; for numbers "" becomes null too
  const Schema* inner = nullptr;  // of an object, or of an array's elements, which are objects
  std::size_t size_min = 0;       // elements of an array
  std::size_t size_max = 0;       // elements of an array, characters (code points) of a string; 0: any number
};

struct Schema {
  std::vector<Property> properties;
  bool additional = false;    // other members are welcome
  bool wraps_arrays = false;  // queries and the bulk endpoint: ["x"] counts as "x", and a scalar as an array of one
};

// nullopt: it fits now. Else the first fault: "must have required property 'token'".
std::optional<std::string> check(const Schema& schema, json::value& value);

}  // namespace chatrelay::systems::rocketchat::endpoints
