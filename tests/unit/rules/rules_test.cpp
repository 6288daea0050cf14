#include "rules/rules.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/test_runner.hpp"

namespace chatrelay::rules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

config::Environment empty_environment() {
  config::Environment environment = config::Environment::process();
  environment.variable = [](const std::string&) { return std::optional<std::string>(); };
  return environment;
}

Catalog catalog() {
  Catalog c;
  Target crm{"crm", "", {}};
  crm.actions["upsert_contact"].with = {
      {"email", {true}}, {"firstname", {}}, {"note", {false, expression::Escape::html}}};
  crm.actions["close_ticket"].with = {{"id", {true}}};
  Target mailbox{"mailbox", "send", {}};
  mailbox.actions["send"].with = {
      {"subject", {}}, {"text", {}}, {"html", {false, expression::Escape::html}}, {"to", {}}, {"reply_to", {}}};
  Target archive{"archive", "", {}};
  archive.actions["write"] = {{{"body", {}}}, false, true};
  Target hook{"hook", "", {}};
  hook.actions[""] = {{{"body", {}}, {"query", {false, expression::Escape::url}}}, true, true};
  Target visitors{"visitors", "message", {}};
  visitors.actions["message"].with = {{"text", {true}}, {"audience", {false, expression::Escape::none, true}}};
  for (const Target& target : {crm, mailbox, archive, hook, visitors}) c.targets.emplace(target.destination, target);
  c.sources = {"livechat", "forms", "chatrelay"};
  return c;
}

class Rules : public testing::Test {
 protected:
  Rules() {
    std::string pattern = testing::TempDir() + "chatrelay-rules-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Rules() override { std::filesystem::remove_all(folder_); }

  void file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  std::shared_ptr<const RuleSet> load() {
    problems_ = {};
    return RuleSet::load(
        {folder_.string()}, catalog(),
        json::parse(R"({"mailboxes": {"2": "sales@example.com"}, "to": {"a": "crm", "b": "mailbox"}})").as_object(),
        problems_, empty_environment());
  }
  std::shared_ptr<const RuleSet> load(const std::string& rules) {
    file("r.yaml", rules);
    return load();
  }
  // The problems of a file that must not load.
  std::string refused(const std::string& rules) {
    EXPECT_EQ(load(rules), nullptr) << rules;
    return problems_.to_string();
  }
  Decision decide(const std::string& rules, const Event& event, const EventExtras& extras = {}, const Lazy& lazy = {}) {
    const auto set = load(rules);
    if (set == nullptr) {
      ADD_FAILURE() << problems_.to_string();
      return {};
    }
    return Engine(set).decide(event, extras, lazy);
  }

  std::filesystem::path folder_;
  config::Problems problems_;
};

Event event(const std::string& type = "incoming_chat", const std::string& source = "livechat") {
  json::value shape =
      json::parse(R"({"id":"01E","system":"livechat","chat":{"id":"C1","thread_id":"T1","department":"2"},
    "visitor":{"name":"Ann <b>","email":"ann@example.com"},"message":{"id":"M1","text":"a & b"},"raw":{"big":9007199254740993}})");
  shape.as_object()["type"] = type;
  shape.as_object()["source"] = source;
  return event_from_json(shape);
}

std::vector<std::string> shown(const Decision& decision) {
  std::vector<std::string> lines;
  for (const Planned& p : decision.deliveries)
    lines.push_back(p.rule + ": " + p.destination + "/" + p.action + " " + json::serialize(p.payload));
  return lines;
}

TEST_F(Rules, deliver_what_with_says) {
  const auto decision = decide(R"(
rules:
  - name: contacts
    on: incoming_chat
    from: [livechat]
    when: .visitor.email != null
    deliver:
      - to: crm
        action: upsert_contact
        with: {email: "{{ .visitor.email }}", firstname: "{{ .visitor.phone }}", note: "<i>{{ .message.text }}</i>"}
      - to: mailbox
        with: {subject: "New {{ .visitor.name }}", html: "{{ .visitor.name }}", to: '{{ $tables.mailboxes[.chat.department] // "x@example.com" }}', reply_to: "{{ empty }}"}
)",
                               event());
  EXPECT_THAT(
      shown(decision),
      ElementsAre(
          R"(contacts: crm/upsert_contact {"email":"ann@example.com","firstname":null,"note":"<i>a &amp; b</i>"})",
          R"(contacts: mailbox/send {"subject":"New Ann <b>","html":"Ann &lt;b&gt;","to":"sales@example.com"})"));
  EXPECT_THAT(decision.matched, ElementsAre("contacts"));
  EXPECT_THAT(decision.failures, IsEmpty());
}

