#include "admin/api/fields.hpp"

#include "common/digits.hpp"
#include "common/text.hpp"
#include "common/units.hpp"
#include "http/url.hpp"

namespace chatrelay::admin::api {
namespace {

constexpr std::size_t parameters_max = 32;  // Limit: no request has more than a dozen fields

std::string quoted(std::string_view text) {
  return "\"" + printable(text, 60) + "\"";
}

}  // namespace

Fields Fields::of_query(std::string_view query) {
  Fields fields{json::object{}};
  const auto parameters = http::parse_query(query, parameters_max);
  if (!parameters) {
    fields.fail("the query cannot be read: " + parameters.error().message);
    return fields;
  }
  for (const auto& [name, value] : parameters->list()) {
    const std::string key = repair_utf8(name);
    if (fields.values_.contains(key)) fields.fail(quoted(key) + " is given twice");
    fields.values_[key] = repair_utf8(value);
  }
  return fields;
}

const json::value* Fields::take(std::string_view name) {
  read_.emplace(name);
  const json::value* value = values_.if_contains(name);
  return value && !value->is_null() ? value : nullptr;
}

std::string Fields::text(std::string_view name) {
  const json::value* value = take(name);
  if (!value) return {};
  if (value->is_string()) return std::string(value->get_string());
  if (value->is_int64() || value->is_uint64()) return json::serialize(*value);
  fail(quoted(name) + " must be a text");
  return {};
}

std::vector<std::string> Fields::list(std::string_view name) {
  std::vector<std::string> out;
  const json::value* value = take(name);
  if (!value) return out;
  if (const json::array* values = value->if_array()) {
    for (const json::value& one : *values) {
      if (one.is_string()) {
        out.emplace_back(one.get_string());
      } else if (one.is_int64() || one.is_uint64()) {
        out.push_back(json::serialize(one));
      } else {
        fail(quoted(name) + " must be a list of texts");
      }
    }
    return out;
  }
  const std::string all = text(name);
  std::string_view rest = all;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (!trim(one).empty()) out.emplace_back(trim(one));
  }
  return out;
}

bool Fields::flag(std::string_view name) {
  const json::value* value = take(name);
  if (!value) return false;
  if (value->is_bool()) return value->get_bool();
  const std::string word = value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
  if (word == "true" || word == "1") return true;
  if (word != "false" && word != "0") fail(quoted(name) + " is " + quoted(word) + "; it must be true or false");
  return false;
}

std::uint64_t Fields::number(std::string_view name, std::uint64_t fallback, std::uint64_t min, std::uint64_t max) {
  if (!take(name)) return fallback;
  const std::string word = text(name);
  const auto value = whole_number<std::uint64_t>(word);
  if (value && *value >= min && *value <= max) return *value;
  fail(quoted(name) + " is " + quoted(word) + "; it must be a number from " + std::to_string(min) + " to " +
       std::to_string(max));
  return fallback;
}

std::optional<WallTime> Fields::time(std::string_view name, WallTime now) {
  if (!take(name)) return std::nullopt;
  const std::string word = text(name);
  if (const auto when = parse_rfc3339(word)) return when;
  if (const auto ago = parse_duration(word)) return now - *ago;
  if (const auto midnight = parse_rfc3339(word + "T00:00:00Z"); midnight && word.size() == 10) return midnight;
  fail(quoted(name) + " is " + quoted(word) +
       "; it must be a time (2026-11-20T10:00:00Z), a day (2026-11-20) or a duration before now (30m, 2h, 3d)");
  return std::nullopt;
}

json::object Fields::object(std::string_view name) {
  const json::value* value = take(name);
  if (!value) return {};
  if (value->is_object()) return value->get_object();
  fail(quoted(name) + " must be an object");
  return {};
}

void Fields::fail(std::string message) {
  if (!failure_) failure_ = std::move(message);
}

std::optional<Error> Fields::error() const {
  if (failure_) return invalid(*failure_);
  for (const auto& member : values_) {
    if (read_.contains(std::string_view(member.key()))) continue;
    std::string known;
    for (const std::string& name : read_) known += (known.empty() ? "" : ", ") + name;
    return invalid(quoted(member.key()) + " is not known here" +
                   (known.empty() ? "; nothing is" : "; it may be: " + known));
  }
  return std::nullopt;
}

}  // namespace chatrelay::admin::api
