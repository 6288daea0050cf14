#include "common/json_scan.hpp"

#include <functional>
#include <map>
#include <random>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "common/text.hpp"

namespace chatrelay {
namespace {

using namespace std::string_view_literals;

JsonScanResult scan(std::string_view text) {
  return scan_json(text, {}, {});
}

std::string removed(std::string_view text, const std::vector<std::string>& names = {"s"}) {
  const JsonScanResult result = scan_json(text, {}, names);
  EXPECT_TRUE(result.well_formed) << text;
  std::size_t last = 0;
  for (const auto& range : result.members) {
    EXPECT_LE(last, range.begin) << text;
    EXPECT_LT(range.begin, range.end) << text;
    last = range.end;
  }
  return without_members(text, result.members);
}

std::string wanted(std::string_view text, const std::vector<std::string>& keys) {
  JsonPath path;
  path.keys = keys;
  const JsonScanResult result = scan_json(text, std::span(&path, 1), {});
  EXPECT_TRUE(result.well_formed) << text;
  return std::string(result.values.at(0));
}

TEST(ScanGrammar, TakesWhatIsJson) {
  for (const std::string_view text : {"{}"sv,
                                      "[]"sv,
                                      "null"sv,
                                      "true"sv,
                                      "false"sv,
                                      "0"sv,
                                      "-0"sv,
                                      "-0.5e+10"sv,
                                      "1E5"sv,
                                      "1.0"sv,
                                      "\"\""sv,
                                      " \t\r\n[ ] \n"sv,
                                      R"({"a":1,"b":[1,2,{"c":null}]})"sv,
                                      R"("\"\\\/\b\f\n\r\t\u00e4\uD800")"sv,
                                      "\xEF\xBB\xBF[]"sv,
                                      "\"\xFF\xC0\""sv,
                                      "\"\x7F\""sv,
                                      "123456789012345678901234567890"sv,
                                      R"({"":{"":[]}})"sv,
                                      "[[],{},[{}]]"sv,
                                      "1e400"sv})
    EXPECT_TRUE(scan(text).well_formed) << text << " at " << scan(text).error_offset;
}

TEST(ScanGrammar, RefusesWhatIsNot) {
  const std::pair<std::string_view, std::size_t> cases[] = {{"", 0},
                                                            {" ", 1},
                                                            {"\xEF\xBB\xBF", 3},
                                                            {"{", 1},
                                                            {"[", 1},
                                                            {"}", 0},
                                                            {"]", 0},
                                                            {"[1,]", 3},
                                                            {"[,1]", 1},
                                                            {"[1 2]", 3},
                                                            {"{\"a\"}", 4},
                                                            {"{\"a\":}", 5},
                                                            {"{\"a\":1,}", 7},
                                                            {"{,}", 1},
                                                            {"{a:1}", 1},
                                                            {"{1:1}", 1},
                                                            {"{\"a\":1]", 6},
                                                            {"[1}", 2},
                                                            {"[] x", 3},
                                                            {"[][]", 2},
                                                            {"nul", 0},
                                                            {"nulll", 4},
                                                            {"True", 0},
                                                            {"01", 1},
                                                            {"-", 1},
                                                            {"+1", 0},
                                                            {"1.", 2},
                                                            {".5", 0},
                                                            {"1e", 2},
                                                            {"1e+", 3},
                                                            {"--1", 1},
                                                            {"1.e5", 2},
                                                            {"\"", 1},
                                                            {"\"\\", 1},
                                                            {"\"\\x\"", 1},
                                                            {"\"\\u12\"", 1},
                                                            {"\"\\u12g4\"", 1},
                                                            {"\"\n\"", 1},
                                                            {"\"a\x1F\"", 2},
                                                            {"\"\0\""sv, 1},
                                                            {"'a'", 0},
                                                            {"// c\n1", 0},
                                                            {"NaN", 0},
                                                            {"Infinity", 0},
                                                            {"\f1", 0},
                                                            {"[1,\v2]", 3},
                                                            {"\"\\u", 1},
                                                            {"{\"a\":1 \"b\":2}", 7}};
  for (const auto& [text, offset] : cases) {
    EXPECT_FALSE(scan(text).well_formed) << text;
    EXPECT_EQ(scan(text).error_offset, offset) << text;
  }
}

TEST(ScanGrammar, FindsControlCharactersAtEveryPlaceOfAWord) {
  // Strings are looked at eight bytes a step: every place in a step, before and behind it.
  for (std::size_t length = 1; length < 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (const char bad : {'\0', '\x01', '\x1F', '\n'}) {
        std::string text(length, 'x');
        text[at] = bad;
        const JsonScanResult result = scan('"' + text + '"');
        ASSERT_FALSE(result.well_formed);
        ASSERT_EQ(result.error_offset, at + 1);
      }
      for (const char good : {' ', '!', '#', '[', ']', '\x7F', '\x80', '\xA2', '\xDC', '\xFF', '\x9F', '\xA0'}) {
        std::string text(length, '\x80');
        text[at] = good;
        ASSERT_TRUE(scan('"' + text + '"').well_formed) << at;
      }
    }
  }
}

