// `tests:` of a connector file.
#include "common/json.hpp"
#include "destinations/connector/file_reader.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace {

constexpr std::string_view default_delivery_id = "01JCZ0000000000000000TEST0";
constexpr std::string_view default_event_id = "01JCZ0000000000000000EVENT";
constexpr std::string_view default_now = "2026-01-01T00:00:00Z";

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : expression::compact_json(value);
}

json::object object_of(const config::Node& node) {
  if (!node.present()) return {};
  const json::value value = node.json(false);
  if (value.is_object()) return value.get_object();
  node.problem("must be a map");
  return {};
}

http::ClientResponse read_reply(const config::Node& node) {
  http::ClientResponse reply;
  reply.progress = http::Progress::answered;
  reply.status = 200;
  if (!node.present()) return reply;
  node.only({"status", "headers", "body", "transport"});
  if (node["transport"].present()) {
    if (node["status"].present()) node.problem("has a status or a transport, not both");
    const std::string transport = node["transport"].one_of<std::string>(
        {{"not_sent", "not_sent"}, {"sent", "sent"}, {"refused_address", "refused_address"}}, "not_sent");
    reply.progress = transport == "sent" ? http::Progress::sent : http::Progress::not_sent;
    reply.refused_address = transport == "refused_address";
    reply.status = 0;
    return reply;
  }
  reply.status = static_cast<int>(node["status"].integer(200, 100, 999));
  const config::Node headers = node["headers"];
  for (const std::string& name : headers.keys()) reply.headers.emplace_back(name, text_of(headers[name].json(false)));
  if (node["body"].present()) reply.body = text_of(node["body"].json(false));
  return reply;
}

json::object read_expected_request(const config::Node& node) {
  if (!node.present()) return {};
  node.only({"method", "url", "headers", "body"});
  if (node["headers"].present() && !node["headers"].is_map()) node["headers"].problem("must be a map");
  return object_of(node);
}

Exchange read_exchange(const config::Node& node) {
  return {read_expected_request(node["expect_request"]), read_reply(node["reply"])};
}

void read_exchanges(const config::Node& node, InlineTest& test) {
  const config::Node several = node["exchange"];
  test.exchange_given = several.present() || node["expect_request"].present() || node["reply"].present();
  if (!several.present()) return test.exchange.push_back(read_exchange(node));
  if (node["expect_request"].present() || node["reply"].present())
    several.problem("takes the place of expect_request and reply");
  for (const config::Node& one : several.items()) {
    one.only({"expect_request", "reply"});
    test.exchange.push_back(read_exchange(one));
  }
}

// What a delivery of an event would carry.
void take_event(const json::value& event, Attempt& attempt) {
  const auto text = [](const json::value& from, std::string_view key, std::string& into) {
    if (const auto value = string_at(from, key)) into = *value;
  };
  text(event, "id", attempt.event_id);
  text(event, "type", attempt.event_type);
  text(event, "source", attempt.source);
  if (const json::value* chat = find(event, "chat")) {
    text(*chat, "id", attempt.chat_id);
    text(*chat, "thread_id", attempt.thread_id);
  }
}

// The id alone, or a map of what templates see as `.delivery`.
void read_delivery(const config::Node& node, Attempt& attempt) {
  if (!node.is_map()) {
    attempt.id = node.string(default_delivery_id);
    return;
  }
  node.only({"id", "event_id", "event_type", "source", "chat_id", "thread_id"});
  attempt.id = node["id"].string(default_delivery_id);
  attempt.event_id = node["event_id"].string(attempt.event_id);
  attempt.event_type = node["event_type"].string(attempt.event_type);
  attempt.source = node["source"].string(attempt.source);
  attempt.chat_id = node["chat_id"].string(attempt.chat_id);
  attempt.thread_id = node["thread_id"].string(attempt.thread_id);
}

void read_subject(const config::Node& node, const ConnectorFile& file, InlineTest& test) {
  test.of_probe = node["probe"].boolean(false);
  if (test.of_probe) {
    if (!file.probe) node["probe"].problem("needs a probe in this file");
    for (const std::string_view key : {"action", "with", "event", "batch"})
      if (node[key].present()) node[key].problem("is not of a probe");
    test.payload = json::object{};
    return;
  }
  test.action = node["action"].string(file.default_action);
  if (file.action(test.action) == nullptr) node["action"].problem("names no action of this file");
  if (node["batch"].present()) return;
  if (node["with"].present() == node["event"].present()) node.problem("needs with or event, and one of them only");
  test.payload = node[node["with"].present() ? "with" : "event"].json(false);
}

