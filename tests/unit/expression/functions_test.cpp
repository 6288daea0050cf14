#include "expression/functions.hpp"

#include "expression/hashes.hpp"
#include "helpers.hpp"

namespace chatrelay::expression {
namespace {

using testing::HasSubstr;

TEST(Functions, known_answers) {
  EXPECT_EQ(eval(R"("The quick brown fox jumps over the lazy dog" | md5)", json::value()),
            R"(["9e107d9d372bb6826bd81d3542a419d6"])");
  EXPECT_EQ(eval(R"("" | sha256)", json::value()),
            R"(["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"])");
  EXPECT_EQ(eval(R"("The quick brown fox jumps over the lazy dog" | hmac_sha256("key"))", json::value()),
            R"(["f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"])");
  EXPECT_EQ(eval(R"("Zoë" | base64)", json::value()), R"(["Wm/Dqw=="])");
  EXPECT_EQ(eval(R"("a/b c'é" | uri_path)", json::value()), R"(["a%2Fb%20c%27%C3%A9"])");
  EXPECT_EQ(eval(R"("O'Neil''" | odata)", json::value()), R"(["O''Neil''''"])");
  EXPECT_EQ(eval(R"("<a>\nb" | html_of_text)", json::value()), R"(["&lt;a&gt;<br>b"])");
  // RFC 4122's name space of host names, and the answer that every implementation gives.
  EXPECT_EQ(eval(R"("6ba7b810-9dad-11d1-80b4-00c04fd430c8" | uuid5("python.org"))", json::value()),
            R"(["886313e1-3b8a-5372-9b90-0c9aee199e5d"])");
}

TEST(Functions, they_stand_anywhere_in_an_expression) {
  const json::value event = json::parse(R"({"emails": ["a@b.c", null, "d@e.f"], "key": "k", "n": 5})");
  EXPECT_EQ(eval("[.emails[] | md5 | length?]", event), "[[32,0,32]]");
  EXPECT_EQ(eval(R"(.key as $k | .emails | map(select(. != null) | hmac_sha256($k) | .[:4]) | length)", event), "[2]");
  EXPECT_EQ(eval("[.n, true | base64]", event), R"([["NQ==","dHJ1ZQ=="]])");
  EXPECT_EQ(eval(R"([.emails[0, 2] | md5] | unique | length)", event), "[2]");
  EXPECT_EQ(eval("def md5: 1; .key | md5", event), "[1]");
}

TEST(Functions, what_is_no_text) {
  EXPECT_EQ(eval("null | md5", json::value()), "[null]");
  EXPECT_EQ(eval(R"("a" | hmac_sha256(null))", json::value()), "[null]");
  const LeaksOfLibjq leaks;
  EXPECT_THAT(eval("[1] | md5", json::value()), HasSubstr("md5 takes a text"));
  EXPECT_THAT(eval(R"("no uuid" | uuid5("x"))", json::value()), HasSubstr("applied to a UUID"));
}

TEST(Functions, debug_and_input_stay_out_of_reach) {
  EXPECT_THAT(eval(R"(["md5", "a", ""] | debug | input)", json::value()), HasSubstr("REFUSED"));
  EXPECT_THAT(eval(R"(__function("md5"; ""))", json::value()), HasSubstr("REFUSED"));
}

TEST(Functions, bytes_that_are_not_letters) {
  const json::value event = json::parse(R"({"t": "a\u0000b"})");
  EXPECT_EQ(eval(".t | base64", event), R"(["YQBi"])");
  EXPECT_EQ(uuid5("6ba7b810-9dad-11d1-80b4-00c04fd430c", "x"), std::nullopt);
  EXPECT_EQ(uuid5("6ba7b8109dad-11d1-80b4-00c04fd430c8-", "x"), std::nullopt);
}

}  // namespace
}  // namespace chatrelay::expression
