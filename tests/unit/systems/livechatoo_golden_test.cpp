// Golden cases of Livechatoo: tests/golden/livechatoo/*.txt. A call of the bridge, a line of dashes, the event that it
// becomes (null and empty members left out, raw apart). With CHATRELAY_GOLDEN_UPDATE=1 in the environment the expected
// part is written, to be read by a person before it is committed.
#include "golden_files.hpp"
#include "systems/livechatoo/livechatoo_source.hpp"

namespace chatrelay::testing {
namespace {

class LivechatooGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(LivechatooGolden, BecomesItsEvent) {
  const std::vector<std::string> parts = golden_sections(read_text(GetParam()));
  ASSERT_EQ(parts.size(), 2u);
  auto made =
      make_source(systems::livechatoo_kind(), "system: livechatoo\naccount: shop\norigins: [\"https://shop.example\"]");
  ASSERT_TRUE(made.source) << made.problems;
  const Request request{parts[0], "", "text/plain;charset=UTF-8", {{"origin", "https://shop.example"}}};
  const auto verdict = made.source->admit(request.view(), now);
  ASSERT_TRUE(verdict.accepted) << verdict.rejected->message;
  for (const char* gone : {"PHPSESSID", "\"custom\""})
    EXPECT_EQ(verdict.accepted->body.find(gone), std::string::npos) << gone;

  const std::vector<Event> events = made.source->decode(stored(verdict.accepted->body));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].ref, (EventRef{7, 0}));
  EXPECT_EQ(events[0].system, "livechatoo");
  if (events[0].type == event_type::invalid_payload)
    EXPECT_EQ(events[0].raw, json::value(repair_utf8(verdict.accepted->body)));
  else
    EXPECT_EQ(events[0].raw, *parse_json(verdict.accepted->body));
  // What is for operators stands with the chat alone: a visitor's fields and messages may be shown to the visitor.
  const json::value shown = to_json(events[0], {});
  for (const char* key : {"visitor", "message", "activity"})
    EXPECT_EQ(json::serialize(shown.at(key)).find("who buys a lot"), std::string::npos) << key;

  check_golden(GetParam(), parts, events);
}

INSTANTIATE_TEST_SUITE_P(Files, LivechatooGolden, ::testing::ValuesIn(golden_files("livechatoo")), golden_case_name);

}  // namespace
}  // namespace chatrelay::testing
