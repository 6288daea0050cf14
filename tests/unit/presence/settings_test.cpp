#include "presence/settings.hpp"

#include <fstream>
#include <iterator>

#include "unit/presence/support.hpp"

namespace chatrelay::presence {
namespace {

using test::Read;
using test::settings_of;

TEST(PresenceSettings, TheExampleOfTheManualLoads) {
  std::ifstream file(CHATRELAY_SOURCE_DIR "/src/presence/presence.md");
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = manual.find("```yaml\n") + 8;
  const std::string yaml = manual.substr(begin, manual.find("```", begin) - begin);
  config::Problems problems;
  const auto root = config::Document::parse(yaml, "presence.md", problems, config::Environment::process());
  const Settings settings = read_settings(root["presence"]);
  EXPECT_EQ(problems.to_string(), "");
  EXPECT_TRUE(settings.configured);
  ASSERT_EQ(settings.schedules.size(), 2u);
  EXPECT_EQ(settings.schedules[1].schedule.zone_name(), "America/New_York");
  EXPECT_EQ(settings.schedule, 0u);
  ASSERT_EQ(settings.users.size(), 3u);
  EXPECT_EQ(settings.users[0].departments, std::vector<std::int64_t>{1});
  EXPECT_TRUE(settings.users[1].bot);
  EXPECT_EQ(settings.users[2].departments, std::vector<std::int64_t>{0});
  EXPECT_EQ(settings.users[2].upstream, 7);
  ASSERT_EQ(settings.departments.size(), 2u);
  EXPECT_EQ(settings.departments[0].schedule, 0u);
  ASSERT_TRUE(settings.upstream);
  EXPECT_EQ(settings.upstream->url, "https://chat.example.com/index.php");
  EXPECT_EQ(settings.upstream->every, Millis{30'000});
}

TEST(PresenceSettings, NothingIsConfiguredWithoutTheSection) {
  config::Problems problems;
  const auto root = config::Document::parse("{}", "a.yaml", problems, config::Environment::process());
  EXPECT_FALSE(read_settings(root["presence"]).configured);
  EXPECT_EQ(problems.to_string(), "");
  EXPECT_TRUE(settings_of("users: [{id: 1}]").configured);
}

TEST(PresenceSettings, TheRootOfTheConfigurationTakesThem) {
  config::Problems problems;
  const auto read =
      config::parse_config("presence: {users: [{id: 5}]}", "a.yaml", problems, config::Environment::process());
  EXPECT_EQ(problems.to_string(), "");
  EXPECT_EQ(read_settings(read.presence).users.size(), 1u);
}

TEST(PresenceSettings, UpstreamsAddressLosesWhatWeAdd) {
  for (const char* url : {"https://a.example/", "https://a.example/restapi", "https://a.example/restapi/"})
    EXPECT_EQ(settings_of("upstream: {url: \"" + std::string(url) + "\"}").upstream->url, "https://a.example") << url;
}

TEST(PresenceSettings, KeepIsAtLeastTwoPollsLongUnlessSaid) {
  EXPECT_EQ(settings_of("upstream: {url: \"http://a\", every: 30m}").upstream->keep, std::chrono::hours(1));
  EXPECT_EQ(settings_of("upstream: {url: \"http://a\", every: 30m, keep: 30m}").upstream->keep,
            std::chrono::minutes(30));
}

struct Wrong {
  const char* yaml;     // its first line is line 2
  const char* problem;  // the beginning of what is said
};

class PresenceProblems : public testing::TestWithParam<Wrong> {};

TEST_P(PresenceProblems, AreToldWithTheirLine) {
  const Read read(GetParam().yaml);
  const std::string said = read.problems.to_string();
  EXPECT_TRUE(said.starts_with(GetParam().problem)) << said;
  EXPECT_EQ(read.problems.list().size(), 1u) << said;
}

INSTANTIATE_TEST_SUITE_P(
    Each, PresenceProblems,
    testing::Values(
        Wrong{"user: []", "relay.yaml:2: presence.user is not known; did you mean \"users\"?"},
        Wrong{"schedule: office", "relay.yaml:2: presence.schedule is \"office\", which is none of presence.schedules"},
        Wrong{"schedules: []", "relay.yaml:2: presence.schedules must be a map"},
        Wrong{"schedules:\n  a: {hours: {mon: open}}",
              "relay.yaml:3: presence.schedules.a.time_zone is missing: the name of a time zone"},
        Wrong{"time_zone: Europe/Wiena\nschedules:\n  a: {hours: {mon: open}}",
              "relay.yaml:2: presence.time_zone is \"Europe/Wiena\", which the system's tzdata does not have; did you "
              "mean \"Europe/Vienna\"?"},
        Wrong{"time_zone: UTC\nschedules:\n  a: {time_zone: ../../etc/passwd, hours: {mon: open}}",
              "relay.yaml:4: presence.schedules.a.time_zone is \"../../etc/passwd\", which the system's tzdata does "
              "not have"},
        Wrong{"time_zone: UTC\nschedules:\n  a: {days: {12-25: closed}}",
              "relay.yaml:4: presence.schedules.a.hours must say the hours of the week"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours:\n      mon: 9-17",
              "relay.yaml:6: presence.schedules.a.hours.mon is \"9-17\"; it must be hours like 09:00-17:00"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours:\n      mon:",
              "relay.yaml:6: presence.schedules.a.hours.mon is empty"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours:\n      mon: []",
              "relay.yaml:6: presence.schedules.a.hours.mon is empty"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours:\n      mon: [open, 10:00-11:00]",
              "relay.yaml:6: presence.schedules.a.hours.mon[0] is \"open\", which stands alone"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours:\n      mon: [10:00-12:00, 11:00-13:00]",
              "relay.yaml:6: presence.schedules.a.hours.mon has hours that overlap"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours:\n      mon-fri: open\n      wed: closed",
              "relay.yaml:7: presence.schedules.a.hours.wed names a day of the week that has its hours already"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours:\n      monday: open",
              "relay.yaml:6: presence.schedules.a.hours.monday is not a day"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours: {mon: open}\n    days:\n      2026-02-30: open",
              "relay.yaml:7: presence.schedules.a.days.2026-02-30 is not a day"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours: {mon: open}\n    days: {2026-12-02..2026-12-01: open}",
              "relay.yaml:6: presence.schedules.a.days.2026-12-02..2026-12-01 is not a day"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours: {mon: open}\n    days: {2040-01-01: open}",
              "relay.yaml:6: presence.schedules.a.days.2040-01-01 is not a day"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours: {mon: open}\n    days: {1970-01-01..2037-12-31: open}",
              "relay.yaml:6: presence.schedules.a.days.1970-01-01..2037-12-31 makes more than 2000 days"},
        Wrong{"time_zone: UTC\nschedules:\n  a:\n    hours: {mon: open}\n    days:\n"
              "      2026-12-01..2026-12-05: open\n      2026-12-05: closed",
              "relay.yaml:8: presence.schedules.a.days.2026-12-05 names a day that has its hours already"},
        Wrong{"users: {id: 1}", "relay.yaml:2: presence.users must be a list"},
        Wrong{"users:\n  - {name: Jo}", "relay.yaml:3: presence.users[0].id is missing"},
        Wrong{"users:\n  - {id: 0}", "relay.yaml:3: presence.users[0].id is \"0\"; it must be from 1 to"},
        Wrong{"users:\n  - {id: 1}\n  - {id: 1}", "relay.yaml:4: presence.users[1].id is \"1\", which another user"},
        Wrong{"users:\n  - {id: 1, agent: jo@example.com}\n  - {id: 2, email: JO@example.com}",
              "relay.yaml:4: presence.users[1].email is \"JO@example.com\", which user 1 has already"},
        Wrong{"users:\n  - {id: 1, departments: [0, 1]}",
              "relay.yaml:3: presence.users[0].departments has 0, all departments, beside others"},
        Wrong{"users:\n  - {id: 1, departments: []}", "relay.yaml:3: presence.users[0].departments is empty"},
        Wrong{"users:\n  - {id: 1, bot: yes}", "relay.yaml:3: presence.users[0].bot is \"yes\"; it must be true or"},
        Wrong{"users:\n  - {id: 1, upstream: 4}", "relay.yaml:3: presence.users[0].upstream needs presence.upstream"},
        Wrong{"departments:\n  - {id: 1}\n  - {id: 1}", "relay.yaml:4: presence.departments[1].id is \"1\", which"},
        Wrong{"departments:\n  - {id: 1, schedule: s}", "relay.yaml:3: presence.departments[0].schedule is \"s\""},
        Wrong{"upstream: {every: 30s}", "relay.yaml:2: presence.upstream.url is missing"},
        Wrong{"upstream: {url: ftp://a}", "relay.yaml:2: presence.upstream.url is \"ftp://a\"; it must be the address"},
        Wrong{"upstream: {url: \"https://u:p@a.example\"}", "relay.yaml:2: presence.upstream.url is"},
        Wrong{"upstream: {url: \"https://a.example/?x=1\"}", "relay.yaml:2: presence.upstream.url is"},
        Wrong{"upstream: {url: \"https:///a\"}", "relay.yaml:2: presence.upstream.url is"},
        Wrong{"upstream:\n  url: https://a.example\n  every: 1s",
              "relay.yaml:4: presence.upstream.every is \"1s\"; it must be from 5s to 1h"},
        Wrong{"upstream:\n  url: https://a.example\n  every: 1m\n  keep: 59s",
              "relay.yaml:5: presence.upstream.keep is shorter than presence.upstream.every"},
        Wrong{"upstream:\n  url: https://a.example\n  fallback: maybe",
              "relay.yaml:4: presence.upstream.fallback is \"maybe\"; it must be one of: online, offline"}));

TEST(PresenceSettings, Limits) {
  std::string users = "upstream: {url: \"https://a.example\"}\nusers:";
  for (int i = 1; i <= 200; ++i) users += "\n  - {id: " + std::to_string(i) + ", upstream: 1}";
  EXPECT_NE(Read(users).problems.to_string().find("would be asked 201 questions"), std::string::npos);
  std::string many = "users: [{id: 1}";
  for (std::size_t i = 2; i <= users_max + 1; ++i) many += ", {id: " + std::to_string(i) + "}";
  EXPECT_NE(Read(many + "]").problems.to_string().find("presence.users has more than 5000 entries"), std::string::npos);
}

}  // namespace
}  // namespace chatrelay::presence
