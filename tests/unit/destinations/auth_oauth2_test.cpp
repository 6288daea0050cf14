#include <functional>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto.hpp"
#include "destinations/connector/auth_token.hpp"
#include "http/url.hpp"
#include "store/memory/memory_store.hpp"
#include "unit/destinations/auth_support.hpp"
#include "unit/destinations/scripted_servers.hpp"
#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using namespace chatrelay::destinations::connector;
using destinations::testing::http_answer;
using destinations::testing::HttpSink;
using destinations::testing::object;
using destinations::testing::ReadAuth;
using destinations::testing::run;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

const char* const yaml = R"(
auth:
  kind: oauth2
  grant: "{{ .settings.grant }}"
  token_url: "{{ .settings.url }}"
  authorize_url: https://accounts.example.com/auth
  client_id: client-1
  client_secret: "{{ .settings.secret }}"
  refresh_token: "{{ .settings.refresh_token }}"
)";

std::string granted(const std::string& token, const std::string& more = {}) {
  return http_answer(200, R"({"access_token":")" + token + "\"" + more + "}");
}

const std::string hour = R"(,"expires_in":3600)";
const std::string invalid_grant = http_answer(400, R"({"error":"invalid_grant","error_description":"revoked"})");

class OAuth2Test : public ::testing::Test {
 protected:
  std::shared_ptr<Auth> make(const std::string& more = {}, const std::string& text = yaml) {
    ReadAuth read(text);
    EXPECT_FALSE(read.problems.has_errors()) << read.problems.to_string();
    json::object settings{
        {"grant", grant_},
        {"url", sink_ ? sink_->url("/token") : url_},
        {"secret", "client-secret-1"},
        {"refresh_token", refresh_token_.empty() ? json::value(nullptr) : json::value(refresh_token_)}};
    AuthOptions options;
    options.destination = "crm" + more;
    options.store_key = Secret(store_key_);
    options.allow_private = true;
    auto made = make_auth(read.spec, settings, read.program, context_, std::move(options));
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : nullptr;
  }
  void serve(std::vector<std::string> answers) { sink_ = std::make_unique<HttpSink>(std::move(answers)); }

  Result<AuthPart> prepare(const std::shared_ptr<Auth>& auth) { return run(io_, auth->prepare()); }
  std::string token(const std::shared_ptr<Auth>& auth) {
    const auto part = prepare(auth);
    return part ? part->headers.at(0).second : "error: " + part.error().message;
  }
  bool renew(const std::shared_ptr<Auth>& auth, const std::string& id) { return run(io_, auth->renew(id)); }
  std::string sent(std::size_t request, std::string_view field) {
    const std::string text = sink_->requests().at(request);
    return std::string(http::parse_query(text.substr(text.find("\r\n\r\n") + 4))->get(field, "(none)"));
  }
  std::size_t requests() { return sink_->requests().size(); }
  std::string remembered() {
    const auto value = store_->open_reader()->remembered("token:crm");
    return value && *value ? json::serialize(**value) : "";
  }

  std::string grant_ = "client_credentials";
  std::string refresh_token_;
  std::string store_key_ = "0123456789abcdef0123456789abcdef";
  std::string url_ = "http://127.0.0.1:1/token";
  boost::asio::io_context io_{1};
  http::Client client_{io_.get_executor(), http::Client::Options{}};
  ManualClock clock_{*parse_rfc3339("2026-11-20T10:00:00Z")};
  RoomBell bell_;
  const std::unique_ptr<store::Store> store_ = store::make_memory_store(clock_);
  Context context_{io_.get_executor(), client_, clock_, {}, "relay.example", *store_, bell_};
  std::unique_ptr<HttpSink> sink_;
};

class RefreshTest : public OAuth2Test {
 protected:
  RefreshTest() {
    grant_ = "refresh_token";
    refresh_token_ = "refresh-0";
  }
};

}  // namespace

