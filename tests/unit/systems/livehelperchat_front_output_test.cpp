// Answers as clients get them: JSON as PHP writes it, JSONP, XML, and the shapes of failures.
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "systems/livehelperchat/endpoints/output.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {
namespace {

json::value value(std::string_view text) {
  const Result<json::value> parsed = parse_json(text);
  EXPECT_TRUE(parsed) << text;
  return *parsed;
}

TEST(Output, JsonIsAsciiAsPhpWritesIt) {
  EXPECT_EQ(to_php_json(value(R"({"a":"b/c","é":"č \u2028 👋"})")),
            "{\"a\":\"b\\/c\",\"\\u00e9\":\"\\u010d \\u2028 \\ud83d\\udc4b\"}");
  EXPECT_EQ(to_php_json(json::value("\xff<\"\n")), "\"\\ufffd<\\\"\\n\"");
  EXPECT_EQ(value(to_php_json(value(R"(["č/👋",1,true,null,{"x":[]}])"))), value(R"(["č/👋",1,true,null,{"x":[]}])"));
}

TEST(Output, CallbacksAreNames) {
  for (const char* name : {"loadCallBack", "jQuery1_2", "$", "a.b[0].c", "_"}) EXPECT_TRUE(is_callback_name(name));
  EXPECT_TRUE(is_callback_name(std::string(128, 'a')));
  EXPECT_FALSE(is_callback_name(std::string(129, 'a')));
  for (const char* name : {"", "alert(1);//", "a b", "a\nb", "a<b>", "a-b", "č", "a;", "a'", "a/b", "a=b"})
    EXPECT_FALSE(is_callback_name(name)) << name;
}

TEST(Output, ReadsTheFormat) {
  using Kind = Format::Kind;
  EXPECT_EQ(read_format("").kind, Kind::json);
  EXPECT_EQ(read_format("callback=cb&_=1").kind, Kind::jsonp);
  EXPECT_EQ(read_format("callback=cb&_=1").callback, "cb");
  EXPECT_EQ(read_format("callback=a&callback=b").callback, "b");
  EXPECT_EQ(read_format("callback=a%5B0%5D").callback, "a[0]");
  EXPECT_EQ(read_format("callback=alert(1)&format=xml").kind, Kind::xml) << "xml wins";
  EXPECT_FALSE(read_format("callback=alert(1)&format=xml").is_refused);
  EXPECT_EQ(read_format("format=json").kind, Kind::json);
  for (const char* query : {"callback=", "callback", "callback=alert(1)", "callback=a%0d%0ab", "callback=a%00"})
    EXPECT_TRUE(read_format(query).is_refused) << query;
}

TEST(Output, RendersTheThreeKinds) {
  const Reply reply(value(R"({"isonline":true})"));
  Format format;
  EXPECT_EQ(render(reply, format).body, R"({"isonline":true})");
  EXPECT_EQ(render(reply, format).content_type, "application/json");
  format.kind = Format::Kind::jsonp;
  format.callback = "loadCallBack";
  EXPECT_EQ(render(reply, format).body, R"(loadCallBack({"isonline":true}))");
  EXPECT_EQ(render(reply, format).content_type, "application/javascript; charset=utf-8");
  format.kind = Format::Kind::xml;
  EXPECT_EQ(render(reply, format).body, "<?xml version=\"1.0\"?>\n<root><isonline>true</isonline></root>\n");
  EXPECT_EQ(render(reply, format).content_type, "application/xml; charset=utf-8");
  EXPECT_EQ(render(Reply::empty(), format).body, "");
  EXPECT_EQ(render(Reply::empty(), format).status, 200);
}

TEST(Output, XmlKeepsBooleansAndEscapes) {
  EXPECT_EQ(to_xml(value(R"({"error":false,"none":null,"list":[{"id":1},{"id":2}],"a b":"<&>","1x":"č"})")),
            "<?xml version=\"1.0\"?>\n<root><error>false</error><none></none><list><id>1</id></list>"
            "<list><id>2</id></list><a_b>&lt;&amp;&gt;</a_b><_1x>č</_1x></root>\n");
  EXPECT_EQ(to_xml(value("[true,[1]]")), "<?xml version=\"1.0\"?>\n<root><item>true</item><item>1</item></root>\n");
  EXPECT_EQ(to_xml(value(R"({"t":"a\u0000\u0001\u000b\tb\uffff"})")),
            "<?xml version=\"1.0\"?>\n<root><t>a\tb</t></root>\n");
  EXPECT_EQ(to_xml(value(R"({"></root><x>":1})")).find("<x>"), std::string::npos);
  json::value deep = 1;
  for (int i = 0; i < 100; ++i) deep = json::object{{"d", std::move(deep)}};
  EXPECT_LT(to_xml(deep).size(), 400U);
}

std::string body(const Reply& reply) {
  return std::to_string(reply.status) + " " + (reply.body ? to_php_json(*reply.body) : "");
}

TEST(Answers, HaveTheirShapes) {
  EXPECT_EQ(body(failed(Shape::result, "Authorization failed!")),
            R"(200 {"error":true,"result":"Authorization failed!"})");
  EXPECT_EQ(body(failed(Shape::errors, "Authorization failed!")),
            R"(200 {"error":true,"result":{"errors":"Authorization failed!"}})");
  EXPECT_EQ(body(failed(Shape::result_400, "no")), R"(400 {"error":true,"result":"no"})");
  EXPECT_EQ(body(failed(Shape::r_400, "no")), R"(400 {"error":true,"r":"no"})");
  EXPECT_EQ(body(failed(Shape::chat_400, "no")), R"(400 {"error":true,"errors":[],"result":"no"})");
  EXPECT_EQ(body(done(true)), R"(200 {"error":false,"result":true})");
}

TEST(Answers, TellSeveralErrors) {
  const json::object errors = value(R"({"nick":"Please enter a name","email":"Wrong email"})").get_object();
  EXPECT_EQ(body(failed(Shape::errors, errors)),
            R"(200 {"error":true,"result":{"errors":{"nick":"Please enter a name","email":"Wrong email"}}})");
  EXPECT_EQ(body(failed(Shape::chat_400, errors)),
            R"(400 {"error":true,"errors":{"nick":"Please enter a name","email":"Wrong email"},)"
            R"("result":"Please enter a name\nWrong email"})");
  EXPECT_EQ(body(failed(Shape::r_400, errors)), R"(400 {"error":true,"r":"Please enter a name\nWrong email"})");
}

TEST(Answers, NameThePermission) {
  EXPECT_EQ(body(not_permitted(Shape::result, "lhchat,use")),
            R"(200 {"error":true,"result":"You do not have permission. `lhchat`, `use` is required."})");
}

TEST(Answers, SayLaterOrNever) {
  const Reply later = broken(Shape::r_400, unavailable("the disk is full"));
  EXPECT_EQ(body(later), R"(503 {"error":true,"r":"Service Unavailable"})");
  ASSERT_EQ(later.headers.size(), 1U);
  EXPECT_EQ(later.headers[0].first, "Retry-After");
  const Reply never = broken(Shape::result, Error(ErrorKind::internal, "secret detail"));
  EXPECT_EQ(body(never), R"(500 {"error":true,"result":"Internal server error"})");
}

}  // namespace
}  // namespace chatrelay::systems::livehelperchat::endpoints
