#include "systems/livehelperchat/endpoints/tracking_vid.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/crypto.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t vid_bytes_min = 21, vid_bytes_max = 50;

template <std::size_t bytes>
std::string random_hex() {
  std::array<std::uint8_t, bytes> random{};
  random_bytes(random);
  return hex_encode(random);
}

}  // namespace

bool is_usable_vid(std::string_view vid) {
  if (vid.size() < vid_bytes_min || vid.size() > vid_bytes_max) return false;
  return std::all_of(vid.begin(), vid.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

std::string new_vid() {
  return random_hex<16>();
}

std::string visitor_token(std::string_view vid) {
  return "vid:" + hex_encode(sha256(vid));
}

std::string new_chat_hash() {
  return random_hex<20>();
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
