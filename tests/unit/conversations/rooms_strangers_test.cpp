// Two visitors can never touch each other's rooms and messages, and no token is told to anybody. Each row is a command
// that one visitor gives with everything that is known of the other's but the token.
#include <functional>

#include <gtest/gtest.h>

#include "unit/conversations/fake_transaction.hpp"

namespace chatrelay::conversations {
namespace {

const std::string ann = "token-of-ann-8d1f";
const std::string eve = "token-of-eve-77c2";

struct Scene {
  Caller c;
  std::string anns_room, eves_room, anns_message, eves_message;
  Scene() {
    anns_room = c.room_of(ann, "Ann");
    eves_room = c.room_of(eve, "Eve");
    anns_message = c.post(ann, anns_room, "from Ann").value->message.id;
    eves_message = c.post(eve, eves_room, "from Eve").value->message.id;
    c.post(ann, anns_room, "chosen by Ann", "anns-own-id");
  }
};

struct Row {
  const char* name;
  // As `token`; the room and the message are those that are named. Answers the refusal, or nullopt.
  std::function<std::optional<Refusal>(Caller&, const std::string& token, const std::string& room,
                                       const std::string& message)>
      command;
  bool names_message = false;
};

template <class T>
std::optional<Refusal> refusal_of(const Answer<T>& answer) {
  return answer ? std::nullopt : std::optional<Refusal>(answer.refusal);
}

std::vector<Row> all_rows() {
  using S = const std::string&;
  return {
      {"open_room", [](Caller& c, S token, S room, S) { return refusal_of(c.open(token, room)); }},
      {"post_message", [](Caller& c, S token, S room, S) { return refusal_of(c.post(token, room, "x")); }},
      {"edit_message", [](Caller& c, S token, S room, S m) { return refusal_of(c.edit(token, room, m, "x")); }, true},
      {"delete_message", [](Caller& c, S token, S room, S m) { return refusal_of(c.remove(token, room, m)); }, true},
      {"take_survey",
       [](Caller& c, S token, S room, S) {
         return refusal_of(c.survey(token, room, {{"satisfaction", "1"}}));
       }},
      {"visit_page",
       [](Caller& c, S token, S room, S) {
         return refusal_of(visit_page(c.tx, VisitPage{c.call(), token, room, Page{}, "url"}));
       }},
      {"send_transcript",
       [](Caller& c, S token, S room, S) {
         return refusal_of(send_transcript(c.tx, SendTranscript{c.call(), token, room, "mailbox", json::object{}}));
       }},
      {"close_room", [](Caller& c, S token, S room, S) { return refusal_of(c.close(token, room)); }},
  };
}

TEST(RoomsStrangers, AnothersRoomIsAsIfThereWereNone) {
  for (const Row& row : all_rows()) {
    SCOPED_TRACE(row.name);
    Scene s;
    const std::string before = s.c.tx.dump();
    const auto others = row.command(s.c, eve, s.anns_room, s.anns_message);
    const auto nothing = row.command(s.c, eve, "no-such-room", "no-such-message");
    EXPECT_EQ(others, std::optional(Refusal::unknown_room));
    EXPECT_EQ(others, nothing);
    EXPECT_EQ(s.c.tx.dump(), before);
    EXPECT_EQ(row.command(s.c, ann, s.anns_room, s.anns_message), std::nullopt);  // the row means something
  }
}

TEST(RoomsStrangers, AnothersMessageIsAsIfThereWereNone) {
  for (const Row& row : all_rows()) {
    if (!row.names_message) continue;
    SCOPED_TRACE(row.name);
    Scene s;
    const std::string before = s.c.tx.dump();
    for (const std::string& message : {s.anns_message, std::string("anns-own-id"), std::string("none")})
      EXPECT_EQ(row.command(s.c, eve, s.eves_room, message), std::optional(Refusal::unknown_message)) << message;
    EXPECT_EQ(s.c.tx.dump(), before);
  }
}

TEST(RoomsStrangers, WhatNamesNoRoomTouchesOnlyOnesOwn) {
  Scene s;
  const auto anns = [&] {
    std::string out = json::serialize(s.c.tx.visitors.at(1).record) + json::serialize(s.c.tx.rooms.at(1).record);
    for (const std::string& text : s.c.tx.texts(1)) out += text;
    return out + std::to_string(to_ms(s.c.tx.rooms.at(1).last_at));
  };
  const std::string before = anns();
  Caller& c = s.c;
  c.visitor(eve, "Evil");
  set_status(c.tx, SetStatus{c.call(), eve, "away"});
  visit_page(c.tx, VisitPage{c.call(), eve, "", Page{"https://a.example", {}, {}}, "url"});
  EXPECT_EQ(c.open(eve).value->room.id, s.eves_room);
  post_many(c.tx, PostMany{c.call(), eve, {"one"}, {"new-1"}, "v", "r", "m", 100});
  c.close(eve, s.eves_room);
  remove_visitor(c.tx, ByToken{c.call(), eve});
  c.remove("anns-own-id");
  EXPECT_EQ(anns(), before);
}

TEST(RoomsStrangers, ASourceIsAWorldOfItsOwn) {
  Scene s;
  const std::string before = s.c.tx.dump();
  Call elsewhere = s.c.call();
  elsewhere.source = "shop";
  EXPECT_EQ(refusal_of(post_message(s.c.tx, PostMessage{elsewhere, ann, s.anns_room, "", "n", "x"})),
            std::optional(Refusal::unknown_visitor));
  EXPECT_EQ(refusal_of(delete_message(s.c.tx, DeleteByCapability{elsewhere, s.anns_message})),
            std::optional(Refusal::unknown_message));
  EXPECT_EQ(s.c.tx.dump(), before);
}

TEST(RoomsStrangers, TokensAreToldToNobody) {
  Scene s;
  Caller& c = s.c;
  for (const Row& row : all_rows())
    EXPECT_EQ(row.command(c, ann, s.anns_room, "anns-own-id"), std::nullopt) << row.name;
  set_status(c.tx, SetStatus{c.call(), ann, "away"});
  post_many(c.tx, PostMany{c.call(), ann, {"one"}, {"new-1"}, "v", "r2", "m", 100});
  c.agent_says("r2", "d1", "hello");
  assign(c.tx, Assign{c.call(), "r2", Agent{"A1", "Bob", {}}, "bob"});
  c.remove("new-1");
  end_room(c.tx, EndRoom{c.call(), "r2", "", "m2", {}});
  remove_visitor(c.tx, ByToken{c.call(), ann});
  leave_message(c.tx, LeaveMessage{c.call(), "Ann", "a@b.c", "x", {}, {}, "o1"});
  ASSERT_GT(c.tx.events.size(), 15u);
  for (const store::NewEvent& event : c.tx.events) {
    EXPECT_EQ(event.body.find(ann), std::string::npos) << event.body;
    EXPECT_EQ(event.body.find(eve), std::string::npos) << event.body;
  }
  for (const auto& [pk, room] : c.tx.rooms) EXPECT_EQ(json::serialize(room.record).find(ann), std::string::npos);
  for (const auto& [key, m] : c.tx.messages) EXPECT_EQ(json::serialize(m.record).find(ann), std::string::npos);
}

}  // namespace
}  // namespace chatrelay::conversations
