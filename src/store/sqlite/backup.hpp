// Backup: a consistent copy in small steps on a thread and a connection of its own, beside the writer. It holds one
// read transaction from beginning to end: the copy is of one moment, and writes need not begin it anew; until it ends
// the WAL keeps what is written meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "common/error.hpp"

namespace chatrelay::store::sqlite {

class Backup {
 public:
  ~Backup();  // cuts one that is under way
  // `done` is called on the backup's thread. Errors: conflict: the file exists, or another backup is under way.
  void start(std::string from, std::string to, std::function<void(Result<std::uint64_t>)> done);

 private:
  Result<std::uint64_t> run(const std::string& from, const std::string& to);
  std::mutex mutex_;
  std::thread thread_;  // protected by mutex_
  std::atomic<bool> busy_{false}, stop_{false};
};

}  // namespace chatrelay::store::sqlite
