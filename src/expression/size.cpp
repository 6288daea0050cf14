#include "expression/size.hpp"

namespace chatrelay::expression {

std::size_t size_of(const boost::json::value& value, std::size_t enough) {
  std::size_t bytes = 8;
  if (const auto* text = value.if_string()) return bytes + text->size();
  if (const auto* array = value.if_array()) {
    for (const auto& element : *array) {
      bytes += size_of(element, enough);
      if (bytes > enough) break;
    }
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      bytes += 4 + member.key().size() + size_of(member.value(), enough);
      if (bytes > enough) break;
    }
  }
  return bytes;
}

}  // namespace chatrelay::expression
