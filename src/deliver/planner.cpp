#include "deliver/planner.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.hpp"
#include "deliver/busy.hpp"
#include "deliver/plan_maker.hpp"
#include "deliver/replayer.hpp"
#include "deliver/store_answer.hpp"

namespace chatrelay::deliver {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t batch_max = 512;            // webhooks in one transaction
constexpr milliseconds batch_time{10};            // of work, so that a delivery does not wait for a full batch
constexpr std::size_t batch_bytes_max = 8 << 20;  // Limit: bodies in memory; two batches and what was read ahead
constexpr seconds after_error{1};
constexpr seconds look_again{30};  // a ring that was lost costs at most this
// A safety net: what stands in front and cannot be planned is passed over, and only a reload changes that. It may be
// millions of webhooks, and each pass reads them all.
constexpr std::chrono::hours full_pass_every{1};

}  // namespace

class Planner::Impl {
 public:
  Impl(store::Store& store, presence::Board& presence, std::shared_ptr<const PlannerSetup> setup, const Clock& clock,
       Metrics& metrics)
      : store_(store),
        presence_(presence),
        clock_(clock),
        metrics_(metrics),
        planned_(metrics.counter("chatrelay_planned_total", "Webhooks planned")),
        busy_(clock),
        replayer_(store, clock, busy_),
        next_setup_(std::move(setup)) {}

  void start() {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
    replayer_.close();
  }

  void ring() {
    if (rung_.exchange(true)) return;
    { const std::lock_guard lock(mutex_); }  // between the planner's look at rung_ and its sleep
    wake_.notify_one();
  }

  void reload(std::shared_ptr<const PlannerSetup> setup) {
    {
      const std::lock_guard lock(mutex_);
      next_setup_ = std::move(setup);
    }
    wake_.notify_one();
  }

  void replay(ReplayRequest request, Replayer::Done done) {
    replayer_.add(std::move(request), std::move(done));
    { const std::lock_guard lock(mutex_); }  // as in ring()
    wake_.notify_one();
  }

  Millis busy_for() const { return busy_.busy_for(); }

 private:
  using Applied = StoreAnswer<std::vector<DeliverySeq>>;

  // ---- the thread
  // ------------------------------------------------------------------------------------------------------

