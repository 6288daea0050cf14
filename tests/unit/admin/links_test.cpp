#include <gmock/gmock.h>

#include "unit/admin/api_fixture.hpp"

namespace chatrelay::admin::test {
namespace {

using testing::HasSubstr;

class Links : public ApiFixture {
 protected:
  void SetUp() override {
    ApiFixture::SetUp();
    store.add_event(1, now, "incoming_chat");
    store.add_delivery(11, DeliveryState::delivered, now);
    store.add_link(store::LinkScope::visitor, "contact_id", "7", 11);
    store.add_link(store::LinkScope::chat, "ticket", "8", 99);
    chatrelay::store::ChatRow row;
    row.source = "livechat";
    row.chat_id = "C1";
    row.visitor_id = "V1";
    row.active_at = now;
    store.data.chats.push_back(row);
  }
};

TEST_F(Links, of_a_chat) {
  const auto links = get("/api/links?source=livechat&chat=C1").at("links");
  ASSERT_EQ(links.as_array().size(), 2u);
  EXPECT_EQ(links.at(0).at("key"), "contact_id");
  EXPECT_EQ(links.at(0).at("value"), "7");
  EXPECT_EQ(links.at(0).at("scope"), "visitor");
  EXPECT_EQ(links.at(0).at("destination"), "crm");
  EXPECT_EQ(links.at(0).at("event_seq"), 1);
  EXPECT_TRUE(links.at(1).at("event_seq").is_null()) << "retention took its delivery";
}

TEST_F(Links, and_back) {
  const auto links = get("/api/links?remote=7").at("links");
  ASSERT_EQ(links.as_array().size(), 1u);
  EXPECT_EQ(links.at(0).at("visitor_id"), "V1");
  EXPECT_EQ(links.at(0).at("chats"), json::parse(R"(["C1"])"));
  EXPECT_EQ(get("/api/links?remote=8&key=ticket&destination=crm").at("links").at(0).at("chats").at(0), "C1");
  EXPECT_EQ(get("/api/links?remote=8&key=other").at("links").as_array().size(), 0u);
}

TEST_F(Links, are_shown_with_the_chat_and_with_the_event) {
  EXPECT_EQ(get("/api/chats/livechat/C1").at("links").as_array().size(), 2u);
  EXPECT_EQ(get("/api/events/1").at("links").as_array().size(), 2u);
}

TEST_F(Links, what_is_asked_must_be_one_thing) {
  EXPECT_THAT(error_of(get("/api/links", 400)), HasSubstr("either"));
  EXPECT_THAT(error_of(get("/api/links?chat=C1", 400)), HasSubstr("belong together"));
  EXPECT_THAT(error_of(get("/api/links?source=a&chat=C1&remote=7", 400)), HasSubstr("either"));
  EXPECT_THAT(error_of(get("/api/links?source=a&chat=C1&key=7", 400)), HasSubstr("go with"));
  store.data.broken = true;
  get("/api/links?remote=7", 503);
}

}  // namespace
}  // namespace chatrelay::admin::test
