#include "http/url.hpp"

#include <algorithm>

#include "common/digits.hpp"

namespace chatrelay::http {

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

const std::string* Parameters::find(std::string_view name) const {
  const auto at = std::find_if(list_.begin(), list_.end(), [&](const auto& p) { return p.first == name; });
  return at == list_.end() ? nullptr : &at->second;
}

std::string_view Parameters::get(std::string_view name, std::string_view otherwise) const {
  const auto* value = find(name);
  return value ? std::string_view(*value) : otherwise;
}

std::vector<std::string_view> Parameters::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : list_) {
    if (key == name) values.emplace_back(value);
  }
  return values;
}

Result<Parameters> parse_query(std::string_view text, std::size_t count_max) {
  Parameters parameters;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    if (parameters.list_.size() == count_max) {
      return Error(ErrorKind::too_large, "more than " + std::to_string(count_max) + " parameters");
    }
    const auto equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::string() : percent_decode(pair.substr(equals + 1), true);
    if (!name || !value) return invalid("a '%' in the parameters is not followed by two hexadecimal digits");
    parameters.list_.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

}  // namespace chatrelay::http
