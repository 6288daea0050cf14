#include "deliver/links.hpp"

#include <gtest/gtest.h>

namespace chatrelay::deliver {
namespace {

namespace json = boost::json;

store::StoredLink link(const std::string& destination, store::LinkScope scope, const std::string& key,
                       const std::string& value) {
  store::StoredLink made;
  made.destination = destination;
  made.scope = scope;
  made.key = key;
  made.value = value;
  return made;
}

TEST(Links, ADestinationSeesItsOwnByScopeAndARuleSeesTheNearest) {
  const std::vector<store::StoredLink> links{
      link("crm", store::LinkScope::thread, "id", "3"), link("crm", store::LinkScope::visitor, "id", "1"),
      link("crm", store::LinkScope::chat, "ticket", "2"), link("team", store::LinkScope::thread, "ts", "4")};
  EXPECT_EQ(links_of_destinations(links),
            json::parse(R"({"crm":{"id":"3","ticket":"2"},"team":{"ts":"4"}})").as_object());
  EXPECT_EQ(links_of_scopes({links[0], links[1], links[2]}),
            json::parse(R"({"visitor":{"id":"1"},"chat":{"ticket":"2"},"thread":{"id":"3"}})").as_object());
  EXPECT_EQ(links_of_scopes({}), json::parse(R"({"visitor":{},"chat":{},"thread":{}})").as_object());
}

TEST(Links, WhatCannotBeALinkIsLeftOutAndCounted) {
  std::vector<Saved> saved{{"visitor", "id", "1"},  {"visitor", "id", "2"},
                           {"planet", "id", "1"},   {"chat", "", "1"},
                           {"chat", "empty", ""},   {"chat", "long", std::string(1025, 'x')},
                           {"chat", "bad", "\xff"}, {"chat", "fits", std::string(1024, 'x')}};
  std::size_t refused = 0;
  const auto links = links_to_save(saved, refused);
  ASSERT_EQ(links.size(), 2u);
  EXPECT_EQ(links[0].value, "2") << "the later one holds";
  EXPECT_EQ(links[1].key, "fits");
  EXPECT_EQ(refused, 5u);
  saved.clear();
  for (int i = 0; i < 40; ++i) saved.push_back({"chat", "k" + std::to_string(i), "v"});
  EXPECT_EQ(links_to_save(saved, refused).size(), 32u);
  EXPECT_EQ(refused, 8u);
}

TEST(Links, ALockIsOfASubjectThatIsKnown) {
  store::StoredDelivery delivery;
  delivery.origin.source = "livechat";
  delivery.origin.chat_id = "1";
  EXPECT_EQ(lock_of(delivery), "");
  delivery.lock = store::LinkScope::visitor;
  EXPECT_EQ(lock_of(delivery), "") << "nobody is nobody's double";
  delivery.origin.visitor_id = "1";
  const std::string of_visitor = lock_of(delivery);
  EXPECT_FALSE(of_visitor.empty());
  delivery.lock = store::LinkScope::chat;
  EXPECT_NE(lock_of(delivery), of_visitor);
  delivery.lock = store::LinkScope::visitor;
  delivery.origin.source = "forms";
  EXPECT_NE(lock_of(delivery), of_visitor);
}

}  // namespace
}  // namespace chatrelay::deliver
