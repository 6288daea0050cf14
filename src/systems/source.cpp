#include "systems/source.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "event/part_id.hpp"

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

bool BrowserRules::allows(std::string_view origin) const {
  return !origin.empty() && std::ranges::find(origins, to_lower_ascii(origin)) != origins.end();
}

void number_parts(std::vector<Event>& events, const StoredWebhook& webhook, std::string_view system) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    Event& event = events[i];
    event.ref = {webhook.seq, static_cast<std::uint32_t>(i)};
    event.source = webhook.source;
    event.system = system;
    event.received_at = webhook.received_at;
    event.id = part_id(webhook.id, event.ref.part);
  }
}

}  // namespace chatrelay::systems
