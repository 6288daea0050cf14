// GET /api/events and /api/events/{id}: what arrived.
#include "admin/api/handlers.hpp"
#include "admin/api/links.hpp"
#include "admin/api/standstill.hpp"
#include "admin/api/views.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::api {
namespace {

// The event as rules see it, without what the planner adds (earlier knowledge, links, presence). null if its source is
// gone.
json::value decoded_events(ReadAccess& access, const std::shared_ptr<const deliver::PlannerSetup>& setup,
                           const store::StoredEvent& stored) {
  systems::Source* source = access.decoders.find(setup, stored.source);
  if (!source) return nullptr;
  systems::StoredWebhook webhook;
  webhook.seq = stored.seq;
  webhook.id = stored.id;
  webhook.source = stored.source;
  webhook.received_at = stored.received_at;
  webhook.body = stored.body;
  webhook.content_type = stored.content_type;
  json::array out;
  for (Event& event : source->decode(webhook)) {
    event.raw = nullptr;  // is shown once, beside the decoded events
    json::value shown = to_json(event, EventExtras{});
    shown.as_object().erase("raw");
    shown.as_object().erase("links");
    shown.as_object().erase("presence");
    out.push_back(std::move(shown));
  }
  return out;
}

Result<json::value> read_event(ReadAccess& access, const std::shared_ptr<const deliver::PlannerSetup>& setup,
                               const Standstill& standstill, const std::string& id) {
  auto stored = find_event(access.reader, id);
  if (!stored) return stored.error();
  const auto parts = access.reader.parts(stored->seq);
  if (!parts) return parts.error();
  const auto failures = access.reader.failures(stored->seq);
  if (!failures) return failures.error();
  store::DeliveryFilter filter;
  filter.event = stored->seq;
  filter.page.limit = page_max;
  const auto deliveries = standstill.list(access.reader, filter);
  if (!deliveries) return deliveries.error();

  json::object out = view(*stored, *parts);
  out["content_type"] =
      stored->content_type.empty() ? json::string("application/json") : text_value(stored->content_type);
  out["events"] = decoded_events(access, setup, *stored);
  out["raw"] = json_or_text(stored->body);
  json::array failed, planned;
  for (const store::RuleFailure& failure : *failures) failed.push_back(view(failure));
  for (const store::StoredDelivery& delivery : *deliveries) planned.push_back(view(delivery));
  out["failures"] = std::move(failed);
  out["deliveries"] = std::move(planned);
  auto links = links_of_event(access.reader, stored->source, *parts, out["events"]);
  if (!links) return links.error();
  out["links"] = std::move(*links);
  return out;
}

}  // namespace

awaitable<http::Response> list_events(Call& call) {
  store::EventFilter filter = read_event_filter(call.fields, call.now());
  filter.page = read_page(call.fields);
  if (const auto error = call.fields.error()) co_return error_response(*error);
  std::function<Result<json::value>(ReadAccess&)> read = [filter](ReadAccess& access) -> Result<json::value> {
    auto rows = access.reader.list_events(filter);
    if (!rows) return rows.error();
    return json::value(page_of("events", std::move(*rows), filter.page.limit - 1,
                               [](const store::EventRow& row) { return row.event.seq; }));
  };
  const auto result = co_await call.services->reads.run(std::move(read));
  co_return answer(result);
}

awaitable<http::Response> show_event(Call& call) {
  if (const auto error = call.fields.error()) co_return error_response(*error);
  const Standstill standstill(call.context().destination_status());
  const auto setup = call.context().setup ? call.context().setup() : nullptr;
  std::function<Result<json::value>(ReadAccess&)> read = [setup, standstill,
                                                          id = call.names["id"]](ReadAccess& access) {
    return read_event(access, setup, standstill, id);
  };
  const auto result = co_await call.services->reads.run(std::move(read));
  co_return answer(result);
}

}  // namespace chatrelay::admin::api
