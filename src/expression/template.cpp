#include "expression/template.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>

#include "common/assert.hpp"
#include "common/text.hpp"
#include "expression/json_text.hpp"
#include "expression/lexer.hpp"
#include "expression/size.hpp"

namespace chatrelay::expression {
namespace {

constexpr std::size_t output_max = 1 << 20;  // Limit: bytes of what one template gives

struct Hole {
  ExpressionId id = 0;
  bool raw = false;
  // HTML already, with what people wrote in it escaped: escaped once more it would show its tags.
  bool html = false;
};
using Segment = std::variant<std::string, Hole>;

}  // namespace

struct Template::Part {
  using List = std::vector<Template>;
  using Map = std::vector<std::pair<std::string, Template>>;
  using Text = std::vector<Segment>;
  std::variant<std::monostate, Hole, Text, List, Map> content;  // monostate: a constant scalar
  std::optional<json::value> constant;                          // set if there is no expression in it
};

namespace {

Template make(Template::Part part) {
  return Template(std::make_shared<const Template::Part>(std::move(part)));
}
Template make_constant(json::value value) {
  return make({std::monostate(), std::move(value)});
}

struct Reader {
  Builder& builder;
  config::Problems& problems;
  std::string_view jq_under = {};

  Template node(const config::Node& from) {
    if (from.is_map()) return map(from);
    if (from.is_list()) return list(from);
    json::value value = from.json(false);
    if (const json::string* string = value.if_string()) return text(*string, from.where());
    return make_constant(std::move(value));
  }

  Template map(const config::Node& from) {
    Template::Part::Map members;
    std::optional<json::value> constant = json::object();
    for (const std::string& key : from.keys()) {
      const config::Node child = from[key];
      if (key.find("{{") != std::string::npos)
        problems.add(child.where(), "the key \"" + printable(key) + "\" holds {{; only values may");
      const bool bare = !jq_under.empty() && key == jq_under && child.is_map();
      members.emplace_back(key, bare ? expressions(child) : node(child));
      if (!members.back().second.is_constant()) constant.reset();
      if (constant) constant->as_object()[key] = members.back().second.constant();
    }
    return make({std::move(members), std::move(constant)});
  }

  Template expressions(const config::Node& from) {
    Template::Part::Map members;
    for (const std::string& key : from.keys()) {
      const config::Node child = from[key];
      const json::value value = child.is_scalar() ? child.json(false) : json::value();
      const json::string* string = value.if_string();
      const bool bare = string && std::string_view(*string).find("{{") == std::string_view::npos;
      members.emplace_back(key, bare ? make({hole(*string, child.where()), std::nullopt}) : node(child));
    }
    return make({std::move(members), std::nullopt});
  }

  Template list(const config::Node& from) {
    Template::Part::List elements;
    for (const config::Node& child : from.items()) elements.push_back(node(child));
    if (!std::ranges::all_of(elements, &Template::is_constant)) return make({std::move(elements), std::nullopt});
    json::array array;
    for (const Template& element : elements) array.push_back(element.constant());
    return make({std::move(elements), json::value(std::move(array))});
  }

  Template text(std::string_view from, const config::Location& where) {
    Template::Part::Text segments;
    std::string literal;
    for (std::size_t at = 0; at < from.size();) {
      if (from.substr(at).starts_with("{{{{")) {
        literal += "{{";
        at += 4;
      } else if (!from.substr(at).starts_with("{{")) {
        const std::size_t next = std::min(from.find("{{", at), from.size());
        literal += from.substr(at, next - at);
        at = next;
      } else {
        const std::string_view rest = from.substr(at + 2);
        const std::size_t end = find_expression_end(rest);
        if (end == std::string_view::npos) {
          problems.add(where,
                       "\"" + printable(from.substr(at), 60) +
                           "\" is never closed: }} is missing outside strings and brackets ({{{{ is a literal {{)");
          return make_constant(json::value(json::string(from)));
        }
        if (!literal.empty()) segments.emplace_back(std::exchange(literal, {}));
        segments.emplace_back(hole(rest.substr(0, end), where));
        at += 2 + end + 2;
      }
    }
    if (!literal.empty()) segments.emplace_back(std::move(literal));
    if (segments.empty()) return make_constant(json::value(json::string()));
    if (segments.size() == 1) {
      if (auto* only = std::get_if<std::string>(&segments.front()))
        return make_constant(json::value(json::string(*only)));
      return make({std::get<Hole>(segments.front()), std::nullopt});
    }
    return make({std::move(segments), std::nullopt});
  }

