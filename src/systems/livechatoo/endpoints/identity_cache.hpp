// Who was verified lately. Only those: a visitor who was nobody logs in, and is asked about again. Values are kept as
// HMACs under a key of this process, so that neither memory nor time tells one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/crypto.hpp"
#include "systems/livechatoo/endpoints/identity_answer.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

// Thread: one.
class IdentityCache {
 public:
  // Limit: visitors remembered at a time; then whoever ends first goes.
  explicit IdentityCache(Millis keep, std::size_t count_max = 1000);
  std::optional<Told> find(std::string_view value, SteadyTime now);
  // Ignores what is not verified.
  void put(std::string_view value, const Told& told, SteadyTime now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Told told;
    SteadyTime end;
  };
  Digest key_of(std::string_view value) const;
  void make_room(SteadyTime now);

  Millis keep_;
  std::size_t count_max_;
  std::string secret_;
  std::map<Digest, Entry> entries_;
};

}  // namespace chatrelay::systems::livechatoo::endpoints
