#include "common/json_scan.hpp"
#include "common/text.hpp"
#include "systems/livechat/livechat_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

const std::string secret = "first-secret-0123456789";
const std::string second = "second-secret-9876543210";
const std::string yaml = "system: livechat\nsecrets: [" + secret + ", " + second + "]";

class LivechatAdmit : public ::testing::Test {
 protected:
  void SetUp() override { renew(); }
  void renew() {
    made_ = make_source(systems::livechat_kind(), yaml, "lc");
    ASSERT_TRUE(made_.source) << made_.problems;
  }
  systems::Verdict admit(std::string body, std::string path_secret = "", WallTime at = now) {
    Request request{std::move(body), std::move(path_secret), "application/json", {}};
    return made_.source->admit(request.view(), at);
  }
  int status(const systems::Verdict& verdict) {
    return verdict.accepted ? verdict.accepted->status : verdict.rejected->status;
  }
  std::string kept(std::string body, std::string path_secret = "") {
    const auto verdict = admit(std::move(body), std::move(path_secret));
    return verdict.accepted ? verdict.accepted->body : "rejected: " + verdict.rejected->message;
  }
  Hash128 key(const std::string& body, WallTime at = now) {
    const auto verdict = admit(body, "", at);
    return verdict.accepted && verdict.accepted->dedup ? verdict.accepted->dedup->hash : Hash128{};
  }
  Made made_;
};

std::string hook(const std::string& action, const std::string& payload, const std::string& webhook_id = "w1",
                 const std::string& more = "") {
  return R"({"webhook_id":")" + webhook_id + R"(","secret_key":")" + secret + R"(","action":")" + action +
         R"(","organization_id":"org","payload":)" + payload + R"(,"additional_data":{)" + more + "}}";
}
std::string message(const std::string& event, const std::string& text = "hello") {
  return R"({"chat_id":"C1","thread_id":"T1","event":{"id":")" + event + R"(","type":"message","text":")" + text +
         R"("}})";
}
std::string tag(const std::string& name) {
  return R"({"chat_id":"C1","thread_id":"T1","tag":")" + name + R"("})";
}

// --- secrets ---

TEST_F(LivechatAdmit, TakesEachOfItsSecretsInTheBody) {
  EXPECT_EQ(status(admit(R"({"action":"a","secret_key":")" + secret + "\"}")), 200);
  EXPECT_EQ(status(admit(R"({"action":"a","secret_key":")" + second + "\"}")), 200);
}

TEST_F(LivechatAdmit, TakesASecretInThePath) {
  EXPECT_EQ(status(admit(R"({"action":"a"})", secret)), 200);
  EXPECT_EQ(status(admit(R"({"action":"a"})", second)), 200);
  EXPECT_EQ(status(admit(R"({"event":"application_installed","applicationID":"x"})", secret)), 200);
}

TEST_F(LivechatAdmit, RefusesAWrongOrMissingSecretWith401) {
  for (const std::string body :
       {R"({"action":"a"})", R"({"action":"a","secret_key":"wrong"})", R"({"action":"a","secret_key":""})",
        R"({"action":"a","secret_key":null})", R"({"action":"a","secret_key":["first-secret-0123456789"]})",
        R"({"event":"application_installed","applicationID":"x"})", R"([])", R"("text")"}) {
    const auto verdict = admit(body);
    ASSERT_TRUE(verdict.rejected) << body;
    EXPECT_EQ(verdict.rejected->status, 401) << body;
    EXPECT_EQ(verdict.rejected->reason, systems::RejectReason::wrong_secret) << body;
    EXPECT_EQ(verdict.rejected->message.find(secret), std::string::npos);
  }
}

