#include "rules/late_payload.hpp"

#include <algorithm>

#include "common/json.hpp"
#include "common/text.hpp"
#include "config/node.hpp"
#include "expression/template.hpp"

namespace chatrelay::rules {
namespace {

using expression::Template;

bool says_nothing(const json::value* value) {
  return value == nullptr || value->is_null() || (value->is_string() && trim(value->get_string()).empty());
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(json::string(text));
  return out;
}

std::vector<std::string> texts_of(const json::object& inputs, std::string_view key) {
  std::vector<std::string> out;
  const json::value* list = inputs.if_contains(key);
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& one : list->get_array())
    if (one.is_string()) out.emplace_back(one.get_string());
  return out;
}

std::string text_of(const json::object& inputs, std::string_view key) {
  const json::value* value = inputs.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

json::object object_of(const json::object& inputs, std::string_view key) {
  const json::value* value = inputs.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : json::object();
}

// Our own text, in which an event may be nested a few levels deeper than webhooks may be.
Result<json::object> parse_inputs(const std::string& text) {
  json::parse_options options;
  options.max_depth = 4 * json_depth_max;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error || !value.is_object()) return invalid("what the payload is rendered from cannot be read");
  return std::move(value.get_object());
}

PayloadDuties duties_from(const json::object& inputs) {
  return {text_of(inputs, "to"), texts_of(inputs, "required"), texts_of(inputs, "audience_keys"),
          text_of(inputs, "audience")};
}

}  // namespace

PayloadDuties duties_of(const ActionSchema& schema, std::string to, std::string_view audience) {
  PayloadDuties duties;
  duties.to = std::move(to);
  duties.audience = audience;
  for (const auto& [key, entry] : schema.with) {
    if (entry.required) duties.required.push_back(key);
    if (entry.audience_of_event) duties.audience_keys.push_back(key);
  }
  return duties;
}

Result<void> fulfil(const PayloadDuties& duties, json::object& payload) {
  for (const std::string& key : duties.audience_keys)
    if (duties.audience != "all" || says_nothing(payload.if_contains(key))) payload[key] = duties.audience;
  for (const std::string& key : duties.required)
    if (!payload.contains(key)) return invalid("with: \"" + key + "\" has no value, and " + duties.to + " needs one");
  return {};
}

std::string late_inputs(const PayloadDuties& duties, json::object ready, const std::vector<LateKey>& late,
                        const json::object& tables, json::value input, const std::string& where) {
  json::array keys;
  bool uses_tables = false;
  for (const LateKey& one : late) {
    keys.push_back(json::array{json::string(one.key), one.source, expression::to_string(one.escape)});
    uses_tables = uses_tables || json::serialize(one.source).find("$tables") != std::string::npos;
  }
  json::object inputs;
  inputs["to"] = duties.to;
  inputs["where"] = where;
  inputs["late"] = std::move(keys);
  if (uses_tables) inputs["tables"] = tables;
  inputs["ready"] = std::move(ready);
  inputs["required"] = array_of(duties.required);
  inputs["audience_keys"] = array_of(duties.audience_keys);
  inputs["audience"] = duties.audience;
  inputs["input"] = std::move(input);
  return json::serialize(inputs);
}

struct LateRenderer::Compiled {
  struct Key {
    std::string name;
    Template made;
    expression::Escape escape;
  };
  std::unique_ptr<expression::Program> program;
  std::vector<Key> keys;
};

LateRenderer::LateRenderer() = default;
LateRenderer::~LateRenderer() = default;

Result<LateRenderer::Compiled*> LateRenderer::compiled(const json::object& inputs) {
  const json::value* late = inputs.if_contains("late");
  if (late == nullptr || !late->is_array()) return invalid("what the payload is rendered from cannot be read");
  const json::object tables = object_of(inputs, "tables");
  const std::string text = json::serialize(*late) + json::serialize(tables);
  const auto known =
      std::ranges::find(recent_, text, [](const auto& entry) -> const std::string& { return entry.first; });
  if (known != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, known);
    return recent_.front().second.get();
  }
  config::Problems problems;
  expression::Builder builder(tables);
  const config::Location where{text_of(inputs, "where"), 0};
  auto made = std::make_unique<Compiled>();
  for (const json::value& entry : late->get_array()) {
    const json::array* key = entry.if_array();
    if (key == nullptr || key->size() != 3 || !(*key)[0].is_string() || !(*key)[2].is_string())
      return invalid("what the payload is rendered from cannot be read");
    const json::value& source = (*key)[1];
    // Every JSON text is YAML too, so that lists and maps are read as they were when they were planned.
    Template parsed = source.is_string()
                          ? Template::parse_text(source.get_string(), where, builder, problems)
                          : Template::parse(config::Document::parse(json::serialize(source), where.file, problems, {}),
                                            builder, problems);
    const auto escape = expression::escape_from((*key)[2].get_string());
    if (!escape) return invalid("this chatrelay does not know the escape " + std::string((*key)[2].get_string()));
    made->keys.push_back({std::string((*key)[0].get_string()), std::move(parsed), *escape});
  }
  made->program = builder.build(problems);
  if (made->program == nullptr || problems.has_errors())
    return invalid("with: this chatrelay cannot compile what was planned: " + problems.to_string());
  recent_.emplace_front(text, std::move(made));
  if (recent_.size() > kept_max) recent_.pop_back();
  return recent_.front().second.get();
}

Result<std::string> LateRenderer::render(const std::string& inputs, const json::object& links) {
  Result<json::object> read = parse_inputs(inputs);
  if (!read) return read.error();
  const Result<Compiled*> compiled = this->compiled(*read);
  if (!compiled) return compiled.error();
  json::value input = object_of(*read, "input");
  input.as_object()["links"] = links;
  json::object payload = object_of(*read, "ready");
  for (const Compiled::Key& key : (*compiled)->keys) {
    auto value = key.made.render(*(*compiled)->program, input, key.escape);
    if (!value) return Error(value.error().kind, "with: " + key.name + ": " + value.error().message);
    if (*value) payload[key.name] = std::move(**value);
  }
  const Result<void> whole = fulfil(duties_from(*read), payload);
  if (!whole) return whole.error();
  return json::serialize(payload);
}

}  // namespace chatrelay::rules
