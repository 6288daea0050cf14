// Messages over Live Helper Chat's REST API: who may say what to whom, and who is shown it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "systems/livehelperchat/endpoints/records.hpp"
#include "unit/systems/livehelperchat_front_support.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FrontMessages : public FrontWithChats {
 protected:
  Said say(const Chat& chat, const std::string& form, const std::string& who = "admin") {
    return ask(who, "POST", "addmsgadmin", "chat_id=" + chat.id + "&" + form);
  }
};

TEST_F(FrontMessages, EachSenderIsAKindOfItsOwn) {
  const Chat chat = start();
  EXPECT_EQ(ask("", "POST", "addmsguser", of(chat) + "&msg=from+the+visitor").text,
            R"({"error":false,"r":"","msg":{"id":1795169000002,"msg":"from the visitor","meta_msg":"",)"
            R"("time":1795169000,"chat_id":")" +
                chat.id + R"(","user_id":0,"name_support":"","del_st":0}})");
  const std::pair<const char*, int> senders[] = {
      {"operator", 7}, {"bot", -2}, {"system", -1}, {"whisper", 7}, {"x", 7}};
  for (const auto& [sender, user] : senders) {
    const Said said = say(chat, std::string("operator_name=Jo&msg=hello&sender=") + sender);
    ASSERT_EQ(said.status, 200) << said.text;
    EXPECT_EQ(said["msg"].at("user_id"), user) << sender;
    EXPECT_EQ(std::to_string(said["msg"].at("chat_id").as_int64()), chat.id) << "a number here, a text to visitors";
    EXPECT_EQ(said["msg"].at("name_support"), user == -1 ? "" : "Jo") << sender;
  }
  EXPECT_EQ(say(chat, "user_id=9&msg=hello")["msg"].at("user_id"), 9);
  const auto told = events("incoming_event");
  ASSERT_THAT(told, SizeIs(8));
  const std::pair<const char*, const char*> expected[] = {{"visitor", "all"}, {"visitor", "all"},   {"agent", "all"},
                                                          {"bot", "all"},     {"system", "agents"}, {"agent", "agents"},
                                                          {"agent", "all"},   {"agent", "all"}};
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(told[i].message->author.role, expected[i].first) << i;
    EXPECT_EQ(told[i].message->audience, expected[i].second) << i;
  }
}

TEST_F(FrontMessages, WhatIsForOurSideIsShownToNoVisitor) {
  const Chat chat = start();
  say(chat, "msg=note&sender=system");
  say(chat, "msg=psst&sender=whisper");
  say(chat, "msg=psst+again&sender=operator&meta_msg=%7B%22content%22%3A%7B%22whisper%22%3Atrue%7D%7D");
  say(chat, "msg=psst+too&meta_msg=%7B%22content%22%3A%7B%22whisper%22%3A%221%22%7D%7D");
  say(chat, "msg=aloud&meta_msg=%7B%22content%22%3A%7B%22whisper%22%3Afalse%7D%7D");
  const auto all = ElementsAre("Chat started", "Hello", "note", "psst", "psst again", "psst too", "aloud");
  const auto visible = ElementsAre("Hello", "aloud");
  EXPECT_THAT(texts("admin", "chat_id=" + chat.id), all);
  EXPECT_THAT(texts("", of(chat)), visible);
  EXPECT_THAT(texts("", of(chat) + "&ignore_system_messages=false&last_message_id=0"), visible);
  EXPECT_THAT(texts("admin", of(chat)), visible) << "the hash asks for the visitor";
  EXPECT_THAT(texts("admin", "chat_id=" + chat.id + "&ignore_system_messages=true"), visible);
  EXPECT_THAT(texts("limited", "chat_id=" + chat.id), visible) << "it may use no chats";
  const Said whispered = ask("admin", "GET", "fetchchatmessages?chat_id=" + chat.id);
  EXPECT_EQ(whispered["result"].at("messages").at(3).at("meta_msg"), R"({"content":{"whisper":true}})");
  for (const std::string& view : {"checkchatstatus?" + of(chat), "fetchchat?" + of(chat), "chat/" + chat.id})
    EXPECT_EQ(ask("admin", "GET", view).text.find("psst"), std::string::npos) << view;
  const auto told = events("incoming_event");
  for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(told.at(i).message->audience, "agents") << i;
  EXPECT_EQ(told.at(5).message->audience, "all");
}

