#include "destinations/connector/connector_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "destinations/connector/inline_tests.hpp"
#include "destinations/connector/manual.hpp"
#include "destinations/connector/registry.hpp"
#include "destinations/kinds.hpp"
#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using namespace chatrelay::destinations::connector;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

std::string webhook_text() {
  return destinations::testing::read_file(CHATRELAY_SOURCE_DIR "/config/connectors/webhook.yaml");
}

const char* const minimal = R"(connector: tiny
version: 1
base_url: https://tiny.example/api
settings:
  token: {type: secret, required: true}
actions:
  ping:
    with: {text: {required: true}, at: {escape: url}}
    request: {url: "/ping/{{ .with.at }}", headers: {authorization: "Bearer {{ .settings.token }}"}, body: {text: "{{ .with.text }}"}}
    outcome:
      - {status: 409, class: duplicate}
      - {status: 4xx, class: disable, reason: "no more"}
tests:
  - {settings: {token: t0}, with: {text: 1, at: "a/b c"}, expect_request: {url: "https://tiny.example/api/ping/a%2Fb%20c", headers: {authorization: "Bearer t0"}, body: {text: 1}}, expect_class: ok}
  - {settings: {token: t0}, with: {text: 1}, reply: {status: 409}, expect_class: duplicate}
  - {settings: {token: t0}, with: {text: 1}, reply: {status: 404}, expect_class: disable}
)";

std::string problems_of(const std::string& text, bool lint = true) {
  config::Problems problems;
  const auto file = parse_connector(text, "tiny.yaml", problems);
  if (file && lint) lint_connector(*file, problems);
  return problems.to_string();
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

}  // namespace

TEST(ConnectorFile, TheShippedWebhookConnectorIsCleanAndItsTestsPass) {
  config::Problems problems;
  const auto file = parse_connector(webhook_text(), "webhook.yaml", problems);
  ASSERT_NE(file, nullptr) << problems.to_string();
  lint_connector(*file, problems);
  EXPECT_EQ(problems.to_string(), "");
  EXPECT_EQ(file->name, "webhook");
  EXPECT_EQ(file->default_action, "send");
  EXPECT_GT(run_inline_tests(*file).tests.size(), 15u);
}

TEST(ConnectorFile, AMinimalOneIsClean) {
  EXPECT_EQ(problems_of(minimal), "");
}

TEST(ConnectorFile, UnknownKeysAreProblemsEverywhere) {
  EXPECT_THAT(problems_of(replaced(minimal, "version: 1", "version: 1\nverion: 2")), HasSubstr("version"));
  EXPECT_THAT(problems_of(replaced(minimal, "type: secret,", "type: secret, requierd: true,")), HasSubstr("required"));
  EXPECT_THAT(problems_of(replaced(minimal, "request: {url:", "request: {metod: GET, url:")), HasSubstr("method"));
  EXPECT_THAT(problems_of(replaced(minimal, "class: duplicate}", "class: duplicate, wiat: 1}")), HasSubstr("wait"));
  EXPECT_THAT(problems_of(replaced(minimal, "expect_class: ok}", "expect_clas: ok, expect_class: ok}")),
              HasSubstr("expect_class"));
}

TEST(ConnectorFile, AllProblemsComeAtOnceWithTheirLines) {
  std::string text = replaced(minimal, "version: 1", "version: 7");
  text = replaced(text, "status: 409, class", "status: 4x9, class");
  text = replaced(text, "class: disable", "class: explode");
  const std::string problems = problems_of(text);
  EXPECT_THAT(problems, HasSubstr("tiny.yaml:2:"));
  EXPECT_THAT(problems, HasSubstr("tiny.yaml:11:"));
  EXPECT_THAT(problems, HasSubstr("tiny.yaml:12:"));
}

