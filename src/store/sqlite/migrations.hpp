// Migrations: the numbered steps that make a store of an older version one of this version. A step is never changed
// once released; a new one is added at the end. Each runs in its own transaction.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"

namespace chatrelay::store::sqlite {

class Connection;

struct Migration {
  int version = 0;        // PRAGMA user_version after it; 1, 2, 3, …
  std::string chatrelay;  // the first release that can read a store of this version; kept in the store for older ones
  std::string sql;
};

// "ChRl": tells our files from others'.
inline constexpr int application_id = 0x4368526c;

const std::vector<Migration>& migrations();

// Brings the open database to the newest version; an existing store is first copied to PATH.before-<its version>.
// Errors: invalid: not a chatrelay store; written by a newer chatrelay (named); unavailable: the disk.
Result<void> migrate(Connection& db, const std::string& path, const std::vector<Migration>& steps);

}  // namespace chatrelay::store::sqlite
