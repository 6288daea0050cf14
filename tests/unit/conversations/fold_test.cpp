#include "conversations/fold.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "common/json.hpp"

namespace chatrelay::conversations {
namespace {

const WallTime start = from_ms(1'795'169'000'000);

// A chat as a script: each call is one webhook with its number.
class Script {
 public:
  Conversation conversation;
  std::vector<store::StoredMessage> messages;  // as a store would keep them

  Event event(const std::string& type, std::optional<std::string> thread = "T1") {
    Event e;
    e.ref.seq = ++seq_;
    e.type = type;
    e.source = "lc";
    e.received_at = start + std::chrono::seconds(seq_);
    e.chat.emplace().id = "C1";
    e.chat->thread_id = std::move(thread);
    return e;
  }
  Event message(const std::string& id, const std::string& author, const std::string& role,
                std::optional<std::string> thread = "T1") {
    Event e = event("incoming_event", std::move(thread));
    e.message = text(id, author, role);
    if (role == "visitor") e.visitor.emplace().id = author;
    if (role == "agent") e.agent.emplace().id = author;
    return e;
  }
  static Message text(const std::string& id, const std::string& author, const std::string& role) {
    Message m;
    m.id = id;
    m.text = "text of " + id;
    m.author.id = author;
    m.author.role = role;
    m.sent_at = start;
    return m;
  }
  Event incoming_chat(std::optional<std::string> thread = "T1") {
    Event e = event("incoming_chat", std::move(thread));
    e.chat->status = "active";
    e.chat->started_at = start + std::chrono::seconds(seq_ * 10);
    e.chat->tags.emplace();
    e.visitor.emplace();
    e.visitor->id = "v1";
    e.visitor->name = "Ann";
    e.visitor->email = "ann@example.com";
    e.people.push_back(Person{true, *e.visitor, {}, true});
    return e;
  }
  Event with_agent(Event e, const std::string& id = "a@example.com", const std::string& name = "Bob") {
    e.agent = Agent{id, name, id};
    e.people.push_back(Person{false, {}, *e.agent, true});
    return e;
  }
  Event rated(std::optional<double> score, std::optional<std::string> comment, const std::string& what) {
    Event e = event("chat_rated");
    e.chat->rating = Rating{score, 1, std::move(comment)};
    if (!what.empty()) e.activity["rated"] = what;
    return e;
  }

  Folded fold_all(std::vector<Event> parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i].ref = {parts[0].ref.seq, static_cast<std::uint32_t>(i)};
    // Through the stored form each time: what is not stored is not known.
    conversation = conversation_from_json(to_json(conversation));
    Folded folded = fold(conversation, std::move(parts));
    if (folded.update)
      for (const auto& message : folded.update->messages) keep(message);
    return folded;
  }
  Event fold_one(Event e) {
    Folded folded = fold_all({std::move(e)});
    EXPECT_EQ(folded.events.size(), 1u);
    return folded.events.empty() ? Event{} : folded.events[0];
  }
  std::vector<std::string> visible() const {
    std::vector<std::string> out;
    const json::value said = transcript(messages);
    for (const json::value& m : said.as_array())
      if (!m.at("deleted").as_bool()) out.emplace_back(m.at("text").as_string());
    return out;
  }

