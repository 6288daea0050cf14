#include <gmock/gmock.h>
#include <sys/stat.h>

#include "admin/cli/init_files.hpp"
#include "config/config.hpp"
#include "destinations/connector/registry.hpp"
#include "destinations/kinds.hpp"
#include "rules/rules.hpp"
#include "rules/test_runner.hpp"
#include "systems/generic/generic_source.hpp"
#include "systems/livechat/livechat_source.hpp"
#include "systems/livechatoo/livechatoo_source.hpp"
#include "systems/livehelperchat/livehelperchat_source.hpp"
#include "systems/rocketchat/rocketchat_source.hpp"
#include "unit/admin/cli_fixture.hpp"

namespace chatrelay::admin::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Init = CliFixture;

systems::SourceKind system_of(const std::string& name) {
  if (name == "livechat") return systems::livechat_kind();
  if (name == "rocketchat") return systems::rocketchat_kind();
  if (name == "livehelperchat") return systems::livehelperchat_kind();
  if (name == "livechatoo") return systems::livechatoo_kind();
  return systems::generic_kind();
}

struct Loaded {
  std::size_t rules = 0;
  rules::TestReport tests;
};

// Loads what init wrote as `check` does, and runs the tests beside the rules as `rules test` does.
Loaded load(const std::string& file, config::Problems& problems) {
  config::Environment environment = config::Environment::process();
  environment.variable = [](const std::string&) -> std::optional<std::string> {
    return std::nullopt;
  };  // an empty environment
  const auto config = config::load_config(file, problems, environment);
  const auto registry =
      destinations::connector::Registry::load(destinations::connector::shipped_connectors(), {}, problems);
  rules::Catalog catalog;
  for (const auto& source : config.sources) {
    catalog.sources.push_back(source.name);
    EXPECT_NE(system_of(source.system).make(source, config.tables, problems), nullptr);
  }
  for (const auto& destination : config.destinations) {
    const auto kind = destination.kind == "email"  ? destinations::email_kind()
                      : destination.kind == "file" ? destinations::file_kind()
                                                   : destinations::connector_kind(registry);
    catalog.targets.emplace(destination.name, kind.schema(destination, problems));
  }
  EXPECT_EQ(config.sources.size(), 1u);
  EXPECT_EQ(config.destinations.size(), 1u);
  Loaded loaded;
  const auto rules = rules::RuleSet::load(config.rules, catalog, config.tables, problems, environment);
  loaded.rules = rules ? rules->size() : 0;
  const rules::Decode decode = [](const std::string&, std::string_view) -> Result<std::vector<Event>> {
    return invalid("these tests have inline events");
  };
  loaded.tests = rules::run_tests(config.rules, config.rules, catalog, config.tables, decode, problems, environment);
  return loaded;
}

TEST_F(Init, an_answer_that_check_would_refuse_writes_nothing) {
  const std::string relay = (folder / "refused").string();
  const auto refused = [&](const std::string& use, const std::string& flag, const std::string& value) {
    const auto ran = chatrelay({"init", relay, "--system", "livechat", "--use", use, flag, value});
    EXPECT_EQ(ran.code, 64) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(flag + " is \"" + value + "\""));
    EXPECT_FALSE(std::filesystem::exists(relay));
  };
  refused("webhook", "--to", "ftp://example.com");
  refused("webhook", "--to", "example.com/in");
  refused("mail", "--to", "support");
  refused("mail", "--to", "a@example.com, b@example.com");
  refused("archive", "--public-url", "relay.example.com");
}

TEST_F(Init, what_it_writes_loads_without_a_problem_and_passes_its_tests_for_every_system_and_use) {
  for (const auto& system : cli::init_systems()) {
    for (const auto& use : cli::init_uses()) {
      const std::string name = std::string(system.name) + "-" + std::string(use.name);
      const auto target = folder / name;
      const auto ran =
          chatrelay({"init", target.string(), "--system", std::string(system.name), "--use", std::string(use.name)});
      ASSERT_EQ(ran.code, 0) << name << ran.err;
      config::Problems problems;
      const auto loaded = load((target / "chatrelay.yaml").string(), problems);
      EXPECT_FALSE(problems.has_errors()) << name << "\n" << problems.to_string();
      EXPECT_GT(loaded.rules, 0u) << name;
      EXPECT_FALSE(loaded.tests.tests.empty()) << name;
      for (const auto& test : loaded.tests.tests)
        EXPECT_TRUE(test.passed && !test.skipped) << name << ": " << test.name << "\n" << test.details;
    }
  }
}

