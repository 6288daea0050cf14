// Files of a store: the lock that keeps a second daemon out, synced copies, renames that survive a power cut.
// A store's own file is never opened here but through SQLite: closing any other descriptor of it would drop SQLite's
// locks.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.hpp"

namespace chatrelay::store::sqlite {

// Holds PATH.lock (flock) as long as it lives; the kernel lets go when the process dies.
class FileLock {
 public:
  static Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

bool exists(const std::string& path);
std::uint64_t size_of(const std::string& path);  // 0 if it is not there
Result<void> sync_file(const std::string& path);
Result<void> sync_folder_of(const std::string& path);
// Renames without replacing. Errors: conflict if `to` exists.
Result<void> rename_new(const std::string& from, const std::string& to);
// A consistent copy (with what its WAL holds) by SQLite's backup interface, synced, in one file without WAL. `replace`:
// an older copy may go.
Result<void> copy_database(const std::string& from, const std::string& to, bool replace);

}  // namespace chatrelay::store::sqlite
