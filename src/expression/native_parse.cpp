#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "expression/analysis.hpp"
#include "expression/native.hpp"
#include "expression/native_node.hpp"

namespace chatrelay::expression {
namespace {

using Node = std::unique_ptr<NativeNode>;

Node make(NativeKind kind, Node a = nullptr, Node b = nullptr, Node c = nullptr) {
  auto node = std::make_unique<NativeNode>(kind);
  node->a = std::move(a);
  node->b = std::move(b);
  node->c = std::move(c);
  return node;
}

Node literal(json::value value) {
  Node node = make(NativeKind::literal);
  node->value = std::move(value);
  return node;
}

// Precedence as in libjq's grammar, from loose to tight: | , // or and comparison + term. A null Node: not ours.
class Parser {
 public:
  Parser(const std::vector<Token>& tokens, std::string_view text) : tokens_(tokens), text_(text) {}

  Node run() {
    Node node = pipe();
    return at_ == tokens_.size() ? std::move(node) : nullptr;
  }

 private:
  static constexpr int depth_max = 64;  // Limit: deeper ones are left to libjq, whose parser does not recurse

  const Token* peek(std::size_t n = 0) const { return at_ + n < tokens_.size() ? &tokens_[at_ + n] : nullptr; }
  bool take_op(std::string_view op) { return take(TokenKind::op, op); }
  bool take(TokenKind kind, std::string_view text) {
    if (peek() == nullptr || !peek()->is(kind, text)) return false;
    ++at_;
    return true;
  }

  Node pipe() {
    if (++depth_ > depth_max) return nullptr;
    Node left = comma();
    if (left != nullptr && take_op("|")) {
      Node right = pipe();
      left = right == nullptr ? nullptr : make(NativeKind::pipe, std::move(left), std::move(right));
    }
    --depth_;
    return left;
  }

  Node comma() {
    Node left = alternative();
    while (left != nullptr && take_op(",")) {
      Node right = alternative();
      if (right == nullptr) return nullptr;
      left = make(NativeKind::comma, std::move(left), std::move(right));
    }
    return left;
  }

  Node alternative() {  // right associative
    if (++depth_ > depth_max) return nullptr;
    Node left = logical_or();
    if (left != nullptr && take_op("//")) {
      Node right = alternative();
      left = right == nullptr ? nullptr : make(NativeKind::alternative, std::move(left), std::move(right));
    }
    --depth_;
    return left;
  }

  Node logical_or() {
    Node left = logical_and();
    while (left != nullptr && take(TokenKind::keyword, "or")) {
      Node right = logical_and();
      if (right == nullptr) return nullptr;
      left = make(NativeKind::logical_or, std::move(left), std::move(right));
    }
    return left;
  }

  Node logical_and() {
    Node left = comparison();
    while (left != nullptr && take(TokenKind::keyword, "and")) {
      Node right = comparison();
      if (right == nullptr) return nullptr;
      left = make(NativeKind::logical_and, std::move(left), std::move(right));
    }
    return left;
  }

  Node comparison() {  // not associative: a second one is libjq's error to report
    static constexpr std::pair<std::string_view, NativeKind> kinds[] = {
        {"==", NativeKind::equal},      {"!=", NativeKind::not_equal}, {"<", NativeKind::less},
        {"<=", NativeKind::less_equal}, {">", NativeKind::greater},    {">=", NativeKind::greater_equal}};
    Node left = sum();
    if (left == nullptr) return nullptr;
    for (const auto& [text, kind] : kinds) {
      if (!take_op(text)) continue;
      Node right = sum();
      return right == nullptr ? nullptr : make(kind, std::move(left), std::move(right));
    }
    return left;
  }

  Node sum() {
    Node left = term();
    while (left != nullptr && take_op("+")) {
      Node right = term();
      if (right == nullptr) return nullptr;
      left = make(NativeKind::add, std::move(left), std::move(right));
    }
    return left;
  }

  Node term() {
    Node node = first();
    while (node != nullptr && peek() != nullptr) {
      if (peek()->kind == TokenKind::field) {
        node = index(std::move(node), literal(json::string(tokens_[at_++].text)));
      } else if (peek()->is_op(".") && peek(1) != nullptr && peek(1)->kind == TokenKind::string) {
        ++at_;
        node = index(std::move(node), string());
      } else if (peek()->is_open("[")) {
        ++at_;
        node = bracket(std::move(node));
      } else {
        break;
      }
    }
    return node;
  }

  Node first() {
    const Token* token = peek();
    if (token == nullptr) return nullptr;
    ++at_;
    switch (token->kind) {
      case TokenKind::field:
        return index(make(NativeKind::identity), literal(json::string(token->text)));
      case TokenKind::string:
        --at_;
        return string();
      case TokenKind::number:
        return number(token->text, false);
      case TokenKind::variable:
        return token->text == "tables" ? make(NativeKind::tables) : nullptr;
      case TokenKind::name:
        return call(token->text);
      case TokenKind::keyword:
        return token->text == "if" ? condition() : nullptr;
      case TokenKind::open:
        if (token->text == "(") {
          Node inner = pipe();
          return inner != nullptr && take(TokenKind::close, ")") ? std::move(inner) : nullptr;
        }
        if (token->text == "[") {
          if (take(TokenKind::close, "]")) return literal(json::array());
          Node inner = pipe();
          return inner != nullptr && take(TokenKind::close, "]") ? make(NativeKind::collect, std::move(inner))
                                                                 : nullptr;
        }
        return token->text == "\"" ? interpolation() : nullptr;
      case TokenKind::op:
        if (token->text == "." && peek() != nullptr && peek()->kind == TokenKind::string)
          return index(make(NativeKind::identity), string());
        if (token->text == ".") return make(NativeKind::identity);
        if (token->text == "-" && peek() != nullptr && peek()->kind == TokenKind::number)
          return number(tokens_[at_++].text, true);
        return nullptr;
      default:
        return nullptr;
    }
  }

