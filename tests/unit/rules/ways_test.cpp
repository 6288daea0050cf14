// or_else in rules and of destinations, locks, and payloads that are rendered later.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/late_payload.hpp"
#include "rules/rules.hpp"
#include "rules/test_runner.hpp"

namespace chatrelay::rules {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class Ways : public testing::Test {
 protected:
  Ways() {
    std::string pattern = testing::TempDir() + "chatrelay-ways-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    Target crm{"crm", "", {}};
    crm.actions["upsert"].with = {{"email", {true}}, {"note", {false, expression::Escape::html}}, {"tags", {}}};
    crm.actions["upsert"].lock = store::LinkScope::visitor;
    Target team{"team", "message", {}};
    team.actions["message"].with = {
        {"text", {true}}, {"audience", {false, expression::Escape::none, true}}, {"chat", {}}};
    Target mailbox{"mailbox", "send", {}};
    mailbox.actions["send"].with = {{"text", {}}, {"subject", {}}};
    Target archive{"archive", "", {}};
    archive.actions["write"] = {{{"body", {}}}, false, true};
    for (const Target& target : {crm, team, mailbox, archive}) catalog.targets.emplace(target.destination, target);
    catalog.sources = {"livechat", "chatrelay"};
    environment.variable = [](const std::string&) { return std::optional<std::string>(); };
  }
  ~Ways() override { std::filesystem::remove_all(folder); }

  std::shared_ptr<const RuleSet> load(const std::string& rules) {
    problems = {};
    std::ofstream(folder / "r.yaml") << rules;
    return RuleSet::load({folder.string()}, catalog, json::parse(R"({"mail":{"2":"sales"}})").as_object(), problems,
                         environment);
  }
  std::vector<Planned> plan(const std::string& rules, LinksAre links = LinksAre::later) {
    const auto set = load(rules);
    if (!set) {
      ADD_FAILURE() << problems.to_string();
      return {};
    }
    Decision decision = Engine(set).decide(event(), {}, {}, links);
    for (const auto& failure : decision.failures) ADD_FAILURE() << failure.reason;
    return std::move(decision.deliveries);
  }
  std::string refused(const std::string& rules) {
    EXPECT_EQ(load(rules), nullptr);
    return problems.to_string();
  }
  static Event event(const std::string& audience = "all") {
    return event_from_json(
        json::object{{"id", "01E"},
                     {"type", "incoming_event"},
                     {"source", "livechat"},
                     {"chat", json::object{{"id", "C1"}, {"department", "2"}}},
                     {"visitor", json::object{{"name", "Ann <b>"}, {"email", "ann@example.com"}}},
                     {"message", json::object{{"id", "M1"}, {"text", "a {{ now }} & \"b\"\n"}, {"audience", audience}}},
                     {"raw", json::object{{"big", 9007199254740993}}}});
  }
  static json::object crm_links() { return json::parse(R"({"crm":{"id":"7"}})").as_object(); }

