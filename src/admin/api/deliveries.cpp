// GET /api/deliveries, /api/deliveries/{id}; POST /api/deliveries/retry and /cancel.
#include <algorithm>

#include "admin/api/handlers.hpp"
#include "admin/api/standstill.hpp"
#include "admin/api/views.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::api {
namespace {

constexpr std::size_t unit_max = 500;  // deliveries in one background unit of the store: a bounded slice (Invariant 7)

Result<json::value> read_delivery(ReadAccess& access, const Standstill& standstill, const std::string& id) {
  auto delivery = find_delivery(access.reader, id);
  if (!delivery) return delivery.error();
  const auto attempts = access.reader.attempts(delivery->seq);
  if (!attempts) return attempts.error();
  const auto event = access.reader.event(delivery->event.seq);
  if (!event) return event.error();
  standstill.apply(*delivery);
  json::object out = view(*delivery);
  out["event_id"] = *event ? json::value(store::event_id(**event, delivery->event.part)) : json::value(nullptr);
  out["payload"] = json_or_text(delivery->payload);
  json::array tries;
  for (const store::StoredAttempt& attempt : *attempts) tries.push_back(view(attempt));
  out["tries"] = std::move(tries);
  return out;
}

// Which deliveries a POST speaks of.
struct Selection {
  std::vector<std::string> ids;
  store::DeliveryFilter filter;
  std::string event;  // id of the filter's event, to be looked up
  std::size_t limit = 100;
};

struct Selected {
  std::vector<DeliverySeq> deliveries;
  bool more = false;  // the filter fits further ones
};

// `states`: what the filter means when it names no state.
Selection read_selection(Fields& fields, WallTime now, std::initializer_list<DeliveryState> states) {
  Selection selection;
  selection.ids = fields.list("ids");
  const json::object members = fields.object("filter");
  Fields filter{members};
  selection.filter = read_delivery_filter(filter, now);
  selection.event = filter.text("event");
  if (const auto error = filter.error()) fields.fail("in \"filter\": " + error->message);
  selection.limit = fields.number("limit", 100, 1, bulk_max);
  if (selection.ids.empty() == members.empty())
    fields.fail("give either \"ids\" (a list) or \"filter\" (an object with at least one member)");
  if (selection.ids.size() > bulk_max) fields.fail("\"ids\" holds more than " + std::to_string(bulk_max));
  if (selection.filter.states.empty()) selection.filter.states = states;
  return selection;
}

Result<Selected> select(ReadAccess& access, const Standstill& standstill, Selection selection) {
  Selected selected;
  for (const std::string& id : selection.ids) {
    const auto delivery = find_delivery(access.reader, id);
    if (!delivery) return delivery.error();
    selected.deliveries.push_back(delivery->seq);
  }
  if (!selection.ids.empty()) return selected;
  if (!selection.event.empty()) {
    const auto event = find_event(access.reader, selection.event);
    if (!event) return event.error();
    selection.filter.event = event->seq;
  }
  while (selected.deliveries.size() <= selection.limit) {
    selection.filter.page.limit = std::min(page_max, selection.limit + 1 - selected.deliveries.size());
    const auto rows = standstill.list(access.reader, selection.filter);
    if (!rows) return rows.error();
    for (const store::StoredDelivery& row : *rows) selected.deliveries.push_back(row.seq);
    if (rows->size() < selection.filter.page.limit) break;
    selection.filter.page.before = rows->back().seq;
  }
  selected.more = selected.deliveries.size() > selection.limit;
  if (selected.more) selected.deliveries.resize(selection.limit);
  std::reverse(selected.deliveries.begin(),
               selected.deliveries.end());  // oldest first: the order in which they go to their lanes' ends
  return selected;
}

using Change = std::function<void(std::vector<DeliverySeq> deliveries, store::Done<std::size_t> done)>;

// Selects, then changes in slices; says how many were changed, also when a later slice failed.
awaitable<http::Response> change(Call& call, const Selection& selection, const Change& change_slice) {
  if (const auto error = call.fields.error()) co_return error_response(*error);
  const Standstill standstill(call.context().destination_status());
  std::function<Result<Selected>(ReadAccess&)> read = [standstill, selection](ReadAccess& access) {
    return select(access, standstill, selection);
  };
  const auto selected = co_await call.services->reads.run(std::move(read));
  if (!selected) co_return error_response(selected.error());

  std::size_t changed = 0;
  const auto& all = selected->deliveries;
  for (std::size_t begin = 0; begin < all.size(); begin += unit_max) {
    const auto end = std::min(all.size(), begin + unit_max);
    std::vector<DeliverySeq> slice(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                   all.begin() + static_cast<std::ptrdiff_t>(end));
    Waiter<std::size_t> waiter(call.context().executor);
    change_slice(std::move(slice), waiter.callback());
    const auto result = co_await waiter.wait(write_limit);
    if (!result && changed == 0) co_return error_response(result.error());
    if (!result) {
      json::object partly{
          {"error", result.error().message}, {"matched", all.size()}, {"changed", changed}, {"more", true}};
      co_return json_response(503, partly);
    }
    changed += *result;
  }
  const json::object done{{"matched", all.size()}, {"changed", changed}, {"more", selected->more}};
  co_return json_response(200, done);
}

}  // namespace

