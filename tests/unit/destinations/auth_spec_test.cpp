#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto.hpp"
#include "unit/destinations/auth_keys.hpp"
#include "unit/destinations/auth_support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations::connector;
using chatrelay::destinations::testing::object;
using chatrelay::destinations::testing::ReadAuth;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

namespace {

std::string problems_of(const std::string& yaml) {
  return ReadAuth(yaml).problems.to_string();
}

Result<AuthPart> part(ReadAuth& read, std::string_view settings, std::string_view token = "{}") {
  EXPECT_FALSE(read.problems.has_errors()) << read.problems.to_string();
  return auth_part(read.spec, object(settings), object(token), *read.program);
}

const char* const oauth2 = R"(
auth:
  kind: oauth2
  grant: "{{ .settings.grant }}"
  token_url: "https://accounts.example.{{ .settings.region }}/token"
  client_id: "{{ .settings.client_id }}"
  client_secret: "{{ .settings.client_secret }}"
  refresh_token: "{{ .settings.refresh_token }}"
  jwt: {issuer: "{{ .settings.client_id }}", subject: u, audience: a, private_key: "{{ .settings.key }}"}
)";

std::string check(const std::string& settings, const std::string& store_key = {}) {
  ReadAuth read(oauth2);
  EXPECT_FALSE(read.problems.has_errors()) << read.problems.to_string();
  AuthOptions options;
  options.destination = "crm";
  if (!store_key.empty()) options.store_key = Secret(store_key);
  const auto checked = check_auth(read.spec, object(settings), *read.program, options);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST(AuthSpec, NoAuthIsNoLogin) {
  ReadAuth read("connector: x\n");
  const auto nothing = part(read, "{}");
  ASSERT_TRUE(nothing);
  EXPECT_THAT(nothing->headers, IsEmpty());
  EXPECT_THAT(nothing->query, IsEmpty());
}

TEST(AuthSpec, AHeaderIsMadeOfSettings) {
  ReadAuth read("auth: {kind: header, name: Authorization, value: \"Bearer {{ .settings.token }}\"}\n");
  const auto made = part(read, R"({"token":"xoxb-1"})");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->headers, ElementsAre(Pair("Authorization", "Bearer xoxb-1")));
}

TEST(AuthSpec, AHeaderWithoutAValueIsLeftOut) {
  ReadAuth read("auth: {kind: header, name: X-Key, value: \"{{ .settings.key }}\"}\n");
  EXPECT_THAT(part(read, R"({"key":null})")->headers, IsEmpty());
}

TEST(AuthSpec, ALineBreakInASettingDoesNotBecomeAHeader) {
  ReadAuth read("auth: {kind: header, name: X-Key, value: \"{{ .settings.key }}\"}\n");
  const auto made = part(read, R"({"key":"abc\r\nX-Admin: 1"})");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("line break"));
  EXPECT_THAT(made.error().message, ::testing::Not(HasSubstr("abc")));
}

TEST(AuthSpec, BasicIsUserAndPassword) {
  ReadAuth read("auth: {kind: basic, user: \"{{ .settings.email }}/token\", password: \"{{ .settings.token }}\"}\n");
  const auto made = part(read, R"({"email":"a@b.c","token":"t:1"})");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->headers, ElementsAre(Pair("Authorization", "Basic " + base64_encode("a@b.c/token:t:1"))));
  EXPECT_FALSE(part(read, R"({"email":"a:b","token":"t"})")) << "a colon would move into the password";
}

TEST(AuthSpec, AQueryParameter) {
  ReadAuth read("auth: {kind: query, name: api_key, value: \"{{ .settings.key }}\"}\n");
  EXPECT_THAT(part(read, R"({"key":"k&1"})")->query, ElementsAre(Pair("api_key", "k&1")));
}

TEST(AuthSpec, TheFirstOfAListThatFitsIsTaken) {
  ReadAuth read(R"(
auth:
  - {kind: header, when: ".settings.token != null", name: X-Token, value: "{{ .settings.token }}"}
  - {kind: query, when: ".settings.key != null", name: key, value: "{{ .settings.key }}"}
)");
  EXPECT_THAT(part(read, R"({"token":"t","key":"k"})")->headers, ElementsAre(Pair("X-Token", "t")));
  EXPECT_THAT(part(read, R"({"token":null,"key":"k"})")->query, ElementsAre(Pair("key", "k")));
  const auto none = part(read, R"({"token":null,"key":null})");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("fits the settings"));
}

