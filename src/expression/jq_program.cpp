#include "expression/jq_program.hpp"

#include <optional>
#include <utility>

#include "common/assert.hpp"
#include "common/text.hpp"
#include "expression/builtins.hpp"
#include "expression/functions.hpp"
#include "expression/safe_builtins.hpp"

namespace chatrelay::expression {
namespace {

// An expression's place in its program is given as bits: `if $bit` is two instructions, where `if $i < n` is a dozen
// that the compiler has to bind, a quarter of the whole. Limit: 1,024 expressions in one program; the tree's own code
// stays far under libjq's 65,535 words.
constexpr int index_bits = 10;

struct StateDeleter {
  void operator()(jq_state* state) const { jq_teardown(&state); }
};
using State = std::unique_ptr<jq_state, StateDeleter>;

void collect_message(void* messages, jv message) {
  const Jv text(jq_format_error(message));
  if (jv_get_kind(text.get()) == JV_KIND_STRING)
    static_cast<std::vector<std::string>*>(messages)->emplace_back(jv_string_value(text.get()));
}

void drop_message(void*, jv message) {
  jv_free(message);
}

State compile_text(const std::string& text, const json::object& tables, std::vector<std::string>& messages) {
  State state(jq_init());
  CHATRELAY_ASSERT(state != nullptr, "libjq could not be started");
  jq_set_error_cb(state.get(), collect_message, &messages);
  jq_set_debug_cb(state.get(), drop_message, nullptr);
  auto converted = to_jv(json::value(tables));
  if (!converted) {
    messages.push_back("the tables: " + converted.error().message);
    return nullptr;
  }
  const jv arguments = jv_object_set(jv_object(), jv_string("tables"), converted->release());
  const bool compiled = jq_compile_args(state.get(), text.c_str(), arguments) != 0;
  jq_set_error_cb(state.get(), drop_message, nullptr);  // `messages` ends with this call
  return compiled ? std::move(state) : nullptr;
}

// "jq: error: syntax error, unexpected '|' (Unix shell quoting issues?) at <top-level>, line 1:\n…" -> "syntax error,
// unexpected '|'"
std::string essence(std::string_view message) {
  for (const std::string_view prefix : {"jq: error: ", "jq: "})
    if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
  for (const std::string_view tail : {" (Unix shell", " at <top-level>", "\n"})
    message = message.substr(0, message.find(tail));
  std::string text(message);
  if (const std::size_t at = text.find("$end"); at != std::string::npos) text.replace(at, 4, "the end");
  return printable(text, 300);
}

std::string error_text(jv borrowed) {
  if (jv_get_kind(borrowed) == JV_KIND_STRING) return printable(jv_string_value(borrowed), 500);
  const Jv dumped(jv_dump_string(jv_copy(borrowed), 0));
  return printable(jv_string_value(dumped.get()), 500);
}

}  // namespace

struct JqProgram::Unit {
  Unit(std::size_t f, std::size_t c, State s, Millis limit)
      : first(f), count(c), state(std::move(s)), calls(state.get()), slot(state.get(), limit) {}
  std::size_t first, count;
  State state;
  FunctionCalls calls;
  Watchdog::Slot slot;  // destroyed before the state it watches
};

JqProgram::JqProgram(std::vector<JqSource> sources, Limits limits) : sources_(std::move(sources)), limits_(limits) {}
JqProgram::~JqProgram() = default;

class JqProgram::Compiler {
 public:
  Compiler(JqProgram& program, const json::object& tables, config::Problems& problems)
      : program_(program), tables_(tables), problems_(problems) {}

  bool run() {
    for (std::size_t first = 0; first < program_.sources_.size(); first += unit_max)
      compile(first, std::min(unit_max, program_.sources_.size() - first));
    return culprits_ == 0;
  }

 private:
  static constexpr int culprits_max = 10;
  static constexpr std::size_t unit_max = std::size_t{1} << index_bits;

  // Halves what does not compile, until the culprits stand alone. What is only too long is thereby cut into several
  // programs.
  void compile(std::size_t first, std::size_t count) {
    if (culprits_ >= culprits_max) return;
    std::vector<std::string> messages;
    if (State state = compile_text(program_text(first, count), tables_, messages); state != nullptr) {
      program_.units_.push_back(std::make_unique<Unit>(first, count, std::move(state), program_.limits_.time));
    } else if (count == 1) {
      blame(program_.sources_[first].subject, messages);
    } else {
      compile(first, count / 2);
      compile(first + count / 2, count - count / 2);
    }
  }

