#include <algorithm>
#include <future>
#include <mutex>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/ids.hpp"
#include "common/json.hpp"
#include "conversations/rooms.hpp"
#include "destinations/conversation/conversation_destination.hpp"
#include "destinations/conversation/conversation_with.hpp"
#include "destinations/conversation/text_parts.hpp"
#include "destinations/kinds.hpp"
#include "destinations/linked_chat.hpp"
#include "event/served_event.hpp"
#include "store/memory/memory_store.hpp"
#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using namespace chatrelay::destinations::conversation;
using destinations::testing::run;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

using Rings = std::vector<std::pair<std::string, std::string>>;

class ConversationDestinationTest : public ::testing::Test {
 protected:
  ConversationDestinationTest() {
    options_.name = "visitors";
    options_.source = "site";
    options_.bot_name = "Robin";
    open("chat-1", "token-1");
  }

  // Runs a command and waits for its commit.
  void commit(store::Store::Command body) {
    std::promise<bool> committed;
    store_->command(std::move(body), [&](const Result<bool>& result) { committed.set_value(result.has_value()); });
    ASSERT_TRUE(committed.get_future().get());
  }

  conversations::Call call() const {
    conversations::Call call;
    call.source = "site";
    call.now = clock_.now();
    return call;
  }

  void open(const std::string& room, const std::string& token) {
    commit([&](store::Transaction& tx) {
      conversations::SaveVisitor visitor;
      visitor.call = call();
      visitor.token = token;
      visitor.new_id = "visitor of " + room;
      ASSERT_TRUE(conversations::save_visitor(tx, visitor));
      conversations::OpenRoom command;
      command.call = call();
      command.token = token;
      command.new_id = room;
      command.new_message_id = "started " + room;
      ASSERT_TRUE(conversations::open_room(tx, command));
    });
  }

  static Attempt attempt(std::string_view with, const std::string& action = "message",
                         const std::string& id = "01JCZ000000000000000000001") {
    Attempt a;
    a.id = id;
    a.action = action;
    a.with = *parse_json(with);
    return a;
  }

  Outcome deliver(Attempt a) {
    ConversationDestination destination(options_, context_);
    return run(io_, destination.attempt(std::move(a)));
  }

  conversations::RoomView room(const std::string& id) {
    return conversations::view(**store_->open_reader()->own_room("site", id));
  }

  // A visitor without a chat; answers its id.
  std::string watched(const std::string& token) {
    std::string id;
    commit([&](store::Transaction& tx) {
      conversations::Track track;
      track.call = call();
      track.guest.token = token;
      track.guest.new_id = "guest of " + token;
      track.page.url = "https://shop.example/";
      const auto tracked = conversations::track(tx, track);
      ASSERT_TRUE(tracked);
      id = tracked.value->visitor.id;
    });
    return id;
  }

  conversations::VisitorView visitor(const std::string& token) {
    return conversations::view(**store_->open_reader()->own_visitor("site", token));
  }

  // What a delivery to `destination` saved of a chat, as deliver records it.
  void remember(const std::string& destination, const std::string& source, const std::string& chat,
                const std::string& value, store::LinkScope scope = store::LinkScope::thread) {
    store::NewEvent event;
    event.source = source;
    event.received_at = clock_.now();
    event.body = "{}";
    std::promise<EventSeq> appended;
    store_->append(event, [&](const Result<store::Appended>& result) { appended.set_value(result->seq); });
    store::Plan plan;
    plan.event = appended.get_future().get();
    plan.parts.push_back({0, "incoming_event", chat, "", false});
    store::NewDelivery delivery;
    delivery.destination = destination;
    delivery.lane = lane_of(destination, source, chat);
    delivery.payload = "{}";
    plan.deliveries.push_back(delivery);
    std::promise<DeliverySeq> planned;
    store_->apply({plan}, [&](const Result<std::vector<DeliverySeq>>& result) { planned.set_value(result->at(0)); });
    store::AttemptResult attempt_result;
    attempt_result.delivery = planned.get_future().get();
    attempt_result.subject = {source, "v1", chat, ""};
    attempt_result.saved.push_back({scope, "thread_ts", value});
    std::promise<bool> recorded;
    store_->record(attempt_result, [&](const Result<bool>& result) { recorded.set_value(result.has_value()); });
    ASSERT_TRUE(recorded.get_future().get());
  }

