#include <algorithm>
#include <unordered_map>
#include <utility>

#include "common/assert.hpp"
#include "common/text.hpp"
#include "expression/analysis.hpp"
#include "expression/compare.hpp"
#include "expression/expression.hpp"
#include "expression/jq_program.hpp"
#include "expression/native.hpp"

namespace chatrelay::expression {
namespace {

struct Entry {
  std::string text;
  config::Location where;
  std::vector<std::string> roots;
  std::vector<std::vector<std::string>> paths;
  bool whole = false;
  std::shared_ptr<const Native> native;
  std::size_t jq = 0;  // its place in the JqProgram, if it is not native
};

// Of what is native: whether it makes doubles of numbers, as libjq does.
bool may_round(const std::vector<Token>& tokens) {
  return std::ranges::any_of(
      tokens, [](const Token& t) { return t.is_op("+") || t.is_open("\"") || t.is(TokenKind::name, "tostring"); });
}

}  // namespace

struct Builder::Data {
  json::object tables;
  Limits limits;
  std::vector<Entry> entries;
  std::vector<ExpressionId> for_jq;                        // by place; the same text is compiled once
  std::unordered_map<std::string, std::size_t> jq_places;  // by text
  bool refused = false;
};

namespace {

class CompiledProgram final : public Program {
 public:
  CompiledProgram(std::vector<Entry> entries, json::object tables, Limits limits, std::unique_ptr<JqProgram> jq)
      : entries_(std::move(entries)), tables_(std::move(tables)), limits_(limits), jq_(std::move(jq)) {}

  Result<std::vector<json::value>> evaluate(ExpressionId id, const json::value& input) override {
    return run(id, input, 0);
  }

  Result<std::optional<json::value>> first(ExpressionId id, const json::value& input) override {
    auto results = run(id, input, 1);
    if (!results) return results.error();
    if (results->empty()) return std::optional<json::value>();
    return std::optional<json::value>(std::move(results->front()));
  }

  const std::string& text(ExpressionId id) const override { return entry(id).text; }

 private:
  const Entry& entry(ExpressionId id) const {
    CHATRELAY_ASSERT(id < entries_.size(), "an expression id belongs to the program that was built with it");
    return entries_[id];
  }

  Result<std::vector<json::value>> run(ExpressionId id, const json::value& input, std::size_t wanted) {
    const Entry& e = entry(id);
    return e.native != nullptr ? e.native->evaluate(input, tables_, limits_, wanted) : jq_->run(e.jq, input, wanted);
  }

  const std::vector<Entry> entries_;
  const json::value tables_;
  const Limits limits_;
  const std::unique_ptr<JqProgram> jq_;
};

}  // namespace

Result<bool> Program::holds(ExpressionId id, const json::value& input) {
  const auto result = first(id, input);
  if (!result) return result.error();
  return result->has_value() && truthy(**result);
}

Builder::Builder(json::object tables, Limits limits) : data_(std::make_unique<Data>()) {
  data_->tables = std::move(tables);
  data_->limits = limits;
}
Builder::~Builder() = default;
Builder::Builder(Builder&&) noexcept = default;
Builder& Builder::operator=(Builder&&) noexcept = default;

ExpressionId Builder::add(std::string_view expression, const config::Location& where, config::Problems& problems) {
  Entry entry;
  entry.text = std::string(trim(expression));
  entry.where = where;
  const ExpressionId id = data_->entries.size();
  const std::string shown = entry.text.empty() ? std::string("the expression ") : "\"" + printable(entry.text) + "\": ";
  if (auto analysis = analyse(entry.text); !analysis) {
    problems.add(where, shown + analysis.error().message);
    data_->refused = true;
    entry.whole = true;
  } else {
    entry.roots = std::move(analysis->roots);
    entry.paths = std::move(analysis->paths);
    entry.whole = analysis->whole;
    entry.native = Native::parse(analysis->tokens, entry.text);
    if (!analysis->warning.empty() && (entry.native == nullptr || may_round(analysis->tokens)))
      problems.warn(where, shown + analysis->warning);
    if (entry.native == nullptr) {
      const auto [place, added] = data_->jq_places.try_emplace(entry.text, data_->for_jq.size());
      if (added) data_->for_jq.push_back(id);
      entry.jq = place->second;
    }
  }
  data_->entries.push_back(std::move(entry));
  return id;
}

std::size_t Builder::size() const {
  return data_->entries.size();
}

bool Builder::mentions(ExpressionId id, std::string_view key) const {
  return data_->entries.at(id).whole || names(id, key);
}

bool Builder::names(ExpressionId id, std::string_view key) const {
  const std::vector<std::string>& roots = data_->entries.at(id).roots;
  return std::ranges::find(roots, key) != roots.end();
}

const std::vector<std::vector<std::string>>& Builder::paths(ExpressionId id) const {
  return data_->entries.at(id).paths;
}

const config::Location& Builder::where(ExpressionId id) const {
  return data_->entries.at(id).where;
}

const std::string& Builder::text(ExpressionId id) const {
  return data_->entries.at(id).text;
}

std::unique_ptr<Program> Builder::build(config::Problems& problems) const {
  if (data_->refused) return nullptr;
  std::unique_ptr<JqProgram> jq;
  if (!data_->for_jq.empty()) {
    std::vector<JqSource> sources;
    for (const ExpressionId id : data_->for_jq) {
      const Entry& entry = data_->entries[id];
      sources.push_back({{entry.text, entry.where}, entry.roots, entry.whole});
    }
    jq = JqProgram::compile(std::move(sources), data_->tables, data_->limits, problems);
    if (jq == nullptr) return nullptr;
  }
  return std::make_unique<CompiledProgram>(data_->entries, data_->tables, data_->limits, std::move(jq));
}

}  // namespace chatrelay::expression
