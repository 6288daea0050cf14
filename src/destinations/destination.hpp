// Destination: the contract of a configured place to deliver to. One attempt in, an Outcome out; never an exception.
//
// When to try, how often, in what order and how many at once is deliver's business. A destination enforces the
// attempt's timeout itself (it was given one) and must end soon after a terminal cancellation.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/room_bell.hpp"
#include "config/config.hpp"
#include "event/delivery.hpp"
#include "event/outcome.hpp"
#include "http/client.hpp"
#include "rules/catalog.hpp"
#include "store/store.hpp"

namespace chatrelay::destinations {

class Destination {
 public:
  virtual ~Destination() = default;
  // Thread: delivery. Several attempts may be under way at once. The Attempt is taken by value: it lives in the
  // coroutine.
  virtual boost::asio::awaitable<Outcome> attempt(Attempt attempt) = 0;
  // A harmless proof of address, TLS and login for `destinations test`; reason says what was found.
  virtual boost::asio::awaitable<Outcome> probe() = 0;
  // One line for `destinations status`: "POST https://example.com/…"; no secret, no query.
  virtual std::string describe() const = 0;
};

// What a destination is made with. References outlive it.
struct Context {
  boost::asio::any_io_executor executor;  // the delivery thread's
  http::Client& http;                     // also speaks SMTP
  const Clock& clock;                     // for fresh signature timestamps; never for bytes that a retry must repeat
  boost::json::object tables;
  std::string host_name;  // for EHLO and the names of Maildir files
  store::Store& store;    // where our own chats are
  RoomBell& bell;         // rung after a commit into one of them
};

// The functions may hold what a kind needs to know (the connectors): see kinds.hpp. `schema` reports everything that is
// wrong; `make` is called only when nothing was, and returns nullptr if it still cannot be made.
struct DestinationKind {
  std::string_view kind;  // "email", "file", "connector"
  // What rules may say to it. Reads the node; adds problems.
  std::function<rules::Target(const config::DestinationConfig& config, config::Problems& problems)> schema;
  std::function<std::unique_ptr<Destination>(const config::DestinationConfig& config, const Context& context,
                                             config::Problems& problems)>
      make;
};

}  // namespace chatrelay::destinations
