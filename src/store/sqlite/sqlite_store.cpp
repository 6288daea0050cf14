#include "store/sqlite/sqlite_store.hpp"

#include <filesystem>

#include "store/sqlite/backup.hpp"
#include "store/sqlite/files.hpp"
#include "store/sqlite/reader.hpp"
#include "store/sqlite/units.hpp"
#include "store/sqlite/writer.hpp"

namespace chatrelay::store::sqlite {
namespace {

constexpr std::size_t release_step = 32, prune_step = 32;

class SqliteStore final : public Store {
 public:
  SqliteStore(FileLock lock, Options options, const Clock& clock, Metrics& metrics)
      : lock_(std::move(lock)), path_(options.path), writer_(std::move(options), clock, metrics) {}
  void start() {
    writer_.load();
    writer_.start();
  }

  void append(NewEvent event, Done<Appended> done) override { writer_.append(std::move(event), std::move(done)); }

  void command(Command body, Done<bool> done) override { writer_.command(std::move(body), std::move(done)); }

  void apply(std::vector<Plan> plans, Done<std::vector<DeliverySeq>> done) override {
    std::vector<ReadyPlan> ready;
    ready.reserve(plans.size());
    for (Plan& plan : plans) ready.emplace_back(std::move(plan));
    auto each = [](Core& core, const ReadyPlan& plan, std::vector<DeliverySeq>& created) {
      apply_plan(core, plan, created);
    };
    writer_.submit(make_unit_over<std::vector<DeliverySeq>>(std::move(ready), each, std::move(done)));
  }

  void record(AttemptResult result, Done<bool> done) override {
    auto work = [result = std::move(result)](Core& core, const Slice&, bool& answer) {
      answer = record_attempt(core, result);
      return true;
    };
    writer_.submit(make_unit<bool>(std::move(work), std::move(done)));
  }

  void begin(std::vector<DeliverySeq> deliveries, Done<bool> done) override {
    auto work = [deliveries = std::move(deliveries)](Core& core, const Slice&, bool& answer) {
      for (const DeliverySeq delivery : deliveries) keep_begun(core, delivery);
      answer = true;
      return true;
    };
    writer_.submit(make_unit<bool>(std::move(work), std::move(done)));
  }

  void render(DeliverySeq delivery, std::string payload, Done<bool> done) override {
    auto work = [delivery, payload = std::move(payload)](Core& core, const Slice&, bool& answer) {
      answer = render_delivery(core, delivery, payload);
      return true;
    };
    writer_.submit(make_unit<bool>(std::move(work), std::move(done)));
  }

  void overtake(DeliverySeq delivery, OtherWay how, WallTime now, Done<bool> done) override {
    auto work = [delivery, how = std::move(how), now](Core& core, const Slice&, bool& answer) {
      answer = overtake_delivery(core, delivery, how, now);
      return true;
    };
    writer_.submit(make_unit<bool>(std::move(work), std::move(done)));
  }

  void save_destination(DestinationState state, Done<bool> done) override {
    auto work = [state = std::move(state)](Core& core, const Slice&, bool& answer) {
      save_destination_state(core, state);
      return answer = true;
    };
    writer_.submit(make_unit<bool>(std::move(work), std::move(done)));
  }

  void remember(std::string name, json::value value, Done<bool> done) override {
    auto work = [name = std::move(name), text = json::serialize(value)](Core& core, const Slice&, bool& answer) {
      core.db.run("INSERT OR REPLACE INTO remembered VALUES(?1,?2)", name, text);
      return answer = true;
    };
    writer_.submit(make_unit<bool>(std::move(work), std::move(done)));
  }

  void retry(std::vector<DeliverySeq> deliveries, WallTime now, Done<std::size_t> done) override {
    auto each = [now](Core& core, DeliverySeq delivery, std::size_t& changed) {
      changed += retry_delivery(core, delivery, now);
    };
    writer_.submit_slow(make_unit_over<std::size_t>(std::move(deliveries), each, std::move(done)));
  }

  void cancel(std::vector<DeliverySeq> deliveries, std::string reason, WallTime now, Done<std::size_t> done) override {
    auto each = [now, reason = std::move(reason)](Core& core, DeliverySeq delivery, std::size_t& changed) {
      changed += cancel_delivery(core, delivery, reason, now);
    };
    writer_.submit_slow(make_unit_over<std::size_t>(std::move(deliveries), each, std::move(done)));
  }

