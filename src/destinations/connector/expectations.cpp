#include "destinations/connector/expectations.hpp"

#include <algorithm>

#include "common/json.hpp"
#include "common/text.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace {

// "first line…": what a person needs to see the difference.
std::string shown(std::string_view text) {
  return "\"" + printable(text, 300) + "\"";
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : expression::compact_json(value);
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

// {scope: {key: value}}; the last value of a key holds.
json::object saved_of(const Outcome& outcome) {
  json::object saved;
  for (const Saved& one : outcome.saved) {
    if (!saved.contains(one.scope)) saved[one.scope] = json::object{};
    saved[one.scope].as_object()[one.key] = one.value;
  }
  return saved;
}

// Links are texts; a test may write a number as one.
json::object as_texts(const json::object& expected) {
  json::object texts;
  for (const auto& [scope, values] : expected) {
    json::object map;
    if (values.is_object())
      for (const auto& [key, value] : values.get_object()) map[key] = text_of(value);
    if (!map.empty()) texts[scope] = std::move(map);
  }
  return texts;
}

}  // namespace

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
  if (test.expect_saved) {
    const json::object saved = saved_of(outcome), expected = as_texts(*test.expect_saved);
    if (saved != expected)
      differences.push_back("saved is " + expression::compact_json(saved) + ", expected " +
                            expression::compact_json(expected));
  }
}

}  // namespace chatrelay::destinations::connector
