#include "store/sqlite/writer.hpp"

#include <algorithm>

#include "common/log.hpp"

namespace chatrelay::store::sqlite {
namespace {

constexpr int page_bytes = 4096;
constexpr std::chrono::milliseconds idle_checkpoint_after{
    200};  // nothing came for that long: copy the WAL while nobody waits
constexpr std::chrono::milliseconds idle_look_after{30'000};  // for expired de-duplication buckets
constexpr std::chrono::milliseconds dedup_pause{5};           // between slices of sealing when nothing else is to do
constexpr int dedup_slice_ms = 0, dedup_slice_alone_ms = 3,
              dedup_slice_behind_ms = 8;  // 0: one step, about 1 ms at most
// Pressed: groups are this large, so many senders wait at once. Background work then gets one slice in background_every
// and nothing between: a little in every group would cost each its commit, and pages that many units touch (a chat's
// row, an index leaf) are written to the WAL once a commit.
constexpr double pressed_group_appends = 16;
constexpr std::chrono::milliseconds pressed_for{10};  // after the last group that had appends
constexpr std::chrono::milliseconds background_look{
    2};  // how often a writer without appends looks whether that is over
constexpr std::chrono::milliseconds background_every{60};
constexpr int restart_patience_ms = 5;             // how long readers are waited for to start the WAL anew
constexpr std::chrono::seconds trouble_pause{10};  // between log lines about a disk that comes and goes
constexpr double recent_half_life_s = 1.0;

std::int64_t ns(SteadyTime t) {
  return std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count());
}

double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

}  // namespace

// What one turn does, until its answers are given.
struct Writer::Group {
  std::size_t first = 0, last = 0;  // of batch_
  std::vector<Result<Appended>> answers;
  std::vector<std::unique_ptr<Unit>> finished;
  std::vector<std::pair<std::unique_ptr<Unit>, Error>> failed;
  std::vector<Unit*> half_way;  // took a step in this group, and are still in their queue
  Clk::time_point started = Clk::now();
};

Writer::Writer(Options options, const Clock& clock, Metrics& metrics)
    : options_(std::move(options)),
      clock_(clock),
      core_(options_, clock),
      commit_seconds_(metrics.histogram("chatrelay_store_group_seconds", "Time of a group commit, sync included.",
                                        {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5})),
      group_appends_(metrics.histogram("chatrelay_store_group_appends", "Appends and commands in a group commit.",
                                       {0, 1, 4, 16, 64, 256, 1024})),
      checkpoint_seconds_(metrics.histogram("chatrelay_store_checkpoint_seconds", "Time of a checkpoint.",
                                            {0.001, 0.005, 0.01, 0.025, 0.1, 1})),
      failed_commits_(metrics.counter("chatrelay_store_failed_groups_total", "Groups that could not be committed.")),
      wal_bytes_(metrics.gauge("chatrelay_store_wal_bytes", "Size of the write-ahead log in use.")) {}

void Writer::load() {
  auto& db = core_.db;
  // cache_size in KiB: bounds memory however large the store is; room for the leaves of a thousand busy chats. Reading
  // back a page that fell out costs a copy from the kernel's cache.
  db.execute(
      "PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-49152; PRAGMA "
      "wal_autocheckpoint=0;");
  if (options_.file_pages_max > 0)
    db.execute(("PRAGMA max_page_count=" + std::to_string(options_.file_pages_max)).c_str());
  sqlite3_wal_hook(
      db.raw(),
      [](void* self, sqlite3*, const char*, int frames) {
        static_cast<Writer*>(self)->wal_frames_ = frames;
        return SQLITE_OK;
      },
      this);
  core_.load();
  wal_frames_ = static_cast<int>(db.pragma("PRAGMA wal_checkpoint(TRUNCATE)")) == 0 ? 0 : 1;
  db.set_fault(options_.fault);
}

void Writer::start() {
  thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// False: over the limit.
bool Writer::begin_waiting() {
  return waiting_.fetch_add(1, std::memory_order_relaxed) < options_.waiting_max;
}

void Writer::append(NewEvent event, Done<Appended> done) {
  const auto now = clock_.steady();
  const bool refused = !begin_waiting();
  if (refused) event = NewEvent{};
  enqueue({std::move(event), std::move(done), nullptr, now, refused});
}

void Writer::command(Store::Command body, Done<bool> done) {
  const auto now = clock_.steady();
  const bool refused = !begin_waiting();
  if (refused) body = nullptr;
  auto call = std::make_unique<Command>(Command{std::move(body), std::move(done)});
  enqueue({{}, {}, std::move(call), now, refused});
}

void Writer::enqueue(Waiting&& waiting) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (waiting_calls_.empty()) {
      oldest_queued_ns_.store(ns(waiting.since), std::memory_order_relaxed);
      wake = true;
    }
    waiting_calls_.push_back(std::move(waiting));
  }
  if (wake) wake_.notify_one();
}

