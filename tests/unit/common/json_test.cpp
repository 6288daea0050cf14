#include "common/json.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "common/text.hpp"

namespace chatrelay {
namespace {

json::value parsed(std::string_view text) {
  Result<json::value> value = parse_json(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value ? *value : json::value("not parsed");
}

TEST(ParseJson, TakesWhatIsJson) {
  EXPECT_EQ(parsed(R"({"a":[1,-2.5,true,null,"x"]})"), (json::value{{"a", {1, -2.5, true, nullptr, "x"}}}));
  EXPECT_EQ(parsed(" 5 "), json::value(5));
  EXPECT_EQ(parsed("\"\""), json::value(""));
}

TEST(ParseJson, KeepsIntegersExact) {
  EXPECT_EQ(parsed("9223372036854775807").as_int64(), 9223372036854775807);
  EXPECT_EQ(parsed("-9223372036854775808").as_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parsed("18446744073709551615").as_uint64(), 18446744073709551615u);
  EXPECT_EQ(parsed("9007199254740993").as_int64(), 9007199254740993);
  EXPECT_TRUE(parsed("18446744073709551616").is_double());
  EXPECT_EQ(parsed("4.35").as_double(), 4.35);
  EXPECT_EQ(parsed("0.1").as_double(), 0.1);
}

TEST(ParseJson, NumbersThatNoDoubleHoldsStayJson) {
  const std::string long_one(400, '9');
  for (const std::string& number : {std::string("1e400"), std::string("-1e400"), long_one, long_one + ".5"}) {
    const json::value value = parsed("{\"a\":[" + number + "]}");
    EXPECT_EQ(value.at("a").at(0).as_double(),
              number[0] == '-' ? std::numeric_limits<double>::lowest() : std::numeric_limits<double>::max());
    EXPECT_EQ(parsed(json::serialize(value)), value) << number;
  }
}

TEST(ParseJson, TheLastOfDuplicateKeysHolds) {
  EXPECT_EQ(parsed(R"({"a":1,"b":2,"a":3})"), (json::value{{"a", 3}, {"b", 2}}));
}

TEST(ParseJson, SaysWhatNoRepairMends) {
  const auto refused = parse_json(R"(["\ud800",5E5555555555])");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("exponent"), std::string::npos) << refused.error().message;
}

TEST(ParseJson, RepairsLoneSurrogates) {
  EXPECT_EQ(parsed(R"("\ud800")"), "\uFFFD");
  EXPECT_EQ(parsed(R"("\udc00")"), "\uFFFD");
  EXPECT_EQ(parsed(R"("\uD83D\uDE00")"), "\U0001F600");
  EXPECT_EQ(parsed(R"("\ud800\ud83d\ude00")"), "\uFFFD\U0001F600");
  EXPECT_EQ(parsed(R"("\ude00\ud83d")"), "\uFFFD\uFFFD");
  EXPECT_EQ(parsed(R"("\ud83dx\ude00")"), "\uFFFDx\uFFFD");
  EXPECT_EQ(parsed(R"("\ud83d\n")"), "\uFFFD\n");
  EXPECT_EQ(parsed(R"("\ud83d\u0041")"),
            "\uFFFD"
            "A");
  EXPECT_EQ(parsed(R"({"\ud800":"\\ud800"})"),
            (json::value{{"\uFFFD", "\\ud800"}}));  // behind two backslashes it is text
  EXPECT_EQ(parsed(R"("\\\ud800")"), "\\\uFFFD");
}

TEST(ParseJson, RepairsInvalidUtf8) {
  EXPECT_EQ(parsed("\"Gr\xFC\xDF\""), "Gr\uFFFD\uFFFD");
  EXPECT_EQ(parsed("{\"\xFF\":1}"), (json::value{{"\uFFFD", 1}}));
  EXPECT_EQ(parsed("[\"\xED\xA0\x80\"]"), (json::value{"\uFFFD\uFFFD\uFFFD"}));
}

TEST(ParseJson, ToleratesAByteOrderMark) {
  EXPECT_EQ(parsed("\xEF\xBB\xBF{}"), json::object());
  EXPECT_FALSE(parse_json("\xEF\xBB\xBF"));
}

TEST(ParseJson, TakesNestingUpToItsLimit) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(json_depth_max)));
  const auto deeper = parse_json(nested(json_depth_max + 1));
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().kind, ErrorKind::too_large);
  EXPECT_FALSE(parse_json(nested(1'000'000)));
}

