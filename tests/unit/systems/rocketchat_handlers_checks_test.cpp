// What the handlers of the livechat API decide without a store: texts of faults, surveys, custom fields, addresses.
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "systems/rocketchat/endpoints/custom_fields.hpp"
#include "systems/rocketchat/endpoints/email_shape.hpp"
#include "systems/rocketchat/endpoints/meteor_check.hpp"
#include "systems/rocketchat/endpoints/survey.hpp"

namespace chatrelay::systems::rocketchat::endpoints {
namespace {

using Kind = MeteorPattern::Kind;

const MeteorPattern text{};
const MeteorPattern fields{
    Kind::array,
    true,
    {{"key", false, text}, {"value", false, text}, {"overwrite", false, {Kind::boolean, false, {}}}}};
const MeteorPattern visitor{
    Kind::object,
    false,
    {{"visitor",
      false,
      {Kind::object, true, {{"token", false, text}, {"name", true, text}, {"customFields", true, fields}}}}}};

std::string fault(const MeteorPattern& pattern, std::string_view body) {
  const Result<json::value> value = parse_json(body);
  EXPECT_TRUE(value) << body;
  return meteor_fault(pattern, *value).value_or("fits");
}

TEST(MeteorCheck, TakesWhatFits) {
  EXPECT_EQ(fault(visitor, R"({"visitor":{"token":"t1"}})"), "fits");
  EXPECT_EQ(fault(visitor, R"({"visitor":{"name":"Ann","more":[1],"token":"t1","customFields":[]}})"), "fits");
  EXPECT_EQ(
      fault(visitor, R"({"visitor":{"token":"","customFields":[{"key":"k","value":"v","overwrite":true,"x":1}]}})"),
      "fits");
}

TEST(MeteorCheck, SaysWhatIsMissing) {
  EXPECT_EQ(fault(visitor, "{}"), "Match error: Missing key 'visitor'");
  EXPECT_EQ(fault(visitor, R"({"visitor":{}})"), "Match error: Missing key 'token' in field visitor");
  EXPECT_EQ(fault(visitor, R"({"visitor":{"token":"t","customFields":[{"key":"k","value":"v"}]}})"),
            "Match error: Missing key 'overwrite' in field visitor.customFields[0]");
}

TEST(MeteorCheck, CoercesNothing) {
  EXPECT_EQ(fault(visitor, R"({"visitor":{"token":123}})"),
            "Match error: Expected string, got number in field visitor.token");
  EXPECT_EQ(fault(visitor, R"({"visitor":{"token":null}})"),
            "Match error: Expected string, got null in field visitor.token");
  EXPECT_EQ(fault(visitor, R"({"visitor":{"token":"t","name":null}})"),
            "Match error: Expected string, got null in field visitor.name");
  EXPECT_EQ(fault(visitor, R"({"visitor":{"token":["t"]}})"),
            "Match error: Expected string, got object in field visitor.token");
  EXPECT_EQ(fault(visitor, R"({"visitor":{"token":"t","customFields":[{"key":"k","value":"v","overwrite":"true"}]}})"),
            "Match error: Expected boolean, got string in field visitor.customFields[0].overwrite");
}

TEST(MeteorCheck, KnowsObjectsFromEverythingElse) {
  EXPECT_EQ(fault(visitor, "[]"), "Match error: Expected plain object");
  EXPECT_EQ(fault(visitor, "7"), "Match error: Expected object, got number");
  EXPECT_EQ(fault(visitor, "null"), "Match error: Expected object, got null");
  EXPECT_EQ(fault(visitor, R"({"visitor":"t1"})"), "Match error: Expected object, got string in field visitor");
  EXPECT_EQ(fault(visitor, R"({"visitor":{"token":"t","customFields":{"a":1}}})"),
            "Match error: Expected array, got {\"a\":1} in field visitor.customFields");
}

TEST(MeteorCheck, NamesTheFirstKeyThatIsUnknown) {
  EXPECT_EQ(fault(visitor, R"({"visitor":{"token":"t"},"more":1,"again":2})"),
            "Match error: Unknown key in field more");
  EXPECT_EQ(fault(visitor, R"({"a-b":1})"), "Match error: Unknown key in field [\"a-b\"]");
  EXPECT_EQ(fault(visitor, R"({"17":1})"), "Match error: Unknown key in field [17]");
  const std::string far_too_long(100'000, 'k');
  EXPECT_LT(fault(visitor, "{\"" + far_too_long + "\":1}").size(), 300U);
  EXPECT_LT(fault(fields, "\"" + far_too_long + "\"").size(), 300U);
}

using Answers = std::vector<std::pair<std::string, std::string>>;

Answers answers(std::string_view data) {
  return survey_answers(parse_json(data)->get_array());
}

TEST(Survey, TakesOurQuestionsAndTheComment) {
  EXPECT_EQ(answers(R"([{"name":"satisfaction","value":"5"},{"name":"agentResposiveness","value":"1"},
                        {"name":"additionalFeedback","value":"Good"}])"),
            (Answers{{"satisfaction", "5"}, {"agentResposiveness", "1"}, {"additionalFeedback", "Good"}}));
}

TEST(Survey, LeavesOutWhatAnswersNoQuestion) {
  EXPECT_EQ(answers(R"([{"name":"satisfaction","value":"6"},{"name":"agentKnowledge","value":"05"},
                        {"name":"agentResponsiveness","value":"5"},{"name":"__proto__","value":"1"}])"),
            Answers{});
  EXPECT_EQ(answers("[]"), Answers{});
}

TEST(Survey, TheLastAnswerOfAQuestionHolds) {
  EXPECT_EQ(answers(R"([{"name":"satisfaction","value":"1"},{"name":"agentKnowledge","value":"2"},
                        {"name":"satisfaction","value":"4"},{"name":"satisfaction","value":"9"}])"),
            (Answers{{"satisfaction", "4"}, {"agentKnowledge", "2"}}));
}

