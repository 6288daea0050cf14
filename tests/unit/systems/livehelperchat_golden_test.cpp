// Golden cases of livehelperchat: tests/golden/livehelperchat/*.txt. The source's keys (a first line may be
// "# content-type: …"), a line of dashes, the body that Live Helper Chat's template became, a line of dashes, the
// events (null and empty members left out, raw apart). With CHATRELAY_GOLDEN_UPDATE=1 the expected part is written, to
// be read by a person before it is committed.
#include "golden_files.hpp"
#include "systems/livehelperchat/livehelperchat_source.hpp"

namespace chatrelay::testing {
namespace {

const std::string secret = "example-secret-0123";
// The chat's hash, the visitor's vid and a password's hash of the recorded bodies.
const char* const credentials[] = {"4f52728f48b0c192d22f8fe7b7c4be4bab9ae430", "8bcyn2z5nguhpc5orks4", "$2y$10$abcdef"};

class LivehelperchatGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(LivehelperchatGolden, BecomesItsEvent) {
  const std::vector<std::string> parts = golden_sections(read_text(GetParam()));
  ASSERT_EQ(parts.size(), 3u);
  auto made =
      make_source(systems::livehelperchat_kind(), "system: livehelperchat\nsecrets: [" + secret + "]\n" + parts[0]);
  ASSERT_TRUE(made.source) << made.problems;
  Request request;
  request.body = parts[1];
  request.path_secret = secret;
  const std::string mark = "# content-type: ";
  if (parts[0].starts_with(mark))
    request.content_type = parts[0].substr(mark.size(), parts[0].find('\n') - mark.size());

  const auto verdict = made.source->admit(request.view(), now);
  ASSERT_TRUE(verdict.accepted) << verdict.rejected->status;
  EXPECT_EQ(verdict.accepted->status, 200);
  EXPECT_EQ(verdict.accepted->answer, "") << "the answer would be posted into the chat";
  for (const char* credential : credentials)
    EXPECT_EQ(verdict.accepted->body.find(credential), std::string::npos) << credential;
  ASSERT_TRUE(verdict.accepted->keep);

  const auto events = made.source->decode(stored(verdict.accepted->body, verdict.accepted->content_type));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].ref, (EventRef{7, 0}));
  EXPECT_EQ(events[0].system, "livehelperchat");
  EXPECT_EQ(events[0].received_at, now);
  const auto raw = parse_json(verdict.accepted->body);
  if (raw.has_value()) {
    EXPECT_EQ(events[0].raw, *raw);
  }
  check_golden(GetParam(), parts, events);
}

INSTANTIATE_TEST_SUITE_P(Files, LivehelperchatGolden, ::testing::ValuesIn(golden_files("livehelperchat")),
                         golden_case_name);

}  // namespace
}  // namespace chatrelay::testing
