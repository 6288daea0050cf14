// POST /api/replay: plans the deliveries of past events again, and makes them unless it is a dry run.
#include <algorithm>

#include "admin/api/handlers.hpp"
#include "admin/api/views.hpp"

namespace chatrelay::admin::api {
namespace {

constexpr std::size_t planner_slice = 50;  // events that the planner takes between two batches of new ones
constexpr std::size_t payload_bytes_max =
    4u << 20;  // Limit: payloads in the answer of a dry run; further ones are left out

struct Wanted {
  std::vector<std::string> ids;
  store::EventFilter filter;
  std::size_t limit = 1'000;
};

struct Chosen {
  std::vector<EventSeq> events;  // oldest first
  bool more = false;
};

Wanted read_wanted(Fields& fields, WallTime now) {
  Wanted wanted;
  wanted.ids = fields.list("events");
  const bool filtered = fields.has("since") || fields.has("until") || fields.has("type") || fields.has("source") ||
                        fields.has("chat") || fields.has("failures");
  wanted.filter = read_event_filter(fields, now);
  wanted.limit = fields.number("limit", 1'000, 1, bulk_max);
  if (wanted.ids.empty() && !filtered)
    fields.fail("say which events: \"events\" (ids), or at least one of since, until, type, source, chat, failures");
  if (!wanted.ids.empty() && filtered) fields.fail("give either \"events\" or a filter, not both");
  if (wanted.ids.size() > bulk_max) fields.fail("\"events\" holds more than " + std::to_string(bulk_max));
  return wanted;
}

Result<Chosen> choose(ReadAccess& access, Wanted wanted) {
  Chosen chosen;
  for (const std::string& id : wanted.ids) {
    const auto event = find_event(access.reader, id);
    if (!event) return event.error();
    chosen.events.push_back(event->seq);
  }
  if (!wanted.ids.empty()) return chosen;
  while (chosen.events.size() <= wanted.limit) {
    wanted.filter.page.limit = page_max;
    const auto rows = access.reader.list_events(wanted.filter);
    if (!rows) return rows.error();
    for (const store::EventRow& row : *rows)
      if (!row.parts.empty())
        chosen.events.push_back(row.event.seq);  // one that waits to be planned will be delivered anyway
    if (rows->size() < wanted.filter.page.limit) break;
    wanted.filter.page.before = rows->back().event.seq;
  }
  chosen.more = chosen.events.size() > wanted.limit;
  if (chosen.more) chosen.events.resize(wanted.limit);
  std::reverse(chosen.events.begin(), chosen.events.end());
  return chosen;
}

// The answer, built slice by slice.
struct Summary {
  json::array plans;
  std::size_t planned = 0, created = 0, failures = 0, payload_bytes = 0;
  bool payloads_left_out = false;

  void add(const std::vector<deliver::ReplayPlan>& slice, bool dry_run) {
    for (const deliver::ReplayPlan& plan : slice) {
      planned += plan.deliveries.size();
      created += plan.created.size();
      failures += plan.failures.size();
      const bool with_payloads = dry_run && payload_bytes < payload_bytes_max;
      payloads_left_out = payloads_left_out || (dry_run && !with_payloads);
      json::object shown = view(plan, with_payloads);
      if (with_payloads) payload_bytes += json::serialize(shown).size();
      plans.push_back(std::move(shown));
    }
  }
  json::object value(bool dry_run, bool more) && {
    return {{"dry_run", dry_run},
            {"events", plans.size()},
            {"planned", planned},
            {"created", created},
            {"failures", failures},
            {"more", more},
            {"payloads_left_out", payloads_left_out},
            {"plans", std::move(plans)}};
  }
};

}  // namespace

awaitable<http::Response> replay_events(Call& call) {
  const Wanted wanted = read_wanted(call.fields, call.now());
  deliver::ReplayRequest request;
  request.only_destination = call.fields.text("destination");
  request.only_rule = call.fields.text("rule");
  request.dry_run = call.fields.flag("dry_run");
  request.same_id = call.fields.flag("same_id");
  if (const auto error = call.fields.error()) co_return error_response(*error);

  std::function<Result<Chosen>(ReadAccess&)> read = [wanted](ReadAccess& access) { return choose(access, wanted); };
  const auto chosen = co_await call.services->reads.run(std::move(read));
  if (!chosen) co_return error_response(chosen.error());

  Summary summary;
  for (std::size_t begin = 0; begin < chosen->events.size(); begin += planner_slice) {
    const auto end = std::min(chosen->events.size(), begin + planner_slice);
    request.events.assign(chosen->events.begin() + static_cast<std::ptrdiff_t>(begin),
                          chosen->events.begin() + static_cast<std::ptrdiff_t>(end));
    Waiter<std::vector<deliver::ReplayPlan>> waiter(call.context().executor);
    call.context().replay(request, waiter.callback());
    const auto plans = co_await waiter.wait(write_limit);
    if (!plans && begin == 0) co_return error_response(plans.error());
    if (!plans) {
      json::object partly = std::move(summary).value(request.dry_run, true);
      partly["error"] = text_value(plans.error().message);
      co_return json_response(503, partly);
    }
    summary.add(*plans, request.dry_run);
  }
  const json::object done = std::move(summary).value(request.dry_run, chosen->more);
  co_return json_response(200, done);
}

}  // namespace chatrelay::admin::api
