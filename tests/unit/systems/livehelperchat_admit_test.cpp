#include <cstdlib>

#include "common/json_scan.hpp"
#include "event/served_event.hpp"
#include "systems/livehelperchat/livehelperchat_source.hpp"
#include "systems/livehelperchat/serving_keys.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

const std::string secret = "first-secret-0123456789";
const std::string second = "second-secret-9876543210";
const std::string hash = "4f52728f48b0c192d22f8fe7b7c4be4bab9ae430";
const std::string yaml = "system: livehelperchat\nsecrets: [" + secret + ", " + second + "]\n";
const std::string form_type = "application/x-www-form-urlencoded";

Made lhc(const std::string& more = "", const std::string& name = "lhc") {
  auto made = make_source(systems::livehelperchat_kind(), yaml + more, name);
  EXPECT_TRUE(made.source) << made.problems;
  return made;
}

systems::Verdict admit(Made& made, const std::string& body, const std::string& content_type = "application/json") {
  Request request{body, secret, content_type, {}};
  return made.source->admit(request.view(), now);
}

std::string kept(Made& made, const std::string& body, const std::string& content_type = "application/json") {
  const auto verdict = admit(made, body, content_type);
  EXPECT_TRUE(verdict.accepted && verdict.accepted->keep) << body;
  return verdict.accepted ? verdict.accepted->body : "";
}

Event decoded(Made& made, const std::string& body, const std::string& content_type = "application/json") {
  const auto verdict = admit(made, body, content_type);
  EXPECT_TRUE(verdict.accepted && verdict.accepted->keep) << body;
  auto events = made.source->decode(stored(verdict.accepted->body, verdict.accepted->content_type));
  EXPECT_EQ(events.size(), 1u);
  return std::move(events.at(0));
}

systems::DedupKey key(Made& made, const std::string& body) {
  const auto verdict = admit(made, body);
  EXPECT_TRUE(verdict.accepted && verdict.accepted->dedup) << body;
  return *verdict.accepted->dedup;
}

std::string webhook(const std::string& event, const std::string& chat, const std::string& msg = "null") {
  return R"({"event":")" + event + R"(","chat":)" + chat + R"(,"msg":)" + msg + "}";
}
const std::string chat = R"({"id":5388,"status":1})";

// --- who may send

struct Shown {
  std::string path_secret, query;
  Headers headers;
};

int status(Made& made, const Shown& shown, const std::string& body = "{}") {
  Request request{body, shown.path_secret, "application/json", shown.headers};
  systems::HookRequest view = request.view();
  view.query = shown.query;
  const auto verdict = made.source->admit(view, now);
  if (verdict.accepted) {
    EXPECT_EQ(verdict.accepted->answer, "");
    return verdict.accepted->status;
  }
  EXPECT_EQ(verdict.rejected->message, "") << "Live Helper Chat would post it into the chat";
  EXPECT_EQ(verdict.rejected->reason, systems::RejectReason::wrong_secret);
  return verdict.rejected->status;
}

TEST(LivehelperchatAdmit, TakesItsSecretsInThePath) {
  auto made = lhc();
  EXPECT_EQ(status(made, {secret, "", {}}), 200);
  EXPECT_EQ(status(made, {second, "", {}}), 200);
  EXPECT_EQ(status(made, {"", "", {}}), 401);
  EXPECT_EQ(status(made, {secret + "x", "", {}}), 401);
  EXPECT_EQ(status(made, {"", "key=" + secret, {}}), 401);
  EXPECT_EQ(status(made, {"", "", {{"Authorization", "Bearer " + secret}}}), 401);
  EXPECT_EQ(status(made, {"wrong", "", {}}, "not json"), 401) << "a stranger learns nothing of the body";
}

