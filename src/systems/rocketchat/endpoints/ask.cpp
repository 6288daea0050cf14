#include <algorithm>
#include <utility>

#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/rocketchat/endpoints/api.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

constexpr std::size_t user_agent_bytes_max = 512;
// Limit: the event around it is a few levels deep itself, and json_depth_max of them are decoded.
constexpr std::size_t raw_depth_max = json_depth_max - 16;
// Limit: of what a client said, known members or not. Each member that counts has a limit of its own and is kept apart.
constexpr std::size_t raw_bytes_max = 64 << 10;

// A name that comes twice becomes a list, as Rocket.Chat's query parser makes it.
json::object object_of(const http::Parameters& parameters) {
  json::object object;
  for (const auto& [name, value] : parameters.list()) {
    const std::string key = repair_utf8(name);
    const std::string text = repair_utf8(value);
    json::value* there = object.if_contains(key);
    if (!there) {
      object[key] = text;
    } else if (there->is_array()) {
      there->get_array().emplace_back(text);
    } else {
      json::array both;
      both.push_back(std::move(*there));
      both.emplace_back(text);
      *there = std::move(both);
    }
  }
  return object;
}

// What Rocket.Chat makes of a body: JSON that does not parse is as good as none; text becomes an object of its
// characters, so that no schema takes it (one character says as much as all).
json::value parse_body(std::string_view content_type, const std::string& body) {
  const std::string type = to_lower_ascii(content_type);
  if (body.empty() || type.find("multipart/form-data") != type.npos) return json::object{};
  if (type.find("application/json") != type.npos) {
    Result<json::value> value = parse_json(body);
    return value ? std::move(*value) : json::value(json::object{});
  }
  if (type.find("application/x-www-form-urlencoded") != type.npos) {
    const Result<http::Parameters> form = http::parse_query(body);
    return form ? object_of(*form) : json::object{};
  }
  json::object characters;
  characters["0"] = repair_utf8(body.substr(0, 1));
  return characters;
}

void remove_token(json::object& object) {
  object.stable_erase("token");
}

bool is_within(const json::value& value, std::size_t depth) {
  if (!value.is_structured()) return true;
  if (depth == 0) return false;
  if (value.is_array())
    return std::all_of(value.get_array().begin(), value.get_array().end(),
                       [&](const json::value& each) { return is_within(each, depth - 1); });
  return std::all_of(value.get_object().begin(), value.get_object().end(),
                     [&](const json::key_value_pair& each) { return is_within(each.value(), depth - 1); });
}

bool has_cookie(std::string_view cookies, std::string_view wanted) {
  while (!cookies.empty()) {
    const auto end = cookies.find(';');
    if (trim(cookies.substr(0, end)) == wanted) return true;
    if (end == cookies.npos) break;
    cookies.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

Ask::Ask(http::Request& request, const http::Captures& captures, WallTime now_)
    : now(now_), request_(request), captures_(captures) {
  if (Result<http::Parameters> query = http::parse_query(request.query())) {
    query_ = std::move(*query);
  } else {
    query_is_broken = true;
  }
  input_is_query = request.method() == "GET" || request.method() == "HEAD";
  if (input_is_query) {
    input = object_of(query_);
  } else {
    input = parse_body(request.header("Content-Type"), request.message.body());
  }
}

std::string Ask::string(std::string_view key) const {
  return optional_string(key).value_or("");
}

std::optional<std::string> Ask::optional_string(std::string_view key) const {
  return strict_string_at(input, key);
}

std::optional<double> Ask::number(std::string_view key) const {
  const json::value* value = find(input, key);
  if (!value || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

json::value Ask::raw() const {
  const std::size_t said = input_is_query ? request_.query().size() : request_.message.body().size();
  if (said > raw_bytes_max) return json::object{{"omitted_bytes", said}};
  if (!is_within(input, raw_depth_max)) return nullptr;
  json::value copy = input;
  if (!copy.is_object()) return copy;
  json::object& object = copy.get_object();
  remove_token(object);
  if (json::value* visitor = object.if_contains("visitor"); visitor && visitor->is_object())
    remove_token(visitor->get_object());
  return copy;
}

std::string Ask::user_agent() const {
  const std::string text = repair_utf8(request_.header("User-Agent"));
  return std::string(truncate_utf8(text, user_agent_bytes_max));
}

bool Ask::is_widget() const {
  const std::string_view cookies = request_.header("Cookie");
  return has_cookie(cookies, "rc_is_widget=t") && has_cookie(cookies, "rc_room_type=l");
}

std::optional<http::Response> misfit(const Schema& schema, Ask& ask, Shape shape) {
  const std::optional<std::string> fault = check(schema, ask.input);
  if (!fault) return std::nullopt;
  return schema_failure(*fault, shape, ask.input_is_query);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
