// What the tests of logins share: `auth:` from YAML, and answers of a token server.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "common/json.hpp"
#include "config/node.hpp"
#include "destinations/connector/auth.hpp"

namespace chatrelay::destinations::testing {

// `auth:` of a connector file, read, with the program of its expressions.
struct ReadAuth {
  explicit ReadAuth(const std::string& yaml) {
    expression::Builder builder;
    const config::Node root = config::Document::parse(yaml, "test.yaml", problems, config::Environment::process());
    spec = connector::read_auth(root["auth"], builder, problems);
    if (!problems.has_errors()) program = builder.build(problems);
  }
  config::Problems problems;
  connector::AuthSpec spec;
  std::shared_ptr<expression::Program> program;
};

inline std::string http_answer(int status, const std::string& body, const std::string& headers = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

inline json::object object(std::string_view text) {
  return parse_json(text)->as_object();
}

}  // namespace chatrelay::destinations::testing