TEST(ConnectorFile, MistakesThatWouldShowOnlyLater) {
  EXPECT_THAT(problems_of(replaced(minimal, "base_url: https", "base_url: ftp")), HasSubstr("https://"));
  EXPECT_THAT(problems_of(replaced(minimal, "  token: {", "  timeout: {type: string}\n  token: {")),
              HasSubstr("every destination has"));
  EXPECT_THAT(problems_of(replaced(minimal, "required: true}\nactions", "required: true, default: x}\nactions")),
              HasSubstr("default"));
  EXPECT_THAT(problems_of(replaced(minimal, "    request:", "    event_as: nothing\n    request:")),
              HasSubstr("event_as"));
  EXPECT_THAT(problems_of(replaced(minimal, "request: {url:", "request: {method: FETCH, url:")),
              HasSubstr("GET, POST"));
  EXPECT_THAT(problems_of(replaced(minimal, "request: {url:", "request: {encoding: xml, url:")),
              HasSubstr("json or form"));
  EXPECT_THAT(problems_of(replaced(minimal, "{status: 409, class: duplicate}", "{class: duplicate}")),
              HasSubstr("matches everything"));
  EXPECT_THAT(problems_of(replaced(minimal, "class: duplicate}", "class: explode}")), HasSubstr("one of"));
  EXPECT_THAT(
      problems_of(replaced(minimal, "class: duplicate}", "class: partial}")),
      HasSubstr("tiny.yaml:11: actions.ping.outcome[0].class is partial, which belongs to the outcome of a batch"));
  EXPECT_THAT(problems_of(replaced(minimal, "{{ .with.text }}", "{{ .with. | }}")), Not(::testing::IsEmpty()));
  EXPECT_THAT(problems_of("- a list"), HasSubstr("not a connector"));
  EXPECT_THAT(problems_of(""), Not(::testing::IsEmpty()));
}

TEST(ConnectorFile, AnOutcomeRuleWithoutATestFailsTheLint) {
  const std::string text =
      replaced(minimal, "reply: {status: 409}, expect_class: duplicate", "reply: {status: 204}, expect_class: ok");
  EXPECT_THAT(problems_of(text), HasSubstr("tiny.yaml:11: no test meets this outcome rule"));
}

TEST(ConnectorFile, AFailingTestIsAProblemAtItsLine) {
  const std::string text =
      replaced(minimal, "authorization: \"Bearer t0\"}, body", "authorization: \"Bearer t1\"}, body");
  EXPECT_THAT(problems_of(text), HasSubstr("tiny.yaml:14:"));
  EXPECT_THAT(problems_of(replaced(minimal, "expect_class: duplicate", "expect_class: reject")),
              HasSubstr("class is \"duplicate\", expected \"reject\""));
}

TEST(ConnectorFile, AStepWithoutATestFailsTheLint) {
  const std::string text =
      replaced(minimal, "    request: {url: \"/ping/{{ .with.at }}\",",
               "    steps: [{name: never, if: .with.text == \"never\", request: {method: GET, url: /x}},\n"
               "      {name: ping, request: {url: \"/ping/{{ .with.at }}\",");
  EXPECT_THAT(
      problems_of(replaced(text, "body: {text: \"{{ .with.text }}\"}}\n", "body: {text: \"{{ .with.text }}\"}}}]\n")),
      HasSubstr("no test meets step never of action ping"));
}

TEST(ConnectorFile, MistakesInTheNewerKeys) {
  const auto with_action = [](const std::string& key) {
    return problems_of(replaced(minimal, "    outcome:\n", "    " + key + "\n    outcome:\n"));
  };
  EXPECT_THAT(with_action("idempotency: {header: X-Id, body: true}"), HasSubstr("needs one of"));
  EXPECT_THAT(with_action("idempotency: often"), HasSubstr("must be none"));
  EXPECT_THAT(with_action("save: {contact: .id}"), HasSubstr("needs scope"));
  EXPECT_THAT(with_action("save: {scope: visitor}"), HasSubstr("saves nothing"));
  EXPECT_THAT(with_action("save: {scope: galaxy, contact: .id}"), HasSubstr("one of: visitor"));
  EXPECT_THAT(with_action("lock: thread"), HasSubstr("one of: visitor, chat"));
  EXPECT_THAT(with_action("steps: [{name: a, request: {url: /}}]"), HasSubstr("belongs to a step"));
  EXPECT_THAT(problems_of(replaced(minimal, "{required: true}, at", "{max: {length: 0}}, at")), HasSubstr("length"));
  EXPECT_THAT(problems_of(replaced(minimal, "{required: true}, at: {escape: url}",
                                   "{max: {length: 9, mode: split}}, at: {max: {length: 9, mode: split}}")),
              HasSubstr("an action splits one"));
  EXPECT_THAT(problems_of(replaced(minimal, "escape: url", "escape: bbcode")), HasSubstr("no escape"));
  EXPECT_THAT(problems_of(replaced(minimal, "class: duplicate}", "class: throttle, wait: {header: A, time: 1s}}")),
              HasSubstr("one of header, body and time"));
  EXPECT_THAT(problems_of(replaced(minimal, "tests:", "limits: [{key: a}]\ntests:")), HasSubstr("limits nothing"));
  EXPECT_THAT(problems_of(replaced(minimal, "tests:", "  pong: {request: {url: /pong}}\ntests:")),
              HasSubstr("default_action is needed"));
}

