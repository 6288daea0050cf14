// What commands print: tables, local times, JSON. Invariant 10 at the terminal: what a stranger typed never reaches it
// as a control character, an escape sequence or a change of the writing direction.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"

namespace chatrelay::admin::cli {

namespace json = boost::json;

std::string clean(std::string_view text);                                // for one line
std::string clean_lines(std::string_view text);                          // line breaks stay, everything else as clean()
std::size_t display_width(std::string_view text);                        // columns on a terminal; of clean text
std::string cut_to_width(const std::string& text, std::size_t columns);  // ends with "…" when cut

std::string local_time(WallTime time);               // "2026-11-20 10:00:00" in the local zone
std::string local_time(const json::value& rfc3339);  // "-" when it is none
// A member of an API answer as clean text; "-" when it is missing or null.
std::string cell(const json::value& object, std::string_view member);
std::string time_cell(const json::value& object, std::string_view member);  // a time, in the local zone
// A problem of the configuration, as check prints it: "file:line: warning: message".
std::string problem_line(const json::value& problem);
// Pretty JSON, two spaces; C1 and direction controls escaped, so that it is safe on a terminal and still the same JSON.
std::string pretty_json(const json::value& value);
std::string compact_json(const json::value& value);  // the same on one line

class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;    // numbers
    bool shrinks = false;  // is cut first when the terminal is narrow
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  // width 0: lines are not cut.
  void print(std::ostream& out, std::size_t width) const;

 private:
  std::vector<std::size_t> widths(std::size_t width) const;
  void print_row(std::ostream& out, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace chatrelay::admin::cli
