#include "http/address.hpp"

#include <gtest/gtest.h>

namespace chatrelay::http {
namespace {

using boost::asio::ip::make_address;

TEST(Address, PrivateOnesAreRefusedInEveryForm) {
  for (const char* text : {"0.0.0.0",
                           "0.1.2.3",
                           "10.0.0.1",
                           "100.64.0.1",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.0.1",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.0.2.1",
                           "192.168.1.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.7",
                           "203.0.113.7",
                           "224.0.0.1",
                           "239.1.1.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::7f00:1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.1.2.3",
                           "::ffff:169.254.169.254",
                           "::ffff:0:7f00:1",  // v4-translated (RFC 2765)
                           "200::1",
                           "4000::1",
                           "64:ff9b::7f00:1",
                           "64:ff9b::a00:1",
                           "64:ff9b:1::1",
                           "100::1",
                           "2001::1",
                           "2001:db8::1",
                           "2002:7f00:1::",
                           "2002:a00:1::1",
                           "3fff::1",
                           "fc00::1",
                           "fd12:3456::1",
                           "fe80::1",
                           "fec0::1",
                           "ff02::1"}) {
    EXPECT_TRUE(is_private_address(make_address(text))) << text;
  }
}

TEST(Address, PublicOnesAreNotRefused) {
  for (const char* text :
       {"1.1.1.1",         "8.8.8.8",         "9.255.255.255",  "11.0.0.0",         "100.63.255.255",
        "100.128.0.0",     "126.255.255.255", "128.0.0.1",      "169.253.255.255",  "172.15.255.255",
        "172.32.0.0",      "192.167.255.255", "198.17.255.255", "198.20.0.0",       "223.255.255.255",
        "2606:4700::1111", "2a00:1450::1",    "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}) {
    EXPECT_FALSE(is_private_address(make_address(text))) << text;
  }
}

TEST(Address, NetworksContainWhatTheyShould) {
  struct Row {
    const char* address;
    const char* cidr;
    bool in;
  };
  for (const auto& row :
       {Row{"10.1.2.3", "10.0.0.0/8", true}, Row{"11.1.2.3", "10.0.0.0/8", false}, Row{"10.1.2.3", "10.1.2.3", true},
        Row{"10.1.2.4", "10.1.2.3", false}, Row{"10.1.2.3", "10.9.9.9/8", true}, Row{"1.2.3.4", "0.0.0.0/0", true},
        Row{"::ffff:10.1.2.3", "10.0.0.0/8", true}, Row{"10.1.2.3", "::ffff:10.0.0.0/104", true},
        Row{"fd00::1", "fd00::/8", true}, Row{"fe00::1", "fd00::/8", false}, Row{"::1", "::/0", true},
        Row{"1.2.3.4", "::/0", false}, Row{"2001:db8:0:1::1", "2001:db8::/63", true},
        Row{"2001:db8:0:2::1", "2001:db8::/63", false}}) {
    const auto in = address_in(make_address(row.address), row.cidr);
    ASSERT_TRUE(in.has_value()) << row.cidr;
    EXPECT_EQ(*in, row.in) << row.address << " in " << row.cidr;
  }
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/", "example.com", "::/129",
                          "::ffff:10.0.0.0/90", "10.0.0/8"}) {
    EXPECT_TRUE(address_in(make_address("10.0.0.1"), bad).has_error()) << bad;
  }
}

TEST(Address, ClientIsTheRightmostUntrustedOne) {
  const std::vector<std::string> trusted{"127.0.0.1", "10.0.0.0/8", "::1"};
  struct Row {
    const char* peer;
    const char* forwarded;
    const char* client;
  };
  for (const auto& row : {
           Row{"1.2.3.4", "9.9.9.9", "1.2.3.4"},  // not a proxy: its header is a claim
           Row{"127.0.0.1", "", "127.0.0.1"},
           Row{"127.0.0.1", "9.9.9.9", "9.9.9.9"},
           Row{"::ffff:127.0.0.1", "9.9.9.9", "9.9.9.9"},
           Row{"127.0.0.1", "6.6.6.6, 9.9.9.9", "9.9.9.9"},  // the left one was sent by the client
           Row{"127.0.0.1", "9.9.9.9, 10.0.0.7", "9.9.9.9"},
           Row{"127.0.0.1", "9.9.9.9,10.0.0.7 ,\t10.0.0.8", "9.9.9.9"},
           Row{"127.0.0.1", "10.0.0.9, 10.0.0.7", "10.0.0.9"},  // all trusted: the farthest
           Row{"127.0.0.1", "unknown", "127.0.0.1"},
           Row{"127.0.0.1", "9.9.9.9, unknown, 10.0.0.7", "10.0.0.7"},
           Row{"127.0.0.1", "9.9.9.9, <script>", "127.0.0.1"},
           Row{"127.0.0.1", "9.9.9.9:5555", "9.9.9.9"},
           Row{"127.0.0.1", "\"9.9.9.9:5555\"", "9.9.9.9"},
           Row{"127.0.0.1", "[2606:4700::1]:443", "2606:4700::1"},
           Row{"127.0.0.1", "2606:4700::1", "2606:4700::1"},
           Row{"127.0.0.1", "::ffff:9.9.9.9", "9.9.9.9"},
           Row{"127.0.0.1", ", ,9.9.9.9,,", "9.9.9.9"},
           Row{"127.0.0.1", "[2606:4700::1", "127.0.0.1"},
       }) {
    EXPECT_EQ(client_address(make_address(row.peer), row.forwarded, trusted), row.client)
        << row.peer << " | " << row.forwarded;
  }
}

}  // namespace
}  // namespace chatrelay::http
