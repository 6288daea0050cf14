// The scanner of the accept path against Boost.JSON: both must agree on what is JSON, and taking members out must leave
// JSON.
#include "common/json_scan.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/assert.hpp"
#include "common/json.hpp"

using namespace chatrelay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const JsonPath wanted[] = {{{"action"}}, {{"payload", "event", "id"}}};
  static const std::string taken_out[] = {"secret_key"};
  const JsonScanResult scan = scan_json(text, wanted, taken_out);
  if (!scan.well_formed) return 0;
  const std::string rest = without_members(text, scan.members);
  const JsonScanResult again = scan_json(rest, wanted, taken_out);
  CHATRELAY_ASSERT(again.well_formed, "taking members out broke the grammar");
  CHATRELAY_ASSERT(again.members.empty(), "a member was left");
  if (scan.depth <= json_depth_max) {
    const auto parsed = parse_json(text);
    // An exponent of more digits than an int holds is JSON, but Boost.JSON refuses it: such a webhook is kept as
    // invalid_payload.
    CHATRELAY_ASSERT(parsed.has_value() || parsed.error().message.find("exponent") != std::string::npos,
                     "well formed for the scanner, not for the parser");
  }
  for (const std::string_view value : scan.values) (void)scanned_string(value);
  return 0;
}
