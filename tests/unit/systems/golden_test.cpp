// Golden cases: tests/golden/<system>/*.txt. A request, a line of dashes, the events it becomes (null and empty members
// left out, raw apart). For generic, the source's YAML comes first. A new case is a new file; with
// CHATRELAY_GOLDEN_UPDATE=1 in the environment the expected part is written, to be read by a person before it is
// committed.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "systems/generic/generic_source.hpp"
#include "systems/livechat/livechat_source.hpp"
#include "systems/rocketchat/rocketchat_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

namespace fs = std::filesystem;

const std::string dashes = "\n----------\n";

std::vector<std::string> golden_files(const std::string& system) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(std::string(CHATRELAY_TESTS_DIR) + "/golden/" + system))
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

void print(const json::value& value, std::string& out, const std::string& indent = "") {
  const auto short_text = [](const json::value& v) { return json::serialize(v).size() <= 100; };
  if ((value.is_object() || value.is_array()) && !short_text(value)) {
    const bool object = value.is_object();
    out += object ? "{" : "[";
    bool first = true;
    const auto next = [&] {
      out += (first ? "\n" : ",\n") + indent + "  ";
      first = false;
    };
    if (object)
      for (const auto& member : value.get_object()) {
        next();
        out += json::serialize(json::value(member.key())) + ": ";
        print(member.value(), out, indent + "  ");
      }
    else
      for (const json::value& entry : value.get_array()) {
        next();
        print(entry, out, indent + "  ");
      }
    out += "\n" + indent + (object ? "}" : "]");
    return;
  }
  out += json::serialize(value);
}

void check(const std::string& file, const std::vector<std::string>& parts, const std::vector<Event>& events) {
  json::array got;
  for (const Event& event : events) got.push_back(described(event));
  std::string text;
  print(got, text);
  if (std::getenv("CHATRELAY_GOLDEN_UPDATE")) {
    std::string whole;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) whole += parts[i] + dashes;
    std::ofstream(file, std::ios::binary) << whole << text << "\n";
    return;
  }
  const auto expected = parse_json(parts.back());
  ASSERT_TRUE(expected.has_value()) << file << ": the expected part is not JSON";
  EXPECT_EQ(json::serialize(*expected), json::serialize(got)) << file << "\ngot:\n" << text;
}

class LivechatGolden : public ::testing::TestWithParam<std::string> {};
class RocketchatGolden : public ::testing::TestWithParam<std::string> {};
class GenericGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(LivechatGolden, BecomesItsEvents) {
  const std::vector<std::string> parts = sections(read_text(GetParam()));
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
  check(GetParam(), parts, events);
}

TEST_P(RocketchatGolden, BecomesItsEvent) {
  const std::vector<std::string> parts = sections(read_text(GetParam()));
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
  check(GetParam(), parts, events);
}

TEST_P(GenericGolden, BecomesItsEvents) {
  const std::vector<std::string> parts = sections(read_text(GetParam()));
  ASSERT_EQ(parts.size(), 3u);
  auto made = make_source(systems::generic_kind(), parts[0]);
  ASSERT_TRUE(made.source) << made.problems;
  Request request;
  request.body = parts[1];
  const std::string mark = "# content-type: ";
  if (parts[0].starts_with(mark))
    request.content_type = parts[0].substr(mark.size(), parts[0].find('\n') - mark.size());
  const auto verdict = made.source->admit(request.view(), now);
  ASSERT_TRUE(verdict.accepted) << verdict.rejected->message;
  check(GetParam(), parts, made.source->decode(stored(verdict.accepted->body, verdict.accepted->content_type)));
}

std::string case_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = fs::path(info.param).stem().string();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, LivechatGolden, ::testing::ValuesIn(golden_files("livechat")), case_name);
INSTANTIATE_TEST_SUITE_P(Files, RocketchatGolden, ::testing::ValuesIn(golden_files("rocketchat")), case_name);
INSTANTIATE_TEST_SUITE_P(Files, GenericGolden, ::testing::ValuesIn(golden_files("generic")), case_name);

}  // namespace
}  // namespace chatrelay::testing
