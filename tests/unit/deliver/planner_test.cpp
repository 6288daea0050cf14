#include "deliver/planner.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "common/json.hpp"
#include "config/node.hpp"
#include "store/memory/memory_store.hpp"

namespace chatrelay::deliver {
namespace {

namespace fs = std::filesystem;

// A body is the event as JSON, or several in an array; "explode" makes the decoder fail.
class JsonSource final : public systems::Source {
 public:
  systems::Verdict admit(const systems::HookRequest&, WallTime) override { return {}; }
  std::vector<Event> decode(const systems::StoredWebhook& webhook) override {
    if (webhook.body == "explode") throw std::runtime_error("a decoder with a hole");
    std::vector<Event> events;
    const auto body = parse_json(webhook.body);
    if (body && body->is_array()) {
      for (const auto& one : body->as_array()) events.push_back(event_from_json(one));
    } else if (body) {
      events.push_back(event_from_json(*body));
    }
    systems::number_parts(events, webhook, "generic");
    return events;
  }
  Signed sign(std::string body, WallTime) const override {
    Signed out;
    out.body = std::move(body);
    return out;
  }
};

// Passes everything on, but fails some plans first.
class FlakyStore final : public store::Store {
 public:
  explicit FlakyStore(const Clock& clock) : inner_(store::make_memory_store(clock)) {}
  void apply(std::vector<store::Plan> plans, store::Done<std::vector<DeliverySeq>> done) override {
    ++applies;
    if (fail_applies > 0) {
      --fail_applies;
      return done(unavailable("disk full"));
    }
    for (const auto& plan : plans)
      if (plan.event == refuse_event && !plan.deliveries.empty()) return done(invalid("a constraint"));
    for (const auto& plan : plans)
      if (plan.event == refuse_event && fail_failures > 0) {
        --fail_failures;
        return done(unavailable("disk full"));
      }
    inner_->apply(std::move(plans), std::move(done));
  }
  void append(store::NewEvent event, store::Done<store::Appended> done) override {
    inner_->append(std::move(event), std::move(done));
  }
  void command(Command body, store::Done<bool> done) override { inner_->command(std::move(body), std::move(done)); }
  void record(store::AttemptResult result, store::Done<bool> done) override {
    inner_->record(std::move(result), std::move(done));
  }
  void remember(std::string name, boost::json::value value, store::Done<bool> done) override {
    inner_->remember(std::move(name), std::move(value), std::move(done));
  }
  void begin(std::vector<DeliverySeq> deliveries, store::Done<bool> done) override {
    inner_->begin(std::move(deliveries), std::move(done));
  }
  void render(DeliverySeq delivery, std::string payload, store::Done<bool> done) override {
    inner_->render(delivery, std::move(payload), std::move(done));
  }
  void overtake(DeliverySeq delivery, store::OtherWay how, WallTime now, store::Done<bool> done) override {
    inner_->overtake(delivery, std::move(how), now, std::move(done));
  }
  void save_destination(store::DestinationState state, store::Done<bool> done) override {
    inner_->save_destination(std::move(state), std::move(done));
  }
  void retry(std::vector<DeliverySeq> list, WallTime now, store::Done<std::size_t> done) override {
    inner_->retry(std::move(list), now, std::move(done));
  }
  void cancel(std::vector<DeliverySeq> list, std::string reason, WallTime now, store::Done<std::size_t> done) override {
    inner_->cancel(std::move(list), std::move(reason), now, std::move(done));
  }
  void release_held(std::string name, WallTime now, store::Done<std::size_t> done) override {
    inner_->release_held(std::move(name), now, std::move(done));
  }
  void replay(EventSeq event, std::vector<store::NewDelivery> list, bool same_id, WallTime now,
              store::Done<std::vector<DeliverySeq>> done) override {
    inner_->replay(event, std::move(list), same_id, now, std::move(done));
  }
  void prune(RetentionLimits before, std::size_t limit, store::Done<bool> done) override {
    inner_->prune(before, limit, std::move(done));
  }
  void backup(std::string path, store::Done<std::uint64_t> done) override {
    inner_->backup(std::move(path), std::move(done));
  }
  store::CommitLoad load() const override { return inner_->load(); }
  std::unique_ptr<store::Reader> open_reader() override { return inner_->open_reader(); }
  void on_events(std::function<void()> bell) override { inner_->on_events(std::move(bell)); }
  void on_deliveries(std::function<void()> bell) override { inner_->on_deliveries(std::move(bell)); }

