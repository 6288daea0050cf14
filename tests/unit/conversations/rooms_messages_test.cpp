#include <gtest/gtest.h>

#include "unit/conversations/fake_transaction.hpp"

namespace chatrelay::conversations {
namespace {

TEST(RoomsMessages, APostIsKeptAndTold) {
  Caller c;
  const std::string room = c.room_of("t1", "Ann");
  c.agent_says(room, "a1", "hello?");
  EXPECT_FALSE(view(*c.tx.room("site", room)).waiting_response);
  const auto posted = c.post("t1", room, "hello");
  ASSERT_TRUE(posted);
  const MessageView& message = posted.value->message;
  EXPECT_EQ(message.room_id, room);
  EXPECT_EQ(message.text, "hello");
  EXPECT_EQ(message.sent_at, c.now);
  EXPECT_EQ(message.updated_at, c.now);
  EXPECT_EQ(message.author.id, posted.value->visitor.id);
  EXPECT_EQ(message.author.name, "Ann");
  EXPECT_EQ(message.author_username, "guest-1");
  EXPECT_TRUE(message.from_visitor);
  EXPECT_TRUE(message.id_is_ours);
  EXPECT_EQ(posted.value->room.messages, 3u);
  EXPECT_EQ(posted.value->room.last_at, c.now);
  EXPECT_TRUE(posted.value->room.waiting_response);
  const MessageView stored = view(*c.tx.message("site", message.id), room);
  EXPECT_EQ(stored.text, "hello");
  EXPECT_EQ(stored.author.name, "Ann");
  EXPECT_EQ(stored.author_username, "guest-1");
  const Event event = c.tx.last();
  EXPECT_EQ(event.type, "incoming_event");
  EXPECT_EQ(event.message->id, message.id);
  EXPECT_EQ(event.message->author.role, "visitor");
  EXPECT_EQ(event.message->sent_at, c.now);
  EXPECT_EQ(event.message->audience, "all");
  EXPECT_FALSE(event.message->client_id);
}

TEST(RoomsMessages, AnIdMayBeChosenOnce) {
  Caller c;
  const std::string room = c.room_of("t1");
  const auto posted = c.post("t1", room, "hello", "mine");
  EXPECT_EQ(posted.value->message.id, "mine");
  EXPECT_FALSE(posted.value->message.id_is_ours);
  EXPECT_EQ(c.tx.last().message->client_id, "mine");
  expect_refused(c, Refusal::id_taken, [&] { return c.post("t1", room, "again", "mine"); });
  expect_refused(c, Refusal::id_taken, [&] { return c.post("t1", room, "long", std::string(257, 'i')); });
  // Also after it was deleted: what folds events would take it for the deleted one.
  EXPECT_TRUE(c.remove("t1", room, "mine"));
  expect_refused(c, Refusal::id_taken, [&] { return c.post("t1", room, "again", "mine"); });
}

TEST(RoomsMessages, PostRefusals) {
  Caller c;
  const std::string room = c.room_of("t1");
  expect_refused(c, Refusal::unknown_visitor, [&] { return c.post("none", room, "x"); });
  expect_refused(c, Refusal::unknown_visitor, [&] { return c.post("", room, "x"); });
  expect_refused(c, Refusal::unknown_room, [&] { return c.post("t1", "none", "x"); });
  expect_refused(c, Refusal::unknown_room, [&] { return c.post("t1", "", "x"); });
  c.close("t1", room);
  expect_refused(c, Refusal::room_closed, [&] { return c.post("t1", room, "x"); });
}

TEST(RoomsMessages, TimesRiseThoughTheClockStandsStillOrJumpsBack) {
  Caller c;
  const std::string room = c.room_of("t1");
  std::vector<WallTime> times;
  for (int i = 0; i < 20; ++i) {
    c.now -= Millis{i % 5 == 4 ? 61'000 : 1000};  // call() adds a second
    times.push_back(c.post("t1", room, std::to_string(i)).value->message.sent_at);
    if (i == 10) c.remove("t1", room, "message-" + std::to_string(c.made));
  }
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GT(times[i], times[i - 1]);
  EXPECT_EQ(c.tx.texts(1)[1], "0");
  EXPECT_EQ(c.tx.texts(1).back(), "19");
  EXPECT_EQ(c.tx.rooms.at(1).messages, c.tx.count(1));
}

TEST(RoomsMessages, TextsAreRepairedAndCut) {
  Caller c;
  const std::string room = c.room_of("t1");
  EXPECT_EQ(c.post("t1", room,
                   "a\xff"
                   "b")
                .value->message.text,
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(c.post("t1", room, std::string(300 * 1024, 'x')).value->message.text.size(), 256u * 1024);
  EXPECT_EQ(c.post("t1", room, "").value->message.text, "");
}

TEST(RoomsMessages, AnEditKeepsTheTimeAndSaysWho) {
  Caller c;
  const std::string room = c.room_of("t1");
  const MessageView posted = c.post("t1", room, "hello").value->message;
  const auto edited = c.edit("t1", room, posted.id, "goodbye");
  ASSERT_TRUE(edited);
  const MessageView stored = view(*c.tx.message("site", posted.id), room);
  for (const MessageView& message : {edited.value->message, stored}) {
    EXPECT_EQ(message.text, "goodbye");
    EXPECT_EQ(message.sent_at, posted.sent_at);
    EXPECT_EQ(message.edited_at, c.now);
    EXPECT_EQ(message.updated_at, c.now);
    EXPECT_EQ(message.edited_by_id, edited.value->visitor.id);
    EXPECT_EQ(message.edited_by_username, "guest-1");
  }
  EXPECT_EQ(c.tx.last().type, "event_updated");
  EXPECT_EQ(c.tx.last().message->text, "goodbye");
  EXPECT_EQ(c.tx.last().message->edited_at, c.now);
  EXPECT_EQ(c.tx.rooms.at(1).messages, 2u);
  c.close("t1", room);
  EXPECT_TRUE(c.edit("t1", room, posted.id, "in a closed room"));
  EXPECT_EQ(c.tx.last().chat->status, "closed");
}

TEST(RoomsMessages, ADeletedMessageIsGoneAndItsTextIsNotTold) {
  Caller c;
  const std::string room = c.room_of("t1");
  const std::string id = c.post("t1", room, "a secret").value->message.id;
  const auto removed = c.remove("t1", room, id);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed.value->room.messages, 1u);
  EXPECT_FALSE(c.tx.message("site", id));
  EXPECT_EQ(c.tx.last().type, "event_deleted");
  EXPECT_EQ(c.tx.last().message->id, id);
  EXPECT_FALSE(c.tx.last().message->text);
  expect_refused(c, Refusal::unknown_message, [&] { return c.remove("t1", room, id); });
  expect_refused(c, Refusal::unknown_message, [&] { return c.edit("t1", room, id, "x"); });
}

TEST(RoomsMessages, EditAndDeleteRefusals) {
  Caller c;
  const std::string room = c.room_of("t1");
  const std::string id = c.post("t1", room, "hello").value->message.id;
  const std::string started = c.tx.messages.begin()->second.id;
  c.agent_says(room, "a1", "from an agent");
  expect_refused(c, Refusal::unknown_visitor, [&] { return c.edit("none", room, id, "x"); });
  expect_refused(c, Refusal::unknown_room, [&] { return c.edit("t1", "none", id, "x"); });
  expect_refused(c, Refusal::unknown_message, [&] { return c.edit("t1", room, "none", "x"); });
  expect_refused(c, Refusal::not_yours, [&] { return c.edit("t1", room, "a1", "x"); });
  expect_refused(c, Refusal::not_yours, [&] { return c.edit("t1", room, started, "x"); });
  expect_refused(c, Refusal::unknown_visitor, [&] { return c.remove("none", room, id); });
  expect_refused(c, Refusal::unknown_room, [&] { return c.remove("t1", "none", id); });
  expect_refused(c, Refusal::unknown_message, [&] { return c.remove("t1", room, "none"); });
  expect_refused(c, Refusal::not_yours, [&] { return c.remove("t1", room, "a1"); });
  expect_refused(c, Refusal::not_yours, [&] { return c.remove("t1", room, started); });
}

TEST(RoomsMessages, AnyOwnRoomProvesWhoAsks) {
  Caller c;
  const std::string first = c.room_of("t1");
  const std::string id = c.post("t1", first, "hello").value->message.id;
  c.close("t1", first);
  const std::string second = c.open("t1").value->room.id;
  const auto edited = c.edit("t1", second, id, "changed");
  ASSERT_TRUE(edited);
  EXPECT_EQ(edited.value->room.id, first);
  EXPECT_EQ(edited.value->message.room_id, first);
  EXPECT_EQ(c.tx.last().chat->id, first);
  EXPECT_EQ(c.tx.last().chat->status, "closed");
  ASSERT_TRUE(c.remove("t1", second, id));
  EXPECT_EQ(c.tx.rooms.at(1).messages, c.tx.count(1));
  EXPECT_EQ(c.tx.rooms.at(2).messages, c.tx.count(2));
}

TEST(RoomsMessages, AnIdThatNobodyCouldGuessDeletes) {
  Caller c;
  const std::string room = c.room_of("t1");
  const std::string id = c.post("t1", room, "hello").value->message.id;
  c.post("t1", room, "chosen", "mine");
  c.agent_says(room, "a1", "from an agent");
  const std::string started = c.tx.messages.begin()->second.id;
  expect_refused(c, Refusal::unknown_message, [&] { return c.remove("none"); });
  expect_refused(c, Refusal::not_capable, [&] { return c.remove("mine"); });
  expect_refused(c, Refusal::not_capable, [&] { return c.remove("a1"); });
  expect_refused(c, Refusal::not_capable, [&] { return c.remove(started); });
  const WallTime sent_at = c.tx.message("site", id)->sent_at;
  c.now = sent_at + Millis{60'000};
  expect_refused(c, Refusal::not_capable, [&] { return c.remove(id, Millis{60'000}); });  // a second later
  c.now = sent_at + Millis{59'000};
  ASSERT_TRUE(c.remove(id, Millis{60'000}));
  EXPECT_EQ(c.tx.last().type, "event_deleted");
  EXPECT_EQ(c.tx.last().visitor->id, "visitor-1");
  expect_refused(c, Refusal::unknown_message, [&] { return c.remove(id); });
  const std::string late = c.post("t1", room, "late").value->message.id;
  c.close("t1", room);
  expect_refused(c, Refusal::not_capable, [&] { return c.remove(late); });
}

PostMany many(Caller& c, const std::string& token, std::size_t count, std::size_t rooms_max = 100) {
  PostMany command{c.call(), token, {}, {}, c.id("visitor"), c.id("room"), c.id("started"), rooms_max};
  for (std::size_t i = 0; i < count; ++i) {
    command.texts.push_back("text " + std::to_string(i));
    command.new_ids.push_back(c.id("message"));
  }
  return command;
}

TEST(RoomsMessages, ManyMakeWhatIsMissing) {
  Caller c;
  const auto posted = post_many(c.tx, many(c, "t1", 3));
  ASSERT_TRUE(posted);
  ASSERT_EQ(posted.value->messages.size(), 3u);
  EXPECT_EQ(posted.value->messages[2].text, "text 2");
  EXPECT_EQ(posted.value->room.messages, 4u);
  EXPECT_EQ(posted.value->room.last_at, posted.value->messages[2].sent_at);
  EXPECT_EQ(c.tx.types(), (std::vector<std::string>{"visitor_updated", "incoming_chat", "incoming_event",
                                                    "incoming_event", "incoming_event"}));
  EXPECT_EQ(c.tx.texts(1), (std::vector<std::string>{"", "text 0", "text 1", "text 2"}));
  const auto more = post_many(c.tx, many(c, "t1", 1));
  EXPECT_EQ(more.value->room.id, posted.value->room.id);
  EXPECT_EQ(c.tx.visitors.size(), 1u);
  EXPECT_EQ(c.tx.rooms.size(), 1u);
}

TEST(RoomsMessages, ManyRefusals) {
  Caller c;
  const std::string room = c.room_of("t1");
  expect_refused(c, Refusal::unknown_visitor, [&] { return post_many(c.tx, many(c, "", 1)); });
  expect_refused(c, Refusal::too_many_rooms, [&] { return post_many(c.tx, many(c, "t2", 1, 0)); });
  expect_refused(c, Refusal::closed_by_policy, [&] { return post_many(c.tx, many(c, "t1", 1001)); });
  c.post("t1", room, "there", "taken");
  for (const char* id : {"taken", "twice", ""}) {
    expect_refused(c, Refusal::id_taken, [&] {
      PostMany command = many(c, "t1", 3);
      command.new_ids[1] = command.new_ids[2] = id;
      return post_many(c.tx, command);
    });
  }
  c.close("t1", room);
  expect_refused(c, Refusal::too_many_rooms, [&] { return post_many(c.tx, many(c, "t1", 1, 1)); });
  expect_refused(c, Refusal::id_taken, [&] {
    PostMany command = many(c, "t1", 1);
    command.new_room_id = room;
    return post_many(c.tx, command);
  });
  expect_refused(c, Refusal::id_taken, [&] {
    PostMany command = many(c, "t1", 1);
    command.new_message_id = command.new_ids[0];
    return post_many(c.tx, command);
  });
}

}  // namespace
}  // namespace chatrelay::conversations
