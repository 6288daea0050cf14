#include "deliver/attempt_of.hpp"

#include <utility>

#include "common/json.hpp"
#include "common/log.hpp"

namespace chatrelay::deliver {

namespace {

// Not parse_json: a rule may put what a webhook nested as deep as that allows a few levels deeper still.
Result<json::value> parse_payload(const std::string& text) {
  json::parse_options options;
  options.max_depth = 4 * json_depth_max;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) return invalid("the stored payload cannot be read: " + error.message());
  return value;
}

}  // namespace

Result<Attempt> attempt_of(const store::StoredDelivery& delivery) {
  Result<json::value> with = parse_payload(delivery.payload);
  if (!with) return with.error();
  Attempt attempt;
  attempt.delivery = delivery.seq;
  attempt.id = delivery.id;
  attempt.event = delivery.event;
  attempt.action = delivery.action;
  attempt.with = std::move(*with);
  attempt.number = delivery.attempts + 1;
  attempt.planned_at = delivery.created_at;
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
