// Links as the others see them: a destination its own (Attempt::links), a rule's `with` those of every destination
// (.links), the store what an outcome saved. Pure.
#pragma once

#include <string>
#include <vector>

#include <boost/json.hpp>

#include "event/outcome.hpp"
#include "store/store.hpp"

namespace chatrelay::deliver {

store::LinkSubject subject_of(const store::DeliveryOrigin& origin);

// {visitor: {key: value}, chat: {…}, thread: {…}}; all three are always there.
boost::json::object links_of_scopes(const std::vector<store::StoredLink>& links);

// {destination: {key: value}}; where a key has several scopes, the nearest says what it is: thread, chat, visitor.
boost::json::object links_of_destinations(const std::vector<store::StoredLink>& links);

// What may be kept of what an outcome saved, each key of a scope once, with its last value. Limit: 32 of an outcome,
// keys of 100 bytes, values of 1 KiB; what is longer is left out, since a part of an id is no id. `refused` counts it.
std::vector<store::NewLink> links_to_save(const std::vector<Saved>& saved, std::size_t& refused);

// What must not be under way twice at a destination; empty: nothing.
std::string lock_of(const store::StoredDelivery& delivery);

}  // namespace chatrelay::deliver
