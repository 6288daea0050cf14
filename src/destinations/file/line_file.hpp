// LineFile: appends lines to a file and syncs them. Blocking; belongs to one thread.
//
// Promises: what append() said yes to is on disk, as whole lines. A line that a crash left half is closed before the
// next one. When the path names another file than the one that is open (rotation), the new one is opened. Nothing is
// ever cut off but what a failed append itself had begun.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "common/error.hpp"
#include "destinations/file_io.hpp"

namespace chatrelay::destinations::file {

class LineFile {
 public:
  LineFile(std::string path, mode_t mode) : path_(std::move(path)), mode_(mode) {}
  // `lines` are whole lines, each with its "\n". Errors: unavailable (no folder, no right, disk full), none of the
  // lines counts as written then.
  Result<void> append(std::string_view lines);
  // Opens it for writing and writes nothing; its size in bytes.
  Result<std::uint64_t> probe();

 private:
  Result<void> ensure_open();
  bool is_current() const;
  Result<void> write_synced(std::string_view bytes);

  std::string path_;
  mode_t mode_;
  Descriptor fd_;
  bool begin_new_line_ = false;  // the file ends in the middle of a line
};

}  // namespace chatrelay::destinations::file
