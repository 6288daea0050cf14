#include <algorithm>
#include <charconv>
#include <utility>

#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/livehelperchat/endpoints/api.hpp"
#include "systems/livehelperchat/endpoints/body_fields.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

// Limit: the event around it is a few levels deep itself, and json_depth_max of them are decoded.
constexpr std::size_t raw_depth_max = json_depth_max - 16;
// Limit: of what a client said, known members or not. Each member that counts has a limit of its own and is kept apart.
constexpr std::size_t raw_bytes_max = 64 << 10;

// What opens a chat, a visitor's history or an account to whoever has it. In any case of letters: members of `data` and
// the like are the client's own.
constexpr std::string_view secret_names[] = {"hash",   "vid",      "new",     "hash_resume", "phash",
                                             "pvhash", "password", "api_key", "api-key",     "authorization"};

bool is_secret_name(std::string_view name) {
  return std::ranges::any_of(secret_names, [&](std::string_view each) { return iequals_ascii(each, name); });
}

// false: nested too deep.
bool remove_secrets(json::value& value, std::size_t depth) {
  if (!value.is_structured()) return true;
  if (depth == 0) return false;
  if (value.is_array())
    return std::ranges::all_of(value.get_array(), [&](json::value& each) { return remove_secrets(each, depth - 1); });
  json::object& object = value.get_object();
  std::vector<std::string> unwanted;
  for (const auto& member : object)
    if (is_secret_name(member.key())) unwanted.emplace_back(member.key());
  for (const std::string& name : unwanted) object.stable_erase(name);
  return std::ranges::all_of(object, [&](auto&& member) { return remove_secrets(member.value(), depth - 1); });
}

std::optional<std::string> text_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return std::string(value.get_string());
    case json::kind::bool_:
      return value.get_bool() ? "1" : "";
    case json::kind::null:
      return "";
    case json::kind::array:
    case json::kind::object:
      return std::nullopt;
    default:
      return json::serialize(value);
  }
}

}  // namespace

Ask::Ask(http::Request& request, UrlForm form, Shape shape, WallTime now_)
    : now(now_), request_(request), form_(std::move(form)), shape_(shape) {
  if (!request.query().empty()) {
    if (Result<http::Parameters> query = http::parse_query(request.query()))
      query_ = std::move(*query);
    else
      query_is_broken = true;
  }
}

void Ask::read_body() {
  if (request_.message.body().empty()) return;
  BodyFields said = read_body_fields(request_.header("Content-Type"), request_.message.body());
  fields = std::move(said.fields);
  body_is_json = said.is_json;
  body_fault = std::move(said.fault);
}

std::optional<std::string> Ask::query(std::string_view name) const {
  const auto& list = query_.list();
  for (auto each = list.rbegin(); each != list.rend(); ++each)
    if (each->first == name) return repair_utf8(each->second);
  return std::nullopt;
}

std::optional<std::string> Ask::field(std::string_view name) const {
  const json::value* value = fields.if_contains(name);
  return value ? text_of(*value) : std::nullopt;
}

std::optional<std::string> Ask::said(std::string_view name) const {
  if (auto of_body = field(name)) return of_body;
  return query(name);
}

// White space, a sign, digits; what is too large is the largest.
std::int64_t Ask::integer(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc::result_out_of_range) return number;
  return text.starts_with('-') ? INT64_MIN : INT64_MAX;
}

bool Ask::is_on(std::string_view name) const {
  const auto said = query(name);
  return said && (*said == "true" || *said == "1");
}

json::value Ask::raw() const {
  const std::size_t said = request_.message.body().size() + request_.target().size();
  if (said > raw_bytes_max) return json::object{{"omitted_bytes", said}};
  json::object parameters;
  for (const auto& [name, values] : form_.unordered) {
    if (values.size() == 1)
      parameters[name] = values.front();
    else
      parameters[name] = json::value_from(values);
  }
  json::object raw;
  raw["view"] = form_.view;
  if (!parameters.empty()) raw["parameters"] = std::move(parameters);
  if (!fields.empty()) raw["fields"] = fields;
  json::value kept = std::move(raw);
  if (!remove_secrets(kept, raw_depth_max)) return nullptr;
  return kept;
}

bool Ask::may(std::string_view permission, std::optional<std::int64_t> department) const {
  return account && account->has(permission) && (!department || account->sees(*department));
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
