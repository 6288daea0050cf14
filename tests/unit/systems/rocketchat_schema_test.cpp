// The schemas of the message endpoints: each row of what Rocket.Chat's validator was seen to answer.
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "systems/rocketchat/endpoints/message_schemas.hpp"

namespace chatrelay::systems::rocketchat::endpoints {
namespace {

struct Row {
  const Schema* schema;
  const char* input;
  const char* fault;  // "" when it fits
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.input;
}

std::string fault_of(const Schema& schema, json::value& value) {
  return check(schema, value).value_or("");
}

class Outcome : public testing::TestWithParam<Row> {};

TEST_P(Outcome, is_worded_as_the_original_words_it) {
  Result<json::value> value = parse_json(GetParam().input);
  ASSERT_TRUE(value);
  EXPECT_EQ(fault_of(*GetParam().schema, *value), GetParam().fault);
}

const char* const extra = "must NOT have additional properties";

INSTANTIATE_TEST_SUITE_P(
    Post, Outcome,
    testing::Values(
        Row{&post_schema(), "{}", "must have required property 'token'"},
        Row{&post_schema(), R"({"token":"t"})", "must have required property 'rid'"},
        Row{&post_schema(), R"({"token":"t","rid":"r"})", "must have required property 'msg'"},
        Row{&post_schema(), R"({"rid":"r","msg":"m"})", "must have required property 'token'"},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m"})", ""},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":""})", ""},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":123})", ""},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":{}})", "must be string"},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":["x"]})", "must be string"},
        Row{&post_schema(), R"({"token":["t"],"rid":"r","msg":"m"})", "must be string"},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","extra":1})", extra},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","alias":"a"})", extra},
        Row{&post_schema(), R"({"token":{},"rid":"r","msg":"m","alias":"a"})", extra},
        Row{&post_schema(), R"({"token":"t","extra":1})", "must have required property 'rid'"},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","_id":null})", ""},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","_id":7})", ""},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","_id":{}})", "must be string"},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","agent":{}})", "must have required property 'agentId'"},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","agent":{"agentId":"a"}})",
            "must have required property 'username'"},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","agent":{"agentId":"a","username":"u"}})", ""},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","agent":{"agentId":"a","username":"u","x":1}})", extra},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","agent":null})", "must be object"},
        Row{&post_schema(), R"({"token":"t","rid":"r","msg":"m","agent":"a"})", "must be object"},
        Row{&post_schema(), "[]", "must be object"}, Row{&post_schema(), "null", "must be object"},
        Row{&post_schema(), "5", "must be object"}));

INSTANTIATE_TEST_SUITE_P(
    OneMessage, Outcome,
    testing::Values(Row{&get_schema(), "{}", "must have required property 'token'"},
                    Row{&get_schema(), R"({"token":"t"})", "must have required property 'rid'"},
                    Row{&get_schema(), R"({"token":["t"],"rid":"r"})", ""},
                    Row{&get_schema(), R"({"token":["t","u"],"rid":"r"})", "must be string"},
                    Row{&get_schema(), R"({"token":"t","rid":"r","count":"1"})", extra},
                    Row{&put_schema(), R"({"token":"t","rid":"r"})", "must have required property 'msg'"},
                    Row{&put_schema(), R"({"token":"t","rid":"r","msg":"m","_id":"i"})", extra},
                    Row{&put_schema(), R"({"token":"t","rid":"r","msg":null})", ""},
                    Row{&delete_schema(), "{}", "must have required property 'token'"},
                    Row{&delete_schema(), R"({"token":"t"})", "must have required property 'rid'"},
                    Row{&delete_schema(), R"({"token":"t","rid":"r","count":1,"offset":"2","sort":"{}"})", ""},
                    Row{&delete_schema(), R"({"token":"t","rid":"r","msg":"m"})", extra}));

INSTANTIATE_TEST_SUITE_P(
    History, Outcome,
    testing::Values(Row{&history_schema(), "{}", "must have required property 'token'"},
                    Row{&history_schema(), R"({"token":""})", ""},
                    Row{&history_schema(), R"({"token":"t","limit":"abc"})", "must be number"},
                    Row{&history_schema(), R"({"token":"t","limit":"Infinity"})", "must be number"},
                    Row{&history_schema(), R"({"token":"t","limit":"nan"})", "must be number"},
                    Row{&history_schema(), R"({"token":"t","limit":"1e999"})", "must be number"},
                    Row{&history_schema(), R"({"token":"t","limit":""})", ""},
                    Row{&history_schema(), R"({"token":"t","limit":"-1"})", ""},
                    Row{&history_schema(), R"({"token":"t","limit":["3"]})", ""},
                    Row{&history_schema(), R"({"token":"t","offset":"x"})", "must be number"},
                    Row{&history_schema(), R"({"token":"t","end":"garbage"})", ""},
                    Row{&history_schema(), R"({"token":"t","count":"1","sort":"{}","searchText":"x"})", ""},
                    Row{&history_schema(), R"({"token":"t","ts":"2018-09-21T17:34:06.000Z","wait":"5"})", ""},
                    Row{&history_schema(), R"({"token":"t","rid":"r"})", extra}));