  void release_held(std::string destination, WallTime now, Done<std::size_t> done) override {
    auto work = [destination = std::move(destination), now](Core& core, const Slice& slice, std::size_t& changed) {
      const auto number = core.names.number(core.db, destination);
      if (!number) return true;
      do {
        const auto released = release_held_some(core, *number, now, release_step);
        changed += released;
        if (released < release_step) return true;
      } while (!slice.over());
      return false;
    };
    writer_.submit_slow(make_unit<std::size_t>(std::move(work), std::move(done)));
  }

  void replay(EventSeq event, std::vector<NewDelivery> deliveries, bool same_id, WallTime now,
              Done<std::vector<DeliverySeq>> done) override {
    // Answered here: it is not the disk's fault.
    auto refused = std::make_shared<std::optional<Error>>();
    auto work = [=, deliveries = std::move(deliveries)](Core& core, const Slice&, std::vector<DeliverySeq>& changed) {
      Rows rows(core.db, "SELECT EXISTS(SELECT 1 FROM unplanned WHERE seq=?1) FROM events WHERE seq=?1", event);
      if (!rows.next())
        *refused = not_found("store: there is no event " + std::to_string(event) + " (any more)");
      else if (rows.integer(0) != 0)
        *refused = Error{ErrorKind::conflict, "store: event " + std::to_string(event) + " is not planned yet"};
      else
        changed = replay_event(core, event, deliveries, same_id, now);
      return true;
    };
    Done<std::vector<DeliverySeq>> answer = [refused, done = std::move(done)](Result<std::vector<DeliverySeq>> result) {
      if (!done) return;
      if (result && *refused)
        done(**refused);
      else
        done(std::move(result));
    };
    writer_.submit(make_unit<std::vector<DeliverySeq>>(std::move(work), std::move(answer)));
  }

  void prune(RetentionLimits before, std::size_t limit, Done<bool> done) override {
    auto work = [this, before, limit, removed = std::size_t{0}](Core& core, const Slice& slice, bool& more) mutable {
      bool pass_done = false;
      do {
        removed +=
            pruner_.step(core, before, std::min(prune_step, std::max<std::size_t>(limit - removed, 1)), pass_done);
        more = !pass_done;
        // One phase a call: what fails takes back nothing of another.
        if (pass_done || removed >= limit || pruner_.between_phases()) return true;
      } while (!slice.over());
      return false;
    };
    writer_.submit_slow(make_unit<bool>(std::move(work), std::move(done)));
  }

  void backup(std::string path, Done<std::uint64_t> done) override {
    backup_.start(path_, std::move(path), [this, done = std::move(done)](Result<std::uint64_t> result) {
      writer_.post([done, result = std::move(result)] {
        if (done) done(result);
      });
    });
  }

  CommitLoad load() const override { return writer_.load_now(); }
  std::unique_ptr<Reader> open_reader() override { return make_reader(path_); }
  void on_events(std::function<void()> doorbell) override { writer_.on_events(std::move(doorbell)); }
  void on_deliveries(std::function<void()> doorbell) override { writer_.on_deliveries(std::move(doorbell)); }

 private:
  FileLock lock_;
  std::string path_;
  Pruner pruner_;  // Thread: the writer's
  Writer writer_;
  Backup backup_;  // Lifetime: ends before the writer, to which it posts
};

Result<void> prepare(const Options& options) {
  try {
    Connection db(options.path, Connection::Mode::create);
    // page_size holds only for a new file; WAL is a property of the file.
    db.execute("PRAGMA page_size=4096");
    auto migrated = migrate(db, options.path, options.migrations ? *options.migrations : migrations());
    if (!migrated) return migrated.error();
    db.execute("PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL");
    return {};
  } catch (const SqlError& error) {
    if (error.primary() == SQLITE_NOTADB)
      return invalid(options.path +
                     " is not a SQLite database, so not a store of chatrelay; name another file under `store:`");
    if (error.primary() == SQLITE_READONLY || error.primary() == SQLITE_CANTOPEN)
      return invalid("cannot write to the store " + options.path + ": " + error.message +
                     "; the file and its folder must be writable for the user who runs chatrelay");
    return to_error(error, "opening " + options.path);
  }
}

}  // namespace

Result<std::unique_ptr<Store>> open(Options options, const Clock& clock, Metrics& metrics) {
  auto lock = FileLock::take(options.path);
  if (!lock) return lock.error();
  auto prepared = prepare(options);
  if (!prepared) return prepared.error();
  try {
    const std::string path = options.path;
    auto store = std::make_unique<SqliteStore>(std::move(*lock), std::move(options), clock, metrics);
    store->start();
    auto synced = sync_folder_of(path);
    if (!synced) return synced.error();
    return Result<std::unique_ptr<Store>>(std::move(store));
  } catch (const SqlError& error) {
    return to_error(error, "opening the store");
  }
}

}  // namespace chatrelay::store::sqlite