TEST(ScanGrammar, TakesAnyDepthWithoutRecursion) {
  for (const std::size_t depth : {1u, 63u, 64u, 65u, 128u, 1023u, 1024u, 1025u, 5000u, 1'000'000u}) {
    const JsonScanResult result = scan(std::string(depth, '[') + std::string(depth, ']'));
    EXPECT_TRUE(result.well_formed) << depth;
    EXPECT_EQ(result.depth, depth);
    EXPECT_FALSE(scan(std::string(depth, '[')).well_formed);
  }
  // Objects and arrays mixed: each closes with its own bracket, however deep.
  std::string open, close;
  for (int i = 0; i < 3000; ++i) {
    open += i % 3 == 0 ? "[" : "{\"k\":";
    close.insert(0, i % 3 == 0 ? "]" : "}");
  }
  EXPECT_TRUE(scan(open + "1" + close).well_formed);
  close[1500] = close[1500] == ']' ? '}' : ']';
  EXPECT_FALSE(scan(open + "1" + close).well_formed);
}

TEST(ScanDepth, CountsTheDeepest) {
  EXPECT_EQ(scan("1").depth, 0u);
  EXPECT_EQ(scan("[]").depth, 1u);
  EXPECT_EQ(scan(R"([{"a":[1]},[]])").depth, 3u);
}

TEST(ScanWanted, FindsValuesByPath) {
  const std::string_view text =
      R"({"webhook_id":"w1","payload":{"chat_id":"c1","event":{"id":"e1","type":"message","n": 12 }},"x":[{"payload":1}]})";
  EXPECT_EQ(wanted(text, {"webhook_id"}), "\"w1\"");
  EXPECT_EQ(wanted(text, {"payload", "event", "id"}), "\"e1\"");
  EXPECT_EQ(wanted(text, {"payload", "event", "n"}), "12");
  EXPECT_EQ(wanted(text, {"payload", "event"}), R"({"id":"e1","type":"message","n": 12 })");
  EXPECT_EQ(wanted(text, {"payload", "id"}), "");
  EXPECT_EQ(wanted(text, {"event", "id"}), "");
  EXPECT_EQ(wanted(text, {"x"}), R"([{"payload":1}])");
  EXPECT_EQ(wanted(text, {"x", "payload"}), "");  // no steps through arrays
}

TEST(ScanWanted, SeveralPathsAtOnce) {
  const JsonPath paths[] = {{{"a", "b"}}, {{"a"}}, {{"a", "c", "d"}}, {{"z"}}, {{}}};
  const JsonScanResult result = scan_json(R"({"a":{"b":1,"c":{"d":[2]}}})", paths, {});
  ASSERT_EQ(result.values.size(), 5u);
  EXPECT_EQ(result.values[0], "1");
  EXPECT_EQ(result.values[1], R"({"b":1,"c":{"d":[2]}})");
  EXPECT_EQ(result.values[2], "[2]");
  EXPECT_EQ(result.values[3], "");
  EXPECT_EQ(result.values[4], "");
}