TEST(LivehelperchatAdmit, TakesItsSecretsInTheQuery) {
  auto made = lhc("secret_in: query:key");
  EXPECT_EQ(status(made, {"", "key=" + secret, {}}), 200);
  EXPECT_EQ(status(made, {"", "a=b&key=first%2Dsecret-0123456789&c", {}}), 200);
  EXPECT_EQ(status(made, {"", "key=wrong", {}}), 401);
  EXPECT_EQ(status(made, {"", "key=", {}}), 401);
  EXPECT_EQ(status(made, {"", "other=" + secret, {}}), 401);
  EXPECT_EQ(status(made, {"", "key=" + secret + "&key=wrong", {}}), 401) << "every secret that is shown must be right";
  EXPECT_EQ(status(made, {"wrong", "key=" + secret, {}}), 401);
  EXPECT_EQ(status(made, {secret, "", {}}), 200) << "the path is always a place";
}

TEST(LivehelperchatAdmit, TakesItsSecretsInAHeader) {
  auto made = lhc("secret_in: header:X-Api-Key");
  EXPECT_EQ(status(made, {"", "", {{"x-api-key", secret}}}), 200);
  EXPECT_EQ(status(made, {"", "", {{"X-Api-Key", " " + second + " "}}}), 200);
  EXPECT_EQ(status(made, {"", "", {{"X-Api-Key", "wrong"}}}), 401);
  EXPECT_EQ(status(made, {"", "", {{"X-Api-Key", secret + ", " + secret}}}), 401) << "two headers";
  EXPECT_EQ(status(made, {secret, "", {{"X-Api-Key", "wrong"}}}), 401);
  EXPECT_EQ(status(made, {"", "", {{"X-Api-Key", ""}}}), 401);
}

TEST(LivehelperchatAdmit, ReadsTheWaysOfAuthorizationThatLiveHelperChatHas) {
  auto made = lhc("secret_in: header:Authorization");
  EXPECT_EQ(status(made, {"", "", {{"Authorization", "Bearer " + secret}}}), 200);
  EXPECT_EQ(status(made, {"", "", {{"Authorization", "bearer  " + secret}}}), 200);
  EXPECT_EQ(status(made, {"", "", {{"Authorization", "Basic " + base64_encode("anybody:" + secret)}}}), 200);
  EXPECT_EQ(status(made, {"", "", {{"Authorization", secret}}}), 200) << "an API key in this header";
  EXPECT_EQ(status(made, {"", "", {{"Authorization", "Basic " + base64_encode(secret)}}}), 401);
  EXPECT_EQ(status(made, {"", "", {{"Authorization", "Basic !!"}}}), 401);
  EXPECT_EQ(status(made, {"", "", {{"Authorization", "Basic " + base64_encode(secret + ":wrong")}}}), 401);
  EXPECT_EQ(status(made, {"", "", {{"Authorization", "Digest " + secret}}}), 401);
}

TEST(LivehelperchatAdmit, WhatItSignsItAdmits) {
  for (const std::string place : {"path", "query:key", "header:Authorization", "header:X-Api-Key"}) {
    auto made = lhc("secret_in: " + place);
    const auto sent = made.source->sign("{}", now);
    EXPECT_EQ(sent.body, "{}");
    const std::string path = sent.path_suffix.empty() ? "" : sent.path_suffix.substr(1);
    EXPECT_EQ(status(made, {path, "", {sent.headers.begin(), sent.headers.end()}}), 200) << place;
  }
}

TEST(LivehelperchatAdmit, ASourceThatOnlyServesHasNoHook) {
  auto made = make_source(systems::livehelperchat_kind(), "system: livehelperchat\nserve: true");
  ASSERT_TRUE(made.source) << made.problems;
  EXPECT_EQ(status(made, {"", "", {}}), 401);
  EXPECT_EQ(status(made, {"anything", "", {}}), 401);
}

// --- what is kept

