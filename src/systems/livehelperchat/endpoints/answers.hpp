// Reply: what a handler says, before it is written as JSON, JSONP or XML; and Live Helper Chat's shapes of failures,
// which differ from endpoint to endpoint. Its clients look at the member `error` of the body, hardly ever at the
// status.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "common/error.hpp"
#include "conversations/rooms.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace json = boost::json;

struct Reply {
  Reply(int status_, json::value body_) : status(status_), body(std::move(body_)) {}
  explicit Reply(json::value body_) : body(std::move(body_)) {}
  // 200 and nothing: what Live Helper Chat says where it has nothing to say.
  static Reply empty() { return Reply(); }

  int status = 200;
  std::optional<json::value> body;
  std::vector<std::pair<std::string, std::string>> headers;  // besides those that every answer has

 private:
  Reply() {}
};

// How an endpoint words a failure (status, body).
enum class Shape {
  result,      // 200 {"error":true,"result":"…"}
  errors,      // 200 {"error":true,"result":{"errors":"…"}}
  result_400,  // 400 {"error":true,"result":"…"}
  r_400,       // 400 {"error":true,"r":"…"}
  chat_400,    // 400 {"error":true,"errors":[],"result":"…"}
};

// 200 {"error":false,"result":result}
Reply done(json::value result);
// The failure `text` in the words of `shape`.
Reply failed(Shape shape, std::string_view text);
// Several, each under its field's name: `errors` → result.errors is the object; chat_400 → errors is the object and
// result its texts, a line each; the other shapes: the texts, a line each.
Reply failed(Shape shape, const json::object& errors);
// The same with another status: 429, 503.
Reply failed_with(int status, Shape shape, std::string_view text);
// ``You do not have permission. `lhchat`, `use` is required.`` of "lhchat,use".
Reply not_permitted(Shape shape, std::string_view permission);
Reply refused(Shape shape, conversations::Refusal refusal);
// The store did not do it: 503 with Retry-After when it may later, else 500. Logs what is not "later".
Reply broken(Shape shape, const Error& error);

}  // namespace chatrelay::systems::livehelperchat::endpoints
