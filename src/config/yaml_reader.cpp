#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "common/text.hpp"
#include "config/tree.hpp"

namespace chatrelay::config {
namespace {

// Ends the reading: the problem is reported, what follows would only repeat it.
struct Stop {};

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == text.npos) return lines;
    text.remove_prefix(end + 1);
  }
}

// `{{ .a }}` as it should have been written.
std::string quoted_form(std::string_view value) {
  if (value.find('"') == value.npos && value.find('\\') == value.npos) return '"' + std::string(value) + '"';
  std::string out = "'";
  for (const char c : value) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

// The template that starts at `column` of a line, up to its closing braces; the rest of the line if they are not on it.
std::string_view template_at(std::string_view line, std::size_t column) {
  if (column >= line.size()) return {};
  const std::string_view rest = line.substr(column);
  const std::size_t end = rest.find("}}");
  return trim(end == rest.npos ? rest : rest.substr(0, end + 2));
}

std::string template_problem(std::string_view value) {
  return "a value that starts with {{ must be in quotes, since YAML reads braces as a map; write " + quoted_form(value);
}

class Reader final : public YAML::EventHandler {
 public:
  Reader(const std::vector<std::string_view>& lines, const ReportAt& report) : lines_(lines), report_(report) {}
  std::shared_ptr<const Tree> root() const { return root_; }
  // yaml-cpp takes a quote that is never closed for one that ends with the file, and so swallows all that follows. Only
  // the last scalar can be such a one.
  void check_last_quote() {
    if (!last_scalar_ || last_scalar_->line < 0 || static_cast<std::size_t>(last_scalar_->line) >= lines_.size())
      return;
    const auto first = static_cast<std::size_t>(last_scalar_->line);
    const auto column = static_cast<std::size_t>(last_scalar_->column);
    if (column >= lines_[first].size()) return;
    const char quote = lines_[first][column];
    if (quote != '"' && quote != '\'') return;
    for (std::size_t i = first; i < lines_.size(); ++i) {
      const std::string_view line = lines_[i];
      for (std::size_t at = i == first ? column + 1 : 0; at < line.size(); ++at) {
        if (quote == '"' && line[at] == '\\')
          ++at;
        else if (line[at] == quote && quote == '\'' && line.substr(at + 1, 1) == "'")
          ++at;
        else if (line[at] == quote)
          return;
      }
    }
    fail(*last_scalar_, "has a quote that is never closed");
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) fail(mark, "a second document (after ---) is not read; use one file for each");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finished(make(Tree::Kind::null, mark), anchor, mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const auto tree = make(Tree::Kind::scalar, mark);
    tree->text = value;
    last_scalar_ = mark;
    tree->quoted =
        tag != "?";  // yaml-cpp's tag of a plain scalar; quoted ones have "!", and explicit tags make strings here
    finished(tree, anchor, mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail(mark, "an alias (*name) cannot be used inside what it names");
    count(found->second->weight, mark);
    attach(found->second, mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Tree::Kind::list, mark, anchor, false);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Tree::Kind::map, mark, anchor, style == YAML::EmitterStyle::Flow);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    std::shared_ptr<Tree> tree;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    bool flow;
    bool have_key = false;
    bool is_template = false;  // {{ … }} without quotes
    Tree::Entry next;
  };

  [[noreturn]] void fail(const YAML::Mark& mark, std::string message) {
    report_(mark.line + 1, std::move(message));
    throw Stop{};
  }

  std::shared_ptr<Tree> make(Tree::Kind kind, const YAML::Mark& mark) {
    auto tree = std::make_shared<Tree>();
    tree->kind = kind;
    tree->line = mark.line + 1;
    count(1, mark);
    return tree;
  }

  void count(std::size_t weight, const YAML::Mark& mark) {
    nodes_ += weight;
    if (nodes_ > yaml_nodes_max) fail(mark, "holds more than " + std::to_string(yaml_nodes_max) + " values");
  }

  void open(Tree::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor, bool flow) {
    if (frames_.size() >= yaml_depth_max)
      fail(mark, "is nested deeper than " + std::to_string(yaml_depth_max) + " levels");
    frames_.push_back({make(kind, mark), anchor, mark, flow, false, false, {}});
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.is_template) {
      const auto line = static_cast<std::size_t>(frame.mark.line);
      const std::string_view value =
          template_at(line < lines_.size() ? lines_[line] : "", static_cast<std::size_t>(frame.mark.column));
      report_(frame.mark.line + 1, template_problem(value));
      *frame.tree = {};
      frame.tree->kind = Tree::Kind::scalar;
      frame.tree->line = frame.mark.line + 1;
      frame.tree->quoted = true;
      frame.tree->text = std::string(value);
    }
    finished(frame.tree, frame.anchor, frame.mark);
  }

  void finished(const std::shared_ptr<const Tree>& tree, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = tree;
    attach(tree, mark);
  }

  void attach(const std::shared_ptr<const Tree>& tree, const YAML::Mark& mark) {
    if (frames_.empty()) {
      root_ = tree;
      return;
    }
    Frame& frame = frames_.back();
    if (frame.tree->kind == Tree::Kind::map && !frame.have_key) return take_key(frame, *tree, mark);
    frame.tree->weight += tree->weight;
    frame.tree->depth = std::max(frame.tree->depth, tree->depth + 1);
    if (frames_.size() + tree->depth > yaml_depth_max)
      fail(mark, "is nested deeper than " + std::to_string(yaml_depth_max) + " levels");
    if (frame.tree->kind == Tree::Kind::list) {
      frame.tree->elements.push_back(tree);
      return;
    }
    frame.next.value = tree;
    frame.tree->entries.push_back(std::exchange(frame.next, {}));
    frame.have_key = false;
  }

  void take_key(Frame& frame, const Tree& tree, const YAML::Mark& mark) {
    frame.have_key = true;
    frame.next.line = mark.line + 1;
    if (tree.kind == Tree::Kind::scalar) {
      frame.next.key = tree.text;
    } else if (frame.flow && tree.kind == Tree::Kind::map && frame.tree->entries.empty() &&
               mark.line == frame.mark.line && mark.column == frame.mark.column + 1) {
      frame.is_template = true;
    } else {
      report_(mark.line + 1,
              tree.kind == Tree::Kind::null ? "a key is missing before the colon" : "a key must be plain text");
    }
  }

  const std::vector<std::string_view>& lines_;
  const ReportAt& report_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, std::shared_ptr<const Tree>> anchors_;
  std::shared_ptr<const Tree> root_;
  std::optional<YAML::Mark> last_scalar_;
  std::size_t nodes_ = 0;
};

