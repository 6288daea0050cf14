// Logging: structured lines on standard error, text or JSON. Every line goes through the Redactor.
//
// Write log::info("event", {{"key", value}, …}): a short constant message and fields; nothing is formatted into the
// message that a stranger chose. Thread: any.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/json.hpp>

namespace chatrelay::log {

enum class Level { debug, info, warn, error };  // warn: recovered; error: an operator must act or something is lost
enum class Format { text, json };

// Takes what a JSON value can be made of, and every kind of string.
struct Field {
  template <class V>
  Field(std::string_view k, V&& v) : key(k), value(to_value(std::forward<V>(v))) {}
  std::string_view key;
  boost::json::value value;

 private:
  template <class V>
  static boost::json::value to_value(V&& v) {
    if constexpr (std::is_convertible_v<const std::decay_t<V>&, std::string_view> &&
                  !std::is_null_pointer_v<std::decay_t<V>>)
      return boost::json::value(boost::json::string(std::string_view(v)));
    else
      return boost::json::value(std::forward<V>(v));
  }
};
using Fields = std::initializer_list<Field>;

void configure(Level level, Format format);
bool enabled(Level level);
void write(Level level, std::string_view message, Fields fields);
inline void debug(std::string_view message, Fields fields = {}) {
  if (enabled(Level::debug)) write(Level::debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
  write(Level::info, message, fields);
}
inline void warn(std::string_view message, Fields fields = {}) {
  write(Level::warn, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
  write(Level::error, message, fields);
}
// Blocks until everything is written; called before exit and before abort.
void flush();

}  // namespace chatrelay::log
