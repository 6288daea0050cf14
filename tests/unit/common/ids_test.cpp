#include "common/ids.hpp"

#include <algorithm>
#include <cctype>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace chatrelay {
namespace {

constexpr std::uint64_t sequence_max = (std::uint64_t{1} << 48) - 1;

UlidParts parts(long long ms, std::uint32_t salt, std::uint64_t sequence) {
  UlidParts p;
  p.time = from_ms(ms);
  p.salt = salt;
  p.sequence = sequence;
  return p;
}

TEST(Ulid, CarriesTimeSaltAndSequence) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    const UlidParts in = parts(static_cast<long long>(random() & sequence_max), static_cast<std::uint32_t>(random()),
                               random() & sequence_max);
    const std::string text = encode_ulid(in);
    ASSERT_EQ(text.size(), 26u);
    const auto out = decode_ulid(text);
    ASSERT_TRUE(out) << text;
    EXPECT_EQ(out->time, in.time);
    EXPECT_EQ(out->salt, in.salt);
    EXPECT_EQ(out->sequence, in.sequence);
  }
}

TEST(Ulid, HoldsItsLimits) {
  EXPECT_EQ(encode_ulid(parts(0, 0, 0)), "00000000000000000000000000");
  EXPECT_EQ(encode_ulid(parts(static_cast<long long>(sequence_max), ~0u, sequence_max)), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  EXPECT_EQ(encode_ulid(parts(-5, 0, 1)), "00000000000000000000000001");  // a clock before 1970
}

TEST(Ulid, StartsWithTheTimeAsOtherToolsReadIt) {
  // From the ULID specification: 01ARZ3NDEKTSV4RRFFQ69G5FAV is 2016-07-30T23:54:10.259Z.
  const auto out = decode_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  ASSERT_TRUE(out);
  EXPECT_EQ(format_rfc3339(out->time), "2016-07-30T23:54:10.259Z");
}

TEST(Ulid, TakesEitherCase) {
  const std::string text = encode_ulid(parts(1'763'632'800'000, 0xdeadbeef, 123456789));
  std::string lower = text;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  ASSERT_TRUE(decode_ulid(lower));
  EXPECT_EQ(decode_ulid(lower)->sequence, 123456789u);
}

TEST(Ulid, RefusesWhatIsNone) {
  for (const char* text :
       {"", "0", "0000000000000000000000000", "000000000000000000000000000", "80000000000000000000000000",
        "0000000000000000000000000I", "0000000000000000000000000L", "0000000000000000000000000O",
        "0000000000000000000000000U", "0000000000000 000000000000", "0000000000000-000000000000",
        "0000000000000\xC3\xA4"
        "00000000000"})
    EXPECT_FALSE(decode_ulid(text)) << text;
}

TEST(RandomId, HasTheLengthAndTheAlphabet) {
  for (const std::size_t length : {0u, 1u, 17u, 200u}) {
    const std::string id = random_id(length);
    EXPECT_EQ(id.size(), length);
    EXPECT_TRUE(std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c); })) << id;
  }
}

TEST(RandomId, UsesEveryCharacterAndDoesNotRepeat) {
  std::set<char> seen;
  for (const char c : random_id(10'000)) seen.insert(c);
  EXPECT_EQ(seen.size(), 62u);
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(random_id(17));
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(RandomUuid, IsVersion4) {
  const std::string id = random_uuid();
  ASSERT_EQ(id.size(), 36u);
  for (const std::size_t at : {8u, 13u, 18u, 23u}) EXPECT_EQ(id[at], '-');
  EXPECT_EQ(id[14], '4');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  EXPECT_NE(random_uuid(), random_uuid());
}

}  // namespace
}  // namespace chatrelay
