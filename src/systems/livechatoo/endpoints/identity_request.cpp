#include "systems/livechatoo/endpoints/identity_request.hpp"

#include <algorithm>
#include <optional>

#include "common/json.hpp"
#include "common/text.hpp"
#include "http/url.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

namespace {

constexpr std::size_t parameters_max = 50;
constexpr std::size_t boundary_bytes_max = 70;  // RFC 2046 §5.1.1

std::string parameter_of(std::string_view form, std::string_view name) {
  const auto parameters = http::parse_query(form, parameters_max);
  return parameters ? std::string(parameters->get(name)) : std::string();
}

bool is_type(std::string_view content_type, std::string_view wanted) {
  return iequals_ascii(trim(content_type.substr(0, content_type.find(';'))), wanted);
}

// The parameter of a header's value, in quotes or not; empty if it is not there.
std::string_view header_parameter(std::string_view header, std::string_view name) {
  for (std::size_t at = header.find(';'); at != header.npos; at = header.find(';', at + 1)) {
    std::string_view rest = trim(header.substr(at + 1));
    const std::size_t equals = rest.find('=');
    if (equals == rest.npos || !iequals_ascii(trim(rest.substr(0, equals)), name)) continue;
    rest = trim(rest.substr(equals + 1));
    if (rest.starts_with('"')) return rest.substr(1, rest.find('"', 1) - 1);
    return trim(rest.substr(0, rest.find(';')));
  }
  return {};
}

// RFC 7578, as PHP's curl sends what it is given as an array. The value of the first part of that name.
std::string multipart_parameter(std::string_view body, std::string_view content_type, std::string_view name) {
  const std::string_view boundary = header_parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > boundary_bytes_max) return {};
  const std::string delimiter = "--" + std::string(boundary);
  for (std::size_t at = body.find(delimiter); at != body.npos;) {
    const std::size_t begin = at + delimiter.size();
    const std::size_t end = body.find("\r\n" + delimiter, begin);
    if (end == body.npos) return {};
    at = end + 2;
    const std::string_view part = body.substr(begin, end - begin);
    const std::size_t blank = part.find("\r\n\r\n");
    if (blank == part.npos) continue;
    std::string_view head = part.substr(0, blank);
    while (!head.empty()) {
      const std::size_t line_end = std::min(head.find("\r\n"), head.size());
      const std::string_view line = head.substr(0, line_end);
      head.remove_prefix(std::min(line_end + 2, head.size()));
      if (iequals_ascii(line.substr(0, line.find(':')), "Content-Disposition") &&
          header_parameter(line, "name") == name)
        return std::string(part.substr(blank + 4));
    }
  }
  return {};
}

std::string from_body(const IdentityCall& call, std::string_view name) {
  if (call.method != "POST") return {};
  if (is_type(call.content_type, "multipart/form-data")) return multipart_parameter(call.body, call.content_type, name);
  if (is_type(call.content_type, "application/json")) {
    const auto body = parse_json(call.body);
    return body ? string_at(*body, name).value_or("") : std::string();
  }
  return parameter_of(call.body, name);
}

// The query's own text without what is ours in it.
std::string whole_query(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::string_view name = pair.substr(0, pair.find('='));
    if (name != "source" && name != "key" && !pair.empty()) out.append(out.empty() ? "" : "&").append(pair);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return http::percent_decode(out).value_or("");
}

}  // namespace

Asked read_asked(const IdentityCall& call, std::string_view parameter) {
  Asked asked;
  asked.key = parameter_of(call.query, "key");
  if (parameter == "*") {
    asked.value = call.method == "POST" ? std::string(trim(call.body)) : std::string();
    if (asked.value.empty()) asked.value = whole_query(call.query);
    return asked;
  }
  if (asked.key.empty()) asked.key = from_body(call, "key");
  asked.value = from_body(call, parameter);
  if (asked.value.empty()) asked.value = parameter_of(call.query, parameter);
  return asked;
}

}  // namespace chatrelay::systems::livechatoo::endpoints
