#include <algorithm>
#include <chrono>
#include <cmath>
#include <type_traits>

#include "common/text.hpp"
#include "expression/compare.hpp"
#include "expression/jv_convert.hpp"
#include "expression/native.hpp"
#include "expression/native_node.hpp"
#include "expression/size.hpp"

namespace chatrelay::expression {
namespace {

// A reference to a callable; the callable outlives the call.
class Sink {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Sink>) Sink(F& f)
      : object_(&f), call_([](void* object, const json::value& v) { return (*static_cast<F*>(object))(v); }) {}
  bool operator()(const json::value& v) const { return call_(object_, v); }

 private:
  void* object_;
  bool (*call_)(void*, const json::value&);
};

const char* kind_name(const json::value& v) {
  switch (v.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return "number";
    case json::kind::string:
      return "string";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
  }
  return "value";
}

// jq's `tostring`.
Result<std::string> text_as_jq(const json::value& v) {
  if (v.is_string()) return std::string(v.get_string());
  auto converted = to_jv(v);
  if (!converted) return converted.error();
  const Jv dumped(jv_dump_string(converted->release(), 0));
  return std::string{jv_string_value(dumped.get()), static_cast<std::size_t>(jv_string_length_bytes(dumped.copy()))};
}

// Every result of a node goes into a sink, in jq's order; a sink or a node that answers false ends the evaluation. This
// is jq's backtracking turned round: the right operand of a comparison is the outer loop, and so on.
class Evaluation {
 public:
  Evaluation(const json::value& tables, const Limits& limits)
      : tables_(tables), limits_(limits), deadline_(std::chrono::steady_clock::now() + limits.time) {}

  std::string error;

  bool run(const NativeNode& node, const json::value& in, Sink out) {
    if (!tick()) return false;
    switch (node.kind) {
      case NativeKind::identity:
        return out(in);
      case NativeKind::tables:
        return out(tables_);
      case NativeKind::literal:
        return out(node.value);
      case NativeKind::index:
        return index(node, in, out);
      case NativeKind::iterate:
        return iterate(node, in, out);
      case NativeKind::comma:
        return run(*node.a, in, out) && run(*node.b, in, out);
      case NativeKind::alternative:
        return alternative(node, in, out);
      case NativeKind::call:
        return call(node, in, out);
      case NativeKind::pipe: {
        auto then = [&](const json::value& v) { return run(*node.b, v, out); };
        return run(*node.a, in, then);
      }
      case NativeKind::logical_and:
      case NativeKind::logical_or:
        return logical(node, in, out);
      case NativeKind::add: {
        auto outer = [&](const json::value& right) {
          auto inner = [&](const json::value& left) { return add(left, right, out); };
          return run(*node.a, in, inner);
        };
        return run(*node.b, in, outer);
      }
      case NativeKind::collect:
        return collect(node, in, out);
      case NativeKind::interpolate:
        return interpolate(node, node.parts.size(), {}, in, out);
      case NativeKind::condition: {
        auto branch = [&](const json::value& v) { return run(truthy(v) ? *node.b : *node.c, in, out); };
        return run(*node.a, in, branch);
      }
      default: {
        auto outer = [&](const json::value& right) {
          auto inner = [&](const json::value& left) {
            return out(json::value(holds(node.kind, compare(left, right))));
          };
          return run(*node.a, in, inner);
        };
        return run(*node.b, in, outer);
      }
    }
  }

 private:
  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }

  // `.a[] == .b[]` multiplies; the clock is asked now and then.
  bool tick() {
    if ((++steps_ & 0xfff) != 0 || std::chrono::steady_clock::now() < deadline_) return true;
    return fail("ran longer than " + std::to_string(limits_.time.count()) + " ms");
  }

  static bool holds(NativeKind kind, int order) {
    switch (kind) {
      case NativeKind::equal:
        return order == 0;
      case NativeKind::not_equal:
        return order != 0;
      case NativeKind::less:
        return order < 0;
      case NativeKind::less_equal:
        return order <= 0;
      case NativeKind::greater:
        return order > 0;
      default:
        return order >= 0;
    }
  }

  bool logical(const NativeNode& node, const json::value& in, Sink out) {
    const bool is_and = node.kind == NativeKind::logical_and;
    auto left = [&](const json::value& l) {
      if (truthy(l) != is_and) return out(json::value(!is_and));
      auto right = [&](const json::value& r) { return out(json::value(truthy(r))); };
      return run(*node.b, in, right);
    };
    return run(*node.a, in, left);
  }

