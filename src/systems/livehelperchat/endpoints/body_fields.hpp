// BodyFields: the body of a request as one object, whether it was a form, multipart or JSON. Pure; eats what the
// network sends.
#pragma once

#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace chatrelay::systems::livehelperchat::endpoints {

struct BodyFields {
  BodyFields() {}
  boost::json::object fields;
  bool is_json = false;
  std::string fault;  // what was wrong; then `fields` holds nothing
};

// Forms: "a[]" appends to a list, "a[k]" sets a member, a plain name that comes again counts the last time, as in PHP;
// values are strings, without files. Whatever is not a form is JSON, and so is a form that is a whole JSON object
// (curl -d says so of everything); a body without anything has no fields and no fault.
// Limit: 1000 fields, names 8 brackets deep.
BodyFields read_body_fields(std::string_view content_type, std::string_view body);

}  // namespace chatrelay::systems::livehelperchat::endpoints