  // What was said, oldest first, without what the room itself says.
  std::vector<conversations::MessageView> said(const std::string& room) {
    const auto reader = store_->open_reader();
    store::OwnMessageQuery query;
    query.room = (**reader->own_room("site", room)).pk;
    query.limit = 1000;
    std::vector<conversations::MessageView> messages;
    for (const store::OwnMessage& each : *reader->own_messages(query)) {
      auto message = conversations::view(each, room);
      if (message.system_type.empty()) messages.insert(messages.begin(), std::move(message));
    }
    return messages;
  }

  // The events that our own commands made, oldest first.
  std::vector<std::pair<EventSeq, Event>> events() {
    std::vector<std::pair<EventSeq, Event>> events;
    for (const store::StoredEvent& stored : *store_->open_reader()->unplanned(0, 1000)) {
      EXPECT_EQ(stored.content_type, served_content_type);
      events.emplace_back(stored.seq, *served_event_from_body(stored.body));
    }
    return events;
  }

  ConversationOptions options_;
  boost::asio::io_context io_{1};
  http::Client client_{io_.get_executor(), http::Client::Options{}};
  ManualClock clock_{from_ms(1'790'000'000'000)};
  RoomBell bell_;
  std::mutex mutex_;
  Rings rings_;  // Thread: the store's, under mutex_
  RoomBell::Subscription listening_{bell_, [this](const std::string& source, const std::string& room) {
                                      const std::lock_guard lock(mutex_);
                                      rings_.emplace_back(source, room);
                                    }};
  const std::unique_ptr<store::Store> store_ = store::make_memory_store(clock_);
  Context context_{io_.get_executor(), client_, clock_, {}, "relay.example", *store_, bell_};
};

}  // namespace

TEST_F(ConversationDestinationTest, WhatItSaysIsInTheChatAndIsAnEvent) {
  const Outcome outcome = deliver(attempt(R"({"chat":"chat-1","text":"Hello <b>you</b>"})"));
  EXPECT_EQ(outcome.klass, OutcomeClass::ok) << outcome.reason;
  const auto messages = said("chat-1");
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].text, "Hello <b>you</b>") << "plain text: nothing is escaped, nothing is taken away";
  EXPECT_EQ(messages[0].author.name, "Robin");
  EXPECT_EQ(messages[0].author.role, "bot");
  EXPECT_EQ(messages[0].author_username, "Robin");
  EXPECT_FALSE(messages[0].from_visitor);
  EXPECT_THAT(messages[0].id, SizeIs(17));
  EXPECT_THAT(rings_, ElementsAre(std::pair("site", "chat-1")));

  const Event event = events().back().second;
  EXPECT_EQ(event.type, event_type::incoming_event);
  EXPECT_EQ(event.message->author.role, "bot");
  EXPECT_EQ(event.raw.at("by"), "chatrelay");
  EXPECT_EQ(event.raw.at("destination"), "visitors");
  EXPECT_EQ(event.raw.at("delivery"), "01JCZ000000000000000000001");
}

TEST_F(ConversationDestinationTest, AnAttemptMadeAgainChangesNothing) {
  const auto with = R"({"chat":"chat-1","text":"once"})";
  EXPECT_EQ(deliver(attempt(with)).klass, OutcomeClass::ok);
  const std::size_t before = events().size();
  EXPECT_EQ(deliver(attempt(with)).klass, OutcomeClass::duplicate);
  EXPECT_THAT(said("chat-1"), SizeIs(1));
  EXPECT_EQ(events().size(), before);
  EXPECT_THAT(rings_, SizeIs(1)) << "nobody is woken for nothing";
  EXPECT_EQ(deliver(attempt(with, "message", "01JCZ000000000000000000002")).klass, OutcomeClass::ok)
      << "another delivery is another message";
  EXPECT_THAT(said("chat-1"), SizeIs(2));
}