  std::atomic<int> applies{0};
  std::atomic<int> fail_applies{0};
  std::atomic<int> fail_failures{0};  // plans of refuse_event without deliveries: what is recorded of its failure
  std::atomic<EventSeq> refuse_event{0};

 private:
  std::unique_ptr<store::Store> inner_;
};

class PlannerTest : public testing::Test {
 protected:
  PlannerTest() {
    std::string pattern = testing::TempDir() + "planner-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    reader = store.open_reader();
  }
  ~PlannerTest() override {
    planner.reset();
    fs::remove_all(folder);
  }

  std::shared_ptr<const PlannerSetup> setup(const std::string& rules,
                                            std::vector<std::string> sources = {"site", "chatrelay"}) {
    const std::string file = folder + "/rules.yaml";
    std::ofstream(file) << rules;
    rules::Catalog catalog;
    for (const char* name : {"crm", "mail"}) {
      rules::Target target;
      target.destination = name;
      target.default_action = "send";
      target.actions["send"].open = true;
      catalog.targets.emplace(name, std::move(target));
    }
    catalog.sources = {"site", "other", "chatrelay"};
    config::Problems problems;
    auto made = std::make_shared<PlannerSetup>();
    made->rules = rules::RuleSet::load({file}, catalog, {}, problems, config::Environment::process());
    EXPECT_FALSE(problems.has_errors()) << problems.to_string();
    made->make_sources = [sources] {
      std::map<std::string, std::unique_ptr<systems::Source>> all;
      for (const auto& name : sources) all.emplace(name, std::make_unique<JsonSource>());
      return all;
    };
    made->destinations = {"crm", "mail"};
    return made;
  }

  void start(const std::string& rules, std::vector<std::string> sources = {"site", "chatrelay"}) {
    planner = std::make_unique<Planner>(store, board, setup(rules, std::move(sources)), clock, metrics);
    planner->start();
  }

  EventSeq append(const std::string& body, const std::string& source = "site") {
    std::promise<EventSeq> seq;
    store::NewEvent event;
    event.source = source;
    event.received_at = clock.now();
    event.body = body;
    store.append(std::move(event), [&](Result<store::Appended> appended) { seq.set_value(appended->seq); });
    const EventSeq number = seq.get_future().get();
    if (planner) planner->ring();
    return number;
  }

  template <class Condition>
  [[nodiscard]] bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  bool planned_by(EventSeq seq) {
    return until([&] { return planned(seq); });
  }
  bool planned(EventSeq seq) {
    const auto parts = reader->parts(seq);
    return parts && !parts->empty();
  }
  std::vector<store::StoredDelivery> deliveries() {
    store::DeliveryFilter filter;
    filter.page.limit = 1000;
    std::vector<store::StoredDelivery> all;
    const auto listed = reader->list_deliveries(filter);
    for (const auto& row : *listed) all.push_back(**reader->delivery(row.seq));
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.seq < b.seq; });
    return all;
  }
  json::value payload(std::size_t index) { return *parse_json(deliveries().at(index).payload); }
  Result<std::vector<ReplayPlan>> replay(ReplayRequest request) {
    std::promise<Result<std::vector<ReplayPlan>>> promise;
    planner->replay(std::move(request),
                    [&](Result<std::vector<ReplayPlan>> result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }

  std::string folder;
  ManualClock clock{from_ms(1'800'000'000'000)};
  Metrics metrics;
  FlakyStore store{clock};
  presence::Board board{{}, clock};
  std::unique_ptr<store::Reader> reader;
  std::unique_ptr<Planner> planner;
};

const char* const all_to_crm = R"(
rules:
  - name: everything
    on: "*"
    deliver:
      - to: crm
        with: {type: "{{ .type }}", name: "{{ .visitor.name }}", text: "{{ .message.text }}"}
)";

std::string chat_event(const std::string& chat, const std::string& text, const std::string& id) {
  return R"({"type":"incoming_event","chat":{"id":")" + chat + R"(","thread_id":"T1"},"message":{"id":")" + id +
         R"(","text":")" + text + R"(","author":{"id":"V1","role":"visitor"}}})";
}
std::string chat_start(const std::string& chat, const std::string& name) {
  return R"({"type":"incoming_chat","chat":{"id":")" + chat + R"(","thread_id":"T1"},"visitor":{"id":"V1","name":")" +
         name + R"("}})";
}