INSTANTIATE_TEST_SUITE_P(
    Bulk, Outcome,
    testing::Values(
        Row{&bulk_schema(), "{}", "must have required property 'visitor'"},
        Row{&bulk_schema(), R"({"visitor":{"token":"t"}})", "must have required property 'messages'"},
        Row{&bulk_schema(), R"({"visitor":{},"messages":[{"msg":"m"}]})", "must have required property 'token'"},
        Row{&bulk_schema(), R"({"visitor":{"token":"t","name":"n"},"messages":[{"msg":"m"}]})", extra},
        Row{&bulk_schema(), R"({"visitor":{"token":"t"},"messages":[]})", "must NOT have fewer than 1 items"},
        Row{&bulk_schema(), R"({"visitor":{"token":"t"},"messages":[{}]})", "must have required property 'msg'"},
        Row{&bulk_schema(), R"({"visitor":{"token":"t"},"messages":[{"msg":"m","ts":"x"}]})", extra},
        Row{&bulk_schema(), R"({"visitor":{"token":"t"},"messages":{"msg":"m"}})", "must be array"},
        Row{&bulk_schema(), R"({"visitor":{"token":"t"},"messages":"m"})", "must be object"},
        Row{&bulk_schema(), R"({"visitor":{"token":"t"},"messages":["m"]})", "must be object"},
        Row{&bulk_schema(), R"({"visitor":{"token":"t"},"messages":[{"msg":"m"},{"msg":1}]})", ""},
        Row{&bulk_schema(), R"({"visitor":"t","messages":[{"msg":"m"}]})", "must be object"}));

json::value checked(const Schema& schema, std::string_view text) {
  Result<json::value> value = parse_json(text);
  EXPECT_TRUE(value);
  EXPECT_EQ(fault_of(schema, *value), "");
  return *value;
}

TEST(Coercion, makes_strings_as_javascript_does) {
  const auto text = [](std::string_view msg) {
    const json::value value = checked(post_schema(), R"({"token":"t","rid":"r","msg":)" + std::string(msg) + "}");
    return std::string(value.at("msg").as_string());
  };
  EXPECT_EQ(text("123"), "123");
  EXPECT_EQ(text("null"), "");
  EXPECT_EQ(text("true"), "true");
  EXPECT_EQ(text("false"), "false");
  EXPECT_EQ(text("1.5"), "1.5");
  EXPECT_EQ(text("1e2"), "100");
  EXPECT_EQ(text("0.1"), "0.1");
  EXPECT_EQ(text("-0.0"), "0");
  EXPECT_EQ(text("1e20"), "100000000000000000000");
  EXPECT_EQ(text("1e21"), "1e+21");
  EXPECT_EQ(text("1.5e-7"), "1.5e-7");
}

TEST(Coercion, makes_numbers_as_javascript_does) {
  const auto number = [](std::string_view limit) {
    json::object query;
    query["token"] = "t";
    query["limit"] = limit;
    json::value value = query;
    EXPECT_EQ(fault_of(history_schema(), value), "");
    return value.at("limit").to_number<double>();
  };
  EXPECT_EQ(number("2.7"), 2.7);
  EXPECT_EQ(number("1e2"), 100);
  EXPECT_EQ(number(" 7 "), 7);
  EXPECT_EQ(number("+7"), 7);
  EXPECT_EQ(number("0x10"), 16);
  EXPECT_EQ(number("  "), 0);
}

TEST(Coercion, keeps_null_where_null_is_allowed) {
  EXPECT_TRUE(checked(post_schema(), R"({"token":"t","rid":"r","msg":"m","_id":null})").at("_id").is_null());
  EXPECT_TRUE(checked(history_schema(), R"({"token":"t","limit":""})").at("limit").is_null());
}

TEST(Coercion, unwraps_lists_of_one_in_queries) {
  EXPECT_EQ(checked(get_schema(), R"({"token":["t"],"rid":"r"})").at("token").as_string(), "t");
}

TEST(Limits, bound_what_becomes_a_key) {
  json::object body;
  body["token"] = "t";
  body["rid"] = "r";
  body["msg"] = "m";
  body["_id"] = std::string(64, 'i');
  json::value fits = body;
  EXPECT_EQ(fault_of(post_schema(), fits), "");
  body["_id"] = std::string(65, 'i');
  json::value long_id = body;
  EXPECT_EQ(fault_of(post_schema(), long_id), "must NOT have more than 64 characters");
}

TEST(Limits, bound_a_bulk) {
  json::object message;
  message["msg"] = "m";
  json::object body;
  body["visitor"] = {{"token", "t"}};
  body["messages"] = json::array(100, message);
  json::value fits = body;
  EXPECT_EQ(fault_of(bulk_schema(), fits), "");
  body["messages"] = json::array(101, message);
  json::value many = body;
  EXPECT_EQ(fault_of(bulk_schema(), many), "must NOT have more than 100 items");
}

}  // namespace
}  // namespace chatrelay::systems::rocketchat::endpoints
