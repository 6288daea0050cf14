// A connector file: the description of one kind of HTTP destination, its settings, its login, its actions and their
// tests. connector_format.md says what may stand in one; this is that as plain values.
//
// Strict: an unknown key is a problem, and all problems are reported at once. Immutable once read.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "config/node.hpp"
#include "destinations/connector/auth.hpp"
#include "destinations/connector/outcome_table.hpp"
#include "destinations/connector/settings.hpp"
#include "destinations/connector/text_limit.hpp"
#include "expression/template.hpp"
#include "rules/catalog.hpp"

namespace chatrelay::destinations::connector {

// One request. Its templates see {settings, with, delivery, links, steps, piece}.
struct RequestTemplate {
  expression::Template method;
  expression::Template url;                               // "/path" is taken under base_url
  std::vector<expression::Template> query;                // each gives a map or null; later ones win
  std::vector<expression::Template> headers;              // likewise
  expression::Template encoding;                          // json, form, json_api, multipart or text
  std::optional<expression::Template> body;               // null: no body
  std::optional<expression::Template> standard_webhooks;  // the signing secret; null: not signed
  bool login = true;                                      // false: the file's `auth` is left out
};

// `save`: what of an answer becomes links.
struct SaveSpec {
  std::string scope;  // visitor, chat or thread
  std::vector<std::pair<std::string, AnswerExpression>> values;
};

struct Step {
  std::string name;  // empty: the only one of its action
  config::Location where;
  std::optional<expression::ExpressionId> condition;  // `if`; left out when it does not hold
  bool on_repeat = false;                             // only at a further attempt of the delivery, and then at each
  RequestTemplate request;
  std::vector<OutcomeRule> outcome;
  std::vector<std::pair<std::string, AnswerExpression>> keep;
  std::vector<SaveSpec> save;

  bool only_reads() const;  // a GET, whatever the event
};

// What makes a repeat harmless.
struct Idempotency {
  enum class Kind { none, header, body, url };
  Kind kind = Kind::none;
  std::string header;         // carries the delivery's id
  std::optional<Millis> ttl;  // how long the service remembers; absent: for ever

  // Does the service know a repeat? webhook-id promises nothing: receivers may look at it, and need not.
  bool is_known_again() const;
};

// `batch`: deliveries of an action that leave in one request.
struct Batch {
  std::size_t max = 2;
  Millis wait{0};                    // how long one that is due waits for others
  RequestTemplate request;           // the action's, but for what the batch has of its own; sees {settings, items}
  expression::Template item;         // of each delivery; sees what a request sees
  std::vector<OutcomeRule> outcome;  // of the batch's answer, before the action's
  // Of `partial`: the list on the body; how a result is found (absent: in order); and what it means.
  std::optional<AnswerExpression> results;
  struct Match {
    expression::ExpressionId item = 0, result = 0;
  };
  std::optional<Match> match;
  expression::ExpressionId ok = 0;  // on a result
  OutcomeClass klass = OutcomeClass::reject;
  expression::Template reason;  // on a result; null: nothing
  config::Location where;
};

struct Action {
  std::string name;
  std::string about;
  rules::ActionSchema schema;
  std::vector<std::pair<std::string, std::string>> with_about;  // in the file's order, for the manual
  std::map<std::string, TextLimit> limits;                      // by key of `with`; one of them at most is split
  std::string event_as;  // the key of `with` that a whole event becomes; empty: `with` is needed
  Idempotency idempotency;
  std::vector<Step> steps;           // one to three
  std::vector<OutcomeRule> outcome;  // of an action with steps: after each step's own
  std::optional<Batch> batch;        // of an action with one request
  config::Location where;
};

// Shared by the deliveries of all destinations whose keys come out alike. Templates on `.settings`.
struct LimitSpec {
  expression::Template key, rate, burst, concurrency;
  config::Location where;
};

struct Exchange {
  boost::json::object expect_request;  // method, url, headers (some of them; null: not there), body
  http::ClientResponse reply;
};

// One inline test, as plain values.
struct InlineTest {
  std::string name;
  config::Location where;
  std::string action;
  bool of_probe = false;
  boost::json::object settings;  // read as a configuration's would be
  boost::json::object token;     // of oauth2
  boost::json::value payload;    // `with`, or `event`
  Attempt attempt;               // but for `with`
  WallTime now;
  std::vector<InlineTest> batch;  // of a batch: its deliveries, each with what is expected of it alone
  std::vector<Exchange> exchange;
  bool exchange_given = false;  // all of it must take place
  std::optional<OutcomeClass> expect_class;
  std::optional<Millis> expect_wait;
  std::optional<boost::json::object> expect_saved;  // {scope: {key: value}}
  std::string expect_reason;                        // a part of it
  bool expect_unsent = false;                       // the (last) request cannot be built, or none is needed
};

struct ConnectorFile {
  std::string name;
  std::string about, docs, manual;
  std::optional<expression::Template> base_url;  // absent: destinations give whole URLs
  std::vector<SettingSpec> settings;
  AuthSpec auth;
  std::vector<LimitSpec> limits;
  std::vector<OutcomeRule> outcome;  // for every request, after the request's own
  std::optional<Action> probe;
  std::map<std::string, Action> actions;
  std::string default_action;
  std::vector<InlineTest> tests;
  config::Location where;
  std::shared_ptr<const expression::Builder> expressions;  // of all of it; each destination builds its own program

  const Action* action(std::string_view wanted) const;  // empty: the default; nullptr if there is none
  // The keys a destination with this connector takes beside the common ones.
  std::vector<std::string> destination_keys() const;
};

// Returns nullptr if the text had errors. `file` is for messages.
std::shared_ptr<const ConnectorFile> parse_connector(std::string_view text, const std::string& file,
                                                     config::Problems& problems);

}  // namespace chatrelay::destinations::connector
