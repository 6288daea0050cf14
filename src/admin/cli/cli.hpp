// The command line: every verb of chatrelay, a file each. run() parses, acts, and gives the exit code (sysexits.h).
//
// serve, check, rules, connectors, send, sink, webhooks, restore, init and version work in this process, through what
// app gives as Hooks; all others talk to the daemon's admin port, so that no second process ever opens the store.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "config/config.hpp"
#include "store/store.hpp"
#include "systems/source.hpp"

namespace chatrelay::admin::cli {

// What loading a whole configuration found.
struct CheckResult {
  config::Problems problems;
  std::size_t sources = 0, destinations = 0, rules = 0;
};

// One test that lies beside rules or inside a connector.
struct TestResult {
  std::string where;  // file, or file:line
  std::string name;
  bool passed = false;
  std::string detail;    // what differed; may have several lines
  bool skipped = false;  // passed, because it is about a destination that is not configured
};
struct TestReport {
  config::Problems problems;  // what could not be loaded; with errors, nothing was run
  std::vector<TestResult> tests;
};

// One kind of HTTP destination, as `connectors list|show` tell of it.
struct ConnectorPage {
  std::string name, about;
  std::vector<std::string> actions;
  std::string manual;  // the whole page
};

// What app offers to the command line. No files, or no names: all that belong to the configuration.
struct Hooks {
  std::function<int(const std::string& config_file)> serve;
  std::function<CheckResult(const std::string& config_file, bool online)>
      check;  // online: destinations are probed too; a failed probe is a problem
  std::function<TestReport(const std::string& config_file, const std::vector<std::string>& files)> test_rules;
  // `config_file` is empty when there is none: the shipped connectors are tested all the same.
  std::function<TestReport(const std::string& config_file, const std::vector<std::string>& names)> test_connectors;
  // The shipped connectors and those of the configuration's folders, by name; `config_file` as above.
  std::function<std::vector<ConnectorPage>(const std::string& config_file, config::Problems& problems)> connectors;
  // For `send`: the configured source, which signs what it would accept. nullptr when problems were added.
  std::function<std::unique_ptr<systems::Source>(const config::SourceConfig& config, const boost::json::object& tables,
                                                 config::Problems& problems)>
      make_source;
  // store::sqlite::restore.
  std::function<Result<void>(const std::string& from, const std::string& store_path, store::RestorePending pending,
                             WallTime now)>
      restore;
};

// Where a command reads and writes; tests hand in their own.
struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  std::size_t width = 0;  // columns of `out`; 0: do not cut lines
  std::function<std::optional<std::string>(const std::string& name)> variable;
  const Clock& clock;
};

int run(int argc, char** argv, const Hooks& hooks);
int run(const std::vector<std::string>& arguments, const Hooks& hooks,
        Terminal& terminal);  // without the program's name

}  // namespace chatrelay::admin::cli
