// What every listing shares: --limit, --before, --json, an empty list said in words, the hint at the next page.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/App.hpp>
#include <boost/json.hpp>

#include "admin/cli/admin_client.hpp"
#include "admin/cli/text.hpp"

namespace chatrelay::admin::cli {

// A sub-command with its examples in the help.
CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& what, const std::string& examples);

// Options that are sent to the API under their own names.
class Filters {
 public:
  // --NAME VALUE, sent as parameter `name`.
  void option(CLI::App& verb, const std::string& name, const std::string& what);
  Query query() const;                 // those that were given
  boost::json::object object() const;  // the same as members

 private:
  std::vector<std::pair<std::string, std::shared_ptr<std::string>>> options_;
};

struct Listing {
  Filters filters;
  bool as_json = false;

  void add_to(CLI::App& verb);  // --limit, --before, --json
};

// Gets the page and prints it: `name` is the member that holds the rows, `row` makes a table row of one. Always gives
// 0.
int print_listing(Shell& shell, const Listing& listing, const std::string& path, const std::string& name, Table table,
                  const std::function<std::vector<std::string>(const boost::json::value&)>& row);

// A few facts, one a line, the names aligned. Those whose value is "-" are left out.
void print_facts(Shell& shell, const std::vector<std::pair<std::string, std::string>>& facts);
int print_json(Shell& shell, const boost::json::value& value);

// Rows of an array member, empty if there is none. Lifetime: `object` is named by the caller; a temporary would be gone
// in the loop.
const boost::json::array& rows_of(const boost::json::value& object, std::string_view name);
const boost::json::array& rows_of(boost::json::value&& object, std::string_view name) = delete;
Table delivery_table();
std::vector<std::string> delivery_row(const boost::json::value& delivery);

inline constexpr const char* time_help =
    "a time (2026-11-20T10:00:00Z), a day (2026-11-20), or how long ago (30m, 2h, 3d)";

}  // namespace chatrelay::admin::cli
