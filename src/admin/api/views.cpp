#include "admin/api/views.hpp"

#include "admin/api/call.hpp"
#include "common/digits.hpp"
#include "common/json.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::api {
namespace {

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(text_value(text));
}
json::value time_value(WallTime time) {
  return json::value(format_rfc3339(time));
}

json::array parts_view(const std::vector<store::PlannedPart>& parts) {
  json::array out;
  for (const store::PlannedPart& part : parts) {
    out.push_back(json::object{{"part", part.part},
                               {"type", text_value(part.type)},
                               {"chat_id", text_or_null(part.chat_id)},
                               {"thread_id", text_or_null(part.thread_id)},
                               {"suppressed", part.suppressed}});
  }
  return out;
}

std::optional<std::uint64_t> record_number(std::string_view id) {
  // 48 bits are 15 digits; a ULID has 26 characters, so the two cannot be taken for each other.
  return id.size() > 15 ? std::nullopt : whole_number<std::uint64_t>(id);
}

}  // namespace

json::string text_value(std::string_view bytes) {
  return is_valid_utf8(bytes) ? json::string(bytes) : json::string(repair_utf8(bytes));
}

json::value json_or_text(std::string_view bytes) {
  auto parsed = parse_json(bytes);
  return parsed ? std::move(*parsed) : json::value(text_value(bytes));
}

json::object view(const store::StoredEvent& event, const std::vector<store::PlannedPart>& parts) {
  json::object out{{"id", event.id},
                   {"seq", event.seq},
                   {"source", text_value(event.source)},
                   {"type", nullptr},
                   {"chat_id", nullptr},
                   {"thread_id", nullptr},
                   {"received_at", time_value(event.received_at)},
                   {"planned", !parts.empty()}};
  if (!parts.empty()) {
    out["type"] = text_value(parts.front().type);
    out["chat_id"] = text_or_null(parts.front().chat_id);
    out["thread_id"] = text_or_null(parts.front().thread_id);
  }
  out["parts"] = parts_view(parts);
  return out;
}

json::object view(const store::EventRow& row) {
  json::object out = view(row.event, row.parts);
  out["deliveries"] = row.deliveries;
  out["failures"] = row.failures;
  return out;
}

json::object view(const store::RuleFailure& failure) {
  return {{"part", failure.part},
          {"rule", text_value(failure.rule)},
          {"where", text_value(failure.where)},
          {"reason", text_value(failure.reason)}};
}

json::object view(const store::ChatRow& row) {
  return {{"source", text_value(row.source)},
          {"chat_id", text_value(row.chat_id)},
          {"thread_id", text_or_null(row.thread_id)},
          {"status", text_or_null(row.status)},
          {"visitor", json::object{{"id", text_or_null(row.visitor_id)},
                                   {"name", text_or_null(row.visitor_name)},
                                   {"email", text_or_null(row.visitor_email)}}},
          {"started_at", or_null(row.started_at)},
          {"active_at", time_value(row.active_at)},
          {"messages", row.messages}};
}

json::object view(const store::StoredMessage& message) {
  json::object out = message.message.is_object() ? message.message.get_object() : json::object{};
  out["id"] = text_value(message.id);
  out["thread_id"] = text_or_null(message.thread_id);
  out["event_seq"] = message.event;
  out["changed_by_seq"] = message.changed_by ? json::value(message.changed_by) : json::value(nullptr);
  out["deleted"] = message.deleted;
  return out;
}

json::object view(const store::StoredDelivery& delivery) {
  return {{"id", delivery.id},
          {"seq", delivery.seq},
          {"event_seq", delivery.event.seq},
          {"part", delivery.event.part},
          {"rule", text_value(delivery.rule)},
          {"destination", text_value(delivery.destination)},
          {"action", text_or_null(delivery.action)},
          {"state", to_string(delivery.state)},
          {"attempts", delivery.attempts},
          {"reason", text_or_null(delivery.reason)},
          {"note", text_or_null(delivery.note)},
          {"created_at", time_value(delivery.created_at)},
          {"due_at", is_open(delivery.state) && delivery.state != DeliveryState::held ? time_value(delivery.due_at)
                                                                                      : json::value(nullptr)},
          {"finished_at", or_null(delivery.finished_at)}};
}

