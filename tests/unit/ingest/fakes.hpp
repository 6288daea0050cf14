// What the accept path's tests share: a store whose answers the test gives, and a source that judges by the body.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/clock.hpp"
#include "ingest/hooks.hpp"
#include "store/store.hpp"

namespace chatrelay::ingest::test {

// Keeps appends until the test answers them; everything else is not for this room.
class ScriptedStore final : public store::Store {
 public:
  void append(store::NewEvent event, store::Done<store::Appended> done) override {
    appended.push_back(event);
    if (answer_at_once) return done(*answer_at_once);
    waiting.push_back(std::move(done));
  }
  void answer(Result<store::Appended> result) {
    auto done = std::move(waiting.front());
    waiting.pop_front();
    done(std::move(result));
  }
  store::CommitLoad load() const override { return load_now; }

  void command(Command, store::Done<bool> done) override { done(unavailable("not here")); }
  void apply(std::vector<store::Plan>, store::Done<std::vector<DeliverySeq>> done) override {
    done(unavailable("not here"));
  }
  void record(store::AttemptResult, store::Done<bool> done) override { done(unavailable("not here")); }
  void remember(std::string, boost::json::value, store::Done<bool> done) override { done(unavailable("not here")); }
  void begin(std::vector<DeliverySeq>, store::Done<bool> done) override { done(unavailable("not here")); }
  void render(DeliverySeq, std::string, store::Done<bool> done) override { done(unavailable("not here")); }
  void overtake(DeliverySeq, store::OtherWay, WallTime, store::Done<bool> done) override {
    done(unavailable("not here"));
  }
  void save_destination(store::DestinationState, store::Done<bool> done) override { done(unavailable("not here")); }
  void retry(std::vector<DeliverySeq>, WallTime, store::Done<std::size_t> done) override {
    done(unavailable("not here"));
  }
  void cancel(std::vector<DeliverySeq>, std::string, WallTime, store::Done<std::size_t> done) override {
    done(unavailable("not here"));
  }
  void release_held(std::string, WallTime, store::Done<std::size_t> done) override { done(unavailable("not here")); }
  void replay(EventSeq, std::vector<store::NewDelivery>, bool, WallTime,
              store::Done<std::vector<DeliverySeq>> done) override {
    done(unavailable("not here"));
  }
  void prune(RetentionLimits, std::size_t, store::Done<bool> done) override { done(unavailable("not here")); }
  void backup(std::string, store::Done<std::uint64_t> done) override { done(unavailable("not here")); }
  std::unique_ptr<store::Reader> open_reader() override { return nullptr; }
  void on_events(std::function<void()>) override {}
  void on_deliveries(std::function<void()>) override {}

  std::vector<store::NewEvent> appended;
  std::deque<store::Done<store::Appended>> waiting;
  std::optional<Result<store::Appended>> answer_at_once;
  store::CommitLoad load_now;
};

// Takes what a body says: "ok", "wrong", "not json", "ignore", "throw"; a path secret must be "s3 cret" if
// `needs_secret`.
class ScriptedSource final : public systems::Source {
 public:
  explicit ScriptedSource(bool needs_secret) : needs_secret_(needs_secret) {}
  systems::Verdict admit(const systems::HookRequest& request, WallTime) override {
    systems::Verdict verdict;
    last_joined_header = std::string(request.header_value("X-Tag"));
    if ((needs_secret_ && request.path_secret != "s3 cret") || request.body == "wrong") {
      verdict.rejected = systems::Rejected{401, systems::RejectReason::wrong_secret, "the secret is wrong"};
      return verdict;
    }
    if (request.body == "not json") {
      verdict.rejected = systems::Rejected{400, systems::RejectReason::not_json, "not JSON at byte 0"};
      return verdict;
    }
    if (request.body == "throw") throw std::runtime_error("a decoder with a hole");
    systems::Accepted accepted;
    accepted.body = request.body;
    accepted.dedup = systems::DedupKey{Hash128{1, 2}, Millis{60'000}};
    if (request.body == "ignore") {
      accepted.keep = false;
      accepted.status = 202;
      accepted.answer = "seen";
    }
    verdict.accepted = std::move(accepted);
    return verdict;
  }
  std::vector<Event> decode(const systems::StoredWebhook&) override { return {}; }
  Signed sign(std::string body, WallTime) const override {
    Signed out;
    out.body = std::move(body);
    return out;
  }
  static inline std::string last_joined_header;

 private:
  bool needs_secret_;
};

}  // namespace chatrelay::ingest::test
