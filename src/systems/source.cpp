#include "systems/source.hpp"

#include "common/ids.hpp"

namespace chatrelay::systems {

std::string_view to_string(RejectReason reason) {
  switch (reason) {
    case RejectReason::wrong_secret:
      return "wrong_secret";
    case RejectReason::not_json:
      return "not_json";
    case RejectReason::bad_request:
      return "bad_request";
    case RejectReason::forbidden_origin:
      return "forbidden_origin";
  }
  return "unknown";
}

// The parts of a webhook share its time and sequence number; only the salt tells them apart, so that the store finds
// the webhook by the id of any part. Invariant: the same id as store::event_id gives; this room does not see the store,
// so the rule stands in both places.
constexpr std::uint32_t spread = 0x9e3779b1u;

void number_parts(std::vector<Event>& events, const StoredWebhook& webhook, std::string_view system) {
  const auto base = decode_ulid(webhook.id);
  for (std::size_t i = 0; i < events.size(); ++i) {
    Event& event = events[i];
    event.ref = {webhook.seq, static_cast<std::uint32_t>(i)};
    event.source = webhook.source;
    event.system = system;
    event.received_at = webhook.received_at;
    event.id = webhook.id;
    if (base && i > 0)
      event.id = encode_ulid({base->time, base->salt ^ (static_cast<std::uint32_t>(i) * spread), base->sequence});
  }
}

}  // namespace chatrelay::systems
