#include "expression/analysis.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <set>

#include <boost/json.hpp>

#include "common/text.hpp"
#include "expression/builtins.hpp"

namespace chatrelay::expression {
namespace {

constexpr auto formats =
    std::to_array<std::string_view>({"text", "json", "html", "uri", "csv", "tsv", "sh", "base64", "base64d", "base32"});

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names) {
  const std::string_view near = nearest(word, names.data(), names.size());
  return near.empty() ? std::string() : "; did you mean " + std::string(near) + "?";
}

// Names and variables that the expression itself defines. Scopes are not followed: what is used outside its scope is
// found when everything is compiled, and the forbidden builtins are hidden there too.
struct Definitions {
  std::set<std::string, std::less<>> functions;
  std::set<std::string, std::less<>> variables{"tables"};
};

Definitions definitions_of(const std::vector<Token>& tokens) {
  Definitions found;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i].is(TokenKind::keyword, "def")) {
      found.functions.insert(tokens[i + 1].text);
      for (std::size_t j = i + 3;
           i + 2 < tokens.size() && tokens[i + 2].is_open("(") && j < tokens.size() && !tokens[j].is_close(")"); ++j) {
        if (tokens[j].is_op(";")) continue;
        if (tokens[j].kind == TokenKind::variable) found.variables.insert(tokens[j].text);
        found.functions.insert(tokens[j].text);
      }
    } else if (tokens[i].is(TokenKind::keyword, "label")) {
      found.variables.insert(tokens[i + 1].text);
    } else if (tokens[i].is(TokenKind::keyword, "as")) {
      int depth = 0;
      for (std::size_t j = i + 1; j < tokens.size(); ++j) {
        if (depth == 0 && (tokens[j].is_op("|") || tokens[j].is_open("("))) break;
        if (tokens[j].kind == TokenKind::open) ++depth;
        if (tokens[j].kind == TokenKind::close && --depth < 0) break;
        if (tokens[j].kind == TokenKind::variable) found.variables.insert(tokens[j].text);
      }
    }
  }
  return found;
}

// {name: …} and {name}: a key, not a function.
std::vector<bool> object_keys(const std::vector<Token>& tokens) {
  std::vector<bool> keys(tokens.size(), false);
  std::vector<std::string_view> open;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == TokenKind::open) {
      open.push_back(token.text);
    } else if (token.kind == TokenKind::close) {
      open.pop_back();
    } else if (!open.empty() && open.back() == "{" && i > 0 &&
               (tokens[i - 1].is_open("{") || tokens[i - 1].is_op(","))) {
      keys[i] = token.kind == TokenKind::name || token.kind == TokenKind::keyword;
    }
  }
  return keys;
}

std::size_t arity_at(const std::vector<Token>& tokens, std::size_t name) {
  if (name + 1 >= tokens.size() || !tokens[name + 1].is_open("(")) return 0;
  std::size_t arity = 1;
  int depth = 0;
  for (std::size_t i = name + 1; i < tokens.size(); ++i) {
    if (tokens[i].kind == TokenKind::open) ++depth;
    if (tokens[i].kind == TokenKind::close && --depth == 0) break;
    if (depth == 1 && tokens[i].is_op(";")) ++arity;
  }
  return arity;
}

std::string check_function(const std::vector<Token>& tokens, std::size_t i, const Definitions& own) {
  const std::string& name = tokens[i].text;
  if (own.functions.contains(name)) return {};
  if (const std::string_view why = why_forbidden(name); !why.empty())
    return name + " is not available: it " + std::string(why) + ", so that a replay could not give the same result";
  const std::size_t arity = arity_at(tokens, i);
  if (is_builtin(name, arity)) return {};
  const auto& names = builtin_names();
  if (std::ranges::binary_search(names, std::string_view(name)))
    return name + " is not defined for " + std::to_string(arity) + (arity == 1 ? " argument" : " arguments");
  return name + " is not defined" + did_you_mean(name, names);
}

std::string check_variable(const std::string& name, const Definitions& own) {
  if (own.variables.contains(name)) return {};
  if (name == "ENV") return "$ENV is not available: it reads the environment";
  std::vector<std::string_view> names(own.variables.begin(), own.variables.end());
  return "$" + name + " is not defined" + (names.size() == 1 ? "; rules have $tables" : did_you_mean(name, names));
}

std::string check_token(const std::vector<Token>& tokens, std::size_t i, const Definitions& own) {
  const Token& token = tokens[i];
  switch (token.kind) {
    case TokenKind::keyword:
      if (token.text == "import" || token.text == "include" || token.text == "module")
        return token.text + " is not available: it reads files";
      if (token.text == "__loc__") return "$__loc__ is not available";
      return {};
    case TokenKind::name:
      if (i > 0 && tokens[i - 1].is(TokenKind::keyword, "def")) return {};
      return check_function(tokens, i, own);
    case TokenKind::variable:
      return check_variable(token.text, own);
    case TokenKind::format:
      if (std::ranges::find(formats, token.text) != formats.end()) return {};
      return "@" + token.text + " is not a format" + did_you_mean(token.text, {formats.begin(), formats.end()});
    default:
      return {};
  }
}

