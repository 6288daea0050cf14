#include "destinations/connector/batch_reader.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace chatrelay::destinations::connector {

namespace {

using expression::Template;

constexpr std::int64_t members_max = 200;  // Limit: deliveries of one batch: each holds its payload meanwhile
constexpr Millis wait_max{10'000};         // Limit: what a rare delivery may be kept for

// What belongs to one delivery, and is not there for the request of many.
constexpr std::array<std::string_view, 5> of_one{"with", "delivery", "links", "steps", "piece"};

// A request of several has no delivery's id, answers no delivery's question, and is made whole.
void refuse_what_does_not_fit(const config::Node& node, const Action& action) {
  const config::Node batch = node["batch"];
  if (node["steps"].present()) batch.problem("is for an action of one request: this one has steps");
  for (const std::string_view key : {"save", "keep"})
    if (node[key].present()) node[key].problem("cannot be beside a batch: one answer names nothing of one delivery");
  if (node["request"]["sign"].present())
    node["request"]["sign"].problem("cannot be beside a batch: a signature is over one delivery's id");
  const Idempotency::Kind kind = action.idempotency.kind;
  if (kind == Idempotency::Kind::header || kind == Idempotency::Kind::url)
    node["idempotency"].problem(
        "must be {body: true} or none beside a batch: a batch may be grouped anew, so no key can stand for it");
  for (const auto& [key, limit] : action.limits)
    if (limit.mode == TextMode::split)
      node["with"][key]["max"].problem("cannot be split beside a batch: a batch is one request");
}

void refuse_of_one(const config::Node& node, const Template& made, const FileReader& reader) {
  for (const std::string_view key : of_one)
    if (made.names(reader.builder, key))
      node.problem("names ." + std::string(key) +
                   ", which is one delivery's: a batch's request sees .settings and .items (give the batch its own)");
}

std::vector<Template> maps(const config::Node& node, const FileReader& reader) {
  std::vector<Template> all;
  for (const config::Node& one : node.items()) all.push_back(Template::parse(one, reader.builder, reader.problems));
  return all;
}

RequestTemplate read_batch_request(const config::Node& node, const Action& action, const FileReader& reader) {
  const config::Node batch = node["batch"], single = node["request"];
  RequestTemplate request = action.steps.front().request;
  const auto place = [&](std::string_view key) { return batch[key].present() ? batch[key] : single[key]; };
  if (batch["url"].present()) request.url = reader.text_or(batch["url"], "");
  if (batch["query"].present()) request.query = maps(batch["query"], reader);
  if (batch["headers"].present()) request.headers = maps(batch["headers"], reader);
  if (!batch["body"].present()) batch.problem("needs body: the request's, with {{ .items }} in it");
  request.body = Template::parse(batch["body"], reader.builder, reader.problems);
  if (batch["body"].present() && !request.body->names(reader.builder, "items"))
    batch["body"].problem("does not hold {{ .items }}: what the deliveries became");
  refuse_of_one(place("method"), request.method, reader);
  refuse_of_one(place("url"), request.url, reader);
  for (const Template& part : request.query) refuse_of_one(place("query"), part, reader);
  for (const Template& part : request.headers) refuse_of_one(place("headers"), part, reader);
  refuse_of_one(place("encoding"), request.encoding, reader);
  refuse_of_one(place("body"), *request.body, reader);
  return request;
}

Template read_item(const config::Node& node, const FileReader& reader) {
  if (!node["item"].present()) node.problem("needs item: what becomes of each delivery");
  Template item = Template::parse(node["item"], reader.builder, reader.problems);
  if (item.names(reader.builder, "items")) node["item"].problem("cannot hold .items: it is one of them");
  return item;
}

void read_match(const config::Node& node, const FileReader& reader, Batch& batch) {
  if (!node.present()) return;
  node.only({"item", "result"});
  for (const std::string_view key : {"item", "result"})
    if (!node[key].present()) node.problem("needs " + std::string(key) + ": jq on it that names the same");
  batch.match = Batch::Match{reader.condition(node["item"]), reader.condition(node["result"])};
}

// What `partial` looks at.
void read_results(const config::Node& node, const FileReader& reader, Batch& batch) {
  const auto is_partial = [](const OutcomeRule& rule) { return rule.klass == OutcomeClass::partial; };
  const auto partial = std::ranges::find_if(batch.outcome, is_partial);
  if (!node["results"].present()) {
    for (const std::string_view key : {"match", "ok", "class", "reason"})
      if (node[key].present()) node[key].problem("belongs to results");
    if (partial != batch.outcome.end())
      reader.problems.add(partial->where, "the class partial looks at the batch's results, and it has none");
    return;
  }
  if (partial == batch.outcome.end())
    node["results"].problem("are looked at by an outcome of the class partial, and this batch has none");
  batch.results = AnswerExpression::read(node["results"], reader.builder, reader.problems);
  read_match(node["match"], reader, batch);
  if (!node["ok"].present()) node.problem("needs ok: jq on a result that holds where it is a good one");
  batch.ok = reader.condition(node["ok"]);
  batch.klass = node["class"].one_of<OutcomeClass>({{"reject", OutcomeClass::reject},
                                                    {"retry", OutcomeClass::retry},
                                                    {"ambiguous", OutcomeClass::ambiguous},
                                                    {"duplicate", OutcomeClass::duplicate}},
                                                   OutcomeClass::reject);
  if (node["reason"].present()) batch.reason = Template::parse(node["reason"], reader.builder, reader.problems);
}

}  // namespace

std::optional<Batch> read_batch(const config::Node& node, const Action& action, const FileReader& reader) {
  const config::Node given = node["batch"];
  if (!given.present()) return std::nullopt;
  if (!given.is_map()) {
    given.problem("must be a map of max, wait, body, item and more");
    return std::nullopt;
  }
  given.only({"max", "wait", "url", "query", "headers", "body", "item", "outcome", "results", "match", "ok", "class",
              "reason"});
  Batch batch;
  batch.where = given.where();
  if (!given["max"].present()) given.problem("needs max: how many deliveries fit into one request");
  batch.max = static_cast<std::size_t>(given["max"].integer(2, 2, members_max));
  batch.wait = given["wait"].duration(Millis{0});
  if (batch.wait > wait_max) given["wait"].problem("is more than the 10s that a delivery may wait for others");
  refuse_what_does_not_fit(node, action);
  if (action.steps.empty()) return std::nullopt;  // a list of no steps is a problem by itself
  batch.request = read_batch_request(node, action, reader);
  batch.item = read_item(given, reader);
  batch.outcome = read_outcomes(given["outcome"], reader, OutcomesOf::batch);
  read_results(given, reader, batch);
  return batch;
}

}  // namespace chatrelay::destinations::connector
