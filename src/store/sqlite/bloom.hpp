// Bloom: says "surely not in this bucket" for a key, with one cache line touched. Keys are SipHash values, so their
// bits are used as they are. About 1 % false positives at 12 bits a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "common/crypto.hpp"

namespace chatrelay::store::sqlite {

__extension__ using uint128 = unsigned __int128;

class Bloom {
 public:
  explicit Bloom(std::size_t keys) : words_((keys * bits_per_key / block_bits + 1) * words_per_block) {}
  // What bytes() gave; false if it is not that.
  static bool valid(std::string_view bytes) { return !bytes.empty() && bytes.size() % (words_per_block * 8) == 0; }
  explicit Bloom(std::string_view bytes) : words_(bytes.size() / 8) {
    std::memcpy(words_.data(), bytes.data(), words_.size() * 8);
  }

  void add(const Hash128& key) {
    std::uint64_t* block = &words_[block_of(key)];
    for (int i = 0; i < probes; ++i) {
      unsigned bit = (key.high >> (i * 9)) & (block_bits - 1);
      block[bit / 64] |= 1ULL << (bit % 64);
    }
  }
  bool may_hold(const Hash128& key) const {
    const std::uint64_t* block = &words_[block_of(key)];
    for (int i = 0; i < probes; ++i) {
      unsigned bit = (key.high >> (i * 9)) & (block_bits - 1);
      if (!(block[bit / 64] & (1ULL << (bit % 64)))) return false;
    }
    return true;
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(words_.data()), words_.size() * 8}; }

 private:
  static constexpr std::size_t bits_per_key = 12, block_bits = 512, words_per_block = 8;
  static constexpr int probes = 6;  // 9 bits each: 54 of the high half's 64
  std::size_t block_of(const Hash128& key) const {
    const auto blocks = static_cast<uint128>(words_.size() / words_per_block);
    return static_cast<std::size_t>((static_cast<uint128>(key.low) * blocks) >> 64) * words_per_block;
  }
  std::vector<std::uint64_t> words_;
};

}  // namespace chatrelay::store::sqlite
