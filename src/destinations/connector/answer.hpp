// Answer: what came back for one request, as a connector's expressions see it; and the expressions themselves.
//
// An expression on an answer sees its body as `.`, and $status, $headers (names in lower case), $steps, $with, $links,
// $delivery. The body is null where it is not JSON.
#pragma once

#include <optional>
#include <string>

#include <boost/json.hpp>

#include "expression/expression.hpp"
#include "http/client.hpp"

namespace chatrelay::destinations::connector {

class Answer {
 public:
  // `input`: what the request's templates saw; its steps, with, links and delivery are seen here too. Lifetime: both
  // outlive the Answer.
  Answer(const http::ClientResponse& response, const boost::json::value& input) : response_(response), input_(input) {}

  const http::ClientResponse& response() const { return response_; }
  const boost::json::value* body() const;  // nullptr: not JSON
  // {status, headers, body, steps, with, links, delivery}, for templates (`reason`).
  const boost::json::value& whole() const;

 private:
  const http::ClientResponse& response_;
  const boost::json::value& input_;
  // Made when they are first asked for: most answers are judged by their status.
  mutable bool read_ = false;
  mutable std::optional<boost::json::value> parsed_;
  mutable std::optional<boost::json::value> whole_;
};

struct AnswerExpression {
  expression::ExpressionId id = 0;
  bool whole = false;  // it names one of the variables

  static AnswerExpression read(const config::Node& node, expression::Builder& builder, config::Problems& problems);
  // Its first result; null where it has none or fails: after an answer nothing may fail any more.
  boost::json::value on(const Answer& answer, expression::Program& program) const;
};

// A YAML scalar as it stands in the file: an expression, or a text that holds no ${…}.
std::string literal_text(const config::Node& node);

}  // namespace chatrelay::destinations::connector
