// The payload of an attempt is either what the rule's `with` gave, or, where an action allows no `with`, the whole
// event.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include <boost/json.hpp>

namespace chatrelay::destinations {

// The keys of a `with` are closed, and every event has keys (id, type, source, …) that no such action takes: so an
// object that has only known keys is a `with`, and everything else is the event.
template <class Keys>
bool is_with(const boost::json::value& payload, const Keys& keys) {
  const boost::json::object* object = payload.if_object();
  if (object == nullptr) return false;
  return std::ranges::all_of(*object, [&](const auto& member) {
    return std::ranges::any_of(keys, [&](const auto& key) { return member.key() == boost::json::string_view(key); });
  });
}

}  // namespace chatrelay::destinations
