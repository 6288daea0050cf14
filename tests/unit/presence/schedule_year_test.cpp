// A year of random schedules in many zones, against what schedule_year.py works out with Python's zoneinfo.
#include <array>
#include <cstdio>
#include <memory>

#include "common/json.hpp"
#include "unit/presence/support.hpp"

namespace chatrelay::presence {
namespace {

std::vector<json::value> cases_of_python() {
  std::vector<json::value> cases;
  const std::string command = "python3 '" CHATRELAY_TESTS_DIR "/unit/presence/schedule_year.py'";
  FILE* pipe = ::popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  if (!pipe) return cases;
  std::string output;
  std::array<char, 65536> bytes;
  for (std::size_t count = 0; (count = ::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;)
    output.append(bytes.data(), count);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  for (std::size_t begin = 0, end = 0; (end = output.find('\n', begin)) != output.npos; begin = end + 1)
    cases.push_back(json::parse(std::string_view(output).substr(begin, end - begin)));
  return cases;
}

WallTime ms(const json::value& value) {
  return from_ms(value.to_number<long long>());
}

std::string state(bool open) {
  return open ? "open" : "shut";
}

// Walks from change to change, as the Board does.
void compare_changes(const Schedule& schedule, const json::object& expected) {
  WallTime now = ms(expected.at("begin_ms"));
  bool open = expected.at("open_at_begin").as_bool();
  ASSERT_EQ(state(schedule.is_open(now)), state(open)) << format_rfc3339(now);
  for (const json::value& change : expected.at("changes_ms").as_array()) {
    const auto next = schedule.next_change(now);
    ASSERT_TRUE(next) << format_rfc3339(now);
    ASSERT_EQ(format_rfc3339(*next), format_rfc3339(ms(change)));
    open = !open;
    ASSERT_EQ(state(schedule.is_open(*next)), state(open)) << format_rfc3339(*next);
    ASSERT_EQ(state(schedule.is_open(*next - Millis{1})), state(!open)) << format_rfc3339(*next);
    now = *next;
  }
  const auto next = schedule.next_change(now);
  EXPECT_TRUE(!next || *next > ms(expected.at("end_ms"))) << format_rfc3339(*next);
}

TEST(ScheduleYear, IsAsPythonWorksItOut) {
  const std::vector<json::value> cases = cases_of_python();
  EXPECT_GE(cases.size(), 50u);
  std::size_t changes = 0;
  for (const json::value& one : cases) {
    const json::object& expected = one.as_object();
    SCOPED_TRACE(std::string(expected.at("name").as_string()));
    const std::string yaml(expected.at("yaml").as_string());
    const Schedule schedule =
        test::schedule_of("time_zone: " + std::string(expected.at("zone").as_string()) + "\n" + yaml);
    compare_changes(schedule, expected);
    for (const json::value& sample : expected.at("samples").as_array()) {
      const WallTime at = ms(sample.as_array().at(0));
      ASSERT_EQ(state(schedule.is_open(at)), state(sample.as_array().at(1).as_bool())) << format_rfc3339(at) << yaml;
    }
    if (testing::Test::HasFailure()) return;
    changes += expected.at("changes_ms").as_array().size();
  }
  EXPECT_GT(changes, 10'000u);
}

}  // namespace
}  // namespace chatrelay::presence
