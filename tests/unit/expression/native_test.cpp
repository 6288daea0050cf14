// The native evaluation must not differ from libjq's: the same expression is run both ways on many values. A `def` in
// front sends an expression to libjq.
#include "expression/native.hpp"

#include <chrono>

#include "helpers.hpp"

namespace chatrelay::expression {
namespace {

const char* const values[] = {
    R"(null)",
    R"(true)",
    R"(false)",
    R"(0)",
    R"(-1.5)",
    R"(12345678901)",
    R"("")",
    R"("text")",
    R"("Grüße 😀")",
    R"([])",
    R"({})",
    R"([1,2,3])",
    R"([[1],[2,[3]]])",
    R"({"a":1})",
    R"({"a":null,"b":false})",
    R"({"a":{"b":{"c":"deep"}}})",
    R"({"a":"s","b":"s"})",
    R"({"a":[1,"x",null,{"b":2}],"b":[3]})",
    R"({"a":{"b":"B"},"b":{"b":"B"},"c":[{"id":1},{"id":"2"},{}]})",
    R"({"a":2,"b":10,"c":-3})",
    R"({"a b":1,"é":2,"":3})",
    R"({"a":"2","b":"x"})",
    R"({"a":true,"b":{"x":1,"y":2},"c":{"y":2,"x":1}})",
    R"({"a":[1,[2]],"b":[1,[2]]})",
    R"({"a":"ABC","b":"abC","c":"A"})",
    R"([{"a":1},{"a":null},{"b":3}])",
};

const char* const expressions[] = {
    ".",
    ".a",
    ".a.b",
    ".a.b.c",
    ".a?",
    ".a?.b",
    ".a.b?",
    ".a?.b?",
    ".\"a\"",
    ".[\"a\"]",
    ".[\"a b\"]",
    ".[\"é\"]",
    ".\"\\u00e9\"",
    ".[0]",
    ".[-1]",
    ".[7]",
    ".a[0]",
    ".a[0]?",
    ".a[1.5]",
    ".[]",
    ".[]?",
    ".a[]",
    ".a[]?",
    ".a[].b",
    ".a[]?.b?",
    ".c[].id",
    ".a[\"b\"]",
    ".a.\"b\"",
    ".a?[0]",
    ".[\"a\"]?",
    ".a[\"b\"]?.c",
    ".a == 1",
    ".a != null",
    ".a == .b",
    ".a != .b",
    ".a < .b",
    ".a <= .b",
    ".a > .b",
    ".a >= .b",
    ".a == \"s\"",
    "1 == .a",
    ".a == -3",
    ".c < -2.5",
    ". == .",
    ".[] == .[]",
    ".a[] == .b[]",
    ".b == .c",
    "null == .a",
    ".a == true",
    ".a < {}",
    ".a < []",
    "\"b\" > .a",
    ".a == 1.0",
    "1e3 == .a",
    ".a // \"none\"",
    ".a // .b // 3",
    ".a.b // .b",
    ".[] // 1",
    ".a[]? // 0",
    "empty // 4",
    "(.a // .b) == 1",
    ".a // empty",
    ".a // .b == 1",
    ".a and .b",
    ".a or .b",
    ".a == 1 or .b == \"s\" and .c",
    ".a and (.b or .c)",
    "(.a | not) and .b",
    ".a == null | not",
    ".[] and .[]",
    ".[] or .[]",
    "(.a,.b) and (.b,.a)",
    ".a | .b",
    ".a | not",
    ".a | length",
    ".a | type",
    "type",
    "length",
    "not",
    ".a | length > 2",
    ".[] | type",
    ".[]? | .a?",
    "select(.a)",
    "select(.a == 1) | .b",
    ".[]? | select(.a?)",
    ".a | select(. != null)",
    ".a | startswith(\"A\")",
    ".a | endswith(\"C\")",
    ".a | startswith(\"A\",\"s\")",
    ".a | ascii_downcase",
    ".a | ascii_upcase == \"ABC\"",
    ".a, .b",
    "(.a, .b) == .c",
    ".a, .b | type",
    "if .a then .b else .c end",
    "if .a == 1 then \"one\" elif .a then \"some\" else \"none\" end",
    "if .[]? then 1 else 2 end",
    "$tables.n",
    "$tables.mailboxes[.a]",
    "$tables.mailboxes[.b] // \"other\"",
    "$tables[\"n\"] == .a",
    "$tables.mailboxes.x[0]",
    "$tables.mailboxes.x[.a]",
    "$tables.mailboxes[(.a, .b)]",
    "1",
    "\"text\"",
    "true",
    "false",
    "null",
    "-1",
    "\"a\\n\\u0041\"",
    "empty",
    "(.)",
    "((.a))",
    "not | not",
    "1, 2",
    ".a as $x | .b",
    "[.a]",
    ".a + 1",
    "..",
    "{a: .a}",
    "\"\\(.a)\"",
    ".a + .b",
    ".a + 1 == .b",
    ".a + .b + .c",
    ". + .",
    ".a + null",
    "1 + 2 + .a",
    ".a + \"x\"",
    "\"x\" + .b + \"y\"",
    ".a + [1]",
    ".a[]? + .b[]?",
    "(.a,.b) + (.b,.c)",
    ".b + {\"z\": 1}",
    ".b + .c",
    "[]",
    "[.[]?]",
    "[.a, .b]",
    "[.a] | length",
    "[.a, .b] == [.b, .a]",
    "[.a | .b]",
    "[[.a]]",
    "[empty]",
    ".a + []",
    "[.a, 1.5, .c]",
    "\"\\(.a)\"",
    "\"a\\(.a)b\\(.b)c\"",
    "\"\\(.a)\\(.b)\" == .c",
    "\"\\(.a,.b)-\\(.b,.c)\"",
    "\"x\\(\"y\\(.a)z\")\"",
    "\"\\n\\(.a)\\u0041\\t\"",
    "\"\\(empty)\"",
    "\"\\(.)\"",
    "\"\\(.a[]?)\"",
    "\"\\(1.5) \\(1e17) \\(0.1) \\(-0.25) \\(1e-7) \\(3)\"",
    "tostring",
    ".a | tostring",
    ".[]? | tostring",
    "[.a, {}] ",
    "\"a\\(.a | length)\"",
    ".a + (.b | tostring)",
    "\"\\(.a)\".b",
    "[.a][0]",
    "[.a,.b][]",
    "\"\\([.a])\"",
    "(.a | .b), (.b | .b)",
    ".a == (.b // .c)",
    ".a < .b or .a > .b",
    "(.a,.b) == (.b,.a)",
    "(.a,.b) // (.c,1)",
    "select(.[]?)",
    ".a|.[]?|select(. == 1)",
};

TEST(Native, has_the_results_of_libjq) {
  config::Problems problems;
  Builder builder(tables());
  std::vector<std::pair<ExpressionId, ExpressionId>> pairs;
  for (const char* expression : expressions) {
    const ExpressionId native = builder.add(expression, here, problems);
    pairs.emplace_back(native, builder.add("def unused: 1; " + std::string(expression), here, problems));
  }
  const auto program = builder.build(problems);
  ASSERT_NE(program, nullptr) << problems.to_string();
  const LeaksOfLibjq tolerated;
  for (const char* text : values) {
    const json::value input = json::parse(text);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      SCOPED_TRACE(std::string(expressions[i]) + " on " + text);
      const auto mine = program->evaluate(pairs[i].first, input);
      const auto theirs = program->evaluate(pairs[i].second, input);
      ASSERT_EQ(mine.has_value(), theirs.has_value())
          << (mine ? json::serialize(json::array(mine->begin(), mine->end())) : mine.error().message) << " but libjq "
          << (theirs ? json::serialize(json::array(theirs->begin(), theirs->end())) : theirs.error().message);
      if (mine) {
        const auto print = [](const auto& r) { return json::serialize(json::array(r->begin(), r->end())); };
        // 1.0 in the input stays a double natively and becomes 1 by way of libjq: compare what they say, not how they
        // are kept.
        ASSERT_EQ(json::value_to<json::value>(json::parse(print(mine))),
                  json::value_to<json::value>(json::parse(print(theirs))));
      } else if (mine.error().message.starts_with("Cannot index")) {
        ASSERT_EQ(mine.error().message, theirs.error().message);
      }
      const auto first_mine = program->holds(pairs[i].first, input);
      const auto first_theirs = program->holds(pairs[i].second, input);
      ASSERT_EQ(first_mine.has_value(), first_theirs.has_value());
      if (first_mine) {
        ASSERT_EQ(*first_mine, *first_theirs);
      }
    }
  }
}

TEST(Native, takes_the_common_forms_and_leaves_the_rest) {
  const auto is_native = [](std::string_view text) { return Native::parse(*tokenize(text), text) != nullptr; };
  for (const char* text :
       {".visitor.email", ".visitor.email != null", ".a.b[0][\"c\"]", ".a?", ".chat.tags[]", ".message.text // \"\"",
        "(.a == 1) or (.b | not)", "$tables.mailboxes[.chat.department]", "if .a then 1 else 2 end", "select(.a)",
        ".type == \"incoming_chat\" and .visitor.email != null"})
    EXPECT_TRUE(is_native(text)) << text;
  for (const char* text : {".a - 1",
                           ".a * 2 + 1",
                           "-1 + -.a",
                           "@text \"\\(.a)\"",
                           "\"\\(@text)\"",
                           "\"\\(.a;1)\"",
                           ".a as $x | $x",
                           "def not: 1; not",
                           "{a}",
                           "test(\"x\")",
                           ".[1:2]",
                           "{a}",
                           ".a == .b == .c",
                           "..",
                           ".a |= 1",
                           ".a[.b]",
                           "select",
                           "not(1)",
                           "length(.a)",
                           "reduce .[] as $x (0; 1)",
                           "-.a",
                           "if . then 1 end",
                           ".a?//1",
                           ". .",
                           ".a .",
                           "()",
                           ".a |"})
    EXPECT_FALSE(is_native(text)) << text;
}

TEST(Native, keeps_integers_beyond_2_53_exact) {
  EXPECT_EQ(eval(".a.b", R"({"a":{"b":9007199254740993}})"), "[9007199254740993]");
  EXPECT_EQ(eval(".a", R"({"a":-9223372036854775808})"), "[-9223372036854775808]");
  EXPECT_EQ(eval(".a", R"({"a":18446744073709551615})"), "[18446744073709551615]");
  EXPECT_EQ(eval(".a == 9007199254740993", R"({"a":9007199254740992})"), "[false]");
  EXPECT_EQ(eval(".a == 9007199254740993", R"({"a":9007199254740993})"), "[true]");
  EXPECT_EQ(eval(".a < .b", R"({"a":-1,"b":18446744073709551615})"), "[true]");
  EXPECT_EQ(eval(".a > .b", R"({"a":18446744073709551615,"b":18446744073709551614})"), "[true]");
  EXPECT_EQ(eval(".a | length", R"({"a":-9223372036854775808})"), "[9223372036854775808]");
}

TEST(Native, is_limited_in_results_bytes_and_time) {
  json::array many(20'000, json::value(1));
  const json::value input = json::object{{"a", many}};
  EXPECT_EQ(eval(".a[]", input), "ERROR: has more than 10000 results");
  Limits small;
  small.bytes_max = 1'000;
  EXPECT_EQ(eval(".a", input, small), "ERROR: has results larger than 1000 bytes");
  Limits short_time;
  short_time.time = Millis(20);
  EXPECT_EQ(eval("select(.a[] == .a[] and false)", input, short_time), "ERROR: ran longer than 20 ms");
}

TEST(Native, deep_nesting_goes_to_libjq_rather_than_down_the_stack) {
  EXPECT_EQ(eval("\"\\(.a)\"", R"({"a":9007199254740993})"), R"(["9007199254740992"])");  // as jq prints it
  const std::string deep(500, '('), close(500, ')');
  std::string chain = ".a";
  for (int i = 0; i < 2'000; ++i) chain += ".a";
  EXPECT_EQ(eval(chain, R"({"a":null})"), "[null]");
  EXPECT_EQ(eval(deep + ".a" + close, R"({"a":1})"), "[1]");
}

}  // namespace
}  // namespace chatrelay::expression
