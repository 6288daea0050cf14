#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "destinations/connector/body_encoding.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations::connector;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

EncodedBody encode(std::string_view body, Encoding encoding, std::string_view seed = "id") {
  const auto encoded = encode_body(*parse_json(body), encoding, seed);
  return encoded ? *encoded : EncodedBody{"ERROR: " + encoded.error().message, ""};
}

}  // namespace

TEST(BodyEncoding, TextAndJsonApi) {
  EXPECT_EQ(encode(R"({"a":9007199254740993})", Encoding::json_api).text, R"({"a":9007199254740993})");
  EXPECT_EQ(encode("1", Encoding::json_api).content_type, "application/vnd.api+json");
  EXPECT_EQ(encode(R"("é")", Encoding::text).text, "é");
  EXPECT_EQ(encode("5", Encoding::text).text, "5");
  EXPECT_THAT(encode("{}", Encoding::text).text, HasSubstr("ERROR"));
}

TEST(BodyEncoding, MultipartIsTheSameAtEachAttempt) {
  const char* const body = R"({"text":"a\r\nb","none":null,"list":[1,true],"map":{"a":1},
    "file":{"filename":"x.txt","content_type":"text/plain","base64":"AAEC"}})";
  const EncodedBody first = encode(body, Encoding::multipart);
  EXPECT_EQ(first.text, encode(body, Encoding::multipart).text);
  EXPECT_NE(first.text, encode(body, Encoding::multipart, "other").text);
  const std::string boundary = first.content_type.substr(std::string("multipart/form-data; boundary=").size());
  const std::string dashes = "--" + boundary + "\r\nContent-Disposition: form-data; name=";
  EXPECT_EQ(first.text, dashes + "\"text\"\r\n\r\na\r\nb\r\n" + dashes + "\"list\"\r\n\r\n1\r\n" + dashes +
                            "\"list\"\r\n\r\ntrue\r\n" + dashes + "\"map\"\r\n\r\n{\"a\":1}\r\n" + dashes +
                            "\"file\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n" +
                            std::string("\0\1\2", 3) + "\r\n--" + boundary + "--\r\n");
}

TEST(BodyEncoding, NobodyEndsAPartByItsName) {
  const EncodedBody hostile =
      encode(R"({"a\"\r\nX: y":"1","f":{"filename":"\"; x=\"\r\nEvil: 1","text":"t"}})", Encoding::multipart);
  EXPECT_THAT(hostile.text, HasSubstr("name=\"a%22%0D%0AX: y\""));
  EXPECT_THAT(hostile.text, HasSubstr("filename=\"%22; x=%22%0D%0AEvil: 1\""));
  EXPECT_THAT(hostile.text, Not(HasSubstr("\r\nEvil")));
  EXPECT_THAT(encode(R"({"f":{"filename":"a","content_type":"a\r\nb"}})", Encoding::multipart).text,
              HasSubstr("control character"));
  EXPECT_THAT(encode(R"({"f":{"filename":"a","base64":"?"}})", Encoding::multipart).text, HasSubstr("not base64"));
  EXPECT_THAT(encode("[]", Encoding::multipart).text, HasSubstr("needs a map"));
}