TEST_F(OAuth2Test, ATokenIsAskedForOnceAndUsedUntilAMinuteBeforeItsEnd) {
  serve({granted("token-1", hour), granted("token-2", hour)});
  const auto auth = make();
  EXPECT_EQ(token(auth), "Bearer token-1");
  clock_.advance(Millis{3'539'000});
  EXPECT_EQ(token(auth), "Bearer token-1");
  EXPECT_EQ(requests(), 1u);
  clock_.advance(Millis{1'000});
  EXPECT_EQ(token(auth), "Bearer token-2");
  EXPECT_EQ(requests(), 2u);
}

TEST_F(OAuth2Test, ItsLifeIsMeasuredByTheSteadyClock) {
  serve({granted("token-1", hour), granted("token-2", hour)});
  const auto auth = make();
  EXPECT_EQ(token(auth), "Bearer token-1");
  clock_.jump_wall(std::chrono::hours(48));
  EXPECT_EQ(token(auth), "Bearer token-1");
  clock_.jump_wall(-std::chrono::hours(96));
  EXPECT_EQ(token(auth), "Bearer token-1");
  EXPECT_EQ(requests(), 1u);
}

TEST_F(OAuth2Test, AShortLifeHasASmallMargin) {
  serve({granted("token-1", R"(,"expires_in":30)"), granted("token-2", R"(,"expires_in":30)")});
  const auto auth = make();
  EXPECT_EQ(token(auth), "Bearer token-1");
  clock_.advance(Millis{26'000});
  EXPECT_EQ(token(auth), "Bearer token-1");
  clock_.advance(Millis{1'000});
  EXPECT_EQ(token(auth), "Bearer token-2");
}

TEST_F(OAuth2Test, AllWhoWaitShareOneRequest) {
  serve({granted("token-1", hour), http_answer(500, "")});
  const auto auth = make();
  int got = 0;
  const auto one = [&](std::exception_ptr error, Result<AuthPart> part) {
    EXPECT_FALSE(error);
    EXPECT_TRUE(part && part->headers.at(0).second == "Bearer token-1");
    ++got;
  };
  for (int i = 0; i < 5; ++i) boost::asio::co_spawn(io_, auth->prepare(), one);
  EXPECT_EQ(token(auth), "Bearer token-1");
  io_.restart();
  io_.poll();
  EXPECT_EQ(got, 5);
  EXPECT_EQ(requests(), 1u);
}

TEST_F(OAuth2Test, ATokenWithoutALifetimeHoldsUntilItIsRefused) {
  serve({granted("token-1"), granted("token-2")});
  const auto auth = make();
  const auto first = prepare(auth);
  ASSERT_TRUE(first);
  clock_.advance(std::chrono::hours(24 * 30));
  EXPECT_EQ(token(auth), "Bearer token-1");
  EXPECT_TRUE(renew(auth, first->token_id));
  EXPECT_EQ(token(auth), "Bearer token-2");
  EXPECT_TRUE(renew(auth, first->token_id)) << "somebody was faster: nothing is asked";
  EXPECT_EQ(requests(), 2u);
}

TEST_F(OAuth2Test, AllWhoWereRefusedShareOneRenewal) {
  serve({granted("token-1"), granted("token-2"), http_answer(500, "")});
  const auto auth = make();
  const auto first = prepare(auth);
  int renewed = 0;
  const auto one = [&](std::exception_ptr error, bool yes) { renewed += !error && yes ? 1 : 0; };
  for (int i = 0; i < 5; ++i) boost::asio::co_spawn(io_, auth->renew(first->token_id), one);
  EXPECT_TRUE(renew(auth, first->token_id));
  io_.restart();
  io_.poll();
  EXPECT_EQ(renewed, 5);
  EXPECT_EQ(requests(), 2u);
}

TEST_F(OAuth2Test, TheSameTokenAgainIsNoRenewal) {
  serve({granted("token-1"), granted("token-1")});
  const auto auth = make();
  const auto first = prepare(auth);
  EXPECT_TRUE(renew(auth, first->token_id)) << "prepare() tells what is in the way";
  const auto after = prepare(auth);
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().kind, ErrorKind::unauthorized);
  EXPECT_THAT(after.error().message, HasSubstr("the same one again"));
}

TEST_F(OAuth2Test, ADeadTokenServerIsARetryAndIsLeftAloneForAWhile) {
  serve({http_answer(503, ""), "", granted("token-1", hour)});
  const auto auth = make();
  auto part = prepare(auth);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(part.error().message, HasSubstr("HTTP 503"));
  EXPECT_FALSE(prepare(auth));
  EXPECT_EQ(requests(), 1u) << "not asked again within a second";
  clock_.advance(Millis{1'000});
  part = prepare(auth);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().kind, ErrorKind::unavailable);
  clock_.advance(Millis{1'999});
  EXPECT_FALSE(prepare(auth)) << "the pause doubles";
  EXPECT_EQ(requests(), 2u);
  clock_.advance(Millis{1});
  EXPECT_EQ(token(auth), "Bearer token-1");
}

TEST_F(OAuth2Test, ARenewalThatFailsForNowIsNotTheEnd) {
  serve({granted("token-1"), http_answer(502, ""), granted("token-2")});
  const auto auth = make();
  const auto first = prepare(auth);
  EXPECT_TRUE(renew(auth, first->token_id));
  const auto part = prepare(auth);
  ASSERT_FALSE(part) << "the refused token is not used again";
  EXPECT_EQ(part.error().kind, ErrorKind::unavailable);
  clock_.advance(Millis{1'000});
  EXPECT_EQ(token(auth), "Bearer token-2");
}

TEST_F(OAuth2Test, AWaitThatTheServerAskedForIsKept) {
  serve({http_answer(429, "{}", "Retry-After: 90\r\n"), granted("token-1", hour)});
  const auto auth = make();
  EXPECT_FALSE(prepare(auth));
  clock_.advance(Millis{89'999});
  EXPECT_FALSE(prepare(auth));
  EXPECT_EQ(requests(), 1u);
  clock_.advance(Millis{1});
  EXPECT_EQ(token(auth), "Bearer token-1");
}

TEST_F(OAuth2Test, ATokenNearItsEndIsStillGoodWhileTheServerIsDown) {
  serve({granted("token-1", hour), http_answer(500, ""), http_answer(500, "")});
  const auto auth = make();
  EXPECT_EQ(token(auth), "Bearer token-1");
  clock_.advance(Millis{3'550'000});
  EXPECT_EQ(token(auth), "Bearer token-1");
  EXPECT_EQ(requests(), 2u);
  clock_.advance(Millis{50'000});
  EXPECT_THAT(token(auth), HasSubstr("HTTP 500"));
}

TEST_F(OAuth2Test, ARefusedClientDisablesAndShowsNoSecret) {
  serve({http_answer(200, R"({"error":"invalid_client","error_description":"client-secret-1 is wrong"})")});
  const auto auth = make();
  const auto part = prepare(auth);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().kind, ErrorKind::unauthorized);
  EXPECT_THAT(part.error().message, HasSubstr("invalid_client"));
  EXPECT_THAT(part.error().message, Not(HasSubstr("client-secret-1")));
}

TEST_F(OAuth2Test, TheTokensMembersAreThereForTheBaseUrl) {
  serve({granted("token-1", R"(,"instance_url":"https://eu7.example.com","refresh_token":"r")")});
  const auto part = prepare(make());
  ASSERT_TRUE(part);
  EXPECT_EQ(part->token.at("instance_url"), "https://eu7.example.com");
  EXPECT_FALSE(part->token.contains("refresh_token"));
}

TEST_F(OAuth2Test, WhatAnAnswerSaysMayForbidARenewal) {
  serve({granted("token-1")});
  const auto auth = make({}, std::string(yaml) + "  never_refresh_when: '.body[0].errorCode == \"NOT_ATTACHED\"'\n");
  http::ClientResponse refused;
  refused.progress = http::Progress::answered;
  refused.status = 401;
  refused.body = R"([{"errorCode":"INVALID_SESSION_ID"}])";
  EXPECT_TRUE(auth->mends(refused));
  refused.body = R"([{"errorCode":"NOT_ATTACHED"}])";
  EXPECT_FALSE(auth->mends(refused));
  refused.body = "<html>";
  EXPECT_TRUE(auth->mends(refused));
}

TEST_F(OAuth2Test, ARefusalIsNoReasonToRenewWhereTheFileSaysSo) {
  serve({granted("token-1", hour)});
  const auto auth = make({}, std::string(yaml) + "  refresh_on_401: false\n");
  const auto part = prepare(auth);
  http::ClientResponse refused;
  refused.status = 401;
  EXPECT_FALSE(auth->mends(refused));
  EXPECT_FALSE(renew(auth, part->token_id));
  EXPECT_EQ(requests(), 1u);
}

TEST_F(RefreshTest, ANewRefreshTokenIsKeptSealedBeforeItsTokenIsUsed) {
  serve({granted("token-1", hour + R"(,"refresh_token":"refresh-1")"), granted("token-2", hour)});
  const auto auth = make();
  EXPECT_EQ(token(auth), "Bearer token-1");
  EXPECT_EQ(sent(0, "refresh_token"), "refresh-0");
  const std::string kept = remembered();
  ASSERT_FALSE(kept.empty());
  EXPECT_THAT(kept, Not(HasSubstr("refresh-1")));
  EXPECT_THAT(kept, Not(HasSubstr("token-1")));
  clock_.advance(std::chrono::hours(2));
  EXPECT_EQ(token(auth), "Bearer token-2");
  EXPECT_EQ(sent(1, "refresh_token"), "refresh-1");
}

TEST_F(RefreshTest, ACancelledDeliveryDoesNotLoseTheNewRefreshToken) {
  serve({granted("token-1", hour + R"(,"refresh_token":"refresh-1")"), invalid_grant});
  const auto auth = make();
  boost::asio::cancellation_signal signal;
  bool cancelled = false;
  auto done = [&](std::exception_ptr error, Result<AuthPart>) { cancelled = error != nullptr; };
  boost::asio::co_spawn(io_, auth->prepare(), boost::asio::bind_cancellation_slot(signal.slot(), done));
  io_.restart();
  io_.run_one();  // it has begun and waits
  signal.emit(boost::asio::cancellation_type::terminal);
  EXPECT_EQ(token(auth), "Bearer token-1");
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(requests(), 1u);
}

TEST_F(RefreshTest, ARestartAsksNobodyAndKnowsTheNewRefreshToken) {
  serve({granted("token-1", hour + R"(,"refresh_token":"refresh-1")"), granted("token-2", hour)});
  EXPECT_EQ(token(make()), "Bearer token-1");
  const auto after = make();
  EXPECT_EQ(token(after), "Bearer token-1");
  EXPECT_EQ(requests(), 1u);
  clock_.advance(std::chrono::hours(2));
  EXPECT_EQ(token(after), "Bearer token-2");
  EXPECT_EQ(sent(1, "refresh_token"), "refresh-1");
}

TEST_F(RefreshTest, AKeptTokenThatWasRefusedIsNotTakenAgain) {
  serve({granted("token-1"), granted("token-2")});
  const auto auth = make();
  const auto first = prepare(auth);
  EXPECT_TRUE(renew(auth, first->token_id));
  EXPECT_EQ(token(auth), "Bearer token-2");
}

TEST_F(RefreshTest, ARefreshTokenThatIsConfiguredAnewCounts) {
  serve({granted("token-1", hour + R"(,"refresh_token":"refresh-1")"), granted("token-2", hour)});
  EXPECT_EQ(token(make()), "Bearer token-1");
  refresh_token_ = "refresh-new";
  EXPECT_EQ(token(make()), "Bearer token-2");
  EXPECT_EQ(sent(1, "refresh_token"), "refresh-new");
}

TEST_F(RefreshTest, WhatIsKeptBelongsToOneDestination) {
  serve({granted("token-1", hour), granted("token-2", hour)});
  EXPECT_EQ(token(make()), "Bearer token-1");
  EXPECT_EQ(token(make("2")), "Bearer token-2");
}

TEST_F(RefreshTest, TwoOfOneDestinationDoNotUseUpEachOthersToken) {
  serve({granted("token-1", hour + R"(,"refresh_token":"refresh-1")"),
         granted("token-2", hour + R"(,"refresh_token":"refresh-2")"), invalid_grant});
  const auto old = make();
  const auto reloaded = make();
  EXPECT_EQ(token(old), "Bearer token-1");
  EXPECT_EQ(token(reloaded), "Bearer token-1");
  clock_.advance(std::chrono::hours(2));
  EXPECT_EQ(token(reloaded), "Bearer token-2");
  EXPECT_EQ(sent(1, "refresh_token"), "refresh-1");
  EXPECT_EQ(token(old), "Bearer token-2");
  EXPECT_EQ(requests(), 2u);
}

TEST_F(RefreshTest, ADeadRefreshTokenDisablesAndSaysWhatToDo) {
  serve({invalid_grant, invalid_grant});
  const auto auth = make();
  for (int i = 0; i < 3; ++i) {
    const auto part = prepare(auth);
    ASSERT_FALSE(part);
    EXPECT_EQ(part.error().kind, ErrorKind::unauthorized);
    EXPECT_THAT(part.error().message, HasSubstr("invalid_grant: revoked"));
    EXPECT_THAT(part.error().message, HasSubstr("chatrelay destinations authorize crm"));
  }
  EXPECT_TRUE(renew(auth, "whatever")) << "prepare() tells what is in the way";
  EXPECT_EQ(requests(), 1u) << "it is left alone";
  clock_.advance(Millis{10'000});  // until an operator resumes
  EXPECT_FALSE(prepare(auth));
  EXPECT_EQ(requests(), 2u);
}

TEST_F(RefreshTest, WithoutAnyRefreshTokenNobodyIsAsked) {
  serve({granted("token-1")});
  refresh_token_.clear();
  const auto part = prepare(make());
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().kind, ErrorKind::unauthorized);
  EXPECT_THAT(part.error().message, HasSubstr("authorize crm"));
  EXPECT_EQ(requests(), 0u);
}

TEST_F(RefreshTest, AnotherStoreKeyOpensNothingAndSaysSo) {
  serve({granted("token-1", R"(,"refresh_token":"refresh-1")"), granted("token-2")});
  refresh_token_.clear();
  const auto auth = make();
  const auto begun = auth->begin_grant("http://localhost:8976/callback");
  ASSERT_TRUE(begun) << begun.error().message;
  ASSERT_TRUE(run(io_, auth->finish_grant(begun->state, "code-1")));
  store_key_ = "another key, another key";
  const auto part = prepare(make());
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().kind, ErrorKind::unauthorized);
  EXPECT_THAT(part.error().message, HasSubstr("store_key"));
  EXPECT_EQ(requests(), 1u);
}

TEST_F(RefreshTest, TheCodeGrantGivesATokenThatARestartKnows) {
  serve({granted("token-1", hour + R"(,"refresh_token":"refresh-1","scope":"read")"), granted("token-2", hour)});
  refresh_token_.clear();
  const auto auth = make();
  const auto begun = auth->begin_grant("http://localhost:8976/callback");
  ASSERT_TRUE(begun) << begun.error().message;
  const auto query = http::parse_query(std::string_view(begun->address).substr(begun->address.find('?') + 1));
  EXPECT_EQ(query->get("state"), begun->state);
  EXPECT_EQ(query->get("code_challenge_method"), "S256");

  const auto finished = run(io_, auth->finish_grant(begun->state, "code 1"));
  ASSERT_TRUE(finished) << finished.error().message;
  EXPECT_EQ(finished->at("scope"), "read");
  EXPECT_EQ(finished->at("expires_in").to_number<int>(), 3600);
  EXPECT_EQ(sent(0, "grant_type"), "authorization_code");
  EXPECT_EQ(sent(0, "code"), "code 1");
  EXPECT_EQ(sent(0, "redirect_uri"), "http://localhost:8976/callback");
  EXPECT_EQ(pkce_challenge(sent(0, "code_verifier")), query->get("code_challenge"));

  EXPECT_EQ(token(auth), "Bearer token-1");
  EXPECT_EQ(token(make()), "Bearer token-1");
  clock_.advance(std::chrono::hours(2));
  EXPECT_EQ(token(make()), "Bearer token-2");
  EXPECT_EQ(sent(1, "refresh_token"), "refresh-1");
}

TEST_F(RefreshTest, AnAuthorizationEndsWhatWasDisabled) {
  serve({invalid_grant, granted("token-1", hour + R"(,"refresh_token":"refresh-1")")});
  const auto auth = make();
  EXPECT_FALSE(prepare(auth));
  const auto begun = auth->begin_grant("http://localhost:8976/callback");
  ASSERT_TRUE(run(io_, auth->finish_grant(begun->state, "code")));
  EXPECT_EQ(token(auth), "Bearer token-1");
}

TEST_F(RefreshTest, AStateIsGoodOnceAndNotForLong) {
  serve({granted("token-1", R"(,"refresh_token":"refresh-1")")});
  const auto auth = make();
  const auto first = auth->begin_grant("http://localhost:8976/callback");
  const auto second = auth->begin_grant("http://localhost:8976/callback");
  EXPECT_NE(first->state, second->state);
  EXPECT_EQ(run(io_, auth->finish_grant("guessed", "code")).error().kind, ErrorKind::not_found);
  ASSERT_TRUE(run(io_, auth->finish_grant(first->state, "code")));
  EXPECT_EQ(run(io_, auth->finish_grant(first->state, "code")).error().kind, ErrorKind::not_found);
  clock_.advance(std::chrono::minutes(15));
  EXPECT_EQ(run(io_, auth->finish_grant(second->state, "code")).error().kind, ErrorKind::not_found);
  EXPECT_EQ(requests(), 1u);
}

TEST_F(RefreshTest, ATokenThatEndsWithoutARefreshTokenIsNoAuthorization) {
  serve({granted("token-1", hour)});
  const auto auth = make();
  const auto begun = auth->begin_grant("http://localhost:8976/callback");
  const auto finished = run(io_, auth->finish_grant(begun->state, "code"));
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().kind, ErrorKind::unauthorized);
  EXPECT_THAT(finished.error().message, HasSubstr("no refresh token"));
  EXPECT_TRUE(remembered().empty());
}

TEST_F(RefreshTest, ARefusedCodeIsToldAndChangesNothing) {
  serve({granted("token-1", hour), invalid_grant});
  const auto auth = make();
  EXPECT_EQ(token(auth), "Bearer token-1");
  const auto begun = auth->begin_grant("http://localhost:8976/callback");
  const auto finished = run(io_, auth->finish_grant(begun->state, "code"));
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().kind, ErrorKind::unauthorized);
  EXPECT_EQ(token(auth), "Bearer token-1");
}

TEST_F(OAuth2Test, OtherGrantsTakeNoAuthorization) {
  const auto begun = make()->begin_grant("http://localhost:8976/callback");
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().kind, ErrorKind::invalid);
}
