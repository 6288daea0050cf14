#include "destinations/connector/batch_results.hpp"

#include <map>
#include <string>

#include "destinations/connector/body_encoding.hpp"

namespace chatrelay::destinations::connector {

namespace {

using Results = std::vector<const json::value*>;

// Numbers and texts alike: a service may write an id in either form. nullopt: none.
std::optional<std::string> key_of(expression::ExpressionId expression, const json::value& value,
                                  expression::Program& program) {
  const auto key = program.first(expression, value);
  if (!key || !*key) return std::nullopt;
  std::optional<std::string> text = scalar_text(**key);
  if (text && text->empty()) return std::nullopt;
  return text;
}

Results in_order(const json::array& items, const json::array& results) {
  Results found(items.size(), nullptr);
  if (results.size() != items.size()) return found;
  for (std::size_t i = 0; i < items.size(); ++i) found[i] = &results[i];
  return found;
}

Results by_key(const json::array& items, const json::array& results, const Batch::Match& match,
               expression::Program& program) {
  struct Same {
    Results all;
    std::size_t next = 0;
  };
  std::map<std::string, Same> by_key;
  for (const json::value& result : results)
    if (const auto key = key_of(match.result, result, program)) by_key[*key].all.push_back(&result);
  Results found(items.size(), nullptr);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto key = key_of(match.item, items[i], program);
    const auto same = key ? by_key.find(*key) : by_key.end();
    if (same == by_key.end()) continue;
    Same& named = same->second;
    found[i] = named.all[named.next];
    if (named.next + 1 < named.all.size()) ++named.next;
  }
  return found;
}

}  // namespace

Results results_of(const json::array& items, const json::value& results, const std::optional<Batch::Match>& match,
                   expression::Program& program) {
  const json::array* list = results.if_array();
  if (list == nullptr) return Results(items.size(), nullptr);
  return match ? by_key(items, *list, *match, program) : in_order(items, *list);
}

}  // namespace chatrelay::destinations::connector