TEST_F(FrontMessages, AHashOpensItsOwnChatAlone) {
  const Chat chat = start(), yours = start(), closed = start();
  ask("", "GET", "closechatasvisitor?" + of(closed));
  const auto refusal = [&](const std::string& who, const std::string& form) {
    const Said said = ask(who, "POST", "addmsguser", form);
    EXPECT_EQ(said.status, 400) << form;
    return said.status == 400 ? std::string(said["r"].as_string()) : std::string();
  };
  EXPECT_EQ(refusal("", of(Chat{chat.id, yours.hash}) + "&msg=x"), "Authorization header is missing!");
  EXPECT_EQ(refusal("", "chat_id=" + chat.id + "&hash=&msg=x"), "Authorization header is missing!");
  EXPECT_EQ(refusal("", "chat_id=999&hash=" + chat.hash + "&msg=x"), "Authorization header is missing!");
  EXPECT_EQ(refusal("other", "chat_id=" + chat.id + "&msg=x"), "You do not have permission to read this chat!");
  EXPECT_EQ(refusal("admin", "chat_id=999&msg=x"), "Could not find chat by chat_id!");
  EXPECT_EQ(refusal("", of(closed) + "&msg=x"), "You cannot send messages to this chat. Please refresh your browser.");
  EXPECT_EQ(refusal("", of(chat)), "Required input field 'msg' missing.");
  EXPECT_EQ(refusal("", of(chat) + "&msg=++"), "Please enter a message, max characters - 100");
  EXPECT_EQ(refusal("", of(chat) + "&msg=" + std::string(101, 'x')), "Please enter a message, max characters - 100");
  EXPECT_THAT(refusal("", "{\"msg\":"), HasSubstr("JSON"));
  const Said other_hash = ask("admin", "GET", "fetchchatmessages?" + of(Chat{chat.id, yours.hash}));
  EXPECT_EQ(other_hash["result"], "Invalid hash");
  EXPECT_TRUE(is_error(ask("other", "GET", "fetchchatmessages?chat_id=" + chat.id)));
  EXPECT_TRUE(is_error(ask("", "GET", "fetchchatmessages?chat_id=" + chat.id)));
  EXPECT_THAT(texts("", of(chat)), ElementsAre("Hello"));
  EXPECT_EQ(ask("admin", "POST", "addmsguser", "chat_id=" + chat.id + "&msg=by+an+account").status, 200);
  EXPECT_EQ(ask("", "POST", "addmsguser",
                R"({"chat_id": )" + chat.id + R"(, "hash": ")" + chat.hash + R"(", "msg": "as JSON č"})")["msg"]
                .at("msg"),
            "as JSON č");
  EXPECT_THAT(texts("", of(chat)), ElementsAre("Hello", "by an account", "as JSON č"));
  EXPECT_FALSE(is_in_an_event(chat.hash));
}

TEST_F(FrontMessages, ASurveyTakesNoMessages) {
  const Chat chat = start();
  for (const int shown : {5, 2}) {
    ask("admin", "PUT", "chat/" + chat.id, R"({"status_sub": )" + std::to_string(shown) + "}");
    EXPECT_EQ(ask("", "POST", "addmsguser", of(chat) + "&msg=x").status, 400) << shown;
  }
  ask("admin", "PUT", "chat/" + chat.id, R"({"status_sub": 0})");
  EXPECT_EQ(ask("", "POST", "addmsguser", of(chat) + "&msg=x").status, 200);
}

TEST_F(FrontMessages, AnOperatorWhoWritesAcceptsTheChat) {
  const Chat chat = start();
  say(chat, "msg=between+us&sender=whisper");
  EXPECT_EQ(record(chat).at("status"), 0);
  EXPECT_EQ(record(chat).at("user_id"), 0);
  say(chat, "msg=hello");
  EXPECT_EQ(record(chat).at("status"), 1);
  EXPECT_EQ(record(chat).at("user_id"), 7);
  say(chat, "msg=hello&user_id=9");
  EXPECT_EQ(record(chat).at("user_id"), 7) << "who serves it stays";
}

TEST_F(FrontMessages, AMessageMayChangeTheStatus) {
  const Chat chat = start();
  EXPECT_EQ(say(chat, "msg=last&status=2").status, 200);
  EXPECT_EQ(record(chat).at("status"), 2);
  EXPECT_EQ(say(chat, "msg=too+late").status, 400);
  EXPECT_EQ(say(chat, "msg=open+again&status=1").status, 200);
  EXPECT_EQ(record(chat).at("status"), 1);
  EXPECT_EQ(say(chat, "msg=wait&status=0").status, 200);
  EXPECT_EQ(record(chat).at("status"), 0) << "although an operator's message makes it active";
  EXPECT_EQ(say(chat, "msg=nonsense&status=77").status, 400);
  EXPECT_THAT(texts("", of(chat)), ElementsAre("Hello", "last", "open again", "wait"));
}

