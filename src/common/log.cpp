#include "common/log.hpp"

#include <atomic>
#include <charconv>
#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "common/clock.hpp"
#include "common/secret.hpp"
#include "common/text.hpp"

namespace chatrelay::log {
namespace {

constexpr int value_depth_max = 16;  // Limit: deeper nesting in a field is shown as "…"
constexpr std::size_t line_bytes_max =
    16 << 10;  // Limit: a line in text format; a field that holds more is a mistake of ours

std::atomic<Level> level_now{Level::info};
std::atomic<Format> format_now{Format::text};

// Lifetime: never destroyed, so that the last destructor of the process can still write.
spdlog::logger& logger() {
  static auto* const made = [] {
    auto* l = new spdlog::logger("chatrelay", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    l->set_pattern("%v");
    l->set_level(spdlog::level::trace);
    l->flush_on(spdlog::level::trace);
    l->set_error_handler([](const std::string&) {});  // standard error is gone: there is nowhere to say so
    return l;
  }();
  return *made;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

// A JSON string that also keeps DEL, C1 controls, line separators and reading-direction marks from the terminal.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    switch (c) {
      case '"':
        out += "\\\"";
        continue;
      case '\\':
        out += "\\\\";
        continue;
      case '\n':
        out += "\\n";
        continue;
      case '\r':
        out += "\\r";
        continue;
      case '\t':
        out += "\\t";
        continue;
      default:
        break;
    }
    // `text` is valid UTF-8 here, so the bytes after a lead byte are there.
    unsigned code = 0;
    std::size_t length = 1;
    if (c < 0x20 || c == 0x7F) {
      code = c;
    } else if (c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      code = static_cast<unsigned char>(text[i + 1]);
      length = 2;
    } else if (c == 0xE2 && (text[i + 1] == '\x80' || text[i + 1] == '\x81')) {
      const unsigned candidate = 0x2000u | (static_cast<unsigned char>(text[i + 1]) & 0x3Fu) << 6 |
                                 (static_cast<unsigned char>(text[i + 2]) & 0x3Fu);
      const bool hidden = candidate == 0x200E || candidate == 0x200F || (candidate >= 0x2028 && candidate <= 0x202E) ||
                          (candidate >= 0x2066 && candidate <= 0x2069);
      if (hidden) {
        code = candidate;
        length = 3;
      }
    }
    if (code == 0) {
      if (c == 0)
        out += "\\u0000";
      else
        out += text[i];
      continue;
    }
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += "0123456789abcdef"[code >> shift & 15];
    i += length - 1;
  }
  out += '"';
}

void append_string(std::string& out, std::string_view text, bool quote_always) {
  // Redacted before escaping as well: a secret must not slip through because an escape stands in its middle.
  const std::string clean = redactor::redact(is_valid_utf8(text) ? text : std::string_view(repair_utf8(text)));
  bool plain = !quote_always && !clean.empty();
  for (const char c : clean)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F || c == '"' || c == '\\' ||
        c == '=')
      plain = false;
  if (plain)
    out += clean;
  else
    append_quoted(out, clean);
}

void append_value(std::string& out, const boost::json::value& value, bool quote_strings, int depth) {
  if (depth > value_depth_max) return append_quoted(out, "…");
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "null";
      break;
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case boost::json::kind::int64:
      out += std::to_string(value.get_int64());
      break;
    case boost::json::kind::uint64:
      out += std::to_string(value.get_uint64());
      break;
    case boost::json::kind::double_: {
      const double d = value.get_double();
      if (d != d || d - d != 0) {  // JSON has neither NaN nor infinity
        out += "null";
        break;
      }
      char buffer[32];
      out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, d).ptr);
      break;
    }
    case boost::json::kind::string:
      append_string(out, value.get_string(), quote_strings);
      break;
    case boost::json::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& element : value.get_array()) {
        if (!first) out += ',';
        first = false;
        append_value(out, element, true, depth + 1);
      }
      out += ']';
      break;
    }
    case boost::json::kind::object: {
      out += '{';
      bool first = true;
      for (const auto& member : value.get_object()) {
        if (!first) out += ',';
        first = false;
        append_string(out, member.key(), true);
        out += ':';
        append_value(out, member.value(), true, depth + 1);
      }
      out += '}';
      break;
    }
  }
}

std::string text_line(std::string_view when, Level level, std::string_view message, Fields fields) {
  std::string line;
  line.reserve(160);
  line += when;
  line += ' ';
  line += name_of(level);
  line.append(6 - name_of(level).size(), ' ');
  line += printable(message, 500);
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += printable(key);
    line += '=';
    append_value(line, value, false, 0);
  }
  if (line.size() > line_bytes_max) {
    line.resize(truncate_utf8(line, line_bytes_max).size());
    line += "…";
  }
  return line;
}

std::string json_line(std::string_view when, Level level, std::string_view message, Fields fields) {
  std::string line;
  line.reserve(200);
  line += R"({"ts":")";
  line += when;
  line += R"(","level":")";
  line += name_of(level);
  line += R"(","msg":)";
  append_string(line, message, true);
  for (const auto& [key, value] : fields) {
    line += ',';
    append_string(line, key, true);
    line += ':';
    append_value(line, value, true, 0);
  }
  line += '}';
  return line;
}

}  // namespace

void configure(Level level, Format format) {
  level_now.store(level, std::memory_order_relaxed);
  format_now.store(format, std::memory_order_relaxed);
}

bool enabled(Level level) {
  return level >= level_now.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  try {
    const std::string when = format_rfc3339(SystemClock().now());
    const bool as_json = format_now.load(std::memory_order_relaxed) == Format::json;
    const std::string line =
        as_json ? json_line(when, level, message, fields) : text_line(when, level, message, fields);
    logger().log(spdlog::level::info, spdlog::string_view_t(redactor::redact(line)));
  } catch (...) {
    // Out of memory, or standard error is gone: a lost line must not stop what was about to be logged.
  }
}

void flush() {
  try {
    logger().flush();
  } catch (...) {
  }
}

}  // namespace chatrelay::log
