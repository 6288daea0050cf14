// Fields: the named values of a request, from a query string or a JSON object, read with one set of rules.
//
// Reading never fails; the first thing that is wrong is kept and told by error(), with the field's name and what it may
// be. A field that nobody read is an error too: a filter that is misspelt must not mean "everything".
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace chatrelay::admin::api {

namespace json = boost::json;

class Fields {
 public:
  explicit Fields(json::object values) : values_(std::move(values)) {}
  static Fields of_query(std::string_view query);

  bool has(std::string_view name) const { return values_.contains(name); }
  std::string text(std::string_view name);               // absent: ""
  std::vector<std::string> list(std::string_view name);  // an array of texts, or one text with commas
  bool flag(std::string_view name);                      // absent: false; true/false, "true"/"false", "1"/"0"
  std::uint64_t number(std::string_view name, std::uint64_t fallback, std::uint64_t min, std::uint64_t max);
  std::optional<WallTime> time(std::string_view name, WallTime now);  // RFC 3339, or a duration before now ("2h")
  json::object object(std::string_view name);                         // absent: {}

  void fail(std::string message);  // only the first is kept
  // nullopt: all well. Call it when everything was read.
  std::optional<Error> error() const;

 private:
  const json::value* take(std::string_view name);

  json::object values_;
  std::set<std::string, std::less<>> read_;
  std::optional<std::string> failure_;
};

}  // namespace chatrelay::admin::api