  void run() {
    pthread_setname_np(pthread_self(), "planner");
    // What hangs here must not slow an answer to a sender: on a busy machine the others go first.
    if (setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10) != 0)
      log::debug("the planner's priority cannot be lowered");
    reader_ = store_.open_reader();
    maker_ = std::make_unique<PlanMaker>(*reader_, presence_, metrics_, clock_, [this] { settle(); });
    bool more = true;
    while (wait_for_work(more)) {
      take_setup();
      const bool replays = replayer_.waits();
      if (replays) {
        settle();
        replayer_.work(*maker_, *reader_);
      }
      more = plan_some() || replays;
    }
    settle();
  }

  // False: stop.
  bool wait_for_work(bool more) {
    std::unique_lock lock(mutex_);
    if (pause_) {
      wake_.wait_for(lock, after_error, [this] { return stopping_; });
      pause_ = false;
    } else if (!more) {
      wake_.wait_for(lock, look_again, [this] { return stopping_ || rung_ || next_setup_ || replayer_.waits(); });
    }
    rung_ = false;
    return !stopping_;
  }

  void take_setup() {
    std::shared_ptr<const PlannerSetup> setup;
    {
      const std::lock_guard lock(mutex_);
      setup = std::exchange(next_setup_, nullptr);
    }
    if (!setup) return;
    settle();  // what is being committed is not read a second time
    maker_->use(*setup);
    // Webhooks that nobody could plan get their chance.
    unknown_told_.clear();
    refused_.clear();
    skipping_ = false;
    floor_ = 0;
    start_over();
  }

  // ---- planning
  // --------------------------------------------------------------------------------------------------------

  // True: there may be more.
  bool plan_some() {
    const std::uint64_t round = round_;
    if (fetched_.empty() && !fetch()) return round != round_;  // the last batch failed: there is work again
    std::vector<store::Plan> batch;
    std::vector<store::StoredEvent> events;
    const SteadyTime end = clock_.steady() + batch_time;
    std::size_t bytes = 0;
    const std::size_t most = fetched_.front().seq <= single_until_ ? 1 : batch_max;
    while (!fetched_.empty() && batch.size() < most && bytes < batch_bytes_max &&
           (batch.empty() || clock_.steady() < end)) {
      store::StoredEvent event = std::move(fetched_.front());
      fetched_.pop_front();
      if (!plannable(event)) continue;
      bytes += event.body.size();
      Result<void> added;
      {
        const Busy::Mark mark(busy_);
        added = maker_->plan(event, batch);
      }
      if (!added) {
        failed("webhooks cannot be planned", added.error());
        settle();
        start_over();
        maker_->forget();
        return true;
      }
      if (round != round_) return true;  // the batch before failed under us: everything is read again
      for (const store::NewDelivery& delivery : batch.back().deliveries) bytes += delivery.payload.size();
      events.push_back(std::move(event));
    }
    if (batch.empty()) return true;
    settle();
    if (round == round_) submit(std::move(batch), std::move(events));
    return true;
  }

  // False: nothing waits, or it cannot be read now.
  bool fetch() {
    if (floor_ > 0 && clock_.steady() >= next_full_pass_) {
      next_full_pass_ = clock_.steady() + full_pass_every;
      floor_ = 0;
      after_ = 0;
    }
    auto found = reader_->unplanned(after_, fetch_limit_);
    if (!found) {
      failed("webhooks cannot be read", found.error());
      return false;
    }
    if (found->empty()) {
      const std::uint64_t round = round_;
      settle();
      // Work is found by its state: the next round begins at the front again. Only where something is skipped again and
      // again, it begins behind it.
      if (skipping_ && round == round_) floor_ = std::max(floor_, after_);
      after_ = floor_;
      return false;
    }
    std::size_t bytes = 0;
    for (const auto& event : *found) bytes += event.body.size();
    fetch_limit_ = std::clamp<std::size_t>(batch_bytes_max / (bytes / found->size() + 1), 8, batch_max);
    after_ = found->back().seq;
    fetched_.assign(std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
    return true;
  }

  // A webhook whose source is not configured just now waits; a reload that brings the source back brings it along.
  bool plannable(const store::StoredEvent& event) {
    if (refused_.contains(event.seq)) return false;
    if (maker_->knows(event.source)) return true;
    skipping_ = true;
    if (event.seq > skipped_to_) {
      skipped_to_ = event.seq;
      metrics_
          .counter("chatrelay_unplannable_total", "Webhooks of sources that are no longer configured; they wait",
                   {{"source", event.source}})
          .add();
    }
    if (unknown_told_.insert(event.source).second)
      log::warn("webhooks wait for a source that is not configured", {{"source", event.source}});
    return false;
  }

  void submit(std::vector<store::Plan> batch, std::vector<store::StoredEvent> events) {
    maker_->submitted(batch);
    auto answer = std::make_shared<Applied>();
    outstanding_ = answer;
    in_commit_ = std::move(events);
    store_.apply(std::move(batch),
                 [answer](Result<std::vector<DeliverySeq>> result) { answer->set(std::move(result)); });
  }

  // Waits for the batch that is being committed, if there is one.
  void settle() {
    if (!outstanding_) return;
    const Result<std::vector<DeliverySeq>> result = std::exchange(outstanding_, nullptr)->wait();
    const std::vector<store::StoredEvent> events = std::exchange(in_commit_, {});
    if (result) {
      planned_.add(events.size());
      maker_->committed();
      if (skipping_) floor_ = std::max(floor_, events.back().seq);
      return;
    }
    maker_->forget();
    start_over();
    if (result.error().kind == ErrorKind::unavailable) {
      failed("plans cannot be stored", result.error());
    } else if (events.size() > 1) {
      single_until_ = events.back().seq;  // find the one that the store does not take
    } else {
      plan_without(events.front(), result.error());
    }
  }

  // The store refuses this one's plan for good: its failure is recorded instead, and it stops nothing.
  void plan_without(const store::StoredEvent& event, const Error& error) {
    log::error("the plan of a webhook cannot be stored",
               {{"event", event.id}, {"source", event.source}, {"error", error.message}});
    auto answer = std::make_shared<Applied>();
    std::vector<store::Plan> plans;
    plans.push_back(maker_->plan_as_failed(event, error.message));
    store_.apply(std::move(plans),
                 [answer](Result<std::vector<DeliverySeq>> result) { answer->set(std::move(result)); });
    const Result<std::vector<DeliverySeq>> recorded = answer->wait();
    if (recorded) return;
    if (recorded.error().kind == ErrorKind::unavailable) return failed("plans cannot be stored", recorded.error());
    refused_.insert(event.seq);
  }

  // What was read ahead builds upon what failed.
  void start_over() {
    ++round_;
    fetched_.clear();
    after_ = floor_;
  }

  void failed(const char* what, const Error& error) {
    const SteadyTime now = clock_.steady();
    if (now >= next_error_line_) {
      log::error(what, {{"error", error.message}});
      next_error_line_ = now + seconds(30);
    }
    pause_ = true;
  }

  store::Store& store_;
  presence::Board& presence_;
  const Clock& clock_;
  Metrics& metrics_;
  Counter& planned_;
  Busy busy_;
  Replayer replayer_;

  mutable std::mutex mutex_;  // protects what follows, up to the empty line
  std::condition_variable wake_;
  bool stopping_ = false;
  std::shared_ptr<const PlannerSetup> next_setup_;

  std::atomic<bool> rung_{false};

  // Thread: the planner's.
  std::unique_ptr<store::Reader> reader_;
  std::unique_ptr<PlanMaker> maker_;
  std::deque<store::StoredEvent> fetched_;
  EventSeq after_ = 0;  // read up to here in this round
  EventSeq floor_ = 0;  // where a round begins: 0, unless what stands in front cannot be planned
  std::size_t fetch_limit_ = 64;
  std::uint64_t round_ = 0;
  std::shared_ptr<Applied> outstanding_;
  std::vector<store::StoredEvent> in_commit_;
  EventSeq single_until_ = 0;   // one by one up to here
  std::set<EventSeq> refused_;  // not even their failure could be stored; until the next reload
  std::set<std::string> unknown_told_;
  EventSeq skipped_to_ = 0;
  bool skipping_ = false;
  bool pause_ = false;
  SteadyTime next_error_line_{};
  SteadyTime next_full_pass_{};

  std::thread thread_;
};

Planner::Planner(store::Store& store, presence::Board& presence, std::shared_ptr<const PlannerSetup> setup,
                 const Clock& clock, Metrics& metrics)
    : impl_(std::make_unique<Impl>(store, presence, std::move(setup), clock, metrics)) {}
Planner::~Planner() {
  stop();
}
void Planner::start() {
  impl_->start();
}
void Planner::stop() {
  impl_->stop();
}
void Planner::ring() {
  impl_->ring();
}
void Planner::reload(std::shared_ptr<const PlannerSetup> setup) {
  impl_->reload(std::move(setup));
}
void Planner::replay(ReplayRequest request, std::function<void(Result<std::vector<ReplayPlan>>)> done) {
  impl_->replay(std::move(request), std::move(done));
}
Millis Planner::busy_for() const {
  return impl_->busy_for();
}

}  // namespace chatrelay::deliver
