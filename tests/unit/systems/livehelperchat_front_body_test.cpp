// Bodies as Live Helper Chat's clients and careless ones send them.
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "systems/livehelperchat/endpoints/body_fields.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {
namespace {

constexpr std::string_view form_type = "application/x-www-form-urlencoded";
constexpr std::string_view multipart_type = "multipart/form-data; boundary=------------------------24a5c5c880381d36";

std::string serialized(const BodyFields& said) {
  EXPECT_EQ(said.fault, "");
  return json::serialize(said.fields);
}

std::string fields(std::string_view type, std::string_view body) {
  return serialized(read_body_fields(type, body));
}

std::string fault(std::string_view type, std::string_view body) {
  const BodyFields said = read_body_fields(type, body);
  EXPECT_TRUE(said.fields.empty());
  return said.fault;
}

// As PHP's curl writes it.
std::string multipart(std::initializer_list<std::pair<std::string_view, std::string_view>> parts) {
  std::string body;
  for (const auto& [name, value] : parts)
    body.append("--------------------------24a5c5c880381d36\r\nContent-Disposition: form-data; name=\"")
        .append(name)
        .append("\"\r\n\r\n")
        .append(value)
        .append("\r\n");
  return body.append("--------------------------24a5c5c880381d36--\r\n");
}

TEST(BodyFields, OfMultipart) {
  EXPECT_EQ(
      fields(multipart_type,
             multipart({{"chat_id", "5388"}, {"msg", "Ahoj 👋 č & = % + / \"q\""}, {"ua", ""}, {"two", "a\r\nb\r\n"}})),
      R"({"chat_id":"5388","msg":"Ahoj 👋 č & = % + / \"q\"","ua":"","two":"a\r\nb\r\n"})");
  EXPECT_EQ(fields("Multipart/Form-Data; charset=utf-8; boundary=\"x y\"",
                   "preamble\r\n--x y\r\ncontent-disposition: form-data; name=a\r\nContent-Type: text/plain\r\n\r\n1"
                   "\r\n--x y  \r\nContent-Disposition: form-data; name=\"b\\\"c\"\r\n\r\n2\r\n--x y--epilogue"),
            R"({"a":"1","b\"c":"2"})");
}

TEST(BodyFields, LeaveFilesOut) {
  const std::string body =
      "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\n\r\nPNG\r\n--B\r\n"
      "Content-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--";
  EXPECT_EQ(fields("multipart/form-data; boundary=B", body), R"({"a":"1"})");
}

TEST(BodyFields, OfBrokenMultipartAreNone) {
  const std::string whole = multipart({{"chat_id", "5388"}, {"msg", "x"}});
  EXPECT_NE(fault("multipart/form-data", whole), "");
  EXPECT_NE(fault("multipart/form-data; boundary=", whole), "");
  EXPECT_NE(fault("multipart/form-data; boundary=" + std::string(71, 'a'), whole), "");
  EXPECT_NE(fault("multipart/form-data; boundary=other", whole), "");
  EXPECT_NE(fault("multipart/form-data; boundary=B", "--B\r\nno blank line\r\n--B--"), "");
  for (std::size_t length = 1; length + 4 < whole.size(); ++length)
    EXPECT_NE(fault(multipart_type, whole.substr(0, length)), "") << length;
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
  EXPECT_NE(fault("multipart/form-data; boundary=B", many + "--B--"), "");
}

TEST(BodyFields, OfForms) {
  EXPECT_EQ(fields(form_type, "msg=a+b%20%26&chat_id=5&chat_id=6&empty&=x"),
            R"({"msg":"a b &","chat_id":"6","empty":""})");
  EXPECT_EQ(fields("application/x-www-form-urlencoded; charset=UTF-8", "d%5B%5D=1&d[]=2&m[k]=v&m[n][]=w"),
            R"({"d":["1","2"],"m":{"k":"v","n":["w"]}})");
  EXPECT_EQ(fields(form_type, "d[]=1&d[k]=2&d[]=3"), R"({"d":{"0":"1","k":"2","2":"3"}})");
  EXPECT_EQ(fields(form_type, "a=1&a[b]=2"), R"({"a":{"b":"2"}})");
  EXPECT_EQ(fields(form_type, "a[b=1&[c]=2&d]=3&e[x]y=4"), R"({"a[b":"1","[c]":"2","d]":"3","e[x]y":"4"})");
  EXPECT_EQ(fields(form_type, "a=%ff"), "{\"a\":\"\xef\xbf\xbd\"}");
  EXPECT_NE(fault(form_type, "a=%zz"), "");
}

TEST(BodyFields, NestOnlySoDeep) {
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += "[b]";
  const BodyFields said = read_body_fields(form_type, deep + "=1");
  ASSERT_EQ(said.fields.size(), 1U);
  EXPECT_TRUE(said.fields.begin()->value().is_string());
}

TEST(BodyFields, OfJson) {
  const BodyFields said = read_body_fields("application/json", R"({"chat_id":5,"x":{"y":[true,null]}})");
  EXPECT_TRUE(said.is_json);
  EXPECT_EQ(serialized(said), R"({"chat_id":5,"x":{"y":[true,null]}})");
  EXPECT_EQ(fields("", R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(fields("text/plain", R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(fields(form_type, R"( {"text":"hi & = bye","chat_id":5388})"), R"({"text":"hi & = bye","chat_id":5388})");
  EXPECT_FALSE(read_body_fields(form_type, "{a=1").is_json);
  for (const char* wrong : {"[1]", "5", "null", "\"x\"", "{", "a=1"})
    EXPECT_NE(fault("application/json", wrong), "") << wrong;
}

TEST(BodyFields, OfNothingAreNone) {
  for (const std::string_view type :
       {std::string_view(""), form_type, multipart_type, std::string_view("application/json")})
    EXPECT_EQ(fields(type, " \r\n"), "{}");
}

}  // namespace
}  // namespace chatrelay::systems::livehelperchat::endpoints