TEST(LivehelperchatAdmit, TheChatsHashIsNeverKept) {
  auto made = lhc();
  const std::string dump = R"({"id":5388,"nick":"Ann","hash":")" + hash + R"(","ip":"192.0.2.10"})";
  const std::string nested = json::serialize(json::value(dump)), twice = json::serialize(json::value(nested));
  for (const std::string& body : std::vector<std::string>{
           webhook("chat.close", dump), R"({"a":[{"b":{"hash":")" + hash + R"("}}]})", R"({"dump":)" + nested + "}",
           R"({"dump":)" + twice + "}", R"({"h\u0061sh":")" + hash + R"("})", R"({"text":"(hash)/)" + hash + R"("})",
           R"({"url":"https:\/\/x.example\/?chat=1&hash=)" + hash + R"("})",
           R"({"url":"https:\/\/x.example\/?dump=%22hash%22%3A%22)" + hash + R"(%22"})",
           R"({"dump":"{\u0022hash\u0022:\u0022)" + hash + R"(\u0022}"})",
           R"({"hash":")" + hash + R"(","link":"https:\/\/x.example\/)" + hash + R"("})"}) {
    const std::string out = kept(made, body);
    EXPECT_EQ(out.find(hash), std::string::npos) << out;
    EXPECT_TRUE(scan_json(out, {}, {}).well_formed) << out;
    EXPECT_EQ(decoded(made, body).type.find("invalid"), std::string::npos) << body;
  }
  for (const auto& [body, type] : std::vector<std::pair<std::string, std::string>>{
           {R"({"chat":)" + dump + R"(,"x":{{nosuchvar}}})", "application/json"},
           {R"({"text": ,"hash" : ")" + hash + "\"}", "application/json"},
           {"chat[hash]=" + hash + "&a=b", form_type},
           {"hash=" + hash, form_type},
           {"chat=%7B%22id%22%3A5388%2C%22hash%22%3A%22" + hash + "%22%7D", form_type},
           {"--b\r\nContent-Disposition: form-data; name=\"hash\"\r\n\r\n" + hash + "\r\n--b--",
            "multipart/form-data; boundary=b"},
           {"<chat><hash>" + hash + "</hash></chat>", "application/xml"}}) {
    const std::string out = kept(made, body, type);
    EXPECT_EQ(out.find(hash), std::string::npos) << out;
  }
}

TEST(LivehelperchatAdmit, NorArePasswordsSessionsAndVids) {
  auto made = lhc();
  const std::string row =
      R"({"id":7,"name":"Jo","password":"$2y$10$Zm9v","session_id":"s3ss10n","api_key":"k3y","vid":"v1d"})";
  const std::string nested = json::serialize(json::value(row));
  for (const std::string& body : std::vector<std::string>{R"({"user":)" + row + "}", R"({"dump":)" + nested + "}",
                                                          R"({"x":{{no}},"user":)" + row + "}"}) {
    const std::string out = kept(made, body);
    for (const char* value : {"$2y$10$Zm9v", "s3ss10n", "k3y", "v1d"})
      EXPECT_EQ(out.find(value), std::string::npos) << out;
    EXPECT_NE(out.find("Jo"), std::string::npos) << out;
  }
}

TEST(LivehelperchatAdmit, OrdinaryTextStays) {
  auto made = lhc();
  for (const std::string& body : std::vector<std::string>{
           R"({"text":"what is a hash: do you know?"})", R"({"text":"say \"password\": now"})",
           R"({"a_hash":1234567890123456789012345678901234567890})",
           R"({"text":"the vid=12 of \"vid\":\"","b":"x \"y"})",
           R"({"text":"hash)" + std::string(39, 'a') + R"( hash/)" + std::string(41, 'a') + R"("})",
           R"({"text":"[file=616_6f13f0c1d2e3a4b5c6d7e8f901234567]"})", R"({"text":"100% hash%"})"})
    EXPECT_EQ(kept(made, body), body);
}

