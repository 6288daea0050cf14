// Visitors who are watched without a chat: pages, invitations, the way back to a chat, another name.
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "unit/conversations/fake_transaction.hpp"

namespace chatrelay::conversations {
namespace {

Track look_at(Caller& c, const std::string& token, const std::string& url, const std::string& title = "Shop") {
  Track command;
  command.call = c.call();
  command.guest.token = token;
  command.guest.new_id = c.id("visitor");
  command.page.url = url;
  command.page.title = title;
  return command;
}

StartRoom begin(Caller& c, const std::string& token, bool takes_invitation = false) {
  StartRoom command;
  command.call = c.call();
  command.guest.token = token;
  command.guest.new_id = c.id("visitor");
  command.new_id = c.id("room");
  command.new_message_id = c.id("started");
  command.invitation_id = c.id("invitation");
  command.takes_invitation = takes_invitation;
  return command;
}

Invite invitation(Caller& c, const std::string& visitor, const std::string& id, const std::string& text) {
  Invite command;
  command.call = c.call();
  command.visitor_id = visitor;
  command.id = id;
  command.text = text;
  command.author = Author{"7", "Bob", "agent"};
  return command;
}

TEST(RoomsGuests, APageIsToldOnceAndAHeartbeatIsNothing) {
  Caller c;
  const auto first = track(c.tx, look_at(c, "t1", "/a"));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first.value->is_new);
  EXPECT_EQ(c.tx.types(), std::vector<std::string>{"visitor_activity"});
  EXPECT_EQ(c.tx.last().activity.at("change"), "new");
  EXPECT_EQ(c.tx.last().visitor->page.url, "/a");
  const std::string before = c.tx.dump();
  const Track again = look_at(c, "t1", "/a");
  EXPECT_FALSE(would_track(view(*c.tx.visitor("site", "t1")), again));
  EXPECT_FALSE(track(c.tx, again).value->told);
  EXPECT_EQ(c.tx.dump(), before);
  const Track next = look_at(c, "t1", "/b");
  EXPECT_TRUE(would_track(view(*c.tx.visitor("site", "t1")), next));
  EXPECT_TRUE(track(c.tx, next).value->told);
  EXPECT_EQ(c.tx.last().activity.at("change"), "page");
  EXPECT_EQ(c.tx.last().activity.at("page_views"), 2);
}

TEST(RoomsGuests, ARequestWithoutAPageIsNoPageView) {
  Caller c;
  track(c.tx, look_at(c, "t1", "/a"));
  const std::string before = c.tx.dump();
  EXPECT_FALSE(track(c.tx, look_at(c, "t1", "", "")).value->told);
  EXPECT_EQ(c.tx.dump(), before);
}

TEST(RoomsGuests, TheLastPagesAreKept) {
  Caller c;
  for (int i = 0; i < 50; ++i) track(c.tx, look_at(c, "t1", "/" + std::to_string(i)));
  const VisitorView visitor = view(*c.tx.visitor("site", "t1"));
  const json::array& pages = visitor.hidden.at("pages").as_array();
  EXPECT_EQ(pages.size(), 20u);
  EXPECT_EQ(pages.back().at("url"), "/49");
  EXPECT_EQ(visitor.hidden.at("page_views"), 50);
  for (int i = 0; i < 20; ++i) track(c.tx, look_at(c, "t1", std::string(100'000, 'x') + std::to_string(i), "t"));
  EXPECT_LT(json::serialize(c.tx.visitors.begin()->second.record).size(), 40u << 10);
}

TEST(RoomsGuests, WhereSomebodyCallsFromIsKeptAndNotTold) {
  Caller c;
  track(c.tx, look_at(c, "t1", "/a"));
  Track moved = look_at(c, "t1", "/a");
  moved.guest.ip = "192.0.2.9";
  moved.guest.timezone = "Europe/Vilnius";
  EXPECT_FALSE(track(c.tx, moved).value->told);
  track(c.tx, look_at(c, "t1", "/b"));
  EXPECT_EQ(c.tx.last().visitor->ip, "192.0.2.9");
  EXPECT_EQ(c.tx.last().visitor->timezone, "Europe/Vilnius");
}

TEST(RoomsGuests, AnInvitationIsShownOnceAndBecomesTheFirstMessage) {
  Caller c;
  const std::string visitor = track(c.tx, look_at(c, "t1", "/a")).value->visitor.id;
  const auto invited = invite(c.tx, invitation(c, visitor, "d1", "Can I help?"));
  ASSERT_TRUE(invited);
  EXPECT_TRUE(invited.value->is_new);
  EXPECT_EQ(c.tx.events.size(), 1u);  // told when it is shown
  EXPECT_EQ(waiting_invitation(view(*c.tx.visitor("site", "t1")))->text, "Can I help?");
  const auto shown = show_invitation(c.tx, ByToken{c.call(), "t1"});
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown.value->author.name, "Bob");
  EXPECT_EQ(c.tx.last().activity.at("invitation").at("text"), "Can I help?");
  expect_refused(c, Refusal::no_invitation, [&] { return show_invitation(c.tx, ByToken{c.call(), "t1"}); });
  const auto opened = start_room(c.tx, begin(c, "t1", true));
  ASSERT_TRUE(opened);
  EXPECT_EQ(c.tx.texts(opened.value->room.pk), (std::vector<std::string>{"", "Can I help?"}));
  EXPECT_EQ(c.tx.last().message->author.id, "7");
  const auto second = start_room(c.tx, begin(c, "t1", true));
  EXPECT_EQ(c.tx.count(second.value->room.pk), 1u);
}

TEST(RoomsGuests, ADeliveryThatIsMadeAgainInvitesOnce) {
  Caller c;
  const std::string visitor = track(c.tx, look_at(c, "t1", "/a")).value->visitor.id;
  invite(c.tx, invitation(c, visitor, "d1", "Hello"));
  const std::string before = c.tx.dump();
  EXPECT_FALSE(invite(c.tx, invitation(c, visitor, "d1", "Hello")).value->is_new);
  EXPECT_EQ(c.tx.dump(), before);
  show_invitation(c.tx, ByToken{c.call(), "t1"});
  EXPECT_FALSE(invite(c.tx, invitation(c, visitor, "d1", "Hello")).value->is_new);
  const std::string room = start_room(c.tx, begin(c, "t1", true)).value->room.id;
  c.close("t1", room);
  EXPECT_FALSE(invite(c.tx, invitation(c, visitor, "d1", "Hello")).value->is_new);
  EXPECT_FALSE(waiting_invitation(view(*c.tx.visitor("site", "t1"))));
  EXPECT_TRUE(invite(c.tx, invitation(c, visitor, "d2", "Again")).value->is_new);
}

TEST(RoomsGuests, OnlyWhoIsKnownAndHasNoChatIsInvited) {
  Caller c;
  const std::string visitor = track(c.tx, look_at(c, "t1", "/a")).value->visitor.id;
  const std::string number = visitor.substr(visitor.rfind('-'));
  for (const std::string& unknown : {std::string("nobody"), std::string("other") + number, number,
                                     std::string("visitor-99"), std::string("-18446744073709551616"), std::string("")})
    expect_refused(c, Refusal::unknown_visitor, [&] { return invite(c.tx, invitation(c, unknown, "d1", "Hello")); });
  expect_refused(c, Refusal::unknown_visitor, [&] {
    Invite command = invitation(c, visitor, "d1", "Hello");
    command.call.source = "shop";
    return invite(c.tx, command);
  });
  ASSERT_TRUE(start_room(c.tx, begin(c, "t1")));
  expect_refused(c, Refusal::rooms_open, [&] { return invite(c.tx, invitation(c, visitor, "d1", "Hello")); });
}

TEST(RoomsGuests, WhoWasAnsweredIsCalledBackOnceForEachAnswer) {
  Caller c;
  const std::string room = start_room(c.tx, begin(c, "t1")).value->room.id;
  expect_refused(c, Refusal::unknown_room, [&] { return call_back(c.tx, ByToken{c.call(), "t1"}); });
  c.agent_says(room, "m1", "an answer");
  EXPECT_EQ(call_back(c.tx, ByToken{c.call(), "t1"}).value->room.id, room);
  expect_refused(c, Refusal::unknown_room, [&] { return call_back(c.tx, ByToken{c.call(), "t1"}); });
  c.agent_says(room, "m2", "another");
  EXPECT_TRUE(call_back(c.tx, ByToken{c.call(), "t1"}));
  Say whisper{c.call(), room, "w1", "between us", Author{"7", "Bob", "agent"}, "bob"};
  whisper.audience = "agents";
  ASSERT_TRUE(say(c.tx, whisper));
  ASSERT_TRUE(say(c.tx, Say{c.call(), room, "s1", "a note", Author{{}, {}, "system"}, ""}));
  expect_refused(c, Refusal::unknown_room, [&] { return call_back(c.tx, ByToken{c.call(), "t1"}); });
  c.agent_says(room, "m3", "the last");
  c.close("t1", room);
  expect_refused(c, Refusal::unknown_room, [&] { return call_back(c.tx, ByToken{c.call(), "t1"}); });
}

TEST(RoomsGuests, AnotherSecretForTheSameVisitor) {
  Caller c;
  const store::OwnPk pk = track(c.tx, look_at(c, "old", "/a")).value->visitor.pk;
  const auto renamed = rename(c.tx, Rename{c.call(), "old", "new", "retired"});
  ASSERT_TRUE(renamed);
  EXPECT_FALSE(renamed.value->merged);
  EXPECT_EQ(c.tx.visitor("site", "new")->pk, pk);
  EXPECT_FALSE(c.tx.visitor("site", "old"));
  expect_refused(c, Refusal::unknown_visitor, [&] { return rename(c.tx, Rename{c.call(), "old", "new", "retired"}); });
}

TEST(RoomsGuests, TwoVisitorsBecomeOne) {
  Caller c;
  StartRoom command = begin(c, "old");
  command.guest.email = "ann@example.com";
  const auto opened = start_room(c.tx, command);
  track(c.tx, look_at(c, "new", "/a"));
  const store::OwnPk other = c.tx.visitor("site", "new")->pk;
  const auto renamed = rename(c.tx, Rename{c.call(), "old", "new", "retired"});
  ASSERT_TRUE(renamed);
  EXPECT_TRUE(renamed.value->merged);
  EXPECT_EQ(renamed.value->visitor.email, "ann@example.com");
  EXPECT_EQ(c.tx.room(opened.value->room.pk)->visitor, other);
  EXPECT_FALSE(c.tx.visitor("site", "old"));
  EXPECT_EQ(c.tx.last().type, "visitor_updated");
  EXPECT_TRUE(c.post("new", opened.value->room.id, "still here"));
}

}  // namespace
}  // namespace chatrelay::conversations