TEST_F(FrontMessages, OurSideIsRefusedInWords) {
  const Chat chat = start();
  const auto refusal = [&](const std::string& who, const std::string& form) {
    const Said said = ask(who, "POST", "addmsgadmin", form);
    EXPECT_EQ(said.status, 400) << form;
    return said.status == 400 ? std::string(said["r"].as_string()) : std::string();
  };
  const std::string id = "chat_id=" + chat.id;
  EXPECT_EQ(refusal("admin", "msg=x"), "Required input field 'chat_id' missing.");
  EXPECT_EQ(refusal("admin", id), "Required input field 'msg' missing.");
  EXPECT_THAT(refusal("admin", id + "&msg="), HasSubstr("Please enter a message"));
  EXPECT_THAT(refusal("admin", id + "&msg=" + std::string(10'001, 'x')), HasSubstr("10000"));
  EXPECT_THAT(refusal("admin", id + "&msg=x&operator_name=" + std::string(101, 'x')), HasSubstr("name"));
  EXPECT_THAT(refusal("admin", id + "&msg=x&meta_msg=" + std::string(meta_bytes_max + 1, 'x')), HasSubstr("meta_msg"));
  EXPECT_EQ(refusal("admin", "chat_id=999&msg=x"), "Could not find chat by chat_id!");
  EXPECT_EQ(refusal("other", id + "&msg=x"), "You do not have permission to read this chat!");
  EXPECT_THAT(refusal("limited", id + "&msg=x"), HasSubstr("is required"));
  EXPECT_EQ(refusal("", id + "&hash=" + chat.hash + "&msg=x"), "Authorization header is missing!");
  EXPECT_THAT(texts("admin", id), ElementsAre("Chat started", "Hello"));
}

// Whoever goes on with `lmid` gets each message once, also those that come many at a time.
TEST_F(FrontMessages, ThePagesOfALongChatMeet) {
  json::array messages;
  for (int i = 0; i < 500; ++i) messages.push_back({{"msg", "line " + std::to_string(i)}, {"user_id", i % 3 - 1}});
  const json::value body{{"fields", {{"Question", "the last"}}}, {"messages", std::move(messages)}};
  const Chat chat = chat_of(ask("admin", "POST", "chat", json::serialize(body))["result"]);
  for (const bool by_hash : {false, true}) {
    std::vector<std::string> got;
    std::int64_t last = 0;
    std::size_t pages = 0;
    for (;; ++pages) {
      const Said said = ask(by_hash ? "" : "admin", "GET",
                            "fetchchatmessages?" + (by_hash ? of(chat) : "chat_id=" + chat.id) +
                                "&last_message_id=" + std::to_string(last));
      const json::value& result = said["result"];
      EXPECT_GE(result.at("lmid").as_int64(), last);
      if (result.at("lmid") == last) break;
      for (const json::value& each : result.at("messages").as_array()) {
        EXPECT_GT(each.at("id").as_int64(), last);
        last = each.at("id").as_int64();
        got.emplace_back(each.at("msg").as_string());
      }
      last = result.at("lmid").as_int64();
    }
    EXPECT_EQ(pages, 2U);
    EXPECT_THAT(got, SizeIs(by_hash ? 334U : 502U));
    EXPECT_EQ(got.back(), "the last");
  }
  for (const char* odd : {"-5", "abc", "9223372036854775807", "-9223372036854775808", ""})
    EXPECT_EQ(ask("admin", "GET", "fetchchatmessages?chat_id=" + chat.id + "&last_message_id=" + odd).status, 200);
}

TEST_F(FrontMessages, AsHtmlNothingIsMarkup) {
  const Chat chat = start();
  ask("", "POST", "addmsguser", of(chat) + "&msg=%3Cimg+src%3Dx%3E+%26+%22a%22%0A[b]b[/b]");
  EXPECT_THAT(texts("", of(chat)), ElementsAre("Hello", "<img src=x> & \"a\"\n[b]b[/b]"));
  EXPECT_THAT(texts("", of(chat) + "&as_html=true"),
              ElementsAre("Hello", "&lt;img src=x&gt; &amp; &quot;a&quot;<br />[b]b[/b]"));
}

TEST_F(FrontMessages, LargeMessagesMakeMorePages) {
  serve(std::string(keys).replace(std::string(keys).find("max: 100"), 8, "max: 60000"));
  const Chat chat = start();
  const std::string large(60'000, 'x');
  for (int i = 0; i < 40; ++i)
    ASSERT_EQ(ask("", "POST", "addmsguser", of(chat) + "&msg=" + std::to_string(i) + large.substr(2)).status, 200);
  std::int64_t last = 0;
  std::size_t got = 0, pages = 0;
  for (;; ++pages) {
    const Said said = ask("", "GET", "fetchchatmessages?" + of(chat) + "&last_message_id=" + std::to_string(last));
    EXPECT_LT(said.text.size(), 1'500'000U);
    if (said["result"].at("lmid") == last) break;
    last = said["result"].at("lmid").as_int64();
    got += said["result"].at("messages").as_array().size();
  }
  EXPECT_EQ(got, 41U);
  EXPECT_GT(pages, 2U);
  start();
  const Said listed = ask("admin", "GET", "chats?include_messages=1");
  EXPECT_LT(listed.text.size(), 3'000'000U);
  EXPECT_GT(listed["list"].at(1).at("messages").as_array().size(), 20U);
}

TEST(MessageKinds, GoBothWays) {
  const auto nobody = [](std::string_view) -> std::optional<std::int64_t> { return std::nullopt; };
  conversations::MessageView message;
  for (const std::int64_t user : {-1, -2, 7}) {
    message.from_visitor = false;
    message.author = author_of(user, "Jo");
    EXPECT_EQ(user_id_of(message, nobody), user);
    EXPECT_EQ(is_for_visitors(message), user != -1);
    message.audience = "agents";
    EXPECT_FALSE(is_for_visitors(message));
    message.audience = "all";
  }
  message.from_visitor = true;
  message.author = author_of(0, "Ann");
  EXPECT_EQ(user_id_of(message, nobody), 0);
  EXPECT_TRUE(is_for_visitors(message));
  message = conversations::MessageView();
  message.from_visitor = false;
  EXPECT_EQ(user_id_of(message, nobody), -1) << "nobody's is the system's";
  EXPECT_FALSE(is_for_visitors(message));
}

TEST(MessageKinds, AnOperatorWithoutANumberHasOneThatStays) {
  const auto jo = [](std::string_view name) { return name == "jo" ? std::optional<std::int64_t>(7) : std::nullopt; };
  EXPECT_EQ(operator_number("12", jo), 12);
  EXPECT_EQ(operator_number("jo", jo), 7);
  const std::int64_t made = operator_number("kim@example.com", jo);
  EXPECT_EQ(operator_number("kim@example.com", jo), made);
  EXPECT_NE(operator_number("lee@example.com", jo), made);
  EXPECT_GT(made, 1'000'000'000);
  EXPECT_LE(made, INT32_MAX);
  for (const char* odd : {"-1", "0", "", "99999999999999999999"}) EXPECT_GT(operator_number(odd, jo), 0) << odd;
}

TEST(MessageKinds, AWhisperIsOneHoweverItIsSaid) {
  for (const char* yes : {R"({"content":{"whisper":true}})", R"({"content":{"whisper":1}})",
                          R"({"content":{"whisper":"1"}})", R"({"content":{"whisper":{}}})"})
    EXPECT_TRUE(is_whisper(yes)) << yes;
  for (const char* no : {"", "x", "{}", R"({"content":{"whisper":false}})", R"({"content":{"whisper":0}})",
                         R"({"content":{"whisper":null}})", R"({"content":{"whisper":"0"}})", R"({"whisper":true})"})
    EXPECT_FALSE(is_whisper(no)) << no;
}

TEST(ChatStates, GoBothWays) {
  conversations::RoomView room;
  for (const std::int64_t status : {0, 1, 3, 4, 5}) {
    room.status = *status_name(status);
    EXPECT_EQ(static_cast<std::int64_t>(chat_status(room)), status);
  }
  room.open = false;
  EXPECT_EQ(chat_status(room), ChatStatus::closed);
  for (const std::int64_t none : {-1, 6, 77}) EXPECT_EQ(status_name(none), std::nullopt);
}

}  // namespace
}  // namespace chatrelay::systems::livehelperchat::endpoints