TEST(ConnectorFile, TheManualNamesEverySettingAndAction) {
  config::Problems problems;
  const auto file = parse_connector(webhook_text(), "webhook.yaml", problems);
  ASSERT_NE(file, nullptr);
  const std::string page = manual_page(*file);
  EXPECT_THAT(page, ::testing::StartsWith("webhook - Any HTTP endpoint"));
  for (const SettingSpec& spec : file->settings) EXPECT_THAT(page, HasSubstr("\n  " + spec.name + " "));
  for (const auto& [name, action] : file->actions) EXPECT_THAT(page, HasSubstr("\n  " + name));
  EXPECT_THAT(page, HasSubstr("one of POST, PUT, PATCH, GET, DELETE; default \"POST\""));
  EXPECT_THAT(page, HasSubstr("without `with`: the whole event"));
}

TEST(ConnectorFile, AnInventedServiceUsesEveryKey) {
  const std::string text = destinations::testing::read_file(CHATRELAY_SOURCE_DIR "/tests/connectors/invented.yaml");
  config::Problems problems;
  const auto file = parse_connector(text, "invented.yaml", problems);
  ASSERT_NE(file, nullptr) << problems.to_string();
  lint_connector(*file, problems);
  EXPECT_EQ(problems.to_string(), "");
  EXPECT_THAT(manual_page(*file), HasSubstr("remembers .links.visitor.person_id"));
  // What the format has, this file shows: who adds a key adds it here.
  for (const char* key : {"docs:",
                          "manual:",
                          "type: list",
                          "type: map",
                          "type: choice",
                          "type: boolean",
                          "type: integer",
                          "type: url",
                          "type: secret",
                          "type: signing_secret",
                          "auth:",
                          "limits:",
                          "burst:",
                          "concurrency:",
                          "probe:",
                          "default_action:",
                          "event_as:",
                          "lock:",
                          "idempotency:",
                          "ttl:",
                          "escape:",
                          "max:",
                          "mode: split",
                          "mode: truncate",
                          "mode: reject",
                          "unit: utf16",
                          "unit: bytes",
                          "steps:",
                          "if:",
                          "on_repeat:",
                          "keep:",
                          "save:",
                          "query:",
                          "encoding: form",
                          "encoding: multipart",
                          "encoding: text",
                          "encoding: json_api",
                          "sign:",
                          "auth: false",
                          "body:",
                          "text:",
                          "wait:",
                          "unit: ms",
                          "unit: epoch_s",
                          "unit: date",
                          "time:",
                          "reason:",
                          "destination_fault:",
                          "exchange:",
                          "links:",
                          "token:",
                          "attempt:",
                          "expect_saved:",
                          "expect_unsent:",
                          "expect_wait:",
                          "expect_reason:",
                          "class: refresh_auth",
                          "audience_of_event:"})
    EXPECT_THAT(text, HasSubstr(key));
}

TEST(Registry, TheShippedConnectorsAreTheFilesOfTheSourceTree) {
  const auto shipped = shipped_connectors();
  ASSERT_FALSE(shipped.empty());
  for (const ShippedConnector& connector : shipped) {
    const std::string path = CHATRELAY_SOURCE_DIR "/config/connectors/" + std::string(connector.name) + ".yaml";
    EXPECT_EQ(connector.text, destinations::testing::read_file(path)) << path;
  }
  config::Problems problems;
  const auto registry = Registry::load(shipped, {}, problems);
  EXPECT_EQ(registry->all().size(), shipped.size());
  for (const auto& [name, file] : registry->all()) lint_connector(*file, problems);
  EXPECT_EQ(problems.to_string(), "");
}

