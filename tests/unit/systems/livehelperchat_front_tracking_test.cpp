// Visitors without a chat over Live Helper Chat's REST API: pages, what is left for them, the way back to a chat.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "systems/livehelperchat/endpoints/tracking_vid.hpp"
#include "systems/livehelperchat/endpoints/tracking_visitor.hpp"
#include "unit/systems/livehelperchat_front_support.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {
namespace {

using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

class FrontTracking : public FrontWithChats {
 protected:
  // `result` of chatcheckoperatormessage.
  json::value check(const std::string& path, const std::string& form = "dt=Main", const std::string& who = "admin") {
    const Said said = ask(who, "POST", "chatcheckoperatormessage" + path, form);
    EXPECT_EQ(said.status, 200) << said.text;
    EXPECT_FALSE(is_error(said)) << said.text;
    return is_error(said) ? json::value(json::object()) : said["result"];
  }
  std::string first() { return std::string(check("/(vid)//(count_page)/1").at("vid").as_string()); }
  static json::value go_on(const std::string& vid) { return {{"action", "continue"}, {"vid", vid}}; }

  // What a rule's delivery to `kind: conversation`, action invite, does.
  void invite(const std::string& visitor, const std::string& text, Author author = {"7", "Jo", "agent"}) {
    conversations::Invite command;
    command.call = call();
    command.visitor_id = visitor;
    command.id = "delivery of " + text;
    command.text = text;
    command.author = std::move(author);
    commit([&](store::Transaction& tx) { ASSERT_TRUE(conversations::invite(tx, command)); });
  }
  std::string last_visitor() { return *events("visitor_activity").back().visitor->id; }
};

TEST_F(FrontTracking, APageIsAnEventAndAHeartbeatIsNone) {
  const std::string where =
      "/(vid)//(count_page)/1/(tz)/Europe%2FVilnius/(priority)/3/(operator)/0/(theme)/2/(survey)/0"
      "/(department)/5/6/(uactiv)/1/(identifier)/shop";
  const std::string form =
      "ip=192.0.2.10&dt=Main&l=%2F%2Fapp.example%2Fmain&ua=&tag=a&onattr=%7B%22plan%22%3A%22pro%22%7D";
  const std::string vid(check(where, form).at("vid").as_string());
  EXPECT_THAT(vid, MatchesRegex("[0-9a-f]{32}"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(check("/(vid)/" + vid + "/(count_page)/1", form), go_on(vid));
  auto told = events();
  ASSERT_THAT(told, SizeIs(1));
  const Event& event = told[0];
  EXPECT_EQ(event.type, "visitor_activity");
  EXPECT_EQ(event.visitor->page.url, "//app.example/main");
  EXPECT_EQ(event.visitor->page.title, "Main");
  EXPECT_EQ(event.visitor->ip, "192.0.2.10");
  EXPECT_EQ(event.visitor->timezone, "Europe/Vilnius");
  EXPECT_EQ(event.visitor->custom.at("plan"), "pro");
  EXPECT_EQ(event.activity.at("change"), "new");
  EXPECT_EQ(event.activity.at("department"), "5");
  EXPECT_EQ(event.activity.at("identifier"), "shop");
  EXPECT_EQ(event.activity.at("tag"), "a");
  EXPECT_EQ(event.activity.at("active"), true);
  EXPECT_EQ(event.activity.at("priority"), 3);
  EXPECT_EQ(event.activity.at("theme"), 2);
  EXPECT_FALSE(event.activity.contains("operator"));
  check("/(vid)/" + vid + "/(count_page)/1", "dt=About");
  told = events();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[1].activity.at("change"), "page");
  EXPECT_EQ(told[1].visitor->id, told[0].visitor->id);
  check("/(vid)/" + vid, "dt=Elsewhere");
  EXPECT_THAT(events(), SizeIs(2)) << "without count_page nothing is looked at";
  EXPECT_FALSE(is_in_an_event(vid));
}

TEST_F(FrontTracking, AVidThatWasMadeUpIsReplaced) {
  for (const char* vid : {"", "x", "8bcyn2z5nguhpc5orks4", "%27%20or%201", "a%0Ab", "%ff", "../../x", "a%00b",
                          "012345678901234567890123456789012345678901234567890", "0123456789abcdef0123456789abcde%22"})
    EXPECT_THAT(std::string(check(std::string("/(vid)/") + vid + "/(count_page)/1").at("vid").as_string()),
                MatchesRegex("[0-9a-f]{32}"))
        << vid;
  const std::string kept = "A-usable_vid-0123456789";
  EXPECT_EQ(check("/(vid)/other/(vid)/" + kept).at("vid"), json::value(kept)) << "the last one counts";
}

TEST_F(FrontTracking, WhoIsNotWatchedIsToldToStopAsking) {
  serve(std::string(keys) + "tracking: {ignore_departments: [6], ignore_addresses: [198.51.100.0/24]}\n");
  const json::value stop{{"action", "disable_check"}};
  EXPECT_EQ(check("/(department)/6"), stop);
  EXPECT_EQ(check("/(department)/8"), stop) << "the department is disabled";
  EXPECT_EQ(check("", "dt=Main&ip=198.51.100.7"), stop);
  EXPECT_EQ(check("", "dt=Main&ip=+198.51.100.7+"), stop);
  EXPECT_EQ(check("", "dt=Main&ua=Mozilla/5.0+(compatible;+Googlebot/2.1)"), stop);
  EXPECT_THAT(events(), IsEmpty());
  EXPECT_EQ(check("/(department)/5/6").at("action"), "continue") << "it is watched for the other one";
  serve(std::string(keys) + "tracking: {enabled: false}\n");
  EXPECT_EQ(check("/(department)/5"), stop);
  EXPECT_THAT(events(), SizeIs(1));
}

TEST_F(FrontTracking, WhatIsWrongIsSaid) {
  for (const auto& [who, form, text] : {std::tuple("", "dt=Main", "Authorization header is missing!"),
                                        std::tuple("nobody", "dt=x", "Authorization failed!")}) {
    const Said said = ask(who, "POST", "chatcheckoperatormessage/(vid)/", form);
    EXPECT_EQ(said.status, 200);
    EXPECT_EQ(said["result"].at("errors"), text);
  }
  EXPECT_TRUE(is_error(ask("admin", "POST", "chatcheckoperatormessage/(vid)/", "{\"dt\":")));
  EXPECT_THAT(events(), IsEmpty());
  EXPECT_EQ(check("", R"({"dt": "Main", "onattr": "no JSON", "ua": null, "l": ["x"]})").at("action"), "continue");
}

TEST_F(FrontTracking, AnInvitationIsReadOnceAndBeginsTheChat) {
  const std::string vid = first();
  invite(last_visitor(), "Can I help?");
  EXPECT_EQ(check("/(vid)/" + vid + "/(operator)/9"), go_on(vid)) << "it is operator 7's";
  EXPECT_EQ(check("/(vid)//(count_page)/1").at("action"), "continue") << "it is nobody else's";
  const json::value shown =
      check("/(department)/5/6/(theme)/0/(operator)/7/(priority)/0/(ua)/a%20b/(survey)/1/(vid)/" + vid);
  EXPECT_EQ(shown.at("action"), "read_message");
  EXPECT_EQ(shown.at("vid"), json::value(vid));
  EXPECT_EQ(shown.at("args").at("name_support"), "Jo");
  EXPECT_EQ(shown.at("args").at("message"), "Can I help?");
  const std::string append(shown.at("args").at("url_append").as_string());
  EXPECT_EQ(append, "/(department)/5/6/(theme)/0/(operator)/7/(priority)/0/(ua)/a%20b/(survey)/1/(vid)/" + vid +
                        "/(playsound)/true");
  EXPECT_EQ(check("/(vid)/" + vid), go_on(vid));
  EXPECT_EQ(events().back().activity.at("change"), "invitation");
  EXPECT_EQ(events().back().activity.at("invitation").at("text"), "Can I help?");
  const Chat chat = start(append + "/(vid)/" + vid, "&proactive=1");
  EXPECT_EQ(texts("", of(chat)), (std::vector<std::string>{"Can I help?", "Hello"}));
  EXPECT_EQ(record(chat).at("chat_initiator"), 1);
  EXPECT_FALSE(is_in_an_event(vid));
}

TEST_F(FrontTracking, ABotsInvitationIsSilentAndItsUrlEndsNothing) {
  const std::string vid = first();
  invite(last_visitor(), "Hello", {std::nullopt, std::nullopt, "bot"});
  const json::value args = check("/(ua)/a%2Fb%29(c%0d%0a/(vid)/" + vid).at("args");
  EXPECT_EQ(args.at("name_support"), json::value());
  EXPECT_THAT(std::string(args.at("url_append").as_string()),
              MatchesRegex("(/\\(ua\\)[A-Za-z0-9%/._~-]*)/\\(vid\\)/" + vid));
}

TEST_F(FrontTracking, WhoWasAnsweredIsToldOnceWhereTheChatIs) {
  const std::string vid = first();
  const Chat chat = start("/(department)/5/(vid)/" + vid);
  const auto say = [&](const std::string& form) {
    EXPECT_EQ(ask("admin", "POST", "addmsgadmin", "chat_id=" + chat.id + "&" + form).status, 200);
  };
  say("msg=between+us&sender=whisper");
  EXPECT_EQ(check("/(vid)/" + vid), go_on(vid)) << "nobody answered";
  say("msg=hello");
  EXPECT_EQ(check("/(vid)/" + vid, "dt=Main", "other"), go_on(vid)) << "it sees department 6 alone";
  EXPECT_EQ(check("/(vid)/" + vid + "/(wopen)/1"), go_on(vid)) << "its window is open";
  EXPECT_EQ(check("/(vid)//(count_page)/1").at("action"), "continue") << "it is nobody else's";
  const json::value back{
      {"vid", vid}, {"action", "reopen_chat"}, {"args", {{"chat_id", std::stoll(chat.id)}, {"hash", chat.hash}}}};
  EXPECT_EQ(check("/(vid)/" + vid), back);
  EXPECT_EQ(check("/(vid)/" + vid), go_on(vid));
  say("msg=between+us&sender=whisper");
  say("msg=a+note&sender=system");
  EXPECT_EQ(check("/(vid)/" + vid), go_on(vid)) << "what is for our side is nothing to come back for";
  say("msg=still+there");
  EXPECT_EQ(check("/(vid)/" + vid), back);
  ask("", "GET", "closechatasvisitor?" + of(chat));
  EXPECT_EQ(check("/(vid)/" + vid), go_on(vid));
  serve(std::string(keys) + "tracking: {reopen: false}\n");
  const Chat next = start("/(vid)/" + vid);
  ask("admin", "POST", "addmsgadmin", "chat_id=" + next.id + "&msg=hello");
  EXPECT_EQ(check("/(vid)/" + vid), go_on(vid));
}

TEST_F(FrontTracking, AVisitorGetsAnotherVid) {
  const std::string before = first(), after = "a-new-vid-0123456789abcdef";
  const std::string visitor = last_visitor();
  EXPECT_EQ(ask("admin", "POST", "setnewvid", "vid=" + before + "&new=" + after)["result"], "merged");
  check("/(vid)/" + after + "/(count_page)/1", "dt=Next");
  EXPECT_EQ(last_visitor(), visitor);
  check("/(vid)/" + before + "/(count_page)/1", "dt=Next");
  EXPECT_NE(last_visitor(), visitor) << "the old one is nobody's now";
  for (const char* form : {"", "vid=x", "new=a-new-vid-0123456789abcdef", "vid=nobody&new=b-new-vid-0123456789abcdef"})
    EXPECT_TRUE(is_error(ask("admin", "POST", "setnewvid", form))) << form;
  EXPECT_TRUE(is_error(ask("admin", "POST", "setnewvid", "vid=" + after + "&new=short")));
  EXPECT_TRUE(is_error(ask("limited", "POST", "setnewvid", "vid=" + after + "&new=b-new-vid-0123456789abcdef")));
  EXPECT_FALSE(is_in_an_event(before));
  EXPECT_FALSE(is_in_an_event(after));
}

TEST(TrackingVid, IsLongEnoughToBeNobodyElses) {
  EXPECT_TRUE(is_usable_vid(new_vid()));
  EXPECT_NE(new_vid(), new_vid());
  EXPECT_EQ(new_chat_hash().size(), 40U);
  EXPECT_FALSE(is_usable_vid(std::string(20, 'a')));
  EXPECT_TRUE(is_usable_vid(std::string(21, 'a')));
  EXPECT_TRUE(is_usable_vid(std::string(50, 'a')));
  EXPECT_FALSE(is_usable_vid(std::string(51, 'a')));
  EXPECT_FALSE(is_usable_vid(std::string(30, 'a') + "/"));
  EXPECT_EQ(visitor_token("some-vid"), visitor_token("some-vid"));
  EXPECT_EQ(visitor_token("some-vid").find("some-vid"), std::string::npos);
}

TEST(TrackingVisitor, KnowsTimezones) {
  EXPECT_EQ(timezone_of("0"), "UTC");
  EXPECT_EQ(timezone_of("2"), "UTC+02:00");
  EXPECT_EQ(timezone_of("-3.5"), "UTC-03:30");
  EXPECT_EQ(timezone_of("14"), "UTC+14:00");
  EXPECT_EQ(timezone_of("America/Port-au-Prince"), "America/Port-au-Prince");
  for (const std::string& none : {std::string(), std::string("15"), std::string("-1e300"), std::string("nan"),
                                  std::string("inf"), std::string("<b>"), std::string(65, 'a')})
    EXPECT_EQ(timezone_of(none), std::nullopt) << none;
}

TEST(TrackingVisitor, KnowsCrawlersByTheirCase) {
  EXPECT_TRUE(is_crawler("Mozilla/5.0 (compatible; bingbot/2.0)"));
  EXPECT_FALSE(is_crawler("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"));
  EXPECT_FALSE(is_crawler("google"));
  EXPECT_FALSE(is_crawler(""));
}

}  // namespace
}  // namespace chatrelay::systems::livehelperchat::endpoints
