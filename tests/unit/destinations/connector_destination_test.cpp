#include "destinations/connector/connector_destination.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "destinations/connector/registry.hpp"
#include "destinations/kinds.hpp"
#include "store/memory/memory_store.hpp"
#include "unit/destinations/scripted_servers.hpp"
#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using namespace chatrelay::destinations::connector;
using destinations::testing::HttpSink;
using destinations::testing::run;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

const char* const answer_ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

class ConnectorDestinationTest : public ::testing::Test {
 protected:
  std::unique_ptr<Destination> make(const std::string& settings) {
    const std::string webhook =
        destinations::testing::read_file(CHATRELAY_SOURCE_DIR "/config/connectors/webhook.yaml");
    const ShippedConnector shipped[] = {{"webhook", webhook}};
    config_ = config::parse_config("destinations:\n  hook: {connector: webhook, " + settings + "}\n", "chatrelay.yaml",
                                   problems_, config::Environment::process());
    const auto* config = config_.destination("hook");
    EXPECT_NE(config, nullptr) << problems_.to_string();
    const DestinationKind kind = connector_kind(Registry::load(shipped, {}, problems_));
    kind.schema(*config, problems_);
    EXPECT_FALSE(problems_.has_errors()) << problems_.to_string();
    return kind.make(*config, context_, problems_);
  }
  static Attempt attempt(std::string_view with) {
    Attempt a;
    a.id = "01JCZ000000000000000000001";
    a.with = *parse_json(with);
    return a;
  }
  Outcome deliver(Destination& destination, std::string_view with) {
    return run(io_, destination.attempt(attempt(with)));
  }

  boost::asio::io_context io_{1};
  http::Client client_{io_.get_executor(), http::Client::Options{}};
  ManualClock clock_{from_ms(1'614'265'330'000)};
  RoomBell bell_;
  const std::unique_ptr<store::Store> store_ = store::make_memory_store(clock_);
  Context context_{io_.get_executor(), client_, clock_, {}, "relay.example", *store_, bell_};
  config::Problems problems_;
  config::Config config_;
};

}  // namespace

TEST_F(ConnectorDestinationTest, ARequestArrivesAsItWasBuilt) {
  HttpSink sink({answer_ok});
  auto destination = make("url: \"" + sink.url("/in?tenant=7") +
                          "\", sign: \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\", allow_private: true");
  const Outcome outcome =
      deliver(*destination, R"({"body":{"text":"Zoë"},"query":{"q":"a b"},"headers":{"X-Chat":"PJ"}})");
  EXPECT_EQ(outcome.klass, OutcomeClass::ok) << outcome.reason;
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.response, "ok");
  ASSERT_EQ(sink.requests().size(), 1u);
  const std::string request = to_lower_ascii(sink.requests()[0]);
  EXPECT_THAT(request, HasSubstr("post /in?tenant=7&q=a%20b http/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nx-chat: pj\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nwebhook-id: 01jcz000000000000000000001\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nwebhook-timestamp: 1614265330\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nwebhook-signature: v1,"));
  EXPECT_THAT(request, ::testing::EndsWith("\r\n\r\n{\"text\":\"zoë\"}"));
}

TEST_F(ConnectorDestinationTest, ARedirectIsNotFollowed) {
  HttpSink other({answer_ok});
  HttpSink sink({"HTTP/1.1 302 Found\r\nLocation: " + other.url("/secret") +
                 "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"});
  auto destination = make("url: \"" + sink.url("/") + "\", allow_private: true");
  const Outcome outcome = deliver(*destination, R"({"body":1})");
  EXPECT_EQ(outcome.klass, OutcomeClass::retry);
  EXPECT_THAT(outcome.reason, HasSubstr("is not followed"));
  EXPECT_THAT(outcome.reason, Not(HasSubstr("secret")));
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(ConnectorDestinationTest, WhatIsRefusedIsNeverSent) {
  HttpSink sink({answer_ok});
  auto destination = make("url: \"" + sink.url("/") + "\", allow_private: true");
  const Outcome outcome = deliver(*destination, R"({"headers":{"X-A":"a\r\nX-B: c"}})");
  EXPECT_EQ(outcome.klass, OutcomeClass::reject);
  EXPECT_THAT(outcome.reason, HasSubstr("not sent: header X-A"));
  EXPECT_TRUE(sink.requests().empty());
}

TEST_F(ConnectorDestinationTest, ALoopbackAddressIsRefusedUnlessAllowed) {
  HttpSink sink({answer_ok});
  auto destination = make("url: \"" + sink.url("/") + "\"");
  const Outcome outcome = deliver(*destination, R"({"body":1})");
  EXPECT_EQ(outcome.klass, OutcomeClass::disable);
  EXPECT_THAT(outcome.reason, HasSubstr("allow_private: true"));
  EXPECT_TRUE(sink.requests().empty());
}

TEST_F(ConnectorDestinationTest, NoListenerIsARetryAndNoAnswerIsAmbiguous) {
  std::string closed;
  {
    HttpSink gone({answer_ok});
    closed = gone.url("/");
  }
  auto destination = make("url: \"" + closed + "\", allow_private: true");
  EXPECT_EQ(deliver(*destination, R"({"body":1})").klass, OutcomeClass::retry);

  HttpSink silent({""});
  destination = make("url: \"" + silent.url("/") + "\", allow_private: true, ambiguous: hold");
  const Outcome outcome = deliver(*destination, R"({"body":1})");
  EXPECT_EQ(outcome.klass, OutcomeClass::ambiguous) << outcome.reason;
  EXPECT_TRUE(outcome.destination_fault);
  EXPECT_EQ(silent.requests().size(), 1u);
}

TEST_F(ConnectorDestinationTest, RetryAfterBecomesAThrottle) {
  HttpSink sink(
      {"HTTP/1.1 429 Too Many\r\nRetry-After: Thu, 25 Feb 2021 15:03:10 GMT\r\nContent-Length: 0\r\nConnection: "
       "close\r\n\r\n"});
  auto destination = make("url: \"" + sink.url("/") + "\", allow_private: true");
  const Outcome outcome = deliver(*destination, R"({"body":1})");
  EXPECT_EQ(outcome.klass, OutcomeClass::throttle);
  EXPECT_EQ(outcome.wait, Millis{60'000});
}

TEST_F(ConnectorDestinationTest, AnUnknownActionIsRejected) {
  HttpSink sink({answer_ok});
  auto destination = make("url: \"" + sink.url("/") + "\", allow_private: true");
  Attempt a = attempt("{}");
  a.action = "upsert";
  const Outcome outcome = run(io_, destination->attempt(a));
  EXPECT_EQ(outcome.klass, OutcomeClass::reject);
  EXPECT_THAT(outcome.reason, HasSubstr("no action \"upsert\""));
}

TEST_F(ConnectorDestinationTest, AProbeIsHarmlessAndShowsNoPath) {
  HttpSink sink({"HTTP/1.1 405 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"});
  auto destination = make("url: \"" + sink.url("/services/T0/TOKEN?key=SECRET") + "\", allow_private: true");
  const Outcome outcome = run(io_, destination->probe());
  EXPECT_EQ(outcome.klass, OutcomeClass::ok) << outcome.reason;
  ASSERT_EQ(sink.requests().size(), 1u);
  EXPECT_THAT(sink.requests()[0], ::testing::StartsWith("OPTIONS "));
  EXPECT_THAT(destination->describe(), ::testing::MatchesRegex("webhook: POST http://127.0.0.1:[0-9]+/…"));
}
