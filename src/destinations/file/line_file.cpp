#include "destinations/file/line_file.hpp"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace chatrelay::destinations::file {

namespace {

Error open_error(const std::string& path, int error) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (error == ENOENT && !folder.empty() && !std::filesystem::exists(folder, ignored)) {
    return unavailable("the folder " + folder.string() + " does not exist; create it, writable for chatrelay");
  }
  return unavailable(io_message("cannot open", path, error));
}

}  // namespace

bool LineFile::is_current() const {
  struct stat open_file {
  }, named{};
  if (::fstat(fd_.get(), &open_file) != 0 || ::stat(path_.c_str(), &named) != 0) return false;
  return open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

Result<void> LineFile::ensure_open() {
  if (fd_ && is_current()) return {};
  fd_.close();
  // Readable, to see how the last line ends. Not blocking: a FIFO without a reader would hold the thread for ever.
  Descriptor fd(::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, mode_));
  if (!fd) return open_error(path_, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return unavailable(io_message("cannot look at", path_, errno));
  if (!S_ISREG(status.st_mode)) return unavailable(path_ + " is not a regular file");
  begin_new_line_ = false;
  if (status.st_size > 0) {
    char last = '\n';
    if (::pread(fd.get(), &last, 1, status.st_size - 1) != 1)
      return unavailable(io_message("cannot read", path_, errno));
    begin_new_line_ = last != '\n';
  } else {
    // The file may be new: without its folder synced, a crash could take it away with everything synced into it.
    const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
    if (const int error = sync_folder(folder.empty() ? "." : folder.string()); error != 0) {
      return unavailable(io_message("cannot sync the folder of", path_, error));
    }
  }
  fd_ = std::move(fd);
  return {};
}

Result<void> LineFile::write_synced(std::string_view bytes) {
  struct stat before {};
  if (::fstat(fd_.get(), &before) != 0) return unavailable(io_message("cannot look at", path_, errno));
  int error = write_all(fd_.get(), bytes);
  if (error == 0 && ::fdatasync(fd_.get()) != 0) error = errno;
  if (error == 0) return {};
  // Take back what this append had begun, unless somebody else wrote after it. Closing makes the next append look at
  // the end again, and a failed fdatasync must not be trusted on the same descriptor.
  struct stat after {};
  const bool ours = ::fstat(fd_.get(), &after) == 0 && after.st_size >= before.st_size &&
                    static_cast<std::size_t>(after.st_size - before.st_size) <= bytes.size();
  if (ours && ::ftruncate(fd_.get(), before.st_size) != 0) {
    // Stays: the next append closes the half line, and the lines before it are written twice rather than lost.
  }
  fd_.close();
  return unavailable(io_message("cannot write", path_, error));
}

Result<void> LineFile::append(std::string_view lines) {
  if (const Result<void> open = ensure_open(); !open) return open.error();
  std::string with_break;
  if (begin_new_line_) {
    with_break = "\n" + std::string(lines);
    lines = with_break;
  }
  Result<void> written = write_synced(lines);
  if (written) begin_new_line_ = false;
  return written;
}

Result<std::uint64_t> LineFile::probe() {
  if (const Result<void> open = ensure_open(); !open) return open.error();
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) return unavailable(io_message("cannot look at", path_, errno));
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace chatrelay::destinations::file
