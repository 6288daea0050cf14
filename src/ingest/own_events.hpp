// What chatrelay appends when it has trouble of its own, ready for the store. App gives it to deliver as its `raise`.
#pragma once

#include <string_view>
#include <utility>

#include <boost/json.hpp>

#include "event/own_event.hpp"
#include "store/store.hpp"

namespace chatrelay::ingest {

// No dedup key: whoever raises bounds how often.
inline store::NewEvent make_own_event(std::string_view type, boost::json::object payload, WallTime now) {
  store::NewEvent event;
  event.source = own_source;
  event.received_at = now;
  event.body = own_event_body(type, std::move(payload), now);
  return event;
}

}  // namespace chatrelay::ingest
