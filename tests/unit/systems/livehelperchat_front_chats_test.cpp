// Chats over Live Helper Chat's REST API: begun, shown, listed, changed, closed and removed, and by whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/systems/livehelperchat_front_support.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FrontChats : public FrontWithChats {
 protected:
  std::vector<std::string> listed(const std::string& who, const std::string& query) {
    const Said said = ask(who, "GET", "chats?" + query);
    const Said count = ask(who, "GET", "chatscount?" + query);
    EXPECT_EQ(said["list_count"], count["list_count"]) << query;
    std::vector<std::string> ids;
    for (const json::value& each : said["list"].as_array()) ids.push_back(std::to_string(each.at("id").as_int64()));
    return ids;
  }
};

TEST_F(FrontChats, StartsOneAsTheFormSays) {
  const std::string vid = "0123456789abcdef0123456789abcdef";
  const Said said = ask("admin", "POST", "startchat/(department)/5/(vid)/" + vid,
                        "Username=Ann&Email=ann%40example.com&Phone=123&Question=Hi+there&URLRefer=//shop.example"
                        "&ip=192.0.2.10&AcceptTOS=1&data=%7B%22plan%22%3A%7B%22val%22%3A%22pro%22%7D%7D");
  ASSERT_EQ(said.status, 200) << said.text;
  const json::value& chat = said["result"].at("chat");
  EXPECT_EQ(chat.at("status"), 0);
  EXPECT_EQ(chat.at("dep_id"), 5);
  EXPECT_EQ(chat.at("nick"), "Ann");
  EXPECT_EQ(chat.at("email"), "ann@example.com");
  EXPECT_EQ(chat.at("phone"), "123");
  EXPECT_EQ(chat.at("ip"), "192.0.2.10");
  EXPECT_EQ(chat.at("referrer"), "//shop.example");
  EXPECT_EQ(chat.at("additional_data"), R"([{"secure":false,"h":false,"key":"plan","value":"pro"}])");
  EXPECT_EQ(chat.at("hash").as_string().size(), 40U);
  const auto told = events();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].type, "incoming_chat");
  EXPECT_EQ(told[0].chat->status, "queued");
  EXPECT_EQ(told[0].chat->department, "5");
  EXPECT_EQ(told[0].visitor->email, "ann@example.com");
  EXPECT_EQ(told[0].visitor->custom.at("plan"), "pro");
  EXPECT_EQ(told[1].message->text, "Hi there");
  EXPECT_EQ(told[1].message->author.role, "visitor");
  EXPECT_FALSE(is_in_an_event(vid));
  EXPECT_FALSE(is_in_an_event(std::string_view(chat.at("hash").as_string())));
}

TEST_F(FrontChats, TellsWhatIsWrongAndStartsNone) {
  const auto errors = [&](const std::string& who, const std::string& where, const std::string& form) {
    const Said said = ask(who, "POST", "startchat" + where, form);
    EXPECT_EQ(said.status, 200);
    EXPECT_TRUE(is_error(said)) << form;
    return json::serialize(said["result"].at("errors"));
  };
  EXPECT_THAT(errors("admin", "", "Email=nope"), HasSubstr("\"email\""));
  EXPECT_THAT(errors("admin", "", "Email=a%0d%0a%40b"), HasSubstr("\"email\""));
  EXPECT_THAT(errors("admin", "", "Username=" + std::string(101, 'a')), HasSubstr("\"nick\""));
  EXPECT_THAT(errors("admin", "", "Question=" + std::string(101, 'a')), HasSubstr("\"question\""));
  EXPECT_THAT(errors("admin", "/(department)/77", "Username=a"), HasSubstr("\"department\""));
  EXPECT_THAT(errors("admin", "/(department)/8", "Username=a"), HasSubstr("\"department\"")) << "it is disabled";
  EXPECT_THAT(errors("other", "/(department)/5", "Username=a"), HasSubstr("\"department\"")) << "it is not its own";
  EXPECT_THAT(errors("admin", "", "{\"Username\":"), HasSubstr("JSON"));
  EXPECT_THAT(errors("", "", "Username=a"), HasSubstr("Authorization header is missing!"));
  EXPECT_THAT(events(), IsEmpty());
}

