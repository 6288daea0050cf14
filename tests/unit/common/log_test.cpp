#include "common/log.hpp"

#include <algorithm>
#include <regex>
#include <thread>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "common/clock.hpp"

namespace chatrelay {
namespace {

class Log : public testing::Test {
 protected:
  void TearDown() override { log::configure(log::Level::info, log::Format::text); }
  template <class Write>
  static std::string captured(Write write) {
    testing::internal::CaptureStderr();
    write();
    return testing::internal::GetCapturedStderr();
  }
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_F(Log, TextLineHasTimeLevelMessageAndFields) {
  const std::string line = captured([] {
    log::info("listening", {{"public", "127.0.0.1:8080"}, {"admin", "127.0.0.1:8081"}});
  });
  EXPECT_TRUE(std::regex_match(
      line,
      std::regex(
          R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info  listening public=127\.0\.0\.1:8080 admin=127\.0\.0\.1:8081\n)")))
      << line;
}

TEST_F(Log, LevelsLineUp) {
  log::configure(log::Level::debug, log::Format::text);
  const std::string text = captured([] {
    log::debug("m");
    log::info("m");
    log::warn("m");
    log::error("m");
  });
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].substr(24), " debug m");
  EXPECT_EQ(lines[1].substr(24), " info  m");
  EXPECT_EQ(lines[2].substr(24), " warn  m");
  EXPECT_EQ(lines[3].substr(24), " error m");
}

TEST_F(Log, WritesOnlyFromItsLevelOn) {
  log::configure(log::Level::warn, log::Format::text);
  EXPECT_FALSE(log::enabled(log::Level::info));
  EXPECT_TRUE(log::enabled(log::Level::error));
  EXPECT_EQ(captured([] {
              log::debug("m");
              log::info("m");
            }),
            "");
  EXPECT_NE(captured([] { log::error("m"); }), "");
}

TEST_F(Log, QuotesWhatIsNotOneWord) {
  const std::string line = captured([] {
    log::info(
        "m",
        {{"plain", "a-b.c"}, {"space", "a b"}, {"quote", "a\"b"}, {"empty", ""}, {"equals", "a=b"}, {"back", "a\\b"}});
  });
  EXPECT_NE(line.find(R"( plain=a-b.c space="a b" quote="a\"b" empty="" equals="a=b" back="a\\b")"), std::string::npos)
      << line;
}

TEST_F(Log, WritesEveryKindOfValue) {
  const std::string line = captured([] {
    log::info("m", {{"i", 5},
                    {"n", -7},
                    {"u", std::size_t{18446744073709551615u}},
                    {"d", 1.5},
                    {"t", true},
                    {"z", nullptr},
                    {"a", boost::json::array{1, "x y"}},
                    {"o", boost::json::value{{"k", "v"}}}});
  });
  EXPECT_NE(line.find(R"( i=5 n=-7 u=18446744073709551615 d=1.5 t=true z=null a=[1,"x y"] o={"k":"v"})"),
            std::string::npos)
      << line;
}

// A stranger's text must not be able to make a line, move the cursor or turn the reading direction.
TEST_F(Log, ControlCharactersAreNeverRaw) {
  const std::string evil =
      "a\n2026-01-01T00:00:00.000Z error forged\r\x1B[2J\x07\x7F\xC2\x9B"
      "31m\u2028\u202E\xFF";
  for (const log::Format format : {log::Format::text, log::Format::json}) {
    log::configure(log::Level::info, format);
    const std::string text = captured([&] {
      log::info(evil, {{"field", evil}, {evil, 1}, {"nested", boost::json::array{evil}}});
    });
    ASSERT_FALSE(text.empty());
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    for (const std::string raw : {"\r", "\x1B", "\x07", "\x7F", "\xC2\x9B", "\u2028", "\u202E", "\xFF"})
      EXPECT_EQ(text.find(raw), std::string::npos) << text;
  }
}

TEST_F(Log, JsonLineIsOneObject) {
  log::configure(log::Level::info, log::Format::json);
  const std::string line = captured([] {
    log::warn("it \"quotes\"\n", {{"key", "va lue"}, {"n", 5}, {"o", boost::json::value{{"k", 1}}}});
  });
  ASSERT_EQ(line.back(), '\n');
  const boost::json::object object = boost::json::parse(line.substr(0, line.size() - 1)).as_object();
  EXPECT_TRUE(parse_rfc3339(object.at("ts").as_string()));
  EXPECT_EQ(object.at("level"), "warn");
  EXPECT_EQ(object.at("msg"), "it \"quotes\"\n");
  EXPECT_EQ(object.at("key"), "va lue");
  EXPECT_EQ(object.at("n"), 5);
  EXPECT_EQ(object.at("o"), (boost::json::value{{"k", 1}}));
}

TEST_F(Log, JsonLineStaysJsonWithAnyBytes) {
  log::configure(log::Level::info, log::Format::json);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  const std::string line = captured([&] { log::info(all, {{"all", all}, {"nan", 0.0 / 0.0}}); });
  boost::system::error_code ec;
  boost::json::parse(line.substr(0, line.size() - 1), ec);
  EXPECT_FALSE(ec) << line;
}

TEST_F(Log, BoundsALine) {
  const std::string line = captured([] { log::info("m", {{"long", std::string(1'000'000, 'x')}}); });
  EXPECT_LT(line.size(), 20'000u);
}

TEST_F(Log, LinesOfManyThreadsStayWhole) {
  const std::string text = captured([] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i) log::info("message", {{"key", std::string(200, 'k')}});
      });
    for (auto& thread : threads) thread.join();
    log::flush();
  });
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 400u);
  for (const std::string& line : lines) EXPECT_EQ(line.substr(24), " info  message key=" + std::string(200, 'k'));
}

}  // namespace
}  // namespace chatrelay