TEST_F(Rules, whole_event_is_the_payload_where_the_target_says_so) {
  const auto decision = decide(R"(
rules:
  - {name: a, on: "*", when: .transcript_text == "T", deliver: {to: archive}}
  - {name: b, on: "*", deliver: [{to: hook}, {to: hook, with: {headers: {x: "{{ .raw.big }}"}, query: "q={{ .message.text }}"}}]}
)",
                               event(), {json::parse(R"({"crm":{"id":7}})"), json::parse(R"({"online":true})")},
                               {[](const TranscriptMember&) { return json::value("T"); }});
  ASSERT_EQ(decision.deliveries.size(), 3U);
  const json::value& whole = decision.deliveries[0].payload;
  EXPECT_EQ(whole.at("visitor").at("email"), "ann@example.com");
  EXPECT_EQ(whole.at("links"), json::object()) << "it is rendered before its turn comes";
  EXPECT_EQ(whole.at("presence").at("online"), true);
  EXPECT_EQ(whole.at("raw").at("big"), 9007199254740993);
  EXPECT_FALSE(whole.as_object().contains("transcript_text"));
  EXPECT_EQ(whole, decision.deliveries[1].payload);
  EXPECT_EQ(decision.deliveries[0].action, "write");
  EXPECT_EQ(decision.deliveries[1].action, "");
  EXPECT_EQ(json::serialize(decision.deliveries[2].payload),
            R"({"headers":{"x":9007199254740993},"query":"q=a%20%26%20b"})");
}

TEST_F(Rules, apply_by_type_and_source) {
  const std::string rules = R"(
rules:
  - {name: one, on: incoming_chat, deliver: [{to: archive}]}
  - {name: list, on: [incoming_chat, chat_rated], deliver: [{to: archive}]}
  - {name: every, on: "*", deliver: [{to: archive}]}
  - {name: forms only, on: "*", from: forms, deliver: [{to: archive}]}
  - {name: off, on: "*", enabled: false, deliver: [{to: archive}]}
  - {name: own, on: delivery_dead, deliver: [{to: archive}]}
  - {name: own by from, on: "*", from: [chatrelay], deliver: [{to: archive}]}
  - {name: own with others, on: [delivery_dead, incoming_chat], from: [livechat], deliver: [{to: archive}]}
)";
  EXPECT_THAT(decide(rules, event()).matched, ElementsAre("one", "list", "every", "own with others"));
  EXPECT_THAT(decide(rules, event("chat_rated")).matched, ElementsAre("list", "every"));
  EXPECT_THAT(decide(rules, event("something_new")).matched, ElementsAre("every"));
  EXPECT_THAT(decide(rules, event("something_new", "forms")).matched, ElementsAre("every", "forms only"));
  EXPECT_THAT(decide(rules, event("delivery_dead", "chatrelay")).matched, ElementsAre("own", "own by from"));
  EXPECT_THAT(decide(rules, event("store_full", "chatrelay")).matched, ElementsAre("own by from"));
  const auto set = load(rules);
  EXPECT_EQ(set->size(), 7U);
  EXPECT_THAT(set->destinations_for("incoming_chat", "livechat"), ElementsAre("archive"));
  EXPECT_THAT(set->destinations_for("incoming_chat", "chatrelay"), ElementsAre("archive"));
}

TEST_F(Rules, come_in_order_of_files_and_places) {
  file("b.yaml", "rules: [{name: third, on: incoming_chat, deliver: [{to: archive}]}]");
  file("a.yaml",
       "rules: [{name: first, on: '*', deliver: [{to: archive}]}, {name: second, on: incoming_chat, deliver: [{to: "
       "archive}]}]");
  file("a_test.yaml", "tests: []");
  file("notes.txt", "{{{");
  const auto set = load();
  ASSERT_NE(set, nullptr) << problems_.to_string();
  EXPECT_THAT(Engine(set).decide(event(), {}, {}).matched, ElementsAre("first", "second", "third"));
}

TEST_F(Rules, stop_hides_the_event_from_later_rules_only_if_the_rule_applied) {
  const std::string rules = R"(
rules:
  - {name: a, on: "*", when: .message.text == "nothing", stop: true, deliver: [{to: archive}]}
  - {name: b, on: "*", stop: true, deliver: [{to: archive}]}
  - {name: c, on: "*", deliver: [{to: archive}]}
)";
  EXPECT_THAT(decide(rules, event()).matched, ElementsAre("b"));
}

TEST_F(Rules, a_failure_is_that_rules_alone_and_delivers_nothing_of_it) {
  const auto decision = decide(R"(
rules:
  - {name: bad when, on: "*", when: .visitor.name.first, deliver: [{to: archive}]}
  - {name: bad with, on: "*", deliver: [{to: archive}, {to: mailbox, with: {subject: "{{ .visitor.name + 1 }}"}}]}
  - {name: bad stop, on: "*", stop: false, deliver: [{to: crm, action: close_ticket, with: {id: "{{ empty }}"}}]}
  - {name: good, on: "*", deliver: [{to: archive}]}
)",
                               event());
  ASSERT_EQ(decision.deliveries.size(), 1U);
  EXPECT_EQ(decision.deliveries[0].rule, "good");
  ASSERT_EQ(decision.failures.size(), 3U);
  EXPECT_EQ(decision.failures[0].rule, "bad when");
  EXPECT_THAT(decision.failures[0].reason, HasSubstr("when: Cannot index string"));
  EXPECT_THAT(decision.failures[0].where, HasSubstr("r.yaml:3"));
  EXPECT_THAT(decision.failures[1].reason, HasSubstr("with: subject: {{ .visitor.name + 1 }}: string"));
  EXPECT_THAT(decision.failures[2].reason, HasSubstr("\"id\" has no value"));
}

