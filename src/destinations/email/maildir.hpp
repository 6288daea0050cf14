// Maildir: writes a message into DIR/new so that it is there whole and synced, or not at all (D. J. Bernstein's
// maildir(5)). Blocking; belongs to one thread.
#pragma once

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace chatrelay::destinations::email {

enum class MaildirResult { written, duplicate };

class Maildir {
 public:
  explicit Maildir(std::string folder) : folder_(std::move(folder)) {}
  // `name` is unique for the delivery, the same at each attempt. With `look_in_cur`, messages that a reader has moved
  // on to cur/ count as well (reads that whole folder). Errors: unavailable.
  Result<MaildirResult> deliver(std::string_view name, std::string_view message, bool look_in_cur);
  // Makes tmp, new and cur (0700) if they are missing, and tries to write.
  Result<void> probe();

 private:
  Result<void> ensure_folders() const;
  bool exists(std::string_view name, bool look_in_cur) const;

  std::string folder_;
};

// "1763632800.01jd….host": seconds, delivery, host; only characters that a file name of a Maildir may have.
std::string maildir_name(long long seconds, std::string_view delivery_id, std::string_view host);

}  // namespace chatrelay::destinations::email
