#include <gtest/gtest.h>

#include "http/router.hpp"
#include "http/target.hpp"
#include "http/url.hpp"
#include "support.hpp"

namespace chatrelay::http {
namespace {

TEST(Url, PercentDecodingTakesOnlyWholeEscapes) {
  EXPECT_EQ(percent_decode("a%20b%2Fc+d"), "a b/c+d");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_decode("%00").value().size(), 1u);
  for (const char* bad : {"%", "%1", "a%zz", "%%20", "%2"}) EXPECT_FALSE(percent_decode(bad)) << bad;
}

TEST(Url, QueriesKeepOrderRepeatsAndEmptyValues) {
  const auto parsed = parse_query("a=1&b=x%26y&&a=2&flag&e=&p=a%3Db=c");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->get("a"), "1");
  EXPECT_EQ(parsed->all("a").size(), 2u);
  EXPECT_EQ(parsed->get("b"), "x&y");
  EXPECT_TRUE(parsed->has("flag"));
  EXPECT_EQ(parsed->get("e", "otherwise"), "");
  EXPECT_EQ(parsed->get("p"), "a=b=c");
  EXPECT_EQ(parsed->get("none", "otherwise"), "otherwise");
  EXPECT_TRUE(parse_query("a=%zz").has_error());
  EXPECT_TRUE(parse_query("a&b&c", 3).has_value());
  const auto over = parse_query("a&b&c&d", 3);
  ASSERT_TRUE(over.has_error());
  EXPECT_EQ(over.error().kind, ErrorKind::too_large);
}

TEST(Url, HostsInOddFormsAreTheAddressesTheyMean) {
  struct Row {
    const char* url;
    const char* address;
  };
  for (const auto& row : {Row{"http://2130706433/", "127.0.0.1"}, Row{"http://0x7f.1/", "127.0.0.1"},
                          Row{"http://0177.0.0.1/", "127.0.0.1"}, Row{"http://0x7f000001:80/", "127.0.0.1"},
                          Row{"http://127.1/", "127.0.0.1"}, Row{"http://0/", "0.0.0.0"}, Row{"http://[::1]/", "::1"},
                          Row{"http://[::ffff:127.0.0.1]/", "127.0.0.1"}, Row{"http://[::]:8080/x", "::"},
                          Row{"http://%31%32%37.0.0.1/", "127.0.0.1"}, Row{"http://user@127.0.0.1/", "127.0.0.1"}}) {
    const auto target = parse_target(row.url, {"http"});
    ASSERT_TRUE(target.has_value()) << row.url << target.error().message;
    ASSERT_TRUE(target->literal) << row.url;
    EXPECT_EQ(target->literal->to_string(), row.address) << row.url;
    EXPECT_TRUE(is_private_address(*target->literal)) << row.url;
  }
  for (const char* bad :
       {"ftp://a/", "file:///etc/passwd", "http://", "http://a b/", "http://a\r\nb/", "gopher://x/", "x", ""}) {
    EXPECT_TRUE(parse_target(bad, {"http", "https"}).has_error()) << bad;
  }
}

TEST(Url, OnlyAllowedAddressesAreLeft) {
  const auto mixed = allowed_addresses({"127.0.0.1", "8.8.8.8", "fe80::1%eth0", "2606:4700::1", "nonsense"}, false);
  EXPECT_EQ(mixed.addresses, (std::vector<std::string>{"8.8.8.8", "2606:4700::1"}));
  EXPECT_FALSE(mixed.refused);
  EXPECT_TRUE(allowed_addresses({"127.0.0.1", "::1"}, false).refused);
  EXPECT_EQ(allowed_addresses({"127.0.0.1", "::1"}, true).addresses.size(), 2u);
  EXPECT_FALSE(allowed_addresses({}, false).refused);
  const auto target = parse_target("http://Name.Example:8080/x", {"http"});
  ASSERT_TRUE(target.has_value());
  EXPECT_STREQ(resolve_list(*target, {"8.8.8.8", "2606:4700::1"})->data, "+name.example:8080:8.8.8.8,[2606:4700::1]");
}

class Routing : public testing::Test {
 protected:
  Routing() {
    const auto answer = [](std::string name) {
      return [name](Request&, const Captures& captures) -> boost::asio::awaitable<Response> {
        co_return Response(200, name + "|" + captures["id"] + "|" + captures["rest"]);
      };
    };
    router.add("GET", "/things/{id}", answer("one"));
    router.add("DELETE", "/things/{id}", answer("delete"));
    router.add("GET", "/things/new", answer("new"));
    router.add("POST", "/things/{id}/retry", answer("retry"));
    router.add("GET", "/files/{rest*}", answer("files"));
    router.add("GET", "/", answer("root"));
  }
  Response ask(std::string_view method, std::string_view target) {
    Request request;
    request.message.method_string(beast::string_view(method.data(), method.size()));
    request.message.target(beast::string_view(target.data(), target.size()));
    auto work = router.handle(request);
    return loop.run(std::move(work));
  }
  Router router;
  test::Loop loop;
};

TEST_F(Routing, MethodAndPathChooseTheHandler) {
  EXPECT_EQ(ask("GET", "/things/a%2Fb%20c?x=1").body, "one|a/b c|");
  EXPECT_EQ(ask("DELETE", "/things/7").body, "delete|7|");
  EXPECT_EQ(ask("POST", "/things/7/retry").body, "retry|7|");
  EXPECT_EQ(ask("GET", "/files/a/b%20c").body, "files||a/b c");
  EXPECT_EQ(ask("GET", "/").body, "root||");
  EXPECT_EQ(ask("GET", "http://host/things/9?q").body, "one|9|");
  EXPECT_EQ(ask("HEAD", "/things/9").status, 200);
}

TEST_F(Routing, LiteralsWinOverCaptures) {
  EXPECT_EQ(ask("GET", "/things/new").body, "new||");
}

TEST_F(Routing, WhatIsNotThereIs404AndWrongMethodIs405WithAllow) {
  for (const char* path : {"/other", "/things", "/things/", "/things/7/", "/things/7/x", "//things/7"}) {
    EXPECT_EQ(ask("GET", path).status, 404) << path;
  }
  const auto refused = ask("PUT", "/things/7");
  EXPECT_EQ(refused.status, 405);
  ASSERT_EQ(refused.headers.size(), 1u);
  EXPECT_EQ(refused.headers[0].second, "DELETE, GET, HEAD");
  EXPECT_EQ(ask("GET", "/things/%zz").status, 400);
  EXPECT_EQ(ask("GET", "/things/%00").status, 400);
}

}  // namespace
}  // namespace chatrelay::http
