#include "config/node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/secret.hpp"
#include "unit/config/support.hpp"

namespace chatrelay::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

const std::string at = "/etc/relay/config.yaml:";

TEST(Node, ReadsScalarsListsAndMaps) {
  Parsed p("a: text\nb: [1, two]\nc:\n  d: true\n  e: 5\n");
  EXPECT_EQ(p.root["a"].string(), "text");
  EXPECT_THAT(p.root["b"].strings(), ElementsAre("1", "two"));
  EXPECT_TRUE(p.root["c"]["d"].boolean(false));
  EXPECT_EQ(p.root["c"]["e"].integer(0, 0, 10), 5);
  EXPECT_THAT(p.root.keys(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(p.root["c"]["e"].path(), "c.e");
  EXPECT_EQ(p.root["b"].at(1).path(), "b[1]");
  EXPECT_EQ(p.root["c"]["e"].where().to_string(), at + "5");
  EXPECT_TRUE(p.problems.list().empty()) << p.problems.to_string();
}

TEST(Node, AbsentGivesFallbacks) {
  Parsed p("a:\n");
  for (const Node& node : {Node(), p.root["a"], p.root["x"], p.root["x"]["y"], p.root["a"].at(3)}) {
    EXPECT_FALSE(node.present());
    EXPECT_EQ(node.string("f"), "f");
    EXPECT_TRUE(node.boolean(true));
    EXPECT_EQ(node.integer(7, 0, 10), 7);
    EXPECT_EQ(node.number(1.5), 1.5);
    EXPECT_EQ(node.duration(5s), 5s);
    EXPECT_EQ(node.size_bytes(9), 9u);
    EXPECT_FALSE(node.rate());
    EXPECT_TRUE(node.secret().empty());
    EXPECT_TRUE(node.items().empty());
    EXPECT_TRUE(node.json(true).is_null());
    node.only({"x"});
  }
  EXPECT_TRUE(p.problems.list().empty()) << p.problems.to_string();
}

TEST(Node, AnUnknownKeyNamesTheNearest) {
  Parsed p("sources:\n  livechat:\n    system: livechat\n    secrts: [x]\n    colour: red\n");
  p.root["sources"]["livechat"].only({"system", "secrets"});
  EXPECT_EQ(p.problems.to_string(), at + "4: sources.livechat.secrts is not known; did you mean \"secrets\"?\n" + at +
                                        "5: sources.livechat.colour is not known; known here: system, secrets\n");
}

TEST(Node, ATabInFrontOfALineIsNamed) {
  Problems problems;
  Document::parse("rules:\n\t- name: a\n", "r.yaml", problems, Environment{});
  EXPECT_NE(problems.to_string().find("r.yaml:2: is not valid YAML"), std::string::npos) << problems.to_string();
  EXPECT_NE(problems.to_string().find("indented with a tab"), std::string::npos) << problems.to_string();
}

TEST(Node, WrongValuesAreProblemsWithTheirPlace) {
  Parsed p("a: yes\nb: 5x\nc: 500\nd: 30\ne: [1]\nf: {x: 1}\ng: 1XiB\nh: 5/year\ni: maybe\n");
  EXPECT_TRUE(p.root["a"].boolean(true));
  EXPECT_EQ(p.root["b"].integer(1, 0, 9), 1);
  EXPECT_EQ(p.root["c"].integer(1, 0, 9), 1);
  EXPECT_EQ(p.root["d"].duration(5s), 5s);
  EXPECT_EQ(p.root["e"].string("f"), "f");
  EXPECT_EQ(p.root["f"].string("f"), "f");
  EXPECT_EQ(p.root["g"].size_bytes(3), 3u);
  EXPECT_FALSE(p.root["h"].rate());
  EXPECT_EQ((p.root["i"].one_of<int>({{"one", 1}, {"two", 2}}, 2)), 2);
  const std::string text = p.problems.to_string();
  EXPECT_THAT(text, HasSubstr(at + "1: a is \"yes\"; it must be true or false"));
  EXPECT_THAT(text, HasSubstr(at + "2: b is \"5x\"; it must be a whole number"));
  EXPECT_THAT(text, HasSubstr(at + "3: c is \"500\"; it must be from 0 to 9"));
  EXPECT_THAT(text, HasSubstr(at + "4: d is wrong: \"30\" is not a duration"));
  EXPECT_THAT(text, HasSubstr(at + "5: e must be a text, not a list"));
  EXPECT_THAT(text, HasSubstr(at + "6: f must be a text, not a map"));
  EXPECT_THAT(text, HasSubstr(at + "7: g is wrong"));
  EXPECT_THAT(text, HasSubstr(at + "8: h is wrong"));
  EXPECT_THAT(text, HasSubstr(at + "9: i is \"maybe\"; it must be one of: one, two"));
  EXPECT_EQ(p.problems.list().size(), 9u);
}

TEST(Node, ReadingTwiceReportsOnce) {
  Parsed p("a: ${MISSING}\n");
  p.root["a"].string();
  p.root["a"].string();
  EXPECT_EQ(p.problems.list().size(), 1u);
}

TEST(Node, DuplicateKeysAreProblems) {
  Parsed p("a: 1\nb:\n  - c: 1\n    c: 2\na: 3\n");
  EXPECT_EQ(p.problems.to_string(),
            at + "4: b[0].c is given twice; first in line 3\n" + at + "5: a is given twice; first in line 1\n");
  EXPECT_EQ(p.root["a"].string(), "1");
}

TEST(Node, JsonIsTypedByTheCoreSchema) {
  Parsed p(
      "a: [1, -2, 0x10, 0o17, 1.5, 1e3, .5, true, False, null, ~, yes, on, 'true', \"5\", 1_000, 2026-01-01, .inf, "
      "18446744073709551615]\n");
  EXPECT_EQ(p.root["a"].json(true),
            (boost::json::value{1, -2, 16, 15, 1.5, 1000.0, 0.5, true, false, nullptr, nullptr, "yes", "on", "true",
                                "5", "1_000", "2026-01-01", ".inf", 18446744073709551615u}));
}

TEST(Node, RelativePathsStartAtTheFile) {
  Parsed p("a: rules\nb: /abs/x\nc: ../x/./y\n");
  EXPECT_EQ(p.root["a"].path_value(), "/etc/relay/rules");
  EXPECT_EQ(p.root["b"].path_value(), "/abs/x");
  EXPECT_EQ(p.root["c"].path_value(), "/etc/x/y");
  EXPECT_EQ(p.root["z"].path_value(), "");
}

TEST(Substitution, ReplacesVariablesDefaultsAndFiles) {
  Parsed p(
      "a: ${HOME_X}\nb: pre ${HOME_X} and ${NOT_SET:-a default}${EMPTY:-e}!\nc: ${file:/run/token}\nd: "
      "${file:cred}\ne: $${HOME_X} $HOME_X ${NOT_SET:-}\n",
      test_environment({{"HOME_X", "/home"}, {"EMPTY", ""}},
                       {{"/run/token", "file-token-1"}, {"/etc/relay/cred", "cred-value-2"}}));
  EXPECT_EQ(p.root["a"].string(), "/home");
  EXPECT_EQ(p.root["b"].string(), "pre /home and a defaulte!");
  EXPECT_EQ(p.root["c"].string(), "file-token-1");
  EXPECT_EQ(p.root["d"].string(), "cred-value-2");
  EXPECT_EQ(p.root["e"].string(), "${HOME_X} $HOME_X ");
  EXPECT_TRUE(p.problems.list().empty()) << p.problems.to_string();
  EXPECT_EQ(redactor::redact("x file-token-1 y"), "x [secret] y");
}

TEST(Substitution, DoesNotReplaceInWhatItReplaced) {
  Parsed p("a: ${ONE}\n", test_environment({{"ONE", "${TWO}"}, {"TWO", "never"}}));
  EXPECT_EQ(p.root["a"].string(), "${TWO}");
}

TEST(Substitution, WhatIsNotSetSaysWhereToSetIt) {
  Parsed p("a: ok\nb: ${TOKEN_X}\nc: ${file:/none}\nd: ${bad name}\ne: ${open\nf: ${file:}\n");
  for (const char* key : {"b", "c", "d", "e", "f"}) EXPECT_EQ(p.root[key].string("fallback"), "fallback");
  const std::string text = p.problems.to_string();
  EXPECT_THAT(text, HasSubstr(at + "2: b uses ${TOKEN_X}, which is not set: set it in the environment (systemd: "
                                   "Environment= or LoadCredential with ${file:…})"));
  EXPECT_THAT(text, HasSubstr(at + "3: c uses ${file:/none}: cannot read /none"));
  EXPECT_THAT(text, HasSubstr(at + "4: d has ${bad name}, which is neither"));
  EXPECT_THAT(text, HasSubstr(at + "5: e has ${ without a closing }"));
  EXPECT_THAT(text, HasSubstr(at + "6: f has ${file:} without a path"));
}

TEST(Substitution, JsonReplacesOnlyWhenAsked) {
  Parsed p("a:\n  t: \"${N}\"\n  plain: ${N}\n  n: 5\n  list: [\"x-${N}\"]\n", test_environment({{"N", "12"}}));
  EXPECT_EQ(p.root["a"].json(true), (boost::json::value{{"t", "12"}, {"plain", "12"}, {"n", 5}, {"list", {"x-12"}}}));
  EXPECT_EQ(p.root["a"].json(false),
            (boost::json::value{{"t", "${N}"}, {"plain", "${N}"}, {"n", 5}, {"list", {"x-${N}"}}}));
}

TEST(Substitution, AWrongValueIsNotShown) {
  Parsed p("a: ${T}\nb: ${T}\nc: ${T}\n", test_environment({{"T", "very-private-value"}}));
  p.root["a"].duration(1s);
  p.root["b"].integer(0, 0, 1);
  p.root["c"].one_of<int>({{"x", 1}}, 1);
  EXPECT_EQ(p.problems.list().size(), 3u);
  EXPECT_EQ(p.problems.to_string().find("very-private-value"), std::string::npos) << p.problems.to_string();
}

TEST(NodeSecret, WarnsWhenItStandsInTheFile) {
  Parsed p("a: literal-secret\nb: ${S}\n", test_environment({{"S", "from-environment"}}));
  EXPECT_TRUE(p.root["a"].secret().matches("literal-secret"));
  EXPECT_TRUE(p.root["b"].secret().matches("from-environment"));
  ASSERT_EQ(p.problems.list().size(), 1u);
  EXPECT_TRUE(p.problems.list()[0].warning);
  EXPECT_FALSE(p.problems.has_errors());
  EXPECT_EQ(redactor::redact("from-environment literal-secret"), "[secret] [secret]");
}

TEST(Braces, AnUnquotedTemplateShowsTheQuotedForm) {
  Parsed p("with:\n  email: {{ .visitor.email }}\n  next: fine\n");
  EXPECT_THAT(p.problems.to_string(), HasSubstr(at + "2: a value that starts with {{ must be in quotes"));
  EXPECT_THAT(p.problems.to_string(), HasSubstr("write \"{{ .visitor.email }}\""));
  EXPECT_EQ(p.problems.list().size(), 1u) << p.problems.to_string();
  EXPECT_EQ(p.root["with"]["next"].string(), "fine");
}

TEST(Braces, AlsoWhereYamlFails) {
  for (const std::string line : {"  a: {{ .name }} said", "  a: {{ .name // \"x\" }}", "  - {{ .a | length }} x",
                                 "  a: {{ .a", "  a: {{ if .a then 1 else 2 end }}: x"}) {
    Parsed p("with:\n" + line + "\n");
    EXPECT_THAT(p.problems.to_string(), HasSubstr(at + "2: a value that starts with {{")) << line;
  }
  Parsed quotes("a: {{ .name // \"x\" }}\n");
  EXPECT_THAT(quotes.problems.to_string(), HasSubstr("'{{ .name // \"x\" }}'"));
}

TEST(Braces, QuotedOnesAndFlowMapsAreFine) {
  Parsed p("a: \"{{ .x }}\"\nb: '{{ .x }}'\nc: |\n  {{ .x }}\n  - {{ .y }}\nd: {e: {f: 1}}\ng: text {{ .x }}\n");
  EXPECT_TRUE(p.problems.list().empty()) << p.problems.to_string();
  EXPECT_EQ(p.root["a"].string(), "{{ .x }}");
  EXPECT_TRUE(p.root["a"].is_quoted());
  EXPECT_TRUE(p.root["c"].is_quoted());
  EXPECT_FALSE(p.root["g"].is_quoted());
}

TEST(Document, SyntaxErrorsHaveALine) {
  for (const auto& [text, line] : {std::pair<std::string, int>{"a: [1\nb: 2\n", 2},
                                   {"a: 1\n b: 2\n", 2},
                                   {"a: \"x\n", 2},
                                   {"a: b: c\n", 1},
                                   {"\ta: 1\n", 1},
                                   {"a: @x\n", 1}}) {
    Parsed p(text);
    ASSERT_EQ(p.problems.list().size(), 1u) << text << p.problems.to_string();
    EXPECT_NEAR(p.problems.list()[0].where.line, line, 1) << text << p.problems.to_string();
    EXPECT_FALSE(p.root.present());
  }
}

TEST(Document, AQuoteThatIsNeverClosedIsAProblem) {
  for (const std::string text :
       {"a: 1\nb: \"x\nc: 2\n", "a: 1\nb: 'it''s\nc: 2\n", "a: 1\nb: \"x\\\"\n", "a: 1\nb: \"\n"}) {
    Parsed p(text);
    EXPECT_TRUE(p.problems.has_errors()) << text;
    EXPECT_FALSE(p.root.present()) << text;
  }
  Parsed closed("a: \"x\n  y\"\nb: 'it''s'\nc: \"\\\\\"\n");
  EXPECT_FALSE(closed.problems.has_errors()) << closed.problems.to_string();
  EXPECT_EQ(closed.root["c"].string(), "\\");
}

TEST(Document, AVariableInAFlowMapNeedsQuotes) {
  EXPECT_THAT(Parsed("a: {b: ${X}, c: 1}\n").problems.to_string(), HasSubstr("write \"${NAME}\" in quotes"));
}

TEST(Document, RefusesWhatIsNotText) {
  EXPECT_THAT(Parsed("a: 1\nb: \xFF\n").problems.to_string(), HasSubstr(at + "2: is not valid UTF-8"));
  EXPECT_THAT(Parsed("a: 1\n\x04 b: 2\n").problems.to_string(), HasSubstr(at + "2: holds a control character"));
  EXPECT_THAT(Parsed(std::string("a: \0", 4)).problems.to_string(), HasSubstr("control character"));
  EXPECT_THAT(Parsed("a: 1\n---\nb: 2\n").problems.to_string(), HasSubstr("a second document"));
  EXPECT_THAT(Parsed("? [a, b]\n: 1\n").problems.to_string(), HasSubstr("a key must be plain text"));
}

TEST(Document, AnAnchorBombIsAProblem) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) text += ", " + before;
    text += "]\n";
  }
  EXPECT_THAT(Parsed(text).problems.to_string(), HasSubstr("holds more than 100000 values"));
}

