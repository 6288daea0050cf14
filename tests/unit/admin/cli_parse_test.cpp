#include <gmock/gmock.h>

#include "unit/admin/cli_fixture.hpp"

namespace chatrelay::admin::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Cli = CliFixture;

TEST_F(Cli, the_configuration_may_be_named_anywhere_on_the_line) {
  std::vector<std::string> seen;
  hooks.serve = [&](const std::string& file) {
    seen.push_back(file);
    return 0;
  };
  chatrelay({"--config", "a.yaml", "serve"});
  chatrelay({"serve", "--config", "b.yaml"});
  chatrelay({"serve", "--config=c.yaml"});
  variables["CHATRELAY_CONFIG"] = "d.yaml";
  chatrelay({"serve"});
  chatrelay({"--config", "e.yaml", "serve"});
  variables.clear();
  chatrelay({"serve"});
  EXPECT_THAT(seen, ElementsAre("a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.yaml", "/etc/chatrelay/chatrelay.yaml"));
}

TEST_F(Cli, the_configuration_may_stand_behind_a_nested_command_and_its_files) {
  std::string config;
  std::vector<std::string> files;
  hooks.test_rules = [&](const std::string& file, const std::vector<std::string>& named) {
    config = file;
    files = named;
    return cli::TestReport{};
  };
  EXPECT_EQ(chatrelay({"rules", "test", "a_test.yaml", "b_test.yaml", "--config", "x.yaml"}).code, 0);
  EXPECT_EQ(config, "x.yaml");
  EXPECT_THAT(files, ElementsAre("a_test.yaml", "b_test.yaml"));
  EXPECT_EQ(chatrelay({"rules", "--config", "y.yaml", "test"}).code, 0);
  EXPECT_EQ(config, "y.yaml");
}

TEST_F(Cli, what_serve_gives_is_the_exit_code) {
  hooks.serve = [](const std::string&) { return 78; };
  EXPECT_EQ(chatrelay({"serve"}).code, 78);
}

TEST_F(Cli, a_line_that_cannot_be_understood_is_64_and_says_where_help_is) {
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{},
                                             {"frobnicate"},
                                             {"events"},
                                             {"events", "list", "--nonsense"},
                                             {"events", "show"},
                                             {"send", "x.json"},
                                             {"deliveries", "retry"},
                                             {"deliveries", "retry", "--limit", "0", "--rule", "x"},
                                             {"replay"},
                                             {"replay", "--dry-run"},
                                             {"sink", "--status", "99"},
                                             {"sink", "--port", "70000"},
                                             {"sink", "--delay", "soon"},
                                             {"restore", "x", "--pending", "maybe"},
                                             {"connectors", "show"},
                                             {"init", "--system", "nonsense"}}) {
    const auto ran = chatrelay(line);
    EXPECT_EQ(ran.code, 64) << (line.empty() ? "" : line[0]) << ran.out << ran.err;
    EXPECT_FALSE(ran.err.empty());
  }
  EXPECT_THAT(chatrelay({"events", "list", "--nonsense"}).err, HasSubstr("chatrelay events list --help"));
  EXPECT_THAT(chatrelay({"evnts"}).err, HasSubstr("there is no command \"evnts\"; did you mean events?"));
  EXPECT_THAT(chatrelay({"events", "lst"}).err, HasSubstr("there is no command \"lst\"; did you mean list?"));
  EXPECT_THAT(chatrelay({"events", "lst"}).err, HasSubstr("See chatrelay events --help"));
}

TEST_F(Cli, every_command_has_help_with_examples) {
  EXPECT_EQ(chatrelay({"--help"}).code, 0);
  const std::string all = chatrelay({"--help"}).out;
  for (const char* verb : {"init", "serve", "check", "rules", "connectors", "events", "chats", "deliveries", "replay",
                           "destinations", "send", "sink", "backup", "restore", "version"})
    EXPECT_THAT(all, HasSubstr(verb));
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{{"init"},
                                                                                    {"serve"},
                                                                                    {"check"},
                                                                                    {"rules", "test"},
                                                                                    {"connectors", "test"},
                                                                                    {"events", "list"},
                                                                                    {"events", "show"},
                                                                                    {"events", "tail"},
                                                                                    {"chats", "list"},
                                                                                    {"chats", "show"},
                                                                                    {"deliveries", "list"},
                                                                                    {"deliveries", "show"},
                                                                                    {"deliveries", "retry"},
                                                                                    {"deliveries", "cancel"},
                                                                                    {"replay"},
                                                                                    {"destinations", "status"},
                                                                                    {"destinations", "pause"},
                                                                                    {"destinations", "resume"},
                                                                                    {"destinations", "test"},
                                                                                    {"send"},
                                                                                    {"sink"},
                                                                                    {"backup"},
                                                                                    {"restore"},
                                                                                    {"version"}}) {
    auto with_help = line;
    with_help.push_back("--help");
    const auto ran = chatrelay(with_help);
    EXPECT_EQ(ran.code, 0) << line[0];
    EXPECT_THAT(ran.out, HasSubstr("Examples:")) << line[0];
    EXPECT_THAT(ran.out, HasSubstr("chatrelay " + line[0]));
  }
}

TEST_F(Cli, help_may_stand_before_the_command) {
  EXPECT_EQ(chatrelay({"help"}).out, chatrelay({"--help"}).out);
  EXPECT_EQ(chatrelay({"help", "events", "list"}).out, chatrelay({"events", "list", "--help"}).out);
  EXPECT_EQ(chatrelay({"help", "events", "list"}).code, 0);
}

