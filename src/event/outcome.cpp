#include "event/outcome.hpp"

#include <array>

namespace chatrelay {
namespace {

constexpr std::array<std::pair<OutcomeClass, std::string_view>, 9> class_names{{
    {OutcomeClass::ok, "ok"},
    {OutcomeClass::duplicate, "duplicate"},
    {OutcomeClass::retry, "retry"},
    {OutcomeClass::throttle, "throttle"},
    {OutcomeClass::refresh_auth, "refresh_auth"},
    {OutcomeClass::ambiguous, "ambiguous"},
    {OutcomeClass::reject, "reject"},
    {OutcomeClass::disable, "disable"},
    {OutcomeClass::partial, "partial"},
}};

}  // namespace

std::string_view to_string(OutcomeClass c) {
  for (const auto& [value, name] : class_names)
    if (value == c) return name;
  return "unknown";
}

std::optional<OutcomeClass> outcome_class_from(std::string_view text) {
  for (const auto& [value, name] : class_names)
    if (name == text) return value;
  return std::nullopt;
}

}  // namespace chatrelay
