// Lexer: the words of a jq 1.6 expression. Follows libjq's own lexer (lexer.l), because checks that read the text
// otherwise than libjq does would be no checks. Strings with \( ) become a group of tokens, so what stands in them is
// checked too.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace chatrelay::expression {

enum class TokenKind {
  field,     // .name; text is the name
  name,      // a function, true, null, …
  keyword,   // if, as, reduce, …
  variable,  // $name; text is the name
  number,    // text as written
  string,    // without interpolation; text is the source with its quotes
  format,    // @base64; text is the name
  op,        // . .. | , // == …
  open,      // ( [ { and, in strings, the opening quote and \(
  close,     // ) ] } and the closing quote
};

struct Token {
  TokenKind kind;
  std::string text;
  std::size_t begin = 0;  // bytes of the expression
  std::size_t end = 0;

  bool is(TokenKind k, std::string_view t) const { return kind == k && text == t; }
  bool is_op(std::string_view t) const { return is(TokenKind::op, t); }
  bool is_open(std::string_view t) const { return is(TokenKind::open, t); }
  bool is_close(std::string_view t) const { return is(TokenKind::close, t); }
};

// Errors: invalid; brackets and quotes that do not pair are errors too, so that an expression cannot leave the
// parentheses that it is put in.
Result<std::vector<Token>> tokenize(std::string_view expression);

// Where the text of a template's expression ends: the offset of the first }} outside strings and brackets, counted from
// the start of `text`; npos if there is none.
std::size_t find_expression_end(std::string_view text);

}  // namespace chatrelay::expression
