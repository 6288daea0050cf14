#include <gtest/gtest.h>

#include "unit/conversations/fake_transaction.hpp"

namespace chatrelay::conversations {
namespace {

TEST(RoomsOurSide, WhatAnAgentSaysIsKeptAndTold) {
  Caller c;
  const std::string room = c.room_of("t1", "Ann");
  const auto said = c.agent_says(room, "d1", "How can I help?");
  ASSERT_TRUE(said);
  EXPECT_EQ(said.value->message.author.name, "Bob");
  EXPECT_EQ(said.value->message.author_username, "bob");
  EXPECT_FALSE(said.value->message.from_visitor);
  EXPECT_FALSE(said.value->room.waiting_response);
  EXPECT_EQ(said.value->visitor.name, "Ann");
  const Event event = c.tx.last();
  EXPECT_EQ(event.type, "incoming_event");
  EXPECT_EQ(event.message->id, "d1");
  EXPECT_EQ(event.message->author.role, "agent");
  EXPECT_EQ(event.message->kind, "message");
  EXPECT_FALSE(event.message->client_id);
  EXPECT_EQ(event.agent->id, "A1");
  EXPECT_EQ(event.agent->name, "Bob");
  EXPECT_EQ(event.visitor->name, "Ann");
}

TEST(RoomsOurSide, TheSameAgainAnswersWhatIsThere) {
  Caller c;
  const std::string room = c.room_of("t1");
  const MessageView first = c.agent_says(room, "d1", "hello").value->message;
  const std::string before = c.tx.dump();
  const auto again = c.agent_says(room, "d1", "other words");
  ASSERT_TRUE(again);
  EXPECT_EQ(again.value->message.text, "hello");
  EXPECT_EQ(again.value->message.sent_at, first.sent_at);
  EXPECT_EQ(c.tx.dump(), before);
  c.close("t1", room);
  EXPECT_TRUE(c.agent_says(room, "d1", "hello"));  // a retry after the end
  expect_refused(c, Refusal::room_closed, [&] { return c.agent_says(room, "d2", "too late"); });
}

TEST(RoomsOurSide, SayRefusals) {
  Caller c;
  const std::string room = c.room_of("t1");
  const std::string other = c.room_of("t2");
  c.post("t1", room, "hello", "mine");
  c.agent_says(other, "d1", "elsewhere");
  expect_refused(c, Refusal::unknown_room, [&] { return c.agent_says("none", "d2", "x"); });
  expect_refused(c, Refusal::id_taken, [&] { return c.agent_says(room, "mine", "x"); });
  expect_refused(c, Refusal::id_taken, [&] { return c.agent_says(room, "d1", "x"); });
  expect_refused(c, Refusal::id_taken, [&] { return c.agent_says(room, "", "x"); });
  expect_refused(c, Refusal::unknown_room, [&] {
    Say command{c.call(), room, "d3", "x", Author{}, ""};
    command.call.source = "shop";
    return say(c.tx, command);
  });
}

TEST(RoomsOurSide, NobodyOfOursSpeaksAsTheVisitor) {
  Caller c;
  const std::string room = c.room_of("t1");
  const auto said = say(c.tx, Say{c.call(), room, "d1", "hello", Author{{}, "System", "visitor"}, ""});
  EXPECT_EQ(said.value->message.author.role, "system");
  EXPECT_TRUE(said.value->room.waiting_response);  // nobody answered yet
  EXPECT_EQ(c.tx.last().message->kind, "system");
  EXPECT_FALSE(c.tx.last().agent);
  const auto bot = say(c.tx, Say{c.call(), room, "d2", "hello", Author{"B1", "Robo", "bot"}, "robo"});
  EXPECT_EQ(bot.value->message.author.role, "bot");
  EXPECT_FALSE(bot.value->room.waiting_response);
  EXPECT_FALSE(c.tx.last().agent);
}

TEST(RoomsOurSide, AnAgentIsAssignedOnce) {
  Caller c;
  const std::string room = c.room_of("t1");
  const Assign command{c.call(), room, Agent{"A1", "Bob", "bob@example.com"}, "bob"};
  const auto assigned = assign(c.tx, command);
  ASSERT_TRUE(assigned);
  EXPECT_TRUE(assigned.value->is_new);
  EXPECT_EQ(assigned.value->room.agent->name, "Bob");
  EXPECT_EQ(c.tx.last().type, "user_added_to_chat");
  EXPECT_EQ(c.tx.last().agent->email, "bob@example.com");
  EXPECT_EQ(view(*c.tx.room("site", room)).agent_username, "bob");
  const std::string before = c.tx.dump();
  EXPECT_FALSE(assign(c.tx, command).value->is_new);
  EXPECT_EQ(c.tx.dump(), before);
  c.post("t1", room, "hello");
  EXPECT_EQ(c.tx.last().agent->email, "bob@example.com");
  EXPECT_EQ(assign(c.tx, Assign{c.call(), room, Agent{{}, "Eve", {}}, "eve"}).value->room.agent->id, "eve");
  expect_refused(c, Refusal::unknown_room, [&] {
    return assign(c.tx, Assign{c.call(), "none", Agent{"A1", {}, {}}, ""});
  });
  c.close("t1", room);
  expect_refused(c, Refusal::room_closed, [&] {
    return assign(c.tx, Assign{c.call(), room, Agent{"A2", {}, {}}, ""});
  });
}

TEST(RoomsOurSide, ARoomEndsOnce) {
  Caller c;
  const std::string room = c.room_of("t1");
  const EndRoom command{c.call(), room, "Solved", "m1", Author{"A1", "Bob", "agent"}};
  const auto ended = end_room(c.tx, command);
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended.value->is_new);
  EXPECT_EQ(ended.value->room.closed_by, "agent");
  EXPECT_EQ(view(*c.tx.message("site", "m1"), room).text, "Solved");
  EXPECT_EQ(c.tx.last().type, "chat_deactivated");
  EXPECT_EQ(c.tx.last().activity.at("closed_by"), "agent");
  const std::string before = c.tx.dump();
  EXPECT_FALSE(end_room(c.tx, command).value->is_new);
  EXPECT_EQ(c.tx.dump(), before);
  const std::string second = c.open("t1").value->room.id;
  expect_refused(c, Refusal::id_taken, [&] { return end_room(c.tx, EndRoom{c.call(), second, "", "m1", {}}); });
  expect_refused(c, Refusal::unknown_room, [&] { return end_room(c.tx, EndRoom{c.call(), "none", "", "m2", {}}); });
  EXPECT_EQ(end_room(c.tx, EndRoom{c.call(), second, "", "m3", {}}).value->room.closed_by, "system");
}

}  // namespace
}  // namespace chatrelay::conversations