TEST(ScanWanted, TheLastOfDuplicateKeysHolds) {
  EXPECT_EQ(wanted(R"({"a":1,"a":2})", {"a"}), "2");
  EXPECT_EQ(wanted(R"({"a":{"b":1},"a":{"b":2}})", {"a", "b"}), "2");
  EXPECT_EQ(wanted(R"({"a":{"b":1},"a":{}})", {"a", "b"}), "");  // the second a has no b
  EXPECT_EQ(wanted(R"({"a":{"b":1},"a":5})", {"a", "b"}), "");
  EXPECT_EQ(wanted(R"({"a":5,"a":{"b":1,"b":[3]}})", {"a", "b"}), "[3]");
}

TEST(ScanWanted, ComparesKeysUnescaped) {
  EXPECT_EQ(wanted(R"({"p\u0061y":{"\u0069d":7}})", {"pay", "id"}), "7");
  EXPECT_EQ(wanted(R"({"a\/b":1})", {"a/b"}), "1");
}

TEST(ScanWanted, DoesNotReadKeysOutOfStrings) {
  EXPECT_EQ(wanted(R"({"x":"\"a\":1","a":2})", {"a"}), "2");
  EXPECT_EQ(wanted(R"({"x":"}","y":"{\"a\":3}"})", {"a"}), "");
}

TEST(ScanRemoval, KeepsTheGrammarWhereverTheMemberStands) {
  EXPECT_EQ(removed(R"({"s":1})"), "{}");
  EXPECT_EQ(removed(R"({"s":1,"a":2})"), R"({"a":2})");
  EXPECT_EQ(removed(R"({"a":2,"s":1})"), R"({"a":2})");
  EXPECT_EQ(removed(R"({"a":2,"s":1,"b":3})"), R"({"a":2,"b":3})");
  EXPECT_EQ(removed(R"({"s":1,"s":2})"), "{}");
  EXPECT_EQ(removed(R"({"s":1,"s":2,"a":3})"), R"({"a":3})");
  EXPECT_EQ(removed(R"({"s":1,"a":3,"s":2})"), R"({"a":3})");
  EXPECT_EQ(removed(R"({"a":3,"s":1,"s":2})"), R"({"a":3})");
  EXPECT_EQ(removed(R"({"a":3,"s":1,"s":2,"b":4,"s":5})"), R"({"a":3,"b":4})");
  EXPECT_EQ(removed(R"({ "s" : 1 , "a" : 2 })"), R"({  "a" : 2 })");
  EXPECT_EQ(removed("{\n  \"a\": 2,\n  \"s\": {\"x\": 1}\n}"), "{\n  \"a\": 2\n}");
}

TEST(ScanRemoval, WorksAtEveryDepth) {
  EXPECT_EQ(removed(R"([{"s":1},{"a":[{"s":[2],"b":{"s":3,"c":4}}]}])"), R"([{},{"a":[{"b":{"c":4}}]}])");
  EXPECT_EQ(removed(R"({"a":{"s":1},"s":2})"), R"({"a":{}})");
  EXPECT_EQ(removed(R"({"s":2,"a":{"b":1,"s":1},"c":{"s":1}})"), R"({"a":{"b":1},"c":{}})");
}

TEST(ScanRemoval, TheOuterMemberCoversTheInner) {
  EXPECT_EQ(removed(R"({"s":{"s":1,"a":{"s":[{"s":2}]}},"b":{"s":3}})"), R"({"b":{}})");
  EXPECT_EQ(removed(R"({"a":1,"s":[{"s":1},{"s":2}]})"), R"({"a":1})");
}

TEST(ScanRemoval, ComparesNamesUnescaped) {
  EXPECT_EQ(removed(R"({"secret\u005fkey":"x","a":1})", {"secret_key"}), R"({"a":1})");
  EXPECT_EQ(removed(R"({"\u0073ecret_key":"x","secret_key ":1})", {"secret_key"}), R"({"secret_key ":1})");
  EXPECT_EQ(removed(R"({"a":"secret_key","b":["secret_key"]})", {"secret_key"}),
            R"({"a":"secret_key","b":["secret_key"]})");
}