void Writer::submit(std::unique_ptr<Unit> unit) {
  {
    std::lock_guard lock(mutex_);
    incoming_.push_back(std::move(unit));
  }
  wake_.notify_one();
}

void Writer::submit_slow(std::unique_ptr<Unit> unit) {
  {
    std::lock_guard lock(mutex_);
    incoming_slow_.push_back(std::move(unit));
  }
  wake_.notify_one();
}

void Writer::post(std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(callback));
  }
  wake_.notify_one();
}

CommitLoad Writer::load_now() const {
  CommitLoad load;
  const auto now = ns(clock_.steady());
  auto oldest = oldest_taken_ns_.load(std::memory_order_relaxed);
  const auto queued = oldest_queued_ns_.load(std::memory_order_relaxed);
  if (oldest == 0 || (queued != 0 && queued < oldest)) oldest = queued;
  if (oldest != 0) load.oldest_waiting = Millis(std::max<std::int64_t>(0, now - oldest) / 1'000'000);
  load.waiting = waiting_.load(std::memory_order_relaxed);
  // Halves with every second that passes without a slower group.
  const double age_s = static_cast<double>(now - recent_at_ns_.load(std::memory_order_relaxed)) / 1e9;
  const double recent = static_cast<double>(recent_max_ns_.load(std::memory_order_relaxed)) /
                        (1.0 + std::max(0.0, age_s) / recent_half_life_s);
  load.recent_max = Millis(static_cast<std::int64_t>(recent / 1e6));
  return load;
}

void Writer::run() {
  while (wait_for_work()) {
    run_group();
    checkpoint_if_due(false);
  }
  // Leaves a short WAL behind: the next start has nothing to recover.
  core_.db.set_fault(nullptr);
  checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
}

// Takes what was handed over. False: stop, and nothing is left to do.
bool Writer::wait_for_work() {
  std::unique_lock lock(mutex_);
  // Background work that may not run yet is no reason to wake up; the wait below ends when it may.
  auto background_waits = [&] {
    return !units_.empty() || !slow_.empty() || !incoming_.empty() || !incoming_slow_.empty();
  };
  auto background_may = [&] {
    const auto now = Clk::now();
    return !pressed(now) || now >= background_due();
  };
  auto something = [&] {
    return stop_ || !waiting_calls_.empty() || !posted_.empty() || (background_waits() && background_may());
  };
  const bool mine = next_ < batch_.size();
  while (!mine && !something()) {
    if (background_waits()) {
      wake_.wait_for(lock, background_look, something);
      continue;
    }
    const bool wal_open = wal_frames_ > checkpointed_frames_;
    const bool sealing = !in_trouble_ && core_.dedup.wants_work();
    const std::chrono::milliseconds patience = sealing    ? dedup_pause
                                               : wal_open ? idle_checkpoint_after
                                                          : idle_look_after;
    if (wake_.wait_for(lock, patience, something) || sealing) break;
    lock.unlock();
    if (wal_open) checkpoint_if_due(true);
    lock.lock();
  }
  if (next_ >= batch_.size()) {
    batch_.clear();
    next_ = 0;
    std::swap(batch_, waiting_calls_);
    oldest_queued_ns_.store(0, std::memory_order_relaxed);
    oldest_taken_ns_.store(batch_.empty() ? 0 : ns(batch_.front().since), std::memory_order_relaxed);
  }
  for (auto& unit : incoming_) units_.push_back(std::move(unit));
  for (auto& unit : incoming_slow_) slow_.push_back(std::move(unit));
  incoming_.clear();
  incoming_slow_.clear();
  for (auto& callback : posted_) callbacks_.push_back(std::move(callback));
  posted_.clear();
  return !(stop_ && next_ >= batch_.size() && units_.empty() && slow_.empty() && callbacks_.empty());
}

