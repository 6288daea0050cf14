#include "conversations/silent_chats.hpp"

#include <future>

#include <gtest/gtest.h>

#include "common/json.hpp"
#include "event/served_event.hpp"
#include "store/memory/memory_store.hpp"

namespace chatrelay::conversations {
namespace {

using std::chrono::hours;

const WallTime now = from_ms(1'795'169'000'000);
const Millis silence = hours(12);

Event event_at(EventSeq seq, const std::string& type, std::optional<std::string> thread = "T1") {
  Event event;
  event.ref.seq = seq;
  event.type = type;
  event.source = "lc";
  event.received_at = now - hours(20);
  event.chat.emplace().id = "C1";
  event.chat->thread_id = std::move(thread);
  return event;
}
Event said(EventSeq seq, const std::string& role, std::optional<std::string> thread = "T1") {
  Event event = event_at(seq, event_type::incoming_event, std::move(thread));
  event.message.emplace();
  event.message->id = "m" + std::to_string(seq);
  event.message->text = "hello";
  event.message->author.role = role;
  return event;
}

// One chat, its events through the stored form of its state each time.
struct Chat1 {
  Conversation known;
  Folded fold_one(Event event) {
    known = conversation_from_json(to_json(known));
    return fold(known, {std::move(event)});
  }
  store::ChatRow row() const {
    store::ChatRow row;
    row.source = "lc";
    row.chat_id = "C1";
    row.active_at = now - hours(20);
    return row;
  }
  std::optional<store::NewEvent> ending() const { return ending_by_silence(row(), known, silence, now); }
  // The ending as the planner meets it.
  Event ending_event(EventSeq seq) const {
    Event event = *served_event_from_body(ending()->body);
    event.ref.seq = seq;
    event.source = "lc";
    event.received_at = now;
    return event;
  }
};

TEST(SilentChats, AnOpenChatThatWasNotHeardOfIsEnded) {
  Chat1 chat;
  chat.fold_one(said(7, "visitor"));
  const auto ending = chat.ending();
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->source, "lc") << "an event of the chat's own source: planned in its turn, in its lanes";
  EXPECT_EQ(ending->content_type, served_content_type);
  const Folded folded = chat.fold_one(chat.ending_event(8));
  ASSERT_EQ(folded.events.size(), 1u);
  const Event& event = folded.events[0];
  EXPECT_EQ(event.type, event_type::chat_deactivated);
  EXPECT_EQ(event.chat->id, "C1");
  EXPECT_EQ(event.chat->thread_id, "T1");
  EXPECT_EQ(event.chat->status, "closed");
  EXPECT_EQ(event.chat->ended_at, now);
  EXPECT_EQ(event.activity.at("by"), "silence");
  EXPECT_EQ(event.activity.at("silent_for_s"), 20 * 3600);
  EXPECT_EQ(event.activity.at("silent_since").as_string(), format_rfc3339(now - hours(20)));
  EXPECT_EQ(event.raw.at("by"), "chatrelay");
  EXPECT_EQ(folded.update->status, "closed");
  EXPECT_FALSE(chat.ending()) << "and that is all";
}

TEST(SilentChats, WhatIsClosedFreshOrNeverBeganIsLeftAlone) {
  Chat1 chat;
  EXPECT_FALSE(chat.ending()) << "nothing is known";
  chat.fold_one(event_at(1, event_type::visitor_activity));
  EXPECT_FALSE(chat.ending()) << "it never began";
  chat.fold_one(said(2, "visitor"));
  ASSERT_TRUE(chat.ending());
  for (const char* status : {"closed", "chatbox", "operators"}) {
    Chat1 other = chat;
    other.known.chat->status = status;
    EXPECT_FALSE(other.ending()) << status;
  }
  for (const char* status : {"queued", "active", "bot"}) {
    Chat1 other = chat;
    other.known.chat->status = status;
    EXPECT_TRUE(other.ending()) << status;
  }
  store::ChatRow fresh = chat.row();
  fresh.active_at = now - silence + Millis(1);
  EXPECT_FALSE(ending_by_silence(fresh, chat.known, silence, now));
  fresh.active_at = now - silence;
  EXPECT_TRUE(ending_by_silence(fresh, chat.known, silence, now));
}

TEST(SilentChats, WhatCameMeanwhileMakesTheEndingWrong) {
  Chat1 chat;
  chat.fold_one(said(7, "visitor"));
  const Event ending = chat.ending_event(9);
  chat.fold_one(said(8, "agent"));  // committed before the ending, planned before it
  const json::value before = to_json(chat.known);
  const Folded folded = chat.fold_one(ending);
  EXPECT_TRUE(folded.events.empty());
  ASSERT_EQ(folded.parts.size(), 1u);
  EXPECT_TRUE(folded.parts[0].suppressed);
  EXPECT_FALSE(folded.update);
  EXPECT_EQ(to_json(chat.known), before) << "the chat goes on";
}

TEST(SilentChats, AThreadThatEndedOrWasFollowedIsNotEndedAgain) {
  for (const bool by_system : {true, false}) {
    Chat1 chat;
    chat.fold_one(said(7, "visitor"));
    const Event ending = chat.ending_event(9);
    Event other = by_system ? event_at(8, event_type::chat_deactivated) : said(8, "visitor", "T2");
    if (by_system) other.chat->status = "closed";
    chat.fold_one(other);
    EXPECT_TRUE(chat.fold_one(ending).events.empty());
  }
}

TEST(SilentChats, PeopleBeginItAgainAndItCanBeSilentAgain) {
  for (const char* role : {"visitor", "agent"}) {
    Chat1 chat;
    chat.fold_one(said(7, "visitor"));
    chat.fold_one(chat.ending_event(8));
    const Folded again = chat.fold_one(said(9, role));
    EXPECT_EQ(again.events.at(0).chat->status, "active");
    EXPECT_FALSE(again.events[0].chat->ended_at);
    ASSERT_TRUE(chat.ending());
    EXPECT_EQ(chat.fold_one(chat.ending_event(10)).events.size(), 1u);
  }
}

TEST(SilentChats, WhatWeSayOurselvesOrWhatIsNotSaidDoesNotBeginItAgain) {
  Chat1 chat;
  chat.fold_one(said(7, "visitor"));
  chat.fold_one(chat.ending_event(8));
  chat.fold_one(said(9, "bot"));
  chat.fold_one(event_at(10, event_type::thread_tagged));
  Event ours = said(11, "agent");
  ours.raw = json::object{{"by", "chatrelay"}};
  chat.fold_one(ours);
  EXPECT_EQ(chat.known.chat->status, "closed") << "or a rule that says goodbye would never come to an end";
  EXPECT_FALSE(chat.ending());
}

TEST(SilentChats, AThreadThatItsSystemEndedStaysEnded) {
  Chat1 chat;
  chat.fold_one(said(7, "visitor"));
  Event closed = event_at(8, event_type::chat_deactivated);
  closed.chat->status = "closed";
  EXPECT_FALSE(chat.fold_one(closed).events.at(0).activity.contains("after_silence"));
  chat.fold_one(said(9, "visitor"));
  EXPECT_EQ(chat.known.chat->status, "closed");
}

TEST(SilentChats, AnEndThatComesAfterAllSaysSo) {
  Chat1 chat;
  chat.fold_one(said(7, "visitor"));
  chat.fold_one(chat.ending_event(8));
  Event closed = event_at(9, event_type::chat_deactivated);
  closed.chat->status = "closed";
  closed.chat->ended_at = now + hours(1);
  const Folded folded = chat.fold_one(closed);
  EXPECT_EQ(folded.events.at(0).activity.at("after_silence"), true);
  EXPECT_EQ(folded.events[0].chat->ended_at, now + hours(1));
  closed.ref.seq = 10;
  EXPECT_FALSE(chat.fold_one(closed).events.at(0).activity.contains("after_silence")) << "once";
}

TEST(SilentChats, TheSameSilenceHasTheSameKey) {
  Chat1 chat;
  chat.fold_one(said(7, "visitor"));
  const auto first = chat.ending();
  const auto later = ending_by_silence(chat.row(), chat.known, silence, now + hours(1));
  EXPECT_EQ(first->dedup, later->dedup);
  chat.fold_one(said(8, "visitor"));
  EXPECT_FALSE(first->dedup == chat.ending()->dedup);
}

TEST(SilentChats, AnEndingWrittenByHandInARulesTestIsFolded) {
  Chat1 chat;
  Event event = event_at(0, event_type::chat_deactivated);
  event.chat->status = "closed";
  event.activity["by"] = "silence";
  EXPECT_EQ(chat.fold_one(event).events.size(), 1u);
}

// --- the look, over a store

class SilentChatsLook : public ::testing::Test {
 protected:
  void keep(const std::string& source, const std::string& chat_id) {
    store::NewEvent event;
    event.source = source;
    event.received_at = now - hours(20);
    event.body = "{}";
    std::promise<EventSeq> appended;
    store_->append(event, [&](const Result<store::Appended>& result) { appended.set_value(result->seq); });
    Event spoken = said(appended.get_future().get(), "visitor", std::nullopt);
    spoken.source = source;
    spoken.chat->id = chat_id;
    Conversation known;
    Folded folded = fold(known, {spoken});
    store::Plan plan;
    plan.event = spoken.ref.seq;
    plan.parts = folded.parts;
    plan.conversation = folded.update;
    std::promise<bool> applied;
    store_->apply({plan},
                  [&](const Result<std::vector<DeliverySeq>>& result) { applied.set_value(result.has_value()); });
    ASSERT_TRUE(applied.get_future().get());
  }

