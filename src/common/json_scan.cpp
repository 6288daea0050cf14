#include "common/json_scan.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include <boost/container/small_vector.hpp>

#include "common/json_text.hpp"

namespace chatrelay {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

constexpr std::uint64_t repeat(std::uint64_t byte) {
  return byte * 0x0101010101010101ull;
}

// The high bit of each byte of `word` that is zero (exact up to the first one).
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - repeat(0x01)) & ~word & repeat(0x80);
}

constexpr bool ends_plain_run(char c) {
  return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

// The first byte at or after `at` that is a quote, a backslash or a control character; `end` if there is none.
const char* plain_run_end(const char* at, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; end - at >= 8; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, 8);
      const std::uint64_t control = (word - repeat(0x20)) & ~word & repeat(0x80);
      const std::uint64_t hits = zero_bytes(word ^ repeat('"')) | zero_bytes(word ^ repeat('\\')) | control;
      if (hits != 0) return at + std::countr_zero(hits) / 8;
    }
  }
  while (at != end && !ends_plain_run(*at)) ++at;
  return at;
}

constexpr bool is_white(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What must be remembered of every open container: whether it is an object, and whether it already has a member that
// stays. Two bits a level, the first 1024 levels without allocation.
class Levels {
 public:
  void push(bool is_object) {
    if (depth_ == inline_levels + more_.size() * 64) more_.push_back({});
    Word& word = at(depth_);
    const std::uint64_t bit = std::uint64_t{1} << depth_ % 64;
    word.object = is_object ? word.object | bit : word.object & ~bit;
    word.kept &= ~bit;
    ++depth_;
  }
  void pop() { --depth_; }
  std::size_t depth() const { return depth_; }
  bool in_object() { return (at(depth_ - 1).object >> (depth_ - 1) % 64 & 1) != 0; }
  bool has_kept() { return (at(depth_ - 1).kept >> (depth_ - 1) % 64 & 1) != 0; }
  void set_kept() { at(depth_ - 1).kept |= std::uint64_t{1} << (depth_ - 1) % 64; }

 private:
  struct Word {
    std::uint64_t object = 0;
    std::uint64_t kept = 0;
  };
  static constexpr std::size_t inline_levels = 1024;
  Word& at(std::size_t level) {
    return level < inline_levels ? first_[level / 64] : more_[(level - inline_levels) / 64];
  }
  std::size_t depth_ = 0;
  std::array<Word, inline_levels / 64> first_{};
  std::vector<Word> more_;
};

class Scanner {
 public:
  Scanner(std::string_view text, std::span<const JsonPath> wanted, std::span<const std::string> taken_out)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), wanted_(wanted), taken_out_(taken_out) {
    result_.values.resize(wanted.size());
    for (const JsonPath& path : wanted) longest_path_ = std::max(longest_path_, path.keys.size());
    if (!wanted.empty()) matched_.resize(wanted.size());
  }

  JsonScanResult run() {
    if (text_from(at_).starts_with(byte_order_mark)) at_ += byte_order_mark.size();
    result_.well_formed = document();
    if (!result_.well_formed) result_.error_offset = static_cast<std::size_t>(at_ - begin_);
    return std::move(result_);
  }

 private:
  // What to do when the value of a member ends: keep its text for a wanted path, or close the range of a removed
  // member.
  struct Pending {
    std::size_t depth;  // of the object that the member is in
    std::size_t path;   // removal: this member is taken out; else an index into wanted_
    const char* begin;
  };
  static constexpr std::size_t removal = static_cast<std::size_t>(-1);

  std::string_view text_from(const char* from) const { return {from, static_cast<std::size_t>(end_ - from)}; }
  std::size_t offset(const char* p) const { return static_cast<std::size_t>(p - begin_); }
  void skip_white() {
    while (at_ != end_ && is_white(*at_)) ++at_;
  }

  // One value with all that is in it. Containers are entered and left in this one loop. On an error at_ is where it is.
  bool document() {
    skip_white();
    bool expect_value = true;
    while (true) {
      if (expect_value) {
        bool entered = false;
        if (!value(entered)) return false;
        if (entered) continue;
      }
      // A value has ended.
      if (!pending_.empty() && pending_.back().depth == levels_.depth()) finish_member();
      skip_white();
      if (levels_.depth() == 0) return at_ == end_;
      if (at_ == end_) return false;
      if (*at_ == ',') {
        if (!comma()) return false;
        expect_value = true;
      } else if (*at_ == (levels_.in_object() ? '}' : ']')) {
        leave();
        expect_value = false;
      } else {
        return false;
      }
    }
  }

  // Reads a scalar, an empty container (both: entered stays false), or enters a container and stands before its first
  // value.
  bool value(bool& entered) {
    if (at_ == end_) return false;
    switch (*at_) {
      case '"': {
        bool escaped = false;
        return string(escaped);
      }
      case '{':
      case '[': {
        const bool is_object = *at_ == '{';
        ++at_;
        levels_.push(is_object);
        result_.depth = std::max(result_.depth, levels_.depth());
        skip_white();
        if (at_ == end_) return false;
        if (*at_ == (is_object ? '}' : ']')) {
          leave();
          return true;
        }
        entered = true;
        return is_object ? key(at_) : true;
      }
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        return number();
    }
  }

  void leave() {
    ++at_;
    levels_.pop();
    extend_ = no_range;
  }

  bool comma() {
    const char* const here = at_;
    ++at_;
    // A removed member that nothing stays before takes the comma behind it along.
    if (extend_ != no_range) {
      result_.members[extend_].end = offset(at_);
      extend_ = no_range;
    }
    skip_white();
    if (!levels_.in_object()) return true;
    return key(here);
  }

  // A key, its colon, and the white space behind. `comma` is the comma before it, if there is one.
  bool key(const char* comma_before) {
    if (at_ == end_ || *at_ != '"') return false;
    const char* const opening = at_;
    bool escaped = false;
    if (!string(escaped)) return false;
    const std::string_view inner(opening + 1, static_cast<std::size_t>(at_ - opening) - 2);
    skip_white();
    if (at_ == end_ || *at_ != ':') return false;
    ++at_;
    skip_white();
    if (levels_.depth() > longest_path_ && taken_out_.empty()) return true;
    if (escaped)
      note_member(json_text::unescape(inner), opening, comma_before);
    else
      note_member(inner, opening, comma_before);
    return true;
  }

  void note_member(std::string_view name, const char* opening, const char* comma_before) {
    const std::size_t depth = levels_.depth();
    if (depth <= longest_path_) note_paths(name, depth);
    if (taken_out_.empty()) return;
    if (removing_) return;  // the outer member goes as a whole
    const bool goes = std::find(taken_out_.begin(), taken_out_.end(), name) != taken_out_.end();
    if (!goes) {
      levels_.set_kept();
      return;
    }
    removing_ = true;
    pending_.push_back({depth, removal, levels_.has_kept() ? comma_before : opening});
  }

  // matched_[i] keys of path i lead to where we are. A member that takes a path one step on starts its value anew: of
  // duplicated keys the last one holds.
  void note_paths(std::string_view name, std::size_t depth) {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const std::vector<std::string>& keys = wanted_[i].keys;
      if (matched_[i] != depth - 1 || keys.size() < depth || keys[depth - 1] != name) continue;
      result_.values[i] = {};
      matched_[i] = depth;
      pending_.push_back({depth, i, at_});
    }
  }

  // Invariant: pending_ is ordered by depth, since a member's actions end before its object does.
  void finish_member() {
    const std::size_t depth = levels_.depth();
    while (!pending_.empty() && pending_.back().depth == depth) {
      const Pending done = pending_.back();
      pending_.pop_back();
      if (done.path == removal) {
        removing_ = false;
        result_.members.push_back({offset(done.begin), offset(at_)});
        if (!levels_.has_kept()) extend_ = result_.members.size() - 1;
        continue;
      }
      matched_[done.path] = depth - 1;
      if (wanted_[done.path].keys.size() == depth)
        result_.values[done.path] = {done.begin, static_cast<std::size_t>(at_ - done.begin)};
    }
  }

  bool string(bool& escaped) {
    ++at_;
    while (true) {
      at_ = plain_run_end(at_, end_);
      if (at_ == end_) return false;
      if (*at_ == '"') {
        ++at_;
        return true;
      }
      if (*at_ != '\\') return false;  // a control character
      escaped = true;
      if (end_ - at_ < 2) return false;
      switch (at_[1]) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
          at_ += 2;
          break;
        case 'u':
          if (json_text::hex4(text_from(at_ + 2)) < 0) return false;
          at_ += 6;
          break;
        default:
          return false;
      }
    }
  }

  bool literal(std::string_view word) {
    if (!text_from(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool digits() {
    const char* const first = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != first;
  }

  bool number() {
    if (*at_ == '-') ++at_;
    if (at_ != end_ && *at_ == '0')
      ++at_;
    else if (!digits())
      return false;
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    return true;
  }

  static constexpr std::size_t no_range = static_cast<std::size_t>(-1);

  const char* const begin_;
  const char* at_;
  const char* const end_;
  std::span<const JsonPath> wanted_;
  std::span<const std::string> taken_out_;
  std::size_t longest_path_ = 0;
  boost::container::small_vector<std::size_t, 16> matched_;
  boost::container::small_vector<Pending, 8> pending_;
  std::size_t extend_ = no_range;  // the range that takes the next comma along
  bool removing_ = false;
  Levels levels_;
  JsonScanResult result_;
};

}  // namespace

JsonScanResult scan_json(std::string_view text, std::span<const JsonPath> wanted,
                         std::span<const std::string> taken_out) {
  return Scanner(text, wanted, taken_out).run();
}

std::string without_members(std::string_view text, std::span<const JsonScanResult::Range> members) {
  std::string out;
  out.reserve(text.size());
  std::size_t copied = 0;
  for (const auto& [begin, end] : members) {
    out += text.substr(copied, begin - copied);
    copied = end;
  }
  out += text.substr(copied);
  return out;
}

std::string scanned_string(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"') return std::string(raw);
  return json_text::unescape(raw.substr(1, raw.size() - 2));
}

}  // namespace chatrelay