awaitable<http::Response> list_deliveries(Call& call) {
  store::DeliveryFilter filter = read_delivery_filter(call.fields, call.now());
  filter.page = read_page(call.fields);
  const std::string event_id = call.fields.text("event");
  if (const auto error = call.fields.error()) co_return error_response(*error);
  const Standstill standstill(call.context().destination_status());
  std::function<Result<json::value>(ReadAccess&)> read = [standstill, filter,
                                                          event_id](ReadAccess& access) mutable -> Result<json::value> {
    if (!event_id.empty()) {
      const auto event = find_event(access.reader, event_id);
      if (!event) return event.error();
      filter.event = event->seq;
    }
    auto rows = standstill.list(access.reader, filter);
    if (!rows) return rows.error();
    return json::value(page_of("deliveries", std::move(*rows), filter.page.limit - 1,
                               [](const store::StoredDelivery& row) { return row.seq; }));
  };
  const auto result = co_await call.services->reads.run(std::move(read));
  co_return answer(result);
}

awaitable<http::Response> show_delivery(Call& call) {
  if (const auto error = call.fields.error()) co_return error_response(*error);
  const Standstill standstill(call.context().destination_status());
  std::function<Result<json::value>(ReadAccess&)> read = [standstill, id = call.names["id"]](ReadAccess& access) {
    return read_delivery(access, standstill, id);
  };
  const auto result = co_await call.services->reads.run(std::move(read));
  co_return answer(result);
}

awaitable<http::Response> retry_deliveries(Call& call) {
  // A delivered one is sent again only when it is named: a filter alone means the dead letters.
  const Selection selection = read_selection(call.fields, call.now(), {DeliveryState::dead});
  const Change change_slice = [&store = call.context().store, now = call.now()](std::vector<DeliverySeq> deliveries,
                                                                                store::Done<std::size_t> done) {
    store.retry(std::move(deliveries), now, std::move(done));
  };
  auto response = co_await change(call, selection, change_slice);
  co_return response;
}

awaitable<http::Response> cancel_deliveries(Call& call) {
  const Selection selection =
      read_selection(call.fields, call.now(), {DeliveryState::pending, DeliveryState::deferred, DeliveryState::held});
  std::string reason = call.fields.text("reason");
  if (reason.empty()) reason = "cancelled by an operator";
  if (reason.size() > 500) call.fields.fail("\"reason\" is longer than 500 bytes");
  const Change change_slice = [&store = call.context().store, reason, now = call.now()](
                                  std::vector<DeliverySeq> deliveries, store::Done<std::size_t> done) {
    store.cancel(std::move(deliveries), reason, now, std::move(done));
  };
  auto response = co_await change(call, selection, change_slice);
  co_return response;
}

}  // namespace chatrelay::admin::api
