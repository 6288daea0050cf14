// The parts of a URL that handlers read: percent-decoding, and parameters of a query or a form. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace chatrelay::http {

// nullopt if a '%' is not followed by two hexadecimal digits. `plus_is_space` for queries and forms, never for paths.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// Names and values in the order in which they came, decoded. A name without '=' has an empty value.
class Parameters {
 public:
  const std::string* find(std::string_view name) const;  // the first of that name; nullptr if there is none
  std::string_view get(std::string_view name, std::string_view otherwise = {}) const;
  std::vector<std::string_view> all(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  const std::vector<std::pair<std::string, std::string>>& list() const { return list_; }

 private:
  friend Result<Parameters> parse_query(std::string_view, std::size_t);
  std::vector<std::pair<std::string, std::string>> list_;
};

// Limit: count_max parameters (too_large above it: a form of a million empty names costs memory, not bytes).
// Also takes application/x-www-form-urlencoded bodies, which have the same grammar; the server has bounded their size.
// Errors: invalid for a broken percent escape.
Result<Parameters> parse_query(std::string_view text, std::size_t count_max = 1000);

}  // namespace chatrelay::http