std::vector<CustomField> custom(std::string_view list) {
  return read_custom_fields(parse_json(list)->get_array());
}

json::object with_fields(std::size_t count) {
  json::object known;
  for (std::size_t i = 0; i < count; ++i) known["k" + std::to_string(i)] = "v";
  return known;
}

TEST(CustomFields, AreReadInOrder) {
  const auto read = custom(R"([{"key":"b","value":"1","overwrite":false},{"key":"a","value":"2","overwrite":true}])");
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].key, "b");
  EXPECT_EQ(read[0].value, json::value("1"));
  EXPECT_FALSE(read[0].overwrite);
  EXPECT_TRUE(read[1].overwrite);
  EXPECT_EQ(custom_fault(read, {}), std::nullopt);
}

TEST(CustomFields, KeysAreOfLettersDigitsAndDashes) {
  for (const char* key : {"", "a b", "a.b", "$where", "é", "a/b"}) {
    std::vector<CustomField> one(1);
    one[0].key = key;
    one[0].value = "v";
    EXPECT_EQ(custom_fault(one, {}), "invalid-custom-field") << key;
    EXPECT_TRUE(taken_custom_fields(one, {}).empty()) << key;
  }
  std::vector<CustomField> one(1);
  one[0].value = "v";
  one[0].key = std::string(64, 'k');
  EXPECT_EQ(custom_fault(one, {}), std::nullopt);
  one[0].key += 'k';
  EXPECT_EQ(custom_fault(one, {}), "invalid-custom-field");
}

TEST(CustomFields, ValuesAreBounded) {
  std::vector<CustomField> one(1);
  one[0].key = "note";
  one[0].value = std::string(custom_value_bytes_max, 'x');
  EXPECT_EQ(custom_fault(one, {}), std::nullopt);
  EXPECT_EQ(taken_custom_fields(one, {}).size(), 1U);
  one[0].value = std::string(custom_value_bytes_max + 1, 'x');
  EXPECT_EQ(custom_fault(one, {}), "error-invalid-custom-field-value");
  EXPECT_TRUE(taken_custom_fields(one, {}).empty());
}

TEST(CustomFields, AVisitorHasABoundedNumber) {
  const auto fresh = custom(R"([{"key":"fresh","value":"1","overwrite":true}])");
  const auto known = custom(R"([{"key":"k0","value":"1","overwrite":true}])");
  EXPECT_EQ(custom_fault(fresh, with_fields(custom_fields_max - 1)), std::nullopt);
  EXPECT_EQ(custom_fault(fresh, with_fields(custom_fields_max)), "error-too-many-custom-fields");
  EXPECT_EQ(custom_fault(known, with_fields(custom_fields_max)), std::nullopt);
  EXPECT_EQ(taken_custom_fields(fresh, with_fields(custom_fields_max - 1)).size(), 1U);
  EXPECT_TRUE(taken_custom_fields(fresh, with_fields(custom_fields_max)).empty());
  EXPECT_EQ(taken_custom_fields(known, with_fields(custom_fields_max)).size(), 1U);
}

TEST(CustomFields, FitWhatIsKeptOfAVisitorAlsoWhenEscaped) {
  std::vector<CustomField> many(40);
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i].key = "k" + std::to_string(i);
    many[i].value = std::string(custom_value_bytes_max, '\x01');  // six bytes each as JSON
  }
  EXPECT_EQ(custom_fault(many, {}), "error-too-many-custom-fields");
  EXPECT_LT(taken_custom_fields(many, {}).size(), 20U);
  std::vector<CustomField> countless(10'000, many[0]);
  EXPECT_EQ(custom_fault(countless, {}), "error-too-many-custom-fields");
  EXPECT_EQ(taken_custom_fields(countless, {}).size(), custom_fields_max);
}

TEST(EmailShape, OfAPersonInAnyScript) {
  for (const char* email : {"ann@example.com", "a.b+c@example.co.uk", "jörg@müller.de", "root@localhost"})
    EXPECT_TRUE(looks_like_email(email)) << email;
  for (const char* email :
       {"", "ann", "@example.com", "ann@", "a@b@c", "a b@c.d", "a@b..c", ".a@b.c", "a@b.c.", "Ann <a@b.c>",
        "a@b.c\r\nBcc: x@y.z", "a@b.c,d@e.f", "a@b_c", "a@-b-", "a@b\u2028c.de", "\u202Eann@b.c", "a\u0085@b.c"})
    EXPECT_FALSE(looks_like_email(email)) << email;
  EXPECT_FALSE(looks_like_email(std::string(65, 'a') + "@b.c"));
  EXPECT_FALSE(looks_like_email("a@" + std::string(253, 'b')));
}

TEST(EmailShape, OfARecipientOfMail) {
  for (const char* email : {"ann@example.com", "o'neil@example.com", "a.b+c@ex-ample.co.uk", "root@localhost"})
    EXPECT_TRUE(is_mail_recipient(email)) << email;
  for (const char* email : {"jörg@example.com", "ann@müller.de", "ann@-b.c", "ann@b-.c", "ann@b_c.d", "ann@[1.2.3.4]",
                            "a@b.c\n", "\"a\"@b.c"})
    EXPECT_FALSE(is_mail_recipient(email)) << email;
}

}  // namespace
}  // namespace chatrelay::systems::rocketchat::endpoints
