#include "expression/lexer.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"

namespace chatrelay::expression {
namespace {

constexpr auto keywords =
    std::to_array<std::string_view>({"as", "import", "include", "module", "def", "if", "then", "else", "elif", "and",
                                     "or", "end", "reduce", "foreach", "try", "catch", "label", "break", "__loc__"});
// The longest first: libjq takes the longest match.
constexpr auto operators = std::to_array<std::string_view>(
    {"?//", "//=", "!=", "==", "//", "|=", "+=", "-=", "*=", "/=", "%=", "<=", ">=", "..", ".",
     "?",   "=",   ";",  ",",  ":",  "|",  "+",  "-",  "*",  "/",  "%",  "<",  ">",  "$"});

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name(char c) {
  return is_name_start(c) || is_digit(c);
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    while (error_.empty() && at_ < text_.size()) step();
    if (error_.empty() && !open_.empty()) {
      const Token& token = tokens_[open_.back()];
      error_ = (token.text == "\"" ? "the string that starts at byte " : "\"" + token.text + "\" at byte ") +
               std::to_string(token.begin + 1) + " is never closed";
    }
    if (!error_.empty()) return invalid(error_);
    return std::move(tokens_);
  }

 private:
  void add(TokenKind kind, std::string text, std::size_t begin) {
    tokens_.push_back({kind, std::move(text), begin, at_});
  }

  void step() {
    if (!open_.empty() && tokens_[open_.back()].text == "\"") return string_part();
    const char c = text_[at_];
    const std::size_t begin = at_;
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '"') {
      string();
    } else if (c == '@' && at_ + 1 < text_.size() && is_name(text_[at_ + 1])) {
      ++at_;
      while (at_ < text_.size() && is_name(text_[at_])) ++at_;
      add(TokenKind::format, std::string(text_.substr(begin + 1, at_ - begin - 1)), begin);
    } else if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
      number();
    } else if (c == '.' && at_ + 1 < text_.size() && is_name_start(text_[at_ + 1])) {
      ++at_;
      while (at_ < text_.size() && is_name(text_[at_])) ++at_;
      add(TokenKind::field, std::string(text_.substr(begin + 1, at_ - begin - 1)), begin);
    } else if (is_name_start(c)) {
      name();
    } else if (c == '(' || c == '[' || c == '{') {
      ++at_;
      open_.push_back(tokens_.size());
      add(TokenKind::open, std::string(1, c), begin);
    } else if (c == ')' || c == ']' || c == '}') {
      close(c);
    } else {
      op();
    }
  }

  void name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (text_.substr(at_).starts_with("::")) {
      error_ = "names of modules (\"" + std::string(text_.substr(begin, at_ - begin)) + "::\") are not available";
      return;
    }
    std::string word(text_.substr(begin, at_ - begin));
    if (!tokens_.empty() && tokens_.back().is_op("$")) {  // "$ name" is allowed
      const std::size_t dollar = tokens_.back().begin;
      tokens_.pop_back();
      return add(TokenKind::variable, std::move(word), dollar);
    }
    const bool keyword = std::find(keywords.begin(), keywords.end(), word) != keywords.end();
    add(keyword ? TokenKind::keyword : TokenKind::name, std::move(word), begin);
  }

  void number() {
    const std::size_t begin = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      return at_ - from;
    };
    digits();
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      digits();
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      std::size_t next = at_ + 1;
      if (next < text_.size() && (text_[next] == '+' || text_[next] == '-')) ++next;
      if (next < text_.size() && is_digit(text_[next])) {
        at_ = next;
        digits();
      }
    }
    if (at_ < text_.size() && (text_[at_] == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])))
      error_ = "\"" + std::string(text_.substr(begin, at_ + 2 - begin)) + "…\" is not a number";
    else
      add(TokenKind::number, std::string(text_.substr(begin, at_ - begin)), begin);
  }

  // A string without interpolation is one token; otherwise its quotes are brackets.
  void string() {
    const std::size_t begin = at_;
    std::size_t i = at_ + 1;
    while (i < text_.size() && text_[i] != '"') {
      if (text_[i] == '\\') {
        if (i + 1 < text_.size() && text_[i + 1] == '(') break;
        ++i;
      }
      ++i;
    }
    if (i < text_.size() && text_[i] == '"') {
      at_ = i + 1;
      return add(TokenKind::string, std::string(text_.substr(begin, at_ - begin)), begin);
    }
    ++at_;
    open_.push_back(tokens_.size());
    add(TokenKind::open, "\"", begin);
  }

  // Within a string that holds \( ).
  void string_part() {
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      const char c = text_[at_++];
      if (c == '"') {
        open_.pop_back();
        return add(TokenKind::close, "\"", begin);
      }
      if (c != '\\' || at_ == text_.size()) continue;
      if (text_[at_++] != '(') continue;
      open_.push_back(tokens_.size());
      return add(TokenKind::open, "\\(", begin);
    }
  }

  void close(char c) {
    const std::size_t begin = at_++;
    const std::string_view wanted = open_.empty() ? std::string_view() : std::string_view(tokens_[open_.back()].text);
    const bool pairs =
        (c == ')' && (wanted == "(" || wanted == "\\(")) || (c == ']' && wanted == "[") || (c == '}' && wanted == "{");
    if (!pairs) {
      error_ = "\"" + std::string(1, c) + "\" at byte " + std::to_string(begin + 1) + " closes nothing";
      return;
    }
    open_.pop_back();
    add(TokenKind::close, std::string(1, c), begin);
  }

  void op() {
    const std::string_view rest = text_.substr(at_);
    for (const std::string_view candidate : operators) {
      if (!rest.starts_with(candidate)) continue;
      const std::size_t begin = at_;
      at_ += candidate.size();
      return add(TokenKind::op, std::string(candidate), begin);
    }
    error_ = "unexpected " + printable(truncate_utf8(rest, 4), 20) + " at byte " + std::to_string(at_ + 1);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
  std::vector<std::size_t> open_;  // indexes of the open tokens that wait for their partner
  std::string error_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view expression) {
  return Lexer(expression).run();
}

std::size_t find_expression_end(std::string_view text) {
  // One character a level: ( [ { as they are, " for a string, \ for an interpolation within one.
  std::string open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!open.empty() && open.back() == '"') {
      if (c == '"')
        open.pop_back();
      else if (c == '\\' && ++i < text.size() && text[i] == '(')
        open.push_back('\\');
    } else if (c == '"' || c == '(' || c == '[' || c == '{') {
      open.push_back(c);
    } else if (open.empty() && text.substr(i).starts_with("}}")) {
      return i;
    } else if (c == ')' || c == ']' || c == '}') {
      if (!open.empty()) open.pop_back();  // whether it is the right one is the lexer's question
    } else if (c == '#') {
      while (i + 1 < text.size() && text[i + 1] != '\n' && !(open.empty() && text.substr(i + 1).starts_with("}}"))) ++i;
    }
  }
  return std::string_view::npos;
}

}  // namespace chatrelay::expression