TEST_F(Rules, an_offline_message_that_no_rule_took_is_told_of) {
  const std::string sales = R"(
  - {name: shop, on: offline_message, when: .chat.department == "sales", deliver: [{to: archive}]}
  - {name: shop again, on: offline_message, when: .chat.department == "sales", deliver: [{to: archive}]}
)";
  const auto untaken = decide("rules:" + sales, event("offline_message")).untaken;
  ASSERT_TRUE(untaken);
  EXPECT_EQ(untaken->rule, "shop");
  EXPECT_THAT(untaken->where, HasSubstr("r.yaml:2"));
  EXPECT_THAT(untaken->reason, HasSubstr("reaches nobody"));
  const std::string other = "  - {name: other, on: offline_message, deliver: [{to: archive}]}\n";
  EXPECT_FALSE(decide("rules:" + sales + other, event("offline_message")).untaken);
  // A failed rule is told of already; what no rule wants is nobody's; and other events may well go nowhere.
  const std::string bad = "  - {name: bad, on: offline_message, when: .visitor.name.first, deliver: [{to: archive}]}\n";
  EXPECT_FALSE(decide("rules:" + sales + bad, event("offline_message")).untaken);
  EXPECT_FALSE(
      decide("rules:\n  - {name: chats, on: incoming_chat, deliver: [{to: archive}]}\n", event("offline_message"))
          .untaken);
  EXPECT_FALSE(
      decide("rules:\n  - {name: none, on: incoming_chat, when: \"false\", deliver: [{to: archive}]}\n", event())
          .untaken);
}

TEST_F(Rules, a_visitor_is_never_told_what_is_for_agents) {
  Event for_agents = event();
  for_agents.message->audience = "agents";
  for (const char* said : {"", ", audience: all", ", audience: ", ", audience: ' '",
                           ", audience: '{{ .visitor.phone }}'", ", audience: '{{ .message.audience }}'"}) {
    const std::string rules =
        "rules:\n  - {name: r, on: '*', deliver: [{to: visitors, with: {text: x" + std::string(said) + "}}]}\n";
    EXPECT_THAT(shown(decide(rules, for_agents)),
                ElementsAre(R"(r: visitors/message {"text":"x","audience":"agents"})"))
        << said;
    EXPECT_THAT(shown(decide(rules, event())), ElementsAre(R"(r: visitors/message {"text":"x","audience":"all"})"))
        << said;
  }
}

TEST_F(Rules, a_rule_that_never_ends_is_a_failure_of_that_rule_alone) {
  const auto decision = decide(R"(
rules:
  - {name: endless, on: "*", when: "def f: f; f", deliver: [{to: archive}]}
  - {name: endless too, on: "*", deliver: [{to: mailbox, with: {text: "{{ last(repeat(1)) }}"}}]}
  - {name: good, on: "*", when: '.message.text | test("A"; "i")', deliver: [{to: archive}]}
)",
                               event());
  EXPECT_THAT(decision.matched, ElementsAre("endless too", "good"));
  ASSERT_EQ(decision.failures.size(), 2U);
  for (const auto& failure : decision.failures) EXPECT_THAT(failure.reason, HasSubstr("ran longer than 1000 ms"));
  ASSERT_EQ(decision.deliveries.size(), 1U);
}

TEST_F(Rules, to_may_be_an_expression) {
  const std::string rules = R"(
rules:
  - {name: r, on: "*", deliver: [{to: "{{ .visitor.phone }}", with: {subject: x}}]}
)";
  Event e = event();
  e.visitor->phone = "mailbox";
  EXPECT_THAT(shown(decide(rules, e)), ElementsAre(R"(r: mailbox/send {"subject":"x"})"));
  e.visitor->phone = "mailbos";
  EXPECT_THAT(decide(rules, e).failures.at(0).reason,
              HasSubstr("\"mailbos\" is not a destination; did you mean mailbox?"));
  e.visitor->phone = "crm";
  EXPECT_THAT(decide(rules, e).failures.at(0).reason, HasSubstr("needs an action"));
  e.visitor->phone = "archive";
  EXPECT_THAT(decide(rules, e).failures.at(0).reason, HasSubstr("archive takes no \"subject\""));
  e.visitor->phone.reset();
  EXPECT_THAT(decide(rules, e).failures.at(0).reason, HasSubstr("to gives null"));
  const auto left_out = decide(
      R"(rules: [{name: r, on: "*", deliver: [{to: '{{ .visitor.phone // empty }}', with: {subject: x}}, {to: archive}]}])",
      e);
  EXPECT_EQ(left_out.deliveries.size(), 1U);
  EXPECT_THAT(left_out.failures, IsEmpty());
  EXPECT_THAT(load(rules)->destinations_for("x", "livechat"),
              ElementsAre("archive", "crm", "hook", "mailbox", "visitors"));
}