  bool alternative(const NativeNode& node, const json::value& in, Sink out) {
    bool found = false;
    auto first = [&](const json::value& v) {
      if (!truthy(v)) return true;
      found = true;
      return out(v);
    };
    if (!run(*node.a, in, first)) return false;
    return found || run(*node.b, in, out);
  }

  bool index(const NativeNode& node, const json::value& in, Sink out) {
    if (node.b->kind == NativeKind::literal) {
      if (node.a->kind == NativeKind::identity) return look_up(node, in, node.b->value, out);
      auto each = [&](const json::value& base) { return look_up(node, base, node.b->value, out); };
      return run(*node.a, in, each);
    }
    auto keys = [&](const json::value& key) {
      auto each = [&](const json::value& base) { return look_up(node, base, key, out); };
      return run(*node.a, in, each);
    };
    return run(*node.b, in, keys);
  }

  bool look_up(const NativeNode& node, const json::value& base, const json::value& key, Sink out) {
    if (key.is_string()) {
      if (const json::object* object = base.if_object()) {
        const json::value* found = object->if_contains(key.get_string());
        return out(found != nullptr ? *found : null_);
      }
      if (base.is_null()) return out(null_);
      if (node.optional) return true;
      return fail(std::string("Cannot index ") + kind_name(base) + " with string \"" +
                  printable(key.get_string(), 100) + "\"");
    }
    if (key.is_number()) {
      if (const json::array* array = base.if_array()) return out(element(*array, key.to_number<double>()));
      if (base.is_null()) return out(null_);
    }
    if (node.optional) return true;
    return fail(std::string("Cannot index ") + kind_name(base) + " with " + kind_name(key));
  }

  const json::value& element(const json::array& array, double at) const {
    if (at < 0) at += static_cast<double>(array.size());
    if (at != std::floor(at) || at < 0 || at >= static_cast<double>(array.size())) return null_;
    return array[static_cast<std::size_t>(at)];
  }

  bool iterate(const NativeNode& node, const json::value& in, Sink out) {
    auto each = [&](const json::value& base) {
      if (const json::array* array = base.if_array())
        return std::all_of(array->begin(), array->end(), [&](const json::value& v) { return tick() && out(v); });
      if (const json::object* object = base.if_object())
        return std::all_of(object->begin(), object->end(),
                           [&](const auto& member) { return tick() && out(member.value()); });
      return node.optional || fail(std::string("Cannot iterate over ") + kind_name(base));
    };
    return run(*node.a, in, each);
  }

  bool call(const NativeNode& node, const json::value& in, Sink out) {
    switch (node.function) {
      case NativeFunction::empty:
        return true;
      case NativeFunction::logical_not:
        return out(json::value(!truthy(in)));
      case NativeFunction::type:
        return out(json::value(kind_name(in)));
      case NativeFunction::length:
        return length(in, out);
      case NativeFunction::tostring:
        return to_string(in, out);
      case NativeFunction::ascii_downcase:
        return change_case(in, 'A', 'Z', "ascii_downcase", out);
      case NativeFunction::ascii_upcase:
        return change_case(in, 'a', 'z', "ascii_upcase", out);
      case NativeFunction::select: {
        auto test = [&](const json::value& v) { return !truthy(v) || out(in); };
        return run(*node.a, in, test);
      }
      case NativeFunction::startswith:
      case NativeFunction::endswith: {
        const bool front = node.function == NativeFunction::startswith;
        auto test = [&](const json::value& v) {
          if (!in.is_string() || !v.is_string())
            return fail(front ? "startswith() requires string inputs" : "endswith() requires string inputs");
          const std::string_view text = in.get_string(), part = v.get_string();
          return out(json::value(front ? text.starts_with(part) : text.ends_with(part)));
        };
        return run(*node.a, in, test);
      }
    }
    return fail("internal: an unknown function");
  }

  bool change_case(const json::value& in, char from, char to, const char* name, Sink out) {
    if (!in.is_string()) return fail(std::string(name) + " input must be a string");
    json::string text = in.get_string();
    for (char& c : text)
      if (c >= from && c <= to) c = static_cast<char>(c ^ 0x20);
    return out(json::value(std::move(text)));
  }

