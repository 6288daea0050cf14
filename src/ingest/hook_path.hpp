// The path of a webhook: /hooks/<source>[/<secret>]. Pure. Copies nothing unless a segment is percent-encoded.
#pragma once

#include <string>
#include <string_view>

namespace chatrelay::ingest {

enum class HookPathError { none, not_a_hook, bad_encoding };

// Lifetime: the views point into the path, or into this object where something had to be decoded; so it is not copied.
class HookPath {
 public:
  explicit HookPath(std::string_view path);
  HookPath(const HookPath&) = delete;
  HookPath& operator=(const HookPath&) = delete;

  HookPathError error() const { return error_; }
  std::string_view source() const { return source_; }
  std::string_view secret() const { return secret_; }  // empty if there is none

 private:
  HookPathError error_ = HookPathError::none;
  std::string_view source_, secret_;
  std::string decoded_source_, decoded_secret_;
};

}  // namespace chatrelay::ingest
