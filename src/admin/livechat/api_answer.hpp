// What LiveChat answered: a value, or what is wrong and what to do next. Pure.
//
// The type in the body decides, not the HTTP status: which status goes with which type is not documented. Texts of the
// answer are cut, made printable and freed of secrets before they stand in a message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/json.hpp"
#include "http/client.hpp"
#include "systems/livechat/livechat_api_config.hpp"

namespace chatrelay::admin::livechat {

struct ApiProblem {
  std::string type;     // LiveChat's, or "unreachable", "no_answer", "not_the_api"
  std::string message;  // safe to print
  std::string region;   // of misdirected_request
  Millis retry_after{0};
  std::string debug_id;
  int status = 0;
};

// Fills `value` and gives nothing, or says what is wrong. An empty body of a 200 is an empty object.
std::optional<ApiProblem> read_answer(const http::ClientResponse& response, json::value& value);

// The problem as a sentence for the operator, with what to do next. Kinds: unauthorized, invalid, unavailable.
Error explain(const ApiProblem& problem, std::string_view action, const systems::LivechatApi& api,
              const std::string& source);

}  // namespace chatrelay::admin::livechat
