// Events of chatrelay's own: its troubles, told to rules like everything else (source "chatrelay").
//
// The body is the event in its own shape (event_from_json): what happened stands in `activity`, so a rule reads
// {{ .activity.destination }}. Own events never cause own events: whoever raises one looks at the source first.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "event/event.hpp"

namespace chatrelay {

// The stored body of an own event; `payload` becomes its `activity`. Never put a secret or a stranger's free text
// without a bound in it.
inline std::string own_event_body(std::string_view type, json::object payload, WallTime now) {
  json::object body;
  body["type"] = type;
  body["occurred_at"] = format_rfc3339(now);
  body["activity"] = std::move(payload);
  return json::serialize(body);
}

}  // namespace chatrelay
