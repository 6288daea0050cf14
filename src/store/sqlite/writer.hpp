// Writer: the one thread that writes. Each turn is one group: all waiting appends and commands, then a slice of
// background work, one COMMIT with its sync, then the callbacks in order. Between groups it checkpoints, a little at a
// time.
//
// Invariant 7: nothing else writes to the file or checkpoints it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "store/sqlite/core.hpp"
#include "store/store.hpp"

namespace chatrelay::store::sqlite {

// How long background work may go on: to the deadline, or, once an append waits, to `least`.
struct Slice {
  std::chrono::steady_clock::time_point deadline, least;
  const std::atomic<std::size_t>* waiting = nullptr;  // nullptr: none is looked for
  bool over() const {
    const auto now = std::chrono::steady_clock::now();
    return now >= deadline || (waiting && now >= least && waiting->load(std::memory_order_relaxed) > 0);
  }
};

// A piece of background work. It may take several steps, each in a savepoint of its own and perhaps in groups of their
// own; if a step fails, what earlier steps committed stays, and the unit fails.
class Unit {
 public:
  virtual ~Unit() = default;
  virtual bool step(Core& core,
                    const Slice& slice) = 0;  // true: finished. Goes on until the slice is over; throws SqlError
  virtual void succeed() = 0;                 // after the commit
  virtual void fail(const Error& error) = 0;
};

class Writer {
 public:
  Writer(Options options, const Clock& clock, Metrics& metrics);
  ~Writer();    // after everything handed over is committed
  void load();  // Errors: SqlError
  void start();

  // Thread: any.
  void append(NewEvent event, Done<Appended> done);
  void command(Store::Command body, Done<bool> done);
  void submit(std::unique_ptr<Unit> unit);       // in order among themselves
  void submit_slow(std::unique_ptr<Unit> unit);  // long ones, which the others pass
  void post(std::function<void()> callback);     // runs on the writer thread
  CommitLoad load_now() const;
  void on_events(std::function<void()> doorbell) { ring_events_ = std::move(doorbell); }
  void on_deliveries(std::function<void()> doorbell) { ring_deliveries_ = std::move(doorbell); }
  const Options& options() const { return options_; }

 private:
  struct Command {
    Store::Command body;
    Done<bool> done;
  };
  // An append, or a command: they share one queue, so they keep their order.
  struct Waiting {
    NewEvent event;
    Done<Appended> done;
    std::unique_ptr<Command> command;  // an append has none
    SteadyTime since;
    bool refused = false;  // over waiting_max: kept for its callback only
  };
  using Clk = std::chrono::steady_clock;
  struct Group;

  void run();
  bool wait_for_work();
  void run_group();
  bool begin_waiting();
  void enqueue(Waiting&& waiting);
  void write_waiting(Group& group);
  void write_waiting(Group& group, bool carefully);
  void write_one(Waiting& waiting, Group& group);
  std::optional<Error> refusal(const Waiting& waiting) const;
  void run_background(Group& group);
  bool pressed(Clk::time_point now) const;
  Clk::time_point background_due() const;
  bool run_unit(Group& group, std::deque<std::unique_ptr<Unit>>& queue, const Slice& slice);
  void maintain_dedup(bool appends_wait);
  void fail_units(Group& group, const Error& why, bool all);
  void begin();
  void commit();
  void roll_back();
  void answer(Group& group);
  void count_commit(const Group& group);
  void after_trouble(const SqlError& error);
  void checkpoint_if_due(bool idle);
  void checkpoint(int mode);

  const Options options_;
  const Clock& clock_;
  Core core_;
  std::function<void()> ring_events_, ring_deliveries_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // State below is protected by mutex_.
  std::vector<Waiting> waiting_calls_;
  std::deque<std::unique_ptr<Unit>> incoming_, incoming_slow_;
  std::vector<std::function<void()>> posted_;
  bool stop_ = false;

  // The writer thread's own.
  std::vector<Waiting> batch_;  // taken appends and commands; from next_ on they wait
  std::size_t next_ = 0;
  std::deque<std::unique_ptr<Unit>> units_, slow_;
  std::vector<std::function<void()>> callbacks_;
  int wal_frames_ = 0;       // in the WAL now
  int checkpointed_at_ = 0;  // wal_frames_ at the last checkpoint
  int checkpointed_frames_ = 0;
  bool in_trouble_ = false;  // a group failed, the log says so, and none succeeded since
  Clk::time_point trouble_said_{};
  Clk::time_point last_background_{};  // when background work had its last slice
  Clk::time_point last_appends_{};     // when the last group with appends was over
  double recent_group_appends_ = 0;    // a running mean over the last groups that had any

  // Thread: any (atomics).
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::int64_t> oldest_queued_ns_{0}, oldest_taken_ns_{0};  // steady; 0: none
  std::atomic<std::int64_t> recent_max_ns_{0}, recent_at_ns_{0};

  Histogram& commit_seconds_;
  Histogram& group_appends_;
  Histogram& checkpoint_seconds_;
  Counter& failed_commits_;
  Gauge& wal_bytes_;
  std::thread thread_;
};

}  // namespace chatrelay::store::sqlite
