#include "destinations/connector/inline_tests.hpp"

#include <algorithm>
#include <set>

#include "common/json.hpp"
#include "common/text.hpp"
#include "destinations/connector/request_builder.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace {

constexpr std::string_view default_delivery_id = "01JCZ0000000000000000TEST0";
constexpr std::string_view default_now = "2026-01-01T00:00:00Z";

// "first line…": what a person needs to see the difference.
std::string shown(std::string_view text) {
  return "\"" + printable(text, 300) + "\"";
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : expression::compact_json(value);
}

void read_reply(const config::Node& node, InlineTest& test) {
  node.only({"status", "headers", "body", "transport"});
  http::ClientResponse& reply = test.reply;
  if (node["transport"].present()) {
    if (node["status"].present()) node.problem("has a status or a transport, not both");
    const std::string transport = node["transport"].one_of<std::string>(
        {{"not_sent", "not_sent"}, {"sent", "sent"}, {"refused_address", "refused_address"}}, "not_sent");
    reply.progress = transport == "sent" ? http::Progress::sent : http::Progress::not_sent;
    reply.refused_address = transport == "refused_address";
    return;
  }
  reply.progress = http::Progress::answered;
  reply.status = static_cast<int>(node["status"].integer(200, 100, 999));
  const config::Node headers = node["headers"];
  for (const std::string& name : headers.keys()) reply.headers.emplace_back(name, text_of(headers[name].json(false)));
  if (node["body"].present()) reply.body = text_of(node["body"].json(false));
}

void read_expected_request(const config::Node& node, InlineTest& test) {
  node.only({"method", "url", "headers", "body"});
  if (!node.is_map()) return node.problem("must be a map of method, url, headers, body");
  if (const json::value value = node.json(false); value.is_object()) test.expect_request = value.get_object();
  if (node["headers"].present() && !node["headers"].is_map()) node["headers"].problem("must be a map");
}

void compare(std::vector<std::string>& differences, std::string_view what, std::string_view expected,
             std::string_view got) {
  if (expected == got) return;
  differences.push_back(std::string(what) + " is " + shown(got) + ", expected " + shown(expected));
}

void compare_headers(const json::value& expected, const http::Headers& headers, std::vector<std::string>& differences) {
  const json::object* map = expected.if_object();
  if (map == nullptr) return;
  for (const auto& [name, value] : *map) {
    const auto found = std::ranges::find_if(
        headers, [&, n = std::string_view(name)](const auto& h) { return iequals_ascii(h.first, n); });
    const std::string what = "header " + std::string(name);
    if (value.is_null()) {
      if (found != headers.end()) differences.push_back(what + " is " + shown(found->second) + ", expected none");
    } else if (found == headers.end()) {
      differences.push_back(what + " is missing");
    } else {
      compare(differences, what, text_of(value), found->second);
    }
  }
}

// A text is compared byte by byte, anything else as JSON.
void compare_body(const json::value& expected, const std::string& body, std::vector<std::string>& differences) {
  if (expected.is_null()) return compare(differences, "body", "", body);
  if (expected.is_string()) return compare(differences, "body", std::string_view(expected.get_string()), body);
  const Result<json::value> got = parse_json(body);
  if (!got) {
    differences.push_back("body is not JSON: " + shown(body));
  } else if (*got != expected) {
    differences.push_back("body is " + shown(body) + ", expected " + shown(expression::compact_json(expected)));
  }
}

void compare_request(const json::object& expected, const http::ClientRequest& request,
                     std::vector<std::string>& differences) {
  if (const json::value* method = expected.if_contains("method"))
    compare(differences, "method", text_of(*method), request.method);
  if (const json::value* url = expected.if_contains("url")) compare(differences, "url", text_of(*url), request.url);
  if (const json::value* headers = expected.if_contains("headers"))
    compare_headers(*headers, request.headers, differences);
  if (const json::value* body = expected.if_contains("body")) compare_body(*body, request.body, differences);
}

void compare_outcome(const InlineTest& test, const Outcome& outcome, std::vector<std::string>& differences) {
  if (test.expect_class) compare(differences, "class", to_string(*test.expect_class), to_string(outcome.klass));
  if (test.expect_wait && outcome.wait != test.expect_wait) {
    const std::string got = outcome.wait ? format_duration(*outcome.wait) : "none";
    differences.push_back("wait is " + got + ", expected " + format_duration(*test.expect_wait));
  }
  if (outcome.reason.find(test.expect_reason) == std::string::npos) {
    differences.push_back("reason is " + shown(outcome.reason) + ", expected " + shown(test.expect_reason) + " in it");
  }
}