void Writer::begin() {
  core_.db.run("BEGIN IMMEDIATE");
}
void Writer::commit() {
  core_.counters.flush(core_.db);
  core_.db.run("COMMIT");
}

void Writer::roll_back() {
  if (core_.db.in_transaction()) {
    // No fault is injected here: SQLite itself can always roll back, at the latest by forgetting the transaction.
    sqlite3_exec(core_.db.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  core_.roll_back_all();
}

void Writer::run_group() {
  Group group;
  group.first = next_;
  group.last = std::min(batch_.size(), next_ + options_.group_max);
  group.answers.reserve(group.last - group.first);
  try {
    begin();
    write_waiting(group);
    bool background_failed = false;
    try {
      run_background(group);
    } catch (const SqlError& error) {
      // Background work broke the transaction: appends and commands do not suffer for it.
      background_failed = true;
      fail_units(group, to_error(error, "background work"), false);
      roll_back();
      after_trouble(error);
    }
    if (background_failed && group.last > group.first) {
      begin();
      write_waiting(group, true);
    }
    const bool wrote = core_.db.in_transaction();  // not if all there was broke the transaction
    if (wrote) commit();
    const bool ring_events = core_.events_added, ring_deliveries = core_.lanes_changed;
    core_.committed();
    if (in_trouble_ && wrote) {
      log::info("store: writing again", {});
      in_trouble_ = false;
    }
    count_commit(group);
    answer(group);
    if (ring_events && ring_events_) ring_events_();
    if (ring_deliveries && ring_deliveries_) ring_deliveries_();
  } catch (const SqlError& error) {
    const auto why = to_error(error, "commit");
    roll_back();
    failed_commits_.add();
    group.answers.assign(group.last - group.first, Result<Appended>(why));
    fail_units(group, why, true);
    count_commit(group);
    answer(group);
    after_trouble(error);
  }
}

// What units did in this group is gone, also of those that are half way. `all`: and those that wait would fare no
// better; leaving them queued would have this thread try in circles.
void Writer::fail_units(Group& group, const Error& why, bool all) {
  for (auto& unit : group.finished) group.failed.emplace_back(std::move(unit), why);
  group.finished.clear();
  for (auto* queue : {&units_, &slow_}) {
    for (auto& unit : *queue)
      if (all || std::find(group.half_way.begin(), group.half_way.end(), unit.get()) != group.half_way.end())
        group.failed.emplace_back(std::move(unit), why);
    std::erase_if(*queue, [](const auto& unit) { return unit == nullptr; });
  }
}

std::optional<Error> Writer::refusal(const Waiting& waiting) const {
  if (waiting.refused)
    return unavailable("store: too much waits for the disk (" + std::to_string(options_.waiting_max) + ")");
  const auto queued =
      static_cast<std::uint64_t>(core_.counters.total(Counters::open) + core_.counters.total(Counters::unplanned));
  if (queued >= options_.queue_max)
    return unavailable("store: the queue is full: limits.queue is " + std::to_string(options_.queue_max));
  return std::nullopt;
}

void Writer::write_one(Waiting& waiting, Group& group) {
  if (auto refused = refusal(waiting)) {
    group.answers.emplace_back(std::move(*refused));
    return;
  }
  if (!waiting.command) {
    group.answers.emplace_back(append_event(core_, waiting.event));
    return;
  }
  run_command(core_, waiting.command->body);
  group.answers.emplace_back(Appended{});
}

void Writer::write_waiting(Group& group) {
  try {
    write_waiting(group, false);
    return;
  } catch (const SqlError& error) {
    if (is_fatal(error)) throw;
  } catch (const CommandFailed&) {
    // What it wrote is in the transaction, among what the others wrote.
  }
  // One of them is at fault: again, each in its own savepoint.
  roll_back();
  begin();
  write_waiting(group, true);
}

void Writer::write_waiting(Group& group, bool carefully) {
  group.answers.clear();
  for (auto i = group.first; i < group.last; ++i) {
    if (!carefully) {
      write_one(batch_[i], group);
      continue;
    }
    const auto mark = core_.mark();
    bool begun = false;
    auto failed = [&](Error error) {
      if (begun) core_.db.execute("ROLLBACK TO one; RELEASE one");
      core_.roll_back(mark);
      group.answers.resize(i - group.first, Result<Appended>(Appended{}));
      group.answers.emplace_back(std::move(error));
    };
    try {
      core_.db.run("SAVEPOINT one");
      begun = true;
      write_one(batch_[i], group);
      core_.db.run("RELEASE one");
    } catch (const SqlError& error) {
      if (is_fatal(error) || !core_.db.in_transaction()) throw;
      failed(to_error(error, batch_[i].command ? "command" : "append"));
    } catch (const CommandFailed& failure) {
      failed({ErrorKind::internal, "store: a command failed: " + failure.reason});
    }
  }
}

bool Writer::pressed(Clk::time_point now) const {
  return recent_group_appends_ > pressed_group_appends && now - last_appends_ < pressed_for;
}

Writer::Clk::time_point Writer::background_due() const {
  return last_background_ + background_every;
}

// Pressed, background work gets one slice now and then (background_every). Otherwise each group has one: beside appends
// short, without them longer, until one comes. It never starves, and never has less than background_slice: commits of a
// few units each would write the same pages again and again.
void Writer::run_background(Group& group) {
  const auto start = Clk::now();
  const bool appends = group.last > group.first;
  if (pressed(start) && start < background_due()) {
    maintain_dedup(appends);
    return;
  }
  last_background_ = start;
  const auto least = std::chrono::duration_cast<Clk::duration>(options_.background_slice);
  const auto time = appends ? least : std::chrono::duration_cast<Clk::duration>(options_.background_slice_alone);
  const auto* waiting = appends ? nullptr : &waiting_;
  // Slow units get what is left, but never less than a quarter.
  const Slice slice{start + (slow_.empty() ? time : time * 3 / 4), start + least, waiting};
  while (!units_.empty())
    if (!run_unit(group, units_, slice) || slice.over()) break;
  if (!slow_.empty()) {
    const auto now = Clk::now();
    const Slice rest{std::max(start + time, now + time / 4), now + least / 4, waiting};
    if (!run_unit(group, slow_, rest) && !slow_.empty()) {
      slow_.push_back(std::move(slow_.front()));  // long ones take turns
      slow_.pop_front();
    }
  }
  maintain_dedup(appends);
}

// True: the unit at the front finished (or failed) and is off the queue.
bool Writer::run_unit(Group& group, std::deque<std::unique_ptr<Unit>>& queue, const Slice& slice) {
  const auto mark = core_.mark();
  bool finished = false, begun = false;
  try {
    core_.db.run("SAVEPOINT unit");
    begun = true;
    finished = queue.front()->step(core_, slice);
    core_.db.run("RELEASE unit");
  } catch (const SqlError& error) {
    group.failed.emplace_back(std::move(queue.front()), to_error(error, "background work"));
    queue.pop_front();
    if (is_fatal(error) || !core_.db.in_transaction()) throw;
    if (begun) core_.db.execute("ROLLBACK TO unit; RELEASE unit");
    core_.roll_back(mark);
    return true;
  }
  if (!finished) {
    group.half_way.push_back(queue.front().get());
    return false;
  }
  group.finished.push_back(std::move(queue.front()));
  queue.pop_front();
  return true;
}

void Writer::maintain_dedup(bool appends_wait) {
  if (!core_.dedup.wants_work()) return;
  const auto slice = std::chrono::milliseconds(core_.dedup.behind() ? dedup_slice_behind_ms
                                               : appends_wait       ? dedup_slice_ms
                                                                    : dedup_slice_alone_ms);
  bool begun = false;
  try {
    core_.db.run("SAVEPOINT dedup");
    begun = true;
    core_.dedup.work(core_.db, Clk::now() + slice);
    core_.db.run("RELEASE dedup");
  } catch (const SqlError& error) {
    if (is_fatal(error) || !core_.db.in_transaction()) throw;
    if (begun) core_.db.execute("ROLLBACK TO dedup; RELEASE dedup");
    core_.dedup.failed();
    after_trouble(error);
  }
}

void Writer::answer(Group& group) {
  const auto count = group.last - group.first;
  waiting_.fetch_sub(count, std::memory_order_relaxed);
  next_ = group.last;
  oldest_taken_ns_.store(next_ < batch_.size() ? ns(batch_[next_].since) : 0, std::memory_order_relaxed);
  for (std::size_t i = 0; i < count; ++i) {
    auto& waiting = batch_[group.first + i];
    auto& answer = group.answers[i];
    if (!waiting.command) {
      if (waiting.done) waiting.done(std::move(answer));
    } else if (waiting.command->done) {
      waiting.command->done(answer ? Result<bool>(true) : Result<bool>(answer.error()));
    }
  }
  if (next_ >= batch_.size()) {
    batch_.clear();
    next_ = 0;
  }
  for (auto& unit : group.finished) unit->succeed();
  for (auto& [unit, error] : group.failed) unit->fail(error);
  auto callbacks = std::move(callbacks_);
  callbacks_.clear();
  for (auto& callback : callbacks) callback();
}

void Writer::count_commit(const Group& group) {
  const auto took = Clk::now() - group.started;
  commit_seconds_.observe(seconds(took));
  if (group.last == group.first) return;
  const auto appends = static_cast<double>(group.last - group.first);
  group_appends_.observe(appends);
  recent_group_appends_ += (appends - recent_group_appends_) / 8;
  last_appends_ = Clk::now();
  // As its oldest append saw it: waiting included.
  const auto now = clock_.steady();
  const auto lasted = std::max<std::int64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now - batch_[group.first].since).count(), 0);
  const double age_s = static_cast<double>(ns(now) - recent_at_ns_.load(std::memory_order_relaxed)) / 1e9;
  const auto faded = static_cast<std::int64_t>(static_cast<double>(recent_max_ns_.load(std::memory_order_relaxed)) /
                                               (1.0 + std::max(0.0, age_s) / recent_half_life_s));
  if (lasted >= faded) {
    recent_max_ns_.store(lasted, std::memory_order_relaxed);
    recent_at_ns_.store(ns(now), std::memory_order_relaxed);
  }
}