TEST_F(PlannerTest, PlansWhatWaitsAndWhatComes) {
  const EventSeq before = append(chat_start("C1", "Thomas"));
  start(all_to_crm);
  const EventSeq after = append(chat_event("C1", "hello", "m1"));
  ASSERT_TRUE(until([&] { return planned(before) && planned(after); }));
  const auto rows = deliveries();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].event.seq, before);
  EXPECT_EQ(rows[0].rule, "everything");
  EXPECT_EQ(rows[0].destination, "crm");
  EXPECT_EQ(rows[0].action, "send");
  EXPECT_EQ(rows[0].lane, lane_of("crm", "site", "C1"));
  EXPECT_EQ(rows[1].lane, rows[0].lane);
}

TEST_F(PlannerTest, WhoIsOnlineIsInEveryEventAndFollowsTheAgents) {
  const char* const presence_to_crm = R"(
rules:
  - name: presence
    on: "*"
    deliver:
      - to: crm
        with: {online: "{{ .presence.online }}"}
)";
  const auto status = [](const std::string& word) {
    return R"({"type":"routing_status_set","agent":{"id":"jo@x.example"},"activity":{"status":")" + word + R"("}})";
  };
  start(presence_to_crm);
  ASSERT_TRUE(planned_by(append(chat_start("C1", "Thomas"))));
  EXPECT_TRUE(payload(0).at("online").is_null()) << "nothing is configured: nobody knows";
  presence::Settings people;
  people.configured = true;
  people.users.emplace_back();
  people.users[0].id = 1;
  people.users[0].agent = "jo@x.example";
  people.users[0].departments = {0};
  board.configure(people);
  ASSERT_TRUE(planned_by(append(chat_start("C2", "Thomas"))));
  EXPECT_EQ(payload(1).at("online"), false);
  ASSERT_TRUE(planned_by(append(status("accepting_chats"))));
  EXPECT_EQ(payload(2).at("online"), true) << "the event that says so knows it already";
  ASSERT_TRUE(planned_by(append(status("offline"))));
  ASSERT_TRUE(planned_by(append(chat_start("C3", "Thomas"))));
  EXPECT_EQ(payload(4).at("online"), false);
}

TEST_F(PlannerTest, CompletesEventsFromEarlierOnesOfTheirChat) {
  start(all_to_crm);
  append(chat_start("C1", "Thomas"));
  append(chat_start("C2", "Maria"));
  append(chat_event("C1", "hello", "m1"));
  const EventSeq last = append(chat_event("C2", "hallo", "m2"));
  ASSERT_TRUE(until([&] { return planned(last); }));
  EXPECT_EQ(payload(2).at("name").as_string(), "Thomas");
  EXPECT_EQ(payload(3).at("name").as_string(), "Maria");

  // A new planner finds in the store what the old one knew.
  planner.reset();
  start(all_to_crm);
  const EventSeq later = append(chat_event("C1", "still here", "m3"));
  ASSERT_TRUE(until([&] { return planned(later); }));
  EXPECT_EQ(payload(4).at("name").as_string(), "Thomas");
}

