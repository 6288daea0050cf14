#include "admin/api/tail.hpp"

#include <gmock/gmock.h>

#include "unit/admin/api_fixture.hpp"

namespace chatrelay::admin::test {
namespace {

using testing::HasSubstr;
using testing::Not;

struct TailSteps : testing::Test {
  WallTime now = *parse_rfc3339("2026-11-20T10:00:00Z");

  store::EventRow row(EventSeq seq, const std::string& type, Millis age = Millis{0}) {
    store::EventRow out;
    out.event.seq = seq;
    out.event.source = "livechat";
    out.event.received_at = now - age;
    if (!type.empty()) {
      store::PlannedPart part;
      part.type = type;
      part.chat_id = "C1";
      out.parts.push_back(part);
    }
    return out;
  }
  static std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
};

TEST_F(TailSteps, events_are_told_oldest_first_and_once) {
  api::Tail tail({}, 3);
  const std::string out = tail.step({row(5, "b"), row(4, "a")}, false, now);
  EXPECT_LT(out.find("\"seq\":4"), out.find("\"seq\":5"));
  EXPECT_EQ(lines(out), 2u);
  EXPECT_EQ(tail.last(), 5u);
}

TEST_F(TailSteps, an_event_waits_for_its_type_and_those_behind_it_wait_too) {
  api::Tail tail({}, 0);
  const std::string out = tail.step({row(3, "c"), row(2, ""), row(1, "a")}, false, now);
  EXPECT_THAT(out, HasSubstr("\"seq\":1"));
  EXPECT_THAT(out, Not(HasSubstr("\"seq\":3")));
  EXPECT_EQ(tail.last(), 1u);
  EXPECT_EQ(lines(tail.step({row(3, "c"), row(2, "b")}, false, now)), 2u);
}

TEST_F(TailSteps, an_event_that_is_not_planned_in_time_is_told_without_its_type) {
  api::Tail tail({}, 0);
  EXPECT_THAT(tail.step({row(1, "", api::Tail::plan_wait)}, false, now), HasSubstr("\"planned\":false"));
}

TEST_F(TailSteps, a_clock_that_jumped_back_does_not_stop_the_tail) {
  api::Tail tail({}, 0);
  EXPECT_EQ(lines(tail.step({row(1, "", -std::chrono::hours(1))}, false, now)), 1u);
}

TEST_F(TailSteps, what_does_not_fit_the_filter_is_passed_over) {
  api::TailFilter filter;
  filter.type = "chat_rated";
  api::Tail tail(filter, 0);
  EXPECT_EQ(lines(tail.step({row(2, "chat_rated"), row(1, "incoming_chat")}, false, now)), 1u);
  EXPECT_EQ(tail.step({row(3, "incoming_chat")}, false, now), "");
  EXPECT_EQ(tail.last(), 3u);
}

TEST_F(TailSteps, more_than_a_tail_can_follow_is_said) {
  api::Tail tail({}, 0);
  EXPECT_THAT(tail.step({row(9, "a")}, true, now), HasSubstr("left out"));
}

using TailStream = ApiFixture;

TEST_F(TailStream, begins_after_what_is_there_follows_what_arrives_and_ends_when_closed) {
  store.add_event(1, now, "incoming_chat");
  auto response = call("GET", "/api/events/tail");
  ASSERT_EQ(response.status, 200);
  ASSERT_TRUE(response.stream);
  store.add_event(2, now, "incoming_event");
  const std::string lines = run(response.stream());
  EXPECT_THAT(lines, HasSubstr("\"seq\":2"));
  EXPECT_THAT(lines, Not(HasSubstr("\"seq\":1,")));
  api().close_streams();
  EXPECT_EQ(run(response.stream()), "");
}

TEST_F(TailStream, the_number_of_open_tails_is_bounded_and_a_closed_one_makes_room) {
  std::vector<http::Response> open;
  for (int i = 0; i < 16; ++i) open.push_back(call("GET", "/api/events/tail"));
  EXPECT_EQ(open.back().status, 200);
  EXPECT_EQ(call("GET", "/api/events/tail").status, 503);
  open.pop_back();
  EXPECT_EQ(call("GET", "/api/events/tail").status, 200);
}

}  // namespace
}  // namespace chatrelay::admin::test
