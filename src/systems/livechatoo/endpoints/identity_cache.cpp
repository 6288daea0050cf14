#include "systems/livechatoo/endpoints/identity_cache.hpp"

#include <algorithm>
#include <array>

namespace chatrelay::systems::livechatoo::endpoints {

IdentityCache::IdentityCache(Millis keep, std::size_t count_max) : keep_(keep), count_max_(count_max) {
  std::array<std::uint8_t, 32> bytes{};
  random_bytes(bytes);
  secret_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Digest IdentityCache::key_of(std::string_view value) const {
  return hmac_sha256(secret_, value);
}

std::optional<Told> IdentityCache::find(std::string_view value, SteadyTime now) {
  const auto found = entries_.find(key_of(value));
  if (found == entries_.end()) return std::nullopt;
  if (now < found->second.end) return found->second.told;
  entries_.erase(found);
  return std::nullopt;
}

void IdentityCache::put(std::string_view value, const Told& told, SteadyTime now) {
  if (told.verdict != Verdict::verified || keep_ <= Millis{0} || count_max_ == 0) return;
  const Digest key = key_of(value);
  if (!entries_.contains(key)) make_room(now);
  entries_[key] = Entry{told, now + keep_};
}

void IdentityCache::make_room(SteadyTime now) {
  if (entries_.size() < count_max_) return;
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.end <= now; });
  if (entries_.size() < count_max_) return;
  entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.end; }));
}

}  // namespace chatrelay::systems::livechatoo::endpoints
