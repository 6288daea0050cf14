// Addresses: who is asking (behind trusted proxies), and where an outgoing connection may not go. Pure, no I/O.
// A v4-mapped v6 address ("::ffff:10.0.0.1") is the v4 address it carries, everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "common/error.hpp"

namespace chatrelay::http {

// The v4 address in a v4-mapped v6 one, else the address itself; without a scope id.
boost::asio::ip::address normalized(const boost::asio::ip::address& address);

// What counts as one address: a v6 network of 64 bits, since whoever has one address there has them all.
boost::asio::ip::address counted_address(const boost::asio::ip::address& normalized);

// The same as text, of what client_address gave; what is no address stays as it is.
std::string counted_address(std::string_view client);

// "10.0.0.0/8", "fd00::/8" or a single address.
class Network {
 public:
  static Result<Network> parse(std::string_view cidr);
  bool contains(const boost::asio::ip::address& address) const;

 private:
  Network(boost::asio::ip::address address, unsigned bits) : address_(std::move(address)), bits_(bits) {}
  boost::asio::ip::address address_;
  unsigned bits_;
};

// "10.0.0.0/8" or an address. For trusted_proxies.
Result<bool> address_in(const boost::asio::ip::address& address, std::string_view cidr);

// The client's address: the rightmost entry of X-Forwarded-For that is not a trusted proxy, when the peer is one; else
// the peer. An entry that is no address ("unknown", garbage) ends the walk: the nearest address known so far is the
// answer, because what stands left of it was written by nobody we trust.
std::string client_address(const boost::asio::ip::address& peer, std::string_view forwarded_for,
                           const std::vector<std::string>& trusted);
std::string client_address(const boost::asio::ip::address& peer, std::string_view forwarded_for,
                           const std::vector<Network>& trusted);

// An address as people and proxies write it: "1.2.3.4", "1.2.3.4:80", "[::1]", "[::1]:80", "::1", quoted ones.
std::optional<boost::asio::ip::address> parse_address(std::string_view text);

// Refused for outgoing connections unless allow_private: loopback, private, link-local, CGNAT, multicast, unspecified,
// documentation, and whatever embeds one of these (v4-mapped, v4-compatible, NAT64, 6to4). After the IANA
// special-purpose registries.
bool is_private_address(const boost::asio::ip::address& address);

}  // namespace chatrelay::http