TEST_F(Rules, transcripts_are_built_once_and_only_for_rules_that_apply) {
  int text = 0, html = 0, list = 0, for_agents = 0;
  const Lazy lazy{[&](const TranscriptMember& member) -> json::value {
    if (member.agents_too) ++for_agents;
    switch (member.form) {
      case conversations::TranscriptForm::text:
        return ++text, json::value(member.agents_too ? "NOTES" : "TEXT");
      case conversations::TranscriptForm::html:
        return ++html, json::value("HTML");
      case conversations::TranscriptForm::messages:
        break;
    }
    return ++list, json::value(json::array{"m"});
  }};
  const std::string rules = R"(
rules:
  - {name: other type, on: chat_rated, deliver: [{to: mailbox, with: {html: "{{ .transcript_html | raw }}"}}]}
  - {name: does not hold, on: "*", when: .visitor == null, deliver: [{to: mailbox, with: {html: "{{ .transcript_html | raw }}"}}]}
  - {name: one, on: "*", deliver: [{to: mailbox, with: {text: "{{ .transcript_text }}"}}]}
  - {name: two, on: "*", deliver: [{to: mailbox, with: {text: "{{ .transcript_text | length }} {{ .visitor.custom.transcript }}"}}]}
  - {name: notes, on: agents_ask, deliver: [{to: mailbox, with: {text: "{{ .agents_transcript_text }}"}}]}
)";
  const auto set = load(rules);
  ASSERT_NE(set, nullptr) << problems_.to_string();
  Engine engine(set);
  EXPECT_THAT(shown(engine.decide(event(), {}, lazy)),
              ElementsAre(R"(one: mailbox/send {"text":"TEXT"})", R"(two: mailbox/send {"text":"4 "})"));
  EXPECT_EQ(text, 1);
  EXPECT_EQ(html + list, 0);
  EXPECT_EQ(for_agents, 0) << "what agents wrote for agents is only where a rule names it";
  engine.decide(event("chat_rated"), {}, lazy);
  EXPECT_EQ(html, 1);
  EXPECT_THAT(shown(engine.decide(event("agents_ask"), {}, lazy)),
              testing::Contains(R"(notes: mailbox/send {"text":"NOTES"})"));
  EXPECT_THAT(
      shown(decide(
          R"(rules: [{name: r, on: "*", when: '.transcript[0] == "m"', deliver: [{to: mailbox, with: {text: x}}]}])",
          event(), {}, lazy)),
      ElementsAre(R"(r: mailbox/send {"text":"x"})"));
}

TEST_F(Rules, raw_is_there_for_whoever_asks) {
  const auto decision = decide(R"(
rules:
  - {name: first, on: "*", when: .visitor.name != null, deliver: [{to: archive, with: {body: "{{ .message.text }}"}}]}
  - {name: in with, on: "*", deliver: [{to: archive, with: {body: "{{ .raw.big }}"}}]}
  - {name: in when, on: "*", when: .raw.big != null, deliver: [{to: archive, with: {body: 1}}]}
  - {name: by the whole, on: "*", deliver: [{to: archive, with: {body: "{{ . | .[\"ra\" + \"w\"] | keys }}"}}]}
)",
                               event());
  EXPECT_THAT(
      shown(decision),
      ElementsAre(R"(first: archive/write {"body":"a & b"})", R"(in with: archive/write {"body":9007199254740993})",
                  R"(in when: archive/write {"body":1})", R"(by the whole: archive/write {"body":["big"]})"));
  const auto alone =
      decide("rules:\n  - {name: r, on: '*', when: .raw.big != null, deliver: [{to: archive}]}\n", event());
  EXPECT_THAT(alone.matched, ElementsAre("r")) << "also for the first rule of all";
}

TEST_F(Rules, when_and_to_do_not_see_links_and_with_does) {
  const EventExtras extras{json::parse(R"({"crm":{"id":7}})"), json::object()};
  const auto decision = decide(R"(
rules:
  - {name: sneaky, on: "*", when: '[.[] | objects | .crm?] | any', deliver: [{to: archive}]}
  - {name: honest, on: "*", deliver: [{to: crm, action: close_ticket, with: {id: "{{ .links.crm.id }}"}}]}
  - {name: sneaky again, on: "*", when: 'to_entries | any(.key == "links" and .value != {})', deliver: [{to: archive}]}
)",
                               event(), extras);
  EXPECT_THAT(shown(decision), ElementsAre(R"(honest: crm/close_ticket {"id":7})"));
}

TEST_F(Rules, hostile_data_stays_data) {
  Event e = event();
  e.visitor->name = "{{ now }} \") | halt | (\" ${HOME} }} \n<script>";
  const auto decision = decide(R"(
rules:
  - {name: r, on: "*", when: '.visitor.name | test("halt")', deliver: [{to: mailbox, with: {subject: "Hi {{ .visitor.name }}", html: "<p>{{ .visitor.name }}</p>"}}]}
)",
                               e);
  ASSERT_EQ(decision.deliveries.size(), 1U);
  EXPECT_EQ(std::string(decision.deliveries[0].payload.at("subject").as_string()), "Hi " + *e.visitor->name);
  EXPECT_THAT(std::string(decision.deliveries[0].payload.at("html").as_string()), HasSubstr("&lt;script&gt;"));
}

