#include "destinations/email/maildir.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "destinations/file_io.hpp"

namespace chatrelay::destinations::email {

namespace fs = std::filesystem;

namespace {

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) {
    const fs::path parent = fs::path(path).parent_path();
    if (const int error = sync_folder(parent.empty() ? "." : parent.string()); error != 0) {
      return unavailable(io_message("cannot sync the folder of", path, error));
    }
    return {};
  }
  const int error = errno;
  if (error != EEXIST) return unavailable(io_message("cannot make the folder", path, error));
  return {};
}

// Written and synced under tmp/; what an earlier try left there is overwritten.
Result<void> write_new_file(const std::string& path, std::string_view bytes) {
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return unavailable(io_message("cannot open", path, errno));
  int error = write_all(fd.get(), bytes);
  if (error == 0 && ::fsync(fd.get()) != 0) error = errno;
  if (error == 0) return {};
  ::unlink(path.c_str());
  return unavailable(io_message("cannot write", path, error));
}

}  // namespace

Result<void> Maildir::ensure_folders() const {
  for (const std::string& path : {folder_, folder_ + "/tmp", folder_ + "/new", folder_ + "/cur"}) {
    if (const Result<void> made = make_folder(path); !made) return made.error();
  }
  return {};
}

bool Maildir::exists(std::string_view name, bool look_in_cur) const {
  std::error_code error;
  const std::string base(name);
  if (fs::exists(folder_ + "/new/" + base, error) || fs::exists(folder_ + "/cur/" + base, error)) return true;
  if (!look_in_cur) return false;
  const std::string with_flags = base + ":";  // "name:2,S"
  for (fs::directory_iterator it(folder_ + "/cur", error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().native().starts_with(with_flags)) return true;
  }
  return false;
}

Result<MaildirResult> Maildir::deliver(std::string_view name, std::string_view message, bool look_in_cur) {
  if (const Result<void> made = ensure_folders(); !made) return made.error();
  if (exists(name, look_in_cur)) {
    // It may have been renamed but not synced when the last try was cut off.
    if (const int error = sync_folder(folder_ + "/new"); error != 0)
      return unavailable(io_message("cannot sync", folder_ + "/new", error));
    return MaildirResult::duplicate;
  }
  const std::string temporary = folder_ + "/tmp/" + std::string(name);
  const std::string final_path = folder_ + "/new/" + std::string(name);
  if (const Result<void> written = write_new_file(temporary, message); !written) return written.error();
  if (std::rename(temporary.c_str(), final_path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return unavailable(io_message("cannot move a message to", folder_ + "/new", error));
  }
  if (const int error = sync_folder(folder_ + "/new"); error != 0)
    return unavailable(io_message("cannot sync", folder_ + "/new", error));
  return MaildirResult::written;
}

Result<void> Maildir::probe() {
  if (const Result<void> made = ensure_folders(); !made) return made.error();
  const std::string path = folder_ + "/tmp/probe." + std::to_string(::getpid());
  if (const Result<void> written = write_new_file(path, "probe\n"); !written) return written.error();
  ::unlink(path.c_str());
  return {};
}

std::string maildir_name(long long seconds, std::string_view delivery_id, std::string_view host) {
  std::string name = std::to_string(seconds) + "." + std::string(delivery_id) + "." + std::string(host.substr(0, 64));
  std::ranges::replace_if(
      name, [](unsigned char c) { return !(std::isalnum(c) || c == '.' || c == '-' || c == '_'); }, '_');
  return name;
}

}  // namespace chatrelay::destinations::email
