// What both file-writing destinations need of POSIX: descriptors that close themselves, whole writes, messages for
// people.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace chatrelay::destinations {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

// Writes everything; 0, or errno. Short writes and EINTR are handled.
int write_all(int fd, std::string_view bytes);
// fsync of a folder: a new or renamed file is there after a crash only then. 0, or errno.
int sync_folder(const std::string& folder);
// "cannot write /var/x: No space left on device"
std::string io_message(std::string_view what, std::string_view path, int error);

}  // namespace chatrelay::destinations
