#include "admin/cli/text.hpp"

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdio>
#include <ctime>
#include <cwchar>
#include <functional>
#include <ostream>

#include <locale.h>

#include "common/json.hpp"
#include "common/text.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::admin::cli {
namespace {

constexpr std::size_t line_bytes_max = 1 << 20;  // Limit: of one printed text; more is the API's limit already

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;
};

// The first code point of valid UTF-8.
CodePoint first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length == 1 || text.size() < length) return {lead, 1};
  char32_t value = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) value = (value << 6) | (byte(i) & 0x3Fu);
  return {value, length};
}

// Controls beyond ASCII: C1 (a terminal may take U+009B as the start of a sequence), line and paragraph separators, and
// whatever changes the direction of writing (with which "exe.txt" can be shown for "txt.exe").
bool is_dangerous(char32_t c) {
  return c == 0x7F || (c >= 0x80 && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

// Calls `each` for every code point with its bytes.
void walk(std::string_view text, const std::function<void(char32_t, std::string_view)>& each) {
  while (!text.empty()) {
    const CodePoint point = first_of(text);
    each(point.value, text.substr(0, point.bytes));
    text.remove_prefix(point.bytes);
  }
}

std::string escaped_code_point(char32_t c) {
  std::array<char, 8> out{};
  std::snprintf(out.data(), out.size(), "\\u%04x", static_cast<unsigned>(c));
  return out.data();
}

// wcwidth knows only the thread's locale; C.UTF-8 is part of glibc itself since 2.35.
class Utf8Locale {
 public:
  Utf8Locale()
      : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), before_(locale_ ? uselocale(locale_) : nullptr) {}
  ~Utf8Locale() {
    if (before_) uselocale(before_);
    if (locale_) freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  static std::size_t width_of(char32_t c) {
    return static_cast<std::size_t>(std::max(0, ::wcwidth(static_cast<wchar_t>(c))));
  }

 private:
  locale_t locale_, before_;
};

void write_json(std::string& out, const json::value& value, int indent, bool pretty) {
  const auto line = [&](int depth) {
    if (pretty) out += "\n" + std::string(static_cast<std::size_t>(depth) * 2, ' ');
  };
  const auto text = [&](std::string_view string) {
    walk(json::serialize(json::string(string)), [&](char32_t c, std::string_view bytes) {
      if (is_dangerous(c))
        out += escaped_code_point(c);
      else
        out += bytes;
    });
  };
  if (const json::object* object = value.if_object(); object && !object->empty()) {
    out += '{';
    bool first = true;
    for (const auto& member : *object) {
      if (!first) out += ',';
      first = false;
      line(indent + 1);
      text(member.key());
      out += pretty ? ": " : ":";
      write_json(out, member.value(), indent + 1, pretty);
    }
    line(indent);
    out += '}';
  } else if (const json::array* array = value.if_array(); array && !array->empty()) {
    out += '[';
    bool first = true;
    for (const json::value& element : *array) {
      if (!first) out += ',';
      first = false;
      line(indent + 1);
      write_json(out, element, indent + 1, pretty);
    }
    line(indent);
    out += ']';
  } else if (const json::string* string = value.if_string()) {
    text(*string);
  } else {
    out += expression::compact_json(value);
  }
}

}  // namespace

std::string clean(std::string_view text) {
  return printable(text, line_bytes_max);
}

std::string clean_lines(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    out += clean(line);
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

std::size_t display_width(std::string_view text) {
  const Utf8Locale locale;
  std::size_t width = 0;
  walk(text, [&](char32_t c, std::string_view) { width += Utf8Locale::width_of(c); });
  return width;
}

std::string cut_to_width(const std::string& text, std::size_t columns) {
  if (display_width(text) <= columns) return text;
  const Utf8Locale locale;
  std::string out;
  std::size_t width = 0;
  bool full = false;
  walk(text, [&](char32_t c, std::string_view bytes) {
    const std::size_t more = Utf8Locale::width_of(c);
    full = full || width + more + 1 > columns;
    if (full) return;
    width += more;
    out += bytes;
  });
  return columns == 0 ? std::string{} : out + "…";
}

std::string local_time(WallTime time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  std::array<char, 40> out{};
  if (!::localtime_r(&seconds, &parts) || std::strftime(out.data(), out.size(), "%Y-%m-%d %H:%M:%S", &parts) == 0)
    return "-";
  return out.data();
}

std::string local_time(const json::value& rfc3339) {
  const json::string* text = rfc3339.if_string();
  const auto time = text ? parse_rfc3339(*text) : std::nullopt;
  return time ? local_time(*time) : "-";
}

std::string cell(const json::value& object, std::string_view member) {
  const json::value* value = find(object, member);
  if (!value || value->is_null()) return "-";
  if (const json::string* text = value->if_string()) return text->empty() ? "-" : clean(*text);
  return clean(expression::compact_json(*value));
}

std::string time_cell(const json::value& object, std::string_view member) {
  const json::value* value = find(object, member);
  return value ? local_time(*value) : "-";
}

std::string problem_line(const json::value& problem) {
  const std::string line = cell(problem, "line");
  return cell(problem, "file") + (line == "0" || line == "-" ? "" : ":" + line) + ": " +
         (cell(problem, "warning") == "true" ? "warning: " : "") + cell(problem, "message");
}

std::string pretty_json(const json::value& value) {
  std::string out;
  write_json(out, value, 0, true);
  return out;
}

std::string compact_json(const json::value& value) {
  std::string out;
  write_json(out, value, 0, false);
  return out;
}

std::vector<std::size_t> Table::widths(std::size_t width) const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < columns_.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  if (width == 0) return widths;
  constexpr std::size_t readable = 8;  // a column narrower than this says nothing
  const auto total = [&] {
    std::size_t sum = 2 * (widths.size() - 1);
    for (const std::size_t one : widths) sum += one;
    return sum;
  };
  while (total() > width) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].shrinks && widths[i] > readable && (widest == columns_.size() || widths[i] > widths[widest]))
        widest = i;
    if (widest == columns_.size()) break;
    --widths[widest];
  }
  return widths;
}

void Table::print_row(std::ostream& out, const std::vector<std::string>& cells,
                      const std::vector<std::size_t>& widths) const {
  std::string line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string shown = cut_to_width(cells[i], widths[i]);
    const std::string padding(widths[i] - std::min(widths[i], display_width(shown)), ' ');
    line += (i == 0 ? "" : "  ") + (columns_[i].right ? padding + shown : shown + padding);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << "\n";
}

void Table::print(std::ostream& out, std::size_t width) const {
  const auto columns = widths(width);
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  print_row(out, titles, columns);
  for (const auto& row : rows_) print_row(out, row, columns);
}

}  // namespace chatrelay::admin::cli
