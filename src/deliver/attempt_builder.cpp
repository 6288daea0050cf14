#include "deliver/attempt_builder.hpp"

#include <utility>

#include "common/json.hpp"
#include "common/log.hpp"

namespace chatrelay::deliver {

Result<Attempt> AttemptBuilder::build(const store::StoredDelivery& delivery) {
  Result<json::value> with = parse_json(delivery.payload);
  if (!with) return invalid("the stored payload cannot be read: " + with.error().message);
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
