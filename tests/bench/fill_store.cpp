// Fills a store: COUNT webhooks, and one pending delivery each when DESTINATION is given (one lane a chat, CHATS
// chats). usage: bench_fill_store PATH COUNT [DESTINATION [CHATS]]
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "store/sqlite/sqlite_store.hpp"

using namespace chatrelay;

namespace {

std::string body_of(std::uint64_t n) {
  return R"({"webhook_id":"w","action":"incoming_event","organization_id":"o","payload":{"chat_id":"C","thread_id":"T","event":{"id":"F_)" +
         std::to_string(n) +
         R"(","type":"message","author_id":"a","created_at":"2026-11-20T10:00:00.010200Z","text":")" +
         std::string(420, 'x') + R"(","visibility":"all"}},"additional_data":{}})";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s PATH COUNT [DESTINATION [CHATS]]\n", argv[0]);
    return 64;
  }
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const std::string destination = argc > 3 ? argv[3] : "";
  const std::uint64_t chats = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1000;
  SystemClock clock;
  Metrics metrics;
  store::sqlite::Options options;
  options.path = argv[1];
  auto opened = store::sqlite::open(options, clock, metrics);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return 1;
  }
  auto& store = **opened;
  constexpr std::uint64_t batch = 2000;
  for (std::uint64_t from = 0; from < count; from += batch) {
    const std::uint64_t to = std::min(count, from + batch);
    std::vector<store::Plan> plans(to - from);
    std::promise<void> appended;
    std::size_t left = plans.size();
    for (std::uint64_t n = from; n < to; ++n) {
      store::NewEvent event;
      event.source = "livechat";
      event.received_at = clock.now();
      event.body = body_of(n);
      const std::string key = std::to_string(n);
      const std::string_view parts[] = {"fill", key};
      event.dedup = hash128(parts);
      event.dedup_window = std::chrono::hours(24);
      store.append(std::move(event), [&, n](Result<store::Appended> result) {
        if (!result) std::exit(2);
        store::Plan& plan = plans[n - from];
        plan.event = result->seq;
        plan.planned_at = clock.now();
        const std::string chat = "F" + std::to_string(n % chats);
        store::PlannedPart part;
        part.type = "incoming_event";
        part.chat_id = chat;
        plan.parts = {part};
        if (!destination.empty()) {
          store::NewDelivery delivery;
          delivery.rule = "fill";
          delivery.destination = destination;
          delivery.action = "send";
          delivery.lane = lane_of(destination, "livechat", chat);
          delivery.payload = R"({"body":{"n":)" + std::to_string(n) + "}}";
          plan.deliveries = {delivery};
        }
        if (--left == 0) appended.set_value();
      });
    }
    appended.get_future().wait();
    std::promise<bool> applied;
    store.apply(std::move(plans),
                [&](Result<std::vector<DeliverySeq>> result) { applied.set_value(result.has_value()); });
    if (!applied.get_future().get()) return 3;
  }
  return 0;
}