  Hole hole(std::string_view expression, const config::Location& where) {
    bool raw = false;
    if (const auto tokens = tokenize(expression); tokens && tokens->size() > 2) {
      const Token& bar = (*tokens)[tokens->size() - 2];
      if (bar.is_op("|") && tokens->back().is(TokenKind::name, "raw")) {
        raw = true;
        expression = expression.substr(0, bar.begin);
      }
    }
    // HTML already, with what people wrote in it escaped; escaped once more it would show its tags.
    const bool html = trim(expression) == ".transcript_html" || trim(expression) == ".agents_transcript_html";
    return {builder.add(expression, where, problems), raw, html};
  }
};

void escape_strings(json::value& value, Escape escape) {
  if (json::string* text = value.if_string()) {
    *text = json::string(escaped(*text, escape));
  } else if (json::array* array = value.if_array()) {
    for (json::value& element : *array) escape_strings(element, escape);
  } else if (json::object* object = value.if_object()) {
    for (auto& member : *object) escape_strings(member.value(), escape);
  }
}

// One rendering: carries the budget that all of its parts share.
class Rendering {
 public:
  Rendering(Program& program, const json::value& input, Escape escape, Nulls nulls)
      : program_(program), input_(input), escape_(escape), nulls_(nulls) {}

  Result<std::optional<json::value>> part(const Template::Part& part) {
    const bool whole = nulls_ == Nulls::keep || std::holds_alternative<std::monostate>(part.content);
    if (part.constant && whole) return render(*part.constant);
    return std::visit([this](const auto& content) { return render(content); }, part.content);
  }

 private:
  using Rendered = Result<std::optional<json::value>>;

  bool spend(std::size_t bytes) {
    spent_ += bytes;
    return spent_ <= output_max;
  }
  static Error over() { return {ErrorKind::too_large, "the template gives more than 1 MiB"}; }

  bool escapes(const Hole& hole) const {
    const bool is_html = escape_ == Escape::html || escape_ == Escape::matrix_html;
    return escape_ != Escape::none && !hole.raw && !(is_html && hole.html);
  }

  Result<std::vector<json::value>> evaluate(const Hole& hole) {
    auto results = program_.evaluate(hole.id, input_);
    if (!results)
      return Error(results.error().kind, "{{ " + printable(program_.text(hole.id)) + " }}: " + results.error().message);
    return results;
  }

  Rendered render(std::monostate) { return std::optional<json::value>(); }  // not reached: it is a constant

  Rendered render(const json::value& constant) {
    if (!spend(size_of(constant, output_max))) return over();
    return std::optional(constant);
  }

  Rendered render(const Hole& hole) {
    auto results = evaluate(hole);
    if (!results) return results.error();
    if (results->empty()) return std::optional<json::value>();
    json::value value;
    if (results->size() == 1)
      value = std::move(results->front());
    else
      value = json::array(std::make_move_iterator(results->begin()), std::make_move_iterator(results->end()));
    if (escapes(hole)) escape_strings(value, escape_);
    if (!spend(size_of(value, output_max))) return over();
    return std::optional(std::move(value));
  }

  Rendered render(const Template::Part::Text& segments) {
    std::string text;
    for (const Segment& segment : segments) {
      if (const auto* literal = std::get_if<std::string>(&segment)) {
        text += *literal;
      } else {
        const Hole& hole = std::get<Hole>(segment);
        auto results = evaluate(hole);
        if (!results) return results.error();
        for (const json::value& result : *results) append(text, result, escapes(hole));
      }
      if (text.size() > output_max) return over();
    }
    if (!spend(text.size())) return over();
    return std::optional<json::value>(json::string(text));
  }

  void append(std::string& text, const json::value& value, bool escapes_it) const {
    if (value.is_null()) return;
    std::string piece;
    if (const json::string* string = value.if_string())
      piece = std::string(*string);
    else
      append_json(piece, value);
    if (escapes_it) piece = escaped(piece, escape_);
    text += piece;
  }

