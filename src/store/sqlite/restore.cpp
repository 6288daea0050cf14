#include <filesystem>

#include <unistd.h>

#include "store/sqlite/database.hpp"
#include "store/sqlite/files.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace chatrelay::store::sqlite {
namespace {

Result<void> check_backup(const std::string& from) {
  if (!exists(from)) return not_found(from + " does not exist");
  try {
    Connection db(from, Connection::Mode::read_only);
    if (db.pragma("PRAGMA application_id") != application_id) return invalid(from + " is not a backup of chatrelay");
    Rows rows(db, "PRAGMA quick_check(1)");
    if (!rows.next() || rows.text(0) != "ok") return invalid(from + " is damaged: " + rows.string(0));
    return {};
  } catch (const SqlError& error) {
    return invalid(from + " cannot be restored: " + error.message);
  }
}

// On a copy that nobody else has open.
void settle_pending(Connection& db, RestorePending pending, WallTime now) {
  if (pending == RestorePending::keep) return;
  db.execute("BEGIN IMMEDIATE");
  if (pending == RestorePending::hold) {
    db.run("UPDATE deliveries SET state=2,reason='restored from a backup' WHERE state<2");
    // Nothing is to be sent unasked, and by now every deadline may have passed.
    db.run("UPDATE delivery_details SET deadline=NULL,other_way=NULL");
    db.run("UPDATE counters SET c=a+b+c,a=0,b=0 WHERE kind=1");
  } else {
    db.run("UPDATE deliveries SET state=5,head=0,reason='restored from a backup',finished_at=?1 WHERE state<3", now);
    db.run("UPDATE delivery_details SET progress=NULL,deadline=NULL,other_way=NULL");
    db.run("UPDATE counters SET f=a+b+c+f,a=0,b=0,c=0 WHERE kind=1");
    db.run("UPDATE counters SET c=0 WHERE kind=0");
  }
  db.execute("COMMIT");
}

Result<void> prepare(const std::string& from, const std::string& copy, RestorePending pending, WallTime now) {
  std::error_code ignored;
  auto copied = copy_database(from, copy, true);
  if (!copied) return copied.error();
  try {
    Connection db(copy, Connection::Mode::read_write);
    auto migrated = migrate(db, copy, migrations());
    if (!migrated) {
      std::filesystem::remove(copy, ignored);
      return migrated.error();
    }
    settle_pending(db, pending, now);
  } catch (const SqlError& error) {
    std::filesystem::remove(copy, ignored);
    return to_error(error, "restore");
  }
  return sync_file(copy);
}

}  // namespace

Result<void> restore(const std::string& from, const std::string& path, RestorePending pending, WallTime now) {
  auto lock = FileLock::take(path);
  if (!lock) return lock.error();
  auto checked = check_backup(from);
  if (!checked) return checked.error();
  const std::string copy = path + ".restoring";
  auto prepared = prepare(from, copy, pending, now);
  if (!prepared) return prepared.error();
  std::error_code error;
  if (exists(path)) {
    try {
      Connection old(path, Connection::Mode::read_write);
      old.pragma("PRAGMA wal_checkpoint(TRUNCATE)");  // so that PATH.replaced is whole by itself
    } catch (const SqlError&) {
      // A damaged store is a good reason to restore; its WAL goes along below.
    }
    for (const char* suffix : {"-wal", "-shm", ""}) {
      const std::string from_here = path + suffix, to_there = path + ".replaced" + suffix;
      std::filesystem::remove(to_there, error);
      if (!exists(from_here)) continue;
      // The file itself keeps its name until the copy takes it: a crash in between must not leave a folder without a
      // store, where the next start would begin an empty one. Some file systems know no second name.
      if (*suffix == '\0' && ::link(from_here.c_str(), to_there.c_str()) == 0) continue;
      std::filesystem::rename(from_here, to_there, error);
      if (error) return unavailable("cannot move " + from_here + " away: " + error.message());
    }
  }
  std::filesystem::rename(copy, path, error);
  if (error) return unavailable("cannot rename " + copy + " to " + path + ": " + error.message());
  return sync_folder_of(path);
}

}  // namespace chatrelay::store::sqlite