TEST(Registry, FoldersAddAndReplaceConnectors) {
  const destinations::testing::TempFolder folder;
  const std::string webhook = webhook_text();
  const ShippedConnector shipped[] = {{"webhook", webhook}};
  destinations::testing::write_file(folder / "tiny.yaml", minimal);
  destinations::testing::write_file(folder / "notes.txt", "not a connector");
  config::Problems problems;
  auto registry = Registry::load(shipped, {folder.path()}, problems);
  EXPECT_EQ(problems.to_string(), "");
  EXPECT_EQ(registry->all().size(), 2u);
  EXPECT_EQ(registry->nearest_to("webhok"), "webhook");
  EXPECT_EQ(registry->find("hubspot"), nullptr);

  destinations::testing::write_file(folder / "own.yaml", replaced(minimal, "connector: tiny", "connector: webhook"));
  registry = Registry::load(shipped, {folder.path()}, problems);
  EXPECT_EQ(problems.to_string(), "");
  EXPECT_TRUE(registry->find("webhook")->actions.contains("ping"));

  destinations::testing::write_file(folder / "zwei.yaml", minimal);
  registry = Registry::load(shipped, {folder.path(), folder / "missing"}, problems);
  EXPECT_THAT(problems.to_string(), HasSubstr("also described by"));
  EXPECT_THAT(problems.to_string(), HasSubstr("cannot be read"));
}

namespace {

struct Loaded {
  config::Problems problems;
  config::Config config;
};

std::unique_ptr<Loaded> load(const std::string& destination) {
  auto loaded = std::make_unique<Loaded>();
  loaded->config = config::parse_config("destinations:\n  hook: " + destination + "\n", "chatrelay.yaml",
                                        loaded->problems, config::Environment::process());
  return loaded;
}

std::string schema_problems(const std::string& destination, rules::Target* target = nullptr) {
  const std::string webhook = webhook_text();
  const ShippedConnector shipped[] = {{"webhook", webhook}};
  auto loaded = load(destination);
  const auto registry = Registry::load(shipped, {}, loaded->problems);
  const auto* config = loaded->config.destination("hook");
  if (config == nullptr) return "not configured: " + loaded->problems.to_string();
  const rules::Target made = connector_kind(registry).schema(*config, loaded->problems);
  if (target != nullptr) *target = made;
  return loaded->problems.to_string();
}

}  // namespace

TEST(ConnectorSchema, TellsRulesWhatTheyMaySay) {
  rules::Target target;
  EXPECT_EQ(schema_problems("{connector: webhook, url: \"https://example.com/in\"}", &target), "");
  EXPECT_EQ(target.destination, "hook");
  EXPECT_EQ(target.default_action, "send");
  ASSERT_TRUE(target.actions.contains("send"));
  EXPECT_TRUE(target.actions.at("send").whole_event_without_with);
  EXPECT_FALSE(target.actions.at("send").open);
  EXPECT_TRUE(target.actions.at("send").with.contains("query"));
}

TEST(ConnectorSchema, WrongSettingsAreProblems) {
  EXPECT_THAT(schema_problems("{connector: webhook}"), HasSubstr("needs url"));
  EXPECT_THAT(schema_problems("{connector: webhook, url: \"https://u:geheim99@example.com/\"}"),
              HasSubstr("authorization"));
  EXPECT_THAT(schema_problems("{connector: webhook, url: \"https://u:geheim99@example.com/\"}"),
              Not(HasSubstr("geheim99")));
  EXPECT_THAT(schema_problems("{connector: webhook, url: \"https://example.com\", method: FETCH}"),
              HasSubstr("one of: POST"));
  EXPECT_THAT(schema_problems("{connector: webhook, url: \"https://example.com\", ulr: x}"), HasSubstr("url"));
  EXPECT_THAT(schema_problems("{connector: webhook, url: \"https://example.com\", sign: \"whsec_?\"}"),
              HasSubstr("base64"));
  EXPECT_THAT(schema_problems("{connector: webhook, url: \"https://example.com\", headers: {Host: evil.example}}"),
              HasSubstr("Host"));
  EXPECT_THAT(schema_problems("{connector: webhook, url: \"https://example.com\", headers: {\"a b\": x}}"),
              HasSubstr("header name"));
  EXPECT_THAT(schema_problems("{connector: webhok, url: \"https://example.com\"}"),
              HasSubstr("did you mean \"webhook\""));
}