TEST(AuthSpec, ATokenGivesTheHeaderAndItsMembersButNoRefreshToken) {
  ReadAuth read(R"(
auth: {kind: oauth2, grant: client_credentials, token_url: "https://x.example/t", client_id: a, client_secret: b,
       header: "Zoho-oauthtoken {{ .token.access_token }}"}
)");
  const auto made = part(read, "{}", R"({"access_token":"T","refresh_token":"R","api_domain":"https://z.example"})");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->headers, ElementsAre(Pair("Authorization", "Zoho-oauthtoken T")));
  EXPECT_EQ(made->token.at("api_domain"), "https://z.example");
  EXPECT_FALSE(made->token.contains("refresh_token"));
  EXPECT_FALSE(made->token_id.empty());
  EXPECT_NE(made->token_id, part(read, "{}", R"({"access_token":"U"})")->token_id);
}

TEST(AuthSpec, EveryProblemIsToldWithItsLine) {
  const std::string told = problems_of(R"(
auth:
  - {kind: header, name: "bad name", valeu: x}
  - {kind: oauth2, grant: magic, client_auth: both, expires_in: soon, when: "{{ .settings.a }}",
     jwt: {issuer: a, lifetime: 3d}}
  - {kind: digest}
)");
  EXPECT_THAT(told, HasSubstr("test.yaml:3"));
  EXPECT_THAT(told, HasSubstr("valeu"));
  EXPECT_THAT(told, HasSubstr("needs value"));
  EXPECT_THAT(told, HasSubstr("is not a header name"));
  EXPECT_THAT(told, HasSubstr("what follows it in the list is never taken"));
  EXPECT_THAT(told, HasSubstr("needs token_url"));
  EXPECT_THAT(told, HasSubstr("refresh_token, client_credentials, jwt_bearer"));
  EXPECT_THAT(told, HasSubstr("body, basic"));
  EXPECT_THAT(told, HasSubstr("without {{ }}"));
  EXPECT_THAT(told, HasSubstr("between 10s and 1h"));
  EXPECT_THAT(told, HasSubstr("needs private_key"));
  EXPECT_THAT(told, HasSubstr("digest"));
}

TEST(AuthSpec, AGrantThatCannotWorkIsAProblem) {
  EXPECT_THAT(
      problems_of("auth: {kind: oauth2, grant: refresh_token, token_url: \"https://x.example\", client_id: a}\n"),
      HasSubstr("refresh_token or authorize_url"));
  EXPECT_THAT(problems_of("auth: {kind: oauth2, grant: jwt_bearer, token_url: \"https://x.example\"}\n"),
              HasSubstr("needs jwt"));
  EXPECT_THAT(problems_of("auth: {kind: oauth2, grant: client_credentials, token_url: \"https://x.example\"}\n"),
              HasSubstr("needs client_secret"));
}

TEST(AuthSpec, SettingsAreCheckedBeforeAnythingIsSent) {
  EXPECT_EQ(check(R"({"grant":"client_credentials","region":"eu","client_id":"a","client_secret":"b"})"), "");
  EXPECT_THAT(check(R"({"grant":"client_credentials","region":"eu","client_id":"a"})"), HasSubstr("client_secret"));
  EXPECT_THAT(check(R"({"grant":"client_credentials","region":"eu /x","client_id":"a","client_secret":"b"})"),
              HasSubstr("token_url"));
  EXPECT_THAT(check(R"({"grant":"password","region":"eu","client_id":"a"})"), HasSubstr("auth.grant"));
  EXPECT_THAT(check(R"({"grant":"jwt_bearer","region":"eu","client_id":"a","key":"no key"})"),
              HasSubstr("jwt.private_key"));
  json::object settings{{"grant", "jwt_bearer"},
                        {"region", "eu"},
                        {"client_id", "a"},
                        {"key", chatrelay::destinations::testing::rsa_private_key}};
  EXPECT_EQ(check(json::serialize(settings)), "");
}

TEST(AuthSpec, WhatIsKeptNeedsAStoreKey) {
  const std::string settings = R"({"grant":"refresh_token","region":"eu","client_id":"a","refresh_token":"r-1"})";
  EXPECT_THAT(check(settings), HasSubstr("store_key"));
  EXPECT_THAT(check(settings, "short"), HasSubstr("store_key"));
  EXPECT_EQ(check(settings, "0123456789abcdef"), "");
}
