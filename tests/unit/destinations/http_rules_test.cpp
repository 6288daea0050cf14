#include "destinations/connector/http_rules.hpp"

#include <string>

#include <gtest/gtest.h>

using namespace chatrelay::destinations::connector;
using namespace std::string_literals;

TEST(HttpRules, OrdinaryHeadersPass) {
  EXPECT_TRUE(check_header("X-Chat", "a value, with ü and \t tab"));
  EXPECT_TRUE(check_header("authorization", "Bearer x"));
  EXPECT_TRUE(check_header("content-type", ""));
}

TEST(HttpRules, ValuesThatWouldAddAHeaderAreRefused) {
  for (const std::string& value : {"a\r\nX: y"s, "a\nb"s, "a\rb"s, "a\0b"s, "\x01"s, "\x7f"s, "a\vb"s}) {
    EXPECT_FALSE(check_header("X-Chat", value));
  }
}

TEST(HttpRules, NamesThatAreNoTokensAreRefused) {
  for (const std::string& name : {""s, "a b"s, "a:b"s, "a\r\n"s, "ü"s, "a\0"s, "(x)"s})
    EXPECT_FALSE(check_header(name, "v"));
}

TEST(HttpRules, FramingAndSignatureBelongToTheEngine) {
  for (const char* name :
       {"Host", "content-length", "Transfer-Encoding", "Connection", "TE", "Webhook-Id", "webhook-signature"}) {
    EXPECT_FALSE(check_header(name, "v")) << name;
  }
}

TEST(HttpRules, MethodsAreAClosedList) {
  EXPECT_TRUE(is_method("PATCH"));
  for (const char* method : {"post", "", "CONNECT", "TRACE", "GET /x HTTP/1.1\r\n"})
    EXPECT_FALSE(is_method(method)) << method;
}