TEST(LivehelperchatAdmit, NoSecretOfTheSourceIsKept) {
  auto made = lhc();
  for (const std::string& body : std::vector<std::string>{R"({"text":"key )" + secret + R"("})", "not json " + second,
                                                          R"({"text":"first\u002dsecret-0123456789"})"})
    for (const std::string& one : {secret, second, std::string("u002dsecret")})
      EXPECT_EQ(kept(made, body).find(one), std::string::npos) << body;
}

TEST(LivehelperchatAdmit, KeepsNoContentTypeOfTheSenders) {
  auto made = lhc();
  Event event;
  event.type = "incoming_chat";
  event.chat.emplace().id = "forged";
  const auto verdict = admit(made, served_event_body(event), served_content_type);
  ASSERT_TRUE(verdict.accepted);
  EXPECT_EQ(verdict.accepted->content_type, "");
  const auto events = made.source->decode(stored(verdict.accepted->body, verdict.accepted->content_type));
  EXPECT_EQ(events.at(0).type, "webhook") << "not the event that a served conversation would have told";
  EXPECT_EQ(made.source->decode(stored(served_event_body(event), served_content_type)).at(0).chat->id, "forged");
  EXPECT_EQ(made.source->decode(stored("[]", served_content_type)).at(0).type, "invalid_payload");
}

// --- what makes two webhooks the same

TEST(LivehelperchatDedup, AMessageIsTheSameFromWhicheverEvent) {
  auto made = lhc();
  const std::string msg = R"({"id":90211,"msg":"hi","user_id":0})";
  const auto first = key(made, webhook("chat.addmsguser", chat, msg));
  EXPECT_EQ(first.window, Millis(24 * 3600 * 1000));
  EXPECT_EQ(first.hash, key(made, webhook("chat.addmsguser_webhook", R"({"id":"5388","status":5})", msg)).hash);
  EXPECT_EQ(first.hash,
            key(made, webhook("chat.web_add_msg_admin", chat, R"({"id":"90211","user_id":7,"msg":"x"})")).hash);
  EXPECT_EQ(first.hash,
            key(made, webhook("chat.addmsguser", "null", R"({"id":90211,"msg":"hi","chat_id":5388})")).hash);
  EXPECT_NE(first.hash, key(made, webhook("chat.addmsguser", chat, R"({"id":90213,"msg":"hi"})")).hash);
  EXPECT_NE(first.hash, key(made, webhook("chat.addmsguser", R"({"id":5389})", msg)).hash);
  EXPECT_NE(first.hash, key(made, webhook("chat.chat_started", chat, msg)).hash)
      << "a beginning is more than its message";
  EXPECT_NE(first.hash, key(made, webhook("chat.message_updated", chat, msg)).hash);
  EXPECT_NE(first.hash, key(made, webhook("chat.msg_removed", chat, msg)).hash);
  auto other = lhc("", "other");
  EXPECT_NE(first.hash, key(other, webhook("chat.addmsguser", chat, msg)).hash);
}

TEST(LivehelperchatDedup, TwoEditsOfAMessageAreTwo) {
  auto made = lhc();
  const auto edit = [&](const std::string& text) {
    return key(made, webhook("chat.message_updated", chat, R"({"id":90211,"msg":")" + text + R"("})")).hash;
  };
  EXPECT_EQ(edit("a"), edit("a"));
  EXPECT_NE(edit("a"), edit("b"));
}