  void blame(const Watchdog::Subject& subject, std::vector<std::string>& messages) {
    // Alone it gives the better message: "unexpected the end" rather than "unexpected ')'".
    std::vector<std::string> alone;
    compile_text(subject.expression, tables_, alone);
    if (!alone.empty()) messages = alone;
    const std::string why = messages.empty() ? "libjq refuses it" : essence(messages.front());
    problems_.add(subject.where, "\"" + printable(subject.expression) + "\" is not a jq expression: " + why);
    if (++culprits_ == culprits_max)
      problems_.add(subject.where,
                    "there may be more expressions that do not compile; these were looked for until ten were found");
  }

  std::string program_text(std::size_t first, std::size_t count) const {
    std::string text(function_definitions());
    text.append(forbidden_shadows()).append(safe_builtins()).append(". as [$__event");
    for (int bit = 0; bit < index_bits; ++bit) text += ",$__" + std::to_string(bit);
    text += "] | {} as $ENV | $__event | ";
    tree(text, first, 0, count, index_bits - 1);
    return text;
  }

  // The places [from, to) differ in the bits up to `bit` only.
  void tree(std::string& text, std::size_t first, std::size_t from, std::size_t to, int bit) const {
    if (to - from == 1) {
      // The line break ends a comment; the parentheses keep precedence, and import and include out.
      text += "(def __expression: (\n" + program_.sources_[first + from].subject.expression + "\n); __expression)";
      return;
    }
    const std::size_t middle = from + (std::size_t{1} << bit);
    if (middle >= to) return tree(text, first, from, to, bit - 1);
    text += "if $__" + std::to_string(bit) + " then ";
    tree(text, first, middle, to, bit - 1);
    text += " else ";
    tree(text, first, from, middle, bit - 1);
    text += " end";
  }

  JqProgram& program_;
  const json::object& tables_;
  config::Problems& problems_;
  int culprits_ = 0;
};

std::unique_ptr<JqProgram> JqProgram::compile(std::vector<JqSource> sources, const json::object& tables,
                                              const Limits& limits, config::Problems& problems) {
  std::unique_ptr<JqProgram> program(new JqProgram(std::move(sources), limits));
  return Compiler(*program, tables, problems).run() ? std::move(program) : nullptr;
}

Result<std::vector<json::value>> JqProgram::run(std::size_t index, const json::value& input,
                                                std::size_t results_wanted) {
  const JqSource& source = sources_[index];
  Unit* unit = nullptr;
  for (const auto& candidate : units_)
    if (index >= candidate->first && index < candidate->first + candidate->count) unit = candidate.get();
  CHATRELAY_ASSERT(unit != nullptr, "every compiled expression belongs to a program");

  auto event = source.whole ? to_jv(input) : to_jv(input, source.roots);
  if (!event) return event.error();
  jv input_and_index = jv_array_append(jv_array_sized(1 + index_bits), event->release());
  for (int bit = 0; bit < index_bits; ++bit)
    input_and_index = jv_array_append(input_and_index, jv_bool(((index - unit->first) >> bit & 1) != 0 ? 1 : 0));
  jq_start(unit->state.get(), input_and_index, 0);
  unit->slot.arm(source.subject);

  std::vector<json::value> results;
  std::optional<std::string> failure;
  std::size_t bytes_left = limits_.bytes_max;
  while (results_wanted == 0 || results.size() < results_wanted) {
    Jv next(jq_next(unit->state.get()));
    if (jv_get_kind(next.get()) == JV_KIND_INVALID) {
      if (jv_invalid_has_msg(next.copy()) != 0) failure = error_text(Jv(jv_invalid_get_msg(next.release())).get());
      break;
    }
    if (results.size() == limits_.results_max) {
      failure = "has more than " + std::to_string(limits_.results_max) + " results";
      break;
    }
    auto value = from_jv(next.get(), bytes_left);
    if (!value) {
      failure = value.error().message;
      break;
    }
    results.push_back(std::move(*value));
  }
  if (unit->slot.disarm())
    return Error(ErrorKind::invalid, "ran longer than " + std::to_string(limits_.time.count()) + " ms");
  if (failure) return invalid(std::move(*failure));
  return results;
}

}  // namespace chatrelay::expression
