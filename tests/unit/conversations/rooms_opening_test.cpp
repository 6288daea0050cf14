#include <gtest/gtest.h>

#include "unit/conversations/fake_transaction.hpp"

namespace chatrelay::conversations {
namespace {

TEST(RoomsOpening, ANewRoomBeginsWithWhatItSaysOfItself) {
  Caller c;
  c.visitor("t1", "Ann");
  const auto opened = c.open("t1");
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened.value->is_new);
  const RoomView& room = opened.value->room;
  EXPECT_TRUE(room.open);
  EXPECT_EQ(room.messages, 1u);
  EXPECT_EQ(room.created_at, c.now);
  EXPECT_EQ(room.last_at, c.now);
  EXPECT_TRUE(room.waiting_response);
  ASSERT_EQ(c.tx.messages.size(), 1u);
  const MessageView first = view(c.tx.messages.begin()->second, room.id);
  EXPECT_EQ(first.system_type, "livechat-started");
  EXPECT_EQ(first.sent_at, c.now);
  EXPECT_FALSE(first.from_visitor);
  EXPECT_EQ(c.tx.types(), (std::vector<std::string>{"visitor_updated", "incoming_chat"}));
  const Event event = c.tx.last();
  EXPECT_EQ(event.chat->id, room.id);
  EXPECT_EQ(event.chat->status, "active");
  EXPECT_EQ(event.chat->initiator, "client");
  EXPECT_EQ(event.chat->started_at, c.now);
  EXPECT_EQ(event.chat->tags, std::vector<std::string>{});
  EXPECT_FALSE(event.chat->thread_id);
  EXPECT_EQ(event.visitor->name, "Ann");
  EXPECT_FALSE(event.message);
  EXPECT_EQ(event.activity.at("origin"), "api");
}

TEST(RoomsOpening, KeepsWhoServesAndWhere) {
  Caller c;
  SaveVisitor saved{c.call(), "t1", "v1", {}, {}, {}, {}, "sales", {}, {}, {}};
  save_visitor(c.tx, saved);
  OpenRoom command{c.call(), "t1", "", "r1", "m1", "widget", Agent{{}, "Bob", {}}, "bob", 100};
  const auto opened = open_room(c.tx, command);
  EXPECT_EQ(opened.value->room.origin, "widget");
  EXPECT_EQ(opened.value->room.department, "sales");
  EXPECT_EQ(opened.value->room.agent->id, "bob");  // the username, where there is no id
  EXPECT_EQ(opened.value->room.agent_username, "bob");
  EXPECT_EQ(c.tx.last().agent->name, "Bob");
  EXPECT_EQ(c.tx.last().chat->department, "sales");
  const RoomView stored = view(*c.tx.room("site", "r1"));
  EXPECT_EQ(stored.agent->id, "bob");
  EXPECT_EQ(stored.origin, "widget");
}

TEST(RoomsOpening, AnOpenRoomIsUsedAgain) {
  Caller c;
  const std::string room = c.room_of("t1");
  const std::string before = c.tx.dump();
  EXPECT_EQ(c.open("t1").value->room.id, room);
  EXPECT_FALSE(c.open("t1").value->is_new);
  EXPECT_EQ(c.open("t1", room).value->room.id, room);
  EXPECT_EQ(c.tx.dump(), before);
}

TEST(RoomsOpening, Refusals) {
  Caller c;
  const std::string room = c.room_of("t1");
  expect_refused(c, Refusal::unknown_visitor, [&] { return c.open("t2"); });
  expect_refused(c, Refusal::unknown_room, [&] { return c.open("t1", "none"); });
  c.close("t1", room);
  expect_refused(c, Refusal::unknown_room, [&] { return c.open("t1", room); });
  expect_refused(c, Refusal::too_many_rooms, [&] { return c.open("t1", "", 1); });
  expect_refused(c, Refusal::id_taken, [&] {
    return open_room(c.tx, OpenRoom{c.call(), "t1", "", room, "new", "api", {}, {}, 100});
  });
  const std::string message = c.tx.messages.begin()->second.id;
  expect_refused(c, Refusal::id_taken, [&] {
    return open_room(c.tx, OpenRoom{c.call(), "t1", "", "new", message, "api", {}, {}, 100});
  });
  EXPECT_TRUE(c.open("t1", "", 2).value->is_new);
}

TEST(RoomsClosing, ClosesOnceWithAComment) {
  Caller c;
  const std::string room = c.room_of("t1", "Ann");
  c.post("t1", room, "hello");
  const auto closed = c.close("t1", room);
  ASSERT_TRUE(closed);
  EXPECT_TRUE(closed.value->is_new);
  EXPECT_FALSE(closed.value->room.open);
  EXPECT_EQ(closed.value->room.closed_at, c.now);
  EXPECT_EQ(closed.value->room.closed_by, "visitor");
  EXPECT_EQ(closed.value->room.messages, 3u);
  const MessageView last = view(c.tx.messages.rbegin()->second, room);
  EXPECT_EQ(last.system_type, "livechat-close");
  EXPECT_EQ(last.text, "Closed by visitor");
  EXPECT_EQ(c.tx.types(),
            (std::vector<std::string>{"visitor_updated", "incoming_chat", "incoming_event", "chat_deactivated"}));
  EXPECT_EQ(c.tx.last().chat->status, "closed");
  EXPECT_EQ(c.tx.last().chat->ended_at, c.now);
  EXPECT_EQ(c.tx.last().activity.at("closed_by"), "visitor");
  EXPECT_EQ(c.tx.last().activity.at("comment"), "Closed by visitor");
  EXPECT_FALSE(c.tx.last().message);
  EXPECT_FALSE(view(*c.tx.room("site", room)).open);

  expect_refused(c, Refusal::room_closed, [&] { return c.close("t1", room); });
  expect_refused(c, Refusal::unknown_room, [&] { return c.close("t1", "none"); });
  expect_refused(c, Refusal::unknown_visitor, [&] { return c.close("none", room); });
  const std::string second = c.open("t1").value->room.id;
  expect_refused(c, Refusal::id_taken, [&] {
    return close_room(c.tx, CloseRoom{c.call(), "t1", second, "", last.id});
  });
}

TEST(RoomsSurvey, ARatingIsToldOnceAndAnswersBesideItToo) {
  Caller c;
  const std::string room = c.room_of("t1");
  c.close("t1", room);
  ASSERT_TRUE(c.survey("t1", room, {{"satisfaction", "4"}, {"additionalFeedback", "fine"}}));
  Event event = c.tx.last();
  EXPECT_EQ(event.type, "chat_rated");
  EXPECT_EQ(event.chat->rating, (Rating{4, 5, "fine"}));
  EXPECT_EQ(event.chat->status, "closed");
  EXPECT_EQ(event.activity.at("survey"), (json::value{{"satisfaction", "4"}, {"additionalFeedback", "fine"}}));

  const std::string before = c.tx.dump();
  EXPECT_TRUE(c.survey("t1", room, {{"satisfaction", "4"}}));
  EXPECT_EQ(c.tx.dump(), before);

  c.survey("t1", room, {{"agentKnowledge", "5"}});
  EXPECT_FALSE(c.tx.last().chat->rating);
  EXPECT_EQ(c.tx.last().activity.at("survey").as_object().size(), 3u);
  c.survey("t1", room, {{"satisfaction", "1"}});
  EXPECT_EQ(c.tx.last().chat->rating, (Rating{1, 5, "fine"}));
  c.survey("t1", room, {{"satisfaction", "11"}});
  EXPECT_EQ(c.tx.last().chat->rating, (Rating{std::nullopt, 5, "fine"}));

  expect_refused(c, Refusal::unknown_visitor, [&] { return c.survey("none", room, {{"satisfaction", "1"}}); });
  expect_refused(c, Refusal::unknown_room, [&] { return c.survey("t1", "none", {{"satisfaction", "1"}}); });
}

TEST(RoomsSurvey, HasLimits) {
  Caller c;
  const std::string room = c.room_of("t1");
  std::vector<std::pair<std::string, std::string>> answers;
  for (int i = 0; i < 60; ++i) answers.emplace_back("q" + std::to_string(i), "5");
  c.survey("t1", room, answers);
  EXPECT_EQ(c.tx.last().activity.at("survey").as_object().size(), 50u);
  const std::string other = c.room_of("t2");
  c.survey("t2", other, {{"a", std::string(20'000, 'x')}, {"b", std::string(20'000, 'x')}, {"c", "kept"}});
  const json::object survey = c.tx.last().activity.at("survey").as_object();
  EXPECT_EQ(survey.at("a").as_string().size(), 8192u);
  EXPECT_EQ(survey.at("c"), "kept");
  for (int i = 0; i < 10; ++i) c.survey("t2", other, {{"more" + std::to_string(i), std::string(8000, 'y')}});
  EXPECT_LE(json::serialize(c.tx.last().activity.at("survey")).size(), 32u * 1024);
}

TEST(RoomsTranscript, IsADeliveryInTheLaneOfTheChat) {
  Caller c;
  const std::string room = c.room_of("t1");
  const json::value mail{{"to", "ann@example.com"}, {"subject", "Your chat"}};
  ASSERT_TRUE(send_transcript(c.tx, SendTranscript{c.call(), "t1", room, "mailbox", mail}));
  EXPECT_EQ(c.tx.last().type, "transcript_requested");
  EXPECT_EQ(c.tx.last().chat->id, room);
  EXPECT_EQ(c.tx.last().activity.at("to"), "ann@example.com");
  ASSERT_EQ(c.tx.deliveries.size(), 1u);
  const auto& [event, delivery] = c.tx.deliveries[0];
  EXPECT_EQ(event, c.tx.events.size());
  EXPECT_EQ(delivery.destination, "mailbox");
  EXPECT_EQ(delivery.lane, lane_of("mailbox", "site", room + "\ntranscript"));
  EXPECT_EQ(json::parse(delivery.payload), mail);
  expect_refused(c, Refusal::unknown_visitor, [&] {
    return send_transcript(c.tx, SendTranscript{c.call(), "none", room, "mailbox", mail});
  });
  expect_refused(c, Refusal::unknown_room, [&] {
    return send_transcript(c.tx, SendTranscript{c.call(), "t1", "none", "mailbox", mail});
  });
}

}  // namespace
}  // namespace chatrelay::conversations
