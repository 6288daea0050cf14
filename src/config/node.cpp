#include "config/node.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "common/text.hpp"
#include "config/core_schema.hpp"
#include "config/read_file.hpp"
#include "config/substitute.hpp"
#include "config/tree.hpp"

namespace chatrelay::config {

// What all nodes of a document share.
struct DocumentContext {
  std::string file;
  std::string folder;
  Problems* problems = nullptr;
  Environment environment;
  std::set<std::tuple<int, bool, std::string>> reported;  // reading a value twice reports it once

  void report(int line, bool warning, const std::string& message) {
    if (!reported.emplace(line, warning, message).second) return;
    if (warning)
      problems->warn({file, line}, message);
    else
      problems->add({file, line}, message);
  }
};

struct Node::Data {
  std::shared_ptr<DocumentContext> context;
  std::shared_ptr<const Tree> tree;  // nullptr: absent
  std::string path;
  int line = 0;
};

namespace {

const std::shared_ptr<const Tree>& no_tree() {
  static const std::shared_ptr<const Tree> none;
  return none;
}

std::string kind_name(Tree::Kind kind) {
  switch (kind) {
    case Tree::Kind::list:
      return "a list";
    case Tree::Kind::map:
      return "a map";
    case Tree::Kind::null:
      return "empty";
    case Tree::Kind::scalar:
      break;
  }
  return "a plain value";
}

std::string child_path(const std::string& parent, std::string_view key) {
  return parent.empty() ? std::string(key) : parent + '.' + std::string(key);
}

std::string element_path(const std::string& parent, std::size_t index) {
  return parent + '[' + std::to_string(index) + ']';
}

// yaml-cpp keeps duplicate keys silently.
void report_duplicates(const Tree& tree, const std::string& path, DocumentContext& context) {
  std::map<std::string_view, int> first_line;
  for (const Tree::Entry& entry : tree.entries) {
    const std::string entry_path = child_path(path, printable(entry.key, 80));
    const auto [at, fresh] = first_line.try_emplace(entry.key, entry.line);
    if (!fresh)
      context.report(entry.line, false, entry_path + " is given twice; first in line " + std::to_string(at->second));
    report_duplicates(*entry.value, entry_path, context);
  }
  for (std::size_t i = 0; i < tree.elements.size(); ++i)
    report_duplicates(*tree.elements[i], element_path(path, i), context);
}

}  // namespace

Node::Node(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

#define CHATRELAY_NODE_TREE() (data_ ? data_->tree : no_tree())

bool Node::present() const {
  const auto& tree = CHATRELAY_NODE_TREE();
  return tree && tree->kind != Tree::Kind::null;
}
bool Node::is_map() const {
  const auto& tree = CHATRELAY_NODE_TREE();
  return tree && tree->kind == Tree::Kind::map;
}
bool Node::is_list() const {
  const auto& tree = CHATRELAY_NODE_TREE();
  return tree && tree->kind == Tree::Kind::list;
}
bool Node::is_scalar() const {
  const auto& tree = CHATRELAY_NODE_TREE();
  return tree && tree->kind == Tree::Kind::scalar;
}
bool Node::is_quoted() const {
  return is_scalar() && data_->tree->quoted;
}
#undef CHATRELAY_NODE_TREE

Location Node::where() const {
  return data_ ? Location{data_->context->file, data_->line} : Location{};
}
std::string Node::path() const {
  return data_ ? data_->path : std::string();
}

Node Node::operator[](std::string_view key) const {
  if (!data_) return {};
  auto child = std::make_shared<Data>();
  child->context = data_->context;
  child->path = child_path(data_->path, key);
  child->line = data_->line;
  if (is_map()) {
    for (const Tree::Entry& entry : data_->tree->entries) {
      if (entry.key != key) continue;
      child->tree = entry.value;
      child->line = entry.line;
      break;
    }
  }
  return Node(std::move(child));
}

Node Node::at(std::size_t index) const {
  if (!data_) return {};
  auto child = std::make_shared<Data>();
  child->context = data_->context;
  child->path = element_path(data_->path, index);
  child->line = data_->line;
  if (is_list() && index < data_->tree->elements.size()) {
    child->tree = data_->tree->elements[index];
    child->line = child->tree->line;
  }
  return Node(std::move(child));
}

std::size_t Node::size() const {
  if (is_list()) return data_->tree->elements.size();
  if (is_map()) return data_->tree->entries.size();
  return 0;
}

std::vector<std::string> Node::keys() const {
  std::vector<std::string> out;
  if (!is_map()) return out;
  std::set<std::string_view> seen;
  for (const Tree::Entry& entry : data_->tree->entries)
    if (seen.insert(entry.key).second) out.push_back(entry.key);
  return out;
}

std::vector<Node> Node::items() const {
  if (!present()) return {};
  if (!is_list()) return {*this};
  std::vector<Node> out;
  out.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) out.push_back(at(i));
  return out;
}

void Node::only(std::initializer_list<std::string_view> known) const {
  only(std::vector<std::string>(known.begin(), known.end()));
}

void Node::only(const std::vector<std::string>& known) const {
  if (!present()) return;
  if (!is_map()) return problem("must be a map (key: value), not " + kind_name(data_->tree->kind));
  const std::vector<std::string_view> views(known.begin(), known.end());
  for (const Tree::Entry& entry : data_->tree->entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    std::string message = child_path(data_->path, printable(entry.key, 80)) + " is not known; ";
    const std::string_view near = nearest(entry.key, views.data(), views.size());
    if (!near.empty()) {
      message += "did you mean \"" + std::string(near) + "\"?";
    } else {
      message += "known here: ";
      for (std::size_t i = 0; i < known.size(); ++i) message += (i == 0 ? "" : ", ") + known[i];
    }
    data_->context->report(entry.line, false, message);
  }
}

std::string Node::shown() const {
  if (!is_scalar()) return present() ? kind_name(data_->tree->kind) : "empty";
  return '"' + printable(data_->tree->text, 80) + '"';
}

std::string Node::string(std::string_view fallback) const {
  if (!present()) return std::string(fallback);
  if (!is_scalar()) {
    problem("must be a text, not " + kind_name(data_->tree->kind));
    return std::string(fallback);
  }
  const std::string& text = data_->tree->text;
  if (text.find("${") == text.npos) return text;
  bool failed = false;
  std::string value = substitute(text, data_->context->environment, data_->context->folder, [&](std::string message) {
    failed = true;
    problem(std::move(message));
  });
  return failed ? std::string(fallback) : value;
}

std::string Node::required_string() const {
  if (!present()) {
    problem("is missing");
    return {};
  }
  std::string value = string();
  if (value.empty()) problem("must not be empty");
  return value;
}

Secret Node::secret() const {
  if (!present()) return {};
  std::string value = string();
  if (!value.empty() && !has_substitution(data_->tree->text))
    warning("is a secret written into the file; use ${NAME} or ${file:PATH}");
  return Secret(std::move(value));
}

bool Node::boolean(bool fallback) const {
  if (!present()) return fallback;
  const auto flag = core_bool(string(fallback ? "true" : "false"));
  if (!flag) problem("is " + shown() + "; it must be true or false");
  return flag.value_or(fallback);
}

std::int64_t Node::integer(std::int64_t fallback, std::int64_t min, std::int64_t max) const {
  if (!present()) return fallback;
  const auto number = core_integer(string(std::to_string(fallback)));
  if (!number) {
    problem("is " + shown() + "; it must be a whole number");
    return fallback;
  }
  if (*number < min || *number > max) {
    problem("is " + shown() + "; it must be from " + std::to_string(min) + " to " + std::to_string(max));
    return fallback;
  }
  return *number;
}

double Node::number(double fallback) const {
  if (!present()) return fallback;
  const std::string text = string("0");
  const boost::json::value value = core_value(text);
  if (value.is_number()) return value.to_number<double>();
  problem("is " + shown() + "; it must be a number");
  return fallback;
}

// A value that came out of ${…} is not repeated: it may be a secret in the wrong place.
template <class T>
T Node::parsed(Result<T> (*parse)(std::string_view), T fallback) const {
  const std::string text = string();
  if (text.empty() && has_substitution(data_->tree->text)) return fallback;  // reported
  Result<T> value = parse(text);
  if (value) return std::move(*value);
  if (has_substitution(data_->tree->text))
    problem("is " + shown() + ", whose value is of a wrong form");
  else
    problem("is wrong: " + value.error().message);
  return fallback;
}

Millis Node::duration(Millis fallback) const {
  return is_scalar() ? parsed<Millis>(parse_duration, fallback) : (string(), fallback);
}

std::uint64_t Node::size_bytes(std::uint64_t fallback) const {
  return is_scalar() ? parsed<std::uint64_t>(parse_size, fallback) : (string(), fallback);
}

std::optional<Rate> Node::rate() const {
  if (!present()) return std::nullopt;
  if (!is_scalar()) {
    string();
    return std::nullopt;
  }
  const Rate none;  // count 0: no rate that can be written
  const Rate rate = parsed<Rate>(parse_rate, none);
  return rate.count > 0 ? std::optional(rate) : std::nullopt;
}

std::string Node::path_value(std::string_view fallback) const {
  const std::string text = string(fallback);
  if (text.empty() || !data_) return text;
  std::filesystem::path path(text);
  if (path.is_relative()) path = std::filesystem::path(data_->context->folder) / path;
  return path.lexically_normal().string();
}

std::vector<std::string> Node::strings() const {
  std::vector<std::string> out;
  for (const Node& node : items()) out.push_back(node.string());
  return out;
}

boost::json::value Node::json(bool substituted) const {
  if (!present()) return nullptr;
  if (is_list()) {
    boost::json::array out;
    out.reserve(size());
    for (const Node& node : items()) out.push_back(node.json(substituted));
    return out;
  }
  if (is_map()) {
    boost::json::object out;
    out.reserve(size());
    for (const std::string& key : keys()) out[key] = (*this)[key].json(substituted);
    return out;
  }
  const Tree& tree = *data_->tree;
  if (substituted && tree.text.find("${") != tree.text.npos) return boost::json::string(string());
  return tree.quoted ? boost::json::value(boost::json::string(tree.text)) : core_value(tree.text);
}

void Node::problem(std::string message) const {
  if (!data_) return;
  data_->context->report(data_->line, false, data_->path.empty() ? message : data_->path + ' ' + message);
}

void Node::warning(std::string message) const {
  if (!data_) return;
  data_->context->report(data_->line, true, data_->path.empty() ? message : data_->path + ' ' + message);
}

Node Document::parse(std::string_view text, std::string file, Problems& problems, const Environment& environment) {
  auto context = std::make_shared<DocumentContext>();
  std::error_code ec;  // without a current folder, relative paths stay relative
  const std::filesystem::path absolute = std::filesystem::absolute(std::filesystem::path(file), ec);
  context->folder = (ec ? std::filesystem::path(file) : absolute).parent_path().string();
  context->file = std::move(file);
  context->problems = &problems;
  context->environment = environment;
  auto data = std::make_shared<Node::Data>();
  data->context = context;
  data->line = 0;
  data->tree = read_yaml(text, [&](int line, std::string message) { context->report(line, false, message); });
  if (data->tree) {
    data->line = data->tree->line;
    report_duplicates(*data->tree, "", *context);
  }
  return Node(std::move(data));
}

Node Document::load(const std::string& file, Problems& problems, const Environment& environment) {
  const Result<std::string> text =
      read_file(file, yaml_bytes_max + 1);  // one more, so that parse says that it is too large
  if (text) return parse(*text, file, problems, environment);
  problems.add({file, 0}, text.error().message);
  return parse("", file, problems, environment);  // absent, and knows its file
}

}  // namespace chatrelay::config