TEST_F(FrontChats, BeginsOneWithWhatWasSaidBefore) {
  const Said said =
      ask("admin", "POST", "chat", R"({"department": [5], "fields": {"Username": "Ann", "Question": "Now"},
      "main_attr": {"status": 5, "remarks": "r", "id": 3}, "messages": [
      {"msg": "first", "user_id": 0, "time": 1700000000}, {"msg": "bot", "user_id": -2}, {"msg": "note", "user_id": -1},
      {"msg": "hi", "user_id": 7, "name_support": "Jo"},
      {"msg": "psst", "user_id": 7, "meta_msg": "{\"content\":{\"whisper\":true}}"},
      {"msg": "psst too", "user_id": 7, "meta_msg": {"content": {"whisper": true}}}, {"msg": " "}, 5]})");
  ASSERT_EQ(said.status, 200) << said.text;
  EXPECT_EQ(said["result"].at("status"), 5);
  EXPECT_EQ(said["result"].at("remarks"), "r");
  const Chat chat = chat_of(said["result"]);
  EXPECT_THAT(texts("admin", "chat_id=" + chat.id),
              ElementsAre("Chat started", "first", "bot", "note", "hi", "psst", "psst too", "Now"));
  EXPECT_THAT(texts("", of(chat)), ElementsAre("first", "bot", "hi", "Now"));
  const auto told = events("incoming_event");
  ASSERT_THAT(told, SizeIs(7));
  for (const std::size_t secret : {2U, 4U, 5U}) EXPECT_EQ(told[secret].message->audience, "agents") << secret;
  const Said broken = ask("admin", "POST", "chat", "{\"department\":[5");
  EXPECT_EQ(broken.status, 400);
  EXPECT_TRUE(is_error(broken));
  const Said wrong = ask("admin", "POST", "chat", R"({"fields": {"Email": "nope"}})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong["result"], wrong["errors"].at("email"));
  EXPECT_EQ(ask("limited", "POST", "chat", "{}").status, 400);
}

TEST_F(FrontChats, ShowsOneToWhoMaySeeIt) {
  const Chat chat = start(), yours = start();
  const Said shown = ask("admin", "GET", "chat/" + chat.id);
  EXPECT_EQ(shown["result"].at("hash"), json::value(chat.hash));
  EXPECT_EQ(ask("admin", "GET", "chat/" + chat.id + "?attr=nick,status")["result"],
            (json::value{{"nick", "Ann"}, {"status", 0}}));
  EXPECT_EQ(ask("admin", "GET", "fetchchat?chat_id=" + chat.id)["chat"].at("nick"), "Ann");
  EXPECT_EQ(ask("limited", "GET", "fetchchat?chat_id=" + chat.id)["chat"].at("nick"), "Ann") << "reading takes no more";
  const auto refusal = [&](const std::string& who, const std::string& view) {
    const Said said = ask(who, "GET", view);
    EXPECT_EQ(said.status, view.starts_with("chat/") ? 400 : 200) << view;
    EXPECT_EQ(find(said.body, "chat"), nullptr) << view;
    return std::string(said["result"].as_string());
  };
  for (const std::string& hash : {yours.hash, chat.hash + "0", chat.hash.substr(1), std::string("x")}) {
    EXPECT_EQ(refusal("admin", "chat/" + chat.id + "?hash=" + hash), "Invalid hash");
    EXPECT_EQ(refusal("admin", "fetchchat?chat_id=" + chat.id + "&hash=" + hash), "Invalid hash");
  }
  EXPECT_EQ(refusal("other", "chat/" + chat.id), "You do not have permission to read this chat!");
  EXPECT_EQ(refusal("other", "fetchchat?" + of(chat)), "You do not have permission to read this chat!");
  EXPECT_THAT(refusal("limited", "chat/" + chat.id), HasSubstr("`lhchat`, `use` is required"));
  EXPECT_THAT(refusal("limited", "chat/999"), HasSubstr("is required")) << "and does not learn which there are";
  EXPECT_EQ(refusal("admin", "chat/999"), "Could not find chat by chat_id!");
  EXPECT_EQ(refusal("", "chat/" + chat.id), "Authorization header is missing!");
}

