// What the dispatcher's tests share: destinations that answer as told, and a relay of store, clock and dispatcher
// around them.
#pragma once

#include <deque>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "common/async/inbox.hpp"
#include "deliver/dispatcher.hpp"
#include "store/memory/memory_store.hpp"

namespace chatrelay::deliver::test {

namespace asio = boost::asio;

// Answers from a script, then with `usual`; or keeps attempts until the test answers them.
class FakeDestination final : public destinations::Destination {
 public:
  explicit FakeDestination(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  asio::awaitable<Outcome> attempt(Attempt attempt) override {
    attempts.push_back(attempt);
    if (throws) throw std::runtime_error("a destination with a hole");
    if (!keep) {
      Outcome outcome = usual;
      if (!script.empty()) {
        outcome = script.front();
        script.pop_front();
      }
      co_return outcome;
    }
    auto no_exception = asio::this_coro::throw_if_cancelled(false);
    co_await no_exception;
    Kept kept(executor_, attempt.id);
    const Place place(kept_, kept);
    most_at_once = std::max(most_at_once, kept_.size());
    boost::system::error_code error;
    auto quietly = asio::redirect_error(asio::use_awaitable, error);
    kept.timer.expires_at(SteadyTime::max());
    do {
      asio::awaitable<void> wait = kept.timer.async_wait(quietly);
      co_await std::move(wait);
    } while (deaf && !kept.answered);
    if (!kept.answered) {
      ++cut;
      co_return Outcome(OutcomeClass::ambiguous, "cut");
    }
    co_return kept.outcome;
  }
  asio::awaitable<Outcome> probe() override { co_return usual; }
  std::string describe() const override { return "FAKE"; }

  std::size_t kept() const { return kept_.size(); }
  void answer(std::size_t index, Outcome outcome) {
    Kept& kept = **std::next(kept_.begin(), static_cast<long>(index));
    kept.answered = true;
    kept.outcome = std::move(outcome);
    kept.timer.cancel();
  }

  std::vector<Attempt> attempts;
  std::deque<Outcome> script;
  Outcome usual;
  bool keep = false;
  bool deaf = false;  // does not end when cancelled
  bool throws = false;
  int cut = 0;
  std::size_t most_at_once = 0;

 private:
  struct Kept {
    Kept(asio::any_io_executor executor, std::string i) : timer(std::move(executor)), id(std::move(i)) {}
    asio::steady_timer timer;
    std::string id;
    Outcome outcome;
    bool answered = false;
  };
  class Place {
   public:
    Place(std::list<Kept*>& list, Kept& kept) : list_(list), at_(list.insert(list.end(), &kept)) {}
    ~Place() { list_.erase(at_); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    std::list<Kept*>& list_;
    std::list<Kept*>::iterator at_;
  };
  asio::any_io_executor executor_;
  std::list<Kept*> kept_;
};

inline Outcome outcome_of(OutcomeClass klass, bool fault = false, std::optional<Millis> wait = std::nullopt) {
  Outcome outcome(klass, std::string(to_string(klass)));
  outcome.destination_fault = fault;
  outcome.wait = wait;
  return outcome;
}

class RelayTest : public testing::Test {
 protected:
  RelayTest() {
    store->on_deliveries([this] {
      const std::lock_guard lock(bell_mutex);
      if (dispatcher) dispatcher->ring();
    });
    make_dispatcher();
  }
  ~RelayTest() override {
    drop_dispatcher();
    for (auto& [name, fake] : fakes) {
      fake->deaf = false;
      while (fake->kept() > 0) {
        fake->answer(0, Outcome());
        context.restart();
        context.poll();
      }
    }
    store.reset();
  }

  void drop_dispatcher() {
    const std::lock_guard lock(bell_mutex);
    dispatcher.reset();
  }
  void make_dispatcher() {
    const std::lock_guard lock(bell_mutex);
    dispatcher = std::make_unique<Dispatcher>(context.get_executor(), *store, clock, metrics,
                                              [this](std::string type, boost::json::object payload) {
                                                raised.emplace_back(std::move(type), std::move(payload));
                                              });
  }

  static config::DestinationConfig config_of(const std::string& name) {
    config::DestinationConfig config;
    config.name = name;
    config.kind = "fake";
    config.concurrency = 4;
    config.retry.first = Millis{1'000};
    config.retry.max = std::chrono::hours(1);
    config.circuit.failures = 1'000;
    config.circuit.ramp = Millis{0};
    return config;
  }
  FakeDestination& fake(const std::string& name) {
    auto& slot = fakes[name];
    if (!slot) slot = std::make_shared<FakeDestination>(context.get_executor());
    return *slot;
  }
  std::vector<ConfiguredDestination> configured(std::vector<config::DestinationConfig> configs) {
    std::vector<ConfiguredDestination> all;
    for (auto& config : configs) {
      fake(config.name);
      ConfiguredDestination one;
      one.destination = fakes[config.name];
      one.config = std::move(config);
      all.push_back(std::move(one));
    }
    return all;
  }
  void start(std::vector<config::DestinationConfig> configs) {
    ASSERT_TRUE(dispatcher->start(configured(std::move(configs))));
  }

  template <class T>
  T await(const std::function<void(store::Done<T>)>& call) {
    std::promise<Result<T>> promise;
    call([&](Result<T> result) { promise.set_value(std::move(result)); });
    Result<T> result = promise.get_future().get();
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : T{};
  }

  EventSeq append(const std::string& source = "livechat") {
    return await<store::Appended>([&](auto done) {
             store::NewEvent event;
             event.source = source;
             event.received_at = clock.now();
             event.body = "{}";
             store->append(std::move(event), std::move(done));
           })
        .seq;
  }
  store::Plan plan_of(EventSeq event, const std::string& chat) {
    store::Plan plan;
    plan.event = event;
    plan.planned_at = clock.now();
    store::PlannedPart part;
    part.type = "incoming_event";
    part.chat_id = chat;
    part.thread_id = "T1";
    plan.parts.push_back(part);
    return plan;
  }
  std::vector<DeliverySeq> apply(store::Plan plan) {
    return await<std::vector<DeliverySeq>>([&](auto done) {
      std::vector<store::Plan> plans;
      plans.push_back(std::move(plan));
      store->apply(std::move(plans), std::move(done));
    });
  }
  static store::NewDelivery to(const std::string& destination, const std::string& chat,
                               const std::string& source = "livechat") {
    store::NewDelivery delivery;
    delivery.rule = "rule";
    delivery.destination = destination;
    delivery.action = "send";
    delivery.lane = lane_of(destination, source, chat);
    delivery.payload = "{}";
    return delivery;
  }
  // One event of a chat with one delivery for each destination. The event's number.
  EventSeq add(const std::string& chat, const std::vector<std::string>& destinations,
               const std::string& source = "livechat") {
    const EventSeq event = append(source);
    store::Plan plan = plan_of(event, chat);
    for (const auto& destination : destinations) {
      plan.deliveries.push_back(to(destination, chat, source));
      plan.deliveries.back().payload = "{\"n\":" + std::to_string(event) + "}";
    }
    apply(std::move(plan));
    return event;
  }
  // One delivery of a chat whose visitor is known to the store.
  DeliverySeq add_one(const std::string& chat, const std::string& visitor, store::NewDelivery delivery) {
    store::Plan plan = plan_of(append(), chat);
    store::ConversationUpdate update;
    update.source = "livechat";
    update.chat_id = chat;
    update.visitor_id = visitor;
    update.active_at = clock.now();
    update.state = boost::json::object();
    plan.conversation = std::move(update);
    plan.deliveries.push_back(std::move(delivery));
    return apply(std::move(plan)).at(0);
  }

  // Runs the delivery thread's loop until something holds; the test fails if it never does.
  template <class Condition>
  [[nodiscard]] bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      context.restart();
      context.run_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  // Lets everything happen that can: what is at the store, what that wakes, and so on.
  void settle() {
    for (int i = 0; i < 6; ++i) {
      await<bool>([&](auto done) {
        store::DestinationState state;
        state.name = "(flush)";
        store->save_destination(state, std::move(done));
      });
      context.restart();
      context.run_for(std::chrono::milliseconds(3));
    }
  }
  void pass(Millis time) {
    settle();  // what is under way must not find that its time was over meanwhile
    clock.advance(time);
    dispatcher->ring();
    settle();
  }
  std::vector<store::StoredDelivery> deliveries(const std::string& destination = {}) {
    store::DeliveryFilter filter;
    filter.destination = destination;
    filter.page.limit = 1000;
    auto found = store->open_reader()->list_deliveries(filter);
    EXPECT_TRUE(found);
    std::sort(found->begin(), found->end(), [](const auto& a, const auto& b) { return a.seq < b.seq; });
    return *found;
  }
  std::size_t count(DeliveryState state, const std::string& destination = {}) {
    std::size_t n = 0;
    for (const auto& delivery : deliveries(destination)) n += delivery.state == state;
    return n;
  }
  DestinationStatus status_of(const std::string& name) {
    for (auto& status : dispatcher->status())
      if (status.name == name) return status;
    ADD_FAILURE() << "no status of " << name;
    return {};
  }

  std::mutex bell_mutex;  // the store rings from its own thread
  ManualClock clock{from_ms(1'800'000'000'000)};
  Metrics metrics;
  asio::io_context context;
  std::map<std::string, std::shared_ptr<FakeDestination>> fakes;
  std::vector<std::pair<std::string, boost::json::object>> raised;
  std::unique_ptr<store::Store> store = store::make_memory_store(clock);
  std::unique_ptr<Dispatcher> dispatcher;
};

}  // namespace chatrelay::deliver::test
