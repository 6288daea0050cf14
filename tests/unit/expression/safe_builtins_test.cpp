// Builtins of libjq 1.6 that end the process or eat its memory: every first line here did, before they were replaced.
#include "expression/safe_builtins.hpp"

#include "helpers.hpp"

namespace chatrelay::expression {
namespace {

TEST(SafeBuiltins, a_date_that_is_none_is_an_error) {
  EXPECT_THAT(eval("todate", "1e300"), testing::StartsWith("ERROR: "));
  EXPECT_THAT(eval(R"j(strftime("%Y"))j", "-1e300"), testing::StartsWith("ERROR: "));
  EXPECT_EQ(eval(R"j(todate, todateiso8601, strftime("%A"))j", "1425599621"),
            R"j(["2015-03-05T23:53:41Z","2015-03-05T23:53:41Z","Thursday"])j");
  EXPECT_EQ(eval(R"j(strptime("%Y-%m-%dT%H:%M:%SZ") | todate)j", R"j("2015-03-05T23:53:41Z")j"),
            R"j(["2015-03-05T23:53:41Z"])j");
}

TEST(SafeBuiltins, an_index_that_would_eat_the_memory_is_an_error) {
  const LeaksOfLibjq leaks;
  for (const char* expression :
       {".[1e9] = 1", ".[.n | 1e9] |= 2", ".[1e8] += 1", ".a[1e9].b //= 1", "setpath([1e9]; 1)",
        "setpath([\"a\", 1e9]; 1)", "getpath([1e9]) |= 1", "(.a, .[1e9]) = 1", "reduce 1e9 as $n (.; .[$n] = 1)",
        "fromstream([[1e9], 1], [[1e9]])", "def f: .[1e9] = 1; f", "{} | .[\"a\"][1e9] = 1", "[limit(1; .[1e9] = 1)]",
        "1e9 as $n | .[$n] = 1"})
    EXPECT_EQ(eval(expression), "ERROR: Array index too large") << expression;
  EXPECT_EQ(eval("[1] | map_values(.[1e9] = 1)?"), "[]");
}

TEST(SafeBuiltins, assigning_is_otherwise_what_it_was) {
  const LeaksOfLibjq leaks;
  const char* input = R"j({"a": [1, 2, 3], "b": {"c": null}})j";
  EXPECT_EQ(eval(".a[1] = 5 | .a, (.a[5] = 1 | .a)", input), "[[1,5,3],[1,5,3,null,null,1]]");
  EXPECT_EQ(eval("(.a[] |= . + 1 | .a), (.a[-1] += 10 | .a), (.b.c //= 4 | .b)", input),
            R"j([[2,3,4],[1,2,13],{"c":4}])j");
  EXPECT_EQ(eval("[(.a[0], .a[2]) = (7, 8) | .a]", input), "[[[7,2,7],[8,2,8]]]");
  EXPECT_EQ(eval("(.a[1] |= empty | .a), (.a[1:] = [9] | .a), (.b |= with_entries(.value = 1) | .b)", input),
            R"j([[1,3],[1,9],{"c":1}])j");
  EXPECT_EQ(eval("setpath([\"b\", \"c\"]; 1) | .b", input), R"j([{"c":1}])j");
  EXPECT_EQ(eval("setpath(1; 2)", input), "ERROR: Path must be specified as an array");
  EXPECT_EQ(eval(".a[-5] = 1", input), "ERROR: Out of bounds negative array index");
  EXPECT_EQ(eval(".[1000000] = 1 | length"), "[1000001]");
  EXPECT_EQ(eval("fromstream(tostream), [fromstream(1 | truncate_stream([[0], 1], [[1, 0], 2], [[1, 0]], [[1]]))]",
                 R"j({"a": [1, {"b": 2}], "c": []})j"),
            R"j([{"a":[1,{"b":2}],"c":[]},[[2]]])j");
}

TEST(SafeBuiltins, the_empty_text_is_found_nowhere) {
  const LeaksOfLibjq leaks;
  EXPECT_EQ(eval(R"j([indices("")], index(""), rindex(""))j", R"j("abc")j"), "[[[]],null,null]");
  EXPECT_EQ(eval(R"j(indices("b"), index("b"), rindex("b"), index("z"))j", R"j("abcb")j"), "[[1,3],1,3,null]");
  EXPECT_EQ(eval(R"j(indices(1), indices([1, 2]), index(""))j", R"j([1, 2, 1, ""])j"), "[[0,2],[0],3]");
}

TEST(SafeBuiltins, patterns_that_match_nothing_are_safe_beyond_ascii) {
  EXPECT_EQ(eval(R"j([match("x*"; "g") | .offset])j", R"j("éa")j"), "[[0,1]]");
  EXPECT_EQ(eval(R"j([match(""; "g") | .offset])j", R"j("é😀a")j"), "[[0,1,2]]");
  EXPECT_EQ(eval(R"j([scan("[0-9]*")])j", R"j("é😀12 é")j"), R"j([["","","12","",""]])j");
  EXPECT_EQ(eval(R"j([splits(" *")])j", R"j("a é")j"), R"j([["","a","","é"]])j");
  EXPECT_EQ(eval(R"j(split(" *"; null))j", R"j("a é")j"), R"j([["","a","","é"]])j");
  EXPECT_EQ(eval(R"j([match("$|^"; "g") | .offset])j", R"j("éaé")j"), "[[0,3]]");
  EXPECT_EQ(eval(R"j([capture("(?<x>\\d)?"; "g")])j", R"j("é7")j"), R"j([[{},{"x":"7"}]])j");
}

TEST(SafeBuiltins, matching_is_otherwise_what_it_was) {
  EXPECT_EQ(eval(R"j([match("(?<a>[a-z])(é)?"; "g") | .captures[] | [.offset, .string, .name]])j", R"j("éab é")j"),
            R"j([[[1,"a","a"],[-1,null,null],[2,"b","a"],[-1,null,null]]])j");
  EXPECT_EQ(eval(R"j([match("(?<=é)."; "g") | .string], [match("\\b."; "g") | .string])j", R"j("éab é 12")j"),
            R"j([["a"," "],["é"," ","é"," ","1"]])j");
  EXPECT_EQ(eval(R"j([match("^."; "g") | .offset], [match(["[A-Z]+", "ig"]) | .string])j", R"j("éab\né")j"),
            R"j([[0],["ab"]])j");
  EXPECT_EQ(eval(R"j([match("[a-z]|[0-9] #c\n"; "gx") | .offset])j", R"j("éab 1")j"), "[[1,2,4]]");
  EXPECT_EQ(eval(R"j(split(", *"; null), capture("(?<x>é)"), [scan("([a-z])|(é)")], test("É"; "i"))j", R"j("aé, b")j"),
            R"j([["aé","b"],{"x":"é"},[["a",null],[null,"é"],["b",null]],true])j");
  EXPECT_EQ(eval(R"j(sub("(?<x>é)"; "[\(.x)]"), gsub("[a-z]"; "-"))j", R"j("aéb")j"), R"j(["a[é]b","-é-"])j");
  EXPECT_EQ(eval("match({})", R"j("a")j"), "ERROR: object not a string or array");
  EXPECT_EQ(eval(R"j(match("a"; "g"))j", "5"), "ERROR: number (5) cannot be matched, as it is not a string");
}

TEST(SafeBuiltins, helpers_are_out_of_reach) {
  EXPECT_THAT(eval(R"j(__match("a"; null))j", R"j("a")j"), testing::StartsWith("REFUSED: "));
}

}  // namespace
}  // namespace chatrelay::expression
