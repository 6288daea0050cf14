// Templates as an operator could write them, on an event as a visitor could make it. The input is the template, a NUL,
// and a text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "expression/template.hpp"

using namespace chatrelay;

// libjq 1.6 leaks some of its own values where it refuses a program or raises an error inside a builtin; those are not
// what is looked for here. That our side frees what it takes from libjq is checked by unit_expression.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libjq.so\n";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(input.find('\0'), input.size());
  config::Problems problems;
  expression::Limits limits;
  limits.time = Millis{50};
  limits.results_max = 100;
  expression::Builder builder({}, limits);
  const auto parsed = expression::Template::parse_text(input.substr(0, cut), {"fuzz.yaml", 1}, builder, problems);
  const auto program = builder.build(problems);
  if (!program || problems.has_errors()) return 0;
  boost::json::value event = {{"message", {{"text", std::string(input.substr(std::min(cut + 1, input.size())))}}},
                              {"n", 9007199254740993}};
  (void)parsed.render(*program, event, expression::Escape::html);
  (void)parsed.render_text(*program, event, expression::Escape::url);
  return 0;
}