TEST(LivehelperchatDedup, AMessageWithoutAnIdIsItsBytesForAMoment) {
  auto made = lhc("template: n8n");
  const auto yes = key(made, R"({"text":"yes","chat_id":5388})");
  EXPECT_EQ(yes.window, Millis(5'000)) << "a second yes must not be lost";
  EXPECT_EQ(yes.hash, key(made, R"({"text":"yes","chat_id":5388})").hash);
  EXPECT_NE(yes.hash, key(made, R"({"text":"yes","chat_id":5389})").hash);
  auto standard = lhc();
  EXPECT_EQ(key(standard, webhook("chat.before_auto_responder_msg_saved", chat, R"({"id":null,"msg":"away"})")).window,
            Millis(5'000));
  EXPECT_EQ(key(standard, webhook("chat.before_auto_responder_msg_saved", chat, R"({"id":0,"msg":"away"})")).window,
            Millis(5'000));
}

TEST(LivehelperchatDedup, AnEndingIsToldOnceByItsTime) {
  auto made = lhc();
  const auto ended = [&](const std::string& event, const std::string& at, const std::string& more = "") {
    return key(made, webhook(event, R"({"id":5388,"status":2,"cls_time":)" + at + more + "}"));
  };
  EXPECT_EQ(ended("chat.close", "1760000900").hash, ended("chat.explicitly_closed", "1760000900", ",\"x\":1").hash);
  EXPECT_NE(ended("chat.close", "1760000900").hash, ended("chat.close", "1760009999").hash) << "opened again";
  EXPECT_EQ(ended("chat.close", "0").window, Millis(120'000));
  EXPECT_NE(ended("chat.close", "0").hash, ended("chat.visitor_regular_closed", "0").hash);
}

TEST(LivehelperchatDedup, WhatFiresAgainAndAgainCountsOnceForEachState) {
  auto made = lhc();
  const auto fired = [&](const std::string& event, const std::string& members) {
    return key(made, webhook(event, R"({"id":5388,)" + members + "}")).hash;
  };
  EXPECT_EQ(fired("continuous.waits", R"("status":0,"wait_time":20)"),
            fired("continuous.waits", R"("status":0,"wait_time":40)"));
  EXPECT_NE(fired("continuous.waits", R"("status":0)"), fired("continuous.waits", R"("status":1)"));
  EXPECT_NE(fired("continuous.waits", R"("status":0)"), fired("continuous.idle", R"("status":0)"));
  EXPECT_EQ(fired("chat.unread_chat", R"("last_user_msg_time":5,"x":1)"),
            fired("chat.unread_chat", R"("last_user_msg_time":5,"x":2)"));
  EXPECT_NE(fired("chat.unread_chat", R"("last_user_msg_time":5)"),
            fired("chat.unread_chat", R"("last_user_msg_time":6)"));
}

TEST(LivehelperchatDedup, AKeyOfOnesOwnComesFirst) {
  auto made = lhc("template: standard\nmap: {key: .delivery}");
  const std::string one = R"({"event":"chat.close","delivery":"d1","chat":{"id":1}})";
  EXPECT_EQ(key(made, one).hash, key(made, R"({"event":"chat.accept","delivery":"d1"})").hash);
  EXPECT_EQ(key(made, one).window, Millis(24 * 3600 * 1000));
  EXPECT_EQ(key(made, R"({"event":"x"})").window, Millis(120'000)) << "found nothing: the bytes";
}

TEST(LivehelperchatDedup, TheConfiguredWindowReplacesAll) {
  auto hour = lhc("dedup: {window: 1h}");
  EXPECT_EQ(key(hour, "{}").window, Millis(3'600'000));
  auto none = lhc("dedup: {window: 0s}");
  EXPECT_FALSE(admit(none, "{}").accepted->dedup);
}

// --- our own messages coming back

TEST(LivehelperchatOwn, AMessageOfOursIsAnsweredAndNotKept) {
  auto made = lhc("own: {user_ids: [7, -2], names: [chatrelay]}");
  const auto is_kept = [&](const std::string& event, const std::string& msg) {
    const auto verdict = admit(made, webhook(event, chat, msg));
    EXPECT_EQ(verdict.accepted->status, 200);
    EXPECT_EQ(verdict.accepted->answer, "");
    return verdict.accepted->keep;
  };
  EXPECT_FALSE(is_kept("chat.web_add_msg_admin", R"({"id":1,"msg":"a","user_id":7})"));
  EXPECT_FALSE(is_kept("chat.web_add_msg_admin", R"({"id":1,"msg":"a","user_id":"7"})"));
  EXPECT_FALSE(is_kept("chat.web_add_msg_admin", R"({"id":1,"msg":"a","user_id":-2})"));
  EXPECT_FALSE(is_kept("chat.web_add_msg_admin", R"({"id":1,"msg":"a","user_id":9,"name_support":"chatrelay"})"));
  EXPECT_FALSE(is_kept("chat.desktop_client_admin_msg", R"({"id":1,"msg":"a","name_support":"chatrelay"})"));
  EXPECT_FALSE(is_kept("chat.message_updated", R"({"id":1,"msg":"a","user_id":7})"));
  EXPECT_FALSE(is_kept("", R"({"id":1,"msg":"a","user_id":7})"));

  EXPECT_TRUE(is_kept("chat.web_add_msg_admin", R"({"id":1,"msg":"a","user_id":9,"name_support":"Jo"})"));
  EXPECT_TRUE(is_kept("chat.addmsguser", R"({"id":1,"msg":"a","user_id":0,"name_support":"chatrelay"})"))
      << "a visitor who calls themselves by our name";
  EXPECT_TRUE(is_kept("chat.addmsguser", R"({"id":1,"msg":"a","name_support":"chatrelay"})"));
  EXPECT_TRUE(is_kept("chat.chat_started", R"({"id":1,"msg":"a","user_id":7})")) << "a chat is more than its message";
  EXPECT_TRUE(is_kept("chat.close", R"({"id":1,"msg":"a","user_id":7})"));
}

TEST(LivehelperchatOwn, WithoutAWordOfItTheNameChatrelayIsOurs) {
  auto made = lhc();
  const auto is_kept = [&](Made& source, const std::string& msg) {
    return admit(source, webhook("chat.web_add_msg_admin", chat, msg)).accepted->keep;
  };
  const std::string ours = R"({"id":1,"msg":"a","user_id":7,"name_support":"chatrelay"})";
  EXPECT_FALSE(is_kept(made, ours));
  EXPECT_TRUE(is_kept(made, R"({"id":1,"msg":"a","user_id":7,"name_support":"Chatrelay team"})"));
  EXPECT_TRUE(is_kept(made, R"({"id":1,"msg":"a","user_id":0,"name_support":"chatrelay"})")) << "a visitor";
  auto other = lhc("own: {user_ids: [8]}");
  EXPECT_TRUE(is_kept(other, ours)) << "what is configured replaces it";
}

TEST(LivehelperchatOwn, TheDumpsShowItToo) {
  auto made = lhc();
  const std::string dump =
      R"({"event":"chat.web_add_msg_admin","chat":{"id":5388,"hash":")" + hash +
      R"("},"msg":{"id":90212,"time":1760000007,"chat_id":5388,"user_id":7,"name_support":"chatrelay","msg":"hi","meta_msg":"","del_st":1}})";
  EXPECT_FALSE(admit(made, dump).accepted->keep);
  EXPECT_FALSE(admit(made, dump, form_type).accepted->keep);
}

// --- how it is asked

TEST(LivehelperchatAdmit, ItsSendersChooseTheMethodAndShowTheAnswer) {
  const systems::HookManners manners = lhc().source->hook_manners();
  EXPECT_TRUE(manners.takes_put_and_delete);
  EXPECT_TRUE(manners.empty_answers);
}

// --- bodies

TEST(LivehelperchatBody, JsonIsJsonUnderAnyContentType) {
  auto made = lhc("template: n8n");
  for (const std::string type : {"application/json", form_type.c_str(), "text/plain", "text/xml",
                                 "application/javascript", "text/html; charset=UTF-8", "", "nonsense"}) {
    const Event event = decoded(made, " {\"text\":\"hi\",\"chat_id\":5388} ", type);
    EXPECT_EQ(event.type, "incoming_event") << type;
    EXPECT_EQ(event.chat.value_or(Chat{}).id, "5388") << type;
  }
}

TEST(LivehelperchatBody, WhatIsNoJsonIsKept) {
  auto made = lhc("template: n8n");
  for (const std::string body :
       {R"({"text": , "chat_id": 5388})", R"({"text": "hi", "x": {{nosuchvar}}})", "", "<a/>", "{"}) {
    for (const std::string& type : {std::string("application/json"), form_type}) {
      const Event event = decoded(made, body, type);
      EXPECT_EQ(event.type, "invalid_payload") << body;
      EXPECT_EQ(event.raw, json::value(body));
      EXPECT_TRUE(event.activity.contains("error"));
      if (body.empty() || body[0] == '<') break;  // under the type of a form these are forms
    }
  }
}

TEST(LivehelperchatBody, ReadsFormsAsPhpDoes) {
  auto made = lhc("template: n8n");
  const Event event =
      decoded(made, "chat_id=1&chat_id=5388&text=two+words%21%0A%ff&list=%5B1%2C2%5D", form_type + "; charset=UTF-8");
  EXPECT_EQ(event.chat->id, "5388") << "the last one holds";
  EXPECT_EQ(event.message->text, "two words!\n\xEF\xBF\xBD");
  EXPECT_EQ(event.raw.at("list"), json::value({1, 2}));
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "f" + std::to_string(i) + "=x&";
  EXPECT_EQ(decoded(made, many, form_type).raw.get_object().size(), 1000u);
}

// --- who may see a message

TEST(LivehelperchatDecode, WhatCannotBeToldFromAWhisperIsForAgents) {
  auto made = lhc();
  const auto audience = [&](const std::string& event, const std::string& msg) {
    return decoded(made, webhook(event, chat, R"({"id":1,"msg":"a")" + msg + "}")).message->audience;
  };
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":7,"meta_msg":"")"), "all");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":7,"meta_msg":"{\"content\":{\"whisper\":true}}")"),
            "agents");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":7,"meta_msg":"{\"content\":{\"whisper\":1}}")"), "agents");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":7,"meta_msg":"{\"content\":{\"whisper\":[]}}")"),
            "agents");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":7,"meta_msg":"{\"content\":{\"whisper\":\"0\"}}")"),
            "all");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":7,"meta_msg":"{\"cont")"), "agents");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":7,"meta_msg_array":{"content":{"whisper":true}})"),
            "agents");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":-1)"), "agents");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":-17)"), "agents");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":-1,"audience":"all")"), "agents");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":-2)"), "all");
  EXPECT_EQ(audience("chat.web_add_msg_admin", R"(,"user_id":7,"audience":"agents")"), "agents");
  EXPECT_EQ(audience("chat.web_add_msg_admin", ""), "agents");
  EXPECT_EQ(audience("chat.nobody_heard_of", ""), "agents");
  EXPECT_EQ(audience("chat.addmsguser", ""), "all");
  EXPECT_EQ(audience("chat.addmsguser", R"(,"user_id":0)"), "all");
  EXPECT_EQ(audience("chat.addmsguser", R"(,"user_id":true)"), "agents");
}

