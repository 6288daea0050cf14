#include "admin/cli/tests_report.hpp"

#include <algorithm>
#include <ostream>

#include "admin/cli/listing.hpp"

namespace chatrelay::admin::cli {
namespace {

int exit_code_of(const TestReport& report) {
  if (report.problems.has_errors()) return exit_code::config;
  const bool passed =
      std::all_of(report.tests.begin(), report.tests.end(), [](const TestResult& test) { return test.passed; });
  return passed ? exit_code::ok : exit_code::failed;
}

void print_indented(std::ostream& out, const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    out << "    " << line << "\n";
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
}

}  // namespace

int print_report(Shell& shell, const TestReport& report, bool as_json) {
  const auto failed = static_cast<std::size_t>(
      std::count_if(report.tests.begin(), report.tests.end(), [](const auto& test) { return !test.passed; }));
  const auto skipped = static_cast<std::size_t>(
      std::count_if(report.tests.begin(), report.tests.end(), [](const auto& test) { return test.skipped; }));
  if (as_json) {
    json::array tests;
    for (const TestResult& test : report.tests)
      tests.push_back(json::object{{"where", test.where},
                                   {"name", test.name},
                                   {"passed", test.passed},
                                   {"skipped", test.skipped},
                                   {"detail", test.detail}});
    print_json(shell, json::object{
                          {"tests", std::move(tests)}, {"failed", failed}, {"problems", report.problems.to_string()}});
    return exit_code_of(report);
  }
  std::string problems = clean_lines(report.problems.to_string());
  if (!problems.empty() && problems.back() != '\n') problems += '\n';
  shell.out() << problems;
  if (report.problems.has_errors()) return exit_code_of(report);
  for (const TestResult& test : report.tests) {
    shell.out() << (test.skipped  ? "skipped "
                    : test.passed ? "ok      "
                                  : "FAILED  ")
                << clean(test.where) << ": " << clean(test.name) << "\n";
    if (!test.passed) print_indented(shell.out(), clean_lines(test.detail));
  }
  const std::size_t tried = report.tests.size() - skipped;
  shell.out() << tried - failed << " of " << tried << " tests passed";
  if (skipped > 0) shell.out() << "; " << skipped << " skipped, whose destinations are not configured";
  shell.out() << "\n";
  return exit_code_of(report);
}

}  // namespace chatrelay::admin::cli