TEST_F(PlannerTest, TranscriptsReachUpToTheEventWithinABatchToo) {
  const char* rules = R"(
rules:
  - name: transcript
    on: incoming_event
    deliver:
      - to: mail
        with: {n: "{{ .transcript | length }}", text: "{{ .transcript_text }}"}
)";
  std::vector<EventSeq> seqs;
  for (int i = 1; i <= 30; ++i)
    seqs.push_back(append(chat_event("C1", "line " + std::to_string(i), "m" + std::to_string(i))));
  start(rules);
  ASSERT_TRUE(until([&] { return planned(seqs.back()); }));
  ASSERT_EQ(deliveries().size(), 30u);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(payload(i).at("n").to_number<std::size_t>(), i + 1);
    const std::string text(payload(i).at("text").as_string());
    EXPECT_NE(text.find("line " + std::to_string(i + 1)), std::string::npos);
    EXPECT_EQ(text.find("line " + std::to_string(i + 2)), std::string::npos) << "not what came later";
  }
}

TEST_F(PlannerTest, ABadWebhookIsPlannedAsAFailureAndStopsNothing) {
  start(all_to_crm);
  const EventSeq bad = append("explode");
  const EventSeq nothing = append("not json");
  const EventSeq good = append(chat_event("C1", "hello", "m1"));
  ASSERT_TRUE(until([&] { return planned(good) && planned(bad) && planned(nothing); }));
  const auto failures = reader->failures(bad);
  ASSERT_TRUE(failures);
  ASSERT_EQ(failures->size(), 1u);
  EXPECT_EQ((*failures)[0].rule, "");
  EXPECT_NE((*failures)[0].reason.find("a decoder with a hole"), std::string::npos);
  EXPECT_EQ(deliveries().size(), 1u);
}

TEST_F(PlannerTest, ARuleThatFailsFailsAlone) {
  start(R"(
rules:
  - name: broken
    on: incoming_event
    when: '.message.text + 1 == 2'
    deliver: [{to: crm, with: {a: "b"}}]
  - name: sound
    on: incoming_event
    deliver: [{to: mail, with: {a: "b"}}]
)");
  const EventSeq seq = append(chat_event("C1", "hello", "m1"));
  ASSERT_TRUE(until([&] { return planned(seq); }));
  ASSERT_EQ(deliveries().size(), 1u);
  EXPECT_EQ(deliveries()[0].rule, "sound");
  const auto failures = reader->failures(seq);
  ASSERT_EQ(failures->size(), 1u);
  EXPECT_EQ((*failures)[0].rule, "broken");
  EXPECT_NE((*failures)[0].where.find("rules.yaml:"), std::string::npos);
  EXPECT_EQ(metrics.counter("chatrelay_rule_failures_total", "", {{"rule", "broken"}}).value(), 1u);
}

TEST_F(PlannerTest, ARuleThatNeverEndsIsStoppedAndTheOthersGoOn) {
  start(R"(
rules:
  - name: endless
    on: incoming_event
    when: 'last(range(1000000000000)) > 0'
    deliver: [{to: crm, with: {a: "b"}}]
  - name: sound
    on: incoming_event
    deliver: [{to: mail, with: {a: "b"}}]
)");
  const EventSeq seq = append(chat_event("C1", "hello", "m1"));
  ASSERT_TRUE(until([&] { return planned(seq); }));
  EXPECT_EQ(deliveries().size(), 1u);
  EXPECT_EQ(reader->failures(seq)->size(), 1u);
  EXPECT_EQ(planner->busy_for(), Millis{0});
}