TEST(ScanRemoval, TakesSeveralNames) {
  EXPECT_EQ(removed(R"({"t":1,"s":2,"a":3,"t":4})", {"s", "t"}), R"({"a":3})");
  EXPECT_EQ(removed(R"({"a":3})", {}), R"({"a":3})");
}

TEST(ScanRemoval, FindsWantedValuesAllTheSame) {
  const JsonPath path{{"s", "id"}};
  const std::string name = "s";
  const JsonScanResult result = scan_json(R"({"s":{"id":5},"a":1})", std::span(&path, 1), std::span(&name, 1));
  EXPECT_EQ(result.values[0], "5");
  EXPECT_EQ(result.members.size(), 1u);
}

TEST(ScannedString, UnescapesAndRepairs) {
  EXPECT_EQ(scanned_string(R"("abc")"), "abc");
  EXPECT_EQ(scanned_string(R"("a\u0062\n\"\\\/\ud83d\ude00")"), "ab\n\"\\/\U0001F600");
  EXPECT_EQ(scanned_string(R"("\ud800x\udc00")"), "\uFFFDx\uFFFD");
  EXPECT_EQ(scanned_string("\"\xFF\""), "\uFFFD");
  EXPECT_EQ(scanned_string("12"), "12");
  EXPECT_EQ(scanned_string("{\"a\":1}"), "{\"a\":1}");
  EXPECT_EQ(scanned_string(""), "");
  EXPECT_EQ(scanned_string(R"("")"), "");
}

// ---- against Boost.JSON
// ------------------------------------------------------------------------------------------------

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string document() {
    std::string out;
    value(out, 0);
    return out;
  }
  unsigned below(unsigned n) { return random_() % n; }

  // One to three small changes of the kind that break grammars.
  std::string mutated(std::string text) {
    static constexpr std::string_view bytes = "{}[]:,\"\\0123456789.eE+-tfnu \n\t\x01\xFF/abs";
    for (unsigned n = 1 + below(3); n > 0; --n) {
      const std::size_t at = text.empty() ? 0 : below(static_cast<unsigned>(text.size()));
      switch (below(4)) {
        case 0:
          text.insert(at, 1, bytes[below(static_cast<unsigned>(bytes.size()))]);
          break;
        case 1:
          if (!text.empty()) text.erase(at, 1 + below(3));
          break;
        case 2:
          if (!text.empty()) text[at] = bytes[below(static_cast<unsigned>(bytes.size()))];
          break;
        default:
          text.resize(at);
          break;
      }
    }
    return text;
  }

 private:
  void white(std::string& out) {
    if (below(5) == 0) out += " \n\t\r"[below(4)];
  }
  void string(std::string& out, bool key) {
    static constexpr std::string_view keys[] = {
        "a", "b", "s", "id", "payload", "", "\\u0073", "secret_key", "long_member_name_here"};
    static constexpr std::string_view pieces[] = {"x",
                                                  "plain text ",
                                                  "\\n",
                                                  "\\\"",
                                                  "\\\\",
                                                  "\\/",
                                                  "\\u00e4",
                                                  "\\ud83d\\ude00",
                                                  "\xC3\xA4",
                                                  "{\\\"s\\\":1}",
                                                  ",",
                                                  "}",
                                                  "0123456789abcdef"};
    out += '"';
    if (key)
      out += keys[below(std::size(keys))];
    else
      for (unsigned n = below(5); n > 0; --n) out += pieces[below(std::size(pieces))];
    out += '"';
  }
  void value(std::string& out, int depth) {
    static constexpr std::string_view scalars[] = {"null", "true",     "false",        "0",  "-1", "12.5",
                                                   "1e5",  "-0.25E-3", "123456789012", "1.0"};
    white(out);
    const unsigned kind = below(depth > 6 ? 2 : 5);
    if (kind == 0) {
      out += scalars[below(std::size(scalars))];
    } else if (kind == 1) {
      string(out, false);
    } else {
      const bool object = kind >= 3;
      out += object ? '{' : '[';
      white(out);
      const unsigned count = below(5);
      for (unsigned i = 0; i < count; ++i) {
        if (i > 0) out += ',';
        white(out);
        if (object) {
          string(out, true);
          white(out);
          out += ':';
        }
        value(out, depth + 1);
      }
      out += object ? '}' : ']';
    }
    white(out);
  }
  std::mt19937 random_;
};

