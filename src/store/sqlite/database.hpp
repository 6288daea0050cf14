// Connection and Rows: the thinnest layer over sqlite3 that the rest of this folder needs. Statements are prepared once
// per connection and found again by the address of their text, so only string literals may be given.
//
// Errors are SqlError exceptions inside this folder; they end at the writer's units and at the Reader's methods.
// Thread: a Connection belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sqlite3.h>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace chatrelay::store::sqlite {

struct SqlError {
  int code = SQLITE_ERROR;  // extended
  std::string message;
  int primary() const { return code & 0xff; }
};
// The disk or the whole connection is in trouble: the transaction cannot go on. Else only this statement failed.
bool is_fatal(const SqlError& error);
// `unavailable` for what passes by itself (disk full, read-only, I/O), `internal` for the rest.
Error to_error(const SqlError& error, std::string_view doing);

struct Blob {
  std::string_view bytes;
};

class Connection {
 public:
  enum class Mode { read_write, create, read_only, writer };  // writer: the daemon's one, see gathering_vfs.hpp
  Connection(const std::string& path, Mode mode);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  using Fault = std::function<int(std::uint64_t nth, const char* what)>;
  void set_fault(Fault fault) { fault_ = std::move(fault); }

  void execute(const char* sql);         // any text, not cached, not subject to faults
  std::int64_t pragma(const char* sql);  // first column of the first row
  sqlite3_stmt* prepared(const char* literal);
  // Runs a writing statement; the number of changed rows.
  template <class... Args>
  int run(const char* literal, const Args&... args);
  bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  sqlite3* raw() { return db_; }
  [[noreturn]] void fail(int code);
  int injected(sqlite3_stmt* statement);  // 0, or the code that a test wants this step to fail with

 private:
  sqlite3* db_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
  Fault fault_;
  std::uint64_t calls_ = 0;
};

void bind(sqlite3_stmt* s, int i, std::int64_t v);
inline void bind(sqlite3_stmt* s, int i, int v) {
  bind(s, i, static_cast<std::int64_t>(v));
}
inline void bind(sqlite3_stmt* s, int i, long long v) {
  bind(s, i, static_cast<std::int64_t>(v));
}
inline void bind(sqlite3_stmt* s, int i, bool v) {
  bind(s, i, static_cast<std::int64_t>(v));
}
inline void bind(sqlite3_stmt* s, int i, std::uint32_t v) {
  bind(s, i, static_cast<std::int64_t>(v));
}
inline void bind(sqlite3_stmt* s, int i, std::uint64_t v) {
  bind(s, i, static_cast<std::int64_t>(v));
}
inline void bind(sqlite3_stmt* s, int i, unsigned long long v) {
  bind(s, i, static_cast<std::int64_t>(v));
}
inline void bind(sqlite3_stmt* s, int i, WallTime v) {
  bind(s, i, static_cast<std::int64_t>(to_ms(v)));
}
void bind(sqlite3_stmt* s, int i, std::string_view v);  // Lifetime: must live until the statement is reset
inline void bind(sqlite3_stmt* s, int i, const std::string& v) {
  bind(s, i, std::string_view(v));
}
inline void bind(sqlite3_stmt* s, int i, const char* v) {
  bind(s, i, std::string_view(v));
}
void bind(sqlite3_stmt* s, int i, Blob v);
void bind(sqlite3_stmt* s, int i, std::nullptr_t);
template <class T>
void bind(sqlite3_stmt* s, int i, const std::optional<T>& v) {
  if (v)
    bind(s, i, *v);
  else
    bind(s, i, nullptr);
}

// One execution of a cached statement; reset when it goes. Lifetime: bound text must outlive it; two Rows of one
// literal must not be open at once.
class Rows {
 public:
  template <class... Args>
  Rows(Connection& connection, const char* literal, const Args&... args)
      : connection_(connection), statement_(connection.prepared(literal)) {
    int i = 0;
    (bind(statement_, ++i, args), ...);
  }
  ~Rows() { sqlite3_reset(statement_); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  bool next();
  std::int64_t integer(int i) const { return sqlite3_column_int64(statement_, i); }
  std::uint64_t number(int i) const { return static_cast<std::uint64_t>(integer(i)); }
  WallTime time(int i) const { return from_ms(integer(i)); }
  std::optional<WallTime> maybe_time(int i) const;
  bool null(int i) const { return sqlite3_column_type(statement_, i) == SQLITE_NULL; }
  std::string_view text(int i) const;  // valid until next(); "" for NULL; blobs too
  std::string string(int i) const { return std::string(text(i)); }

 private:
  Connection& connection_;
  sqlite3_stmt* statement_;
};

template <class... Args>
int Connection::run(const char* literal, const Args&... args) {
  Rows rows(*this, literal, args...);
  while (rows.next()) {
  }
  return sqlite3_changes(db_);
}

}  // namespace chatrelay::store::sqlite