 private:
  void keep(const store::StoredMessage& message) {
    for (auto& known : messages)
      if (known.id == message.id) {
        known.message = message.message;
        known.deleted = message.deleted;
        known.changed_by = message.changed_by;
        return;
      }
    messages.push_back(message);
  }
  EventSeq seq_ = 0;
};

// --- completion ---

TEST(Fold, AnEventIsCompletedWithWhatEarlierEventsSaid) {
  Script s;
  s.fold_one(s.with_agent(s.incoming_chat()));
  const Event e = s.fold_one(s.message("E1", "v1", "visitor"));
  EXPECT_EQ(e.visitor->email, "ann@example.com");
  EXPECT_EQ(e.message->author.name, "Ann");
  EXPECT_EQ(e.agent->name, "Bob");
  EXPECT_EQ(e.chat->status, "active");
  EXPECT_TRUE(e.chat->started_at);
  EXPECT_EQ(e.chat->tags, std::vector<std::string>{});
}

TEST(Fold, AnEventKnowsNothingOfLaterOnes) {
  Script s;
  s.fold_one(s.incoming_chat());
  EXPECT_FALSE(s.fold_one(s.message("E1", "v1", "visitor")).agent);
  s.fold_one(s.with_agent(s.event("user_added_to_chat")));
  EXPECT_EQ(s.fold_one(s.message("E2", "v1", "visitor")).agent->name, "Bob");
}

TEST(Fold, TheNewerWordWinsAndSilenceChangesNothing) {
  Script s;
  s.fold_one(s.incoming_chat());
  Event update = s.event("customer_session_fields_updated");
  update.visitor.emplace().id = "v1";
  update.visitor->name = "Ann Marie";
  update.visitor->custom["plan"] = "pro";
  const Event e = s.fold_one(update);
  EXPECT_EQ(e.visitor->name, "Ann Marie");
  EXPECT_EQ(e.visitor->email, "ann@example.com");
  EXPECT_EQ(s.fold_one(s.message("E1", "v1", "visitor")).visitor->custom.at("plan"), "pro");
}

TEST(Fold, FoldingAnEventAgainChangesNothing) {
  Script s;
  s.fold_one(s.with_agent(s.incoming_chat()));
  const Event second = s.message("E1", "v1", "visitor");
  s.fold_one(second);
  s.fold_one(s.message("E2", "a@example.com", "agent"));
  const json::value before = to_json(s.conversation);
  const Folded again = s.fold_all({second});
  EXPECT_EQ(before, to_json(s.conversation));
  EXPECT_FALSE(again.update);
  ASSERT_EQ(again.events.size(), 1u);
  EXPECT_EQ(again.events[0].visitor->email, "ann@example.com");
  EXPECT_FALSE(again.events[0].message->repeated);
}

TEST(Fold, WhatConcernsNoChatPassesThrough) {
  Conversation conversation;
  Event e;
  e.ref.seq = 5;
  e.type = "routing_status_set";
  const Folded folded = fold(conversation, {e});
  EXPECT_FALSE(folded.update);
  ASSERT_EQ(folded.parts.size(), 1u);
  EXPECT_EQ(folded.parts[0].type, "routing_status_set");
  EXPECT_EQ(folded.parts[0].chat_id, "");
  EXPECT_EQ(conversation.last_event, 0u);
}

TEST(Fold, TheUpdateHoldsWhatListingsNeed) {
  Script s;
  const Folded folded = s.fold_all({s.incoming_chat()});
  ASSERT_TRUE(folded.update);
  EXPECT_EQ(folded.update->source, "lc");
  EXPECT_EQ(folded.update->chat_id, "C1");
  EXPECT_EQ(folded.update->thread_id, "T1");
  EXPECT_EQ(folded.update->status, "active");
  EXPECT_EQ(folded.update->visitor_id, "v1");
  EXPECT_EQ(folded.update->visitor_name, "Ann");
  EXPECT_EQ(folded.update->visitor_email, "ann@example.com");
  EXPECT_EQ(folded.update->active_at, start + std::chrono::seconds(1));
  EXPECT_EQ(to_json(conversation_from_json(folded.update->state)), folded.update->state);
}

// --- messages ---

TEST(FoldMessages, FirstMessagesComeInTheirOrderAndARepeatedOneIsFoldedOnce) {
  Script s;
  Event chat = s.incoming_chat();
  chat.history = {s.text("E1", "v1", "visitor"), s.text("E2", "v1", "visitor"), s.text("E3", "a@example.com", "agent")};
  chat.message = chat.history[1];
  s.fold_one(chat);
  EXPECT_EQ(s.visible(), (std::vector<std::string>{"text of E1", "text of E2", "text of E3"}));
  EXPECT_TRUE(s.fold_one(s.message("E2", "v1", "visitor")).message->repeated);
  EXPECT_FALSE(s.fold_one(s.message("E4", "v1", "visitor")).message->repeated);
  EXPECT_EQ(s.visible().size(), 4u);
}

TEST(FoldMessages, AMessageThatOvertookItsChatIsFoldedOnceToo) {
  Script s;
  EXPECT_FALSE(s.fold_one(s.message("E1", "v1", "visitor")).message->repeated);
  Event chat = s.incoming_chat();
  chat.history = {s.text("E1", "v1", "visitor")};
  chat.message = chat.history[0];
  const Event e = s.fold_one(chat);
  EXPECT_TRUE(e.message->repeated);
  EXPECT_EQ(e.message->author.name, "Ann");
  EXPECT_EQ(s.visible().size(), 1u);
}

TEST(FoldMessages, AMessageAfterTheEndDoesNotReopenTheChat) {
  Script s;
  s.fold_one(s.incoming_chat());
  Event end = s.event("chat_deactivated");
  end.chat->status = "closed";
  end.chat->ended_at = start;
  EXPECT_EQ(s.fold_one(end).chat->status, "closed");
  const Event late = s.fold_one(s.message("E9", "v1", "visitor"));
  EXPECT_EQ(late.chat->status, "closed");
  EXPECT_EQ(late.chat->ended_at, start);
  EXPECT_EQ(s.visible(), std::vector<std::string>{"text of E9"});
}

TEST(FoldMessages, AnEndThatOvertookTheBeginningStays) {
  Script s;
  Event end = s.event("chat_deactivated");
  end.chat->status = "closed";
  end.chat->ended_at = start;
  s.fold_one(end);
  const Event chat = s.fold_one(s.incoming_chat());
  EXPECT_EQ(chat.chat->status, "closed");
  EXPECT_TRUE(chat.chat->started_at);
  EXPECT_EQ(chat.visitor->name, "Ann");
}

TEST(FoldMessages, EditsAndDeletionsChangeWhatIsStored) {
  Script s;
  s.fold_one(s.incoming_chat());
  s.fold_one(s.message("E1", "v1", "visitor"));
  s.fold_one(s.message("E2", "v1", "visitor"));
  Event edit = s.message("E1", "v1", "visitor");
  edit.type = "event_updated";
  edit.message->text = "edited";
  const Folded folded = s.fold_all({edit});
  ASSERT_EQ(folded.update->messages.size(), 1u);
  EXPECT_EQ(folded.update->messages[0].changed_by, edit.ref.seq);
  EXPECT_EQ(s.visible(), (std::vector<std::string>{"edited", "text of E2"}));
  Event gone = s.event("event_deleted");
  gone.message.emplace().id = "E2";
  s.fold_one(gone);
  EXPECT_EQ(s.visible(), std::vector<std::string>{"edited"});
}

TEST(FoldMessages, AnEditThatOvertookItsMessageStays) {
  Script s;
  s.fold_one(s.incoming_chat());
  const Event original = s.message("E1", "v1", "visitor");
  Event edit = s.message("E1", "v1", "visitor");
  edit.type = "event_updated";
  edit.message->text = "edited";
  s.fold_one(edit);
  Event late = original;
  late.ref.seq = edit.ref.seq + 1;
  s.fold_one(late);
  EXPECT_EQ(s.visible(), std::vector<std::string>{"edited"});
}

TEST(FoldMessages, AnUpdateThatSaysDeletedDeletes) {
  Script s;
  s.fold_one(s.message("E1", "v1", "visitor"));
  Event gone = s.message("E1", "v1", "visitor");
  gone.type = "event_updated";
  gone.message->text.reset();
  gone.activity["deleted"] = true;
  s.fold_one(gone);
  EXPECT_TRUE(s.visible().empty());
}

TEST(FoldMessages, AMessageWithoutAnIdHasTheEventsName) {
  Script s;
  Event e = s.message("", "v1", "visitor");
  e.message->id.reset();
  const Folded folded = s.fold_all({e});
  ASSERT_EQ(folded.update->messages.size(), 1u);
  EXPECT_EQ(folded.update->messages[0].id, "event:1:0");
}

TEST(FoldMessages, ARoleThatWasGuessedIsPutRightByThosePresent) {
  Script s;
  Event chat = s.incoming_chat();
  chat.people.push_back(Person{false, {}, Agent{"0f0f0f0f-aaaa-bbbb-cccc-0f0f0f0f0f0f", "Robo", std::nullopt}, true});
  s.fold_one(chat);
  const Event e = s.fold_one(s.message("E1", "0f0f0f0f-aaaa-bbbb-cccc-0f0f0f0f0f0f", "visitor"));
  EXPECT_EQ(e.message->author.role, "agent");
  EXPECT_EQ(e.agent->name, "Robo");
  EXPECT_EQ(e.visitor->name, "Ann") << "the visitor is still who they were";
}

// --- state ---

TEST(FoldState, TagsAreASet) {
  Script s;
  s.fold_one(s.incoming_chat());
  const auto tag = [&](const char* type, const char* name) {
    Event e = s.event(type);
    e.activity["tag"] = name;
    return *s.fold_one(e).chat->tags;
  };
  EXPECT_EQ(tag("thread_tagged", "a"), (std::vector<std::string>{"a"}));
  EXPECT_EQ(tag("thread_tagged", "b"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(tag("thread_tagged", "a"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(tag("thread_untagged", "a"), (std::vector<std::string>{"b"}));
}

TEST(FoldState, ATagThatOvertookTheChatStays) {
  Script s;
  Event e = s.event("thread_tagged");
  e.activity["tag"] = "a";
  s.fold_one(e);
  EXPECT_EQ(s.fold_one(s.incoming_chat()).chat->tags, std::vector<std::string>{"a"});
}

TEST(FoldState, PropertiesMergeByNameAndGoByName) {
  Script s;
  Event a = s.event("chat_properties_updated");
  a.chat->properties = {{"ns", {{"x", 1}, {"y", 2}}}};
  s.fold_one(a);
  Event b = s.event("thread_properties_updated");
  b.chat->properties = {{"ns", {{"y", 3}}}, {"other", {{"z", 4}}}};
  EXPECT_EQ(json::value(s.fold_one(b).chat->properties), parse_json(R"({"ns":{"x":1,"y":3},"other":{"z":4}})").value());
  Event c = s.event("chat_properties_deleted");
  c.removed_properties = {"ns.x", "other.z", "never.there"};
  EXPECT_EQ(json::value(s.fold_one(c).chat->properties), parse_json(R"({"ns":{"y":3}})").value());
}

TEST(FoldState, AQueueEndsWhenAnAgentComesAndATransferQueuesAgain) {
  Script s;
  Event chat = s.incoming_chat();
  chat.chat->status = "queued";
  chat.chat->queue = Queue{3, 60};
  EXPECT_EQ(s.fold_one(chat).chat->queue->position, 3);
  EXPECT_EQ(s.fold_one(s.message("E1", "v1", "visitor")).chat->status, "queued");
  const Event joined = s.fold_one(s.with_agent(s.event("user_added_to_chat")));
  EXPECT_EQ(joined.chat->status, "active");
  EXPECT_FALSE(joined.chat->queue);
  Event transfer = s.event("chat_transferred");
  transfer.chat->status = "queued";
  transfer.chat->queue = Queue{1, 10};
  transfer.chat->department = "4";
  const Event moved = s.fold_one(transfer);
  EXPECT_EQ(moved.chat->status, "queued");
  EXPECT_EQ(moved.chat->department, "4");
}

TEST(FoldState, TheAgentWhoLeavesServesNoLonger) {
  Script s;
  s.fold_one(s.with_agent(s.incoming_chat()));
  s.fold_one(s.with_agent(s.event("user_added_to_chat"), "c@example.com", "Cid"));
  EXPECT_EQ(s.fold_one(s.message("E1", "v1", "visitor")).agent->name, "Cid");
  Event left = s.event("user_removed_from_chat");
  left.agent = Agent{"c@example.com", std::nullopt, "c@example.com"};
  left.people.push_back(Person{false, {}, *left.agent, false});
  EXPECT_EQ(s.fold_one(left).agent->name, "Cid") << "the event is about the one who left";
  EXPECT_EQ(s.fold_one(s.message("E2", "v1", "visitor")).agent->name, "Bob");
}

TEST(FoldState, ASupervisorsWhisperMakesNobodyTheAgent) {
  Script s;
  s.fold_one(s.with_agent(s.incoming_chat()));
  Event whisper = s.message("E1", "boss@example.com", "agent");
  whisper.message->audience = "agents";
  s.fold_one(whisper);
  Event supervisor = s.with_agent(s.event("user_added_to_chat"), "boss@example.com", "Boss");
  supervisor.activity["visibility"] = "agents";
  s.fold_one(supervisor);
  EXPECT_EQ(s.fold_one(s.message("E2", "v1", "visitor")).agent->name, "Bob");
  EXPECT_EQ(s.visible(), std::vector<std::string>{"text of E2"});
}

TEST(FoldState, ANewThreadBeginsAnewAndALateEventOfTheOldOneStaysThere) {
  Script s;
  Event first = s.with_agent(s.incoming_chat());
  first.chat->tags = std::vector<std::string>{"old"};
  s.fold_one(first);
  s.fold_one(s.rated(1, std::nullopt, "score"));
  Event end = s.event("chat_deactivated");
  end.chat->status = "closed";
  s.fold_one(end);
  const Event second = s.fold_one(s.incoming_chat("T2"));
  EXPECT_EQ(second.chat->status, "active");
  EXPECT_EQ(second.chat->tags, std::vector<std::string>{});
  EXPECT_FALSE(second.chat->rating);
  EXPECT_FALSE(second.agent);
  EXPECT_EQ(second.visitor->name, "Ann");
  const Event late = s.fold_one(s.message("E1", "v1", "visitor", "T1"));
  EXPECT_EQ(late.chat->thread_id, "T1");
  EXPECT_EQ(late.chat->status, "closed");
  EXPECT_EQ(late.chat->tags, std::vector<std::string>{"old"});
  EXPECT_EQ(late.chat->rating->score, 1);
  EXPECT_EQ(s.conversation.chat->thread_id, "T2");
  EXPECT_EQ(s.conversation.chat->status, "active");
}

TEST(FoldState, ABeginningThatIsOlderThanTheThreadWeKnowDoesNotReplaceIt) {
  Script s;
  Event old_chat = s.incoming_chat("T0");
  old_chat.chat->started_at = start - std::chrono::hours(1);
  s.fold_one(s.incoming_chat("T1"));
  old_chat.ref.seq = 3;
  s.fold_one(old_chat);
  EXPECT_EQ(s.conversation.chat->thread_id, "T1");
}

TEST(FoldState, WithoutThreadsAChatMayBeginAgain) {
  Script s;
  s.fold_one(s.incoming_chat(std::nullopt));
  Event end = s.event("chat_deactivated", std::nullopt);
  end.chat->status = "closed";
  end.chat->ended_at = start;
  s.fold_one(end);
  const Event again = s.fold_one(s.incoming_chat(std::nullopt));
  EXPECT_EQ(again.chat->status, "active");
  EXPECT_FALSE(again.chat->ended_at);
}

// --- ratings ---

TEST(FoldRating, ToldTwiceItIsOneEvent) {
  Script s;
  s.fold_one(s.incoming_chat());
  Event message = s.message("E1", "", "system");
  const Folded first = s.fold_all({message, s.rated(1, std::nullopt, "score")});
  ASSERT_EQ(first.events.size(), 2u);
  EXPECT_EQ(first.events[1].type, "chat_rated");
  EXPECT_EQ(first.events[1].visitor->email, "ann@example.com");
  Event properties = s.event("thread_properties_updated");
  const Folded second = s.fold_all({properties, s.rated(1, std::nullopt, "score")});
  EXPECT_EQ(second.events.size(), 1u);
  ASSERT_EQ(second.parts.size(), 2u);
  EXPECT_FALSE(second.parts[0].suppressed);
  EXPECT_TRUE(second.parts[1].suppressed);
  EXPECT_EQ(second.events[0].chat->rating->score, 1);
}

TEST(FoldRating, WhatIsNewInItIsTold) {
  Script s;
  EXPECT_EQ(s.fold_all({s.rated(1, std::nullopt, "score")}).events.size(), 1u);
  const Folded comment = s.fold_all({s.rated(std::nullopt, "nice", "comment")});
  ASSERT_EQ(comment.events.size(), 1u);
  EXPECT_EQ(comment.events[0].chat->rating, (Rating{1, 1, "nice"}));
  EXPECT_EQ(s.fold_all({s.rated(1, "nice", "score_and_comment")}).events.size(), 0u);
  EXPECT_EQ(s.fold_all({s.rated(1, std::nullopt, "score")}).events.size(), 0u);
  const Folded bad = s.fold_all({s.rated(0, std::nullopt, "score")});
  ASSERT_EQ(bad.events.size(), 1u);
  EXPECT_EQ(bad.events[0].chat->rating, (Rating{0, 1, "nice"}));
  const Folded cancelled = s.fold_all({s.rated(std::nullopt, std::nullopt, "cancelled")});
  ASSERT_EQ(cancelled.events.size(), 1u);
  EXPECT_EQ(cancelled.events[0].chat->rating->score, std::nullopt);
  EXPECT_EQ(s.fold_all({s.rated(std::nullopt, std::nullopt, "cancelled")}).events.size(), 0u);
  EXPECT_EQ(s.fold_all({s.rated(1, std::nullopt, "score")}).events.size(), 1u) << "rated again after taking it back";
}

// --- limits ---

TEST(FoldLimits, AChatThatNeverEndsDoesNotGrow) {
  Script s;
  s.fold_one(s.incoming_chat());
  for (int i = 0; i < 120; ++i) {
    const std::string n = std::to_string(i);
    Event e = s.message("E" + n, "agent" + n + "@example.com", "agent", "T" + n);
    e.people.push_back(Person{false, {}, Agent{"agent" + n + "@example.com", "Agent " + n, std::nullopt}, true});
    e.chat->properties = {{"ns" + n, {{"x", std::string(1000, 'x')}}}};
    s.fold_one(e);
    Event rated = s.rated(1, std::nullopt, "score");
    rated.chat->thread_id = "T" + n;
    s.fold_all({rated});
    Event edit = s.message("E" + n, "v1", "visitor", "T" + n);
    edit.type = "event_updated";
    s.fold_one(edit);
    Event tag = s.event("thread_tagged", "T" + n);
    tag.activity["tag"] = "tag" + n;
    s.fold_one(tag);
  }
  const Conversation& c = s.conversation;
  EXPECT_EQ(c.people.size(), 50u);
  EXPECT_EQ(c.ratings.size(), 100u);
  EXPECT_EQ(c.earlier_threads.size(), 5u);
  EXPECT_EQ(c.changed_message_ids.size(), 50u);
  EXPECT_LE(c.early_message_ids.size(), 16u);
  EXPECT_LT(json::serialize(to_json(c)).size(), 100'000u);
  EXPECT_LT(json::serialize(json::value(c.chat->properties)).size(), 40'000u);
  EXPECT_TRUE(c.chat->properties.contains("ns119")) << "the newest stay";
}

TEST(FoldLimits, AVeryLongNameIsCut) {
  Script s;
  Event e = s.incoming_chat();
  e.visitor->name = std::string(1 << 20, 'n');
  s.fold_one(e);
  EXPECT_LE(s.conversation.visitor->name->size(), 8u * 1024);
}

TEST(FoldLimits, LongIdsTagsAndCommentsDoNotGrowTheState) {
  Script s;
  s.fold_one(s.incoming_chat());
  const std::string much(100'000, 'x');
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i);
    s.fold_one(s.message(much + n, "v1", "visitor"));
    Event tag = s.event("thread_tagged");
    tag.activity["tag"] = n + much;
    s.fold_one(tag);
    s.fold_one(s.rated(i % 2, n + much, ""));
  }
  EXPECT_LT(json::serialize(to_json(s.conversation)).size(), 100'000u);
  EXPECT_EQ(s.messages.size(), 60u);
  // Known all the same.
  Event first = s.incoming_chat("T2");
  first.message = Script::text(much + "again", "v1", "visitor");
  s.fold_one(first);
  EXPECT_TRUE(s.fold_one(s.message(much + "again", "v1", "visitor", "T2")).message->repeated);
  Event untag = s.event("thread_untagged");
  untag.activity["tag"] = "7" + much;
  const auto tags = s.conversation.earlier_threads.at(0).tags->size();
  s.fold_one(untag);
  EXPECT_EQ(s.conversation.earlier_threads.at(0).tags->size(), tags - 1);
}

TEST(FoldState, AStrangeStoredStateIsAnEmptyOne) {
  for (const char* text :
       {"null", "[]", "{}",
        R"({"chat":1,"people":[1,{}],"ratings":[{}],"seen_message_ids":{"a":1},"last_event":"x"})"}) {
    const Conversation c = conversation_from_json(parse_json(text).value());
    EXPECT_FALSE(c.chat);
    EXPECT_TRUE(c.people.empty());
    EXPECT_EQ(c.last_event, 0u);
  }
}

}  // namespace
}  // namespace chatrelay::conversations
