#include "config/origins.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.hpp"

namespace chatrelay::config {
namespace {

struct Read {
  std::vector<std::string> origins;
  std::string problems;
};

Read read(const std::string& list, bool star) {
  Problems problems;
  const Node document = Document::parse("origins: " + list + "\n", "a.yaml", problems, Environment::process());
  Read out;
  out.origins = read_origins(document["origins"], star);
  out.problems = problems.to_string();
  return out;
}

}  // namespace

TEST(Origins, are_what_browsers_send_in_lower_case) {
  const Read got = read(
      "[\"https://Shop.Example\", \"http://127.0.0.1:8000\", \"https://[::1]:8443\", "
      "\"capacitor://localhost\"]",
      false);
  EXPECT_THAT(got.origins, testing::ElementsAre("https://shop.example", "http://127.0.0.1:8000", "https://[::1]:8443",
                                                "capacitor://localhost"));
  EXPECT_EQ(got.problems, "");
}

TEST(Origins, a_star_is_one_where_everybody_may_call) {
  EXPECT_THAT(read("[\"*\"]", true).origins, testing::ElementsAre("*"));
  EXPECT_THAT(read("[\"*\"]", false).problems, testing::HasSubstr("would let every website write here"));
  EXPECT_TRUE(read("[\"*\"]", false).origins.empty());
}

TEST(Origins, say_what_no_browser_would_send) {
  for (const char* wrong :
       {"shop.example", "https://", "https://shop.example/", "https://*.shop.example", "://x", "ht tp://x", "null"})
    EXPECT_THAT(read(std::string("[\"") + wrong + "\"]", true).problems, testing::HasSubstr("it must be an origin"))
        << wrong;
  EXPECT_THAT(read("[\"https://shop.example:443\"]", true).problems, testing::HasSubstr("leave it out"));
  EXPECT_THAT(read("[\"https://b\u00fccher.example\"]", true).problems, testing::HasSubstr("xn--"));
}

}  // namespace chatrelay::config
