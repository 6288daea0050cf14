#include "ingest/hook_path.hpp"

#include <utility>

#include "http/url.hpp"

namespace chatrelay::ingest {

namespace {

// False if a % is not followed by two hexadecimal digits.
bool decode_segment(std::string_view segment, std::string& storage, std::string_view& out) {
  if (segment.find('%') == std::string_view::npos) {
    out = segment;
    return true;
  }
  auto decoded = http::percent_decode(segment);
  if (!decoded) return false;
  storage = std::move(*decoded);
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