TEST_F(Rules, problems_are_told_all_at_once_with_their_places) {
  const std::string all = refused(R"(
rules:
  - name: a
    on: incoming_chat
    whenn: .x
    deliver: [{to: mailbos, with: {subject: x}}]
  - name: a
    on: incoming_chat
    from: livechta
    when: .a |
    deliver:
      - {to: mailbox, with: {subjekt: x}}
      - {to: crm, action: upsert_kontact, with: {email: x}}
      - {to: crm, with: {email: x}}
      - {to: crm, action: upsert_contact, with: {firstname: "{{ now }}"}}
  - on: incoming_chat
  - name: c
    deliver: [{with: {}}]
  - name: d
    on: "*"
    when: .links.crm
    deliver: [{to: "{{ .links.x }}", with: {subject: x}}, {to: mailbox, or_else: {after: 60s, to: crm, action: upsert_contact, with: {email: x}, then: 1}}]
  - just text
)");
  for (const char* part :
       {"r.yaml:5: ", "whenn", "did you mean", "r.yaml:6: \"mailbos\" is not a destination; did you mean mailbox?",
        "name of another rule too, at ", "\"livechta\" is not a source; did you mean livechat?",
        "r.yaml:12: ", "\"subjekt\" is not a key of what mailbox takes; did you mean subject?",
        "\"upsert_kontact\" is not an action of crm; did you mean upsert_contact?",
        "needs an action; crm has: close_ticket, upsert_contact", "lacks \"email\", which crm needs",
        "now is not available", "has no name", "has no deliver", "has no on", "has no to", "uses .links", "then"})
    EXPECT_THAT(all, HasSubstr(part));
}

TEST_F(Rules, each_kind_of_problem_is_told) {
  const auto one = [&](const std::string& rest) { return refused("rules:\n  - {name: r, " + rest + "}\n"); };
  EXPECT_THAT(one("on: '*', deliver: []"), HasSubstr("has no deliver"));
  EXPECT_THAT(one("on: '*', deliver: archive"), HasSubstr("must be a list"));
  EXPECT_THAT(one("on: [], deliver: [{to: archive}]"), HasSubstr("empty"));
  EXPECT_THAT(one("on: {a: 1}, deliver: [{to: archive}]"), HasSubstr("event type"));
  EXPECT_THAT(one("on: '*', from: [], deliver: [{to: archive}]"), HasSubstr("empty"));
  EXPECT_THAT(one("on: '*', when: [a], deliver: [{to: archive}]"), HasSubstr("must be a jq expression"));
  EXPECT_THAT(one("on: '*', when: '{{ .a }}', deliver: [{to: archive}]"), HasSubstr("without {{ }}"));
  EXPECT_THAT(one("on: '*', when: '.a + | 1', deliver: [{to: archive}]"), HasSubstr("is not a jq expression"));
  EXPECT_THAT(one("on: '*', enabled: maybe, deliver: [{to: archive}]"), HasSubstr("enabled"));
  EXPECT_THAT(one("on: '*', deliver: [{to: [archive]}]"), HasSubstr("must be a destination's name"));
  EXPECT_THAT(one("on: '*', deliver: [{to: mailbox, action: '{{ .x }}'}]"), HasSubstr("must be an action's name"));
  EXPECT_THAT(one("on: '*', deliver: [{to: mailbox, with: text}]"), HasSubstr("must be a map"));
  EXPECT_THAT(one("on: '*', deliver: [{to: crm, action: upsert_contact}]"), HasSubstr("lacks \"email\""));
  EXPECT_THAT(one("on: '*', deliver: [{to: mailbox, with: {text: '{{ .a'}}]"), HasSubstr("never closed"));
  EXPECT_THAT(one("on: '*', deliver: [{to: '{{ .x }}', action: nope}]"),
              HasSubstr("no destination has an action nope"));
  EXPECT_THAT(refused("rules: {name: r}"), HasSubstr("must be a list"));
  EXPECT_THAT(refused("[1]"), HasSubstr("must be a map"));
  EXPECT_THAT(refused("rulez: []"), HasSubstr("rulez"));
  EXPECT_THAT(refused("rules: ["), HasSubstr("r.yaml:"));
}

TEST_F(Rules, unknown_types_are_a_warning) {
  const auto set =
      load("rules: [{name: r, on: [incoming_chatt, zzz_custom, thread_summary_set], deliver: [{to: archive}]}]");
  ASSERT_NE(set, nullptr) << problems_.to_string();
  ASSERT_EQ(problems_.list().size(), 2U);
  EXPECT_TRUE(problems_.list()[0].warning);
  EXPECT_THAT(problems_.list()[0].message, HasSubstr("did you mean incoming_chat?"));
}

TEST_F(Rules, members_that_no_event_has_are_a_warning) {
  const auto set = load(R"(
rules:
  - name: misspelt
    on: "*"
    when: .vistor.email != null and (.message.txt | test("refund"; "i"))
    deliver:
      - to: archive
        with:
          body: "{{ .visitor.emial }} {{ .message.author.nmae }} {{ .chat.rating?.score }}"
)");
  ASSERT_NE(set, nullptr) << problems_.to_string();
  const std::string all = problems_.to_string();
  EXPECT_EQ(problems_.list().size(), 4U) << all;
  for (const auto& problem : problems_.list()) EXPECT_TRUE(problem.warning);
  EXPECT_THAT(all, HasSubstr("r.yaml:5: "));
  EXPECT_THAT(all, HasSubstr("the event has no member `vistor`; did you mean `visitor`?"));
  EXPECT_THAT(all, HasSubstr("the event's message has no member `txt`; did you mean `text`?"));
  EXPECT_THAT(all, HasSubstr("r.yaml:9: "));
  EXPECT_THAT(all, HasSubstr("the event's visitor has no member `emial`; did you mean `email`?"));
  EXPECT_THAT(all, HasSubstr("the event's message.author has no member `nmae`; did you mean `name`?"));
}

