#include "destinations/connector/auth_token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto.hpp"
#include "http/url.hpp"
#include "unit/destinations/auth_keys.hpp"
#include "unit/destinations/auth_support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations::connector;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = TokenAnswer::Kind;

namespace {

const WallTime now = *parse_rfc3339("2026-11-20T10:00:00Z");

http::ClientResponse answered(int status, const std::string& body) {
  http::ClientResponse response;
  response.progress = http::Progress::answered;
  response.status = status;
  response.body = body;
  return response;
}

TokenAnswer read(int status, const std::string& body) {
  return read_token_answer(answered(status, body), now);
}

OAuth2Values values(Grant grant) {
  OAuth2Values v;
  v.grant = grant;
  v.token_url = "https://accounts.example.com/token";
  v.authorize_url = "https://accounts.example.com/auth?tenant=7";
  v.client_id = "client 1";
  v.client_secret = "s&cret";
  v.scope = "read write";
  v.jwt_issuer = "issuer";
  v.jwt_subject = "user";
  v.jwt_audience = "https://login.example.com";
  v.jwt_private_key = chatrelay::destinations::testing::rsa_private_key;
  return v;
}

std::string field(const http::ClientRequest& request, std::string_view name) {
  return std::string(http::parse_query(request.body)->get(name, "(none)"));
}

http::ClientRequest request_of(const OAuth2Values& v) {
  return token_request(v, *grant_fields(v, "r/1", now));
}

}  // namespace

TEST(AuthToken, ARefreshRequest) {
  OAuth2Values v = values(Grant::refresh_token);
  v.form = {{"audience", "https://api.example.com"}};
  const auto request = request_of(v);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, v.token_url);
  EXPECT_EQ(*http::find_header(request.headers, "Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(request.body,
            "grant_type=refresh_token&refresh_token=r%2F1&audience=https%3A%2F%2Fapi.example.com&client_id=client%201&"
            "client_secret=s%26cret");
  EXPECT_TRUE(request.fresh_connection) << "libcurl must not send a refresh token twice by itself";
}

TEST(AuthToken, TheClientMayLogInByBasic) {
  OAuth2Values v = values(Grant::client_credentials);
  v.client_by_basic = true;
  const auto request = request_of(v);
  EXPECT_EQ(*http::find_header(request.headers, "Authorization"), "Basic " + base64_encode("client%201:s%26cret"));
  EXPECT_EQ(field(request, "client_secret"), "(none)");
  EXPECT_EQ(field(request, "grant_type"), "client_credentials");
  EXPECT_EQ(field(request, "scope"), "read write");
}