  std::filesystem::path folder;
  Catalog catalog;
  config::Problems problems;
  config::Environment environment = config::Environment::process();
};

TEST_F(Ways, another_way_is_planned_with_the_first) {
  const auto planned = plan(R"(
rules:
  - name: r
    on: "*"
    deliver:
      - to: team
        with: {text: "{{ .message.text }}"}
        or_else: {after: 60s, to: mailbox, with: {text: "From {{ .visitor.name }}"}}
      - {to: archive}
)");
  ASSERT_EQ(planned.size(), 2u);
  ASSERT_NE(planned[0].other_way, nullptr);
  EXPECT_EQ(planned[0].other_way_after, seconds(60));
  EXPECT_EQ(planned[0].other_way->destination, "mailbox");
  EXPECT_EQ(planned[0].other_way->action, "send");
  EXPECT_EQ(planned[0].other_way->payload, json::parse(R"({"text":"From Ann <b>"})"));
  EXPECT_EQ(planned[1].other_way, nullptr);
}

TEST_F(Ways, a_destination_may_name_its_own_and_a_delivery_may_refuse_it) {
  config::Problems own;
  catalog.targets["team"].or_else = config::Document::parse(
      R"({after: 5m, to: mailbox, with: {text: "{{ .transcript_text }}"}})", "c.yaml", own, environment);
  const auto set = load(R"(
rules:
  - name: r
    on: "*"
    deliver:
      - {to: team, with: {text: x}}
      - {to: team, with: {text: x}, or_else: none}
      - {to: team, with: {text: x}, or_else: {after: 1s, to: archive}}
      - {to: mailbox, with: {text: x}}
)");
  ASSERT_NE(set, nullptr) << problems.to_string();
  Lazy lazy;
  lazy.transcript = [](const TranscriptMember&) { return json::value("T"); };
  const auto planned = Engine(set).decide(event(), {}, lazy).deliveries;
  ASSERT_EQ(planned.size(), 4u);
  ASSERT_NE(planned[0].other_way, nullptr);
  EXPECT_EQ(planned[0].other_way_after, seconds(300));
  EXPECT_EQ(planned[0].other_way->payload, json::parse(R"({"text":"T"})"));
  EXPECT_EQ(planned[1].other_way, nullptr);
  EXPECT_EQ(planned[2].other_way->destination, "archive");
  EXPECT_EQ(planned[3].other_way, nullptr);
}

TEST_F(Ways, what_is_wrong_with_another_way_is_told) {
  const std::string all = refused(R"(
rules:
  - {name: a, on: "*", deliver: [{to: team, with: {text: x}, or_else: {to: mailbox}}]}
  - {name: b, on: "*", deliver: [{to: team, with: {text: x}, or_else: {after: 0s, to: mailbox}}]}
  - {name: c, on: "*", deliver: [{to: team, with: {text: x}, or_else: {after: 1s, to: team, with: {text: x}}}]}
  - {name: d, on: "*", deliver: [{to: team, with: {text: x}, or_else: mailbox}]}
  - {name: e, on: "*", deliver: [{to: archive, or_else: {after: 1s, to: crm, action: upsert}}]}
  - {name: f, on: "*", deliver: [{to: archive, or_else: {after: 1s, to: mailbax}}]}
)");
  for (const char* part : {"has no after", "must be longer than 0", "is team again", "or none",
                           "lacks \"email\", which crm needs", "did you mean mailbox?"})
    EXPECT_THAT(all, HasSubstr(part));
}

TEST_F(Ways, a_failing_other_way_fails_its_rule_before_anything_is_delivered) {
  const auto set = load(R"(
rules:
  - {name: r, on: "*", deliver: [{to: team, with: {text: x}, or_else: {after: 1s, to: mailbox, with: {text: "{{ .type + 1 }}"}}}]}
)");
  const auto decision = Engine(set).decide(event(), {}, {});
  EXPECT_TRUE(decision.deliveries.empty());
  ASSERT_EQ(decision.failures.size(), 1u);
  EXPECT_THAT(decision.failures[0].reason, HasSubstr("or_else: with: text: "));
}

TEST_F(Ways, a_lock_is_that_of_the_action) {
  const auto planned = plan(R"(
rules:
  - {name: r, on: "*", deliver: [{to: crm, action: upsert, with: {email: x}}, {to: team, with: {text: x}}]}
)");
  EXPECT_EQ(planned.at(0).lock, store::LinkScope::visitor);
  EXPECT_EQ(planned.at(1).lock, std::nullopt);
}

constexpr const char* late_rules = R"(
rules:
  - name: r
    on: "*"
    deliver:
      - to: crm
        action: upsert
        with:
          email: "{{ .visitor.email }}"
          note: "{{ .links.crm.id }} <i>{{ .visitor.name }}</i> {{ $tables.mail[.chat.department] }} {{{{ }} {{ .raw.big }}"
          tags: [one, {id: "{{ .links.crm.id }}", n: 1, none: null, text: "a: \"b\"\n # c"}]
      - {to: team, with: {text: "{{ .message.text }}"}}
)";

TEST_F(Ways, what_uses_links_is_rendered_later_and_gives_what_it_would_have_given) {
  const auto planned = plan(late_rules);
  ASSERT_EQ(planned.size(), 2u);
  EXPECT_TRUE(planned[0].payload.is_null());
  ASSERT_FALSE(planned[0].inputs.empty());
  EXPECT_TRUE(planned[1].inputs.empty());
  LateRenderer renderer;
  const auto text = renderer.render(planned[0].inputs, crm_links());
  ASSERT_TRUE(text) << text.error().message;
  const auto set = load(late_rules);
  EventExtras extras;
  extras.links = crm_links();
  const auto at_once = Engine(set).decide(event(), extras, {}).deliveries;
  EXPECT_TRUE(at_once[0].inputs.empty());
  EXPECT_EQ(json::parse(*text), at_once[0].payload);
  EXPECT_EQ(json::parse(*text).at("note"), "7 <i>Ann &lt;b&gt;</i> sales {{ }} 9007199254740993");
  EXPECT_EQ(json::parse(*text).at("tags").at(1).at("id"), "7");
  EXPECT_EQ(*renderer.render(planned[0].inputs, crm_links()), *text) << "also from what is compiled already";
  const auto without = renderer.render(planned[0].inputs, {});
  EXPECT_TRUE(json::parse(*without).at("tags").at(1).at("id").is_null());
}