TEST_F(Init, prints_hook_url_and_secret_and_keeps_the_secret_to_its_owner) {
  const auto ran = chatrelay({"init", (folder / "relay").string(), "--system", "livechat", "--use", "webhook",
                              "--public-url", "https://relay.example.com/"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("https://relay.example.com/hooks/livechat\n"));
  for (const char* name : {"livechat", "hook"}) {
    struct stat status {};
    ASSERT_EQ(::stat((folder / "relay/secrets" / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  }
  std::string secret = read(folder / "relay/secrets/livechat");
  secret.pop_back();
  EXPECT_EQ(secret.size(), 40u);
  EXPECT_THAT(ran.out, HasSubstr(secret));
  const std::string hook = read(folder / "relay/secrets/hook");
  EXPECT_THAT(hook, testing::StartsWith("whsec_"));  // what the receiver's library expects
  EXPECT_THAT(hook, Not(HasSubstr(secret)));         // the receiver knows this one
  EXPECT_THAT(read(folder / "relay/chatrelay.yaml"), Not(HasSubstr(secret)));
}

TEST_F(Init, what_browsers_send_has_no_secret_but_a_line_for_the_page) {
  const auto ran = chatrelay({"init", (folder / "relay").string(), "--system", "livechatoo", "--use", "archive",
                              "--public-url", "https://relay.example.com/"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("<script src=\"https://relay.example.com/livechatoo/bridge.js\"></script>"));
  EXPECT_THAT(ran.out, Not(HasSubstr("secret")));
  EXPECT_FALSE(std::filesystem::exists(folder / "relay/secrets"));
}

TEST_F(Init, never_writes_over_anything) {
  const auto target = (folder / "relay").string();
  ASSERT_EQ(chatrelay({"init", target, "--system", "generic", "--use", "archive"}).code, 0);
  const std::string before = read(folder / "relay/secrets/generic");
  const auto again = chatrelay({"init", target, "--system", "generic", "--use", "mail"});
  EXPECT_EQ(again.code, 65);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
  EXPECT_EQ(read(folder / "relay/secrets/generic"), before);
  EXPECT_FALSE(std::filesystem::exists(folder / "relay/rules/mail.yaml"));
}

TEST_F(Init, asks_on_a_terminal_by_number_or_name) {
  on_a_terminal = true;
  typed = "2\nwebhook\nhttps://example.com/in\n";
  const auto ran = chatrelay({"init", (folder / "asked").string()});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const std::string config = read(folder / "asked/chatrelay.yaml");
  EXPECT_THAT(config, HasSubstr("system: generic"));
  EXPECT_THAT(config, HasSubstr("\"https://example.com/in\""));
  EXPECT_THAT(config, HasSubstr("allow_private: false"));
  typed = "\n\n";
  ASSERT_EQ(chatrelay({"init", (folder / "defaults").string()}).code, 0);
  EXPECT_THAT(read(folder / "defaults/chatrelay.yaml"), HasSubstr("system: livechat"));
}

TEST_F(Init, wants_flags_without_a_terminal_and_knows_what_they_may_be) {
  const auto ran = chatrelay({"init", (folder / "x").string()});
  EXPECT_EQ(ran.code, 64);
  EXPECT_THAT(ran.err, HasSubstr("--system: one of livechat, generic, rocketchat, livehelperchat, livechatoo"));
  EXPECT_EQ(chatrelay({"init", (folder / "x").string(), "--system", "livechat", "--use", "telepathy"}).code, 64);
  EXPECT_FALSE(std::filesystem::exists(folder / "x"));
}

TEST_F(Init, what_a_person_types_cannot_add_keys_to_the_configuration) {
  const auto ran = chatrelay({"init", (folder / "x").string(), "--system", "generic", "--use", "archive", "--to",
                              "a\"]\nlisten: {public: 0.0.0.0:1}\n#${HOME}"});
  ASSERT_EQ(ran.code, 0);
  config::Problems problems;
  const auto config =
      config::load_config((folder / "x/chatrelay.yaml").string(), problems, config::Environment::process());
  EXPECT_EQ(config.listen.public_address.host, "127.0.0.1");
  EXPECT_EQ(config.listen.public_address.port, 8080);
}

TEST_F(Init, a_folder_that_cannot_be_made_is_74) {
  write("file", "x");
  EXPECT_EQ(chatrelay({"init", (folder / "file/under").string(), "--system", "generic", "--use", "archive"}).code, 74);
}

}  // namespace
}  // namespace chatrelay::admin::test