TEST_F(LivechatAdmit, ASecretInOnePlaceDoesNotExcuseAWrongOneInTheOther) {
  EXPECT_EQ(status(admit(R"({"action":"a","secret_key":"wrong"})", secret)), 401);
  EXPECT_EQ(status(admit(R"({"action":"a","secret_key":")" + secret + "\"}", "wrong")), 401);
  EXPECT_EQ(status(admit(R"({"action":"a","secret_key":")" + secret + "\"}", second)), 200);
}

TEST_F(LivechatAdmit, ASecretDeeperInTheBodyIsNoProof) {
  EXPECT_EQ(status(admit(R"({"action":"a","payload":{"secret_key":")" + secret + "\"}}")), 401);
}

TEST_F(LivechatAdmit, OfTwoSecretKeysTheLastHolds) {
  EXPECT_EQ(status(admit(R"({"secret_key":")" + secret + R"(","action":"a","secret_key":"wrong"})")), 401);
  const std::string body = kept(R"({"secret_key":"wrong-but-first","action":"a","secret_key":")" + secret + "\"}");
  EXPECT_EQ(body, R"({"action":"a"})");
}

TEST_F(LivechatAdmit, AnswersABrokenGrammarWith400WhateverTheSecret) {
  for (const std::string body :
       {"", "{", R"({"action":)", "not json", R"({"action":"a"} trailing)", R"({"action":"a",})"})
    for (const std::string& path : {std::string(), secret, std::string("wrong")}) {
      const auto verdict = admit(body, path);
      ASSERT_TRUE(verdict.rejected) << body;
      EXPECT_EQ(verdict.rejected->status, 400) << body;
      EXPECT_EQ(verdict.rejected->reason, systems::RejectReason::not_json) << body;
    }
}

TEST_F(LivechatAdmit, KeepsWhatIsAuthenticHoweverStrange) {
  for (const std::string& body :
       {std::string("[1,2]"), std::string("\"text\""), std::string("null"),
        std::string(3000, '[') + std::string(3000, ']'), std::string("{\"action\":\"a\",\"x\":\"\\ud800\"}"),
        std::string("{\"action\":\"a\",\"x\":\"\xff\"}")})
    EXPECT_EQ(kept(body, secret), body);
}

// --- what is kept ---

TEST_F(LivechatAdmit, TakesOutASecretThatBeginsWithinWhatReadsAsAnEscape) {
  const std::string head = R"({"action":"a","secret_key":")" + secret + "\",";
  for (const char* before : {R"(\)", R"(\\\)", R"(\uabc)", R"(\ud83d\udc0)", "%2"}) {
    const std::string body = kept(head + "\"t\":\"" + before + secret + "\"}");
    EXPECT_EQ(body.find(secret), std::string::npos) << body;
    EXPECT_NE(body.find("[secret]\"}"), std::string::npos) << body;
    EXPECT_TRUE(scan_json(body, {}, {}).well_formed) << body;
  }
}

TEST_F(LivechatAdmit, TakesOutEverySecretKeyAtAnyDepth) {
  EXPECT_EQ(
      kept(R"({"secret_key":")" + secret +
           R"(","action":"a","l":[{"secret_key":1,"b":2},{"a":1,"secret_key":{"x":"y"}},[[{"secret_key":[]}]]]})"),
      R"({"action":"a","l":[{"b":2},{"a":1},[[{}]]]})");
}

TEST_F(LivechatAdmit, TakesOutASecretKeyWhoseNameIsEscaped) {
  const std::string body =
      kept(R"({"action":"a","payload":{"secret\u005fkey":"other","x":1},"secret_key":")" + secret + "\"}");
  EXPECT_EQ(body, R"({"action":"a","payload":{"x":1}})");
}