TEST_F(Ways, what_was_planned_does_not_change_with_the_tables) {
  const auto planned = plan(late_rules);
  EXPECT_THAT(planned[0].inputs, HasSubstr("sales"));
  const auto other = plan(R"(
rules:
  - {name: r, on: "*", deliver: [{to: team, with: {text: "{{ .links.crm.id }}"}}]}
)");
  EXPECT_THAT(other[0].inputs, testing::Not(HasSubstr("sales"))) << "tables go along where they are used";
  EXPECT_THAT(other[0].inputs, testing::Not(HasSubstr("9007199254740993"))) << "and so does what the system sent";
}

TEST_F(Ways, duties_hold_for_late_payloads_too) {
  const auto set = load(R"(
rules:
  - {name: r, on: "*", deliver: [{to: team, with: {text: "{{ .links.crm.id }}", audience: all}}]}
  - {name: s, on: "*", deliver: [{to: team, with: {text: "{{ .links.crm.id // empty }}"}}]}
)");
  ASSERT_NE(set, nullptr) << problems.to_string();
  const auto planned = Engine(set).decide(event("agents"), {}, {}, LinksAre::later).deliveries;
  LateRenderer renderer;
  EXPECT_EQ(json::parse(*renderer.render(planned[0].inputs, crm_links())).at("audience"), "agents")
      << "what is for agents only stays theirs";
  const auto nothing = renderer.render(planned[1].inputs, {});
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error().message, HasSubstr("\"text\" has no value, and team needs one"));
}

TEST_F(Ways, inputs_that_are_none_are_an_error) {
  LateRenderer renderer;
  for (const char* inputs : {"", "[]", "{}", R"({"late":[1]})", R"({"late":[["a","{{ .","none"]]})",
                             R"({"late":[["a","x","no_such_escape"]]})"})
    EXPECT_FALSE(renderer.render(inputs, {})) << inputs;
}

TEST_F(Ways, tests_of_rules_may_expect_another_way) {
  std::ofstream(folder / "r.yaml") << R"(
rules:
  - {name: r, on: "*", deliver: [{to: team, with: {text: "{{ .links.crm.id }}"}, or_else: {after: 1s, to: mailbox, with: {text: x}}}]}
)";
  const auto run = [&](const std::string& expect) {
    std::ofstream(folder / "r_test.yaml") << "tests:\n  - name: t\n    source: livechat\n    links: {crm: {id: '7'}}\n"
                                             "    events: [{type: x}]\n    expect: [{to: team, with: {text: '7', "
                                             "audience: all}" +
                                                 expect + "}]\n";
    const Decode decode = [](const std::string&, std::string_view) -> Result<std::vector<Event>> {
      return not_found("nothing is decoded here");
    };
    problems = {};
    const TestReport report = run_tests({folder.string()}, {}, catalog, {}, decode, problems, environment);
    EXPECT_EQ(report.tests.size(), 1u) << problems.to_string();
    return report.tests.empty() ? std::string("none") : report.tests[0].details;
  };
  EXPECT_EQ(run(""), "");
  EXPECT_EQ(run(", or_else: {to: mailbox, action: send, with: {text: x}}"), "");
  EXPECT_THAT(run(", or_else: {to: mailbox, with: {text: y}}"), HasSubstr("or_else: with.text: expected \"y\""));
  EXPECT_THAT(run(", or_else: {to: archive}"), HasSubstr("expected to archive"));
}

TEST_F(Ways, WhatALinkedChatIsFoundByIsAnExpression) {
  const auto planned = plan(R"(
rules:
  - name: a
    on: "*"
    deliver:
      - {to: team, with: {text: x, chat: {linked: crm, by: {dep: .chat.department, id: "x{{ .chat.id }}", n: 7}}}}
      - {to: team, with: {text: x, chat: {by: {dep: .chat.department}}}}
)");
  ASSERT_EQ(planned.size(), 2u);
  EXPECT_EQ(planned[0].payload.at("chat"), json::parse(R"({"linked":"crm","by":{"dep":"2","id":"xC1","n":7}})"));
  EXPECT_EQ(planned[1].payload.at("chat").at("by").at("dep"), ".chat.department") << "only of a linked chat";
  EXPECT_THAT(refused(R"(
rules: [{name: a, on: "*", deliver: [{to: team, with: {text: x, chat: {linked: crm, by: {dep: .chat.}}}}]}]
)"),
              HasSubstr("r.yaml:2"));
}

}  // namespace
}  // namespace chatrelay::rules
