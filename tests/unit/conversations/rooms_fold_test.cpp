// The events that commands tell, folded as the planner does: what is served and what rules and transcripts see agree.
#include <functional>

#include <gtest/gtest.h>

#include "conversations/fold.hpp"
#include "unit/conversations/fake_transaction.hpp"

namespace chatrelay::conversations {
namespace {

// Folds all that was told of one chat, through the stored form of event and conversation each time.
struct Folding {
  Conversation conversation;
  std::map<std::string, store::StoredMessage> messages;
  std::vector<std::string> order;
  std::vector<Event> events;

  Folding(const FakeTransaction& tx, const std::string& room) {
    for (std::size_t i = 0; i < tx.events.size(); ++i) {
      Event event = tx.event(i);
      event.ref.seq = i + 1;
      event.source = tx.events[i].source;
      event.received_at = tx.events[i].received_at;
      if (!event.chat || event.chat->id != room) continue;
      conversation = conversation_from_json(to_json(conversation));
      Folded folded = fold(conversation, {std::move(event)});
      for (Event& each : folded.events) events.push_back(std::move(each));
      if (!folded.update) continue;
      for (const store::StoredMessage& message : folded.update->messages) {
        if (!messages.contains(message.id)) order.push_back(message.id);
        messages[message.id] = message;
      }
    }
  }
  std::string text() const {
    std::vector<store::StoredMessage> all;
    for (const std::string& id : order) all.push_back(messages.at(id));
    const json::value said = transcript(all);
    std::string out;
    for (const json::value& m : said.as_array())
      if (!m.at("deleted").as_bool())
        out += std::string(m.at("author").at("name").as_string()) + ": " + std::string(m.at("text").as_string()) + "\n";
    return out;
  }
  std::vector<std::string> types() const {
    std::vector<std::string> out;
    for (const Event& event : events) out.push_back(event.type);
    return out;
  }
};

TEST(RoomsFold, AConversationFromBeginningToEnd) {
  Caller c;
  const std::string room = c.room_of("t1", "Ann");
  const WallTime started_at = c.now;
  const std::string first = c.post("t1", room, "hello").value->message.id;
  const std::string second = c.post("t1", room, "oops", "chosen").value->message.id;
  assign(c.tx, Assign{c.call(), room, Agent{"A1", "Bob", "bob@example.com"}, "bob"});
  c.agent_says(room, "d1", "How can I help?");
  c.edit("t1", room, first, "good morning");
  c.remove("t1", room, second);
  c.close("t1", room);
  const WallTime ended_at = c.now;
  c.survey("t1", room, {{"satisfaction", "5"}});
  c.survey("t1", room, {{"agentKnowledge", "3"}});

  const Folding folded(c.tx, room);
  EXPECT_EQ(folded.types(),
            (std::vector<std::string>{"incoming_chat", "incoming_event", "incoming_event", "user_added_to_chat",
                                      "incoming_event", "event_updated", "event_deleted", "chat_deactivated",
                                      "chat_rated", "chat_rated"}));
  EXPECT_EQ(folded.text(), "Ann: good morning\nBob: How can I help?\n");
  const Conversation& known = folded.conversation;
  EXPECT_EQ(known.chat->id, room);
  EXPECT_EQ(known.chat->status, "closed");
  EXPECT_EQ(known.chat->started_at, started_at);
  EXPECT_EQ(known.chat->ended_at, ended_at);
  EXPECT_EQ(known.chat->initiator, "client");
  EXPECT_EQ(known.visitor->id, "visitor-1");
  EXPECT_EQ(known.visitor->name, "Ann");
  EXPECT_EQ(known.agent->email, "bob@example.com");
  ASSERT_EQ(known.ratings.size(), 1u);
  EXPECT_EQ(known.ratings[0].second, (Rating{5, 5, std::nullopt}));
  EXPECT_TRUE(folded.messages.at(second).deleted);
  EXPECT_EQ(json::serialize(folded.messages.at(second).message).find("oops"), std::string::npos);

  EXPECT_EQ(folded.events[1].message->author.role, "visitor");
  EXPECT_EQ(folded.events[4].message->author.role, "agent");
  EXPECT_EQ(folded.events[4].agent->email, "bob@example.com");  // known from the assignment
  EXPECT_FALSE(folded.events[1].message->repeated);
  EXPECT_EQ(folded.events[9].chat->rating, (Rating{5, 5, std::nullopt}));  // completed
}

TEST(RoomsFold, WhatComesAfterTheEndDoesNotOpenAgain) {
  Caller c;
  const std::string room = c.room_of("t1", "Ann");
  const std::string id = c.post("t1", room, "hello").value->message.id;
  c.close("t1", room);
  c.edit("t1", room, id, "changed");
  visit_page(c.tx, VisitPage{c.call(), "t1", room, Page{"https://a.example", "A", {}}, "url"});
  c.visitor("t1", "Ann Other");
  c.remove("t1", room, id);
  const Folding folded(c.tx, room);
  EXPECT_EQ(folded.conversation.chat->status, "closed");
  EXPECT_TRUE(folded.conversation.chat->ended_at);
  EXPECT_EQ(folded.conversation.visitor->page.url, "https://a.example");
  EXPECT_EQ(folded.text(), "");
}

TEST(RoomsFold, ARoomsNextAgentServesIt) {
  Caller c;
  const std::string room = c.room_of("t1", "Ann");
  assign(c.tx, Assign{c.call(), room, Agent{"A1", "Bob", {}}, "bob"});
  assign(c.tx, Assign{c.call(), room, Agent{"A2", "Carol", {}}, "carol"});
  c.post("t1", room, "hello");
  const Folding folded(c.tx, room);
  EXPECT_EQ(folded.conversation.agent->name, "Carol");
  EXPECT_EQ(folded.events.back().agent->name, "Carol");
}

TEST(RoomsFold, ABulkIsFoldedAsOneConversation) {
  Caller c;
  post_many(c.tx, PostMany{c.call(), "t1", {"one", "two"}, {"m1", "m2"}, "v1", "r1", "m0", 100});
  const Folding folded(c.tx, "r1");
  ASSERT_EQ(folded.order, (std::vector<std::string>{"m1", "m2"}));
  EXPECT_EQ(folded.conversation.visitor->id, "v1");
}

// The store may run a command again: with the same words on the same ground it does the same.
TEST(RoomsFold, ACommandThatRunsTwiceDoesTheSame) {
  using Do = std::function<void(Caller&)>;
  const std::vector<std::pair<const char*, Do>> commands{
      {"save_visitor", [](Caller& c) { c.visitor("t2", "Eve"); }},
      {"set_status",
       [](Caller& c) {
         set_status(c.tx, SetStatus{c.call(), "t1", "away"});
       }},
      {"open_room", [](Caller& c) { c.visitor("t2"), c.open("t2"); }},
      {"post_message", [](Caller& c) { c.post("t1", "r1", "hello"); }},
      {"edit_message", [](Caller& c) { c.edit("t1", "r1", "m1", "changed"); }},
      {"delete_message", [](Caller& c) { c.remove("t1", "r1", "m1"); }},
      {"delete by capability", [](Caller& c) { c.remove("m1"); }},
      {"close_room", [](Caller& c) { c.close("t1", "r1"); }},
      {"take_survey",
       [](Caller& c) {
         c.survey("t1", "r1", {{"satisfaction", "2"}});
       }},
      {"visit_page",
       [](Caller& c) {
         visit_page(c.tx, VisitPage{c.call(), "t1", "r1", Page{"u", {}, {}}, "url"});
       }},
      {"send_transcript",
       [](Caller& c) {
         send_transcript(c.tx, SendTranscript{c.call(), "t1", "r1", "mailbox", json::object{{"to", "a@b.c"}}});
       }},
      {"leave_message",
       [](Caller& c) {
         leave_message(c.tx, LeaveMessage{c.call(), "A", "a@b.c", "x", {}, {}, "o"});
       }},
      {"post_many",
       [](Caller& c) {
         post_many(c.tx, PostMany{c.call(), "t3", {"a"}, {"n1"}, "v3", "r3", "s3", 100});
       }},
      {"say", [](Caller& c) { c.agent_says("r1", "d1", "hello"); }},
      {"assign",
       [](Caller& c) {
         assign(c.tx, Assign{c.call(), "r1", Agent{"A1", "Bob", {}}, "bob"});
       }},
      {"end_room",
       [](Caller& c) {
         end_room(c.tx, EndRoom{c.call(), "r1", "", "e1", {}});
       }},
  };
  for (const auto& [name, command] : commands) {
    SCOPED_TRACE(name);
    Caller ground;
    post_many(ground.tx, PostMany{ground.call(), "t1", {"one"}, {"m1"}, "v1", "r1", "m0", 100});
    const std::string before = ground.tx.dump();
    Caller first = ground, second = ground;
    command(first);
    command(second);
    EXPECT_NE(first.tx.dump(), before);
    EXPECT_EQ(first.tx.dump(), second.tx.dump());
  }
}

}  // namespace
}  // namespace chatrelay::conversations