TEST_F(LivechatAdmit, ReplacesTheSecretsBytesWhereverTheyStand) {
  const std::string head = R"({"secret_key":")" + secret + R"(","action":"a",)";
  EXPECT_EQ(kept(head + R"("t":"it is )" + secret + " and " + second + "\"}"),
            R"({"action":"a","t":"it is [secret] and [secret]"})");
  EXPECT_EQ(kept(head + "\"" + secret + "\":1}"), R"({"action":"a","[secret]":1})");
  EXPECT_EQ(kept(head + R"("u":"https://x/?s=first%2Dsecret-0123456789&a=%20"})"),
            R"({"action":"a","u":"https://x/?s=[secret]&a=%20"})");
  EXPECT_EQ(kept(head + R"("t":"\u0066irst-secret\u002d0123456789 \n"})"), R"({"action":"a","t":"[secret] \n"})");
  EXPECT_EQ(kept(head + R"("t":"a backslash and text: \\u0066irst"})"),
            R"({"action":"a","t":"a backslash and text: \\u0066irst"})");
  EXPECT_EQ(kept(R"({"action":"a","t":")" + secret + "\"}", secret), R"({"action":"a","t":"[secret]"})");
}

TEST_F(LivechatAdmit, ASecretWithCharactersThatJsonEscapesIsFoundInEitherForm) {
  made_ = make_source(systems::livechat_kind(), "system: livechat\nsecrets: ['a/b\"c\\d%é']", "lc");
  ASSERT_TRUE(made_.source) << made_.problems;
  EXPECT_EQ(kept(R"({"secret_key":"a/b\"c\\d%é","action":"a","t":"a\/b\"c\\d%\u00e9"})"),
            R"({"action":"a","t":"[secret]"})");
}

TEST_F(LivechatAdmit, KeepsEveryOtherByteAsItCame) {
  const std::string body =
      "{ \"action\" : \"a\",\n\t\"n\": 1.0e+2, \"b\": 12345678901234567890123,  \"u\":\"\\u00e9\\/\" }";
  EXPECT_EQ(kept(body, secret), body);
}

// --- duplicates ---

TEST_F(LivechatAdmit, NaturalKeysHoldForADay) {
  for (const std::string& body :
       {hook("incoming_event", message("E1")), hook("incoming_chat", R"({"chat":{"id":"C1","thread":{"id":"T1"}}})"),
        hook("chat_deactivated", R"({"chat_id":"C1","thread_id":"T1"})"),
        hook("event_deleted", R"({"chat_id":"C1","thread_id":"T1","event_id":"E1"})")})
    EXPECT_EQ(admit(body).accepted->dedup->window, Millis(std::chrono::hours(24))) << body;
}

TEST_F(LivechatAdmit, NaturalKeysLookAtIdsOnly) {
  EXPECT_EQ(key(hook("incoming_event", message("E1", "one"))),
            key(hook("incoming_event", message("E1", "two"), "w2", "\"x\":1")));
  EXPECT_FALSE(key(hook("incoming_event", message("E1"))) == key(hook("incoming_event", message("E2"))));
  EXPECT_EQ(key(hook("incoming_chat", R"({"chat":{"id":"C1","thread":{"id":"T1"},"users":[]}})")),
            key(hook("incoming_chat", R"({"chat":{"users":[1],"thread":{"x":1,"id":"T1"},"id":"C1"}})", "w2")));
  EXPECT_FALSE(key(hook("incoming_chat", R"({"chat":{"id":"C1","thread":{"id":"T1"}}})")) ==
               key(hook("incoming_chat", R"({"chat":{"id":"C1","thread":{"id":"T2"}}})")));
  EXPECT_FALSE(key(hook("chat_deactivated", R"({"chat_id":"C1","thread_id":"T1"})")) ==
               key(hook("chat_deactivated", R"({"chat_id":"C1","thread_id":"T2"})")));
}

TEST_F(LivechatAdmit, TwoOrganizationsOrSourcesShareNoKey) {
  std::string other = hook("incoming_event", message("E1"));
  other.replace(other.find("\"org\""), 5, "\"xyz\"");
  const Hash128 mine = key(hook("incoming_event", message("E1")));
  EXPECT_FALSE(mine == key(other));
  made_ = make_source(systems::livechat_kind(), yaml, "another");
  EXPECT_FALSE(mine == key(hook("incoming_event", message("E1"))));
}