json::object view(const store::StoredAttempt& attempt) {
  return {{"number", attempt.number},
          {"started_at", time_value(attempt.started_at)},
          {"took_ms", attempt.took.count()},
          {"outcome", text_value(attempt.outcome)},
          {"status", attempt.status ? json::value(attempt.status) : json::value(nullptr)},
          {"reason", text_or_null(attempt.reason)},
          {"response", text_or_null(attempt.response)}};
}

json::object view(const deliver::ReplayPlan& plan, bool with_payloads) {
  json::array deliveries;
  for (const rules::Planned& planned : plan.deliveries) {
    json::object one{{"rule", text_value(planned.rule)},
                     {"destination", text_value(planned.destination)},
                     {"action", text_or_null(planned.action)}};
    if (with_payloads) one["payload"] = planned.payload;
    deliveries.push_back(std::move(one));
  }
  json::array failures;
  for (const store::RuleFailure& failure : plan.failures) failures.push_back(view(failure));
  json::array created;
  for (const DeliverySeq seq : plan.created) created.push_back(seq);
  return {{"event_id", plan.event_id},
          {"event_seq", plan.event},
          {"deliveries", std::move(deliveries)},
          {"failures", std::move(failures)},
          {"created", std::move(created)}};
}

store::Page read_page(Fields& fields) {
  store::Page page;
  page.limit = fields.number("limit", 50, 1, page_max) + 1;
  page.before = fields.number("before", 0, 0, std::uint64_t{1} << 62);
  return page;
}

store::EventFilter read_event_filter(Fields& fields, WallTime now) {
  store::EventFilter filter;
  filter.source = fields.text("source");
  filter.type = fields.text("type");
  filter.chat_id = fields.text("chat");
  filter.since = fields.time("since", now);
  filter.until = fields.time("until", now);
  filter.failures_only = fields.flag("failures");
  return filter;
}

store::ChatFilter read_chat_filter(Fields& fields, WallTime now) {
  store::ChatFilter filter;
  filter.source = fields.text("source");
  filter.visitor = fields.text("visitor");
  filter.state = fields.text("state");
  filter.chat_id = fields.text("chat");
  filter.since = fields.time("since", now);
  filter.until = fields.time("until", now);
  return filter;
}

store::DeliveryFilter read_delivery_filter(Fields& fields, WallTime now) {
  store::DeliveryFilter filter;
  filter.destination = fields.text("destination");
  filter.rule = fields.text("rule");
  for (const std::string& word : fields.list("state")) {
    if (const auto state = delivery_state_from(word)) {
      filter.states.push_back(*state);
    } else {
      fields.fail("\"state\" is \"" + printable(word, 60) +
                  "\"; it must be one of: pending, deferred, held, delivered, dead, cancelled");
    }
  }
  const std::string source = fields.text("source"), chat = fields.text("chat");
  if (source.empty() != chat.empty())
    fields.fail("\"source\" and \"chat\" belong together: the same chat id may come from two sources");
  if (!source.empty() && !chat.empty()) filter.chat = {source, chat};
  filter.since = fields.time("since", now);
  filter.until = fields.time("until", now);
  return filter;
}

Result<store::StoredEvent> find_event(store::Reader& reader, std::string_view id) {
  const auto number = record_number(id);
  auto found = number ? reader.event(*number) : reader.find_event(id);
  if (!found) return found.error();
  if (!*found) return not_found("there is no event " + printable(id, 60));
  return std::move(**found);
}

Result<store::StoredDelivery> find_delivery(store::Reader& reader, std::string_view id) {
  const auto number = record_number(id);
  auto found = number ? reader.delivery(*number) : reader.find_delivery(id);
  if (!found) return found.error();
  if (!*found) return not_found("there is no delivery " + printable(id, 60));
  return std::move(**found);
}

}  // namespace chatrelay::admin::api
