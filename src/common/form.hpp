// Forms: application/x-www-form-urlencoded as it really comes (WHATWG URL §5.1): '+' is a space, a percent sign without
// two digits is itself, nothing is an error. Bytes need not be UTF-8. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace chatrelay {

struct FormPair {
  std::string_view text;    // "name=value", as it stands in the body
  std::string name, value;  // decoded
};

std::string decode_form_text(std::string_view text);

// take(const FormPair&) for each pair, in order; empty ones are left out. Limit: the caller's, of how many it keeps.
template <class Take>
void for_each_form_pair(std::string_view body, Take take) {
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view text = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (text.empty()) continue;
    const std::size_t equals = std::min(text.find('='), text.size());
    take(FormPair{text, decode_form_text(text.substr(0, equals)),
                  decode_form_text(text.substr(std::min(equals + 1, text.size())))});
  }
}

}  // namespace chatrelay
