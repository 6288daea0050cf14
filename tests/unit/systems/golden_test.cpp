// Golden cases: tests/golden/<system>/*.txt. A request, a line of dashes, the events it becomes (null and empty members
// left out, raw apart). For generic, the source's YAML comes first. A new case is a new file; with
// CHATRELAY_GOLDEN_UPDATE=1 in the environment the expected part is written, to be read by a person before it is
// committed.
#include "golden_files.hpp"
#include "systems/generic/generic_source.hpp"
#include "systems/livechat/livechat_source.hpp"
#include "systems/rocketchat/rocketchat_source.hpp"

namespace chatrelay::testing {
namespace {

class LivechatGolden : public ::testing::TestWithParam<std::string> {};
class RocketchatGolden : public ::testing::TestWithParam<std::string> {};
class GenericGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(LivechatGolden, BecomesItsEvents) {
  const std::vector<std::string> parts = golden_sections(read_text(GetParam()));
  ASSERT_EQ(parts.size(), 2u);
  auto made =
      make_source(systems::livechat_kind(), "system: livechat\nsecrets: [example-secret, laudla991lamda0pnoaa0]");
  ASSERT_TRUE(made.source) << made.problems;

  Request request;
  request.body = parts[0];
  if (parts[0].find("\"secret_key\"") == std::string::npos) request.path_secret = "example-secret";
  const auto verdict = made.source->admit(request.view(), now);
  ASSERT_TRUE(verdict.accepted) << verdict.rejected->message;
  for (const char* secret : {"example-secret", "laudla991lamda0pnoaa0", "secret_key"})
    EXPECT_EQ(verdict.accepted->body.find(secret), std::string::npos) << secret;

  const std::vector<Event> events = made.source->decode(stored(verdict.accepted->body));
  ASSERT_FALSE(events.empty());
  const auto raw = parse_json(verdict.accepted->body);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].ref, (EventRef{7, static_cast<std::uint32_t>(i)}));
    EXPECT_EQ(events[i].system, "livechat");
    EXPECT_EQ(events[i].received_at, now);
    if (events[i].type == event_type::invalid_payload)
      EXPECT_EQ(events[i].raw, json::value(repair_utf8(verdict.accepted->body)));
    else
      EXPECT_EQ(events[i].raw, *raw);
  }
  check_golden(GetParam(), parts, events);
}

TEST_P(RocketchatGolden, BecomesItsEvent) {
  const std::vector<std::string> parts = golden_sections(read_text(GetParam()));
  ASSERT_EQ(parts.size(), 2u);
  auto made = make_source(systems::rocketchat_kind(), "system: rocketchat\nsecrets: [example-secret-0123]");
  ASSERT_TRUE(made.source) << made.problems;
  Request request{parts[0], "", "application/json", {{"x-rocketchat-livechat-token", "example-secret-0123"}}};
  const auto verdict = made.source->admit(request.view(), now);
  ASSERT_TRUE(verdict.accepted) << verdict.rejected->message;
  for (const char* secret : {"example-secret-0123", "t1-visitor-token"})
    EXPECT_EQ(verdict.accepted->body.find(secret), std::string::npos) << secret;

  const std::vector<Event> events = made.source->decode(stored(verdict.accepted->body));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].ref, (EventRef{7, 0}));
  EXPECT_EQ(events[0].system, "rocketchat");
  EXPECT_EQ(events[0].received_at, now);
  if (events[0].type == event_type::invalid_payload)
    EXPECT_EQ(events[0].raw, json::value(repair_utf8(verdict.accepted->body)));
  else
    EXPECT_EQ(events[0].raw, *parse_json(verdict.accepted->body));
  check_golden(GetParam(), parts, events);
}

TEST_P(GenericGolden, BecomesItsEvents) {
  const std::vector<std::string> parts = golden_sections(read_text(GetParam()));
  ASSERT_EQ(parts.size(), 3u);
  auto made = make_source(systems::generic_kind(), parts[0]);
  ASSERT_TRUE(made.source) << made.problems;
  const auto sent = made.source->sign(parts[1], now);
  Request request;
  request.body = sent.body;
  request.headers = {sent.headers.begin(), sent.headers.end()};
  const std::string mark = "# content-type: ";
  if (parts[0].starts_with(mark))
    request.content_type = parts[0].substr(mark.size(), parts[0].find('\n') - mark.size());
  const auto verdict = made.source->admit(request.view(), now);
  ASSERT_TRUE(verdict.accepted) << verdict.rejected->message;
  check_golden(GetParam(), parts, made.source->decode(stored(verdict.accepted->body, verdict.accepted->content_type)));
}

INSTANTIATE_TEST_SUITE_P(Files, LivechatGolden, ::testing::ValuesIn(golden_files("livechat")), golden_case_name);
INSTANTIATE_TEST_SUITE_P(Files, RocketchatGolden, ::testing::ValuesIn(golden_files("rocketchat")), golden_case_name);
INSTANTIATE_TEST_SUITE_P(Files, GenericGolden, ::testing::ValuesIn(golden_files("generic")), golden_case_name);

}  // namespace
}  // namespace chatrelay::testing
