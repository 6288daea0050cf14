#include "deliver/attempt_builder.hpp"

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

Result<Attempt> AttemptBuilder::build(const store::StoredDelivery& delivery) {
  Result<json::value> with = parse_payload(delivery.payload);
  if (!with) return with.error();
  const Result<const Names*> found = names(delivery.event.seq);
  if (!found) return found.error();

  Attempt attempt;
  attempt.delivery = delivery.seq;
  attempt.id = delivery.id;
  attempt.event = delivery.event;
  attempt.action = delivery.action;
  attempt.with = std::move(*with);
  attempt.number = delivery.attempts + 1;
  attempt.planned_at = delivery.created_at;
  const Names& event = **found;
  if (!event.event) {
    log::warn("the event of a delivery is gone", {{"delivery", delivery.id}});
    return attempt;
  }
  attempt.event_id = store::event_id(*event.event, delivery.event.part);
  attempt.source = event.event->source;
  for (const store::PlannedPart& part : event.parts) {
    if (part.part != delivery.event.part) continue;
    attempt.event_type = part.type;
    attempt.chat_id = part.chat_id;
    attempt.thread_id = part.thread_id;
  }
  return attempt;
}

Result<const AttemptBuilder::Names*> AttemptBuilder::names(EventSeq seq) {
  if (const auto cached = cache_.find(seq); cached != cache_.end()) return &cached->second;
  Result<std::optional<store::StoredEvent>> event = reader_.event(seq);
  if (!event) return event.error();
  Result<std::vector<store::PlannedPart>> parts = reader_.parts(seq);
  if (!parts) return parts.error();
  if (order_.size() >= cache_max) {
    cache_.erase(order_.front());
    order_.pop_front();
  }
  Names names;
  names.event = std::move(*event);
  if (names.event) names.event->body = std::string();
  names.parts = std::move(*parts);
  order_.push_back(seq);
  return &cache_.emplace(seq, std::move(names)).first->second;
}

}  // namespace chatrelay::deliver