TEST_F(Rules, paths_that_may_begin_elsewhere_are_not_warned_of) {
  const auto warnings = [&](const std::string& expression) {
    file("r.yaml",
         "rules:\n  - name: r\n    on: '*'\n    when: |\n      " + expression + "\n    deliver: [{to: archive}]\n");
    EXPECT_NE(load(), nullptr) << problems_.to_string();
    return problems_.list().size();
  };
  for (const char* fine : {".raw.payload.vistor.email",
                           ".activity.x",
                           ".presence.online",
                           ".chat.properties.ns.name",
                           ".visitor.custom.vip",
                           ".message.form[0].label",
                           ".message.files[] | .uri",
                           ".transcript[0].text",
                           ".transcript_text | length",
                           ".transcript_html",
                           ".chat.tags",
                           ".id, .type, .source, .system",
                           ".received_at < .occurred_at",
                           ".visitor.page.url",
                           ".chat.queue.wait_time_s",
                           ".message.client_id",
                           "{contact: .visitor.id} | .contact",
                           "{contact: 1}.contact",
                           "({contact: 1}).contact",
                           "[{a: 1}][0].a",
                           ". + {contact: 1} | .contact",
                           "(. + {contact: 1}).contact",
                           ".contact = .visitor.id",
                           ".extra |= 1",
                           "reduce .message.files[] as $f (.; .total + $f.size)",
                           ".visitor as $v | $v.nickname",
                           "$tables.mailboxes",
                           ".message.files | map(.nickname)",
                           "map(.nickname)",
                           "any(.message.files[]; .nickname)",
                           "[.message.files[] | {nickname: .name}] | sort_by(.nickname)",
                           "to_entries | map(.key)",
                           "def f: .nickname; .visitor | f",
                           "try error({a: 1}) catch .a",
                           "with_entries(.value)",
                           ".. | .nickname?",
                           "{type, source, nickname: 1}",
                           "{\"nickname\": 1}",
                           ". as {visitor: {name: $n}} | $n",
                           ".message[\"text\"]",
                           "if .visitor then .visitor | .nickname else .id end",
                           "\"\\({a: 1}.a)\"",
                           ".visitor.name | {nickname: .} | .nickname",
                           "[.visitor, .agent] | .[0].nickname"})
    EXPECT_EQ(warnings(fine), 0U) << fine << "\n" << problems_.to_string();
  for (const char* wrong :
       {".nickname", ".visitor.nickname", ".\"nickname\"", ".[\"visitor\"][\"nickname\"]", ".visitor?.nickname?",
        "{nickname}", "{x: .nickname}", "\"\\(.nickname)\"", "[.visitor.nickname]", "select(.nickname) | .id",
        "if .nickname then 1 else 2 end", "$tables[.nickname]", ".id as $i | .nickname", ".nickname // .nickname",
        "(.visitor.name | length), .nickname", ".visitor.name + .nickname | test(\"y\")"})
    EXPECT_EQ(warnings(wrong), 1U) << wrong << "\n" << problems_.to_string();
}

TEST_F(Rules, a_rule_that_is_off_may_name_what_is_not_configured_yet) {
  const auto set = load("rules: [{name: r, on: '*', enabled: false, from: later, deliver: [{to: later}]}]");
  ASSERT_NE(set, nullptr) << problems_.to_string();
  EXPECT_EQ(set->size(), 0U);
  EXPECT_EQ(problems_.list().size(), 2U);
}

TEST_F(Rules, if_destination_switches_a_rule_off_where_it_is_not_configured) {
  const auto set = load(R"(
rules:
  - {name: a, on: "*", if_destination: later, deliver: [{to: later, with: {x: 1}}]}
  - {name: b, on: "*", if_destination: [archive, later], deliver: [{to: archive}]}
  - {name: c, on: "*", if_destination: archive, deliver: [{to: archive}]}
)");
  ASSERT_NE(set, nullptr) << problems_.to_string();
  EXPECT_TRUE(problems_.list().empty()) << problems_.to_string();
  EXPECT_THAT(Engine(set).decide(event(), {}, {}).matched, ElementsAre("c"));
}

TEST_F(Rules, paths_that_are_not_there_are_problems) {
  config::Problems problems;
  EXPECT_EQ(RuleSet::load({(folder_ / "nope").string()}, catalog(), {}, problems, empty_environment()), nullptr);
  EXPECT_THAT(problems.to_string(), HasSubstr("does not exist"));
  file("x.yml", "rules: []");
  const auto set = load();
  ASSERT_NE(set, nullptr);
  EXPECT_EQ(set->size(), 0U);
  EXPECT_THAT(problems_.to_string(), HasSubstr("end in .yaml"));
  EXPECT_THAT(Engine(set).decide(event(), {}, {}).matched, IsEmpty());
}

TEST_F(Rules, a_file_named_twice_is_read_once) {
  file("r.yaml", "rules: [{name: r, on: '*', deliver: [{to: archive}]}]");
  config::Problems problems;
  const auto set =
      RuleSet::load({folder_.string(), (folder_ / "r.yaml").string()}, catalog(), {}, problems, empty_environment());
  ASSERT_NE(set, nullptr) << problems.to_string();
  EXPECT_EQ(set->size(), 1U);
}

TEST_F(Rules, engines_of_several_threads_decide_alike) {
  const auto set = load("rules: [{name: r, on: '*', when: '.message.text | test(\"a\")', deliver: [{to: archive}]}]");
  ASSERT_NE(set, nullptr);
  Engine first(set), second(set);
  EXPECT_EQ(shown(first.decide(event(), {}, {})), shown(second.decide(event(), {}, {})));
}