bool ends_term(const Token& token) {
  return token.kind == TokenKind::close || token.kind == TokenKind::field || token.kind == TokenKind::name ||
         token.kind == TokenKind::variable || token.kind == TokenKind::string || token.kind == TokenKind::number ||
         token.kind == TokenKind::format || token.is_op("?") || token.is_op(".") || token.is(TokenKind::keyword, "end");
}

// Functions whose result does not hold what they were given: their arguments may read the input, they themselves do
// not.
bool ignores_input(std::string_view name) {
  static constexpr auto names =
      std::to_array<std::string_view>({"true", "false", "null", "not", "empty", "error", "range", "limit", "first",
                                       "last", "any", "all", "isempty", "nan", "infinite"});
  return std::ranges::find(names, name) != names.end();
}

// Functions whose arguments see what they themselves were given, as it is.
bool passes_input(std::string_view name) {
  static constexpr auto names = std::to_array<std::string_view>(
      {"select", "first", "last", "isempty", "error", "range", "test", "startswith", "endswith", "contains", "inside",
       "index", "rindex", "split", "join", "ltrimstr", "rtrimstr", "has", "matches_page"});
  return std::ranges::find(names, name) != names.end();
}

bool is_assignment(const Token& token) {
  return token.kind == TokenKind::op && token.text.size() <= 3 && token.text.ends_with("=") && token.text != "==" &&
         token.text != "!=" && token.text != "<=" && token.text != ">=";
}

// Whether nothing in it gives `.` another meaning in a way that Reads does not follow, or makes members of the input.
bool is_plain(const std::vector<Token>& tokens, const std::vector<bool>& keys) {
  static constexpr auto others = std::to_array<std::string_view>({"def", "reduce", "foreach", "catch"});
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_assignment(tokens[i])) return false;
    if (tokens[i].kind == TokenKind::keyword && !keys[i] && std::ranges::find(others, tokens[i].text) != others.end())
      return false;
  }
  return true;
}

// Follows which tokens see the expression's own input. After a `|` the rest of its group sees what the part before it
// gave, and that part was looked at already; so `.message.text | test("x")` reads `message` alone.
class Reads {
 public:
  Reads(const std::vector<Token>& tokens, const std::vector<bool>& keys, Analysis& out)
      : tokens_(tokens), keys_(keys), out_(out), plain_(is_plain(tokens, keys)) {}

  void run() {
    groups_.push_back({});
    for (std::size_t i = 0; i < tokens_.size(); ++i) step(i);
    std::ranges::sort(out_.roots);
    out_.roots.erase(std::unique(out_.roots.begin(), out_.roots.end()), out_.roots.end());
  }

 private:
  struct Group {
    std::string_view open;
    bool base = false;      // piped when it began
    bool piped = false;     // tokens here do not see the input
    bool binding = false;   // between `as` or `label` and its |
    bool argument = false;  // of a function that may give it anything
  };

  void step(std::size_t i) {
    const Token& token = tokens_[i];
    Group& group = groups_.back();
    if (token.kind == TokenKind::open) {
      group.binding = group.binding && !token.is_open("(");
      const bool argument =
          token.is_open("(") && i > 0 && tokens_[i - 1].kind == TokenKind::name && !passes_input(tokens_[i - 1].text);
      groups_.push_back({token.text, group.piped, group.piped, false, group.argument || argument});
    } else if (token.kind == TokenKind::close) {
      groups_.pop_back();
    } else if (token.kind == TokenKind::keyword && !keys_[i]) {
      keyword(token);
    } else if (token.is_op("|")) {
      if (!group.binding) group.piped = true;
      group.binding = false;
    } else if ((token.is_op(",") && group.open == "{") || token.is_op(";")) {
      group.piped = group.base;
    } else if (!group.piped) {
      read(i);
    }
  }

  void keyword(const Token& token) {
    Group& group = groups_.back();
    if (token.text == "as" || token.text == "label") group.binding = true;
    if (token.text == "def") out_.whole = true;
    if (token.text == "if") groups_.push_back({"if", group.piped, group.piped, false, group.argument});
    if (token.text == "then" || token.text == "elif" || token.text == "else") group.piped = group.base;
    if (token.text == "end" && group.open == "if") groups_.pop_back();
  }

  void read(std::size_t i) {
    const Token& token = tokens_[i];
    const bool continues = i > 0 && ends_term(tokens_[i - 1]);
    if (token.kind == TokenKind::field) {
      if (!continues) root(token.text, i);
    } else if (keys_[i]) {
      if (i + 1 < tokens_.size() && !tokens_[i + 1].is_op(":")) root(token.text, i);  // {links}
    } else if (token.kind == TokenKind::string && i > 0 && (tokens_[i - 1].is_open("{") || tokens_[i - 1].is_op(","))) {
      std::string key;  // {"links"}; elsewhere a string of that name does no harm
      if (string_token_value(token, key) && groups_.back().open == "{") out_.roots.push_back(key);
    } else if (token.is_op("..")) {
      out_.whole = true;
    } else if (token.is_op(".") && !continues) {
      dot(i);
    } else if (is_assignment(token)) {
      out_.whole = true;  // an assignment gives its whole input back
    } else if (token.kind == TokenKind::name && token.text == "matches_page") {
      out_.roots.emplace_back("visitor");  // of an event it reads .visitor.page.url alone
    } else if (token.kind == TokenKind::name && !ignores_input(token.text)) {
      out_.whole = true;
    } else if (token.kind == TokenKind::format &&
               (i + 1 == tokens_.size() ||
                !(tokens_[i + 1].is_open("\"") || tokens_[i + 1].kind == TokenKind::string))) {
      out_.whole = true;
    }
  }