void Writer::after_trouble(const SqlError& error) {
  const auto now = Clk::now();
  if (!in_trouble_ && now - trouble_said_ >= trouble_pause) {
    log::error("store: cannot write", {{"reason", error.message}, {"sqlite", error.code}});
    in_trouble_ = true;
    trouble_said_ = now;
  }
  // A full disk: the WAL may hold pages that are in the file already, and starting it anew gives that room back.
  if (error.primary() == SQLITE_FULL) checkpoint(SQLITE_CHECKPOINT_RESTART);
}

// Copies the WAL into the file a little at a time; once all is copied the next commit starts the WAL anew by itself,
// unless a reader still looks at it.
void Writer::checkpoint_if_due(bool idle) {
  const auto bytes = pressed(Clk::now()) ? std::min(options_.checkpoint_bytes, options_.checkpoint_bytes_pressed)
                                         : options_.checkpoint_bytes;
  const int step = static_cast<int>(std::max<std::uint64_t>(bytes / page_bytes, 1));
  if (wal_frames_ < checkpointed_at_) checkpointed_at_ = checkpointed_frames_ = 0;  // the WAL started anew
  wal_bytes_.set(static_cast<double>(wal_frames_) * page_bytes);
  if (wal_frames_ - checkpointed_at_ < step && !(idle && wal_frames_ > checkpointed_frames_)) return;
  const auto limit = static_cast<int>(options_.wal_bytes_max / page_bytes);
  checkpoint(wal_frames_ > limit ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE);
}

void Writer::checkpoint(int mode) {
  const auto start = Clk::now();
  int log = 0, copied = 0;
  auto* db = core_.db.raw();
  if (mode != SQLITE_CHECKPOINT_PASSIVE) sqlite3_busy_timeout(db, restart_patience_ms);
  const int code = sqlite3_wal_checkpoint_v2(db, "main", mode, &log, &copied);
  if (mode != SQLITE_CHECKPOINT_PASSIVE) sqlite3_busy_timeout(db, 5000);
  checkpointed_at_ = wal_frames_;
  if (code == SQLITE_OK && mode == SQLITE_CHECKPOINT_TRUNCATE)
    wal_frames_ = checkpointed_at_ = checkpointed_frames_ = 0;
  else if (code == SQLITE_OK || code == SQLITE_BUSY)
    checkpointed_frames_ = log >= 0 && copied >= log ? wal_frames_ : std::min(wal_frames_, std::max(copied, 0));
  checkpoint_seconds_.observe(seconds(Clk::now() - start));
}

}  // namespace chatrelay::store::sqlite