// ---- the test runner
// ---------------------------------------------------------------------------------------------------

class RuleTests : public Rules {
 protected:
  TestReport run(const std::string& tests) {
    file("r_test.yaml", tests);
    problems_ = {};
    const Decode decode = [](const std::string& source, std::string_view body) -> Result<std::vector<Event>> {
      if (source != "livechat") return not_found("\"" + source + "\" is not a source");
      std::vector<Event> events;
      events.push_back(event_from_json(json::parse(body)));
      return events;
    };
    return run_tests({folder_.string()}, {folder_.string()}, catalog(), {}, decode, problems_, empty_environment());
  }
  // The details of the only test, which fails.
  std::string fails(const std::string& tests) {
    const TestReport report = run(tests);
    if (report.tests.size() != 1 || report.tests[0].passed)
      ADD_FAILURE() << "one failed test is expected: " << tests << problems_.to_string();
    return report.tests.empty() ? "" : report.tests[0].details;
  }

  void SetUp() override {
    file("r.yaml", R"(
rules:
  - name: contacts
    on: [incoming_chat, incoming_event]
    when: .visitor.email != null
    deliver: [{to: crm, action: upsert_contact, with: {email: "{{ .visitor.email }}", note: "{{ .message.text }}"}}]
  - name: closing
    on: chat_deactivated
    deliver: [{to: mailbox, with: {text: "{{ .transcript_text }}", subject: "{{ .presence.online }} {{ .links.crm.id }}"}}]
  - name: fragile
    on: chat_rated
    deliver: [{to: mailbox, with: {text: "{{ .chat.id + 1 }}"}}]
)");
    file(
        "start.json",
        R"({"type":"incoming_chat","chat":{"id":"C1","thread_id":"T1"},"visitor":{"id":"v","name":"Ann","email":"ann@example.com"},"message":{"id":"M1","text":"Hi"}})");
    file(
        "more.json",
        R"({"type":"incoming_event","chat":{"id":"C1","thread_id":"T1"},"message":{"id":"M2","text":"More","author":{"id":"v","role":"visitor"}}})");
  }
};

TEST_F(RuleTests, earlier_events_complete_later_ones) {
  const auto report = run(R"(
tests:
  - name: chat
    source: livechat
    events: [start.json, more.json]
    expect:
      - {to: crm, action: upsert_contact, rule: contacts, with: {email: ann@example.com, note: Hi}}
      - {to: crm, with: {note: More, email: ann@example.com}}
  - name: nothing without an address
    source: livechat
    events: [more.json, {type: incoming_event, chat: {id: C2}}]
    expect: []
  - name: ending
    source: livechat
    links: {crm: {id: 7}}
    presence: {online: false}
    events: [start.json, {type: chat_deactivated, chat: {id: C1, thread_id: T1}}]
    expect: [{to: crm}, {to: mailbox, action: send}]
  - name: failing
    source: livechat
    events: [{type: chat_rated, chat: {id: C1}}]
    expect: []
    fails: [fragile]
)");
  EXPECT_TRUE(problems_.list().empty()) << problems_.to_string();
  ASSERT_EQ(report.tests.size(), 4U);
  for (const auto& test : report.tests) EXPECT_TRUE(test.passed) << test.name << "\n" << test.details;
  EXPECT_EQ(report.failed(), 0U);
  EXPECT_EQ(report.tests[1].where.line, 9);
}

TEST_F(RuleTests, tables_of_a_test_file_stand_in_for_the_configurations) {
  file("r.yaml", R"(
rules:
  - name: by department
    on: offline_message
    deliver: [{to: mailbox, with: {text: hello, subject: '{{ $tables.mailboxes[.chat.department // ""] // "nobody" }}'}}]
)");
  const std::string tests = R"(
tests:
  - name: in the table
    source: livechat
    events: [{type: offline_message, chat: {id: C1, department: "2"}}]
    expect: [{to: mailbox, with: {text: hello, subject: sales@example.com}}]
  - name: not in it
    source: livechat
    events: [{type: offline_message, chat: {id: C1, department: "3"}}]
    expect: [{to: mailbox, with: {text: hello, subject: nobody}}]
)";
  const auto report = run("tables: {mailboxes: {\"2\": sales@example.com}}" + tests);
  EXPECT_TRUE(problems_.list().empty()) << problems_.to_string();
  ASSERT_EQ(report.tests.size(), 2U);
  for (const auto& test : report.tests) EXPECT_TRUE(test.passed) << test.name << "\n" << test.details;
  EXPECT_EQ(run(tests).failed(), 1U) << "the configuration has no such table";
  run("tables: [1]" + tests);
  EXPECT_THAT(problems_.to_string(), HasSubstr("r_test.yaml:1: tables must be a map of tables"));
}