TEST_F(PlannerTest, WebhooksOfASourceThatIsGoneWaitForIt) {
  start(all_to_crm);
  const EventSeq orphan = append(chat_event("C1", "hello", "m1"), "other");
  const EventSeq known = append(chat_event("C1", "hello", "m1"));
  ASSERT_TRUE(until([&] { return planned(known); }));
  const EventSeq next = append(chat_event("C1", "again", "m2"));
  ASSERT_TRUE(until([&] { return planned(next); })) << "those behind it are found";
  EXPECT_FALSE(planned(orphan));
  EXPECT_EQ(metrics.counter("chatrelay_unplannable_total", "", {{"source", "other"}}).value(), 1u);
  planner->reload(setup(all_to_crm, {"site", "other", "chatrelay"}));
  EXPECT_TRUE(until([&] { return planned(orphan); }));
}

TEST_F(PlannerTest, AReloadChangesTheRulesOfTheNextWebhook) {
  start(all_to_crm);
  const EventSeq first = append(chat_event("C1", "one", "m1"));
  ASSERT_TRUE(until([&] { return planned(first); }));
  planner->reload(setup("rules:\n  - name: other\n    on: incoming_event\n    deliver: [{to: mail, with: {a: b}}]\n"));
  // "From the next batch on": the batch that was beginning when the reload came has the old ones yet.
  int next = 2;
  EXPECT_TRUE(until([&] {
    const EventSeq seq = append(chat_event("C1", "more", "m" + std::to_string(next++)));
    return planned_by(seq) && deliveries().back().rule == "other";
  }));
}

TEST_F(PlannerTest, AFailedCommitIsRepeatedFromTheTruth) {
  store.fail_applies = 1;
  append(chat_start("C1", "Thomas"));
  const EventSeq last = append(chat_event("C1", "hello", "m1"));
  start(all_to_crm);
  ASSERT_TRUE(until([&] { return planned(last); }));
  ASSERT_EQ(deliveries().size(), 2u) << "once each";
  EXPECT_EQ(payload(1).at("name").as_string(), "Thomas");
  EXPECT_EQ(reader->messages("site", "C1", "", 0)->size(), 1u);
}

TEST_F(PlannerTest, APlanThatTheStoreRefusesStopsNothing) {
  append(chat_start("C1", "Thomas"));
  const EventSeq poison = append(chat_event("C1", "poison", "m1"));
  const EventSeq last = append(chat_event("C1", "hello", "m2"));
  store.refuse_event = poison;
  start(all_to_crm);
  ASSERT_TRUE(until([&] { return planned(last) && planned(poison); }));
  EXPECT_EQ(deliveries().size(), 2u);
  ASSERT_EQ(reader->failures(poison)->size(), 1u);
  EXPECT_NE((*reader->failures(poison))[0].reason.find("a constraint"), std::string::npos);
  EXPECT_EQ(payload(1).at("name").as_string(), "Thomas");
}

TEST_F(PlannerTest, AFailureThatCannotBeRecordedJustNowIsRecordedLater) {
  const EventSeq poison = append(chat_event("C1", "poison", "m1"));
  store.refuse_event = poison;
  store.fail_failures = 1;
  start(all_to_crm);
  ASSERT_TRUE(until([&] { return planned(poison); })) << "it waits for ever";
  EXPECT_EQ(reader->failures(poison)->size(), 1u);
}

TEST_F(PlannerTest, ANumberThatNoDoubleHoldsStopsNothing) {
  start(all_to_crm);
  const char* const huge =
      R"({"type":"incoming_chat","chat":{"id":"C1","properties":{"a":{"b":1e400}}},"visitor":{"custom":{"n":-1e999}}})";
  const EventSeq first = append(huge);
  ASSERT_TRUE(until([&] { return planned(first); }));
  planner->reload(setup(all_to_crm));  // forgets nothing, but reads what is stored
  const auto stored = reader->conversation("site", "C1");
  ASSERT_TRUE(stored) << stored.error().message;
  const EventSeq last = append(chat_event("C1", "hello", "m2"));
  ASSERT_TRUE(until([&] { return planned(last); }));
}