  // As jq: null adds nothing, numbers as doubles, objects merged at their top.
  bool add(const json::value& left, const json::value& right, Sink out) {
    if (left.is_null()) return out(right);
    if (right.is_null()) return out(left);
    if (left.is_number() && right.is_number())
      return out(number_as_jq(left.to_number<double>() + right.to_number<double>()));
    if (left.is_string() && right.is_string()) {
      json::string text = left.get_string();
      text += std::string_view(right.get_string());
      return spend(text.size()) && out(json::value(std::move(text)));
    }
    if (left.is_array() && right.is_array()) {
      if (!spend(size_of(left, limits_.bytes_max) + size_of(right, limits_.bytes_max))) return false;
      json::array both = left.get_array();
      both.insert(both.end(), right.get_array().begin(), right.get_array().end());
      return out(json::value(std::move(both)));
    }
    if (left.is_object() && right.is_object()) {
      if (!spend(size_of(left, limits_.bytes_max) + size_of(right, limits_.bytes_max))) return false;
      json::object both = left.get_object();
      for (const auto& member : right.get_object()) both[member.key()] = member.value();
      return out(json::value(std::move(both)));
    }
    return fail(std::string(kind_name(left)) + " and " + kind_name(right) + " cannot be added");
  }

  bool collect(const NativeNode& node, const json::value& in, Sink out) {
    json::array list;
    auto each = [&](const json::value& v) {
      if (!spend(size_of(v, limits_.bytes_max))) return false;
      list.push_back(v);
      return true;
    };
    return run(*node.a, in, each) && out(json::value(std::move(list)));
  }

  bool to_string(const json::value& in, Sink out) {
    const auto text = text_as_jq(in);
    if (!text) return fail(text.error().message);
    return out(json::value(json::string(*text)));
  }

  // libjq runs the last part first: it is the outermost loop. `behind` is the text from part `left` on.
  bool interpolate(const NativeNode& node, std::size_t left, const std::string& behind, const json::value& in,
                   Sink out) {
    const std::string text = std::string(node.value.get_array()[left].get_string()) + behind;
    if (left == 0) return out(json::value(json::string(text)));
    auto each = [&](const json::value& v) {
      const auto part = text_as_jq(v);
      if (!part) return fail(part.error().message);
      const std::string all = *part + text;
      return spend(all.size()) && interpolate(node, left - 1, all, in, out);
    };
    return run(*node.parts[left - 1], in, each);
  }

  // What is built on the way to a result is bounded too.
  bool spend(std::size_t bytes) {
    built_ += bytes;
    return built_ <= 4 * limits_.bytes_max ||
           fail("builds values larger than " + std::to_string(4 * limits_.bytes_max) + " bytes");
  }

  bool length(const json::value& in, Sink out) {
    switch (in.kind()) {
      case json::kind::null:
        return out(json::value(0));
      case json::kind::string: {
        const std::string_view text = in.get_string();
        return out(json::value(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; })));
      }
      case json::kind::array:
        return out(json::value(static_cast<std::int64_t>(in.get_array().size())));
      case json::kind::object:
        return out(json::value(static_cast<std::int64_t>(in.get_object().size())));
      case json::kind::int64:
        if (in.get_int64() >= 0) return out(in);
        return out(json::value(0 - static_cast<std::uint64_t>(in.get_int64())));
      case json::kind::uint64:
        return out(in);
      case json::kind::double_:
        return out(json::value(std::fabs(in.get_double())));
      case json::kind::bool_:
        return fail(std::string("boolean (") + (in.get_bool() ? "true" : "false") + ") has no length");
    }
    return fail("internal: an unknown kind");
  }

  const json::value& tables_;
  const Limits& limits_;
  const std::chrono::steady_clock::time_point deadline_;
  const json::value null_;
  std::uint32_t steps_ = 0;
  std::size_t built_ = 0;
};

}  // namespace

Native::Native(std::unique_ptr<const NativeNode> root) : root_(std::move(root)) {}
Native::~Native() = default;

Result<std::vector<json::value>> Native::evaluate(const json::value& input, const json::value& tables,
                                                  const Limits& limits, std::size_t results_wanted) const {
  std::vector<json::value> results;
  std::size_t bytes = 0;
  bool enough = false;
  Evaluation evaluation(tables, limits);
  auto collect = [&](const json::value& v) {
    if (results.size() == limits.results_max) {
      evaluation.error = "has more than " + std::to_string(limits.results_max) + " results";
      return false;
    }
    bytes += size_of(v, limits.bytes_max - std::min(bytes, limits.bytes_max));
    if (bytes > limits.bytes_max) {
      evaluation.error = "has results larger than " + std::to_string(limits.bytes_max) + " bytes";
      return false;
    }
    results.push_back(v);
    enough = results.size() == results_wanted;
    return !enough;
  };
  if (!evaluation.run(*root_, input, collect) && !enough) return invalid(evaluation.error);
  return results;
}

}  // namespace chatrelay::expression
