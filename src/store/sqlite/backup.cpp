#include "store/sqlite/backup.hpp"

#include <chrono>
#include <filesystem>

#include "store/sqlite/database.hpp"
#include "store/sqlite/files.hpp"

namespace chatrelay::store::sqlite {
namespace {
constexpr int pages_per_step = 128;  // half a MiB: the other threads get the disk in between
constexpr auto pause_between_steps = std::chrono::microseconds(500);
}  // namespace

Backup::~Backup() {
  stop_ = true;
  std::lock_guard lock(mutex_);
  if (thread_.joinable()) thread_.join();
}

void Backup::start(std::string from, std::string to, std::function<void(Result<std::uint64_t>)> done) {
  if (busy_.exchange(true)) return done(Error{ErrorKind::conflict, "store: a backup is under way already"});
  std::lock_guard lock(mutex_);
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread([this, from = std::move(from), to = std::move(to), done = std::move(done)] {
    auto result = run(from, to);
    busy_ = false;
    done(std::move(result));
  });
}

Result<std::uint64_t> Backup::run(const std::string& from, const std::string& to) {
  if (exists(to)) return Error{ErrorKind::conflict, "store: " + to + " exists already; a backup replaces nothing"};
  const std::string partial = to + ".partial";
  std::error_code ignored;
  std::filesystem::remove(partial, ignored);
  try {
    Connection source(from, Connection::Mode::read_only);
    source.execute("PRAGMA cache_size=-1024; BEGIN");
    source.pragma("SELECT count(*) FROM meta");  // the read transaction begins with the first read
    Connection target(partial, Connection::Mode::create);
    target.execute("PRAGMA synchronous=OFF; PRAGMA cache_size=-1024");
    sqlite3_backup* backup = sqlite3_backup_init(target.raw(), "main", source.raw(), "main");
    if (!backup) target.fail(sqlite3_errcode(target.raw()));
    int code = SQLITE_OK;
    while ((code = sqlite3_backup_step(backup, pages_per_step)) == SQLITE_OK && !stop_)
      std::this_thread::sleep_for(pause_between_steps);
    sqlite3_backup_finish(backup);
    if (code == SQLITE_OK) throw SqlError{SQLITE_INTERRUPT, "shutting down"};
    if (code != SQLITE_DONE) throw SqlError{code, sqlite3_errstr(code)};
    target.execute("PRAGMA journal_mode=DELETE");  // one file, without a WAL beside it
  } catch (const SqlError& error) {
    std::filesystem::remove(partial, ignored);
    return to_error(error, "backup to " + to);
  }
  auto synced = sync_file(partial);
  if (!synced) return synced.error();
  const auto bytes = size_of(partial);
  auto renamed = rename_new(partial, to);
  if (!renamed) {
    std::filesystem::remove(partial, ignored);
    return renamed.error();
  }
  return bytes;
}

}  // namespace chatrelay::store::sqlite