TEST(AuthToken, AnAssertionSpeaksForItself) {
  OAuth2Values v = values(Grant::jwt_bearer);
  v.client_secret.clear();
  const auto request = request_of(v);
  EXPECT_EQ(field(request, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  EXPECT_EQ(field(request, "client_id"), "(none)");
  const std::string jwt = field(request, "assertion");
  const std::size_t first = jwt.find('.') + 1;
  const json::object claims = parse_json(*base64_decode(jwt.substr(first, jwt.rfind('.') - first)))->as_object();
  EXPECT_EQ(claims.at("iss"), "issuer");
  EXPECT_EQ(claims.at("sub"), "user");
  EXPECT_EQ(claims.at("aud"), "https://login.example.com");
  EXPECT_EQ(claims.at("exp").to_number<std::int64_t>() - claims.at("iat").to_number<std::int64_t>(), 180);
  EXPECT_EQ(claims.at("iat").to_number<std::int64_t>(), to_ms(now) / 1000);
}

TEST(AuthToken, TheAddressOfTheCodeGrant) {
  OAuth2Values v = values(Grant::refresh_token);
  v.authorize_query = {{"access_type", "offline"}};
  const auto address = authorize_address(v, "http://localhost:8976/callback", "STATE", "CHALLENGE");
  ASSERT_TRUE(address);
  EXPECT_EQ(
      *address,
      "https://accounts.example.com/auth?tenant=7&response_type=code&client_id=client%201&redirect_uri=http%3A%2F%"
      "2Flocalhost%3A8976%2Fcallback&state=STATE&code_challenge=CHALLENGE&code_challenge_method=S256&scope=read%"
      "20write&access_type=offline");
}

TEST(AuthToken, TheChallengeIsThatOfTheStandard) {  // RFC 7636, appendix B
  EXPECT_EQ(pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(AuthToken, LifetimesAreReadAsTheyAreWritten) {
  EXPECT_EQ(read(200, R"({"access_token":"t","expires_in":3600})").expires_in, Millis{3'600'000});
  EXPECT_EQ(read(200, R"({"access_token":"t","expires_in":"3600"})").expires_in, Millis{3'600'000});
  EXPECT_EQ(read(200, R"({"access_token":"t"})").expires_in, std::nullopt);
  EXPECT_EQ(read(200, R"({"access_token":"t","expires_in":0})").expires_in, std::nullopt);
  EXPECT_EQ(read(200, R"({"access_token":"t","expires_in":-5})").expires_in, std::nullopt);
  EXPECT_EQ(read(200, R"({"access_token":"t","expires_in":"never"})").expires_in, std::nullopt);
  const auto huge = read(200, R"({"access_token":"t","expires_in":9223372036854775807})").expires_in;
  ASSERT_TRUE(huge);
  EXPECT_GT(*huge, std::chrono::hours(24 * 365));
  EXPECT_LT(*huge, std::chrono::hours(24 * 365 * 11));
}

TEST(AuthToken, AnErrorMayComeWithASuccess) {
  const auto answer = read(200, R"({"error":"invalid_code"})");
  EXPECT_EQ(answer.kind, Kind::refused);
  EXPECT_EQ(answer.error, "invalid_code");
  EXPECT_EQ(read(200, R"({"error":"invalid_client","access_token":"stale"})").kind, Kind::refused);
}

TEST(AuthToken, WhatIsRefusedAndWhatMayPass) {
  struct Case {
    int status;
    const char* body;
    Kind kind;
  };
  const Case cases[] = {
      {200, R"({"access_token":"t"})", Kind::granted},
      {201, R"({"access_token":"t","error":null})", Kind::granted},
      {400, R"({"error":"invalid_grant","error_description":"expired"})", Kind::refused},
      {401, R"({"error":"invalid_client"})", Kind::refused},
      {401, "nope", Kind::refused},
      {400, R"({"error":"Access Denied","error_description":"You have made too many requests continuously."})",
       Kind::failed},
      {400, R"({"error":"temporarily_unavailable"})", Kind::failed},
      {429, R"({"error":"invalid_request"})", Kind::failed},
      {500, R"({"error":"invalid_grant"})", Kind::failed},
      {503, "<html>maintenance</html>", Kind::failed},
      {403, "<html>firewall</html>", Kind::failed},
      {200, "<html>log in</html>", Kind::failed},
      {200, R"({"access_token":""})", Kind::failed},
      {200, R"({"access_token":17})", Kind::failed},
      {200, "[]", Kind::failed},
      {302, "", Kind::failed},
      {400, R"({"error":{"code":"1211","message":"bad scope"}})", Kind::refused},
  };
  for (const Case& one : cases) EXPECT_EQ(read(one.status, one.body).kind, one.kind) << one.status << " " << one.body;
}

TEST(AuthToken, NothingOfABodyIsShownButItsError) {
  const auto answer = read(400, R"({"error":"invalid_grant","error_description":"no\r\nway","access_token":"hidden"})");
  EXPECT_THAT(answer.reason, HasSubstr("HTTP 400 invalid_grant"));
  EXPECT_THAT(answer.reason, Not(HasSubstr("hidden")));
  EXPECT_THAT(answer.reason, Not(HasSubstr("\n")));
  EXPECT_THAT(read(200, "access_token=hidden").reason, Not(HasSubstr("hidden")));
}

TEST(AuthToken, AWaitIsReadAndBounded) {
  auto response = answered(429, "{}");
  response.headers = {{"Retry-After", "120"}};
  EXPECT_EQ(read_token_answer(response, now).wait, Millis{120'000});
  response.headers = {{"Retry-After", "999999999"}};
  EXPECT_EQ(read_token_answer(response, now).wait, Millis{3'600'000});
  response.headers = {{"Retry-After", "Fri, 20 Nov 2026 10:00:30 GMT"}};
  EXPECT_EQ(read_token_answer(response, now).wait, Millis{30'000});
  response.headers = {{"Retry-After", "Fri, 20 Nov 2020 10:00:30 GMT"}};
  EXPECT_EQ(read_token_answer(response, now).wait, Millis{0});
  response.headers = {{"Retry-After", "soon"}};
  EXPECT_EQ(read_token_answer(response, now).wait, std::nullopt);
}

TEST(AuthToken, ARefusedAddressSaysWhatToSet) {
  http::ClientResponse response;
  response.refused_address = true;
  const auto answer = read_token_answer(response, now);
  EXPECT_EQ(answer.kind, Kind::refused);
  EXPECT_THAT(answer.reason, HasSubstr("allow_private"));
}