  Rendered render(const Template::Part::List& elements) {
    json::array array;
    for (const Template& element : elements) {
      auto value = part(element.part());
      if (!value) return value.error();
      if (*value) array.push_back(std::move(**value));
    }
    return std::optional<json::value>(std::move(array));
  }

  Rendered render(const Template::Part::Map& members) {
    json::object object;
    for (const auto& [key, member] : members) {
      if (!spend(key.size())) return over();
      auto value = part(member.part());
      if (!value) return Error(value.error().kind, key + ": " + value.error().message);
      if (*value && !(nulls_ == Nulls::leave_out && (*value)->is_null())) object[key] = std::move(**value);
    }
    return std::optional<json::value>(std::move(object));
  }

  Program& program_;
  const json::value& input_;
  const Escape escape_;
  const Nulls nulls_;
  std::size_t spent_ = 0;
};

// Whether `test` holds for an expression of the template.
bool any_hole(const Template::Part& part, const std::function<bool(const Hole&)>& test) {
  if (const auto* hole = std::get_if<Hole>(&part.content)) return test(*hole);
  if (const auto* text = std::get_if<Template::Part::Text>(&part.content))
    return std::ranges::any_of(
        *text, [&](const Segment& s) { return std::holds_alternative<Hole>(s) && test(std::get<Hole>(s)); });
  if (const auto* list = std::get_if<Template::Part::List>(&part.content))
    return std::ranges::any_of(*list, [&](const Template& t) { return any_hole(t.part(), test); });
  if (const auto* map = std::get_if<Template::Part::Map>(&part.content))
    return std::ranges::any_of(*map, [&](const auto& member) { return any_hole(member.second.part(), test); });
  return false;
}

}  // namespace

Template::Template() : Template(make_constant(nullptr)) {}

Template Template::parse(const config::Node& node, Builder& builder, config::Problems& problems,
                         std::string_view jq_under) {
  return Reader{builder, problems, jq_under}.node(node);
}

Template Template::parse_text(std::string_view text, const config::Location& where, Builder& builder,
                              config::Problems& problems) {
  return Reader{builder, problems}.text(text, where);
}

Result<std::optional<json::value>> Template::render(Program& program, const json::value& input, Escape escape,
                                                    Nulls nulls) const {
  return Rendering(program, input, escape, nulls).part(*root_);
}

Result<std::string> Template::render_text(Program& program, const json::value& input, Escape escape) const {
  // A lone expression is a text of one segment here: results are joined, and an object is escaped as the text it
  // becomes.
  const auto* hole = std::get_if<Hole>(&root_->content);
  Rendering rendering(program, input, escape, Nulls::keep);
  auto value = hole != nullptr ? rendering.part(Part{Part::Text{*hole}, std::nullopt}) : rendering.part(*root_);
  if (!value) return value.error();
  if (!*value || (*value)->is_null()) return std::string();
  if (const json::string* text = (*value)->if_string()) return std::string(*text);
  return compact_json(**value);
}

bool Template::is_constant() const {
  return root_->constant.has_value();
}

const json::value& Template::constant() const {
  CHATRELAY_ASSERT(is_constant(), "constant() is for templates without expressions");
  return *root_->constant;
}

bool Template::mentions(const Builder& builder, std::string_view key) const {
  return any_hole(*root_, [&](const Hole& hole) { return builder.mentions(hole.id, key); });
}

bool Template::names(const Builder& builder, std::string_view key) const {
  return any_hole(*root_, [&](const Hole& hole) { return builder.names(hole.id, key); });
}

bool Template::is_map() const {
  return std::holds_alternative<Part::Map>(root_->content);
}

std::vector<std::string> Template::keys() const {
  std::vector<std::string> names;
  if (const auto* map = std::get_if<Part::Map>(&root_->content))
    for (const auto& member : *map) names.push_back(member.first);
  return names;
}

const Template* Template::member(std::string_view key) const {
  if (const auto* map = std::get_if<Part::Map>(&root_->content))
    for (const auto& [name, child] : *map)
      if (name == key) return &child;
  return nullptr;
}

}  // namespace chatrelay::expression
