#include "expression/builtins.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace chatrelay::expression {
namespace {

// What `jq -n builtins` of 1.6 prints, the three names that its parser treats as functions, and matches_page, which
// safe_builtins.cpp defines. A unit test compares.
constexpr auto builtins = std::to_array<std::string_view>({
    "IN/1",
    "IN/2",
    "INDEX/1",
    "INDEX/2",
    "JOIN/2",
    "JOIN/3",
    "JOIN/4",
    "acos/0",
    "acosh/0",
    "add/0",
    "all/0",
    "all/1",
    "all/2",
    "any/0",
    "any/1",
    "any/2",
    "arrays/0",
    "ascii_downcase/0",
    "ascii_upcase/0",
    "asin/0",
    "asinh/0",
    "atan/0",
    "atan2/2",
    "atanh/0",
    "base64/0",
    "booleans/0",
    "bsearch/1",
    "builtins/0",
    "capture/1",
    "capture/2",
    "cbrt/0",
    "ceil/0",
    "combinations/0",
    "combinations/1",
    "contains/1",
    "copysign/2",
    "cos/0",
    "cosh/0",
    "debug/0",
    "del/1",
    "delpaths/1",
    "drem/2",
    "empty/0",
    "endswith/1",
    "env/0",
    "erf/0",
    "erfc/0",
    "error/0",
    "error/1",
    "exp/0",
    "exp10/0",
    "exp2/0",
    "explode/0",
    "expm1/0",
    "fabs/0",
    "false/0",
    "fdim/2",
    "finites/0",
    "first/0",
    "first/1",
    "flatten/0",
    "flatten/1",
    "floor/0",
    "fma/3",
    "fmax/2",
    "fmin/2",
    "fmod/2",
    "format/1",
    "frexp/0",
    "from_entries/0",
    "fromdate/0",
    "fromdateiso8601/0",
    "fromjson/0",
    "fromstream/1",
    "gamma/0",
    "get_jq_origin/0",
    "get_prog_origin/0",
    "get_search_list/0",
    "getpath/1",
    "gmtime/0",
    "group_by/1",
    "gsub/2",
    "gsub/3",
    "halt/0",
    "halt_error/0",
    "halt_error/1",
    "has/1",
    "hmac_sha256/1",
    "html_of_text/0",
    "hypot/2",
    "implode/0",
    "in/1",
    "index/1",
    "indices/1",
    "infinite/0",
    "input/0",
    "input_filename/0",
    "input_line_number/0",
    "inputs/0",
    "inside/1",
    "isempty/1",
    "isfinite/0",
    "isinfinite/0",
    "isnan/0",
    "isnormal/0",
    "iterables/0",
    "j0/0",
    "j1/0",
    "jn/2",
    "join/1",
    "keys/0",
    "keys_unsorted/0",
    "last/0",
    "last/1",
    "ldexp/2",
    "leaf_paths/0",
    "length/0",
    "lgamma/0",
    "lgamma_r/0",
    "limit/2",
    "localtime/0",
    "log/0",
    "log10/0",
    "log1p/0",
    "log2/0",
    "logb/0",
    "ltrimstr/1",
    "map/1",
    "map_values/1",
    "match/1",
    "match/2",
    "matches_page/1",
    "max/0",
    "max_by/1",
    "md5/0",
    "min/0",
    "min_by/1",
    "mktime/0",
    "modf/0",
    "modulemeta/0",
    "nan/0",
    "nearbyint/0",
    "nextafter/2",
    "nexttoward/2",
    "normals/0",
    "not/0",
    "now/0",
    "nth/1",
    "nth/2",
    "null/0",
    "nulls/0",
    "numbers/0",
    "objects/0",
    "odata/0",
    "path/1",
    "paths/0",
    "paths/1",
    "pow/2",
    "pow10/0",
    "range/1",
    "range/2",
    "range/3",
    "recurse/0",
    "recurse/1",
    "recurse/2",
    "recurse_down/0",
    "remainder/2",
    "repeat/1",
    "reverse/0",
    "rindex/1",
    "rint/0",
    "round/0",
    "rtrimstr/1",
    "scalars/0",
    "scalars_or_empty/0",
    "scalb/2",
    "scalbln/2",
    "scan/1",
    "select/1",
    "setpath/2",
    "sha256/0",
    "significand/0",
    "sin/0",
    "sinh/0",
    "sort/0",
    "sort_by/1",
    "split/1",
    "split/2",
    "splits/1",
    "splits/2",
    "sqrt/0",
    "startswith/1",
    "stderr/0",
    "strflocaltime/1",
    "strftime/1",
    "strings/0",
    "strptime/1",
    "sub/2",
    "sub/3",
    "tan/0",
    "tanh/0",
    "test/1",
    "test/2",
    "tgamma/0",
    "to_entries/0",
    "todate/0",
    "todateiso8601/0",
    "tojson/0",
    "tonumber/0",
    "tostream/0",
    "tostring/0",
    "transpose/0",
    "true/0",
    "trunc/0",
    "truncate_stream/1",
    "type/0",
    "unique/0",
    "unique_by/1",
    "until/2",
    "uri_path/0",
    "utf8bytelength/0",
    "uuid5/1",
    "values/0",
    "walk/1",
    "while/2",
    "with_entries/1",
    "y0/0",
    "y1/0",
    "yn/2",
});
static_assert(std::ranges::is_sorted(builtins));

constexpr auto forbidden = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"now", "reads the clock"},
    {"localtime", "depends on the machine's time zone"},
    {"strflocaltime", "depends on the machine's time zone"},
    {"env", "reads the environment"},
    {"input", "reads other input"},
    {"inputs", "reads other input"},
    {"debug", "writes to standard error"},
    {"stderr", "writes to standard error"},
    {"halt", "ends the program"},
    {"halt_error", "ends the program"},
    {"input_filename", "reads other input"},
    {"input_line_number", "reads other input"},
    {"get_search_list", "reads the environment"},
    {"get_jq_origin", "reads the environment"},
    {"get_prog_origin", "reads the environment"},
    {"modulemeta", "reads files"},
});

}  // namespace

bool is_builtin(std::string_view name, std::size_t arity) {
  const std::string key = std::string(name) + "/" + std::to_string(arity);
  return std::ranges::binary_search(builtins, std::string_view(key));
}

const std::vector<std::string_view>& builtin_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    for (const std::string_view builtin : builtins) {
      const std::string_view name = builtin.substr(0, builtin.find('/'));
      if (why_forbidden(name).empty()) list.push_back(name);
    }
    std::ranges::sort(list);
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
  }();
  return names;
}

std::string_view why_forbidden(std::string_view name) {
  for (const auto& [word, why] : forbidden)
    if (word == name) return why;
  return {};
}

const std::string& forbidden_shadows() {
  static const std::string text = [] {
    std::string definitions;
    for (const std::string_view builtin : builtins) {
      const std::size_t slash = builtin.find('/');
      const std::string name(builtin.substr(0, slash));
      if (why_forbidden(name).empty()) continue;
      const std::string parameters = builtin.substr(slash + 1) == "0" ? "" : "(f)";  // none of them takes more than one
      definitions += "def " + name + parameters + ": error(\"" + name + " is not available\"); ";
    }
    return definitions;
  }();
  return text;
}

}  // namespace chatrelay::expression
