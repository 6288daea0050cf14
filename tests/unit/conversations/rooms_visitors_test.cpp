#include <gtest/gtest.h>

#include "unit/conversations/fake_transaction.hpp"

namespace chatrelay::conversations {
namespace {

SaveVisitor saving(Caller& c, const std::string& token) {
  SaveVisitor command;
  command.call = c.call();
  command.token = token;
  command.new_id = c.id("visitor");
  return command;
}

TEST(RoomsVisitors, OneThatNobodyKnewIsMadeAndTold) {
  Caller c;
  SaveVisitor command = saving(c, "t1");
  command.name = "Ann";
  command.email = "ann@example.com";
  command.phone = "123";
  command.department = "sales";
  command.ip = "192.0.2.1";
  command.user_agent = "Browser";
  command.custom.push_back({"plan", "gold", true});
  const auto answer = save_visitor(c.tx, command);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer.value->username, "guest-1");
  EXPECT_EQ(answer.value->token, "t1");
  EXPECT_EQ(answer.value->status, "online");
  EXPECT_EQ(answer.value->created_at, c.now);
  EXPECT_EQ(c.tx.types(), std::vector<std::string>{"visitor_updated"});
  const Event event = c.tx.last();
  EXPECT_EQ(event.visitor->id, "visitor-1");
  EXPECT_EQ(event.visitor->name, "Ann");
  EXPECT_EQ(event.visitor->email, "ann@example.com");
  EXPECT_EQ(event.visitor->phone, "123");
  EXPECT_EQ(event.visitor->ip, "192.0.2.1");
  EXPECT_EQ(event.visitor->user_agent, "Browser");
  EXPECT_EQ(event.visitor->custom, (json::object{{"plan", "gold"}}));
  EXPECT_EQ(event.occurred_at, c.now);
  EXPECT_EQ(event.raw, (json::value{{"asked", "for this"}}));
  EXPECT_FALSE(event.chat);
  EXPECT_EQ(view(*c.tx.visitor("site", "t1")).department, "sales");
}

TEST(RoomsVisitors, SilenceChangesNothingAndWhatIsKnownIsNotToldAgain) {
  Caller c;
  c.visitor("t1", "Ann");
  const std::string before = c.tx.dump();
  const auto again = c.visitor("t1", "Ann");
  ASSERT_TRUE(again);
  EXPECT_EQ(again.value->name, "Ann");
  EXPECT_EQ(again.value->id, "visitor-1");
  EXPECT_EQ(c.tx.dump(), before);
  SaveVisitor more = saving(c, "t1");
  more.email = "ann@example.com";
  EXPECT_EQ(save_visitor(c.tx, more).value->name, "Ann");
  EXPECT_EQ(c.tx.events.size(), 2u);
  EXPECT_EQ(view(*c.tx.visitor("site", "t1")).updated_at, c.now);
  SaveVisitor no_name = saving(c, "t1");
  no_name.name = "";
  EXPECT_FALSE(save_visitor(c.tx, no_name).value->name);
}

TEST(RoomsVisitors, AnotherAddressIsKeptButIsNoEvent) {
  Caller c;
  c.visitor("t1", "Ann");
  SaveVisitor moved = saving(c, "t1");
  moved.ip = "192.0.2.9";
  moved.user_agent = "Other";
  save_visitor(c.tx, moved);
  EXPECT_EQ(c.tx.events.size(), 1u);
  EXPECT_EQ(view(*c.tx.visitor("site", "t1")).ip, "192.0.2.9");
  EXPECT_EQ(view(*c.tx.visitor("site", "t1")).user_agent, "Other");
}

TEST(RoomsVisitors, ATokenIsOneVisitorOfItsSourceAlone) {
  Caller c;
  c.visitor("t1", "Ann");
  SaveVisitor elsewhere = saving(c, "t1");
  elsewhere.call.source = "shop";
  EXPECT_NE(save_visitor(c.tx, elsewhere).value->id, "visitor-1");
  // The same number or address is another visitor all the same.
  SaveVisitor other = saving(c, "t2");
  other.phone = "123";
  const std::string first = save_visitor(c.tx, other).value->id;
  SaveVisitor third = saving(c, "t3");
  third.phone = "123";
  EXPECT_NE(save_visitor(c.tx, third).value->id, first);
}

TEST(RoomsVisitors, NamesItselfOrIsAGuest) {
  Caller c;
  SaveVisitor command = saving(c, "t1");
  command.username = "ann42";
  EXPECT_EQ(save_visitor(c.tx, command).value->username, "ann42");
  EXPECT_EQ(c.visitor("t1").value->username, "ann42");
  EXPECT_EQ(c.visitor("t2").value->username, "guest-2");
  EXPECT_EQ(c.visitor("t2").value->username, "guest-2");
}

TEST(RoomsVisitors, UnusableTokensAreNobodys) {
  Caller c;
  expect_refused(c, Refusal::unknown_visitor, [&] { return c.visitor(""); });
  expect_refused(c, Refusal::unknown_visitor, [&] { return c.visitor(std::string(257, 't')); });
  EXPECT_TRUE(c.visitor(std::string(256, 't')));
  expect_refused(c, Refusal::unknown_visitor, [&] {
    SaveVisitor only_known = saving(c, "nobody");
    only_known.new_id.clear();
    return save_visitor(c.tx, only_known);
  });
}

TEST(RoomsVisitors, CustomFieldsAreKeptWithinLimits) {
  Caller c;
  SaveVisitor command = saving(c, "t1");
  command.custom = {{"a", "1", true}, {"b", 2, true}, {std::string(257, 'k'), "x", true}};
  EXPECT_EQ(save_visitor(c.tx, command).value->custom, (json::object{{"a", "1"}, {"b", 2}}));
  command.call = c.call();
  command.custom = {
      {"a", "9", false}, {"b", 3, true}, {"c", json::value(std::string(33 * 1024, 'x')), true}, {"d", true, false}};
  EXPECT_EQ(save_visitor(c.tx, command).value->custom, (json::object{{"a", "1"}, {"b", 3}, {"d", true}}));
  json::value deep = "deep";
  for (int i = 0; i < 9; ++i) deep = json::array{deep};
  command.call = c.call();
  command.custom = {{"deep", deep, true}, {"broken", "a\xff", true}};
  const json::object custom = save_visitor(c.tx, command).value->custom;
  EXPECT_FALSE(custom.contains("deep"));
  EXPECT_EQ(custom.at("broken").as_string(), "a\xEF\xBF\xBD");
}

TEST(RoomsVisitors, ManyCustomFieldsStayBelowTheLimitOfAll) {
  Caller c;
  SaveVisitor command = saving(c, "t1");
  for (int i = 0; i < 100; ++i)
    command.custom.push_back({"k" + std::to_string(i), json::value(std::string(1000, 'x')), true});
  const json::object custom = save_visitor(c.tx, command).value->custom;
  EXPECT_LE(json::serialize(custom).size(), 32u * 1024);
  EXPECT_GT(custom.size(), 25u);
  EXPECT_TRUE(custom.contains("k0"));
  EXPECT_FALSE(custom.contains("k99"));
}

TEST(RoomsVisitors, TextsAreRepairedAndCut) {
  Caller c;
  SaveVisitor command = saving(c, "t1");
  command.name = std::string(2000, 'n');
  command.email = "a\xff@b";
  const auto answer = save_visitor(c.tx, command);
  EXPECT_EQ(answer.value->name->size(), 1024u);
  EXPECT_EQ(answer.value->email, "a\xEF\xBF\xBD@b");
  command.call = c.call();
  command.name = std::string(1022, '\xff');  // grows threefold
  EXPECT_LE(save_visitor(c.tx, command).value->name->size(), 1024u);
}

TEST(RoomsVisitors, WhatIsSaidOfOneInAConversationIsToldInIt) {
  Caller c;
  const std::string room = c.room_of("t1");
  c.visitor("t1", "Ann");
  EXPECT_EQ(c.tx.last().type, "visitor_updated");
  EXPECT_EQ(c.tx.last().chat->id, room);
  EXPECT_EQ(c.tx.last().chat->status, "active");
}

TEST(RoomsVisitors, AStatusIsActivity) {
  Caller c;
  c.visitor("t1");
  EXPECT_EQ(set_status(c.tx, SetStatus{c.call(), "t1", "away"}).value->status, "away");
  EXPECT_EQ(c.tx.last().type, "visitor_activity");
  EXPECT_EQ(c.tx.last().activity.at("status"), "away");
  EXPECT_EQ(view(*c.tx.visitor("site", "t1")).status, "away");
  expect_refused(c, Refusal::unknown_visitor, [&] { return set_status(c.tx, SetStatus{c.call(), "t2", "away"}); });
}

TEST(RoomsVisitors, APageIsActivity) {
  Caller c;
  const std::string room = c.room_of("t1");
  const Page page{"https://shop.example/a", "A", std::string(10'000, 'r')};
  ASSERT_TRUE(visit_page(c.tx, VisitPage{c.call(), "t1", room, page, "url"}));
  const Event event = c.tx.last();
  EXPECT_EQ(event.type, "visitor_activity");
  EXPECT_EQ(event.chat->id, room);
  EXPECT_EQ(event.visitor->page.url, "https://shop.example/a");
  EXPECT_EQ(event.visitor->page.referrer->size(), 8192u);
  EXPECT_EQ(event.activity.at("page").at("title"), "A");
  EXPECT_EQ(event.activity.at("change"), "url");
  EXPECT_TRUE(visit_page(c.tx, VisitPage{c.call(), "t1", "", page, "url"}));
  const auto visit = [&](const char* token, const char* in) {
    return visit_page(c.tx, VisitPage{c.call(), token, in, Page{}, ""});
  };
  expect_refused(c, Refusal::unknown_visitor, [&] { return visit("t2", ""); });
  expect_refused(c, Refusal::unknown_room, [&] { return visit("t1", "none"); });
}

TEST(RoomsVisitors, IsRemovedOnceAllRoomsAreClosed) {
  Caller c;
  const std::string room = c.room_of("t1", "Ann");
  const std::size_t events = c.tx.events.size();
  expect_refused(c, Refusal::rooms_open, [&] { return remove_visitor(c.tx, ByToken{c.call(), "t1"}); });
  expect_refused(c, Refusal::unknown_visitor, [&] { return remove_visitor(c.tx, ByToken{c.call(), "t2"}); });
  c.close("t1", room);
  const auto removed = remove_visitor(c.tx, ByToken{c.call(), "t1"});
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed.value->name, "Ann");
  EXPECT_EQ(c.tx.events.size(), events + 1);  // the closing
  expect_refused(c, Refusal::unknown_visitor, [&] { return c.open("t1"); });
  expect_refused(c, Refusal::unknown_room, [&] { return c.agent_says(room, "m", "hello?"); });
}

TEST(RoomsVisitors, AnOfflineMessageNeedsNobody) {
  Caller c;
  LeaveMessage command{c.call(), "Ann", "ann@example.com", "Call me", "sales", "shop.example", "m1"};
  EXPECT_TRUE(leave_message(c.tx, command));
  const Event event = c.tx.last();
  EXPECT_EQ(event.type, "offline_message");
  EXPECT_EQ(event.visitor->name, "Ann");
  EXPECT_EQ(event.visitor->email, "ann@example.com");
  EXPECT_FALSE(event.visitor->id);
  EXPECT_EQ(event.message->text, "Call me");
  EXPECT_EQ(event.message->author.role, "visitor");
  EXPECT_EQ(event.message->sent_at, c.now);
  EXPECT_EQ(event.chat->department, "sales");
  EXPECT_FALSE(event.chat->id);
  EXPECT_EQ(event.activity.at("host"), "shop.example");
  EXPECT_TRUE(c.tx.visitors.empty());
  command.department.reset();
  leave_message(c.tx, command);
  EXPECT_FALSE(c.tx.last().chat);
}

TEST(RoomsVisitors, NestingThatCannotBeReadAgainIsNotInTheEvent) {
  Caller c;
  SaveVisitor command = saving(c, "t1");
  json::value deep = "deep";
  for (int i = 0; i < 128; ++i) deep = json::array{deep};
  command.call.raw = deep;
  save_visitor(c.tx, command);
  EXPECT_EQ(c.tx.last().type, "visitor_updated");  // it can be read
  EXPECT_TRUE(c.tx.last().raw.is_null());
}

}  // namespace
}  // namespace chatrelay::conversations
