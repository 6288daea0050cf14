// GET /api/events/tail: a JSON line for each event as it arrives, until the reader goes away.
#include "admin/api/tail.hpp"

#include <algorithm>

#include "admin/api/handlers.hpp"
#include "admin/api/views.hpp"

namespace chatrelay::admin::api {
namespace {

constexpr Millis poll_every{250};             // people read slower than this; an idle poll is one look into an index
constexpr Millis keep_alive{10'000};          // an empty line, so that a reader who went away is noticed
constexpr std::size_t tails_max = 16;         // Limit: answers of this kind that are open at once
constexpr std::size_t rows_per_poll = 1'000;  // the store's own limit of a page; more is left out, and said

// One open answer. Owned by the function in Response::stream; counts itself.
struct OpenTail {
  OpenTail(std::shared_ptr<Services> s, Tail t, TailFilter f)
      : services(std::move(s)), tail(std::move(t)), filter(std::move(f)), timer(services->context.executor) {
    ++services->tails;
  }
  ~OpenTail() { --services->tails; }
  OpenTail(const OpenTail&) = delete;
  OpenTail& operator=(const OpenTail&) = delete;

  std::shared_ptr<Services> services;
  Tail tail;
  TailFilter filter;
  boost::asio::steady_timer timer;
};

std::function<Result<std::vector<store::EventRow>>(ReadAccess&)> newest(const std::string& source, EventSeq after,
                                                                        std::size_t limit) {
  return [source, after, limit](ReadAccess& access) -> Result<std::vector<store::EventRow>> {
    store::EventFilter filter;
    filter.source = source;
    filter.page.limit = after == 0 ? 1 : 20;
    // Grows only when there is more than a screen of news: the usual poll reads a handful of rows.
    while (true) {
      auto rows = access.reader.list_events(filter);
      if (!rows) return rows.error();
      const bool reached = rows->size() < filter.page.limit || rows->back().event.seq <= after;
      if (reached || filter.page.limit >= limit) {
        std::erase_if(*rows, [after](const store::EventRow& row) { return row.event.seq <= after; });
        return std::move(*rows);
      }
      filter.page.limit = limit;
    }
  };
}

// The next lines; waits until there are some. Empty: the end.
awaitable<std::string> next_lines(std::shared_ptr<OpenTail> open) {
  Services& services = *open->services;
  Millis silent{0};
  while (!services.closing) {
    auto read = newest(open->filter.source, open->tail.last(), rows_per_poll);
    const auto rows = co_await services.reads.run(std::move(read));
    if (!rows) co_return std::string{};
    std::string lines = open->tail.step(*rows, rows->size() >= rows_per_poll, services.context.clock.now());
    if (!lines.empty()) co_return lines;
    if (silent >= keep_alive) co_return std::string("\n");
    open->timer.expires_after(poll_every);
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    co_await open->timer.async_wait(token);
    silent += poll_every;
  }
  co_return std::string{};
}

}  // namespace

bool Tail::wanted(const store::EventRow& row) const {
  const auto part_fits = [&](const store::PlannedPart& part) {
    return (filter_.type.empty() || part.type == filter_.type) &&
           (filter_.chat_id.empty() || part.chat_id == filter_.chat_id);
  };
  if (filter_.failures_only && row.failures == 0) return false;
  if (filter_.type.empty() && filter_.chat_id.empty()) return true;
  return std::any_of(row.parts.begin(), row.parts.end(), part_fits);
}

std::string Tail::step(const std::vector<store::EventRow>& rows, bool cut, WallTime now) {
  std::string lines;
  if (cut)
    lines += R"({"notice":"more events arrived than a tail follows; older ones are left out"})"
             "\n";
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    const bool waiting =
        row->parts.empty() && row->event.received_at + plan_wait > now && row->event.received_at <= now;
    if (waiting) break;  // what came later waits too: a tail keeps the order
    last_ = row->event.seq;
    if (wanted(*row)) lines += json::serialize(view(*row)) + "\n";
  }
  return lines;
}

awaitable<http::Response> tail_events(Call& call) {
  TailFilter filter;
  filter.source = call.fields.text("source");
  filter.type = call.fields.text("type");
  filter.chat_id = call.fields.text("chat");
  filter.failures_only = call.fields.flag("failures");
  if (const auto error = call.fields.error()) co_return error_response(*error);
  const auto services = call.services;
  if (services->tails >= tails_max) co_return error_response(unavailable("too many tails are open already"));

  auto read = newest({}, 0, 1);  // begins after what is there now
  const auto rows = co_await services->reads.run(std::move(read));
  if (!rows) co_return error_response(rows.error());
  const auto open =
      std::make_shared<OpenTail>(services, Tail(filter, rows->empty() ? 0 : rows->front().event.seq), filter);
  http::Response response(200, "\n", "application/x-ndjson");  // a line at once: the reader sees that the tail stands
  response.stream = [open] { return next_lines(open); };
  co_return response;
}

}  // namespace chatrelay::admin::api