InlineTestResult run_one(const ConnectorFile& file, const InlineTest& test, expression::Program& program,
                         std::set<std::pair<std::string, std::size_t>>& met) {
  InlineTestResult result{test.name, test.where, {}};
  const Action* action = file.action(test.action);
  if (action == nullptr) {
    result.differences.push_back("there is no action " + shown(test.action));
    return result;
  }
  Attempt attempt;
  attempt.id = test.delivery_id;
  attempt.event_id = "01JCZ0000000000000000EVENT";
  attempt.event_type = "incoming_event";
  attempt.source = "test";
  attempt.action = action->name;
  attempt.planned_at = test.now;
  const RequestInput input{file, *action, test.settings, file.base_url, attempt, test.now};
  const Result<http::ClientRequest> request = build_request(input, test.payload, program);
  if (!request) {
    Outcome rejected(OutcomeClass::reject, request.error().message);
    if (!test.expect_rejected_unsent) result.differences.push_back("the request cannot be built: " + rejected.reason);
    compare_outcome(test, rejected, result.differences);
    return result;
  }
  if (test.expect_rejected_unsent) {
    result.differences.push_back("a request was built, expected none");
    return result;
  }
  compare_request(test.expect_request, *request, result.differences);
  std::optional<std::size_t> rule;
  const OutcomeContext context{test.now};
  compare_outcome(test, classify(action->outcome, test.reply, context, &rule), result.differences);
  if (rule) met.emplace(action->name, *rule);
  return result;
}

}  // namespace

InlineTest read_inline_test(const config::Node& node, const ConnectorFile& file) {
  node.only({"name", "action", "settings", "with", "event", "delivery", "now", "expect_request", "reply",
             "expect_class", "expect_wait", "expect_reason", "expect_unsent"});
  InlineTest test;
  test.where = node.where();
  test.name = node["name"].string("test at line " + std::to_string(node.where().line));
  test.action = node["action"].string(file.default_action);
  if (file.action(test.action) == nullptr) node["action"].problem("names no action of this file");
  const config::Node settings = node["settings"];
  std::vector<std::string> keys;
  for (const SettingSpec& spec : file.settings) keys.push_back(spec.name);
  if (settings.present()) settings.only(keys);
  test.settings = read_settings(file.settings, settings, SettingsOrigin::test);
  if (node["with"].present() == node["event"].present()) node.problem("needs with or event, and one of them only");
  test.payload = node[node["with"].present() ? "with" : "event"].json(false);
  test.delivery_id = node["delivery"].string(default_delivery_id);
  const std::string now = node["now"].string(default_now);
  const std::optional<WallTime> time = parse_rfc3339(now);
  if (!time) node["now"].problem("is not a time like " + std::string(default_now));
  test.now = time.value_or(WallTime{});
  if (node["expect_request"].present()) read_expected_request(node["expect_request"], test);
  if (node["reply"].present()) {
    read_reply(node["reply"], test);
  } else {
    test.reply.progress = http::Progress::answered;
    test.reply.status = 200;
  }
  if (node["expect_class"].present()) {
    test.expect_class = outcome_class_from(node["expect_class"].string());
    if (!test.expect_class) node["expect_class"].problem("is no class of outcome");
  }
  if (node["expect_wait"].present()) test.expect_wait = node["expect_wait"].duration(Millis{0});
  test.expect_reason = node["expect_reason"].string();
  test.expect_rejected_unsent = node["expect_unsent"].boolean(false);
  if (!node["expect_request"].present() && !test.expect_class && !test.expect_rejected_unsent)
    node.problem("expects nothing");
  return test;
}

bool InlineTestReport::passed() const {
  return !uncovered.has_errors() &&
         std::ranges::all_of(tests, [](const auto& test) { return test.differences.empty(); });
}

InlineTestReport run_inline_tests(const ConnectorFile& file) {
  InlineTestReport report;
  const std::unique_ptr<expression::Program> program = file.expressions->build(report.uncovered);
  if (program == nullptr) return report;
  std::set<std::pair<std::string, std::size_t>> met;
  std::set<std::string, std::less<>> tested;
  for (const InlineTest& test : file.tests) {
    if (const Action* action = file.action(test.action)) tested.insert(action->name);
    report.tests.push_back(run_one(file, test, *program, met));
  }
  for (const auto& [name, action] : file.actions) {
    if (!tested.contains(name)) report.uncovered.add(file.where, "action " + name + " has no test");
    for (std::size_t i = 0; i < action.outcome.size(); ++i) {
      if (!met.contains({name, i})) report.uncovered.add(action.outcome[i].where, "no test meets this outcome rule");
    }
  }
  return report;
}

void lint_connector(const ConnectorFile& file, config::Problems& problems) {
  const InlineTestReport report = run_inline_tests(file);
  for (const InlineTestResult& test : report.tests) {
    for (const std::string& difference : test.differences)
      problems.add(test.where, "test \"" + test.name + "\": " + difference);
  }
  problems.append(report.uncovered);
}

}  // namespace chatrelay::destinations::connector
