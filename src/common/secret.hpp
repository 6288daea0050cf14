// Secret: a value that must not be printed, and the Redactor that keeps known secrets out of every log line and
// message.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace chatrelay {

// Compares in time that goes by the candidate's length alone, which its sender knows: not by where, or in what length,
// the two differ.
bool equal_constant_time(std::string_view secret, std::string_view candidate);

// Holds a secret; has no stream operator and no formatter on purpose. Making one registers it with the Redactor.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value);
  bool empty() const { return value_.empty(); }
  bool matches(std::string_view candidate) const { return !value_.empty() && equal_constant_time(value_, candidate); }
  // The one way to the value: for a header, a login, a signature. Never for a log, an error or a metric.
  const std::string& reveal() const { return value_; }

 private:
  std::string value_;
};

// Replaces every registered secret (also in its percent-encoded, base64 and JSON-escaped form) by "[secret]".
// Thread: any. Values under 4 bytes are not registered: they would blank ordinary text.
namespace redactor {
void add(std::string_view secret);
std::string redact(std::string_view text);
}  // namespace redactor

}  // namespace chatrelay
