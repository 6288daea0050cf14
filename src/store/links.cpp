#include <array>
#include <utility>

#include "store/store.hpp"

namespace chatrelay::store {
namespace {

constexpr std::array<std::pair<LinkScope, std::string_view>, 3> scope_names{{
    {LinkScope::visitor, "visitor"},
    {LinkScope::chat, "chat"},
    {LinkScope::thread, "thread"},
}};

}  // namespace

std::string_view to_string(LinkScope scope) {
  for (const auto& [value, name] : scope_names)
    if (value == scope) return name;
  return "unknown";
}

std::optional<LinkScope> link_scope_from(std::string_view text) {
  for (const auto& [value, name] : scope_names)
    if (name == text) return value;
  return std::nullopt;
}

}  // namespace chatrelay::store
