// Rooms that other dialects begin, change and remove.
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "unit/conversations/fake_transaction.hpp"

namespace chatrelay::conversations {
namespace {

StartRoom begin(Caller& c, const std::string& token) {
  StartRoom command;
  command.call = c.call();
  command.guest.token = token;
  command.guest.new_id = c.id("visitor");
  command.new_id = c.id("room");
  command.new_message_id = c.id("started");
  command.key = "key of " + command.new_id;
  command.status = "queued";
  return command;
}

StartRoom::Line line(Caller& c, const std::string& role, const std::string& text, const std::string& audience = "all") {
  StartRoom::Line out;
  out.new_id = c.id("line");
  out.text = text;
  out.author.role = role;
  if (role == "agent") out.author.id = "7";
  out.audience = audience;
  return out;
}

TEST(RoomsBegin, EachStartIsARoomOfItsOwn) {
  Caller c;
  StartRoom command = begin(c, "t1");
  command.guest.name = "Ann";
  command.department = "5";
  command.lines.push_back(line(c, "visitor", "hello"));
  const auto first = start_room(c.tx, command);
  const auto second = start_room(c.tx, begin(c, "t1"));
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_NE(first.value->room.pk, second.value->room.pk);
  EXPECT_EQ(first.value->visitor.pk, second.value->visitor.pk);
  EXPECT_EQ(c.tx.types(), (std::vector<std::string>{"incoming_chat", "incoming_event", "incoming_chat"}));
  EXPECT_EQ(c.tx.event(0).chat->status, "queued");
  EXPECT_EQ(c.tx.event(0).chat->department, "5");
  EXPECT_EQ(c.tx.event(0).visitor->name, "Ann");
  EXPECT_TRUE(first.value->room.waiting_response);
}

// A request of 60 KiB that brings 500 messages must not become 30 MiB of events.
TEST(RoomsBegin, WhatTheClientAskedIsKeptOnce) {
  Caller c;
  StartRoom command = begin(c, "t1");
  command.call.raw = json::object{{"fields", "everything"}};
  command.lines.push_back(line(c, "visitor", "hello"));
  command.lines.push_back(line(c, "agent", "hi"));
  ASSERT_TRUE(start_room(c.tx, command));
  ASSERT_EQ(c.tx.types(), (std::vector<std::string>{"incoming_chat", "incoming_event", "incoming_event"}));
  EXPECT_EQ(c.tx.event(0).raw, command.call.raw);
  EXPECT_TRUE(c.tx.event(1).raw.is_null());
  EXPECT_TRUE(c.tx.event(2).raw.is_null());
}

TEST(RoomsBegin, TheKeyAndWhatIsHiddenAreInNoEvent) {
  Caller c;
  StartRoom command = begin(c, "secret-token");
  command.key = "the-key-of-the-room";
  command.hidden["remarks"] = "for-us-alone";
  command.lines.push_back(line(c, "visitor", "hello"));
  command.lines.back().hidden["meta_msg"] = "hidden-meta";
  const auto opened = start_room(c.tx, command);
  ASSERT_TRUE(opened);
  EXPECT_EQ(view(*c.tx.room(opened.value->room.pk)).key, "the-key-of-the-room");
  ChangeRoom change;
  change.call = c.call();
  change.room_id = opened.value->room.id;
  change.status = "active";
  change.hidden["remarks"] = "more-for-us";
  ASSERT_TRUE(change_room(c.tx, change));
  for (const store::NewEvent& event : c.tx.events)
    for (const char* secret : {"the-key-of-the-room", "for-us-alone", "more-for-us", "hidden-meta", "secret-token"})
      EXPECT_EQ(event.body.find(secret), std::string::npos) << secret;
}

TEST(RoomsBegin, WhispersAnswerNobodyAndStayForAgents) {
  Caller c;
  StartRoom command = begin(c, "t1");
  command.lines = {line(c, "visitor", "hello"), line(c, "agent", "a whisper", "agents")};
  const auto opened = start_room(c.tx, command);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened.value->room.waiting_response);
  EXPECT_EQ(c.tx.last().message->audience, "agents");
  Say whisper{c.call(), opened.value->room.id, "w1", "another", Author{"7", "Bob", "agent"}, "bob"};
  whisper.audience = "agents";
  whisper.accepts = true;
  const auto said = say(c.tx, whisper);
  ASSERT_TRUE(said);
  EXPECT_EQ(said.value->room.status, "queued");
  EXPECT_FALSE(said.value->room.agent);
  EXPECT_TRUE(said.value->room.waiting_response);
  EXPECT_EQ(c.tx.last().message->audience, "agents");
  EXPECT_FALSE(c.tx.last().agent);
  EXPECT_EQ(view(*c.tx.message("site", "w1"), "").audience, "agents");
}

TEST(RoomsBegin, AnOperatorWhoSpeaksAcceptsAWaitingRoom) {
  Caller c;
  const auto opened = start_room(c.tx, begin(c, "t1"));
  Say word{c.call(), opened.value->room.id, "m1", "hi", Author{"7", "Bob", "agent"}, "bob"};
  word.accepts = true;
  ASSERT_TRUE(say(c.tx, word));
  EXPECT_EQ(c.tx.last().chat->status, "active");
  EXPECT_EQ(c.tx.last().agent->id, "7");
  Say other{c.call(), opened.value->room.id, "m2", "hi", Author{"8", "Eve", "agent"}, "eve"};
  other.accepts = true;
  const auto said = say(c.tx, other);
  EXPECT_EQ(said.value->room.agent->id, "7");  // who serves it stays
}

TEST(RoomsBegin, StartRefusals) {
  Caller c;
  const auto there = start_room(c.tx, begin(c, "t1"));
  ASSERT_TRUE(there);
  expect_refused(c, Refusal::unknown_visitor, [&] { return start_room(c.tx, begin(c, "")); });
  expect_refused(c, Refusal::too_many_rooms, [&] {
    StartRoom command = begin(c, "t1");
    command.rooms_max = 1;
    return start_room(c.tx, command);
  });
  expect_refused(c, Refusal::id_taken, [&] {
    StartRoom command = begin(c, "t1");
    command.new_id = there.value->room.id;
    return start_room(c.tx, command);
  });
  expect_refused(c, Refusal::id_taken, [&] {
    StartRoom command = begin(c, "t1");
    command.lines = {line(c, "visitor", "one"), line(c, "visitor", "two")};
    command.lines[1].new_id = command.lines[0].new_id;
    return start_room(c.tx, command);
  });
  expect_refused(c, Refusal::closed_by_policy, [&] {
    StartRoom command = begin(c, "t1");
    command.lines.resize(1001);
    return start_room(c.tx, command);
  });
}

TEST(RoomsBegin, AChangeIsToldOnce) {
  Caller c;
  const std::string room = start_room(c.tx, begin(c, "t1")).value->room.id;
  ChangeRoom change;
  change.call = c.call();
  change.room_id = room;
  change.status = "active";
  change.department = "6";
  const auto changed = change_room(c.tx, change);
  ASSERT_TRUE(changed);
  EXPECT_TRUE(changed.value->is_new);
  EXPECT_EQ(c.tx.last().type, "chat_properties_updated");
  EXPECT_EQ(json::serialize(c.tx.last().activity.at("status")), R"({"from":"queued","to":"active"})");
  const std::string before = c.tx.dump();
  change.call = c.call();
  EXPECT_FALSE(change_room(c.tx, change).value->is_new);
  EXPECT_EQ(c.tx.dump(), before);
  change.status = "nonsense";
  EXPECT_FALSE(change_room(c.tx, change).value->is_new);
  EXPECT_EQ(c.tx.dump(), before);
}

TEST(RoomsBegin, AnOpenStatusOpensAClosedRoomAgain) {
  Caller c;
  const std::string room = start_room(c.tx, begin(c, "t1")).value->room.id;
  ASSERT_TRUE(end_room(c.tx, EndRoom{c.call(), room, "", c.id("closed"), Author{"7", "Bob", "agent"}}));
  EXPECT_EQ(c.tx.last().chat->status, "closed");
  ChangeRoom change;
  change.call = c.call();
  change.room_id = room;
  change.hidden["remarks"] = "x";
  EXPECT_FALSE(change_room(c.tx, change).value->room.open);  // says nothing of the status
  change.status = "active";
  EXPECT_TRUE(change_room(c.tx, change).value->room.open);
  EXPECT_EQ(c.tx.last().chat->status, "active");
  EXPECT_FALSE(c.tx.last().chat->ended_at);
  EXPECT_TRUE(c.post("t1", room, "here again"));
}

TEST(RoomsBegin, HiddenColumnsAreMergedAndBounded) {
  Caller c;
  const std::string room = start_room(c.tx, begin(c, "t1")).value->room.id;
  ChangeRoom change;
  change.call = c.call();
  change.room_id = room;
  change.hidden = {{"a", "1"}, {"b", 2}};
  change_room(c.tx, change);
  change.hidden = {{"a", nullptr}, {"c", "3"}};
  EXPECT_EQ(json::serialize(change_room(c.tx, change).value->room.hidden), R"({"b":2,"c":"3"})");
  change.hidden = {{"d", std::string(40 << 10, 'x')}};
  EXPECT_EQ(json::serialize(change_room(c.tx, change).value->room.hidden), R"({"b":2,"c":"3"})");
}

TEST(RoomsBegin, ARemovedRoomIsGone) {
  Caller c;
  const std::string room = start_room(c.tx, begin(c, "t1")).value->room.id;
  const auto removed = remove_room(c.tx, RemoveRoom{c.call(), room, Author{"7", "Bob", "agent"}});
  ASSERT_TRUE(removed);
  EXPECT_EQ(c.tx.last().type, "chat_deactivated");
  EXPECT_EQ(c.tx.last().activity.at("closed_by"), "agent");
  EXPECT_FALSE(c.tx.room("site", room));
  expect_refused(c, Refusal::unknown_room, [&] {
    return remove_room(c.tx, RemoveRoom{c.call(), room, Author{"7", "Bob", "agent"}});
  });
  expect_refused(c, Refusal::unknown_room, [&] { return change_room(c.tx, ChangeRoom{c.call(), room}); });
}

}  // namespace
}  // namespace chatrelay::conversations
