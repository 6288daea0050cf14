// Destination: the contract of a configured place to deliver to. One attempt in, an Outcome out; never an exception.
//
// When to try, how often, in what order and how many at once is deliver's business. A destination enforces the
// attempt's timeout itself (it was given one) and must end soon after a terminal cancellation.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/room_bell.hpp"
#include "common/secret.hpp"
#include "config/config.hpp"
#include "event/delivery.hpp"
#include "event/outcome.hpp"
#include "http/client.hpp"
#include "rules/catalog.hpp"
#include "store/store.hpp"

namespace chatrelay::destinations {

namespace connector {
class SharedLimits;
}

// The beginning of a code grant (RFC 6749 §4.1 with PKCE).
struct CodeGrant {
  CodeGrant() {}
  CodeGrant(std::string a, std::string s) : address(std::move(a)), state(std::move(s)) {}
  std::string address;  // for the operator's browser
  std::string state;    // what must come back with the code
};

// How many deliveries may leave in one request, and how long one that is due may be kept for others to come.
struct BatchLimits {
  std::size_t max = 1;
  Millis wait{0};
};

class Destination {
 public:
  virtual ~Destination() = default;
  // Thread: delivery. Several attempts may be under way at once. The Attempt is taken by value: it lives in the
  // coroutine.
  virtual boost::asio::awaitable<Outcome> attempt(Attempt attempt) = 0;
  // What of an action may leave together; nullopt: nothing. Empty: the destination's default action. Here: nothing.
  virtual std::optional<BatchLimits> batch(std::string_view action) const;
  // Several of such an action in one request, of different lanes. An outcome for each, in their order; `partial` means:
  // refused together with the others, to be tried alone. Here: one after the other.
  virtual boost::asio::awaitable<std::vector<Outcome>> attempt_batch(std::vector<Attempt> attempts);
  // Could a repeat of such an action be applied twice? Asked where ambiguous deliveries are held: then an attempt is
  // noted before it begins, so that one that a kill cut short is held too.
  virtual bool may_double(std::string_view /*action*/) const { return true; }
  // An operator ended what held it back: what an answer asked to wait for is over. Here: nothing to do.
  virtual void resumed() {}
  // A harmless proof of address, TLS and login for `destinations test`; reason says what was found.
  virtual boost::asio::awaitable<Outcome> probe() = 0;
  // One line for `destinations status`: "POST https://example.com/…"; no secret, no query.
  virtual std::string describe() const = 0;

  // A login that a person gives in a browser, once. Here: it takes none.
  // `redirect_uri` as it is registered with the service. Errors: invalid when this login takes none.
  virtual Result<CodeGrant> begin_grant(std::string redirect_uri);
  // The answer says what may be shown: {scope, expires_in}. Errors: not_found: no such state, or it is too old;
  // unauthorized: the service refused the code; unavailable.
  virtual boost::asio::awaitable<Result<boost::json::object>> finish_grant(std::string state, std::string code);
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
  Secret store_key = {};  // the configuration's; seals the tokens that a destination keeps. Empty: none is configured
  // Those of the daemon: they outlive a reload, so that a budget that is used up stays so. None: each destination's
  // own.
  std::shared_ptr<connector::SharedLimits> limits = {};
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