void read_attempt(const config::Node& node, InlineTest& test) {
  Attempt& attempt = test.attempt;
  attempt.event_id = default_event_id;
  attempt.event_type = "incoming_event";
  attempt.source = "test";
  attempt.action = test.action;
  if (node["event"].present()) take_event(test.payload, attempt);
  read_delivery(node["delivery"], attempt);
  attempt.number = static_cast<int>(node["attempt"].integer(1, 1, 1000));
  node["links"].only({"visitor", "chat", "thread"});
  attempt.links = object_of(node["links"]);
  const std::optional<WallTime> time = parse_rfc3339(node["now"].string(default_now));
  if (!time) node["now"].problem("is not a time like " + std::string(default_now));
  test.now = time.value_or(WallTime{});
  attempt.planned_at = test.now;
}

// A delivery of a batch. Without a `delivery` of its own the last letter of its id says which it is.
InlineTest read_member(const config::Node& node, std::size_t index, const InlineTest& test) {
  static constexpr std::string_view letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  node.only({"with", "event", "links", "delivery"});
  InlineTest member;
  member.action = test.action;
  if (node["with"].present() == node["event"].present()) node.problem("needs with or event, and one of them only");
  member.payload = node[node["with"].present() ? "with" : "event"].json(false);
  read_attempt(node, member);
  if (member.attempt.id == default_delivery_id) member.attempt.id.back() = letters[index % letters.size()];
  member.now = member.attempt.planned_at = test.now;
  return member;
}

void read_each_expectation(const config::Node& node, InlineTest& test) {
  if (!node.present()) return;
  const std::vector<config::Node> each = node.items();
  if (each.size() != test.batch.size()) return node.problem("must say something of each delivery of the batch");
  for (std::size_t i = 0; i < each.size(); ++i) {
    each[i].only({"class", "wait", "reason"});
    InlineTest& member = test.batch[i];
    member.expect_class = outcome_class_from(each[i]["class"].string());
    if (!member.expect_class) each[i].problem("needs class, a class of outcome");
    if (each[i]["wait"].present()) member.expect_wait = each[i]["wait"].duration(Millis{0});
    if (each[i]["reason"].present()) member.expect_reason = literal_text(each[i]["reason"]);
  }
}

void read_batch_test(const config::Node& node, const ConnectorFile& file, InlineTest& test) {
  const config::Node batch = node["batch"];
  if (!batch.present()) {
    if (node["expect_each"].present()) node["expect_each"].problem("belongs to a batch");
    return;
  }
  const Action* action = file.action(test.action);
  if (action != nullptr && !action->batch) batch.problem("needs an action with a batch");
  for (const std::string_view key : {"with", "event", "links", "delivery", "exchange", "expect_saved"})
    if (node[key].present()) node[key].problem("is not of a batch as a whole");
  const std::vector<config::Node> members = batch.items();
  if (!batch.is_list() || members.size() < 2) batch.problem("must be a list of two deliveries or more");
  if (action != nullptr && action->batch && members.size() > action->batch->max)
    batch.problem("has more deliveries than leave together");
  for (std::size_t i = 0; i < members.size(); ++i) test.batch.push_back(read_member(members[i], i, test));
  read_each_expectation(node["expect_each"], test);
}

void read_expectations(const config::Node& node, InlineTest& test) {
  if (node["expect_class"].present()) {
    test.expect_class = outcome_class_from(node["expect_class"].string());
    if (!test.expect_class) node["expect_class"].problem("is no class of outcome");
  }
  if (node["expect_wait"].present()) test.expect_wait = node["expect_wait"].duration(Millis{0});
  if (node["expect_saved"].present()) {
    node["expect_saved"].only({"visitor", "chat", "thread"});
    test.expect_saved = object_of(node["expect_saved"]);
  }
  if (node["expect_reason"].present()) test.expect_reason = literal_text(node["expect_reason"]);
  test.expect_unsent = node["expect_unsent"].boolean(false);
  const bool requests = node["expect_request"].present() || node["exchange"].present();
  if (!requests && !test.expect_class && !test.expect_unsent && !test.expect_saved && !node["expect_each"].present())
    node.problem("expects nothing");
}

}  // namespace

InlineTest read_inline_test(const config::Node& node, const ConnectorFile& file) {
  node.only({"name",         "action",      "probe",         "settings",     "token",          "with",  "event",
             "links",        "delivery",    "attempt",       "now",          "expect_request", "reply", "exchange",
             "expect_class", "expect_wait", "expect_reason", "expect_saved", "expect_unsent",  "batch", "expect_each"});
  InlineTest test;
  test.where = node.where();
  test.name = node["name"].string("test at line " + std::to_string(node.where().line));
  const config::Node settings = node["settings"];
  std::vector<std::string> keys;
  for (const SettingSpec& spec : file.settings) keys.push_back(spec.name);
  if (settings.present()) settings.only(keys);
  test.settings = read_settings(file.settings, settings, SettingsOrigin::test);
  test.token = object_of(node["token"]);
  if (!test.token.contains("access_token")) test.token["access_token"] = "TOKEN";
  read_subject(node, file, test);
  read_attempt(node, test);
  read_exchanges(node, test);
  if (!test.of_probe) read_batch_test(node, file, test);
  read_expectations(node, test);
  return test;
}

}  // namespace chatrelay::destinations::connector
