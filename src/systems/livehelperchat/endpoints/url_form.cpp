#include "systems/livehelperchat/endpoints/url_form.hpp"

#include <algorithm>
#include <utility>

#include "common/text.hpp"
#include "http/url.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t path_bytes_max = 2048;
constexpr std::size_t segments_max = 100;
constexpr std::string_view module_name = "restapi";

bool is_lower_letter(char c) {
  return c >= 'a' && c <= 'z';
}

// "eng", "ger" and the like are Live Helper Chat's own; which of them an installation has is its configuration. Two
// letters are a language whatever they are.
bool is_site_access(std::string_view segment) {
  if (segment == "site_admin") return true;
  return (segment.size() == 2 || segment.size() == 3) && std::ranges::all_of(segment, is_lower_letter);
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// What a parameter says is a client's own: control characters are no reason to give it no answer.
std::string value_of(std::string_view segment) {
  constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD, as for bytes that are no text
  std::string text;
  for (const char c : repair_utf8(segment)) is_control(c) ? text.append(replacement) : text.append(1, c);
  return text;
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) segments.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

bool opens_parameter(std::string_view segment) {
  return segment.size() > 1 && segment.front() == '(';
}

std::string_view without_parentheses(std::string_view text) {
  while (text.starts_with('(')) text.remove_prefix(1);
  while (text.ends_with(')')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view UrlForm::ordered_at(std::size_t index) const {
  return index < ordered.size() ? std::string_view(ordered[index]) : std::string_view();
}

std::optional<std::string> UrlForm::single(std::string_view name) const {
  for (auto each = unordered.rbegin(); each != unordered.rend(); ++each)
    if (each->first == name) return each->second.empty() ? std::string() : each->second.front();
  return std::nullopt;
}

std::vector<std::string> UrlForm::multiple(std::string_view name) const {
  for (auto each = unordered.rbegin(); each != unordered.rend(); ++each)
    if (each->first == name) return each->second;
  return {};
}

std::optional<UrlForm> parse_url_form(std::string_view path) {
  if (path.size() > path_bytes_max || !path.starts_with('/')) return std::nullopt;
  const auto decoded = http::percent_decode(path, true);
  if (!decoded) return std::nullopt;
  std::string_view rest = *decoded;
  constexpr std::string_view script = "index.php";
  if (const auto at = rest.find(script); at != rest.npos) rest.remove_prefix(at + script.size());

  std::vector<std::string_view> segments = split(rest);
  if (segments.size() > segments_max) return std::nullopt;
  auto segment = segments.begin();
  if (segment != segments.end() && is_site_access(*segment)) ++segment;
  if (segment == segments.end() || *segment != module_name) return std::nullopt;
  ++segment;

  const auto parameters = std::find_if(segment, segments.end(), opens_parameter);
  const auto is_broken = [](std::string_view each) { return std::ranges::any_of(each, is_control); };
  if (std::any_of(segments.begin(), parameters, is_broken)) return std::nullopt;

  UrlForm form;
  if (segment != parameters) form.view = repair_utf8(*segment++);
  for (; segment != parameters; ++segment) form.ordered.push_back(repair_utf8(*segment));
  for (; segment != segments.end(); ++segment) {
    if (opens_parameter(*segment)) {
      form.unordered.emplace_back(value_of(without_parentheses(*segment)), std::vector<std::string>());
    } else {
      form.unordered.back().second.push_back(value_of(without_parentheses(*segment)));
    }
  }
  return form;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
