// Templates: values with {{ jq }} inside, as rules write them in `with` and `to`.
//
// A text that is exactly one {{ }} keeps the JSON type of its result: null stays null, several results become an array,
// no result leaves the key out. Within other text, null is empty, results are joined, numbers and booleans are written
// as JSON, objects as compact JSON. The expression ends at the first }} outside its own strings and brackets; {{{{ is a
// literal {{. Every string that comes out of an expression, in text or alone, is escaped for where it goes; `| raw` at
// an expression's end asks for the opposite, and {{ .transcript_html }} is never escaped twice. What the rule wrote
// itself is never escaped.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "config/node.hpp"
#include "expression/escape.hpp"
#include "expression/expression.hpp"

namespace chatrelay::expression {

// What becomes of a member of a map that the template wrote itself and whose value is null: `keep` gives null,
// `leave_out` no member. What an expression gives is never looked into.
enum class Nulls { keep, leave_out };

class Template {
 public:
  Template();  // the constant null
  // Scans a YAML or JSON value: strings may hold {{ }}, keys of maps may not. Every expression is added to `builder`.
  // `jq_under`: in a map under this key every text is an expression by itself, without {{ }} around it.
  static Template parse(const config::Node& node, Builder& builder, config::Problems& problems,
                        std::string_view jq_under = {});
  static Template parse_text(std::string_view text, const config::Location& where, Builder& builder,
                             config::Problems& problems);

  // nullopt: the whole template is one {{ }} without a result.
  // Limit: output 1 MiB. Errors: which expression failed and why.
  Result<std::optional<json::value>> render(Program& program, const json::value& input, Escape escape = Escape::none,
                                            Nulls nulls = Nulls::keep) const;
  // A template that must give text: null and no result become "".
  Result<std::string> render_text(Program& program, const json::value& input, Escape escape = Escape::none) const;

  bool is_constant() const;
  const json::value& constant() const;                                // only if is_constant()
  bool mentions(const Builder& builder, std::string_view key) const;  // see Builder::mentions
  bool names(const Builder& builder, std::string_view key) const;     // see Builder::names
  // The sub-template under a key of a map; nullptr if there is none. Lets a caller render a member with an escape of
  // its own.
  const Template* member(std::string_view key) const;

  bool is_map() const;
  std::vector<std::string> keys() const;  // of a map

  struct Part;
  explicit Template(std::shared_ptr<const Part> root) : root_(std::move(root)) {}
  const Part& part() const { return *root_; }

 private:
  std::shared_ptr<const Part> root_;  // never null
};

}  // namespace chatrelay::expression