TEST_F(PlannerTest, ManyAreBatched) {
  EventSeq last = 0;
  for (int i = 0; i < 300; ++i) last = append(chat_event("C" + std::to_string(i % 7), "x", "m" + std::to_string(i)));
  start(all_to_crm);
  ASSERT_TRUE(until([&] { return planned(last); }));
  EXPECT_EQ(deliveries().size(), 300u);
  EXPECT_LT(store.applies, 300);
}

TEST_F(PlannerTest, AnEventWithoutAChatHasALaneOfItsOwn) {
  start(all_to_crm);
  append(R"({"type":"routing_status_set"})");
  const EventSeq last = append(R"({"type":"routing_status_set"})");
  ASSERT_TRUE(until([&] { return planned(last); }));
  EXPECT_NE(deliveries()[0].lane, deliveries()[1].lane);
}

TEST_F(PlannerTest, AReplayIsAsOfTheEvent) {
  start(all_to_crm);
  append(chat_start("C1", "Thomas"));
  const EventSeq middle = append(chat_event("C1", "hello", "m1"));
  const EventSeq renamed =
      append(R"({"type":"visitor_updated","chat":{"id":"C1","thread_id":"T1"},"visitor":{"id":"V1","name":"Tomas"}})");
  ASSERT_TRUE(until([&] { return planned(renamed); }));
  ASSERT_EQ(deliveries().size(), 3u);

  planner->reload(setup(R"(
rules:
  - name: later rule
    on: incoming_event
    deliver:
      - {to: crm, with: {name: "{{ .visitor.name }}", n: "{{ .transcript | length }}"}}
      - {to: mail, with: {a: "b"}}
)"));
  ReplayRequest request;
  request.events = {middle};
  request.dry_run = true;
  auto dry = replay(request);
  ASSERT_TRUE(dry);
  ASSERT_EQ((*dry)[0].deliveries.size(), 2u);
  EXPECT_EQ((*dry)[0].deliveries[0].payload.at("name").as_string(), "Thomas") << "the name of then";
  EXPECT_EQ((*dry)[0].deliveries[0].payload.at("n").to_number<int>(), 1);
  EXPECT_TRUE((*dry)[0].created.empty());
  EXPECT_EQ(deliveries().size(), 3u) << "dry";

  request.dry_run = false;
  request.only_destination = "crm";
  auto wet = replay(request);
  ASSERT_TRUE(wet);
  ASSERT_EQ((*wet)[0].created.size(), 1u);
  EXPECT_EQ(deliveries().size(), 4u);
  EXPECT_EQ(deliveries()[3].lane, lane_of("crm", "site", "C1")) << "to its lane's end";

  request.only_rule = "no such rule";
  EXPECT_TRUE((*replay(request))[0].deliveries.empty());
}

TEST_F(PlannerTest, AReplaySaysWhatItCannotDo) {
  start(all_to_crm);
  ReplayRequest request;
  request.events = {4711};
  const auto missing = replay(request);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);

  const EventSeq seq = append(chat_event("C1", "hello", "m1"));
  ASSERT_TRUE(until([&] { return planned(seq); }));
  request.events = {4711, seq};
  request.dry_run = true;
  const auto some = replay(request);
  ASSERT_TRUE(some);
  ASSERT_EQ(some->size(), 2u);
  EXPECT_EQ((*some)[0].failures.size(), 1u);
  EXPECT_EQ((*some)[1].deliveries.size(), 1u);

  planner->stop();
  const auto late = replay(request);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::unavailable);
}

TEST_F(PlannerTest, StopFinishesTheBatchInHand) {
  start(all_to_crm);
  for (int i = 0; i < 50; ++i) append(chat_event("C1", "x", "m" + std::to_string(i)));
  planner->stop();
  planner->stop();
  const std::size_t done = deliveries().size();
  planner.reset();
  start(all_to_crm);
  const EventSeq last = append(chat_event("C1", "x", "m50"));
  ASSERT_TRUE(until([&] { return planned(last); }));
  EXPECT_EQ(deliveries().size(), 51u) << "after " << done;
}

}  // namespace
}  // namespace chatrelay::deliver
