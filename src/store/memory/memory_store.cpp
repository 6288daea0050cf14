#include "store/memory/memory_store.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>

#include "store/memory/memory_reader.hpp"
#include "store/memory/memory_transaction.hpp"

namespace chatrelay::store {
namespace {

using memory::Tables;

class MemoryStore final : public Store {
 public:
  MemoryStore(const Clock& clock, MemoryOptions options)
      : clock_(clock), options_(options), thread_([this] { run(); }) {}
  ~MemoryStore() override {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void append(NewEvent event, Done<Appended> done) override {
    ++waiting_;
    push<Appended>(
        [this, event = std::move(event)](Tables& t) {
          auto appended = t.append(event, clock_.steady(), options_.queue_max);
          if (appended && !appended->duplicate) ring_events_ = true;
          --waiting_;
          return appended;
        },
        std::move(done));
  }
  void command(Command body, Done<bool> done) override {
    ++waiting_;
    push<bool>(
        [this, body = std::move(body)](Tables& t) -> Result<bool> {
          --waiting_;
          if (t.open + t.unplanned >= options_.queue_max)
            return unavailable("store: the queue is full: limits.queue is " + std::to_string(options_.queue_max));
          auto outcome = memory::run_command(t, body);
          if (!outcome) return outcome.error();
          ring_events_ |= outcome->events_added;
          ring_deliveries_ |= outcome->lanes_changed;
          return true;
        },
        std::move(done));
  }
  void apply(std::vector<Plan> plans, Done<std::vector<DeliverySeq>> done) override {
    push<std::vector<DeliverySeq>>(
        [this, plans = std::move(plans)](Tables& t) -> Result<std::vector<DeliverySeq>> {
          std::vector<DeliverySeq> created;
          for (const auto& plan : plans) t.apply(plan, created);
          ring_deliveries_ |= !created.empty();
          return created;
        },
        std::move(done));
  }
  void record(AttemptResult result, Done<bool> done) override {
    push<bool>(
        [this, result = std::move(result)](Tables& t) -> Result<bool> {
          const bool changed = t.record(result);
          ring_deliveries_ |= changed;
          return changed;
        },
        std::move(done));
  }
  void begin(std::vector<DeliverySeq> deliveries, Done<bool> done) override {
    push<bool>(
        [deliveries = std::move(deliveries)](Tables& t) -> Result<bool> {
          t.begin(deliveries);
          return true;
        },
        std::move(done));
  }
  void render(DeliverySeq delivery, std::string payload, Done<bool> done) override {
    push<bool>(
        [delivery, payload = std::move(payload)](Tables& t) -> Result<bool> { return t.render(delivery, payload); },
        std::move(done));
  }
  void overtake(DeliverySeq delivery, OtherWay how, WallTime now, Done<bool> done) override {
    push<bool>(
        [this, delivery, how = std::move(how), now](Tables& t) -> Result<bool> {
          const bool changed = t.overtake(delivery, how, now);
          ring_deliveries_ |= changed;
          return changed;
        },
        std::move(done));
  }
  void save_destination(DestinationState state, Done<bool> done) override {
    push<bool>(
        [state = std::move(state)](Tables& t) -> Result<bool> {
          t.destination_states[state.name] = state;
          return true;
        },
        std::move(done));
  }
  void remember(std::string name, json::value value, Done<bool> done) override {
    push<bool>(
        [name = std::move(name), value = std::move(value)](Tables& t) -> Result<bool> {
          t.remembered[name] = value;
          return true;
        },
        std::move(done));
  }
  void retry(std::vector<DeliverySeq> deliveries, WallTime now, Done<std::size_t> done) override {
    push<std::size_t>(
        [this, deliveries = std::move(deliveries), now](Tables& t) -> Result<std::size_t> {
          std::size_t changed = 0;
          for (auto seq : deliveries) changed += t.retry(seq, now);
          return counted(changed);
        },
        std::move(done));
  }
  void cancel(std::vector<DeliverySeq> deliveries, std::string reason, WallTime now, Done<std::size_t> done) override {
    push<std::size_t>(
        [this, deliveries = std::move(deliveries), reason = std::move(reason), now](Tables& t) -> Result<std::size_t> {
          std::size_t changed = 0;
          for (auto seq : deliveries) changed += t.cancel(seq, reason, now);
          return counted(changed);
        },
        std::move(done));
  }
  void release_held(std::string destination, WallTime now, Done<std::size_t> done) override {
    push<std::size_t>([this, destination = std::move(destination),
                       now](Tables& t) -> Result<std::size_t> { return counted(t.release_held(destination, now)); },
                      std::move(done));
  }
  void replay(EventSeq event, std::vector<NewDelivery> deliveries, bool same_id, WallTime now,
              Done<std::vector<DeliverySeq>> done) override {
    push<std::vector<DeliverySeq>>(
        [this, event, deliveries = std::move(deliveries), same_id, now](Tables& t) {
          auto changed = t.replay(event, deliveries, same_id, now);
          ring_deliveries_ |= changed && !changed->empty();
          return changed;
        },
        std::move(done));
  }
  void prune(RetentionLimits before, std::size_t limit, Done<bool> done) override {
    push<bool>([before, limit](Tables& t) -> Result<bool> { return t.prune(before, limit); }, std::move(done));
  }
  void backup(std::string, Done<std::uint64_t> done) override {
    push<std::uint64_t>(
        [](Tables&) -> Result<std::uint64_t> { return invalid("a store in memory has no file to copy"); },
        std::move(done));
  }
  CommitLoad load() const override {
    CommitLoad load;
    load.waiting = waiting_;
    return load;
  }
  std::unique_ptr<Reader> open_reader() override { return memory::make_reader(shared_); }
  void on_events(std::function<void()> doorbell) override { events_bell_ = std::move(doorbell); }
  void on_deliveries(std::function<void()> doorbell) override { deliveries_bell_ = std::move(doorbell); }

 private:
  std::size_t counted(std::size_t changed) {
    ring_deliveries_ |= changed > 0;
    return changed;
  }

  template <class T, class Work>
  void push(Work work, Done<T> done) {
    auto run_it = [this, work = std::move(work), done = std::move(done)]() mutable {
      ring_events_ = ring_deliveries_ = false;
      std::optional<Result<T>> result;
      {
        std::lock_guard lock(shared_->mutex);
        result.emplace(work(shared_->tables));
      }
      if (done) done(std::move(*result));
      if (ring_events_ && events_bell_) events_bell_();
      if (ring_deliveries_ && deliveries_bell_) deliveries_bell_();
    };
    {
      std::lock_guard lock(mutex_);
      queue_.emplace_back(std::move(run_it));
    }
    wake_.notify_one();
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      auto next = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      next();
      lock.lock();
    }
  }

  const Clock& clock_;
  const MemoryOptions options_;
  std::shared_ptr<memory::Shared> shared_ = std::make_shared<memory::Shared>();
  std::function<void()> events_bell_, deliveries_bell_;
  bool ring_events_ = false, ring_deliveries_ = false;  // the writer thread's own
  std::atomic<std::size_t> waiting_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // protected by mutex_
  bool stop_ = false;                        // protected by mutex_
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(const Clock& clock, MemoryOptions options) {
  return std::make_unique<MemoryStore>(clock, options);
}

}  // namespace chatrelay::store
