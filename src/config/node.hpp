// Node: a typed view of a YAML document that knows file and line of everything. yaml-cpp lives behind this file only.
//
// Reading never throws and never stops at the first problem: what is wrong is added to Problems, a usable default comes
// back, and reading goes on, so that an operator sees all problems at once.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "common/error.hpp"
#include "common/secret.hpp"
#include "common/units.hpp"

namespace chatrelay::config {

struct Location {
  std::string file;
  int line = 0;                   // from 1; 0: the file as a whole
  std::string to_string() const;  // "file:line"
};

struct Problem {
  Location where;
  std::string message;
  bool warning = false;
};

class Problems {
 public:
  void add(const Location& where, std::string message) { list_.push_back({where, std::move(message), false}); }
  void warn(const Location& where, std::string message) { list_.push_back({where, std::move(message), true}); }
  bool has_errors() const;
  const std::vector<Problem>& list() const { return list_; }
  std::string to_string() const;  // one "file:line: message" a line, errors and warnings in file order
  void append(const Problems& other);

 private:
  std::vector<Problem> list_;
};

// Where ${NAME} and ${file:PATH} come from; tests hand in their own.
struct Environment {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  std::function<Result<std::string>(const std::string& path)> file;  // trailing newline already removed
  static Environment process();
};

class Node {
 public:
  Node() = default;  // absent

  bool present() const;  // there, and not null
  explicit operator bool() const { return present(); }
  bool is_map() const;
  bool is_list() const;
  bool is_scalar() const;
  bool is_quoted() const;    // a scalar written in quotes (or block style)
  Location where() const;    // of an absent node: its parent's
  std::string path() const;  // "sources.livechat.secrets[0]", for messages

  // Members. operator[] of something that is not there gives an absent node.
  Node operator[](std::string_view key) const;
  Node at(std::size_t index) const;
  std::size_t size() const;
  std::vector<std::string> keys() const;  // in file order
  std::vector<Node> items() const;        // of a list; a scalar or map counts as a list of one; absent: empty
  // Every key outside `known` is a problem that names the nearest known key.
  void only(std::initializer_list<std::string_view> known) const;
  void only(const std::vector<std::string>& known) const;

  // Scalars. ${…} is replaced here. A missing value gives the fallback; a wrong one a problem and the fallback.
  std::string string(std::string_view fallback = {}) const;
  std::string required_string() const;  // absent or empty is a problem
  Secret secret() const;                // registers with the Redactor; a literal (no ${…}) is a warning in check
  bool boolean(bool fallback) const;
  std::int64_t integer(std::int64_t fallback, std::int64_t min, std::int64_t max) const;
  double number(double fallback) const;
  Millis duration(Millis fallback) const;
  std::uint64_t size_bytes(std::uint64_t fallback) const;
  std::optional<Rate> rate() const;
  std::string path_value(
      std::string_view fallback = {}) const;  // a file path, taken from the file that names it if relative
  std::vector<std::string> strings() const;   // a list of strings, or one
  template <class T>
  T one_of(std::initializer_list<std::pair<std::string_view, T>> choices, T fallback) const {
    if (!present()) return fallback;
    const std::string text = string();
    for (const auto& [name, value] : choices)
      if (name == text) return value;
    std::string names;
    for (const auto& choice : choices) names += (names.empty() ? "" : ", ") + std::string(choice.first);
    problem("is " + shown() + "; it must be one of: " + names);
    return fallback;
  }
  // The value as JSON, plain scalars typed by YAML 1.2's core schema (yes/no stay strings), ${…} replaced if asked;
  // what held a
  // ${…} stays a string, so that a token of digits is not made a number.
  // Template text must not be touched by ${…}: rules pass false.
  boost::json::value json(bool substitute) const;

  // The scalar as the file has it, in quotes and printable, for messages: ${…} is not replaced, so no secret shows.
  std::string shown() const;
  void problem(std::string message) const;  // "path message" at this node's place
  void warning(std::string message) const;

 private:
  friend class Document;
  struct Data;
  explicit Node(std::shared_ptr<const Data> data);
  template <class T>
  T parsed(Result<T> (*parse)(std::string_view), T fallback) const;
  std::shared_ptr<const Data> data_;
};

class Document {
 public:
  // Lifetime: problems must outlive the document's nodes. A syntax error, a duplicate key, an anchor bomb (Limit:
  // 100,000 nodes, depth 64, 4 MiB) is a problem, and the root is absent. A value that starts with {{ without quotes
  // (YAML reads it as a map in a map) gets a problem that shows the quoted form.
  static Node parse(std::string_view text, std::string file, Problems& problems, const Environment& environment);
  static Node load(const std::string& file, Problems& problems, const Environment& environment);
};

}  // namespace chatrelay::config
