#include "common/json.hpp"
#include "unit/presence/support.hpp"

namespace chatrelay::presence {
namespace {

using test::at;
using test::settings_of;

constexpr const char* people =
    "users: [{id: 1, agent: Jo@example.com, departments: [4]}, {id: 2, agent: b}, {id: 3}]\ndepartments: [{id: 5}]";

struct BoardKept : testing::Test {
  ManualClock clock{at("2026-11-20T08:00:00Z")};
};

TEST_F(BoardKept, SurvivesARestart) {
  Board before(settings_of(people), clock);
  before.set_user(2, true);
  before.set_user(3, false);
  ASSERT_TRUE(before.set_department(4, true));
  before.set_all(false);
  before.on_routing_status("jo@example.com", "accepting chats");
  const std::string text = json::serialize(before.to_json());
  EXPECT_EQ(text, R"({"all":{"online":false,"since":"2026-11-20T08:00:00.000Z"},)"
                  R"("users":{"2":{"online":true,"since":"2026-11-20T08:00:00.000Z"},)"
                  R"("3":{"online":false,"since":"2026-11-20T08:00:00.000Z"}},)"
                  R"("departments":{"4":{"online":true,"since":"2026-11-20T08:00:00.000Z"}},)"
                  R"("routing":{"jo@example.com":{"status":"accepting_chats","since":"2026-11-20T08:00:00.000Z"}}})");

  clock.advance(std::chrono::hours(5));
  Board after(settings_of(people), clock);
  ASSERT_TRUE(after.from_json(json::parse(text)));
  EXPECT_TRUE(after.user_online(1));
  EXPECT_TRUE(after.user_online(2));
  EXPECT_FALSE(after.user_online(3));
  EXPECT_TRUE(after.department_online(4));
  EXPECT_FALSE(after.online());
  EXPECT_EQ(json::serialize(after.to_json()), text);
}

TEST_F(BoardKept, LeavesOutWhoIsNoLongerConfigured) {
  Board before(settings_of(people), clock);
  before.set_user(1, true);
  before.set_user(2, true);
  before.on_routing_status("b", "accepting_chats");
  ASSERT_TRUE(before.set_department(5, true));
  Board after(settings_of("users: [{id: 1}]"), clock);
  ASSERT_TRUE(after.from_json(before.to_json()));
  EXPECT_TRUE(after.user_online(1));
  EXPECT_EQ(json::serialize(after.to_json()),
            R"({"users":{"1":{"online":true,"since":"2026-11-20T08:00:00.000Z"}},"departments":{},"routing":{}})");
}

TEST_F(BoardKept, TakesNothingOfWhatItCannotRead) {
  Board board(settings_of(people), clock);
  board.set_user(1, true);
  for (const char* wrong :
       {"null", "[]", "3", R"({"users":[]})", R"({"users":{"x":{"online":true,"since":"2026-11-20T08:00:00Z"}}})",
        R"({"users":{"1":{"online":1,"since":"2026-11-20T08:00:00Z"}}})", R"({"users":{"1":{"online":false}}})",
        R"({"users":{"1":true}})", R"({"all":true})", R"({"departments":{"4":null}})", R"({"routing":7})",
        R"({"routing":{"b":{"status":5,"since":"2026-11-20T08:00:00Z"}}})",
        R"({"users":{"1":{"online":false,"since":"2026-11-20T08:00:00Z"}},"routing":{"b":"offline"}})"}) {
    const auto taken = board.from_json(json::parse(wrong));
    ASSERT_FALSE(taken) << wrong;
    EXPECT_EQ(taken.error().kind, ErrorKind::invalid);
    EXPECT_TRUE(board.user_online(1)) << wrong;
  }
  EXPECT_TRUE(board.from_json(json::object{}));  // nothing was ever set
  EXPECT_FALSE(board.user_online(1));
}

TEST_F(BoardKept, TellsEveryChangeOnce) {
  Board board(settings_of(people), clock);
  int changes = 0;
  board.on_change([&] { ++changes; });
  board.set_user(1, true);
  board.set_user(1, true);
  board.on_routing_status("b", "offline");
  board.on_routing_status("b", "offline");
  board.on_routing_status("nobody", "offline");
  board.set_user(9, true);
  board.set_all(std::nullopt);
  EXPECT_EQ(changes, 2);
  board.set_all(true);
  ASSERT_TRUE(board.set_department(4, false));
  ASSERT_TRUE(board.set_department(4, false));
  ASSERT_TRUE(board.set_user(1, std::nullopt));
  EXPECT_EQ(changes, 5);
}

}  // namespace
}  // namespace chatrelay::presence