TEST(ParseJson, SaysWhereItIsWrong) {
  const auto wrong = parse_json(R"({"a":1,})");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::invalid);
  EXPECT_NE(wrong.error().message.find("byte 7"), std::string::npos) << wrong.error().message;
  for (const char* text : {"", " ", "{", "nul", "{'a':1}", "[1,]", "01", "\"\n\"", "{} {}", "\"\\x\"", "NaN"})
    EXPECT_FALSE(parse_json(text)) << text;
}

TEST(JsonAccess, FindsMembersAndPaths) {
  const json::value value = parsed(R"({"a":{"b":{"c":5}},"n":null})");
  EXPECT_NE(find(value, "a"), nullptr);
  EXPECT_NE(find(value, "n"), nullptr);
  EXPECT_EQ(find(value, "x"), nullptr);
  EXPECT_EQ(find(json::value(5), "x"), nullptr);
  ASSERT_NE(find_path(value, {"a", "b", "c"}), nullptr);
  EXPECT_EQ(*find_path(value, {"a", "b", "c"}), 5);
  EXPECT_EQ(find_path(value, {"a", "x", "c"}), nullptr);
  EXPECT_EQ(find_path(value, {"n", "x"}), nullptr);
}

TEST(JsonAccess, ReadsStringsAsWritten) {
  const json::value value =
      parsed(R"({"s":"x","i":5,"u":18446744073709551615,"d":4.5,"t":true,"z":null,"o":{},"a":[]})");
  EXPECT_EQ(string_at(value, "s"), "x");
  EXPECT_EQ(string_at(value, "i"), "5");
  EXPECT_EQ(string_at(value, "u"), "18446744073709551615");
  EXPECT_EQ(string_at(value, "d"), "4.5");
  EXPECT_EQ(string_at(value, "t"), "true");
  for (const char* key : {"z", "o", "a", "missing"}) EXPECT_FALSE(string_at(value, key)) << key;
  EXPECT_EQ(strict_string_at(value, "s"), "x");
  EXPECT_FALSE(strict_string_at(value, "i"));
}

TEST(JsonAccess, ReadsNumbers) {
  const json::value value = parsed(
      R"({"i":5,"n":-7,"u":18446744073709551615,"d":4.5,"w":5.0,"huge":1e300,"s":"42","neg":"-1","bad":"4x","dec":"4.5","inf":"inf","t":true})");
  EXPECT_EQ(int_at(value, "i"), 5);
  EXPECT_EQ(int_at(value, "n"), -7);
  EXPECT_EQ(int_at(value, "w"), 5);
  EXPECT_EQ(int_at(value, "s"), 42);
  EXPECT_EQ(int_at(value, "neg"), -1);
  for (const char* key : {"u", "d", "huge", "bad", "dec", "t", "missing"}) EXPECT_FALSE(int_at(value, key)) << key;
  EXPECT_EQ(number_at(value, "d"), 4.5);
  EXPECT_EQ(number_at(value, "i"), 5);
  EXPECT_EQ(number_at(value, "dec"), 4.5);
  for (const char* key : {"bad", "inf", "t", "missing"}) EXPECT_FALSE(number_at(value, key)) << key;
}

TEST(JsonAccess, ReadsFlagsAndTimes) {
  const json::value value =
      parsed(R"({"t":true,"s":"true","time":"2026-11-20T10:00:00.5Z","never":"1970-01-01T00:00:00Z","bad":"x","n":5})");
  EXPECT_EQ(bool_at(value, "t"), true);
  EXPECT_FALSE(bool_at(value, "s"));
  ASSERT_TRUE(time_at(value, "time"));
  EXPECT_EQ(format_rfc3339(*time_at(value, "time")), "2026-11-20T10:00:00.500Z");
  for (const char* key : {"never", "bad", "n", "missing"}) EXPECT_FALSE(time_at(value, key)) << key;
}

TEST(JsonAccess, WritesNullForUnknown) {
  EXPECT_EQ(or_null(std::optional<std::string>("x")), "x");
  EXPECT_EQ(or_null(std::optional<WallTime>(from_ms(0))), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(or_null(std::optional<bool>(false)), false);
  EXPECT_EQ(or_null(std::optional<std::int64_t>(5)), 5);
  EXPECT_EQ(or_null(std::optional<double>(0.5)), 0.5);
  EXPECT_TRUE(or_null(std::optional<std::string>()).is_null());
  EXPECT_TRUE(or_null(std::optional<WallTime>()).is_null());
  EXPECT_TRUE(or_null(std::optional<bool>()).is_null());
  EXPECT_TRUE(or_null(std::optional<std::int64_t>()).is_null());
  EXPECT_TRUE(or_null(std::optional<double>()).is_null());
}

}  // namespace
}  // namespace chatrelay
