#include "destinations/email/address.hpp"

#include <string>

#include <gtest/gtest.h>

using namespace chatrelay::destinations::email;
using namespace std::string_literals;

TEST(Address, OrdinaryOnesPass) {
  for (const char* text : {"a@b", "thomas@example.com", "first.last+tag@sub.example.co.uk", "o'brien@example.com",
                           "root@localhost", "a-b_c@x-y.example", "1@2.example"}) {
    EXPECT_TRUE(is_addr_spec(text)) << text;
  }
}

TEST(Address, NothingElsePasses) {
  const std::string many(65, 'a');
  for (const std::string& text : {""s,
                                  "@"s,
                                  "a@"s,
                                  "@b"s,
                                  "a"s,
                                  "a@@b"s,
                                  "a@b@c"s,
                                  "a b@c"s,
                                  "a@b c"s,
                                  "a@b\r\nRCPT TO:<x@y>"s,
                                  "a@b\n"s,
                                  "a\0@b"s,
                                  "a@b\0"s,
                                  "a@b,c@d"s,
                                  "a@b>"s,
                                  "<a@b>"s,
                                  ".a@b"s,
                                  "a.@b"s,
                                  "a..b@c"s,
                                  "a@.b"s,
                                  "a@b."s,
                                  "a@b..c"s,
                                  "a@-b"s,
                                  "a@b-"s,
                                  "\"a b\"@c"s,
                                  "a@[127.0.0.1]"s,
                                  "ü@example.com"s,
                                  "a@exämple.com"s,
                                  "a@b_c"s,
                                  "a(x)@b"s,
                                  "a@b;c"s,
                                  many + "@b",
                                  "a@" + std::string(64, 'b'),
                                  "a@" + std::string(260, 'b')}) {
    EXPECT_FALSE(is_addr_spec(text)) << text;
  }
}

TEST(Address, MailboxesWithNames) {
  EXPECT_EQ(parse_mailbox("a@b.example"), (Mailbox{"", "a@b.example"}));
  EXPECT_EQ(parse_mailbox("  Zoë <a@b.example> "), (Mailbox{"Zoë", "a@b.example"}));
  EXPECT_EQ(parse_mailbox("\"Doe, \\\"J\\\"\" <a@b.example>"), (Mailbox{"Doe, \"J\"", "a@b.example"}));
  EXPECT_EQ(parse_mailbox("<a@b.example>"), (Mailbox{"", "a@b.example"}));
  EXPECT_EQ(parse_mailbox("Eve <x@y>, B <a@b.example>"),
            (Mailbox{"Eve <x@y>, B", "a@b.example"}));  // a name, not a second recipient
  for (const char* text :
       {"", "a@b, c@d", "Name a@b", "Name <a@b> more", "<>", "Name <a@b\r\n>", "v@x\r\nRCPT TO:<y@z>", "a@b <"})
    EXPECT_FALSE(parse_mailbox(text)) << text;
}
