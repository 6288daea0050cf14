// `outcome:` of a connector file: the rules that give an answer its class.
#include <cctype>

#include "destinations/connector/file_reader.hpp"

namespace chatrelay::destinations::connector {

namespace {

// 410, 2xx
void read_status(const config::Node& node, std::vector<StatusRange>& statuses) {
  const std::string text = node.string();
  const auto digit = [&](std::size_t i) { return std::isdigit(static_cast<unsigned char>(text[i])) != 0; };
  if (text.size() != 3 || text[0] < '1' || text[0] > '5')
    return node.problem("must be a status like 410 or a class like 5xx");
  if (text.substr(1) == "xx") {
    const int first = (text[0] - '0') * 100;
    return statuses.push_back({first, first + 99});
  }
  if (!digit(1) || !digit(2)) return node.problem("must be a status like 410 or a class like 5xx");
  const int status = std::stoi(text);
  statuses.push_back({status, status});
}

WaitFrom read_wait(const config::Node& node, const FileReader& reader) {
  node.only({"header", "body", "time", "unit"});
  WaitFrom wait;
  const int sources =
      (node["header"].present() ? 1 : 0) + (node["body"].present() ? 1 : 0) + (node["time"].present() ? 1 : 0);
  if (sources > 1) node.problem("has one of header, body and time");
  wait.header = node["header"].string("Retry-After");
  if (node["body"].present()) wait.body = AnswerExpression::read(node["body"], reader.builder, reader.problems);
  if (node["time"].present()) wait.time = node["time"].duration(throttle_wait_default);
  if (wait.time && node["unit"].present()) node["unit"].problem("belongs to header and body");
  wait.unit = node["unit"].one_of<WaitUnit>(
      {{"s", WaitUnit::s}, {"ms", WaitUnit::ms}, {"date", WaitUnit::date}, {"epoch_s", WaitUnit::epoch_s}},
      WaitUnit::s);
  return wait;
}

OutcomeClass read_class(const config::Node& node, OutcomesOf of) {
  const auto klass = node.one_of<OutcomeClass>({{"ok", OutcomeClass::ok},
                                                {"duplicate", OutcomeClass::duplicate},
                                                {"retry", OutcomeClass::retry},
                                                {"throttle", OutcomeClass::throttle},
                                                {"refresh_auth", OutcomeClass::refresh_auth},
                                                {"ambiguous", OutcomeClass::ambiguous},
                                                {"reject", OutcomeClass::reject},
                                                {"disable", OutcomeClass::disable},
                                                {"partial", OutcomeClass::partial}},
                                               OutcomeClass::reject);
  if (klass == OutcomeClass::partial && of != OutcomesOf::batch)
    node.problem("is partial, which belongs to the outcome of a batch");
  return klass;
}

OutcomeRule read_outcome(const config::Node& node, const FileReader& reader, OutcomesOf of) {
  node.only({"status", "headers", "body", "text", "class", "reason", "wait", "destination_fault"});
  OutcomeRule rule;
  rule.where = node.where();
  for (const config::Node& status : node["status"].items()) read_status(status, rule.statuses);
  const config::Node headers = node["headers"];
  for (const std::string& name : headers.keys()) rule.headers.emplace_back(name, headers[name].string());
  if (node["body"].present()) rule.body = AnswerExpression::read(node["body"], reader.builder, reader.problems);
  rule.text = node["text"].present() ? literal_text(node["text"]) : std::string{};
  if (rule.statuses.empty() && rule.headers.empty() && !rule.body && rule.text.empty())
    node.problem("matches everything: give it a status, headers, body or text");
  if (!node["class"].present()) node.problem("needs class");
  rule.klass = read_class(node["class"], of);
  if (node["reason"].present())
    rule.reason = expression::Template::parse(node["reason"], reader.builder, reader.problems);
  if (const config::Node wait = node["wait"]; wait.present()) rule.wait = read_wait(wait, reader);
  if (node["destination_fault"].present()) rule.destination_fault = node["destination_fault"].boolean(false);
  return rule;
}

}  // namespace

std::vector<OutcomeRule> read_outcomes(const config::Node& node, const FileReader& reader, OutcomesOf of) {
  std::vector<OutcomeRule> rules;
  for (const config::Node& rule : node.items()) rules.push_back(read_outcome(rule, reader, of));
  return rules;
}

}  // namespace chatrelay::destinations::connector