TEST_F(Cli, version_is_said_with_and_without_json) {
  EXPECT_THAT(chatrelay({"version"}).out, testing::StartsWith("chatrelay "));
  EXPECT_TRUE(parse_json(chatrelay({"version", "--json"}).out));
  EXPECT_EQ(chatrelay({"--version"}).code, 0);
}

TEST_F(Cli, check_prints_every_problem_and_is_78_on_an_error_but_not_on_a_warning) {
  cli::CheckResult result;
  result.sources = 1;
  result.destinations = 2;
  result.rules = 3;
  bool went_online = false;
  hooks.check = [&](const std::string&, bool online) {
    went_online = online;
    return result;
  };
  EXPECT_EQ(chatrelay({"check"}).out, "ok: 1 source, 2 destinations, 3 rules\n");
  EXPECT_FALSE(went_online);
  result.problems.warn({"a.yaml", 3}, "a literal secret");
  const auto warned = chatrelay({"check", "--online"});
  EXPECT_EQ(warned.code, 0);
  EXPECT_TRUE(went_online);
  EXPECT_THAT(warned.out, HasSubstr("a.yaml:3: "));
  EXPECT_THAT(warned.out, HasSubstr("ok: "));
  result.problems.add({"a.yaml", 9}, "unknown key");
  result.problems.add({"rules/b.yaml", 2}, "not jq \x1b[31m");
  const auto failed = chatrelay({"check"});
  EXPECT_EQ(failed.code, 78);
  EXPECT_THAT(failed.out, HasSubstr("a.yaml:9: unknown key"));
  EXPECT_THAT(failed.out, HasSubstr("rules/b.yaml:2: "));
  EXPECT_THAT(failed.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(failed.out, Not(HasSubstr("ok: ")));
}

TEST_F(Cli, tests_beside_rules_are_0_when_passed_1_when_failed_78_when_not_loaded) {
  cli::TestReport report;
  report.tests.push_back({"rules/a_test.yaml:2", "passes", true, ""});
  hooks.test_rules = [&](const std::string&, const std::vector<std::string>&) { return report; };
  EXPECT_EQ(chatrelay({"rules", "test"}).code, 0);
  report.tests.push_back({"rules/a_test.yaml:9", "fails", false, "expected crm\ngot nothing"});
  const auto failed = chatrelay({"rules", "test"});
  EXPECT_EQ(failed.code, 1);
  EXPECT_THAT(failed.out, HasSubstr("FAILED  rules/a_test.yaml:9: fails\n    expected crm\n    got nothing\n"));
  EXPECT_THAT(failed.out, HasSubstr("1 of 2 tests passed\n"));
  report.tests.push_back({"rules/a_test.yaml:20", "of a destination that is not there", true, "", true});
  const auto with_skipped = chatrelay({"rules", "test"});
  EXPECT_EQ(with_skipped.code, 1);
  EXPECT_THAT(with_skipped.out, HasSubstr("skipped rules/a_test.yaml:20: "));
  EXPECT_THAT(with_skipped.out, HasSubstr("1 of 2 tests passed; 1 skipped"));
  report.problems.add({"rules/a.yaml", 1}, "broken");
  EXPECT_EQ(chatrelay({"rules", "test"}).code, 78);
}

TEST_F(Cli, restore_wants_a_decision_and_asks_for_it_only_on_a_terminal) {
  const std::string config = write("chatrelay.yaml", "store: sqlite:store.db\n");
  std::vector<store::RestorePending> decided;
  std::string path;
  hooks.restore = [&](const std::string&, const std::string& to, store::RestorePending pending,
                      WallTime) -> Result<void> {
    decided.push_back(pending);
    path = to;
    return {};
  };
  EXPECT_EQ(chatrelay({"restore", "b.db", "--config", config}).code, 64);
  EXPECT_EQ(chatrelay({"restore", "b.db", "--config", config, "--pending", "cancel"}).code, 0);
  EXPECT_EQ(path, (folder / "store.db").string());
  on_a_terminal = true;
  typed = "\n";
  EXPECT_EQ(chatrelay({"restore", "b.db", "--config", config}).code, 0);
  typed = "keep\n";
  EXPECT_EQ(chatrelay({"restore", "b.db", "--config", config}).code, 0);
  typed = "whatever\n";
  EXPECT_EQ(chatrelay({"restore", "b.db", "--config", config}).code, 64);
  typed = "";
  EXPECT_EQ(chatrelay({"restore", "b.db", "--config", config}).code, 64);
  EXPECT_THAT(decided,
              ElementsAre(store::RestorePending::cancel, store::RestorePending::hold, store::RestorePending::keep));
  hooks.restore = [](const std::string&, const std::string&, store::RestorePending, WallTime) -> Result<void> {
    return invalid("a chatrelay has it open");
  };
  const auto refused = chatrelay({"restore", "b.db", "--config", config, "--pending", "hold"});
  EXPECT_EQ(refused.code, 65);
  EXPECT_THAT(refused.err, HasSubstr("a chatrelay has it open"));
}

TEST_F(Cli, a_restore_never_guesses_the_store_from_a_broken_configuration) {
  const std::string config = write("chatrelay.yaml", "store: sqlite:store.db\nnonsense: 1\n");
  hooks.restore = [](const std::string&, const std::string&, store::RestorePending, WallTime) -> Result<void> {
    ADD_FAILURE();
    return {};
  };
  EXPECT_EQ(chatrelay({"restore", "b.db", "--config", config, "--pending", "hold"}).code, 78);
}

}  // namespace
}  // namespace chatrelay::admin::test
