// Golden cases of livehelperchat: tests/golden/livehelperchat/*.txt. The source's keys (a first line may be
// "# content-type: …"), a line of dashes, the body that Live Helper Chat's template became, a line of dashes, the
// events (null and empty members left out, raw apart). With CHATRELAY_GOLDEN_UPDATE=1 the expected part is written, to
// be read by a person before it is committed.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "systems/livehelperchat/livehelperchat_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

namespace fs = std::filesystem;

const std::string dashes = "\n----------\n";
const std::string secret = "example-secret-0123";
// The chat's hash, the visitor's vid and a password's hash of the recorded bodies.
const char* const credentials[] = {"4f52728f48b0c192d22f8fe7b7c4be4bab9ae430", "8bcyn2z5nguhpc5orks4", "$2y$10$abcdef"};

std::vector<std::string> golden_files() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(std::string(CHATRELAY_TESTS_DIR) + "/golden/livehelperchat"))
    if (entry.path().extension() == ".txt") out.push_back(entry.path().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> sections(const std::string& text) {
  std::vector<std::string> out;
  std::size_t from = 0;
  for (std::size_t at = text.find(dashes); at != std::string::npos; at = text.find(dashes, from)) {
    out.push_back(text.substr(from, at - from));
    from = at + dashes.size();
  }
  out.push_back(text.substr(from));
  return out;
}

// One line for each member of the event: enough to read a difference.
std::string printed(const json::array& events) {
  std::string out = "[";
  for (const json::value& event : events) {
    out += out.size() > 1 ? ",\n{" : "{";
    bool first = true;
    for (const auto& member : event.as_object()) {
      out += (first ? "\n  " : ",\n  ") + json::serialize(json::value(member.key())) + ": ";
      out += json::serialize(member.value());
      first = false;
    }
    out += "\n}";
  }
  return out + "]\n";
}

class LivehelperchatGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(LivehelperchatGolden, BecomesItsEvent) {
  const std::vector<std::string> parts = sections(read_text(GetParam()));
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
  json::array got;
  for (const Event& event : events) got.push_back(described(event));
  if (std::getenv("CHATRELAY_GOLDEN_UPDATE")) {
    std::ofstream(GetParam(), std::ios::binary) << parts[0] << dashes << parts[1] << dashes << printed(got);
    return;
  }
  const auto expected = parse_json(parts.back());
  ASSERT_TRUE(expected.has_value()) << "the expected part is not JSON";
  EXPECT_EQ(json::serialize(*expected), json::serialize(got)) << "got:\n" << printed(got);
}

std::string case_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = fs::path(info.param).stem().string();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, LivehelperchatGolden, ::testing::ValuesIn(golden_files()), case_name);

}  // namespace
}  // namespace chatrelay::testing
