// Source: the contract of a chat system's receiving side. Bytes in, a verdict; later the stored bytes in, events out.
// Pure: no clock, no I/O, no Asio. One instance belongs to one thread (it may hold a jq program); app makes one for
// ingest, one for the planner, and the command line its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/crypto.hpp"
#include "common/units.hpp"
#include "config/config.hpp"
#include "event/event.hpp"

namespace chatrelay::systems {

// A request on /hooks/<source>[/<secret>], as the HTTP server got it. Views live as long as the request.
struct HookRequest {
  std::string_view path_secret;  // the segment after the source's name, percent-decoded; empty if none
  std::string_view query;        // without '?'
  std::string_view body;
  std::string_view content_type;
  std::string_view remote;  // address of the sender, after trusted_proxies
  // The value of a request header (name compared without case), empty if absent; several are joined by ", ".
  std::string_view (*header)(const void* headers, std::string_view name) = nullptr;
  const void* headers = nullptr;
  std::string_view header_value(std::string_view name) const {
    return header ? header(headers, name) : std::string_view{};
  }
};

enum class RejectReason { wrong_secret, not_json, bad_request, forbidden_origin };
std::string_view to_string(RejectReason reason);  // for the metric's label

struct DedupKey {
  Hash128 hash;
  Millis window{0};
};

// What to keep of an authentic request.
struct Accepted {
  std::string body;               // secrets taken out (Invariant 8)
  std::string content_type;       // "" means application/json
  std::optional<DedupKey> dedup;  // nullopt: keep every one
  bool keep = true;               // false: answer `status`, store nothing (a test payload, our own message coming back)
  int status = 200;
  std::string answer;  // body of the answer, usually empty
};

struct Rejected {
  int status = 401;
  RejectReason reason = RejectReason::wrong_secret;
  std::string message;  // for the sender, one line of plain text: what is wrong, never what would be right
};

struct Verdict {
  std::optional<Accepted> accepted;  // exactly one of the two
  std::optional<Rejected> rejected;
};

// What a source that takes from scripts on websites asks of ingest: which sites' scripts may send (CORS, WHATWG Fetch
// §3.2), and how often one address may.
struct BrowserRules {
  std::vector<std::string> origins;  // "https://shop.example", in lower case; no wildcard
  Rate per_address;
  bool allows(std::string_view origin) const;  // an Origin header as it came
};

// What a system's senders need of POST /hooks/<source> that others do not.
struct HookManners {
  bool takes_put_and_delete = false;  // the method is whatever an administrator over there chose
  bool empty_answers = false;         // the sender shows our answer to visitors: no body, whatever the status
};

// A webhook as the store keeps it.
struct StoredWebhook {
  EventSeq seq = 0;
  std::string id;  // ULID of part 0
  std::string source;
  WallTime received_at;
  std::string body;
  std::string content_type;
};

class Source {
 public:
  virtual ~Source() = default;
  // Thread: ingest. Authenticates, names, removes secrets. `now` is for signatures with a timestamp.
  virtual Verdict admit(const HookRequest& request, WallTime now) = 0;
  // Thread: the planner's, or a test's. Never fails and never returns nothing: what cannot be understood becomes one
  // event of type invalid_payload, whose raw is the text. Sets everything but id and ref of parts > 0 (see
  // number_parts).
  virtual std::vector<Event> decode(const StoredWebhook& webhook) = 0;
  // For `chatrelay send` and tests: adds the secret or signature that this source expects to a recorded body.
  struct Signed {
    std::string path_suffix;  // "/secret", or empty
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
  };
  virtual Signed sign(std::string body, WallTime now) const = 0;
  virtual HookManners hook_manners() const { return {}; }
  // nullptr: only servers send. Lifetime: the source's own.
  virtual const BrowserRules* browser_rules() const { return nullptr; }
};

// Gives the parts their refs and ids, fills source, system and received_at. Every decoder ends with it.
void number_parts(std::vector<Event>& events, const StoredWebhook& webhook, std::string_view system);

// What app's registration table says of a system.
struct SourceKind {
  std::string_view system;
  // Reads the source's own keys (and calls node.only with common_source_keys plus its own). nullptr when problems were
  // added.
  std::unique_ptr<Source> (*make)(const config::SourceConfig& config, const boost::json::object& tables,
                                  config::Problems& problems);
};

}  // namespace chatrelay::systems
