#include <cstdlib>
#include <ctime>
#include <sstream>

#include <gmock/gmock.h>

#include "admin/cli/http_call.hpp"
#include "admin/cli/sink_view.hpp"
#include "admin/cli/text.hpp"
#include "common/json.hpp"
#include "common/standard_webhooks.hpp"

namespace chatrelay::admin::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Text, a_problem_says_its_place_and_whether_it_is_a_warning) {
  const auto line = [](std::string_view text) { return problem_line(json::parse(text)); };
  EXPECT_EQ(line(R"({"file":"a.yaml","line":3,"message":"is wrong","warning":false})"), "a.yaml:3: is wrong");
  EXPECT_EQ(line(R"({"file":"a.yaml","line":0,"message":"was changed","warning":true})"),
            "a.yaml: warning: was changed");
}

TEST(Text, width_counts_columns_and_not_bytes) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("Zoë"), 3u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("e\xcc\x81"), 1u);  // a combining accent
  EXPECT_EQ(display_width(""), 0u);
}

TEST(Text, a_cut_never_splits_a_character_and_never_exceeds_the_width) {
  const std::string text = "日本語とZoë and more";
  for (std::size_t columns = 0; columns < 20; ++columns) {
    const std::string cut = cut_to_width(text, columns);
    EXPECT_LE(display_width(cut), columns);
    EXPECT_EQ(clean(cut), cut);
  }
  EXPECT_EQ(cut_to_width("short", 10), "short");
  EXPECT_EQ(cut_to_width("longer", 4), "lon…");
}

