// Rocket.Chat's shapes: records of messages, visitors and rooms, and the envelope around them.
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "systems/rocketchat/endpoints/answers.hpp"
#include "systems/rocketchat/endpoints/dates.hpp"
#include "systems/rocketchat/endpoints/records.hpp"

namespace chatrelay::systems::rocketchat::endpoints {
namespace {

const WallTime ten = *parse_rfc3339("2024-05-01T10:00:00.123Z");

conversations::MessageView hello() {
  conversations::MessageView message;
  message.id = "m1";
  message.room_id = "r1";
  message.text = "hello";
  message.author.id = "v1";
  message.author.name = "Ann";
  message.author.role = "visitor";
  message.author_username = "guest-4";
  message.sent_at = ten;
  message.updated_at = ten + Millis{17};
  return message;
}

conversations::VisitorView ann() {
  conversations::VisitorView visitor;
  visitor.id = "v1";
  visitor.token = "secret-token";
  visitor.username = "guest-4";
  visitor.created_at = visitor.updated_at = ten;
  return visitor;
}

TEST(MessageRecord, has_the_members_of_the_original_in_their_order) {
  EXPECT_EQ(json::serialize(message_record(hello(), "secret-token")),
            R"({"_id":"m1","rid":"r1","msg":"hello","token":"secret-token","alias":"Ann",)"
            R"("ts":"2024-05-01T10:00:00.123Z","u":{"_id":"v1","username":"guest-4","name":"Ann"},)"
            R"("_updatedAt":"2024-05-01T10:00:00.140Z","urls":[],"mentions":[],"channels":[]})");
}

TEST(MessageRecord, names_nobody_who_has_no_name) {
  conversations::MessageView message = hello();
  message.author.name.reset();
  const json::object record = message_record(message, "t");
  EXPECT_FALSE(record.contains("alias"));
  EXPECT_FALSE(record.at("u").as_object().contains("name"));
}

TEST(MessageRecord, puts_a_token_on_visitors_messages_alone) {
  EXPECT_FALSE(message_record(hello(), "").contains("token"));
  conversations::MessageView of_agent = hello();
  of_agent.from_visitor = false;
  EXPECT_FALSE(message_record(of_agent, "secret-token").contains("token"));
}

TEST(MessageRecord, tells_what_was_edited_and_by_whom) {
  conversations::MessageView message = hello();
  EXPECT_FALSE(message_record(message, "").contains("editedAt"));
  message.edited_at = ten + Millis{1000};
  message.edited_by_id = "v1";
  message.edited_by_username = "guest-4";
  const json::object record = message_record(message, "");
  EXPECT_EQ(record.at("editedAt"), "2024-05-01T10:00:01.123Z");
  EXPECT_EQ(json::serialize(record.at("editedBy")), R"({"_id":"v1","username":"guest-4"})");
  EXPECT_EQ(record.at("ts"), "2024-05-01T10:00:00.123Z");
}

TEST(MessageRecord, marks_system_messages) {
  EXPECT_FALSE(message_record(hello(), "").contains("t"));
  conversations::MessageView message = hello();
  message.system_type = "livechat-close";
  EXPECT_EQ(message_record(message, "").at("t"), "livechat-close");
}

TEST(VisitorRecord, lists_mail_and_phone) {
  conversations::VisitorView visitor = ann();
  visitor.name = "Ann";
  visitor.email = "a@b.c";
  visitor.phone = "123";
  visitor.department = "dep1";
  visitor.custom["k"] = "v";
  EXPECT_EQ(json::serialize(visitor_record(visitor)),
            R"({"_id":"v1","token":"secret-token","username":"guest-4","name":"Ann","status":"online",)"
            R"("ts":"2024-05-01T10:00:00.123Z","phone":[{"phoneNumber":"123"}],"visitorEmails":[{"address":"a@b.c"}],)"
            R"("department":"dep1","livechatData":{"k":"v"},"_updatedAt":"2024-05-01T10:00:00.123Z"})");
}

TEST(RoomRecord, shows_the_token_only_to_its_owner) {
  conversations::RoomView room;
  room.id = "r1";
  room.origin = "api";
  room.created_at = room.last_at = ten;
  EXPECT_EQ(room_record(room, ann()).at("v").at("token"), "secret-token");
  EXPECT_EQ(json::serialize(room_record(room, ann(), false)).find("secret-token"), std::string::npos);
}

TEST(RoomRecord, is_open_or_says_who_closed_it) {
  conversations::RoomView room;
  room.id = "r1";
  room.origin = "widget";
  room.created_at = room.last_at = ten;
  const json::object open = room_record(room, ann());
  EXPECT_EQ(open.at("open"), true);
  EXPECT_EQ(open.at("source").at("type"), "widget");
  EXPECT_FALSE(open.contains("closedAt"));
  room.open = false;
  room.closed_at = ten;
  room.closed_by = "visitor";
  const json::object closed = room_record(room, ann());
  EXPECT_FALSE(closed.contains("open"));
  EXPECT_EQ(closed.at("closer"), "visitor");
}

TEST(Utf16Length, counts_as_javascript_does) {
  EXPECT_EQ(utf16_length(""), 0u);
  EXPECT_EQ(utf16_length("abc"), 3u);
  EXPECT_EQ(utf16_length("\xc3\xa4\xe2\x82\xac"), 2u);  // ä €
  EXPECT_EQ(utf16_length("\xf0\x9f\x98\x80"), 2u);      // an emoji is a surrogate pair
}

TEST(Answers, put_success_last_and_name_no_charset) {
  json::object fields;
  fields["message"] = "m";
  const http::Response response = success(fields);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"message":"m","success":true})");
  EXPECT_EQ(response.content_type, "application/json");
  const std::vector<std::pair<std::string, std::string>> headers{{"Cache-Control", "no-store"}, {"Pragma", "no-cache"}};
  EXPECT_EQ(response.headers, headers);
}