TEST_F(ConversationDestinationTest, AnAttemptMadeAgainIsGoodAlsoWhenTheChatWasClosedMeanwhile) {
  const auto with = R"({"chat":"chat-1","text":"once"})";
  EXPECT_EQ(deliver(attempt(with)).klass, OutcomeClass::ok);
  EXPECT_EQ(deliver(attempt(R"({"chat":"chat-1"})", "close", "01JCZ000000000000000000002")).klass, OutcomeClass::ok);
  EXPECT_EQ(deliver(attempt(with)).klass, OutcomeClass::duplicate);
}

TEST_F(ConversationDestinationTest, TheAuthorThatTheRuleNames) {
  EXPECT_EQ(deliver(attempt(R"({"chat":"chat-1","text":"hi","audience":"all",
                               "author":{"id":"7","name":"Ann","username":"ann","role":"agent"}})"))
                .klass,
            OutcomeClass::ok);
  const auto message = said("chat-1").at(0);
  EXPECT_EQ(message.author.id, "7");
  EXPECT_EQ(message.author.name, "Ann");
  EXPECT_EQ(message.author.role, "agent");
  EXPECT_EQ(message.author_username, "ann");
}

TEST_F(ConversationDestinationTest, WhatIsForAgentsOnlyNeverGetsThere) {
  const Outcome outcome = deliver(attempt(R"({"chat":"chat-1","text":"he seems angry","audience":"agents"})"));
  EXPECT_EQ(outcome.klass, OutcomeClass::reject);
  EXPECT_THAT(outcome.reason, HasSubstr("agents only"));
  EXPECT_THAT(said("chat-1"), IsEmpty());
  EXPECT_THAT(rings_, IsEmpty());
}

TEST_F(ConversationDestinationTest, AWithThatMakesNoSenseIsRejectedInWords) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"text":"x"})", "chat has no value"},
      {R"({"chat":null,"text":"x"})", "chat has no value"},
      {R"({"chat":["a"],"text":"x"})", "chat must be text"},
      {R"({"chat":"a\nb","text":"x"})", "chat must be one line"},
      {R"({"chat":"chat-1"})", "text is empty"},
      {R"({"chat":"chat-1","text":null})", "text is empty"},
      {R"({"chat":"chat-1","text":" \n "})", "text is empty"},
      {R"({"chat":"chat-1","text":{"a":1}})", "text must be text"},
      {R"({"chat":"chat-1","text":"x","audience":"everybody"})", "audience is \"everybody\""},
      {R"({"chat":"chat-1","text":"x","audience":null})", "audience is \"\""},
      {R"({"chat":"chat-1","text":"x","audience":" "})", "audience is \"\""},
      {R"({"chat":"chat-1","text":"x","author":"Ann"})", "author must be an object"},
      {R"({"chat":"chat-1","text":"x","author":{"role":"visitor"}})", "a visitor is not spoken for"},
      {R"({"chat":"chat-1","text":"x","author":{"role":"boss"}})", "role is \"boss\""},
      {R"({"chat":"chat-1","text":"x","author":{"nick":"x"}})", "takes no \"nick\""},
      {R"({"chat":"chat-1","text":"x","author":{"name":"a\nb"}})", "name must be one line"},
      {R"({"chat":"chat-1","text":"x","author":{"name":")" + std::string(301, 'a') + R"("}})", "longer than 300"},
      {R"({"chat":"chat-1","text":")" + std::string(message_units_max * message_parts_max + 1, 'a') + R"("})",
       "longer than 20 messages"},
      {R"([1])", "chat has no value"},
  };
  for (const auto& [with, reason] : cases) {
    const Outcome outcome = deliver(attempt(with));
    EXPECT_EQ(outcome.klass, OutcomeClass::reject) << with.substr(0, 80);
    EXPECT_THAT(outcome.reason, HasSubstr(reason)) << with.substr(0, 80);
  }
  EXPECT_THAT(said("chat-1"), IsEmpty());
  EXPECT_EQ(deliver(attempt(R"({"chat":"chat-1","text":42})")).klass, OutcomeClass::ok) << "a number is text";
  EXPECT_EQ(said("chat-1").at(0).text, "42");
}