TEST_F(RuleTests, differences_are_told_where_they_are) {
  const std::string head = "tests:\n  - name: t\n    source: livechat\n    events: [start.json]\n";
  EXPECT_THAT(
      fails(head + "    expect:\n      - {to: crm, with: {email: bob@example.com, note: Hi}}\n"),
      testing::AllOf(
          HasSubstr("r_test.yaml:6: delivery 1: with.email: expected \"bob@example.com\", got \"ann@example.com\""),
          HasSubstr("\n  expected {"), HasSubstr("\n  got      {")));
  EXPECT_THAT(fails(head + "    expect: [{to: crm, with: {email: ann@example.com}}]"),
              HasSubstr("with.note: not expected, got \"Hi\""));
  EXPECT_THAT(fails(head + "    expect: [{to: crm, with: {email: ann@example.com, note: Hi, x: 1}}]"),
              HasSubstr("with.x: expected 1, got nothing"));
  EXPECT_THAT(fails(head + "    expect: []"), HasSubstr("delivered, but not expected: crm upsert_contact {"));
  EXPECT_THAT(fails(head + "    expect: [{to: crm}, {to: mailbox}]"),
              HasSubstr("expected, but not delivered: mailbox"));
  EXPECT_THAT(fails(head + "    expect: [{to: mailbox}]"), HasSubstr("expected to mailbox"));
  EXPECT_THAT(fails(head + "    expect: [{to: crm, action: close_ticket}]"),
              HasSubstr("expected action close_ticket, got upsert_contact"));
  EXPECT_THAT(fails(head + "    expect: [{to: crm, rule: other}]"), HasSubstr("expected from rule \"other\""));
  EXPECT_THAT(fails(head + "    expect: [{to: crm}]\n    fails: [fragile]"),
              HasSubstr("was expected to fail, and did not"));
  EXPECT_THAT(fails("tests: [{name: t, source: livechat, events: [{type: chat_rated, chat: {id: C}}], expect: []}]"),
              HasSubstr("rule \"fragile\" failed ("));
}

TEST_F(RuleTests, tests_that_are_written_wrongly_fail) {
  EXPECT_THAT(fails("tests: [{source: livechat, events: [start.json], expect: [{to: crm}]}]"), HasSubstr("no name"));
  EXPECT_THAT(fails("tests: [{name: t, events: [{type: x}], expect: []}]"), HasSubstr("no source"));
  EXPECT_THAT(fails("tests: [{name: t, source: livechat, expect: []}]"), HasSubstr("no events"));
  EXPECT_THAT(fails("tests: [{name: t, source: livechat, events: [start.json]}]"), HasSubstr("no expect"));
  EXPECT_THAT(fails("tests: [{name: t, source: livechat, events: [nope.json], expect: []}]"), HasSubstr("nope.json"));
  EXPECT_THAT(fails("tests: [{name: t, source: other, events: [start.json], expect: []}]"),
              HasSubstr("\"other\" is not a source"));
  EXPECT_THAT(fails("tests: [{name: t, source: livechat, events: [{chat: {}}], expect: []}]"),
              HasSubstr("needs a type"));
  run("tests: [{name: t, source: livechat, events: [start.json], expekt: []}]");
  EXPECT_THAT(problems_.to_string(), HasSubstr("expekt"));
  run("testz: []");
  EXPECT_TRUE(problems_.has_errors());
  file("r.yaml", "rules: [{name: r}]");
  EXPECT_TRUE(run("tests: []").tests.empty());
  EXPECT_TRUE(problems_.has_errors());
}

TEST_F(RuleTests, see_the_rules_beside_them_alone) {
  file("z.yaml", "rules: [{name: loud, on: '*', deliver: [{to: archive}]}]");
  const auto report = run("tests: [{name: t, source: livechat, events: [start.json], expect: [{to: crm}]}]");
  ASSERT_EQ(report.tests.size(), 1U);
  EXPECT_TRUE(report.tests[0].passed) << report.tests[0].details;
}

TEST_F(RuleTests, are_skipped_where_their_destination_is_not_configured) {
  const auto report =
      run("tests: [{name: t, if_destination: later, source: livechat, events: [start.json], expect: []}]");
  ASSERT_EQ(report.tests.size(), 1U);
  EXPECT_TRUE(report.tests[0].skipped);
}

TEST(ShippedRules, load_and_pass_their_tests_with_a_mailbox_and_are_quiet_without) {
  const std::string folder = std::string(CHATRELAY_SOURCE_DIR) + "/rules";
  const Decode decode = [](const std::string& source, std::string_view) -> Result<std::vector<Event>> {
    return not_found(source);
  };
  for (const bool with_mailbox : {true, false}) {
    Catalog c = catalog();  // of no CRM: the integration tests have the real connectors
    std::erase_if(c.targets, [&](const auto& target) { return target.first != "mailbox" || !with_mailbox; });
    config::Problems problems;
    const auto set = RuleSet::load({folder}, c, {}, problems, empty_environment());
    ASSERT_NE(set, nullptr) << problems.to_string();
    EXPECT_EQ(set->size() > 0, with_mailbox);
    const auto report = run_tests({folder}, {folder}, c, {}, decode, problems, empty_environment());
    EXPECT_TRUE(problems.list().empty()) << problems.to_string();
    EXPECT_GE(report.tests.size(), 9U);
    std::size_t run = 0;
    for (const auto& test : report.tests) {
      EXPECT_TRUE(test.passed) << test.where.to_string() << " " << test.name << "\n" << test.details;
      run += test.skipped ? 0 : 1;
    }
    EXPECT_EQ(run >= 9, with_mailbox);
    EXPECT_EQ(run == 0, !with_mailbox);
  }
}

}  // namespace
}  // namespace chatrelay::rules