TEST_F(LivechatAdmit, WithoutTheIdsTheBodyDecides) {
  const std::string no_id = R"({"chat_id":"C1","thread_id":"T1","event":{"type":"message","text":"a"}})";
  const auto verdict = admit(hook("incoming_event", no_id));
  EXPECT_EQ(verdict.accepted->dedup->window, Millis(std::chrono::minutes(2)));
  EXPECT_EQ(verdict.accepted->dedup->hash, key(hook("incoming_event", no_id)));
  EXPECT_FALSE(
      verdict.accepted->dedup->hash ==
      key(hook("incoming_event", R"({"chat_id":"C1","thread_id":"T1","event":{"type":"message","text":"b"}})")));
}

TEST_F(LivechatAdmit, ThreeRegistrationsTellTheSameOnce) {
  const Hash128 first = key(hook("thread_tagged", tag("sales"), "w1"));
  EXPECT_EQ(first, key(hook("thread_tagged", tag("sales"), "w2", R"("chat_properties":{})")));
  EXPECT_EQ(first, key(hook("thread_tagged", tag("sales"), "w3")));
}

TEST_F(LivechatAdmit, ARetryIsADuplicate) {
  const std::string body = hook("routing_status_set", R"({"agent_id":"a@example.com","status":"offline"})");
  const Hash128 first = key(body);
  EXPECT_EQ(first, key(body, now + std::chrono::seconds(50)));
  EXPECT_EQ(first, key(body, now + std::chrono::seconds(60)));
}

struct ThereAndBack {
  const char* name;
  std::string there_action, there, back_action, back;
};
class LivechatThereAndBack : public LivechatAdmit, public ::testing::WithParamInterface<ThereAndBack> {};

TEST_P(LivechatThereAndBack, IsNotADuplicate) {
  const auto& p = GetParam();
  const std::string there = hook(p.there_action, p.there, "wa"), back = hook(p.back_action, p.back, "wb");
  const Hash128 a1 = key(there), b1 = key(back), a2 = key(there), b2 = key(back), a3 = key(there);
  const std::vector<Hash128> all{a1, b1, a2, b2, a3};
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(all[i] == all[j]) << i << " " << j;
  EXPECT_EQ(a3, key(there)) << "a retry of the last one is a duplicate";
}

