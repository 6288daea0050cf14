#include "expression/jv_convert.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace chatrelay::expression {
namespace {

namespace json = boost::json;

constexpr int depth_max = 512;  // Limit: nesting of a result; inputs have 128 at most
constexpr std::size_t containers_max = 100'000;

jv string_to_jv(std::string_view text) {
  return jv_string_sized(text.data(), static_cast<int>(text.size()));
}

bool spend(std::size_t& left, std::size_t bytes) {
  if (left < bytes) return false;
  left -= bytes;
  return true;
}

// False: a limit. Borrows `in`.
bool convert(jv in, json::value& out, std::size_t& left, int depth) {
  if (depth > depth_max || !spend(left, 8)) return false;
  switch (jv_get_kind(in)) {
    case JV_KIND_TRUE:
      out = true;
      return true;
    case JV_KIND_FALSE:
      out = false;
      return true;
    case JV_KIND_NUMBER:
      out = number_as_jq(jv_number_value(in));
      return true;
    case JV_KIND_STRING: {
      const auto size = static_cast<std::size_t>(jv_string_length_bytes(jv_copy(in)));
      if (!spend(left, size)) return false;
      out = json::string(json::string_view(jv_string_value(in), size));
      return true;
    }
    case JV_KIND_ARRAY: {
      json::array& array = out.emplace_array();
      const int size = jv_array_length(jv_copy(in));
      for (int i = 0; i < size; ++i) {
        const Jv element(jv_array_get(jv_copy(in), i));
        if (!convert(element.get(), array.emplace_back(nullptr), left, depth + 1)) return false;
      }
      return true;
    }
    case JV_KIND_OBJECT: {
      json::object& object = out.emplace_object();
      for (int i = jv_object_iter(in); jv_object_iter_valid(in, i); i = jv_object_iter_next(in, i)) {
        const Jv key(jv_object_iter_key(in, i));
        const Jv value(jv_object_iter_value(in, i));
        const std::string_view name(jv_string_value(key.get()),
                                    static_cast<std::size_t>(jv_string_length_bytes(key.copy())));
        if (!spend(left, 4 + name.size()) || !convert(value.get(), object[name], left, depth + 1)) return false;
      }
      return true;
    }
    default:
      out = nullptr;
      return true;
  }
}

class ToJv {
 public:
  bool over() const { return over_; }

  jv run(const json::value& value) {
    switch (value.kind()) {
      case json::kind::null:
        return jv_null();
      case json::kind::bool_:
        return jv_bool(value.get_bool() ? 1 : 0);
      case json::kind::int64:
        return jv_number(static_cast<double>(value.get_int64()));
      case json::kind::uint64:
        return jv_number(static_cast<double>(value.get_uint64()));
      case json::kind::double_:
        return jv_number(value.get_double());
      case json::kind::string:
        return string_to_jv(value.get_string());
      case json::kind::array:
        return container() ? array(value.get_array()) : jv_null();
      case json::kind::object:
        return container() ? object(value.get_object()) : jv_null();
    }
    return jv_null();
  }

 private:
  bool container() {
    over_ = over_ || left_ == 0;
    if (!over_) --left_;
    return !over_;
  }
  jv array(const json::array& from) {
    jv made = jv_array_sized(static_cast<int>(from.size()));
    for (const json::value& element : from) made = jv_array_append(made, run(element));
    return made;
  }
  jv object(const json::object& from) {
    jv made = jv_object();
    for (const auto& member : from) made = jv_object_set(made, string_to_jv(member.key()), run(member.value()));
    return made;
  }

  std::size_t left_ = containers_max;
  bool over_ = false;
};

Error too_many() {
  return {ErrorKind::too_large, "cannot be evaluated: the data has more than 100,000 lists and maps"};
}

}  // namespace

json::value number_as_jq(double d) {
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (std::isnan(d)) return nullptr;
  if (std::isinf(d)) return d > 0 ? std::numeric_limits<double>::max() : std::numeric_limits<double>::lowest();
  if (d == std::floor(d) && std::fabs(d) < exact) return static_cast<std::int64_t>(d);
  return d;
}

Result<Jv> to_jv(const json::value& value) {
  ToJv conversion;
  Jv converted(conversion.run(value));
  if (conversion.over()) return too_many();
  return converted;
}

Result<Jv> to_jv(const json::value& value, const std::vector<std::string>& keys) {
  const json::object* from = value.if_object();
  if (from == nullptr) return to_jv(value);
  ToJv conversion;
  Jv object(jv_object());
  for (const std::string& key : keys)
    if (const json::value* member = from->if_contains(key))
      object = Jv(jv_object_set(object.release(), string_to_jv(key), conversion.run(*member)));
  if (conversion.over()) return too_many();
  return object;
}

Result<json::value> from_jv(jv borrowed, std::size_t& bytes_left) {
  json::value out;
  if (!convert(borrowed, out, bytes_left, 0))
    return Error(ErrorKind::too_large, "has results that are too large or nested too deeply");
  return out;
}

}  // namespace chatrelay::expression