TEST_F(ConversationDestinationTest, UnknownAndClosedChatsAreRejected) {
  EXPECT_THAT(deliver(attempt(R"({"chat":"nowhere","text":"x"})")).reason, HasSubstr("site has no chat nowhere"));
  EXPECT_EQ(deliver(attempt(R"({"chat":"nowhere","text":"x"})")).klass, OutcomeClass::reject);
  EXPECT_EQ(deliver(attempt(R"({"chat":"nowhere","agent":{"id":"7"}})", "assign")).klass, OutcomeClass::reject);
  EXPECT_EQ(deliver(attempt(R"({"chat":"nowhere"})", "close")).klass, OutcomeClass::reject);
  EXPECT_EQ(deliver(attempt(R"({"chat":"chat-1"})", "close")).klass, OutcomeClass::ok);
  const Outcome closed = deliver(attempt(R"({"chat":"chat-1","text":"x"})", "message", "01JCZ000000000000000000009"));
  EXPECT_EQ(closed.klass, OutcomeClass::reject);
  EXPECT_THAT(closed.reason, HasSubstr("closed"));
  EXPECT_FALSE(closed.destination_fault) << "the event's fault, not the store's";
}

TEST_F(ConversationDestinationTest, ALongTextIsSeveralMessagesInOrder) {
  std::string text;
  for (int i = 0; i < 3'000; ++i) text += "word" + std::to_string(i) + " ";
  json::object with{{"chat", "chat-1"}, {"text", text}};
  EXPECT_EQ(deliver(attempt(json::serialize(with))).klass, OutcomeClass::ok);
  const auto messages = said("chat-1");
  ASSERT_GE(messages.size(), 2u);
  std::string joined;
  for (const auto& message : messages) {
    EXPECT_LE(message.text.size(), message_units_max);
    joined += message.text + " ";
  }
  EXPECT_THAT(joined, HasSubstr("word0 word1 "));
  EXPECT_LT(joined.find("word10 "), joined.find("word2999"));
  EXPECT_EQ(deliver(attempt(json::serialize(with))).klass, OutcomeClass::duplicate);
  EXPECT_EQ(said("chat-1").size(), messages.size());
  EXPECT_THAT(rings_, SizeIs(1)) << "one commit";
}

TEST_F(ConversationDestinationTest, AnAgentIsAssigned) {
  const auto with = R"({"chat":"chat-1","agent":{"id":"7","name":"Ann","username":"ann","email":"ann@example.com"}})";
  EXPECT_EQ(deliver(attempt(with, "assign")).klass, OutcomeClass::ok);
  EXPECT_EQ(room("chat-1").agent->id, "7");
  EXPECT_EQ(room("chat-1").agent->email, "ann@example.com");
  EXPECT_EQ(room("chat-1").agent_username, "ann");
  EXPECT_EQ(events().back().second.type, event_type::user_added_to_chat);
  EXPECT_EQ(deliver(attempt(with, "assign")).klass, OutcomeClass::duplicate);
  EXPECT_THAT(rings_, IsEmpty()) << "the history says nothing of it";
  const Outcome none = deliver(attempt(R"({"chat":"chat-1","agent":{"name":"Ann"}})", "assign"));
  EXPECT_EQ(none.klass, OutcomeClass::reject);
  EXPECT_THAT(none.reason, HasSubstr("agent needs an id"));
}

TEST_F(ConversationDestinationTest, AChatIsClosedOnce) {
  EXPECT_EQ(deliver(attempt(R"({"chat":"chat-1","comment":"Bye"})", "close")).klass, OutcomeClass::ok);
  EXPECT_FALSE(room("chat-1").open);
  EXPECT_EQ(events().back().second.type, event_type::chat_deactivated);
  const std::size_t before = events().size();
  EXPECT_EQ(deliver(attempt(R"({"chat":"chat-1","comment":"Bye"})", "close", "01JCZ000000000000000000002")).klass,
            OutcomeClass::duplicate);
  EXPECT_EQ(events().size(), before);
}

// A rule that answers every message answers its own too.
TEST_F(ConversationDestinationTest, APingPongEndsInARejection) {
  Outcome outcome;
  int said_times = 0;
  EventSeq answered = 0;
  for (int i = 0; i < 20; ++i) {
    Attempt next = attempt(R"({"chat":"chat-1","text":"pong"})", "message", encode_ulid({clock_.now(), 0, 100u + i}));
    next.event.seq = answered;
    next.source = "site";
    outcome = deliver(std::move(next));
    if (outcome.klass != OutcomeClass::ok) break;
    ++said_times;
    answered = events().back().first;
  }
  EXPECT_EQ(outcome.klass, OutcomeClass::reject);
  EXPECT_THAT(outcome.reason, HasSubstr("loop"));
  EXPECT_TRUE(outcome.quiet) << "an alert that is written into a chat would begin the loop again";
  EXPECT_EQ(said_times, hops_max);
  Attempt close = attempt(R"({"chat":"chat-1"})", "close");
  close.event.seq = answered;
  EXPECT_EQ(deliver(std::move(close)).klass, OutcomeClass::ok) << "what ends a chat ends a loop";
}

TEST_F(ConversationDestinationTest, WhatAVisitorSendsAlongDoesNotCountAsALoop) {
  commit([&](store::Transaction& tx) {
    conversations::PostMessage post;
    post.call = call();
    post.call.raw = json::object{{"by", "chatrelay"}, {"hops", 99}};
    post.token = "token-1";
    post.room_id = "chat-1";
    post.new_id = "m1";
    post.text = "ping";
    ASSERT_TRUE(conversations::post_message(tx, post));
  });
  Attempt answer = attempt(R"({"chat":"chat-1","text":"pong"})");
  answer.event.seq = events().back().first;
  EXPECT_EQ(deliver(std::move(answer)).klass, OutcomeClass::ok);
}

TEST_F(ConversationDestinationTest, AnInvitationWaitsForWhoHasNoChat) {
  const std::string guest = watched("vid:1");
  const std::string with = R"({"visitor":")" + guest + R"(","text":"Can I help?"})";
  EXPECT_EQ(deliver(attempt(with, "invite")).klass, OutcomeClass::ok);
  const auto invitation = conversations::waiting_invitation(visitor("vid:1"));
  ASSERT_TRUE(invitation);
  EXPECT_EQ(invitation->text, "Can I help?");
  EXPECT_EQ(invitation->author.role, "bot");
  EXPECT_EQ(invitation->author.name, "Robin");
  EXPECT_EQ(deliver(attempt(with, "invite")).klass, OutcomeClass::duplicate);
  EXPECT_THAT(rings_, IsEmpty()) << "there is no chat of which there would be news";
  const auto reason = [&](const std::string& said) {
    const Outcome outcome = deliver(attempt(said, "invite"));
    EXPECT_EQ(outcome.klass, OutcomeClass::reject) << said;
    return outcome.reason;
  };
  EXPECT_THAT(reason(R"({"visitor":"nobody-99","text":"x"})"), HasSubstr("no visitor nobody-99"));
  EXPECT_THAT(reason(R"({"text":"x"})"), HasSubstr("visitor has no value"));
  EXPECT_THAT(reason(R"({"visitor":")" + guest + R"(","text":" "})"), HasSubstr("text is empty"));
  EXPECT_THAT(reason(R"({"visitor":")" + guest + R"(","text":")" + std::string(2001, 'x') + R"("})"),
              HasSubstr("longer than 2000"));
  EXPECT_THAT(reason(R"({"visitor":")" + guest + R"(","text":"x","audience":"agents"})"), HasSubstr("agents only"));
}

// A rule that answers whatever a visitor does with an invitation, answers that one was shown.
TEST_F(ConversationDestinationTest, ThatAnInvitationWasShownIsNoReasonForTheNext) {
  const std::string guest = watched("vid:1");
  const std::string with = R"({"visitor":")" + guest + R"(","text":"Can I help?"})";
  Attempt first = attempt(with, "invite");
  first.event.seq = events().back().first;
  ASSERT_EQ(deliver(std::move(first)).klass, OutcomeClass::ok);
  commit([&](store::Transaction& tx) {
    ASSERT_TRUE(conversations::show_invitation(tx, conversations::ByToken{call(), "vid:1"}));
  });
  Attempt next = attempt(with, "invite", "01JCZ000000000000000000002");
  next.event.seq = events().back().first;
  const Outcome outcome = deliver(std::move(next));
  EXPECT_EQ(outcome.klass, OutcomeClass::reject);
  EXPECT_THAT(outcome.reason, HasSubstr(".activity.invitation"));
  EXPECT_TRUE(outcome.quiet);
  EXPECT_FALSE(conversations::waiting_invitation(visitor("vid:1")));
}

TEST_F(ConversationDestinationTest, AStoreThatHangsIsTriedAgainAndNothingIsSaidTwice) {
  std::promise<void> release;
  std::promise<void> hanging;
  store_->command(
      [&, wait = release.get_future().share()](store::Transaction&) {
        hanging.set_value();
        wait.wait();
      },
      [](const Result<bool>&) {});
  hanging.get_future().wait();
  options_.timeout = Millis{30};
  const auto with = R"({"chat":"chat-1","text":"once"})";
  const Outcome late = deliver(attempt(with));
  EXPECT_EQ(late.klass, OutcomeClass::retry) << "trying again is safe, so nobody need decide";
  EXPECT_TRUE(late.destination_fault);
  release.set_value();
  options_.timeout = Millis{30'000};
  EXPECT_EQ(deliver(attempt(with)).klass, OutcomeClass::duplicate);
  EXPECT_THAT(said("chat-1"), SizeIs(1));
}

TEST_F(ConversationDestinationTest, ACancellationEndsTheAttemptSoon) {
  std::promise<void> release;
  std::promise<void> hanging;
  store_->command(
      [&, wait = release.get_future().share()](store::Transaction&) {
        hanging.set_value();
        wait.wait();
      },
      [](const Result<bool>&) {});
  hanging.get_future().wait();
  std::optional<Outcome> outcome;
  {
    ConversationDestination destination(options_, context_);
    boost::asio::cancellation_signal signal;
    auto ended = [&](const std::exception_ptr&, Outcome o) { outcome = std::move(o); };
    boost::asio::co_spawn(io_, destination.attempt(attempt(R"({"chat":"chat-1","text":"x"})")),
                          boost::asio::bind_cancellation_slot(signal.slot(), ended));
    io_.poll();
    EXPECT_FALSE(outcome);
    signal.emit(boost::asio::cancellation_type::terminal);
    io_.restart();
    io_.poll();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->klass, OutcomeClass::retry);
  }
  release.set_value();  // the store's answer comes when the destination is gone
  commit([](store::Transaction&) {});
  io_.restart();
  io_.poll();
}

TEST_F(ConversationDestinationTest, AProbeSaysWhatItReaches) {
  options_.served = 2;
  ConversationDestination destination(options_, context_);
  const Outcome outcome = run(io_, destination.probe());
  EXPECT_EQ(outcome.klass, OutcomeClass::ok);
  EXPECT_THAT(outcome.reason, HasSubstr("site, 1 of 2 served sources"));
  EXPECT_EQ(destination.describe(), "write into the chats of site");
  EXPECT_THAT(rings_, IsEmpty());
}

namespace {

std::string problems_of(const std::string& destination, std::vector<std::string> served) {
  config::Problems problems;
  const config::Config config =
      config::parse_config("store: sqlite:/tmp/unused.db\ndestinations:\n  visitors: " + destination + "\n",
                           "chatrelay.yaml", problems, config::Environment::process());
  const DestinationKind kind = conversation_kind(std::move(served));
  const rules::Target target = kind.schema(config.destinations.at(0), problems);
  EXPECT_EQ(target.default_action, "message");
  EXPECT_EQ(target.actions.size(), 4u);
  return problems.to_string();
}

}  // namespace

TEST(ConversationKind, TheServedSourceIsFoundOrAskedFor) {
  EXPECT_EQ(problems_of("{kind: conversation}", {"site"}), "");
  EXPECT_EQ(problems_of("{kind: conversation, source: site, name: Robin}", {"site", "shop"}), "");
  EXPECT_THAT(problems_of("{kind: conversation}", {}), HasSubstr("no source has serve: true"));
  EXPECT_THAT(problems_of("{kind: conversation}", {"site", "shop"}),
              HasSubstr("needs source: several are served (site, shop)"));
  EXPECT_THAT(problems_of("{kind: conversation, source: livechat}", {"site"}),
              HasSubstr("is \"livechat\", which is not a source with serve: true; there is site"));
  EXPECT_THAT(problems_of("{kind: conversation, name: ''}", {"site"}), HasSubstr("name"));
  EXPECT_THAT(problems_of("{kind: conversation, sources: site}", {"site"}), HasSubstr("sources"));
}

TEST(TextParts, ShortTextsStayWhole) {
  EXPECT_THAT(text_parts("", 10), IsEmpty());
  EXPECT_THAT(text_parts(" \n\t", 10), IsEmpty());
  EXPECT_THAT(text_parts("  a\nb ", 10), ElementsAre("  a\nb "));
  EXPECT_THAT(text_parts("0123456789", 10), ElementsAre("0123456789"));
}

TEST(TextParts, CutsBetweenParagraphsLinesAndWords) {
  EXPECT_THAT(text_parts("one two\n\nthree four", 10), ElementsAre("one two", "three four"));
  EXPECT_THAT(text_parts("one two\nthree", 9), ElementsAre("one two", "three"));
  EXPECT_THAT(text_parts("one two three", 9), ElementsAre("one two", "three"));
  EXPECT_THAT(text_parts("0123456789 next", 10), ElementsAre("0123456789", "next")) << "the space need not fit";
  EXPECT_THAT(text_parts("a 0123456789", 10), ElementsAre("a 01234567", "89")) << "no break is near";
}

TEST(TextParts, CutsNoCharacterAndCountsAsChatClientsDo) {
  const std::string umlauts = "äöüäöüäöüä";  // 10 units, 20 bytes
  EXPECT_THAT(text_parts(umlauts, 10), ElementsAre(umlauts));
  EXPECT_THAT(text_parts(umlauts, 4), ElementsAre("äöüä", "öüäö", "üä"));
  EXPECT_THAT(text_parts("😀😀😀", 4), ElementsAre("😀😀", "😀")) << "two units each";
  EXPECT_THAT(text_parts("😀😀", 3), ElementsAre("😀", "😀"));
  EXPECT_THAT(text_parts("😀a", 1), ElementsAre("😀", "a")) << "never without end";
}

TEST(TextParts, NothingButWhiteSpaceIsLost) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += std::string(static_cast<std::size_t>(i * 7 % 23), 'x') + (i % 5 ? " " : "\n\n");
  for (const std::size_t units : {1u, 2u, 7u, 50u, 1'000u}) {
    std::string joined;
    for (const std::string& part : text_parts(text, units)) {
      EXPECT_LE(part.size(), units);
      joined += part;
    }
    const auto count = [](const std::string& s) { return std::count(s.begin(), s.end(), 'x'); };
    EXPECT_EQ(count(joined), count(text)) << units;
  }
}

TEST_F(ConversationDestinationTest, AChatIsFoundByWhatADestinationRemembersOfIt) {
  open("chat-2", "token-2");
  remember("team", "site", "chat-1", "1795.0001");
  remember("team", "site", "chat-2", "1795.0002", store::LinkScope::chat);
  remember("other", "site", "chat-1", "1795.0002");
  const auto with = R"({"chat":{"linked":"team","by":{"thread_ts":"1795.0002"}},"text":"We ship on Monday"})";
  EXPECT_EQ(deliver(attempt(with)).klass, OutcomeClass::ok);
  EXPECT_THAT(said("chat-1"), IsEmpty());
  ASSERT_THAT(said("chat-2"), SizeIs(1));
  EXPECT_EQ(said("chat-2")[0].text, "We ship on Monday");
  const auto close = R"({"chat":{"linked":"team","by":{"thread_ts":"1795.0002"}}})";
  EXPECT_EQ(deliver(attempt(close, "close", "01JCZ000000000000000000002")).klass, OutcomeClass::ok);
  EXPECT_FALSE(room("chat-2").open);
  EXPECT_TRUE(room("chat-1").open);
}

TEST_F(ConversationDestinationTest, AChatThatNobodyRemembersIsWaitedForAMomentAndThenIsNoTrouble) {
  remember("team", "lc", "C1", "1795.0003");  // a chat, but of another source
  for (const char* value : {"1795.0003", "1795.0004"}) {
    Attempt none =
        attempt(R"({"chat":{"linked":"team","by":{"thread_ts":")" + std::string(value) + R"("}},"text":"hi"})");
    for (int number = 1; number < linked_attempts_max; ++number) {
      none.number = number;
      EXPECT_EQ(deliver(none).klass, OutcomeClass::retry) << number;
    }
    none.number = linked_attempts_max;
    const Outcome outcome = deliver(none);
    EXPECT_EQ(outcome.klass, OutcomeClass::reject);
    EXPECT_TRUE(outcome.quiet) << "people write in other threads, too";
    EXPECT_FALSE(outcome.destination_fault);
    EXPECT_THAT(outcome.reason, HasSubstr("thread_ts " + std::string(value) + " at team"));
  }
}

TEST_F(ConversationDestinationTest, TheChatSavedLastIsMeant) {
  open("chat-2", "token-2");
  remember("team", "site", "chat-2", "1795.0005");
  clock_.advance(std::chrono::seconds(1));
  remember("team", "site", "chat-1", "1795.0005");
  EXPECT_EQ(deliver(attempt(R"({"chat":{"linked":"team","by":{"thread_ts":"1795.0005"}},"text":"hi"})")).klass,
            OutcomeClass::ok);
  EXPECT_THAT(said("chat-1"), SizeIs(1));
}

TEST(ConversationWith, AChatByALinkIsReadAndWhatIsWrongIsSaid) {
  const auto read = [](std::string_view with) { return read_linked_chat(*parse_json(with)); };
  const auto linked = read(R"({"chat":{"linked":"team","by":{"thread_ts":" 1795.0001 "}}})");
  ASSERT_TRUE(linked && *linked);
  EXPECT_EQ((*linked)->destination, "team");
  EXPECT_EQ((*linked)->key, "thread_ts");
  EXPECT_EQ((*linked)->value, "1795.0001");
  EXPECT_EQ((*read(R"({"chat":{"linked":"team","by":{"id":77}}})"))->value, "77");
  for (const char* id :
       {R"({"chat":"chat-1"})", R"({"chat":null})", R"({})", R"({"chat":["x"]})", R"({"chat":{"id":"x"}})", "null"}) {
    const auto none = read(id);
    ASSERT_TRUE(none) << id;
    EXPECT_FALSE(*none) << id;
  }
  for (const auto& [with, word] : std::vector<std::pair<std::string, std::string>>{
           {R"({"chat":{"linked":"team"}})", "by must name one key"},
           {R"({"chat":{"linked":"team","by":"x"}})", "by must name one key"},
           {R"({"chat":{"linked":"team","by":{}}})", "by must name one key"},
           {R"({"chat":{"linked":"team","by":{"a":"1","b":"2"}}})", "by must name one key"},
           {R"({"chat":{"linked":"team","by":{"a":null}}})", "a has no value"},
           {R"({"chat":{"linked":"team","by":{"a":" "}}})", "a has no value"},
           {R"({"chat":{"linked":"team","by":{"a":{}}}})", "a has no value"},
           {R"({"chat":{"linked":null,"by":{"a":"1"}}})", "linked"},
           {R"({"chat":{"linked":"team","to":"x","by":{"a":"1"}}})", "to"}}) {
    const auto wrong = read(with);
    ASSERT_FALSE(wrong) << with;
    EXPECT_THAT(wrong.error().message, HasSubstr(word));
  }
  EXPECT_FALSE(read(R"({"chat":{"linked":"team","by":{"a":")" + std::string(1025, 'x') + "\"}}}"));
}