// Boost.JSON with everything allowed that the scanner also allows: lone surrogates and invalid UTF-8 are repaired
// before.
bool boost_takes(std::string_view text) {
  return static_cast<bool>(parse_json(text));
}

TEST(ScanAgainstBoost, AgreesOnTheGrammarOfValidAndMutatedDocuments) {
  Generator generate(20'26);
  int valid = 0, refused = 0;
  for (int i = 0; i < 30'000; ++i) {
    std::string text = generate.document();
    if (i % 3 != 0) text = generate.mutated(std::move(text));
    const JsonScanResult result = scan(text);
    ASSERT_EQ(result.well_formed, boost_takes(text)) << text << " at " << result.error_offset;
    (result.well_formed ? valid : refused)++;
  }
  EXPECT_GT(valid, 10'000);
  EXPECT_GT(refused, 5'000);
}

void remove_members(json::value& value, const std::vector<std::string>& names) {
  if (json::object* object = value.if_object()) {
    for (const std::string& name : names) object->erase(name);
    for (auto& member : *object) remove_members(member.value(), names);
  } else if (json::array* array = value.if_array()) {
    for (json::value& element : *array) remove_members(element, names);
  }
}

TEST(ScanAgainstBoost, AgreesOnWhatIsTakenOut) {
  Generator generate(77);
  const std::vector<std::string> names{"s", "secret_key"};
  int changed = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = generate.document();
    const JsonScanResult result = scan_json(text, {}, names);
    ASSERT_TRUE(result.well_formed) << text;
    const std::string rest = without_members(text, result.members);
    json::value expected = *parse_json(text);
    remove_members(expected, names);
    const auto parsed = parse_json(rest);
    ASSERT_TRUE(parsed) << text << "\n" << rest;
    ASSERT_EQ(*parsed, expected) << text << "\n" << rest;
    ASSERT_TRUE(scan_json(rest, {}, names).members.empty()) << rest;
    changed += rest != text;
  }
  EXPECT_GT(changed, 3'000);
}

TEST(ScanAgainstBoost, AgreesOnWantedValues) {
  Generator generate(99);
  const JsonPath paths[] = {{{"a"}}, {{"a", "b"}}, {{"payload", "id"}}, {{"s"}}, {{"b", "a", "id"}}, {{""}}};
  int found = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = generate.document();
    const JsonScanResult result = scan_json(text, paths, {});
    const json::value root = *parse_json(text);
    for (std::size_t p = 0; p < std::size(paths); ++p) {
      const json::value* at = &root;
      for (const std::string& key : paths[p].keys)
        if (at != nullptr) at = find(*at, key);
      if (at == nullptr) {
        ASSERT_EQ(result.values[p], "") << text;
        continue;
      }
      ++found;
      ASSERT_NE(result.values[p], "") << text;
      ASSERT_EQ(*parse_json(result.values[p]), *at) << text;
      if (at->is_string()) {
        ASSERT_EQ(scanned_string(result.values[p]), std::string_view(at->get_string())) << text;
      }
    }
  }
  EXPECT_GT(found, 5'000);
}

TEST(ScanAgainstBoost, DepthIsBoosts) {
  const std::function<std::size_t(const json::value&)> depth = [&](const json::value& value) -> std::size_t {
    std::size_t deepest = 0;
    if (const json::array* array = value.if_array()) {
      for (const json::value& element : *array) deepest = std::max(deepest, depth(element));
      return deepest + 1;
    }
    return 0;
  };
  Generator generate(5);
  for (int i = 0; i < 2'000; ++i) {
    // Without objects: duplicate keys hide values from Boost.JSON.
    std::string text = generate.document();
    if (text.find('{') != text.npos) continue;
    ASSERT_EQ(scan(text).depth, depth(*parse_json(text))) << text;
  }
}

}  // namespace
}  // namespace chatrelay
