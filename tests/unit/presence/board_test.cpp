#include <atomic>
#include <thread>

#include "presence/presence.hpp"
#include "unit/presence/support.hpp"

namespace chatrelay::presence {
namespace {

using test::at;
using test::settings_of;

// A Friday, 9 o'clock in Vienna.
constexpr const char* friday = "2026-11-20T08:00:00Z";
constexpr const char* hours =
    "time_zone: Europe/Vienna\n"
    "schedules: {office: {hours: {mon-fri: 09:00-17:00}}}\n";

struct BoardTest : testing::Test {
  ManualClock clock{at(friday)};
  std::unique_ptr<Board> board;
  Board& make(const std::string& text) {
    board = std::make_unique<Board>(settings_of(text), clock);
    return *board;
  }
  static Question people_only() {
    Question question;
    question.exclude_bot = question.exclude_online_hours = true;
    return question;
  }
};

TEST_F(BoardTest, NobodyIsOnlineWithoutPresence) {
  Board empty(Settings{}, clock);
  EXPECT_FALSE(empty.configured());
  EXPECT_FALSE(empty.online());
  EXPECT_FALSE(empty.department_online(0));
  EXPECT_FALSE(empty.user_online(1));
}

TEST_F(BoardTest, LiveChatsRoutingStatusDecides) {
  Board& b = make("users: [{id: 1, agent: jo@example.com, departments: [1]}]");
  EXPECT_FALSE(b.user_online(1));
  b.on_routing_status("JO@example.com", "accepting_chats");
  EXPECT_TRUE(b.user_online(1));
  EXPECT_TRUE(b.department_online(1));
  EXPECT_TRUE(b.online());
  b.on_routing_status("jo@example.com", "not accepting chats");  // as webhooks spell it
  EXPECT_FALSE(b.user_online(1));
  EXPECT_FALSE(b.online());
  b.on_routing_status("jo@example.com", "accepting chats");
  b.on_routing_status("jo@example.com", "on a walk");
  b.on_routing_status("kim@example.com", "offline");
  EXPECT_TRUE(b.user_online(1));
  b.on_routing_status("jo@example.com", "offline");
  EXPECT_FALSE(b.user_online(1));
}

TEST_F(BoardTest, ByHandWinsOverEverythingAndCanBeTakenBack) {
  Board& b = make(std::string(hours) + "users: [{id: 1, agent: jo@example.com, schedule: office}]");
  b.on_routing_status("jo@example.com", "not_accepting_chats");
  b.set_user(1, true);
  EXPECT_TRUE(b.user_online(1));
  clock.advance(std::chrono::hours(12));  // outside their hours
  EXPECT_TRUE(b.user_online(1));
  b.set_user(1, false);
  b.on_routing_status("jo@example.com", "accepting_chats");
  EXPECT_FALSE(b.user_online(1));
  ASSERT_TRUE(b.set_user(1, std::nullopt));
  EXPECT_FALSE(b.user_online(1));  // night
  clock.advance(std::chrono::hours(60));
  EXPECT_TRUE(b.user_online(1));  // Monday
}

TEST_F(BoardTest, HoursGateAPersonAndSpeakForThemWhenNobodyElseDoes) {
  Board& b = make(std::string(hours) + "users: [{id: 1, agent: jo@example.com, schedule: office}, {id: 2}]");
  EXPECT_TRUE(b.user_online(1));
  EXPECT_FALSE(b.user_online(2));
  b.on_routing_status("jo@example.com", "not_accepting_chats");
  EXPECT_FALSE(b.user_online(1));
  b.on_routing_status("jo@example.com", "accepting_chats");
  clock.advance(std::chrono::hours(8) - Millis{1});
  EXPECT_TRUE(b.user_online(1));
  clock.advance(Millis{1});  // 17:00
  EXPECT_FALSE(b.user_online(1));
}

TEST_F(BoardTest, AClockThatJumpsIsFollowedBothWays) {
  Board& b = make(std::string(hours) + "schedule: office");
  EXPECT_TRUE(b.online());
  clock.jump_wall(std::chrono::hours(24));
  EXPECT_FALSE(b.online());
  clock.jump_wall(-std::chrono::hours(24));
  EXPECT_TRUE(b.online());
  clock.jump_wall(-std::chrono::hours(1));
  EXPECT_FALSE(b.online());
}

TEST_F(BoardTest, DepartmentsAreExplicit) {
  Board& b =
      make("users: [{id: 1, departments: [1]}, {id: 2, departments: [2, 3]}, {id: 3}, {id: 4, departments: [0]}]");
  b.set_user(3, true);
  EXPECT_TRUE(b.online());
  EXPECT_FALSE(b.department_online(1));
  EXPECT_TRUE(b.department_online(0));
  b.set_user(2, true);
  EXPECT_FALSE(b.department_online(1));
  EXPECT_TRUE(b.department_online(2));
  EXPECT_TRUE(b.department_online(3));
  EXPECT_FALSE(b.department_online(4));
  EXPECT_FALSE(b.department_online(-1));
}

TEST_F(BoardTest, QuestionsLeaveThingsOut) {
  Board& b = make(std::string(hours) +
                  "users: [{id: 1, departments: [1]}, {id: 2, bot: true, departments: [2]}]\n"
                  "departments: [{id: 3, schedule: office}]");
  b.set_user(1, true);
  b.set_user(2, true);
  Question without_people, with_people, no_bots, no_hours;
  without_people.ignore_user_status = true;
  with_people.ignore_user_status = with_people.include_users = true;
  no_bots.exclude_bot = true;
  no_hours.exclude_online_hours = true;
  EXPECT_FALSE(b.department_online(1, without_people));
  EXPECT_TRUE(b.department_online(1, with_people));
  EXPECT_TRUE(b.department_online(1, people_only()));
  EXPECT_TRUE(b.department_online(2, without_people));
  EXPECT_FALSE(b.department_online(2, no_bots));
  EXPECT_TRUE(b.department_online(3, without_people));
  EXPECT_FALSE(b.department_online(3, no_hours));
  EXPECT_TRUE(b.online(people_only()));
  b.set_user(1, false);
  EXPECT_FALSE(b.online(people_only()));
  EXPECT_TRUE(b.online(no_hours));  // the bot
  EXPECT_TRUE(b.online(no_bots));   // the hours
  clock.advance(std::chrono::hours(12));
  EXPECT_FALSE(b.online(no_bots));
}

TEST_F(BoardTest, ADepartmentOrTheWholeIsSetByHand) {
  Board& b = make(std::string(hours) +
                  "users: [{id: 1, departments: [1]}, {id: 2, departments: [1, 2]}]\n"
                  "departments: [{id: 2, schedule: office}, {id: 3}]");
  b.set_user(1, true);
  clock.advance(std::chrono::hours(12));
  ASSERT_TRUE(b.set_department(1, false));
  EXPECT_FALSE(b.department_online(1));
  EXPECT_FALSE(b.online());  // Jo's only department is closed
  b.set_user(2, true);
  EXPECT_TRUE(b.online());
  b.set_user(2, false);
  ASSERT_TRUE(b.set_department(3, true));
  EXPECT_TRUE(b.department_online(3, people_only()));
  EXPECT_TRUE(b.online(people_only()));
  b.set_all(false);
  EXPECT_FALSE(b.online());
  EXPECT_FALSE(b.department_online(2));
  EXPECT_TRUE(b.department_online(3));  // set itself
  EXPECT_TRUE(b.user_online(1));
  b.set_all(true);
  EXPECT_TRUE(b.online());
  EXPECT_TRUE(b.department_online(2));
  EXPECT_FALSE(b.department_online(1));
  b.set_all(std::nullopt);
  ASSERT_TRUE(b.set_department(3, std::nullopt));
  EXPECT_FALSE(b.online());
}

TEST_F(BoardTest, ADepartmentThatIsSetOfflineKeepsItsHoursFromTheWhole) {
  Board& b = make(std::string(hours) + "departments: [{id: 1, schedule: office}]");
  EXPECT_TRUE(b.online());
  ASSERT_TRUE(b.set_department(1, false));
  EXPECT_FALSE(b.online());
}

TEST_F(BoardTest, StrangersCannotBeSet) {
  Board& b = make("users: [{id: 1, departments: [7]}]");
  const auto user = b.set_user(2, std::optional(true));
  ASSERT_FALSE(user);
  EXPECT_EQ(user.error().kind, ErrorKind::not_found);
  EXPECT_FALSE(b.set_department(8, true));
  EXPECT_TRUE(b.set_department(7, true));
  b.set_user(2, true);
  EXPECT_FALSE(b.user_online(2));
  EXPECT_TRUE(b.has_user(1));
  EXPECT_FALSE(b.has_user(2));
}

TEST_F(BoardTest, PeopleAreFoundByWhatIdentifiesThem) {
  Board& b = make("users: [{id: 1, agent: Jo@example.com, name: Jo}, {id: 2, username: kim, email: k@example.com}]");
  EXPECT_EQ(b.user_of("jo@EXAMPLE.com"), 1);
  EXPECT_EQ(b.user_of("Kim"), 2);
  EXPECT_EQ(b.user_of("k@example.com"), 2);
  EXPECT_EQ(b.user_of("Jo"), std::nullopt);  // a name identifies nobody
  EXPECT_EQ(b.user_of(""), std::nullopt);
}

constexpr const char* with_upstream =
    "upstream: {url: \"https://a.example\", every: 30s, keep: 2m, fallback: offline}\n"
    "users: [{id: 1, upstream: 11, departments: [1]}, {id: 2}]\n"
    "departments: [{id: 1, upstream: 21}, {id: 2}]";

TEST_F(BoardTest, UpstreamsAnswerHoldsForAWhileThenTheFallback) {
  Board& b = make(with_upstream);
  EXPECT_FALSE(b.online());
  b.on_upstream(Board::Subject::all, 0, true);
  b.on_upstream(Board::Subject::user, 1, true);
  EXPECT_TRUE(b.online());
  EXPECT_TRUE(b.user_online(1));
  EXPECT_TRUE(b.department_online(1));  // the person
  clock.advance(Millis{119'999});
  EXPECT_TRUE(b.online());
  clock.advance(Millis{1});
  EXPECT_FALSE(b.online());
  EXPECT_FALSE(b.user_online(1));
  b.on_upstream(Board::Subject::department, 1, true);
  EXPECT_TRUE(b.department_online(1));
  EXPECT_FALSE(b.department_online(2));
  EXPECT_FALSE(b.online());  // the whole is asked for itself
  b.on_upstream(Board::Subject::department, 1, false);
  EXPECT_FALSE(b.department_online(1));
}

TEST_F(BoardTest, UpstreamsAgeIsNotMeasuredOnTheWall) {
  Board& b = make(with_upstream);
  b.on_upstream(Board::Subject::all, 0, true);
  clock.jump_wall(std::chrono::hours(1));
  EXPECT_TRUE(b.online());
}

TEST_F(BoardTest, TheFallbackMayBeOnline) {
  Board& b = make("upstream: {url: \"https://a.example\", fallback: online}\nusers: [{id: 1, upstream: 4}]");
  EXPECT_TRUE(b.online());
  EXPECT_TRUE(b.user_online(1));
  b.on_upstream(Board::Subject::all, 0, false);
  b.on_upstream(Board::Subject::user, 1, false);
  EXPECT_FALSE(b.online());
}

TEST_F(BoardTest, UpstreamSpeaksForNobodyElse) {
  Board& b = make(with_upstream);
  b.on_upstream(Board::Subject::user, 2, true);
  b.on_upstream(Board::Subject::department, 2, true);
  b.on_upstream(Board::Subject::user, 99, true);
  EXPECT_FALSE(b.user_online(2));
  EXPECT_FALSE(b.department_online(2));
  EXPECT_FALSE(b.online());
  Question ignored;
  ignored.ignore_user_status = true;
  b.on_upstream(Board::Subject::all, 0, true);
  EXPECT_TRUE(b.online());
  EXPECT_FALSE(b.online(ignored));
}

TEST_F(BoardTest, RoutingStatusWinsOverUpstream) {
  Board& b = make("upstream: {url: \"https://a.example\"}\nusers: [{id: 1, agent: a, upstream: 4}]");
  b.on_upstream(Board::Subject::user, 1, true);
  EXPECT_TRUE(b.user_online(1));
  b.on_routing_status("a", "offline");
  EXPECT_FALSE(b.user_online(1));
}

TEST_F(BoardTest, TheVersionGrowsWithAnswersOnly) {
  Board& b = make(std::string(hours) + "schedule: office\nusers: [{id: 1, agent: a}]");
  const auto first = b.version();
  EXPECT_GE(first, static_cast<std::uint64_t>(to_ms(clock.now())));  // new after a restart
  EXPECT_EQ(b.version(), first);
  b.set_user(1, true);
  const auto second = b.version();
  EXPECT_GT(second, first);
  b.set_user(1, true);
  b.on_routing_status("a", "accepting_chats");  // by hand all the same
  EXPECT_EQ(b.version(), second);
  clock.advance(std::chrono::hours(8));  // nobody told it
  EXPECT_GT(b.version(), second);
}

TEST_F(BoardTest, SaysHowLongItsAnswersHold) {
  Board& b = make(std::string(hours) + "schedule: office\nupstream: {url: \"https://a.example\", keep: 10m}");
  EXPECT_EQ(b.fresh_for(std::chrono::hours(24)), std::chrono::hours(8));
  EXPECT_EQ(b.fresh_for(std::chrono::seconds(30)), std::chrono::seconds(30));
  clock.advance(std::chrono::hours(8) - Millis{5});
  EXPECT_EQ(b.fresh_for(std::chrono::hours(1)), Millis{5});
  clock.advance(Millis{5});
  b.on_upstream(Board::Subject::all, 0, true);
  EXPECT_EQ(b.fresh_for(std::chrono::hours(1)), std::chrono::minutes(10));
}

TEST_F(BoardTest, AnotherConfigurationKeepsWhatWasSetForThoseInIt) {
  Board& b = make("users: [{id: 1, agent: a}, {id: 2, agent: b}]");
  b.set_user(1, true);
  b.on_routing_status("b", "accepting_chats");
  b.configure(settings_of("users: [{id: 1}, {id: 3, agent: b}]"));
  EXPECT_TRUE(b.user_online(1));
  EXPECT_FALSE(b.user_online(2));
  EXPECT_TRUE(b.user_online(3));  // the same agent
  b.configure(settings_of("users: [{id: 2}]"));
  b.configure(settings_of("users: [{id: 1}, {id: 2}]"));
  EXPECT_FALSE(b.online());
}

TEST_F(BoardTest, AnotherUpstreamIsAskedAnew) {
  Board& b = make("upstream: {url: \"https://a.example\"}");
  b.on_upstream(Board::Subject::all, 0, true);
  b.configure(settings_of("upstream: {url: \"https://a.example\", every: 1m}"));
  EXPECT_TRUE(b.online());
  b.configure(settings_of("upstream: {url: \"https://b.example\"}"));
  EXPECT_FALSE(b.online());
}

TEST_F(BoardTest, WhatWasSaidOfAnotherIdDoesNotCount) {
  Board& b = make(with_upstream);
  b.on_upstream(Board::Subject::user, 1, true);
  b.on_upstream(Board::Subject::department, 1, true);
  const std::string url = "upstream: {url: \"https://a.example\", every: 30s, keep: 2m, fallback: offline}\n";
  b.configure(settings_of(url + "users: [{id: 1, upstream: 11, departments: [3]}]\n"
                                "departments: [{id: 1, upstream: 21}]"));
  EXPECT_TRUE(b.user_online(1)) << "the same ids";
  EXPECT_TRUE(b.department_online(1));
  b.configure(settings_of(url + "users: [{id: 1, upstream: 12, departments: [3]}]\n"
                                "departments: [{id: 1, upstream: 22}]"));
  EXPECT_FALSE(b.user_online(1));
  EXPECT_FALSE(b.department_online(1));
  b.on_upstream(Board::Subject::user, 1, true);
  EXPECT_TRUE(b.user_online(1));
  b.configure(settings_of(url + "users: [{id: 1}]"));
  b.configure(settings_of(url + "users: [{id: 1, upstream: 12}]"));
  EXPECT_FALSE(b.user_online(1)) << "was not asked for meanwhile";
}

TEST_F(BoardTest, ShowsWhoIsOnlineAndWhy) {
  Board& b = make(std::string(hours) +
                  "users: [{id: 2, name: Kim, agent: kim@example.com, departments: [1]}, {id: 1, schedule: office}]\n"
                  "departments: [{id: 1, name: Sales}]\n"
                  "upstream: {url: \"https://a.example\"}");
  b.on_routing_status("kim@example.com", "accepting_chats");
  ASSERT_TRUE(b.set_department(1, false));
  b.on_upstream(Board::Subject::all, 0, true);
  clock.advance(std::chrono::seconds(7));
  const auto shown = b.show();
  EXPECT_EQ(
      boost::json::serialize(shown.at("users").at(0)),
      R"({"id":1,"name":null,"agent":null,"username":null,"email":null,"bot":false,"departments":[0],"online":true,)"
      R"("reason":"hours","by_hand":null,"routing_status":null})");
  EXPECT_EQ(shown.at("users").at(1).at("reason"), "routing status");
  EXPECT_EQ(shown.at("users").at(1).at("routing_status"), "accepting_chats");
  EXPECT_EQ(boost::json::serialize(shown.at("departments")),
            R"([{"id":1,"name":"Sales","online":false,"reasons":["by hand"],)"
            R"("by_hand":{"online":false,"since":"2026-11-20T08:00:00.000Z"}}])");
  EXPECT_EQ(boost::json::serialize(shown.at("schedules")),
            R"([{"name":"office","time_zone":"Europe/Vienna","open":true,"changes_at":"2026-11-20T16:00:00.000Z"}])");
  EXPECT_EQ(boost::json::serialize(shown.at("upstream")),
            R"({"url":"https://a.example","online":true,"answered_seconds_ago":7})");
  EXPECT_EQ(boost::json::serialize(shown.at("reasons")), R"(["people"])");
}

TEST_F(BoardTest, ManyThreadsAskWhileOthersTell) {
  Board& b = make("users: [{id: 1, agent: a, departments: [1]}, {id: 2, agent: b, departments: [1]}]");
  b.set_user(2, true);
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      std::uint64_t last = 0;
      do {
        const std::uint64_t version = b.version();
        if (version < last || !b.online() || !b.department_online(1) || !b.user_online(2)) ++wrong;
        last = version;
      } while (!done);
    });
  const auto before = b.version();
  for (int i = 0; i < 2000; ++i) {
    b.on_routing_status("a", i % 2 ? "offline" : "accepting_chats");
    EXPECT_EQ(b.user_online(1), i % 2 == 0);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(b.version(), before + 2000);
}

}  // namespace
}  // namespace chatrelay::presence
