// Golden cases of Livechatoo: tests/golden/livechatoo/*.txt. A call of the bridge, a line of dashes, the event that it
// becomes (null and empty members left out, raw apart). With CHATRELAY_GOLDEN_UPDATE=1 in the environment the expected
// part is written, to be read by a person before it is committed.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "systems/livechatoo/livechatoo_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

namespace fs = std::filesystem;

const std::string dashes = "\n----------\n";

std::vector<std::string> livechatoo_files() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(std::string(CHATRELAY_TESTS_DIR) + "/golden/livechatoo"))
    if (entry.path().extension() == ".txt") out.push_back(entry.path().string());
  std::sort(out.begin(), out.end());
  return out;
}

// One member a line: what a person reads.
std::string printed(const json::value& event) {
  std::string out = "[{";
  bool first = true;
  for (const auto& member : event.get_object()) {
    out += std::string(first ? "\n" : ",\n") + "  " + json::serialize(json::value(member.key())) + ": " +
           json::serialize(member.value());
    first = false;
  }
  return out + "\n}]\n";
}

class LivechatooGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(LivechatooGolden, BecomesItsEvent) {
  const std::string text = read_text(GetParam());
  const std::size_t at = text.find(dashes);
  ASSERT_NE(at, std::string::npos);
  auto made =
      make_source(systems::livechatoo_kind(), "system: livechatoo\naccount: shop\norigins: [\"https://shop.example\"]");
  ASSERT_TRUE(made.source) << made.problems;
  const Request request{text.substr(0, at), "", "text/plain;charset=UTF-8", {{"origin", "https://shop.example"}}};
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

  const json::value got = described(events[0]);
  if (std::getenv("CHATRELAY_GOLDEN_UPDATE")) {
    std::ofstream(GetParam(), std::ios::binary) << text.substr(0, at) << dashes << printed(got);
    return;
  }
  const auto expected = parse_json(text.substr(at + dashes.size()));
  ASSERT_TRUE(expected.has_value()) << "the expected part is not JSON";
  EXPECT_EQ(json::serialize(*expected), json::serialize(json::array{got})) << printed(got);
}

std::string case_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = fs::path(info.param).stem().string();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, LivechatooGolden, ::testing::ValuesIn(livechatoo_files()), case_name);

}  // namespace
}  // namespace chatrelay::testing