INSTANTIATE_TEST_SUITE_P(
    Actions, LivechatThereAndBack,
    ::testing::Values(
        ThereAndBack{"routing_status", "routing_status_set", R"({"agent_id":"a","status":"offline"})",
                     "routing_status_set", R"({"agent_id":"a","status":"accepting chats"})"},
        ThereAndBack{"tags", "thread_tagged", tag("x"), "thread_untagged", tag("x")},
        ThereAndBack{"chat_properties", "chat_properties_updated", R"({"chat_id":"C1","properties":{"a":{"b":1}}})",
                     "chat_properties_deleted", R"({"chat_id":"C1","properties":{"a":["b"]}})"},
        ThereAndBack{"chat_property_values", "chat_properties_updated",
                     R"({"chat_id":"C1","properties":{"a":{"b":1}}})", "chat_properties_updated",
                     R"({"chat_id":"C1","properties":{"a":{"b":2},"c":{"d":1}}})"},
        ThereAndBack{"thread_properties", "thread_properties_updated",
                     R"({"chat_id":"C1","thread_id":"T1","properties":{"a":{"b":1}}})", "thread_properties_deleted",
                     R"({"chat_id":"C1","thread_id":"T1","properties":{"a":["b"]}})"},
        ThereAndBack{"event_properties", "event_properties_updated",
                     R"({"chat_id":"C1","thread_id":"T1","event_id":"E","properties":{"a":{"b":1}}})",
                     "event_properties_deleted",
                     R"({"chat_id":"C1","thread_id":"T1","event_id":"E","properties":{"a":["b"]}})"},
        ThereAndBack{"edits", "event_updated", message("E1", "a"), "event_updated", message("E1", "b")},
        ThereAndBack{"access", "chat_access_updated", R"({"id":"C1","access":{"group_ids":[1]}})",
                     "chat_access_updated", R"({"id":"C1","access":{"group_ids":[2]}})"},
        ThereAndBack{"transfer", "chat_transferred",
                     R"({"chat_id":"C1","thread_id":"T1","transferred_to":{"group_ids":[1]}})", "chat_transferred",
                     R"({"chat_id":"C1","transferred_to":{"group_ids":[2]}})"},
        ThereAndBack{"users", "user_added_to_chat", R"({"chat_id":"C1","thread_id":"T1","user":{"id":"a"}})",
                     "user_removed_from_chat", R"({"chat_id":"C1","user_id":"a"})"},
        ThereAndBack{"agents", "agent_suspended", R"({"id":"a"})", "agent_unsuspended", R"({"id":"a"})"},
        ThereAndBack{"agent_created", "agent_created", R"({"id":"a"})", "agent_deleted", R"({"id":"a"})"},
        ThereAndBack{"bots", "bot_created", R"({"id":"a"})", "bot_deleted", R"({"id":"a"})"},
        ThereAndBack{"groups", "group_created", R"({"id":1})", "group_deleted", R"({"id":1})"},
        ThereAndBack{"tag_definitions", "tag_created", R"({"name":"x"})", "tag_deleted", R"({"name":"x"})"},
        ThereAndBack{"session_fields", "customer_session_fields_updated",
                     R"({"id":"v","active_chat":{"chat_id":"C1"},"session_fields":[{"a":"1"}]})",
                     "customer_session_fields_updated",
                     R"({"id":"v","active_chat":{"chat_id":"C1"},"session_fields":[{"a":"2"}]})"},
        ThereAndBack{"postback", "incoming_rich_message_postback",
                     R"({"user_id":"u","chat_id":"C1","event_id":"E","postback":{"id":"p","toggled":true}})",
                     "incoming_rich_message_postback",
                     R"({"user_id":"u","chat_id":"C1","event_id":"E","postback":{"id":"p","toggled":false}})"},
        ThereAndBack{"seen", "events_marked_as_seen", R"({"user_id":"u","chat_id":"C1","seen_up_to":"1"})",
                     "events_marked_as_seen", R"({"user_id":"u","chat_id":"C1","seen_up_to":"2"})"},
        ThereAndBack{"auto_accesses", "auto_accesses_updated", R"([{"id":"a","status":"added"}])",
                     "auto_accesses_updated", R"([{"id":"a","status":"deleted"}])"},
        ThereAndBack{"an_action_of_tomorrow", "lamp_switched", R"({"chat_id":"C1","on":true})", "lamp_switched",
                     R"({"chat_id":"C1","on":false})"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(LivechatAdmit, ThereAndBackToldByThreeRegistrationsEachIsKeptOnce) {
  const auto tagged = [&](const std::string& w) { return key(hook("thread_tagged", tag("x"), "t" + w)); };
  const auto untagged = [&](const std::string& w) { return key(hook("thread_untagged", tag("x"), "u" + w)); };
  key(hook("thread_untagged", tag("of another chat"), "u3"));  // so that this registration is known
  const Hash128 t1 = tagged("1");
  EXPECT_EQ(t1, tagged("2"));
  EXPECT_EQ(t1, tagged("3"));
  const Hash128 u1 = untagged("1");
  EXPECT_EQ(u1, untagged("2"));
  const Hash128 t2 = tagged("1");
  EXPECT_FALSE(t1 == t2);
  EXPECT_EQ(t2, tagged("2"));
  EXPECT_EQ(t2, tagged("3"));
  EXPECT_EQ(u1, untagged("3")) << "a registration that is late tells of the first time";
}

TEST_F(LivechatAdmit, AStateThatCameBackWhileWeWereDownIsKept) {
  const std::string there = hook("thread_tagged", tag("x")), back = hook("thread_untagged", tag("x"));
  const Hash128 a1 = key(there);
  key(back);
  renew();
  EXPECT_FALSE(a1 == key(there, now + std::chrono::seconds(20)));
}

TEST_F(LivechatAdmit, ASenderWhoIsToldToComeBackHasTheSameKeyAgain) {
  const std::string there = hook("thread_tagged", tag("x")), back = hook("thread_untagged", tag("x"));
  key(there);
  key(back);
  const Hash128 not_committed = key(there);  // 503
  EXPECT_EQ(not_committed, key(there, now + std::chrono::seconds(10)));
}

TEST_F(LivechatAdmit, SubjectsDoNotDisturbEachOther) {
  const std::string one = hook("thread_tagged", tag("x")), other = hook("thread_tagged", tag("y"));
  const Hash128 first = key(one);
  key(other);
  EXPECT_EQ(first, key(one)) << "a retry with another tag in between is still a retry";
}

TEST_F(LivechatAdmit, AStateIsNeverLostWhenItsSubjectWasForgotten) {
  const Hash128 first = key(hook("thread_tagged", tag("x")));
  key(hook("thread_untagged", tag("x")));
  for (int i = 0; i < 10'001; ++i) key(hook("thread_tagged", tag("other" + std::to_string(i))));
  EXPECT_FALSE(first == key(hook("thread_tagged", tag("x"))));
}

TEST_F(LivechatAdmit, TheConfiguredWindowHoldsForAllKeys) {
  made_ = make_source(systems::livechat_kind(), yaml + "\ndedup: {window: 7m}", "lc");
  ASSERT_TRUE(made_.source) << made_.problems;
  EXPECT_EQ(admit(hook("incoming_event", message("E1"))).accepted->dedup->window, Millis(std::chrono::minutes(7)));
  EXPECT_EQ(admit(hook("thread_tagged", tag("x"))).accepted->dedup->window, Millis(std::chrono::minutes(7)));
}

// --- configuration and sign ---

TEST(LivechatConfig, NeedsSecretsThatAreSecrets) {
  for (const std::string broken : {"system: livechat", "system: livechat\nsecrets: []",
                                   "system: livechat\nsecrets: ['']", "system: livechat\nsecrets: [abc]"}) {
    const auto made = make_source(systems::livechat_kind(), broken);
    EXPECT_FALSE(made.source) << broken;
    EXPECT_TRUE(made.failed) << broken;
    EXPECT_NE(made.problems.find("secrets"), std::string::npos) << made.problems;
  }
}

TEST(LivechatConfig, NamesTheNearestKeyOfAnUnknownOne) {
  const auto made = make_source(systems::livechat_kind(), "system: livechat\nsecrets: [long-enough-secret]\nsecrts: x");
  EXPECT_FALSE(made.source);
  EXPECT_NE(made.problems.find("secrets"), std::string::npos) << made.problems;
}

TEST_F(LivechatAdmit, WhatItSignsItAdmits) {
  for (const std::string body :
       {R"({"secret_key":"example-secret","action":"a","payload":{}})", R"({"action":"a"})", "{}", " { } ",
        R"({"event":"application_installed","applicationID":"x","payload":{}})", "[1]"}) {
    const auto sent = made_.source->sign(body, now);
    Request request{sent.body, sent.path_suffix.empty() ? "" : sent.path_suffix.substr(1), "application/json", {}};
    const auto verdict = made_.source->admit(request.view(), now);
    ASSERT_TRUE(verdict.accepted) << body << " became " << sent.body;
    EXPECT_EQ(verdict.accepted->body.find(secret), std::string::npos);
    EXPECT_EQ(verdict.accepted->body.find("example-secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace chatrelay::testing