TEST(LivehelperchatDecode, WhateverTheBytesThereIsAnEvent) {
  for (const std::string name : {"standard", "zapier", "n8n", "open_wa", "chat_api", "waha", "slack"}) {
    auto made = lhc("template: " + name);
    for (
        const std::string body :
        {"", "{", "null", "[]", "{}", "1", "\"x\"", R"({"event":{},"chat":[],"msg":7,"args":1,"blocks":{},"file":[]})",
         R"({"chat":{"id":{},"status":[],"time":"x","cls_time":-1,"additional_data":"[[]]"},"msg":{"id":[],"time":1e300}})",
         R"({"event":"chat.close","chat":false,"msg":false,"user_data":false})",
         R"({"chat_id":true,"text":[1],"chatId":{},"body":null})",
         R"({"event":"survey.filled","survey_item":{},"survey":3})"}) {
      const auto events = made.source->decode(stored(body));
      ASSERT_EQ(events.size(), 1u) << body;
      EXPECT_FALSE(events[0].type.empty()) << name << body;
      EXPECT_FALSE(events[0].chat && !events[0].chat->id) << name << body;
    }
  }
}

TEST(LivehelperchatDecode, BoundsWhatAStrangerNames) {
  auto made = lhc();
  EXPECT_EQ(decoded(made, R"({"event":")" + std::string(5000, 'x') + "\"}").type.size(), 200u);
  std::string media, fields;
  for (int i = 0; i < 500; ++i) {
    media += std::string(i ? "," : "") + R"({"upload_name":"a","url":"u"})";
    fields += std::string(i ? "," : "") + R"({\"key\":\"k)" + std::to_string(i) + R"(\",\"value\":1})";
  }
  const Event event = decoded(made, webhook("chat.addmsguser", R"({"id":1,"additional_data":"[)" + fields + R"(]"})",
                                            R"({"id":1,"media":[)" + media + "]}"));
  EXPECT_EQ(event.message->files.size(), 20u);
  EXPECT_EQ(event.visitor->custom.size(), 100u);
}