  std::size_t look(WallTime at = now, Millis after = silence) {
    SilentChats chats(*store_, *reader_);
    const auto told = chats.look(after, at, {"lc"});
    EXPECT_TRUE(told) << told.error().message;
    std::promise<void> settled;  // commands keep the order of appends
    store_->command([](store::Transaction&) {}, [&](const Result<bool>&) { settled.set_value(); });
    settled.get_future().wait();
    return told ? *told : 0;
  }
  std::size_t waiting() { return reader_->unplanned(0, 1000)->size(); }

  ManualClock clock_{now};
  std::unique_ptr<store::Store> store_ = store::make_memory_store(clock_);
  std::unique_ptr<store::Reader> reader_ = store_->open_reader();
};

TEST_F(SilentChatsLook, TellsOfEachSilentChatOnceHoweverOftenItLooks) {
  keep("lc", "C1");
  keep("lc", "C2");
  keep("gone", "C3");
  EXPECT_EQ(look(), 2u) << "of a source that is no longer configured an event would wait for ever";
  EXPECT_EQ(waiting(), 2u);
  EXPECT_EQ(look(now + hours(1)), 2u) << "not planned yet";
  EXPECT_EQ(waiting(), 2u) << "the same silence is one event, also after a restart";
}

TEST_F(SilentChatsLook, GoesThroughAllPages) {
  for (int i = 0; i < 450; ++i) keep("lc", "C" + std::to_string(i));
  EXPECT_EQ(look(), 450u);
  EXPECT_EQ(waiting(), 450u);
}

TEST_F(SilentChatsLook, FindsNothingFreshAndNothingClosed) {
  keep("lc", "C1");
  EXPECT_EQ(look(now - hours(9)), 0u);
  EXPECT_EQ(look(), 1u);
}

}  // namespace
}  // namespace chatrelay::conversations