// yaml-cpp stops silently at byte 4 and takes other control characters as they come; YAML allows neither.
bool check_characters(std::string_view text, const std::vector<std::string_view>& lines, const ReportAt& report) {
  if (text.size() > yaml_bytes_max) {
    report(0, "is larger than " + std::to_string(yaml_bytes_max >> 20) + " MiB");
    return false;
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto control = [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\t' && c != '\r') || byte == 0x7F;
    };
    if (std::any_of(lines[i].begin(), lines[i].end(), control)) {
      report(static_cast<int>(i) + 1, "holds a control character, which YAML does not allow");
      return false;
    }
    if (!is_valid_utf8(lines[i])) {
      report(static_cast<int>(i) + 1, "is not valid UTF-8");
      return false;
    }
  }
  return true;
}

// A template without quotes often is not even YAML ("{{ .a }} and more"). The nearest one at or above the error
// explains it.
bool report_template_above(const std::vector<std::string_view>& lines, std::size_t error_line, const ReportAt& report) {
  constexpr std::size_t lines_back_max = 20;
  const std::size_t last = std::min(error_line, lines.size() - 1);
  for (std::size_t back = 0; back <= std::min(last, lines_back_max); ++back) {
    const std::string_view line = lines[last - back];
    const std::size_t braces = line.find("{{");
    if (braces == line.npos) continue;
    const std::string_view before = trim(line.substr(0, braces));
    if (before.empty() ||
        (before.back() != ':' && before.back() != '-' && before.back() != ',' && before.back() != '['))
      continue;
    // The whole value must be in quotes, not only its first template.
    const std::size_t end = line.rfind("}}");
    std::string_view value = template_at(line, braces);
    if (before.back() == ':' || before.back() == '-') value = trim(line.substr(braces));
    if (end == line.npos) value = trim(line.substr(braces));
    report(static_cast<int>(last - back) + 1, template_problem(value));
    return true;
  }
  return false;
}

// Why a line may be no YAML: a tab in front of it, or {key: ${NAME}}: inside { } and [ ] a brace ends plain text.
std::string syntax_hint(const std::vector<std::string_view>& lines, std::size_t error_line) {
  if (error_line >= lines.size()) return {};
  const std::string_view line = lines[error_line];
  if (const std::string_view indent = line.substr(0, line.find_first_not_of(" \t")); indent.find('\t') != indent.npos)
    return "; the line is indented with a tab, YAML wants spaces";
  const std::size_t dollar = line.find("${");
  const bool in_flow = dollar != line.npos && line.substr(0, dollar).find_first_of("{[") != line.npos;
  return in_flow ? "; inside { } and [ ] write \"${NAME}\" in quotes" : "";
}

}  // namespace

std::shared_ptr<const Tree> read_yaml(std::string_view text, const ReportAt& report) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  const std::vector<std::string_view> lines = split_lines(text);
  if (!check_characters(text, lines, report)) return nullptr;
  Reader reader(lines, report);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(reader)) {
    }
    reader.check_last_quote();
    return reader.root();
  } catch (const Stop&) {
  } catch (const YAML::Exception& e) {
    const int line = std::max(e.mark.line, 0);
    if (!report_template_above(lines, static_cast<std::size_t>(line), report))
      report(line + 1, "is not valid YAML: " + e.msg + syntax_hint(lines, static_cast<std::size_t>(line)));
  } catch (const std::exception& e) {
    report(0, std::string("cannot be read as YAML: ") + e.what());
  }
  return nullptr;
}

}  // namespace chatrelay::config
