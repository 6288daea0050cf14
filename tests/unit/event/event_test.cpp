#include "event/event.hpp"

#include <random>

#include <gtest/gtest.h>

#include "common/json.hpp"

namespace chatrelay {
namespace {

std::vector<std::string> keys_of(const json::value& value) {
  std::vector<std::string> keys;
  for (const auto& member : value.as_object()) keys.emplace_back(member.key());
  return keys;
}

using Keys = std::vector<std::string>;

Message full_message() {
  Message m;
  m.id = "m1";
  m.text = "Hello \u00e4";
  m.kind = "form";
  m.author.id = "a1";
  m.author.name = "Ann";
  m.author.role = "agent";
  m.audience = "agents";
  m.sent_at = from_ms(1'763'632'800'123);
  m.edited_at = from_ms(1'763'632'900'000);
  m.repeated = true;
  File file;
  file.name = "a.png";
  file.url = "https://example.com/a.png";
  file.content_type = "image/png";
  file.size = 5;
  m.files = {file, File{}};
  m.form = {{"Topic", "Sales"}, {"Days", json::array{"Mo", "Tu"}}};
  m.client_id = "c1";
  return m;
}

Chat full_chat() {
  Chat c;
  c.id = "PJ0MRSHTDG";
  c.thread_id = "K600PKZON8";
  c.status = "active";
  c.initiator = "client";
  c.started_at = from_ms(1);
  c.ended_at = from_ms(2);
  c.department = "sales";
  c.tags = std::vector<std::string>{"one", "two"};
  c.rating = Rating{1.0, 1.0, "good"};
  c.queue = Queue{3, 120};
  c.properties = {{"routing", {{"continuous", false}}}};
  return c;
}

Visitor full_visitor() {
  Visitor v;
  v.id = "v1";
  v.name = "Thomas";
  v.email = "thomas@example.com";
  v.phone = "+1";
  v.language = "en";
  v.timezone = "Europe/Berlin";
  v.user_agent = "Mozilla";
  v.ip = "192.0.2.1";
  v.page.url = "https://shop.example/";
  v.page.title = "Shop";
  v.page.referrer = "https://search.example/";
  v.active = true;
  v.consent = false;
  v.custom = {{"plan", "pro"}, {"n", 5}};
  return v;
}

Event full_event() {
  Event e;
  e.id = "01JD0000000000000000000000";
  e.type = event_type::incoming_event;
  e.source = "livechat";
  e.system = "livechat";
  e.received_at = from_ms(1'763'632'800'000);
  e.occurred_at = from_ms(1'763'632'799'000);
  e.chat = full_chat();
  e.visitor = full_visitor();
  e.agent = Agent{"a1", "Ann", "ann@example.com"};
  e.message = full_message();
  e.activity = {{"page", "x"}};
  e.raw = {{"action", "incoming_event"}, {"big", 18446744073709551615u}};
  return e;
}

TEST(EventJson, HasEveryKeyInOrder) {
  const json::value value = to_json(full_event(), {});
  EXPECT_EQ(keys_of(value), (Keys{"id", "type", "source", "system", "received_at", "occurred_at", "chat", "visitor",
                                  "agent", "message", "activity", "links", "presence", "raw"}));
  EXPECT_EQ(keys_of(value.at("chat")), (Keys{"id", "thread_id", "status", "initiator", "started_at", "ended_at",
                                             "department", "tags", "rating", "queue", "properties"}));
  EXPECT_EQ(keys_of(value.at("chat").at("rating")), (Keys{"score", "scale", "comment"}));
  EXPECT_EQ(keys_of(value.at("chat").at("queue")), (Keys{"position", "wait_time_s"}));
  EXPECT_EQ(keys_of(value.at("visitor")), (Keys{"id", "name", "email", "phone", "language", "timezone", "user_agent",
                                                "page", "ip", "active", "consent", "custom"}));
  EXPECT_EQ(keys_of(value.at("visitor").at("page")), (Keys{"url", "title", "referrer"}));
  EXPECT_EQ(keys_of(value.at("agent")), (Keys{"id", "name", "email"}));
  EXPECT_EQ(keys_of(value.at("message")), (Keys{"id", "text", "kind", "author", "audience", "sent_at", "edited_at",
                                                "repeated", "files", "form", "client_id"}));
  EXPECT_EQ(keys_of(value.at("message").at("author")), (Keys{"id", "name", "role"}));
  EXPECT_EQ(keys_of(value.at("message").at("files").at(0)), (Keys{"name", "url", "content_type", "size"}));
  EXPECT_EQ(keys_of(value.at("message").at("form").at(0)), (Keys{"label", "value"}));
}

TEST(EventJson, UnknownIsNullAndNeverMissing) {
  Event e;
  const json::value value = to_json(e, {});
  for (const char* key : {"occurred_at", "chat", "visitor", "agent", "message", "raw"})
    EXPECT_TRUE(value.at(key).is_null()) << key;
  EXPECT_EQ(value.at("activity"), json::object());
  EXPECT_EQ(value.at("links"), json::object());
  EXPECT_EQ(value.at("presence"), json::object());
  for (const json::value& part : {to_json(Chat{}), to_json(Visitor{}), to_json(Agent{})}) {
    for (const auto& member : part.as_object()) {
      if (member.key() == "page") {
        for (const auto& inner : member.value().as_object()) EXPECT_TRUE(inner.value().is_null()) << inner.key();
      } else if (member.key() == "properties" || member.key() == "custom") {
        EXPECT_EQ(member.value(), json::object());
      } else {
        EXPECT_TRUE(member.value().is_null()) << member.key();
      }
    }
  }
}

TEST(EventJson, AnEmptyMessageIsOneForAll) {
  const json::value value = to_json(Message{});
  EXPECT_EQ(value.at("kind"), "message");
  EXPECT_EQ(value.at("audience"), "all");
  EXPECT_EQ(value.at("repeated"), false);
  EXPECT_EQ(value.at("files"), json::array());
  EXPECT_EQ(value.at("form"), json::array());
  EXPECT_TRUE(value.at("text").is_null());
}

TEST(EventJson, TimesAreRfc3339) {
  const json::value value = to_json(full_event(), {});
  EXPECT_EQ(value.at("received_at"), "2025-11-20T10:00:00.000Z");
  EXPECT_EQ(value.at("message").at("sent_at"), "2025-11-20T10:00:00.123Z");
}

TEST(EventJson, CarriesExtras) {
  EventExtras extras;
  extras.links = {{"crm", {{"contact_id", "5"}}}};
  extras.presence = {{"online", true}};
  const json::value value = to_json(full_event(), extras);
  EXPECT_EQ(value.at("links"), extras.links);
  EXPECT_EQ(value.at("presence"), extras.presence);
}

TEST(EventJson, OutlivesWhatItWasMadeOf) {
  json::value value;
  {
    const Event event = full_event();
    value = to_json(event, {});
  }
  json::value copy = value;
  json::value part = std::move(value.at("message"));
  value = nullptr;
  EXPECT_EQ(part.at("text"), "Hello \u00e4");
  EXPECT_EQ(copy.at("raw").at("big"), 18446744073709551615u);
}

TEST(EventJson, RulesMayAddToIt) {
  json::value value = to_json(full_event(), {});
  value.as_object()["transcript"] = json::array{1, 2};
  value.as_object()["transcript_text"] = std::string(10'000, 'x');
  EXPECT_EQ(value.at("transcript").as_array().size(), 2u);
}

TEST(EventJson, PartsReadBack) {
  EXPECT_EQ(to_json(message_from_json(to_json(full_message()))), to_json(full_message()));
  EXPECT_EQ(to_json(chat_from_json(to_json(full_chat()))), to_json(full_chat()));
  EXPECT_EQ(to_json(visitor_from_json(to_json(full_visitor()))), to_json(full_visitor()));
  const Agent agent{"a", "b", "c"};
  EXPECT_EQ(to_json(agent_from_json(to_json(agent))), to_json(agent));
  EXPECT_EQ(to_json(message_from_json(to_json(Message{}))), to_json(Message{}));
  EXPECT_EQ(to_json(chat_from_json(to_json(Chat{}))), to_json(Chat{}));
  EXPECT_EQ(to_json(visitor_from_json(to_json(Visitor{}))), to_json(Visitor{}));
}

TEST(EventJson, EventsReadBack) {
  EXPECT_EQ(to_json(event_from_json(to_json(full_event(), {})), {}), to_json(full_event(), {}));
  EXPECT_EQ(to_json(event_from_json(to_json(Event{}, {})), {}), to_json(Event{}, {}));
}

TEST(EventJson, TextOfTheStoreReadsBack) {
  const std::string text = json::serialize(to_json(full_message()));
  EXPECT_EQ(to_json(message_from_json(*parse_json(text))), to_json(full_message()));
}

TEST(EventFromJson, MissingIsUnknown) {
  const Event e = event_from_json(*parse_json(R"({"type":"incoming_chat","visitor":{"email":"a@example.com"}})"));
  EXPECT_EQ(e.type, "incoming_chat");
  ASSERT_TRUE(e.visitor);
  EXPECT_EQ(e.visitor->email, "a@example.com");
  EXPECT_FALSE(e.visitor->name);
  EXPECT_FALSE(e.chat);
  EXPECT_FALSE(e.message);
}

TEST(EventFromJson, WronglyTypedCountsAsMissing) {
  const Event e = event_from_json(*parse_json(
      R"({"id":5,"type":null,"received_at":"no","chat":[],"visitor":"x","agent":1,"message":{"text":{},"author":"x","files":{},"form":[1,{"label":5,"value":6}],"repeated":"yes","sent_at":5},"activity":[]})"));
  EXPECT_EQ(e.id, "");
  EXPECT_EQ(e.type, "");
  EXPECT_EQ(e.received_at, WallTime{});
  EXPECT_FALSE(e.chat || e.visitor || e.agent);
  ASSERT_TRUE(e.message);
  EXPECT_FALSE(e.message->text || e.message->author.name || e.message->sent_at);
  EXPECT_FALSE(e.message->repeated);
  EXPECT_TRUE(e.message->files.empty());
  ASSERT_EQ(e.message->form.size(), 1u);
  EXPECT_EQ(e.message->form[0].value, 6);
  EXPECT_TRUE(e.activity.empty());
}

TEST(EventFromJson, TakesAnyValueWithoutFailing) {
  const json::value pieces[] = {nullptr, true, 5, -1.5, "text", json::array{1, "x"}, json::object{{"id", 1}}};
  const json::value model = to_json(full_event(), {});
  for (const auto& member : model.as_object()) {
    for (const json::value& piece : pieces) {
      json::value changed = model;
      changed.as_object()[member.key()] = piece;
      const Event e = event_from_json(changed);
      EXPECT_EQ(keys_of(to_json(e, {})).size(), 14u);
      if (const json::object* inner = member.value().if_object()) {
        for (const auto& field : *inner) {
          json::value deeper = model;
          deeper.as_object()[member.key()].as_object()[field.key()] = piece;
          EXPECT_EQ(keys_of(to_json(event_from_json(deeper), {})).size(), 14u);
        }
      }
    }
  }
  for (const json::value& piece : pieces) EXPECT_EQ(event_from_json(piece).type, "");
}

}  // namespace
}  // namespace chatrelay
