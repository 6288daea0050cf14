#include "ingest/hook_path.hpp"

#include "common/digits.hpp"

namespace chatrelay::ingest {

namespace {

// False if a % is not followed by two hexadecimal digits.
bool decode_segment(std::string_view segment, std::string& storage, std::string_view& out) {
  if (segment.find('%') == std::string_view::npos) {
    out = segment;
    return true;
  }
  storage.clear();
  storage.reserve(segment.size());
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      storage.push_back(segment[i]);
      continue;
    }
    if (i + 2 >= segment.size()) return false;
    const int high = hex_digit(segment[i + 1]);
    const int low = hex_digit(segment[i + 2]);
    if (high < 0 || low < 0) return false;
    storage.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  out = storage;
  return true;
}

}  // namespace

HookPath::HookPath(std::string_view path) {
  constexpr std::string_view prefix = "/hooks/";
  if (path.substr(0, prefix.size()) != prefix) {
    error_ = HookPathError::not_a_hook;
    return;
  }
  path.remove_prefix(prefix.size());
  const std::size_t slash = path.find('/');
  const std::string_view name = path.substr(0, slash);
  const std::string_view secret = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  // A secret with a slash in it is written %2F; a further segment is nobody's path.
  if (name.empty() || secret.find('/') != std::string_view::npos) {
    error_ = HookPathError::not_a_hook;
    return;
  }
  if (!decode_segment(name, decoded_source_, source_) || !decode_segment(secret, decoded_secret_, secret_))
    error_ = HookPathError::bad_encoding;
}

}  // namespace chatrelay::ingest