// --- the configuration

TEST(LivehelperchatConfig, TellsWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "secrets is missing"},
      {"secrets: [abc]", "too short"},
      {"secrets: [" + secret + "]\nsecret_in: cookie", "query:NAME or header:NAME"},
      {"secrets: [" + secret + "]\nsecret_in: 'header:'", "query:NAME or header:NAME"},
      {"secrets: [" + secret + "]\ntemplate: teams", "standard, zapier, n8n, open_wa, chat_api, waha, slack"},
      {"secrets: [" + secret + "]\nmap: {typ: .x}", "typ"},
      {"secrets: [" + secret + "]\nmap: {type: '.['}", "test.yaml:5: \".[\": \"[\" at byte 2 is never closed"},
      {"secrets: [" + secret + "]\nmap: .x", "must be a map"},
      {"secrets: [" + secret + "]\nown: 7", "own must be"},
      {"secrets: [" + secret + "]\nown: {user_ids: [0]}", "is the visitor"},
      {"secrets: [" + secret + "]\nown: {names: ['']}", "names"},
      {"secrets: [" + secret + "]\nown: {}", "names nobody"},
      {"secrets: [" + secret + "]\nsecret: x", "secret"},
  };
  for (const auto& [text, word] : wrong) {
    const auto made = make_source(systems::livehelperchat_kind(), "system: livehelperchat\n" + text);
    EXPECT_TRUE(made.failed) << text;
    EXPECT_NE(made.problems.find(word), std::string::npos) << text << " gave " << made.problems;
    EXPECT_EQ(made.problems.find(secret), std::string::npos);
  }
}

TEST(LivehelperchatConfig, AKeyThatDoesNothingIsTold) {
  for (const std::string& name : systems::livehelperchat::serving_keys()) {
    if (name == "serve" || name == "limits") continue;
    const auto idle = make_source(systems::livehelperchat_kind(), yaml + name + ": x");
    EXPECT_TRUE(idle.source) << idle.problems;
    EXPECT_NE(idle.problems.find(name + " does nothing without serve: true"), std::string::npos) << idle.problems;
  }
  const auto serving = make_source(systems::livehelperchat_kind(), "system: livehelperchat\nserve: true\nevent: x");
  EXPECT_TRUE(serving.source) << serving.problems;
  EXPECT_NE(serving.problems.find("event does nothing without secrets"), std::string::npos) << serving.problems;
}

}  // namespace
}  // namespace chatrelay::testing
