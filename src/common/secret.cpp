#include "common/secret.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <openssl/crypto.h>

#include "common/crypto.hpp"
#include "common/text.hpp"

namespace chatrelay {

bool equal_constant_time(std::string_view secret, std::string_view candidate) {
  // As much work where the lengths differ: the candidate is then compared with itself.
  const bool same_length = secret.size() == candidate.size();
  const std::string_view other = same_length ? secret : candidate;
  const bool same = CRYPTO_memcmp(other.data(), candidate.data(), candidate.size()) == 0;
  return same && same_length;
}

Secret::Secret(std::string value) : value_(std::move(value)) {
  redactor::add(value_);
}

namespace redactor {
namespace {

constexpr std::size_t secret_bytes_min = 4;   // shorter ones would blank ordinary text
constexpr std::size_t encoded_bytes_min = 6;  // the same for pieces of an encoding, which match without their ends
constexpr std::string_view blank = "[secret]";

std::uint16_t prefix_of(std::string_view text, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(text[at]) << 8 |
                                    static_cast<unsigned char>(text[at + 1]));
}

// All needles, found by their first two bytes: a text without any secret costs one bit test a byte.
class Needles {
 public:
  void add(std::string needle) {
    if (needle.size() < secret_bytes_min || !known_.insert(needle).second) return;
    const std::uint16_t prefix =
        static_cast<std::uint16_t>(static_cast<unsigned char>(needle[0]) << 8 | static_cast<unsigned char>(needle[1]));
    starts_.set(prefix);
    by_prefix_[prefix].push_back(std::move(needle));
  }
  bool empty() const { return known_.empty(); }
  // The longest needle that stands at `at`; 0 if none.
  std::size_t match(std::string_view text, std::size_t at) const {
    const std::uint16_t prefix = prefix_of(text, at);
    if (!starts_.test(prefix)) return 0;
    std::size_t longest = 0;
    for (const std::string& needle : by_prefix_.at(prefix))
      if (needle.size() > longest && text.substr(at).starts_with(needle)) longest = needle.size();
    return longest;
  }
  bool contains(const std::string& needle) const { return known_.contains(needle); }

 private:
  std::bitset<65536> starts_;
  std::unordered_map<std::uint16_t, std::vector<std::string>> by_prefix_;
  std::unordered_set<std::string> known_;
};

struct Registry {
  std::shared_mutex mutex;
  Needles needles;
};

// Lifetime: never destroyed, since lines are written until the very end of the process.
Registry& registry() {
  static Registry* const r = new Registry;
  return *r;
}

std::string lower_percent(std::string text) {
  for (std::size_t i = 0; i + 2 < text.size(); ++i)
    if (text[i] == '%')
      for (const std::size_t k : {i + 1, i + 2})
        if (text[k] >= 'A' && text[k] <= 'F') text[k] = static_cast<char>(text[k] - 'A' + 'a');
  return text;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string json_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
          out += "0123456789abcdef"[c & 15];
        } else {
          out += c;
        }
    }
  }
  return out;
}

// A secret inside something that was encoded as a whole ("user:secret" of Basic authentication) starts at any of three
// places in a base64 group. The characters that only the secret decides are the same whatever stands around it.
void add_base64(Needles& needles, std::string_view secret) {
  needles.add(base64_encode(secret));
  for (std::size_t shift = 0; shift < 3; ++shift) {
    const std::string padded = std::string(shift, '\0') + std::string(secret);
    const std::size_t begin = (shift * 8 + 5) / 6;
    const std::size_t end = padded.size() * 8 / 6;
    if (end < begin + encoded_bytes_min) continue;
    needles.add(base64_encode(padded).substr(begin, end - begin));
    needles.add(base64url_encode(padded).substr(begin, end - begin));
  }
}

void add_hex(Needles& needles, std::string_view secret) {
  const std::string hex = hex_encode({reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size()});
  std::string upper = hex;
  for (char& c : upper)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  needles.add(hex);
  needles.add(upper);
}

}  // namespace

void add(std::string_view secret) {
  if (secret.size() < secret_bytes_min) return;
  Registry& r = registry();
  const std::unique_lock lock(r.mutex);
  if (r.needles.contains(std::string(secret)))
    return;  // known with all its forms, unless it was a form of another: then
             // its own forms are forms of forms, which nothing writes
  r.needles.add(std::string(secret));
  const std::string percent = percent_encode(secret);
  r.needles.add(percent);
  r.needles.add(lower_percent(percent));
  r.needles.add(replace_all(percent, "%20", "+"));  // as in a form
  const std::string escaped = json_escape(secret);
  r.needles.add(escaped);
  r.needles.add(replace_all(escaped, "/", "\\/"));  // as PHP writes it
  r.needles.add(escape_html(secret));
  r.needles.add(repair_utf8(secret));
  r.needles.add(printable(secret, secret.size() * 4));
  add_base64(r.needles, secret);
  add_hex(r.needles, secret);
}

std::string redact(std::string_view text) {
  Registry& r = registry();
  const std::shared_lock lock(r.mutex);
  std::string out;
  if (r.needles.empty() || text.size() < secret_bytes_min) return out.assign(text);
  std::size_t copied = 0;   // text up to here is in out
  std::size_t covered = 0;  // the end of the secrets met last: those that overlap are blanked as one
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const std::size_t length = r.needles.match(text, i);
    if (length == 0) continue;
    if (i >= covered) {
      out += text.substr(copied, i - copied);
      out += blank;
      covered = copied = i + length;
    } else {
      covered = copied = std::max(covered, i + length);
    }
  }
  out += text.substr(copied);
  return out;
}

}  // namespace redactor
}  // namespace chatrelay
