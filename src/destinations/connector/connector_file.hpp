// A connector file: the description of one kind of HTTP destination, its settings, its actions and their tests.
//
// Strict: an unknown key is a problem, and all problems are reported at once. Version 1 knows actions of one request;
// the format leaves room for auth, limits, further steps, batches and saved values (new keys beside `request`,
// `outcome` and `idempotency`). config/connectors/webhook.yaml shows every key.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "config/node.hpp"
#include "destinations/connector/outcome_table.hpp"
#include "destinations/connector/settings.hpp"
#include "expression/template.hpp"
#include "rules/catalog.hpp"

namespace chatrelay::destinations::connector {

// One request. Its templates see {settings, with, delivery: {id, event_id, event_type, source, chat_id, thread_id}}.
struct RequestTemplate {
  expression::Template method;
  expression::Template url;                               // "/path" is taken under base_url
  std::vector<expression::Template> query;                // each gives a map or null; later ones win
  std::vector<expression::Template> headers;              // likewise
  expression::Template encoding;                          // json or form
  std::optional<expression::Template> body;               // null: no body
  std::optional<expression::Template> standard_webhooks;  // the signing secret; null: not signed
};

struct Action {
  std::string name;
  std::string about;
  rules::ActionSchema schema;
  std::string event_as;  // the key of `with` that a whole event becomes; empty: `with` is needed
  RequestTemplate request;
  std::string idempotency_header;  // carries the delivery's id; empty: the service knows no such thing
  std::vector<OutcomeRule> outcome;
};

// One inline test, as plain values.
struct InlineTest {
  std::string name;
  config::Location where;
  std::string action;
  boost::json::object settings;  // read as a configuration's would be
  boost::json::value payload;    // `with`, or `event`
  std::string delivery_id;
  WallTime now;
  boost::json::object expect_request;  // method, url, headers (some of them; null: not there), body
  http::ClientResponse reply;
  std::optional<OutcomeClass> expect_class;
  std::optional<Millis> expect_wait;
  std::string expect_reason;            // a part of it
  bool expect_rejected_unsent = false;  // the request cannot be built: never sent
};

struct ConnectorFile {
  std::string name;
  std::string about;
  std::string base_url;  // empty: destinations give whole URLs
  std::vector<SettingSpec> settings;
  std::map<std::string, Action> actions;
  std::string default_action;
  std::vector<InlineTest> tests;
  config::Location where;
  std::shared_ptr<const expression::Builder> expressions;  // of all actions; each destination builds its own program

  const Action* action(std::string_view wanted) const;  // empty: the default; nullptr if there is none
  // The keys a destination with this connector takes beside the common ones.
  std::vector<std::string> destination_keys() const;
};

// Returns nullptr if the text had errors. `file` is for messages.
std::shared_ptr<const ConnectorFile> parse_connector(std::string_view text, const std::string& file,
                                                     config::Problems& problems);

}  // namespace chatrelay::destinations::connector