  Node index(Node base, Node key) {
    if (base == nullptr || key == nullptr) return nullptr;
    Node node = make(NativeKind::index, std::move(base), std::move(key));
    node->optional = take_op("?");
    return node;
  }

  Node bracket(Node base) {
    if (take(TokenKind::close, "]")) {
      Node node = make(NativeKind::iterate, std::move(base));
      node->optional = take_op("?");
      return node;
    }
    Node key = pipe();
    if (key == nullptr || !take(TokenKind::close, "]")) return nullptr;
    // A key that comes from data could be an array or an object, which libjq takes for a search or a slice.
    const bool plain = key->kind == NativeKind::literal && !key->value.is_array() && !key->value.is_object();
    const bool look_up =
        base->kind == NativeKind::tables || (base->kind == NativeKind::index && base->a->kind == NativeKind::tables);
    if (!plain && !look_up) return nullptr;
    return index(std::move(base), std::move(key));
  }

  Node string() {
    std::string text;
    if (!string_token_value(tokens_[at_++], text)) return nullptr;
    return literal(json::string(text));
  }

  // Behind the opening quote of a string with \( ).
  Node interpolation() {
    Node node = make(NativeKind::interpolate);
    json::array& texts = node->value.emplace_array();
    std::size_t from = tokens_[at_ - 1].end;
    for (;;) {
      const Token* token = peek();
      if (token == nullptr || token->kind == TokenKind::format) return nullptr;
      Token between{TokenKind::string, "\"" + std::string(text_.substr(from, token->begin - from)) + "\"", 0, 0};
      std::string value;
      if (!string_token_value(between, value)) return nullptr;
      texts.emplace_back(json::string(value));
      ++at_;
      if (token->is_close("\"")) return node;
      Node part = pipe();
      if (part == nullptr || peek() == nullptr || !peek()->is_close(")")) return nullptr;
      from = tokens_[at_++].end;
      node->parts.push_back(std::move(part));
    }
  }

  Node number(const std::string& text, bool negative) {
    const std::string written = (negative ? "-" : "") + text;
    std::int64_t whole = 0;
    const char* end = written.data() + written.size();
    if (auto [at, error] = std::from_chars(written.data(), end, whole); error == std::errc() && at == end)
      return literal(whole);
    double value = 0;
    const auto [at, error] = std::from_chars(written.data(), end, value);
    if (error != std::errc() || at != end) return nullptr;
    return literal(value);
  }

  Node call(const std::string& name) {
    if (name == "true") return literal(true);
    if (name == "false") return literal(false);
    if (name == "null") return literal(nullptr);
    static constexpr struct {
      std::string_view name;
      bool argument;
      NativeFunction function;
    } known[] = {{"not", false, NativeFunction::logical_not},
                 {"empty", false, NativeFunction::empty},
                 {"length", false, NativeFunction::length},
                 {"tostring", false, NativeFunction::tostring},
                 {"type", false, NativeFunction::type},
                 {"ascii_downcase", false, NativeFunction::ascii_downcase},
                 {"ascii_upcase", false, NativeFunction::ascii_upcase},
                 {"select", true, NativeFunction::select},
                 {"startswith", true, NativeFunction::startswith},
                 {"endswith", true, NativeFunction::endswith}};
    for (const auto& entry : known) {
      if (entry.name != name) continue;
      Node argument;
      if (entry.argument) {
        if (!take(TokenKind::open, "(")) return nullptr;
        argument = pipe();
        if (argument == nullptr || !take(TokenKind::close, ")")) return nullptr;
      }
      Node node = make(NativeKind::call, std::move(argument));
      node->function = entry.function;
      return node;
    }
    return nullptr;
  }

  Node condition() {
    if (++depth_ > depth_max) return nullptr;
    Node test = pipe();
    if (test == nullptr || !take(TokenKind::keyword, "then")) return nullptr;
    Node yes = pipe();
    if (yes == nullptr) return nullptr;
    Node no;
    if (take(TokenKind::keyword, "elif")) {
      no = condition();
    } else if (take(TokenKind::keyword, "else")) {
      no = pipe();
      if (!take(TokenKind::keyword, "end")) return nullptr;
    }
    --depth_;
    return no == nullptr ? nullptr : make(NativeKind::condition, std::move(test), std::move(yes), std::move(no));
  }

  const std::vector<Token>& tokens_;
  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::shared_ptr<const Native> Native::parse(const std::vector<Token>& tokens, std::string_view text) {
  // Limit: evaluating goes a few calls deep for each token; libjq has its own stack for what is longer.
  constexpr std::size_t tokens_max = 256;
  if (tokens.size() > tokens_max) return nullptr;
  for (const Token& token : tokens)
    if (token.is(TokenKind::keyword, "def")) return nullptr;  // it may redefine what we know
  Node root = Parser(tokens, text).run();
  return root == nullptr ? nullptr : std::make_shared<const Native>(std::move(root));
}

}  // namespace chatrelay::expression