  const Token* at(std::size_t i) const { return i < tokens_.size() ? &tokens_[i] : nullptr; }

  // The key that stands at `i` as ."key" or ["key"], and where it ends; i if there is none.
  std::size_t quoted_key(std::size_t i, std::string& key) const {
    const auto is_key = [&](std::size_t n) {
      return at(n) != nullptr && at(n)->kind == TokenKind::string && string_token_value(*at(n), key);
    };
    if (at(i) != nullptr && at(i)->is_op(".") && is_key(i + 1)) return i + 2;
    if (at(i) != nullptr && at(i)->is_open("[") && at(i + 2) != nullptr && at(i + 2)->is_close("]") && is_key(i + 1))
      return i + 3;
    return i;
  }

  // `."key"` and `.["key"]` name a key; any other `.` is the whole input.
  void dot(std::size_t i) {
    std::string key;
    if (quoted_key(i, key) != i || quoted_key(i + 1, key) != i + 1) return root(key, i);
    out_.whole = true;
  }

  // The input's own key, read by what begins at the token `i`.
  void root(const std::string& key, std::size_t i) {
    out_.roots.push_back(key);
    if (!plain_ || groups_.back().argument) return;
    std::vector<std::string> path{key};
    for (std::size_t next = behind_key(i); next < tokens_.size() && !keys_[i];) {
      if (tokens_[next].is_op("?")) {
        ++next;
      } else if (tokens_[next].kind == TokenKind::field) {
        path.push_back(tokens_[next++].text);
      } else if (const std::size_t end = quoted_key(next, path.emplace_back()); end != next) {
        next = end;
      } else {
        path.pop_back();
        break;
      }
    }
    out_.paths.push_back(std::move(path));
  }

  std::size_t behind_key(std::size_t i) const {
    if (tokens_[i].kind == TokenKind::field) return i + 1;
    std::string key;
    const std::size_t end = quoted_key(i, key);
    return end != i ? end : quoted_key(i + 1, key);
  }

  const std::vector<Token>& tokens_;
  const std::vector<bool>& keys_;
  Analysis& out_;
  const bool plain_;
  std::vector<Group> groups_;
};

// libjq keeps every number as a double.
std::string rounding_warning(const std::vector<Token>& tokens) {
  for (const Token& token : tokens) {
    if (token.kind != TokenKind::number || token.text.find_first_of(".eE") != std::string::npos ||
        token.text.size() < 16)
      continue;
    if (token.text.size() > 16 || std::strtoull(token.text.c_str(), nullptr, 10) > (1ULL << 53))
      return "the number " + token.text + " is beyond 2^53 and may be rounded";
  }
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (!tokens[i].is(TokenKind::field, "raw")) continue;
    std::size_t last = i;
    while (last + 1 < tokens.size() && tokens[last + 1].kind == TokenKind::field) ++last;
    if (last > i && (tokens[last].text == "id" || tokens[last].text.ends_with("_id")))
      return "an id that is a number beyond 2^53 is rounded here; only a plain path such as .raw." + tokens[last].text +
             " keeps it exact";
  }
  return {};
}

}  // namespace

bool string_token_value(const Token& token, std::string& value) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(token.text, error);
  if (error || !parsed.is_string()) return false;
  value = parsed.get_string();
  return true;
}

Result<Analysis> analyse(std::string_view expression) {
  constexpr std::size_t bytes_max =
      8 * 1024;  // Limit: one expression; libjq's compiler is quadratic (64 KiB take a minute)
  if (expression.size() > bytes_max) return invalid("is longer than 8 KiB");
  if (expression.find('\0') != std::string_view::npos || !is_valid_utf8(expression))
    return invalid("is not valid text");
  auto tokens = tokenize(expression);
  if (!tokens) return tokens.error();
  if (tokens->empty()) return invalid("is empty");
  Analysis analysis;
  analysis.tokens = std::move(*tokens);
  const Definitions own = definitions_of(analysis.tokens);
  const std::vector<bool> keys = object_keys(analysis.tokens);
  for (std::size_t i = 0; i < analysis.tokens.size(); ++i) {
    if (keys[i]) continue;
    if (std::string problem = check_token(analysis.tokens, i, own); !problem.empty())
      return invalid(std::move(problem));
  }
  Reads(analysis.tokens, keys, analysis).run();
  analysis.warning = rounding_warning(analysis.tokens);
  return analysis;
}

}  // namespace chatrelay::expression
