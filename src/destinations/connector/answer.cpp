#include "destinations/connector/answer.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/json.hpp"
#include "common/text.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace {

constexpr std::array<std::string_view, 6> variables{"status", "headers", "steps", "with", "links", "delivery"};

bool names_a_variable(std::string_view text) {
  return std::ranges::any_of(
      variables, [&](std::string_view name) { return text.find("$" + std::string(name)) != std::string_view::npos; });
}

// The expression as it stands would lose nothing but its simple form, which needs no libjq: so it is wrapped only where
// it has to be.
std::string wrapped(std::string_view text) {
  std::string all;
  for (const std::string_view name : variables) all.append(".").append(name).append(" as $").append(name).append(" | ");
  return all.append(".body | (").append(text).append("\n)");
}

json::object headers_of(const http::ClientResponse& response) {
  json::object headers;
  for (const auto& [name, value] : response.headers) {
    const std::string key = to_lower_ascii(name);
    if (!headers.contains(key)) headers[key] = repair_utf8(value);
  }
  return headers;
}

}  // namespace

const json::value* Answer::body() const {
  if (!read_) {
    read_ = true;
    if (response_.progress == http::Progress::answered && !trim(response_.body).empty())
      if (Result<json::value> body = parse_json(response_.body)) parsed_ = std::move(*body);
  }
  return parsed_ ? &*parsed_ : nullptr;
}

const json::value& Answer::whole() const {
  if (whole_) return *whole_;
  json::object all;
  all["status"] = response_.status;
  all["headers"] = headers_of(response_);
  all["body"] = body() == nullptr ? json::value() : *body();
  for (const char* name : {"steps", "with", "links", "delivery"}) {
    const json::value* value = find(input_, name);
    all[name] = value == nullptr ? json::value() : *value;
  }
  whole_ = json::value(std::move(all));
  return *whole_;
}

AnswerExpression AnswerExpression::read(const config::Node& node, expression::Builder& builder,
                                        config::Problems& problems) {
  const std::string text = literal_text(node);
  AnswerExpression read;
  read.whole = names_a_variable(text);
  read.id = builder.add(read.whole ? wrapped(text) : text, node.where(), problems);
  return read;
}

json::value AnswerExpression::on(const Answer& answer, expression::Program& program) const {
  static const json::value none;
  const json::value& input = whole ? answer.whole() : answer.body() == nullptr ? none : *answer.body();
  auto result = program.first(id, input);
  if (!result || !*result) return nullptr;
  return std::move(**result);
}

std::string literal_text(const config::Node& node) {
  const json::value value = node.json(false);
  return value.is_string() ? std::string(value.get_string()) : expression::compact_json(value);
}

}  // namespace chatrelay::destinations::connector
