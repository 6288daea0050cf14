#include "deliver/attempt_of.hpp"

#include <algorithm>
#include <utility>

#include "common/json.hpp"
#include "common/log.hpp"
#include "deliver/links.hpp"

namespace chatrelay::deliver {

namespace {

// Not parse_json: a rule may put what a webhook nested as deep as that allows a few levels deeper still.
Result<json::value> parse_payload(const std::string& text, const char* what) {
  json::parse_options options;
  options.max_depth = 4 * json_depth_max;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) return invalid(std::string("the stored ") + what + " cannot be read: " + error.message());
  return value;
}

}  // namespace

Result<Attempt> attempt_of(const store::StoredDelivery& delivery, const std::vector<store::StoredLink>& links) {
  Result<json::value> with = parse_payload(delivery.payload, "payload");
  if (!with) return with.error();
  Attempt attempt;
  attempt.delivery = delivery.seq;
  attempt.id = delivery.id;
  attempt.event = delivery.event;
  attempt.action = delivery.action;
  attempt.with = std::move(*with);
  attempt.number = delivery.attempts + 1;
  // An operator had a closed one tried again: its attempts are counted anew, and yet were made.
  if (delivery.first_pending_at > delivery.created_at) attempt.number = std::max(attempt.number, 2);
  attempt.planned_at = delivery.created_at;
  attempt.links = links_of_scopes(links);
  if (!delivery.progress.empty()) {
    Result<json::value> progress = parse_payload(delivery.progress, "progress");
    if (!progress) return progress.error();
    if (progress->is_object()) attempt.progress = std::move(progress->get_object());
  }
  const store::DeliveryOrigin& origin = delivery.origin;
  if (origin.event_id.empty()) log::warn("the event of a delivery is gone", {{"delivery", delivery.id}});
  attempt.event_id = origin.event_id;
  attempt.source = origin.source;
  attempt.event_type = origin.type;
  attempt.chat_id = origin.chat_id;
  attempt.thread_id = origin.thread_id;
  return attempt;
}

}  // namespace chatrelay::deliver
