#include "store/sqlite/database.hpp"

#include <mutex>

#include <fcntl.h>
#include <unistd.h>

#include "store/sqlite/gathering_vfs.hpp"

namespace chatrelay::store::sqlite {
namespace {

// Once per process, before the first connection: no global allocation statistics (a mutex per malloc), and statement
// journals stay in memory, so that a savepoint never needs a temporary file on a full disk.
void configure_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
    sqlite3_initialize();
  });
}

// What people said to each other is not for every user of the machine; SQLite would make the file 0644, and the files
// beside it like it. One that exists is not touched: to close it would give up SQLite's locks on it.
void create_private(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (descriptor >= 0) ::close(descriptor);  // else SQLite says what is wrong
}

}  // namespace

bool is_fatal(const SqlError& error) {
  switch (error.primary()) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
      return true;
    default:
      return false;
  }
}

Error to_error(const SqlError& error, std::string_view doing) {
  std::string message =
      "store: " + std::string(doing) + ": " + error.message + " (SQLite " + std::to_string(error.code) + ")";
  return {is_fatal(error) ? ErrorKind::unavailable : ErrorKind::internal, std::move(message)};
}

Connection::Connection(const std::string& path, Mode mode) {
  configure_library();
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::create) {
    flags |= SQLITE_OPEN_CREATE;
    create_private(path);
  }
  int code = sqlite3_open_v2(path.c_str(), &db_, flags, mode == Mode::writer ? gathering_vfs() : nullptr);
  if (code != SQLITE_OK) {
    SqlError error{code, db_ ? sqlite3_errmsg(db_) : sqlite3_errstr(code)};
    sqlite3_close(db_);
    throw error;
  }
  // Invariant 7: a connection that closes last would checkpoint; only the writer does that, when it says so itself.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_busy_timeout(db_, 5000);
}

Connection::~Connection() {
  for (auto& [text, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
}

void Connection::fail(int code) {
  throw SqlError{code, sqlite3_errmsg(db_)};
}

void Connection::execute(const char* sql) {
  int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Connection::pragma(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr);
  if (code != SQLITE_OK) fail(code);
  code = sqlite3_step(statement);
  std::int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  sqlite3_finalize(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) fail(code);
  return value;
}

sqlite3_stmt* Connection::prepared(const char* literal) {
  auto found = statements_.find(literal);
  if (found != statements_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(db_, literal, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code);
  statements_.emplace(literal, statement);
  return statement;
}

int Connection::injected(sqlite3_stmt* statement) {
  if (!fault_ || (sqlite3_stmt_readonly(statement) && sqlite3_column_count(statement) > 0)) return 0;
  return fault_(++calls_, sqlite3_sql(statement));
}

bool Rows::next() {
  if (int code = connection_.injected(statement_))
    throw SqlError{code, "injected: " + std::string(sqlite3_errstr(code))};
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  SqlError error{code, sqlite3_errmsg(connection_.raw())};
  sqlite3_reset(statement_);
  throw error;
}

std::optional<WallTime> Rows::maybe_time(int i) const {
  if (null(i)) return std::nullopt;
  return time(i);
}

std::string_view Rows::text(int i) const {
  const void* bytes = sqlite3_column_blob(statement_, i);
  int size = sqlite3_column_bytes(statement_, i);
  return bytes ? std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size)) : std::string_view{};
}

void bind(sqlite3_stmt* s, int i, std::int64_t v) {
  sqlite3_bind_int64(s, i, v);
}
void bind(sqlite3_stmt* s, int i, std::string_view v) {
  sqlite3_bind_text64(s, i, v.data() ? v.data() : "", v.size(), SQLITE_STATIC, SQLITE_UTF8);
}
void bind(sqlite3_stmt* s, int i, Blob v) {
  sqlite3_bind_blob64(s, i, v.bytes.data() ? v.bytes.data() : "", v.bytes.size(), SQLITE_STATIC);
}
void bind(sqlite3_stmt* s, int i, std::nullptr_t) {
  sqlite3_bind_null(s, i);
}

}  // namespace chatrelay::store::sqlite