TEST(Text, only_line_breaks_survive_in_a_text_of_several_lines) {
  EXPECT_EQ(clean_lines("a\nb\r\nc"), "a\nb\nc");
  EXPECT_THAT(clean_lines("a\x1b[2J\nb\rc"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(clean_lines("b\rc"), Not(HasSubstr("\r")));
}

TEST(Text, json_for_people_is_the_same_json_without_anything_a_terminal_obeys) {
  const json::value value = json::object{
      {"k\x1b\xc2\x9b", json::array{"\xe2\x80\xae\x7f", 1, nullptr, json::object{}, json::array{}}}, {"empty", ""}};
  for (const std::string& text : {pretty_json(value), compact_json(value)}) {
    EXPECT_EQ(*parse_json(text), value);
    for (const char* bad : {"\x1b", "\xc2\x9b", "\xe2\x80\xae", "\x7f"}) EXPECT_THAT(text, Not(HasSubstr(bad)));
  }
  EXPECT_THAT(compact_json(value), Not(HasSubstr("\n")));
}

TEST(Text, times_are_shown_in_the_local_zone) {
  const auto time = *parse_rfc3339("2026-11-20T23:30:00Z");
  ::setenv("TZ", "UTC-2", 1);  // POSIX writes east as minus
  ::tzset();
  EXPECT_EQ(local_time(time), "2026-11-21 01:30:00");
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(local_time(json::value("2026-11-20T23:30:00.000Z")), "2026-11-20 23:30:00");
  EXPECT_EQ(local_time(json::value("soon")), "-");
  EXPECT_EQ(local_time(json::value(nullptr)), "-");
}

TEST(Text, a_table_shrinks_its_long_columns_first_and_keeps_numbers_right) {
  Table table({{"N", true, false}, {"TEXT", false, true}});
  table.add({"7", std::string(50, 'x')});
  table.add({"123", "y"});
  std::ostringstream out;
  table.print(out, 20);
  EXPECT_EQ(out.str(), "  N  TEXT\n  7  xxxxxxxxxxxxxx…\n123  y\n");
  std::ostringstream whole;
  table.print(whole, 0);
  EXPECT_THAT(whole.str(), HasSubstr(std::string(50, 'x')));
}

TEST(Endpoint, addresses_are_read_with_and_without_a_scheme) {
  std::string rest;
  EXPECT_EQ(parse_endpoint("127.0.0.1:80", rest)->to_string(), "127.0.0.1:80");
  EXPECT_EQ(parse_endpoint("http://localhost:8080/a/b?c", rest)->port, 8080);
  EXPECT_EQ(rest, "/a/b?c");
  EXPECT_EQ(parse_endpoint("[::1]:80", rest)->to_string(), "[::1]:80");
  EXPECT_TRUE(parse_endpoint("https://relay.example", rest)->tls);
  EXPECT_EQ(parse_endpoint("https://relay.example", rest)->port, 443);
  EXPECT_EQ(parse_endpoint(":8081", rest)->host, "127.0.0.1");
  for (const char* bad : {"", "host", "host:", "host:x", "host:-1", "host:65536", "[::1", "gopher://x:1"})
    EXPECT_FALSE(parse_endpoint(bad, rest)) << bad;
}

// ---- what the sink shows

http::Request request_of(const std::string& body) {
  http::Request request;
  request.message.method_string("POST");
  request.message.target("/in?x=1");
  request.message.set("Content-Type", "application/json");
  request.message.body() = body;
  return request;
}

struct SinkView : testing::Test {
  WallTime now = *parse_rfc3339("2026-11-20T10:00:00Z");
  std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

  http::Request signed_request(const std::string& body) {
    auto request = request_of(body);
    request.message.set("webhook-id", "01JD");
    const auto key = standard_webhooks_key(secret);
    const std::string stamp = standard_webhooks_timestamp(now);
    request.message.set("webhook-timestamp", stamp);
    request.message.set("webhook-signature", standard_webhooks_signature(*key, "01JD", stamp, body));
    return request;
  }
};

TEST_F(SinkView, a_good_signature_is_told_from_a_wrong_a_stale_and_a_missing_one) {
  auto request = signed_request("{}");
  EXPECT_EQ(signature_verdict(request, secret, now), "good");
  EXPECT_THAT(signature_verdict(request, secret, now + std::chrono::minutes(6)), HasSubstr("STALE"));
  EXPECT_THAT(signature_verdict(request, secret, now - std::chrono::minutes(6)), HasSubstr("STALE"));
  EXPECT_THAT(signature_verdict(request, "another secret", now), HasSubstr("WRONG"));
  request.message.body() = "{ }";
  EXPECT_THAT(signature_verdict(request, secret, now), HasSubstr("WRONG"));
  EXPECT_THAT(signature_verdict(request_of("{}"), secret, now), HasSubstr("MISSING"));
  for (const char* stamp : {"now", "-5", "99999999999999999999", "1e9"}) {
    auto odd = signed_request("{}");
    odd.message.set("webhook-timestamp", stamp);
    EXPECT_THAT(signature_verdict(odd, secret, now), HasSubstr("WRONG")) << stamp;
  }
}

TEST_F(SinkView, one_of_several_signatures_is_enough) {
  auto request = signed_request("{}");
  request.message.set("webhook-signature", "v1,AAAA " + std::string(request.message["webhook-signature"]) + " v2,xyz");
  EXPECT_EQ(signature_verdict(request, secret, now), "good");
}

// The example of the specification's own libraries: computed elsewhere, so a mistake shared by signing and verifying
// shows.
TEST_F(SinkView, the_signature_is_the_one_of_the_specification) {
  auto request = request_of(R"({"test": 2432232314})");
  request.message.set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
  request.message.set("webhook-timestamp", "1614265330");
  request.message.set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_EQ(signature_verdict(request, secret, from_ms(1614265330LL * 1000)), "good");
}

TEST_F(SinkView, shows_headers_and_a_pretty_body_but_no_credentials_and_no_controls) {
  auto request = request_of("{\"text\":\"\\u001b[2J\xc2\x9b\"}");
  request.message.set("Authorization", "Bearer very-secret");
  request.message.set("X-Evil", "a\x1b[31m");
  const std::string shown = describe_request(request, "", now);
  EXPECT_THAT(shown, HasSubstr("POST /in?x=1"));
  EXPECT_THAT(shown, HasSubstr("  \"text\": "));
  EXPECT_THAT(shown, Not(HasSubstr("very-secret")));
  EXPECT_THAT(shown, Not(HasSubstr("\x1b")));
  EXPECT_THAT(shown, Not(HasSubstr("\xc2\x9b")));
  EXPECT_THAT(shown, Not(HasSubstr("signature:")));
  EXPECT_THAT(describe_request(request_of(""), secret, now), HasSubstr("(no body)"));
}

}  // namespace
}  // namespace chatrelay::admin::cli
