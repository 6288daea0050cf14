#include "http/address.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "common/digits.hpp"
#include "common/text.hpp"

namespace chatrelay::http {

namespace ip = boost::asio::ip;

namespace {

struct Range4 {
  std::uint32_t base;
  unsigned bits;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// IANA IPv4 special-purpose registry, what is not globally reachable.
constexpr std::array<Range4, 16> refused_v4{{
    {v4(0, 0, 0, 0), 8},         // this network; 0.0.0.0 reaches the local host on Linux
    {v4(10, 0, 0, 0), 8},        // private
    {v4(100, 64, 0, 0), 10},     // carrier-grade NAT
    {v4(127, 0, 0, 0), 8},       // loopback
    {v4(169, 254, 0, 0), 16},    // link-local, cloud metadata
    {v4(172, 16, 0, 0), 12},     // private
    {v4(192, 0, 0, 0), 24},      // protocol assignments
    {v4(192, 0, 2, 0), 24},      // documentation
    {v4(192, 88, 99, 0), 24},    // 6to4 relays, withdrawn
    {v4(192, 168, 0, 0), 16},    // private
    {v4(198, 18, 0, 0), 15},     // benchmarking
    {v4(198, 51, 100, 0), 24},   // documentation
    {v4(203, 0, 113, 0), 24},    // documentation
    {v4(224, 0, 0, 0), 4},       // multicast
    {v4(240, 0, 0, 0), 4},       // reserved, broadcast
    {v4(168, 63, 129, 16), 32},  // Azure's host agent: public on paper, the own machine in fact
}};

bool in_v4(std::uint32_t address, std::uint32_t base, unsigned bits) {
  if (bits == 0) return true;
  return (address ^ base) >> (32 - bits) == 0;
}

bool refused(const ip::address_v4& address) {
  const auto value = address.to_uint();
  return std::any_of(refused_v4.begin(), refused_v4.end(),
                     [&](const Range4& r) { return in_v4(value, r.base, r.bits); });
}

using Bytes6 = ip::address_v6::bytes_type;

bool starts_with_bits(const Bytes6& address, const Bytes6& base, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole), base.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (address[whole] ^ base[whole]) >> (8 - rest) == 0;
}

ip::address_v4 embedded_v4(const Bytes6& bytes, std::size_t at) {
  return ip::address_v4({bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]});
}

struct Range6 {
  std::array<std::uint8_t, 4> head;
  unsigned bits;
};

// IANA IPv6 special-purpose registry: what is not globally reachable within 2000::/3, and not decided by an embedded v4
// address.
constexpr std::array<Range6, 3> refused_v6{{
    {{0x20, 0x01, 0x00, 0}, 23},     // protocol assignments, Teredo, ORCHID
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    {{0x3f, 0xff, 0, 0}, 20},        // documentation
}};

bool refused(const ip::address_v6& address) {
  const auto bytes = address.to_bytes();
  const Bytes6 nat64{0x00, 0x64, 0xff, 0x9b};
  if (address.is_v4_mapped() || starts_with_bits(bytes, nat64, 96)) return refused(embedded_v4(bytes, 12));
  // Everything public has been assigned from 2000::/3 so far; outside of it are loopback, local and multicast
  // addresses, and ways to write a v4 address (v4-compatible, v4-translated) that some machines of a network
  // understand.
  if ((bytes[0] & 0xe0) != 0x20) return true;
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return refused(embedded_v4(bytes, 2));  // 6to4
  return std::any_of(refused_v6.begin(), refused_v6.end(), [&](const Range6& r) {
    Bytes6 base{};
    std::copy(r.head.begin(), r.head.end(), base.begin());
    return starts_with_bits(bytes, base, r.bits);
  });
}

}  // namespace

ip::address normalized(const ip::address& address) {
  if (!address.is_v6()) return address;
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
  return ip::address_v6(v6.to_bytes());
}

