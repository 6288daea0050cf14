// GET /api/destinations; POST /api/destinations/{name}/pause, /resume and /test.
#include <algorithm>

#include "admin/api/handlers.hpp"
#include "admin/api/standstill.hpp"
#include "admin/api/views.hpp"
#include "common/crypto.hpp"
#include "common/ids.hpp"
#include "common/json.hpp"
#include "common/text.hpp"
#include "rules/by_hand.hpp"

namespace chatrelay::admin::api {
namespace {

json::object view_backlog(const store::DestinationBacklog& backlog) {
  return {{"pending", backlog.pending},
          {"deferred", backlog.deferred},
          {"held", backlog.held},
          {"dead", backlog.dead},
          {"oldest", or_null(backlog.oldest)}};
}

json::object view_status(const deliver::DestinationStatus& status) {
  return {{"name", text_value(status.name)},
          {"configured", true},
          {"description", text_value(status.description)},
          {"circuit", status.circuit},
          {"paused", status.paused},
          {"disabled", status.disabled},
          {"reason", status.reason.empty() ? json::value(nullptr) : json::value(text_value(status.reason))},
          {"under_way", status.under_way},
          {"waits_until", or_null(status.waits_until)}};
}

// Deliveries of a destination that is configured no longer are kept, held by name: they are shown too.
json::object view_missing(const std::string& name) {
  deliver::DestinationStatus status;
  status.name = name;
  status.description = "not configured: its deliveries wait until the name returns";
  json::object out = view_status(status);
  out["configured"] = false;
  out["circuit"] = nullptr;
  return out;
}

std::optional<Error> unknown_destination(Context& context, const std::string& name) {
  const auto status = context.destination_status();
  if (std::any_of(status.begin(), status.end(), [&](const auto& one) { return one.name == name; })) return std::nullopt;
  std::string names;
  for (const auto& one : status) names += (names.empty() ? "" : ", ") + one.name;
  return not_found("there is no destination " + printable(name, 60) +
                   (names.empty() ? "; none is configured" : "; configured are: " + names));
}

}  // namespace

awaitable<http::Response> list_destinations(Call& call) {
  if (const auto error = call.fields.error()) co_return error_response(*error);
  std::function<Result<std::vector<store::DestinationBacklog>>(ReadAccess&)> read = [](ReadAccess& access) {
    return access.reader.backlog();
  };
  auto backlog = co_await call.services->reads.run(std::move(read));
  if (!backlog) co_return error_response(backlog.error());

  std::map<std::string, json::object> shown;
  const std::vector<deliver::DestinationStatus> configured = call.context().destination_status();
  const Standstill standstill(configured);
  for (const deliver::DestinationStatus& status : configured) {
    shown[status.name] = view_status(status);
    shown[status.name]["backlog"] = view_backlog(store::DestinationBacklog{});
  }
  for (store::DestinationBacklog& one : *backlog) {
    standstill.apply(one);
    const bool empty = one.pending + one.deferred + one.held + one.dead == 0;
    if (!shown.contains(one.destination) && empty) continue;
    if (!shown.contains(one.destination)) shown[one.destination] = view_missing(one.destination);
    shown[one.destination]["backlog"] = view_backlog(one);
  }
  json::array destinations;
  for (auto& [name, destination] : shown) destinations.push_back(std::move(destination));
  const json::object page{{"destinations", std::move(destinations)}};
  co_return json_response(200, page);
}

awaitable<http::Response> pause_destination(Call& call) {
  std::string reason = call.fields.text("reason");
  if (reason.empty()) reason = "paused by an operator";
  if (reason.size() > 500) call.fields.fail("\"reason\" is longer than 500 bytes");
  if (const auto error = call.fields.error()) co_return error_response(*error);
  if (const auto unknown = unknown_destination(call.context(), call.names["name"])) co_return error_response(*unknown);
  Waiter<void> waiter(call.context().executor);
  call.context().pause(call.names["name"], reason, waiter.callback());
  const auto result = co_await waiter.wait(write_limit);
  if (!result) co_return error_response(result.error());
  const json::object done{{"name", call.names["name"]}, {"paused", true}};
  co_return json_response(200, done);
}

awaitable<http::Response> resume_destination(Call& call) {
  if (const auto error = call.fields.error()) co_return error_response(*error);
  if (const auto unknown = unknown_destination(call.context(), call.names["name"])) co_return error_response(*unknown);
  Waiter<void> waiter(call.context().executor);
  call.context().resume(call.names["name"], waiter.callback());
  const auto result = co_await waiter.wait(write_limit);
  if (!result) co_return error_response(result.error());
  const json::object done{{"name", call.names["name"]}, {"paused", false}};
  co_return json_response(200, done);
}

namespace {

// A delivery that the operator wrote by hand, as an attempt. Errors: invalid, not_found.
Result<Attempt> attempt_by_hand(Context& context, const std::string& name, const std::string& action,
                                json::object with) {
  const auto setup = context.setup();
  const auto target = setup->catalog->targets.find(name);
  if (target == setup->catalog->targets.end()) return not_found("there is no destination " + printable(name, 60));
  const WallTime now = context.clock.now();
  auto planned = rules::plan_by_hand(target->second, action, std::move(with), now);
  if (!planned) return planned.error();
  Attempt attempt;
  attempt.id = encode_ulid({now, static_cast<std::uint32_t>(random_u64()), 0});
  attempt.event_id = attempt.id;
  attempt.event_type = "test";
  attempt.source = own_source;
  attempt.action = std::move(planned->action);
  attempt.with = std::move(planned->payload);
  attempt.planned_at = now;
  return attempt;
}

}  // namespace

awaitable<http::Response> test_destination(Call& call) {
  std::string name = call.names["name"];
  const bool sends = call.fields.flag("send");
  const std::string action = call.fields.text("action");
  json::object with = call.fields.object("with");
  if (!sends && (!action.empty() || !with.empty())) call.fields.fail("\"action\" and \"with\" go with \"send\": true");
  if (const auto error = call.fields.error()) co_return error_response(*error);
  if (const auto unknown = unknown_destination(call.context(), name)) co_return error_response(*unknown);
  Result<Outcome> outcome = Outcome();
  if (sends) {
    auto attempt = attempt_by_hand(call.context(), name, action, std::move(with));
    if (!attempt) co_return error_response(attempt.error());
    Attempt by_hand = std::move(*attempt);
    outcome = co_await call.context().send(std::move(name), std::move(by_hand));
  } else {
    outcome = co_await call.context().probe(std::move(name));
  }
  if (!outcome) co_return error_response(outcome.error());
  const bool well = outcome->klass == OutcomeClass::ok || outcome->klass == OutcomeClass::duplicate;
  const json::object done{{"name", call.names["name"]},
                          {"ok", well},
                          {"outcome", to_string(outcome->klass)},
                          {"status", outcome->status ? json::value(outcome->status) : json::value(nullptr)},
                          {"reason", text_value(well && outcome->reason.empty() ? "it was taken" : outcome->reason)},
                          {"response", text_value(outcome->response)}};
  co_return json_response(200, done);
}

}  // namespace chatrelay::admin::api
