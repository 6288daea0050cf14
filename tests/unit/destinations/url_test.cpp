#include "destinations/connector/url.hpp"

#include <gtest/gtest.h>

#include "common/secret.hpp"

using namespace chatrelay::destinations::connector;

TEST(Url, OnlyHttpWithAHostPasses) {
  for (const char* url :
       {"https://example.com", "http://[::1]:8080/in?x=1", "https://example.com:8443/a/b?c=d", "HTTP://EXAMPLE.com/"}) {
    EXPECT_TRUE(check_url(url)) << url;
  }
  for (const char* url :
       {"", "example.com", "/in", "ftp://example.com", "file:///etc/passwd", "https://", "https:///x", "https://a b/",
        "https://user:pw@example.com/", "https://user@example.com/", "https://example.com/#x", "javascript:alert(1)",
        "https://example.com/\r\nX: y", "https://example.com:0/"}) {
    EXPECT_FALSE(check_url(url)) << url;
  }
}

TEST(Url, PathsThatClimbAreRefused) {
  for (const char* url : {"https://example.com/contacts/../notes", "https://example.com/contacts/%2e%2E/notes",
                          "https://example.com/a/..", "https://example.com/a/./b",
                          "https://example.com/a/x%2F..%2F..%2Fb", "https://example.com/a/..%5Cb"}) {
    EXPECT_FALSE(check_url(url)) << url;
  }
  for (const char* url : {"https://example.com/a/...", "https://example.com/a..b/.c/d.",
                          "https://example.com/a?x=../..", "https://example.com/a/b%2Fc", "https://example.com//a/"}) {
    EXPECT_TRUE(check_url(url)) << url;
  }
}

TEST(Url, CredentialsAreRefusedWithAHintAndNotRepeated) {
  const auto checked = check_url("https://user:geheim@example.com/");
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find("authorization"), std::string::npos);
  EXPECT_EQ(checked.error().message.find("geheim"), std::string::npos);
}

TEST(Url, WhatIsShownHasNeitherPathNorQuery) {
  EXPECT_EQ(shown_url("https://hooks.example.com:8443/services/T000/B000/XXXX?token=abc"),
            "https://hooks.example.com:8443/…");
  EXPECT_EQ(shown_url("nonsense"), "(not a URL)");
  EXPECT_EQ(shown_origin("https://www.example.com/in?token=x"), "https://www.example.com");
  EXPECT_EQ(shown_origin("/in"), "");
  EXPECT_EQ(shown_origin("javascript:alert(1)"), "");
}

TEST(Url, QueryValuesAreEncodedAndTheUrlsOwnQueryStays) {
  const auto url =
      with_query("https://example.com/in?tenant=7&x=a%20b", {{"q", "a b&c=d+e#f/ü?\r\n%41"}, {"k&y", "1"}});
  ASSERT_TRUE(url);
  EXPECT_EQ(*url, "https://example.com/in?tenant=7&x=a%20b&q=a%20b%26c%3Dd%2Be%23f%2F%C3%BC%3F%0D%0A%2541&k%26y=1");
}

TEST(Url, WithoutValuesTheUrlIsUntouched) {
  EXPECT_EQ(*with_query("https://example.com/in?", {}), "https://example.com/in?");
}

TEST(Url, PathsAreTakenUnderTheBase) {
  EXPECT_EQ(joined_url("https://slack.com/api/", "/chat.postMessage"), "https://slack.com/api/chat.postMessage");
  EXPECT_EQ(joined_url("https://slack.com/api", "https://other.example/x"), "https://other.example/x");
  EXPECT_EQ(joined_url("", "/x"), "/x");
}

TEST(Url, LongPartsOfAHooksUrlAreSecretsForTheRedactor) {
  register_url_secrets(
      "https://hooks.example.com/services/aVeryLongTokenInThePath0123456789?key=anotherLongTokenInTheQuery4711");
  const std::string safe =
      chatrelay::redactor::redact("at services aVeryLongTokenInThePath0123456789 anotherLongTokenInTheQuery4711");
  EXPECT_EQ(safe.find("aVeryLongToken"), std::string::npos);
  EXPECT_EQ(safe.find("anotherLongToken"), std::string::npos);
  EXPECT_NE(safe.find("services"), std::string::npos);
}
