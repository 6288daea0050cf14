// Logging: structured lines on standard error, text or JSON. Every line goes through the Redactor.
//
// Write log::info("event", {{"key", value}, …}): a short constant message and fields; nothing is formatted into the message
// that a stranger chose. Thread: any.
#pragma once

#include <boost/json.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace chatrelay::log {

enum class Level { debug, info, warn, error };  // warn: recovered; error: an operator must act or something is lost
enum class Format { text, json };

using Field = std::pair<std::string_view, boost::json::value>;
using Fields = std::initializer_list<Field>;

void configure(Level level, Format format);
bool enabled(Level level);
void write(Level level, std::string_view message, Fields fields);
inline void debug(std::string_view message, Fields fields = {}) { if (enabled(Level::debug)) write(Level::debug, message, fields); }
inline void info(std::string_view message, Fields fields = {}) { write(Level::info, message, fields); }
inline void warn(std::string_view message, Fields fields = {}) { write(Level::warn, message, fields); }
inline void error(std::string_view message, Fields fields = {}) { write(Level::error, message, fields); }
// Blocks until everything is written; called before exit and before abort.
void flush();

}  // namespace chatrelay::log
