#include "store/sqlite/files.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/database.hpp"

namespace chatrelay::store::sqlite {
namespace {

Error from_errno(const std::string& doing, const std::string& path) {
  return unavailable("store: " + doing + " " + path + ": " + std::strerror(errno));
}

Result<void> sync_path(const std::string& path, int flags) {
  int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return from_errno("cannot open", path);
  int code = ::fsync(descriptor);
  auto error = from_errno("cannot sync", path);
  ::close(descriptor);
  if (code != 0) return error;
  return {};
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& path) {
  const std::string name = path + ".lock";
  int descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor < 0) {
    const int why = errno;
    if (why == ENOENT)
      return invalid("the folder of the store " + path +
                     " does not exist; create it, owned by the user who runs chatrelay");
    return invalid("cannot create " + name + ": " + std::strerror(why) +
                   "; the store's folder must be writable for the user who runs chatrelay");
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    char pid[32] = {};
    ssize_t n = ::read(descriptor, pid, sizeof(pid) - 1);
    ::close(descriptor);
    std::string who = n > 0 ? " (process " + std::string(pid, static_cast<std::size_t>(n)) + ")" : std::string{};
    return invalid("the store " + path + " is in use by another chatrelay" + who + "; stop it first");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
    // Only for the message above: a full disk must not keep the daemon from starting.
  }
  return FileLock(descriptor);
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

std::uint64_t size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

Result<void> sync_file(const std::string& path) {
  return sync_path(path, O_RDONLY);
}

Result<void> sync_folder_of(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path().string();
  return sync_path(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

Result<void> rename_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return Error{ErrorKind::conflict, to + " exists already"};
    // A file system without RENAME_NOREPLACE: a link does not replace either.
    if (errno != EINVAL || ::link(from.c_str(), to.c_str()) != 0) return from_errno("cannot rename to", to);
    ::unlink(from.c_str());
  }
  return sync_folder_of(to);
}

Result<void> copy_database(const std::string& from, const std::string& to, bool replace) {
  const std::string partial = to + ".partial";
  std::error_code ignored;
  std::filesystem::remove(partial, ignored);
  try {
    Connection source(from, Connection::Mode::read_only);
    Connection target(partial, Connection::Mode::create);
    target.execute("PRAGMA synchronous=OFF");
    sqlite3_backup* backup = sqlite3_backup_init(target.raw(), "main", source.raw(), "main");
    if (!backup) target.fail(sqlite3_errcode(target.raw()));
    sqlite3_backup_step(backup, -1);
    int code = sqlite3_backup_finish(backup);
    if (code != SQLITE_OK) target.fail(code);
    target.execute("PRAGMA journal_mode=DELETE");
  } catch (const SqlError& error) {
    std::filesystem::remove(partial, ignored);
    return to_error(error, "copying " + from + " to " + to);
  }
  auto synced = sync_file(partial);
  if (!synced) return synced.error();
  if (replace) {
    if (::rename(partial.c_str(), to.c_str()) != 0) return from_errno("cannot rename to", to);
    return sync_folder_of(to);
  }
  return rename_new(partial, to);
}

}  // namespace chatrelay::store::sqlite