TEST_F(FrontChats, ListsAndCountsThoseThatTheAccountSees) {
  const std::string vid = "0123456789abcdef0123456789abcdef";
  const Chat first = start("/(department)/5/(vid)/" + vid, "&Email=ann%40example.com");
  clock.advance(Millis{10'000});
  const Chat second = start("/(department)/6", "&Username=Bob"), third = start("/(department)/5");
  ask("admin", "POST", "setchatstatus", "chat_id=" + third.id + "&status=1");
  EXPECT_THAT(listed("admin", ""), ElementsAre(third.id, second.id, first.id));
  EXPECT_THAT(listed("other", ""), ElementsAre(second.id));
  for (const char* query : {"departament_id=5", "departament_ids=5", "id_lt=2", "email=ann@example.com"})
    EXPECT_THAT(listed("other", query), IsEmpty()) << query;
  EXPECT_THAT(listed("other", "vid=" + vid), IsEmpty());
  EXPECT_THAT(listed("other", "include_messages=true"), ElementsAre(second.id));
  EXPECT_THAT(listed("admin", "departament_id=5"), ElementsAre(third.id, first.id));
  EXPECT_THAT(listed("admin", "status=1"), ElementsAre(third.id));
  EXPECT_THAT(listed("admin", "status_ids=0,5"), ElementsAre(second.id, first.id));
  EXPECT_THAT(listed("admin", "status=0"), SizeIs(3)) << "as in Live Helper Chat, 0 alone asks for nothing";
  EXPECT_THAT(listed("admin", "email=ann%40example.com"), ElementsAre(first.id));
  EXPECT_THAT(listed("admin", "nick=Bob"), ElementsAre(second.id));
  EXPECT_THAT(listed("admin", "vid=" + vid), ElementsAre(first.id));
  EXPECT_THAT(listed("admin", "vid=%27+or+1"), IsEmpty());
  EXPECT_THAT(listed("admin", "limit=1&offset=1"), ElementsAre(second.id));
  EXPECT_THAT(listed("admin", "id_gt=" + first.id), ElementsAre(third.id, second.id));
  EXPECT_THAT(listed("admin", "id_lt=" + third.id), ElementsAre(second.id, first.id));
  EXPECT_THAT(listed("admin", "delay=5"), ElementsAre(first.id)) << "begun five seconds ago at least";
  EXPECT_THAT(listed("admin", "has_operator=true"), IsEmpty());
  for (const char* extreme : {"delay", "time_gt", "id_gt", "offset", "limit", "status", "user_id"})
    for (const char* number : {"-9223372036854775808", "9223372036854775807", "99999999999999999999", "x"})
      listed("admin", std::string(extreme) + "=" + number);
  const Said bare = ask("admin", "GET", "chats?ignore_fields=hash,ip&include_messages=1");
  EXPECT_EQ(find(bare["list"].at(0), "hash"), nullptr);
  EXPECT_EQ(bare["list"].at(0).at("messages").as_array().size(), 2U);
  EXPECT_TRUE(is_error(ask("limited", "GET", "chats")));
  EXPECT_TRUE(is_error(ask("limited", "GET", "chatscount")));
}

TEST_F(FrontChats, ChangesColumnsOfOne) {
  const Chat chat = start();
  const Said changed =
      ask("admin", "PUT", "chat/" + chat.id,
          R"({"remarks": "x", "nick": "Anna", "priority": "3", "id": 99, "hash": "mine", "status": 1})");
  ASSERT_EQ(changed.status, 200) << changed.text;
  EXPECT_EQ(changed["result"].at("remarks"), "x");
  EXPECT_EQ(changed["result"].at("nick"), "Anna");
  EXPECT_EQ(changed["result"].at("priority"), 3);
  EXPECT_EQ(changed["result"].at("status"), 1);
  EXPECT_EQ(changed["result"].at("hash"), json::value(chat.hash));
  EXPECT_EQ(std::to_string(changed["result"].at("id").as_int64()), chat.id);
  EXPECT_EQ(events().back().visitor->name, "Anna");
  const json::value before = record(chat);
  for (const char* wrong : {R"({"dep_id": 77, "remarks": "y"})", R"({"status": 9, "remarks": "y"})", "{\"remarks\":"})
    EXPECT_EQ(ask("admin", "PUT", "chat/" + chat.id, wrong).status, 400) << wrong;
  const Chat theirs = start("/(department)/6");
  EXPECT_EQ(ask("other", "PUT", "chat/" + theirs.id, R"({"dep_id": 5})").status, 400) << "it would not see it again";
  EXPECT_EQ(ask("other", "PUT", "chat/" + chat.id, R"({"remarks": "y"})").status, 400);
  EXPECT_EQ(ask("limited", "PUT", "chat/" + chat.id, R"({"remarks": "y"})").status, 400);
  EXPECT_EQ(record(chat), before);
  ask("admin", "PUT", "chat/" + chat.id, R"({"remarks": null})");
  EXPECT_EQ(record(chat).at("remarks"), "");
}

TEST_F(FrontChats, SetsTheStatusOfOne) {
  const Chat chat = start();
  const auto set = [&](const std::string& status, const std::string& who = "admin") {
    return ask(who, "POST", "setchatstatus", "chat_id=" + chat.id + "&status=" + status);
  };
  for (const int status : {1, 5, 3, 4, 0, 2, 1}) {
    EXPECT_EQ(set(std::to_string(status))["result"], "Status changed!");
    EXPECT_EQ(record(chat).at("status"), status);
  }
  for (const char* unknown : {"77", "6", "-1", "", "x", "1x"}) {
    const Said said = set(unknown);
    EXPECT_EQ(said.status, 400);
    EXPECT_EQ(said["result"], "Unknown status!") << unknown;
  }
  EXPECT_EQ(set("2", "other").status, 400);
  EXPECT_EQ(set("2", "limited").status, 400);
  EXPECT_EQ(record(chat).at("status"), 1);
  EXPECT_THAT(events("chat_deactivated"), SizeIs(1));
}

TEST_F(FrontChats, RemovesOne) {
  const Chat chat = start();
  EXPECT_EQ(ask("other", "DELETE", "chat/" + chat.id).status, 400);
  EXPECT_EQ(ask("limited", "DELETE", "chat/" + chat.id).status, 400);
  EXPECT_EQ(ask("admin", "DELETE", "chat/" + chat.id)["result"], true);
  EXPECT_EQ(ask("admin", "GET", "chat/" + chat.id).status, 400);
  EXPECT_EQ(ask("admin", "DELETE", "chat/" + chat.id).status, 400);
  EXPECT_THAT(events("chat_deactivated"), SizeIs(1));
}

TEST_F(FrontChats, TheVisitorClosesItByItsHash) {
  const Chat chat = start(), yours = start();
  for (const std::string& wrong : {"chat_id=" + chat.id, "chat_id=" + chat.id + "&hash=",
                                   "chat_id=" + chat.id + "&hash=" + yours.hash, "chat_id=999&hash=" + chat.hash}) {
    const Said said = ask("", "GET", "closechatasvisitor?" + wrong);
    EXPECT_TRUE(is_error(said)) << wrong;
    EXPECT_EQ(said.text, ask("", "GET", "closechatasvisitor?chat_id=999&hash=x").text) << "nobody learns what is there";
  }
  EXPECT_EQ(record(chat).at("status"), 0);
  EXPECT_EQ(ask("", "GET", "closechatasvisitor?" + of(chat))["result"], true);
  EXPECT_EQ(ask("", "GET", "closechatasvisitor?" + of(chat))["result"], true) << "once more is as good";
  const json::value closed = record(chat);
  EXPECT_EQ(closed.at("status"), 2);
  EXPECT_EQ(closed.at("status_sub"), 3);
  ASSERT_THAT(events("chat_deactivated"), SizeIs(1));
  EXPECT_EQ(events("chat_deactivated")[0].activity.at("closed_by"), "visitor");
  EXPECT_FALSE(is_in_an_event(chat.hash));
}

TEST_F(FrontChats, AddsAttributesByItsHash) {
  const Chat chat = start(), yours = start();
  const std::string data = "&data=%7B%22plan%22%3A%7B%22val%22%3A%22pro%22%7D%7D";
  EXPECT_EQ(ask("admin", "POST", "updatechatattributes", of(chat) + data)["stored"], "true");
  EXPECT_EQ(ask("admin", "POST", "updatechatattributes", of(chat) + "&data=%7B%22a%22%3A%22b%22%7D")["stored"], "true");
  EXPECT_EQ(
      record(chat).at("additional_data"),
      R"([{"secure":false,"h":false,"key":"plan","value":"pro"},{"secure":false,"h":false,"key":"a","value":"b"}])");
  EXPECT_EQ(events().back().visitor->custom.at("plan"), "pro");
  EXPECT_TRUE(is_error(ask("admin", "POST", "updatechatattributes", of(Chat{yours.id, chat.hash}) + data)));
  EXPECT_TRUE(is_error(ask("admin", "POST", "updatechatattributes", "chat_id=" + chat.id + data)));
  EXPECT_TRUE(is_error(ask("admin", "POST", "updatechatattributes", of(chat) + "&data=nonsense")));
  EXPECT_TRUE(is_error(ask("", "POST", "updatechatattributes", of(chat) + data)));
  EXPECT_EQ(record(yours).at("additional_data"), "");
}

TEST_F(FrontChats, AStatusThatIsNoNumberChangesNothing) {
  const Chat chat = start();
  ask("admin", "POST", "setchatstatus", "chat_id=" + chat.id + "&status=2");
  for (const char* status : {"closed", "1x", "-1", "6", "99999999999999999999"}) {
    const std::string field = std::string("status=") + status;
    EXPECT_TRUE(is_error(ask("admin", "PUT", "chat/" + chat.id, field))) << status;
    EXPECT_TRUE(is_error(ask("admin", "POST", "setchatstatus", "chat_id=" + chat.id + "&" + field))) << status;
    EXPECT_TRUE(is_error(ask("admin", "POST", "addmsgadmin", "chat_id=" + chat.id + "&msg=x&" + field))) << status;
    EXPECT_EQ(record(chat).at("status"), 2) << status;
  }
  EXPECT_FALSE(is_error(ask("admin", "PUT", "chat/" + chat.id, R"({"status":1})")));
  EXPECT_EQ(record(chat).at("status"), 1);
}

TEST_F(FrontChats, AttributesThatDoNotFitAreLeftOutWhole) {
  const Chat chat = start();
  json::object data;
  for (int i = 0; i < 100; ++i) data["name" + std::to_string(i)] = json::object{{"val", std::string(1'000, 'x')}};
  json::object body{{"chat_id", chat.id}, {"hash", chat.hash}, {"data", std::move(data)}};
  EXPECT_EQ(ask("admin", "POST", "updatechatattributes", json::serialize(body))["stored"], "true");
  const auto kept = parse_json(std::string(record(chat).at("additional_data").as_string()));
  ASSERT_TRUE(kept) << "what is kept is JSON";
  ASSERT_EQ(kept->as_array().size(), 7U) << "8 KiB of them";
  EXPECT_EQ(kept->as_array().back().at("key"), "name6");
  body["data"] = json::object{{"long", json::object{{"val", std::string(10'000, 'x')}}}};
  const Chat other = start();
  body["chat_id"] = other.id;
  body["hash"] = other.hash;
  EXPECT_EQ(ask("admin", "POST", "updatechatattributes", json::serialize(body))["stored"], "true");
  EXPECT_EQ(record(other).at("additional_data"), "[]");
}

TEST_F(FrontChats, TellsHowOneStandsByItsHash) {
  const Chat chat = start(), yours = start();
  const auto state = [&](const Chat& asked) { return ask("admin", "GET", "checkchatstatus?" + of(asked))["result"]; };
  EXPECT_EQ(state(chat).at("activated"), false);
  EXPECT_EQ(state(chat).at("closed"), false);
  ask("admin", "POST", "addmsgadmin", "chat_id=" + chat.id + "&msg=hello&operator_name=Jo");
  EXPECT_EQ(state(chat).at("activated"), true);
  EXPECT_EQ(state(chat).at("name_support"), "Jo");
  ask("admin", "POST", "setchatstatus", "chat_id=" + chat.id + "&status=2");
  EXPECT_EQ(state(chat).at("closed"), true);
  const json::value nothing = state({"999", chat.hash});
  EXPECT_TRUE(nothing.at("closed").is_null());
  EXPECT_EQ(state({yours.id, chat.hash}), nothing);
  EXPECT_EQ(state({yours.id, ""}), nothing);
}

}  // namespace
}  // namespace chatrelay::systems::livehelperchat::endpoints
