#include "deliver/links.hpp"

#include <algorithm>
#include <string_view>

#include "common/text.hpp"

namespace chatrelay::deliver {

namespace json = boost::json;

namespace {

constexpr std::size_t saved_max = 32;
constexpr std::size_t key_bytes_max = 100;
constexpr std::size_t value_bytes_max = 1024;

bool fits(const Saved& saved) {
  return !saved.key.empty() && saved.key.size() <= key_bytes_max && is_valid_utf8(saved.key) && !saved.value.empty() &&
         saved.value.size() <= value_bytes_max && is_valid_utf8(saved.value);
}

}  // namespace

store::LinkSubject subject_of(const store::DeliveryOrigin& origin) {
  return {origin.source, origin.visitor_id, origin.chat_id, origin.thread_id};
}

json::object links_of_scopes(const std::vector<store::StoredLink>& links) {
  json::object scopes{{"visitor", json::object()}, {"chat", json::object()}, {"thread", json::object()}};
  for (const store::StoredLink& link : links)
    if (json::value* scope = scopes.if_contains(store::to_string(link.scope)))
      scope->as_object()[link.key] = link.value;
  return scopes;
}

json::object links_of_destinations(const std::vector<store::StoredLink>& links) {
  json::object all;
  for (const auto scope : {store::LinkScope::visitor, store::LinkScope::chat, store::LinkScope::thread})
    for (const store::StoredLink& link : links) {
      if (link.scope != scope) continue;
      json::value& of_destination = all[link.destination];
      if (!of_destination.is_object()) of_destination = json::object();
      of_destination.as_object()[link.key] = link.value;
    }
  return all;
}

std::vector<store::NewLink> links_to_save(const std::vector<Saved>& saved, std::size_t& refused) {
  std::vector<store::NewLink> links;
  refused = 0;
  for (const Saved& one : saved) {
    const auto scope = store::link_scope_from(one.scope);
    if (!scope || !fits(one)) {
      ++refused;
      continue;
    }
    const auto known = std::ranges::find_if(
        links, [&](const store::NewLink& link) { return link.scope == *scope && link.key == one.key; });
    if (known != links.end())
      known->value = one.value;
    else if (links.size() < saved_max)
      links.push_back({*scope, one.key, one.value});
    else
      ++refused;
  }
  return links;
}

std::string lock_of(const store::StoredDelivery& delivery) {
  if (!delivery.lock) return {};
  const bool of_visitor = *delivery.lock == store::LinkScope::visitor;
  const std::string& subject = of_visitor ? delivery.origin.visitor_id : delivery.origin.chat_id;
  // Nobody is nobody's double.
  if (subject.empty()) return {};
  return std::string(of_visitor ? "v" : "c") + delivery.origin.source + '\0' + subject;
}

}  // namespace chatrelay::deliver
