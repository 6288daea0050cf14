// chatrelay restore: puts a backup in the place of the store. The daemon must not run; the store refuses while one has
// it open.
#include <ostream>

#include "admin/cli/listing.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::cli {
namespace {

struct Options {
  std::string file, pending;
};

constexpr const char* choices =
    "What shall become of deliveries that were open when the backup was made? Some may have been sent since.\n"
    "  keep    send them (a destination may get some of them twice)\n"
    "  hold    keep them back until an operator retries or cancels them\n"
    "  cancel  give them up\n";

store::RestorePending pending_of(const std::string& word) {
  if (word == "keep") return store::RestorePending::keep;
  if (word == "hold") return store::RestorePending::hold;
  if (word == "cancel") return store::RestorePending::cancel;
  throw Failure(exit_code::usage, "\"" + clean(word) + "\" is none of: keep, hold, cancel");
}

int restore(Shell& shell, const Options& options) {
  config::Problems problems;
  const config::Config config = shell.load_config(problems);
  std::string pending = options.pending;
  if (pending.empty() && !shell.terminal.in_is_terminal)
    throw Failure(exit_code::usage, "say what becomes of open deliveries with --pending keep, hold or cancel");
  if (pending.empty()) {
    shell.out() << choices;
    pending = std::string(trim(shell.ask("keep, hold or cancel? [hold] ")));
    if (pending.empty()) pending = "hold";
  }
  const auto done =
      shell.hooks.restore(options.file, config.store_path, pending_of(pending), shell.terminal.clock.now());
  if (!done) throw failure_of(done.error());
  shell.out() << "restored " << clean(config.store_path) << " from " << clean(options.file)
              << "; what was there is kept as " << clean(config.store_path) << ".replaced\n";
  return exit_code::ok;
}

}  // namespace

void add_restore(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(app, "restore", "replace the store by a backup; the daemon must not run",
                            "  systemctl stop chatrelay\n"
                            "  chatrelay restore /var/backups/chatrelay-2026-11-20.db --pending hold\n"
                            "  systemctl start chatrelay");
  auto options = std::make_shared<Options>();
  verb->add_option("FILE", options->file, "what `chatrelay backup` wrote")->required();
  verb->add_option("--pending", options->pending, "keep, hold or cancel what was open; asked on a terminal")
      ->check(CLI::IsMember({"keep", "hold", "cancel"}));
  verb->callback([&shell, options] { shell.action = [&shell, options] { return restore(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
