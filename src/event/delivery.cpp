#include "event/delivery.hpp"

#include <array>
#include <utility>

#include "common/crypto.hpp"

namespace chatrelay {
namespace {

constexpr std::array<std::pair<DeliveryState, std::string_view>, 6> state_names{{
    {DeliveryState::pending, "pending"},
    {DeliveryState::deferred, "deferred"},
    {DeliveryState::held, "held"},
    {DeliveryState::delivered, "delivered"},
    {DeliveryState::dead, "dead"},
    {DeliveryState::cancelled, "cancelled"},
}};

}  // namespace

std::string_view to_string(DeliveryState state) {
  for (const auto& [value, name] : state_names)
    if (value == state) return name;
  return "unknown";
}

std::optional<DeliveryState> delivery_state_from(std::string_view text) {
  for (const auto& [value, name] : state_names)
    if (name == text) return value;
  return std::nullopt;
}

LaneId lane_of(std::string_view destination, std::string_view source, std::string_view chat_id) {
  const std::array<std::string_view, 3> parts{destination, source, chat_id};
  return hash128(parts).high >> 1;
}

}  // namespace chatrelay