TEST(Document, AnchorsOfHonestPeopleWork) {
  Parsed p("a: &x {k: 1}\nb: *x\n");
  EXPECT_EQ(p.root["b"]["k"].string(), "1");
  EXPECT_FALSE(p.problems.has_errors());
  EXPECT_TRUE(Parsed("a: &x [*x]\n").problems.has_errors());
}

TEST(Document, DeepNestingAndLargeFilesAreProblems) {
  EXPECT_THAT(Parsed("a: " + std::string(100, '[') + std::string(100, ']')).problems.to_string(),
              HasSubstr("nested deeper than 64"));
  EXPECT_TRUE(Parsed(std::string(100'000, '[')).problems.has_errors());
  EXPECT_THAT(Parsed(std::string(5 << 20, '#')).problems.to_string(), HasSubstr("larger than 4 MiB"));
}

TEST(Document, MissingFilesAndFoldersAreProblems) {
  Problems problems;
  EXPECT_FALSE(Document::load("/nowhere/x.yaml", problems, test_environment()).present());
  EXPECT_THAT(problems.to_string(), HasSubstr("cannot read /nowhere/x.yaml: No such file"));
  Problems folder;
  EXPECT_FALSE(Document::load("/tmp", folder, test_environment()).present());
  EXPECT_THAT(folder.to_string(), HasSubstr("/tmp is a folder"));
}

TEST(ProblemList, IsInFileOrder) {
  Problems problems;
  problems.add({"b.yaml", 9}, "nine");
  problems.add({"a.yaml", 1}, "one");
  problems.warn({"b.yaml", 2}, "two");
  EXPECT_EQ(problems.to_string(), "b.yaml:2: warning: two\nb.yaml:9: nine\na.yaml:1: one\n");
  problems.append(problems);
  EXPECT_EQ(problems.list().size(), 6u);
}

}  // namespace
}  // namespace chatrelay::config
