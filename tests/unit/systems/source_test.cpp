#include "common/ids.hpp"
#include "event/own_event.hpp"
#include "systems/chatrelay/chatrelay_source.hpp"
#include "systems/livechat/livechat_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

TEST(NumberParts, PartsOfAWebhookDifferInTheirSaltOnly) {
  std::vector<Event> events(3);
  const auto webhook = stored("{}");
  systems::number_parts(events, webhook, "livechat");
  const auto base = decode_ulid(webhook.id);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(events[i].ref, (EventRef{7, i}));
    EXPECT_EQ(events[i].source, "test");
    EXPECT_EQ(events[i].system, "livechat");
    const auto id = decode_ulid(events[i].id);
    ASSERT_TRUE(id);
    EXPECT_EQ(id->sequence, base->sequence);
    EXPECT_EQ(id->time, base->time);
    EXPECT_EQ(id->salt, base->salt ^ (i * 0x9e3779b1u)) << "as store::event_id has it";
  }
  EXPECT_EQ(events[0].id, webhook.id);
}

TEST(OwnEvents, AreReadInTheirOwnShapeAndNothingFromOutsideIsLetIn) {
  const auto source = systems::make_chatrelay_source();
  const auto events = source->decode(stored(own_event_body(event_type::delivery_dead, {{"destination", "crm"}}, now)));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, "delivery_dead");
  EXPECT_EQ(events[0].system, own_source);
  EXPECT_EQ(events[0].occurred_at, now);
  EXPECT_EQ(events[0].activity.at("destination"), "crm");
  EXPECT_EQ(source->decode(stored("[]")).at(0).type, "invalid_payload");
  const Request request{R"({"type":"delivery_dead"})", "", "application/json", {}};
  ASSERT_TRUE(source->admit(request.view(), now).rejected);
  EXPECT_EQ(source->admit(request.view(), now).rejected->status, 404);
}

TEST(LivechatDecode, WhateverTheBytesThereIsAnEvent) {
  auto made = make_source(systems::livechat_kind(), "system: livechat\nsecrets: [long-enough-secret]");
  for (const std::string body :
       {"", "{", "null", "[]", "{}", "{\"action\":\"\"}", "{\"action\":\"incoming_chat\"}",
        "{\"action\":\"incoming_chat\",\"payload\":{\"chat\":[]}}",
        "{\"action\":\"incoming_chat\",\"payload\":{\"chat\":{\"id\":\"C\",\"users\":{},\"thread\":[]}}}",
        "{\"action\":\"incoming_chat\",\"payload\":{\"chat\":{\"id\":\"C\",\"users\":[1,null,{}],\"thread\":{"
        "\"events\":[1,{},null]}}}}",
        "{\"action\":\"thread_properties_updated\",\"payload\":{\"properties\":{\"rating\":{\"score\":1}}}}"}) {
    const auto events = made.source->decode(stored(body));
    ASSERT_FALSE(events.empty()) << body;
    EXPECT_FALSE(events[0].type.empty()) << body;
    for (const Event& event : events) EXPECT_FALSE(event.chat && !event.chat->id) << body;
  }
}

}  // namespace
}  // namespace chatrelay::testing