Result<Network> Network::parse(std::string_view cidr) {
  const auto text = trim(cidr);
  const auto slash = text.find('/');
  boost::system::error_code ec;
  const auto written = ip::make_address(std::string(text.substr(0, slash)), ec);
  if (ec) return invalid("'" + printable(text, 80) + "' is neither an address nor a network like 10.0.0.0/8");
  const unsigned width = written.is_v4() ? 32 : 128;
  unsigned bits = width;
  if (slash != std::string_view::npos) {
    const auto length = whole_number<unsigned>(text.substr(slash + 1));
    if (!length || *length > width)
      return invalid("'" + printable(text, 80) + "': the prefix length must be 0 to " + std::to_string(width));
    bits = *length;
  }
  const auto address = normalized(written);
  if (written.is_v6() && address.is_v4()) {  // ::ffff:10.0.0.0/104 is 10.0.0.0/8
    if (bits < 96) return invalid("'" + printable(text, 80) + "' mixes v4-mapped and other addresses");
    bits -= 96;
  }
  return Network(address, bits);
}

bool Network::contains(const ip::address& address) const {
  const auto candidate = normalized(address);
  if (candidate.is_v4() != address_.is_v4()) return false;
  if (candidate.is_v4()) return in_v4(candidate.to_v4().to_uint(), address_.to_v4().to_uint(), bits_);
  return starts_with_bits(candidate.to_v6().to_bytes(), address_.to_v6().to_bytes(), bits_);
}

Result<bool> address_in(const ip::address& address, std::string_view cidr) {
  const auto network = Network::parse(cidr);
  if (network.has_error()) return network.error();
  return network->contains(address);
}

std::optional<ip::address> parse_address(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    if (close + 1 != text.size() && text[close + 1] != ':') return std::nullopt;
    text = text.substr(1, close - 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    text = text.substr(0, text.find(':'));  // v4 with a port; a v6 address has two colons at least
  }
  if (text.size() > 64) return std::nullopt;
  boost::system::error_code ec;
  const auto address = ip::make_address(std::string(text), ec);
  if (ec) return std::nullopt;
  return normalized(address);
}

std::string client_address(const ip::address& peer, std::string_view forwarded_for,
                           const std::vector<Network>& trusted) {
  const auto is_trusted = [&](const ip::address& address) {
    return std::any_of(trusted.begin(), trusted.end(), [&](const Network& n) { return n.contains(address); });
  };
  auto nearest_known = normalized(peer);
  while (!forwarded_for.empty() && is_trusted(nearest_known)) {
    const auto comma = forwarded_for.rfind(',');
    const auto entry = comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1);
    forwarded_for = comma == std::string_view::npos ? std::string_view{} : forwarded_for.substr(0, comma);
    if (trim(entry).empty()) continue;  // ", ," is allowed in lists (RFC 9110 §5.6.1)
    const auto address = parse_address(entry);
    if (!address) break;
    nearest_known = *address;
  }
  return nearest_known.to_string();
}

std::string client_address(const ip::address& peer, std::string_view forwarded_for,
                           const std::vector<std::string>& trusted) {
  std::vector<Network> networks;
  for (const auto& text : trusted) {
    if (const auto network = Network::parse(text)) networks.push_back(*network);
  }
  return client_address(peer, forwarded_for, networks);
}

bool is_private_address(const ip::address& address) {
  return address.is_v4() ? refused(address.to_v4()) : refused(address.to_v6());
}

boost::asio::ip::address counted_address(const boost::asio::ip::address& normalized) {
  if (!normalized.is_v6()) return normalized;
  auto bytes = normalized.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return boost::asio::ip::address_v6(bytes);
}

std::string counted_address(std::string_view client) {
  const auto parsed = parse_address(client);
  return parsed ? counted_address(normalized(*parsed)).to_string() : std::string(client);
}

}  // namespace chatrelay::http