TEST(Answers, word_failures_in_each_of_the_three_ways) {
  EXPECT_EQ(failure().body, R"({"success":false})");
  EXPECT_EQ(failure("invalid-room").body, R"({"success":false,"error":"invalid-room"})");
  EXPECT_EQ(failure("invalid-room").status, 400);
  EXPECT_EQ(meteor_failure("invalid-token").body,
            R"({"success":false,"error":"[invalid-token]","errorType":"invalid-token"})");
  EXPECT_EQ(meteor_failure("error-invalid-token", "Token cannot be empty", {{"method", "livechat/visitor"}}).body,
            R"({"success":false,"error":"Token cannot be empty [error-invalid-token]",)"
            R"("errorType":"error-invalid-token","details":{"method":"livechat/visitor"}})");
}

TEST(Answers, word_schemas_by_the_kind_of_route) {
  EXPECT_EQ(schema_failure("must be object", Shape::plain, true).body,
            R"({"success":false,"error":"must be object [invalid-params]","errorType":"invalid-params"})");
  EXPECT_EQ(schema_failure("must be object", Shape::typed, false).body,
            R"({"success":false,"error":"must be object","errorType":"invalid-params"})");
  EXPECT_EQ(schema_failure("must be object", Shape::typed, true).body,
            R"({"success":false,"error":"must be object","errorType":"error-invalid-params"})");
}

TEST(Answers, ask_to_come_again_only_when_that_may_help) {
  const http::Response later = broken(unavailable("disk full on /var/lib"));
  EXPECT_EQ(later.status, 503);
  EXPECT_EQ(later.headers.back().first, "Retry-After");
  EXPECT_EQ(later.body.find("disk"), std::string::npos);
  const http::Response never = broken(Error(ErrorKind::internal, "a bug at 0x5"));
  EXPECT_EQ(never.status, 500);
  EXPECT_EQ(never.body.find("0x5"), std::string::npos);
}

TEST(Answers, hide_that_a_message_could_be_deleted_by_its_id) {
  EXPECT_EQ(refused(conversations::Refusal::not_capable).body,
            schema_failure("must have required property 'token'", Shape::plain, false).body);
}

TEST(Dates, are_read_as_clients_write_them) {
  const WallTime time = *parse_rfc3339("2018-09-21T17:34:06.000Z");
  EXPECT_EQ(read_date("2018-09-21T17:34:06.000Z"), time);
  EXPECT_EQ(read_date("\"2018-09-21T17:34:06.000Z\""), time);  // a Date as JSON
  EXPECT_EQ(read_date("2018-09-21T19:34:06+02:00"), time);
  EXPECT_EQ(read_date("2018-09-21T19:34:06 02:00"), time);  // '+' read as a space
  EXPECT_EQ(read_date("1537551246000"), time);
  EXPECT_EQ(read_date("Fri, 21 Sep 2018 17:34:06 GMT"), time);
  EXPECT_EQ(read_date("2018-09-21"), parse_rfc3339("2018-09-21T00:00:00Z"));
  EXPECT_EQ(read_date("2018-09"), parse_rfc3339("2018-09-01T00:00:00Z"));
  EXPECT_EQ(read_date("2018"), parse_rfc3339("2018-01-01T00:00:00Z")) << "not so many milliseconds";
  for (const char* wrong : {"", "\"", "\"\"", "garbage", "-5", "20180921", "99999999999999999", "2018-13-40"})
    EXPECT_EQ(read_date(wrong), std::nullopt) << wrong;
  EXPECT_EQ(read_date(std::string(100'000, '1')), std::nullopt);
}

}  // namespace
}  // namespace chatrelay::systems::rocketchat::endpoints
