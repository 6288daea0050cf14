// A walk over the bytes of a JSON text: says whether its grammar is right, and where members stand. Allocates nothing
// on the usual path, recurses nowhere, takes any nesting up to its limit.
//
// The accept path needs three things of a webhook before the answer: is it JSON, what are the few values that name it,
// and where are the bytes of its secrets. A document parser would build everything and lose the original bytes; this
// keeps them.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chatrelay {

// One wanted value: the keys that lead to it from the root ("payload", "event", "id"). Array steps are not supported.
struct JsonPath {
  std::vector<std::string> keys;
};

struct JsonScanResult {
  bool well_formed = false;      // RFC 8259 grammar; lone surrogates, invalid UTF-8 and any depth are well formed
  std::size_t error_offset = 0;  // where the grammar broke
  std::size_t depth = 0;         // the deepest nesting met
  std::vector<std::string_view>
      values;  // for each wanted path the raw text of its last occurrence ("\"abc\"", "12", "{…}"), empty if absent
  // Byte ranges of whole members to take out (key, colon, value and the comma that belongs to it), in order, not
  // overlapping.
  struct Range {
    std::size_t begin, end;
  };
  std::vector<Range> members;
};

// `taken_out` are member names (compared after unescaping) of which every occurrence, at any depth, is listed in
// members.
JsonScanResult scan_json(std::string_view text, std::span<const JsonPath> wanted,
                         std::span<const std::string> taken_out);

// The text without those ranges. Removing a member keeps the grammar right.
std::string without_members(std::string_view text, std::span<const JsonScanResult::Range> members);

// The value of a raw JSON string ("\"a\\u0062\""): unescaped and repaired. Other raw values are returned as they are.
std::string scanned_string(std::string_view raw);

}  // namespace chatrelay
