#include "admin/cli/listing.hpp"

#include <algorithm>
#include <ostream>

#include "common/json.hpp"

namespace chatrelay::admin::cli {

CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& what, const std::string& examples) {
  CLI::App* verb = parent.add_subcommand(name, what);
  if (!examples.empty()) verb->footer("Examples:\n" + examples);
  return verb;
}

void Filters::option(CLI::App& verb, const std::string& name, const std::string& what) {
  options_.emplace_back(name, std::make_shared<std::string>());
  verb.add_option("--" + name, *options_.back().second, what);
}

Query Filters::query() const {
  Query query;
  for (const auto& [name, value] : options_)
    if (!value->empty()) query.emplace_back(name, *value);
  return query;
}

boost::json::object Filters::object() const {
  boost::json::object members;
  for (const auto& [name, value] : query()) members[name] = value;
  return members;
}

void Listing::add_to(CLI::App& verb) {
  filters.option(verb, "limit", "rows on a page (50; at most 500)");
  filters.option(verb, "before", "the next page: rows before this one, as the hint below a page says");
  verb.add_flag("--json", as_json, "print the answer of the API as JSON");
}

int print_json(Shell& shell, const boost::json::value& value) {
  shell.out() << pretty_json(value) << "\n";
  return exit_code::ok;
}

const boost::json::array& rows_of(const boost::json::value& object, std::string_view name) {
  static const boost::json::array none;
  const json::value* rows = find(object, name);
  return rows && rows->is_array() ? rows->get_array() : none;
}

int print_listing(Shell& shell, const Listing& listing, const std::string& path, const std::string& name, Table table,
                  const std::function<std::vector<std::string>(const boost::json::value&)>& row) {
  const auto page = AdminClient(shell).get(path, listing.filters.query());
  if (listing.as_json) return print_json(shell, page);
  for (const json::value& one : rows_of(page, name)) table.add(row(one));
  if (table.empty()) {
    shell.out() << "no " << name << "\n";
    return exit_code::ok;
  }
  table.print(shell.out(), shell.terminal.width);
  const std::string next = cell(page, "next");
  if (next != "-")
    shell.out() << "\nThere are more: the same command with --before " << next << " shows the next page.\n";
  return exit_code::ok;
}

void print_facts(Shell& shell, const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t width = 0;
  for (const auto& [name, value] : facts)
    if (value != "-") width = std::max(width, name.size());
  for (const auto& [name, value] : facts)
    if (value != "-") shell.out() << name << std::string(width - name.size() + 2, ' ') << value << "\n";
}

Table delivery_table() {
  return Table({{"DELIVERY", true, false},
                {"EVENT", true, false},
                {"CREATED", false, false},
                {"DESTINATION", false, true},
                {"ACTION", false, true},
                {"STATE", false, false},
                {"TRIES", true, false},
                {"RULE", false, true},
                {"REASON", false, true}});
}

std::vector<std::string> delivery_row(const boost::json::value& delivery) {
  std::string reason = cell(delivery, "reason");
  if (cell(delivery, "state") == "deferred") reason = "next try " + time_cell(delivery, "due_at") + "; " + reason;
  return {cell(delivery, "seq"),         cell(delivery, "event_seq"), time_cell(delivery, "created_at"),
          cell(delivery, "destination"), cell(delivery, "action"),    cell(delivery, "state"),
          cell(delivery, "attempts"),    cell(delivery, "rule"),      reason};
}

}  // namespace chatrelay::admin::cli
