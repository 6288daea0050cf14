#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "contract/store/store_contract.hpp"

namespace chatrelay::store::contract {

NewEvent make_event(const std::string& body, WallTime at, const std::string& source) {
  NewEvent event;
  event.source = source;
  event.received_at = at;
  event.body = body;
  return event;
}

Hash128 key(std::uint64_t n) {
  // Spread like a hash: the stores rely on it.
  auto mix = [](std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  };
  return {mix(n * 2 + 1), mix(n * 2 + 2)};
}

Result<Appended> append(Store& store, NewEvent event) {
  return wait<Appended>([&](Done<Appended> done) { store.append(std::move(event), std::move(done)); });
}

Result<Appended> append_once(Store& store, const std::string& body, WallTime at, Hash128 dedup, Millis window) {
  auto event = make_event(body, at);
  event.dedup = dedup;
  event.dedup_window = window;
  return append(store, std::move(event));
}

NewDelivery make_delivery(const std::string& destination, LaneId lane, const std::string& rule,
                          const std::string& payload) {
  NewDelivery d;
  d.rule = rule;
  d.destination = destination;
  d.action = "post";
  d.lane = lane;
  d.payload = payload;
  return d;
}

Plan make_plan(EventSeq event, const std::string& chat_id, std::vector<NewDelivery> deliveries, WallTime at) {
  Plan plan;
  plan.event = event;
  PlannedPart part;
  part.type = "incoming_event";
  part.chat_id = chat_id;
  part.thread_id = chat_id.empty() ? "" : "T1";
  plan.parts.push_back(part);
  plan.deliveries = std::move(deliveries);
  plan.planned_at = at;
  return plan;
}

Result<std::vector<DeliverySeq>> apply(Store& store, Plan plan) {
  std::vector<Plan> plans;
  plans.push_back(std::move(plan));
  return wait<std::vector<DeliverySeq>>(
      [&](Done<std::vector<DeliverySeq>> done) { store.apply(std::move(plans), std::move(done)); });
}

std::vector<DeliverySeq> plan_new(Store& store, WallTime at, std::vector<NewDelivery> deliveries,
                                  const std::string& chat_id) {
  auto appended = append(store, make_event("{}", at));
  EXPECT_TRUE(appended);
  auto created = apply(store, make_plan(appended->seq, chat_id, std::move(deliveries), at));
  EXPECT_TRUE(created);
  return *created;
}

AttemptResult attempt(DeliverySeq delivery, DeliveryState state, WallTime now, WallTime due, OutcomeClass outcome) {
  AttemptResult r;
  r.delivery = delivery;
  r.started_at = now;
  r.took = Millis(5);
  r.outcome = outcome;
  r.status = 200;
  r.reason = "HTTP 200";
  r.response = "ok";
  r.state = state;
  r.due_at = due;
  return r;
}

Result<bool> record(Store& store, AttemptResult result) {
  return wait<bool>([&](Done<bool> done) { store.record(std::move(result), std::move(done)); });
}
Result<std::size_t> retry(Store& store, std::vector<DeliverySeq> deliveries, WallTime now) {
  return wait<std::size_t>([&](Done<std::size_t> done) { store.retry(std::move(deliveries), now, std::move(done)); });
}
Result<std::size_t> cancel(Store& store, std::vector<DeliverySeq> deliveries, WallTime now) {
  return wait<std::size_t>(
      [&](Done<std::size_t> done) { store.cancel(std::move(deliveries), "not wanted", now, std::move(done)); });
}

std::vector<DeliverySeq> due(Reader& reader, const std::string& destination, WallTime now, std::size_t limit,
                             const std::vector<DeliverySeq>& skip) {
  auto found = reader.due(destination, now, limit, skip);
  EXPECT_TRUE(found);
  std::vector<DeliverySeq> seqs;
  for (const auto& d : *found) seqs.push_back(d.seq);
  return seqs;
}

void expect_counters_right(Reader& reader) {
  std::map<std::string, DestinationBacklog> counted;
  std::uint64_t open = 0;
  DeliveryFilter filter;
  filter.page.limit = 1000;
  while (true) {
    auto page = reader.list_deliveries(filter);
    ASSERT_TRUE(page);
    if (page->empty()) break;
    for (const auto& d : *page) {
      auto& b = counted[d.destination];
      b.pending += d.state == DeliveryState::pending;
      b.deferred += d.state == DeliveryState::deferred;
      b.held += d.state == DeliveryState::held;
      b.dead += d.state == DeliveryState::dead;
      open += is_open(d.state);
      if (is_open(d.state)) b.oldest = std::min(b.oldest.value_or(d.created_at), d.created_at);
    }
    filter.page.before = page->back().seq;
  }
  auto kept = reader.backlog();
  ASSERT_TRUE(kept);
  for (const auto& b : *kept) {
    const auto& expected = counted[b.destination];
    EXPECT_EQ(b.pending, expected.pending) << b.destination;
    EXPECT_EQ(b.deferred, expected.deferred) << b.destination;
    EXPECT_EQ(b.held, expected.held) << b.destination;
    EXPECT_EQ(b.dead, expected.dead) << b.destination;
    EXPECT_EQ(b.oldest, expected.oldest) << b.destination;
    counted.erase(b.destination);
  }
  for (const auto& [name, b] : counted)
    EXPECT_EQ(b.pending + b.deferred + b.held + b.dead, 0u) << name << " has no backlog";
  auto totals = reader.totals();
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->open_deliveries, open);
  auto waiting = reader.unplanned(0, 1'000'000);
  ASSERT_TRUE(waiting);
  EXPECT_EQ(totals->unplanned, waiting->size());
  std::uint64_t events = 0;
  EventFilter all;
  all.page.limit = 1000;
  for (auto page = reader.list_events(all); page && !page->empty(); page = reader.list_events(all)) {
    events += page->size();
    all.page.before = page->back().event.seq;
  }
  EXPECT_EQ(totals->events, events);
}

void StoreContract::SetUp() {
  std::string pattern = testing::TempDir() + "chatrelay-store-XXXXXX";
  directory = ::mkdtemp(pattern.data());
  reopen();
}

void StoreContract::TearDown() {
  reader.reset();
  store.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

void StoreContract::reopen(std::uint64_t queue_max) {
  reader.reset();
  store.reset();
  store = GetParam().make(directory, clock, metrics, queue_max);
  ASSERT_NE(store, nullptr);
  reader = store->open_reader();
}

}  // namespace chatrelay::store::contract
