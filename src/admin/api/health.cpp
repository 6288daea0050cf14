// GET /healthz, /readyz, /metrics: for supervisors, load balancers and Prometheus.
#include "admin/api/handlers.hpp"
#include "admin/api/views.hpp"
#include "common/units.hpp"

namespace chatrelay::admin::api {
namespace {

// An expression is stopped after a second, a commit takes milliseconds: half a minute means that the thread hangs for
// good.
constexpr Millis hung_after{30'000};
// A sender waits five or ten seconds for its answer: what cannot be committed by then is not ready.
constexpr Millis not_committing_after{5'000};

void append(std::vector<std::string>& reasons, const std::function<std::vector<std::string>()>& further) {
  if (!further) return;
  for (std::string& reason : further()) reasons.push_back(std::move(reason));
}

http::Response health_response(const std::vector<std::string>& reasons) {
  json::array texts;
  for (const std::string& reason : reasons) texts.push_back(text_value(reason));
  const json::object body{{"ok", reasons.empty()}, {"reasons", std::move(texts)}};
  return json_response(reasons.empty() ? 200 : 503, body);
}

void set_store_gauges(Metrics& metrics, const store::Totals& totals) {
  metrics.gauge("chatrelay_store_events", "Events kept.").set(static_cast<double>(totals.events));
  metrics.gauge("chatrelay_store_unplanned_events", "Events that wait to be planned.")
      .set(static_cast<double>(totals.unplanned));
  metrics.gauge("chatrelay_store_open_deliveries", "Deliveries that are pending, deferred or held.")
      .set(static_cast<double>(totals.open_deliveries));
  metrics.gauge("chatrelay_store_bytes", "Size of the store's main file.").set(static_cast<double>(totals.file_bytes));
}

}  // namespace

awaitable<http::Response> healthz(Call& call) {
  std::vector<std::string> reasons;
  const Millis waiting = call.context().store.load().oldest_waiting;
  if (waiting > hung_after) reasons.push_back("the store's writer has not committed for " + format_duration(waiting));
  const Millis busy = call.context().planner_busy_for ? call.context().planner_busy_for() : Millis{0};
  if (busy > hung_after) reasons.push_back("the planner has been busy with one event for " + format_duration(busy));
  append(reasons, call.context().unhealthy);
  co_return health_response(reasons);
}

awaitable<http::Response> readyz(Call& call) {
  std::vector<std::string> reasons;
  const Millis waiting = call.context().store.load().oldest_waiting;
  if (waiting > not_committing_after) reasons.push_back("the store has not committed for " + format_duration(waiting));
  append(reasons, call.context().not_ready);
  co_return health_response(reasons);
}

// What changes with every event is counted where it happens; the store's totals are read when somebody looks.
awaitable<http::Response> metrics(Call& call) {
  std::function<Result<store::Totals>(ReadAccess&)> read = [](ReadAccess& access) { return access.reader.totals(); };
  const auto totals = co_await call.services->reads.run(std::move(read));
  // Without them the counters are still worth having: a store in trouble is when they are looked at.
  if (totals) set_store_gauges(call.context().metrics, *totals);
  call.context()
      .metrics.gauge("chatrelay_admin_store_readable", "1 if the store's totals could be read for this scrape.")
      .set(totals ? 1 : 0);
  co_return http::Response(200, call.context().metrics.prometheus_text(), "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace chatrelay::admin::api
