// chatrelay hash: what stands in a configuration as key_hash or password_hash instead of the key or password. The
// secret is never an argument: those are in every process list and shell history.
#include <memory>
#include <ostream>

#include <termios.h>
#include <unistd.h>

#include "admin/cli/listing.hpp"
#include "admin/cli/shell.hpp"
#include "common/ids.hpp"
#include "common/password_hash.hpp"

namespace chatrelay::admin::cli {
namespace {

constexpr std::size_t key_characters = 40;  // 238 bits; Live Helper Chat keeps 50

struct Options {
  bool new_key = false;
  bool as_json = false;
};

// The terminal shows nothing of what is typed while this lives.
class Silence {
 public:
  explicit Silence(bool wanted) {
    if (!wanted || ::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_quiet_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~Silence() {
    if (is_quiet_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool is_quiet_ = false;
};

// Questions go to the error output, so that the hash alone is what `> file` gets.
std::string read_line(Shell& shell, const std::string& question) {
  if (shell.terminal.in_is_terminal) shell.err() << question << std::flush;
  std::string line;
  if (!std::getline(shell.terminal.in, line)) throw Failure(exit_code::usage, "there is nothing to hash");
  if (shell.terminal.in_is_terminal) shell.err() << "\n";
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::string read_secret(Shell& shell) {
  const Silence silence(shell.terminal.in_is_terminal);
  std::string secret = read_line(shell, "Key or password: ");
  if (shell.terminal.in_is_terminal && read_line(shell, "The same again: ") != secret)
    throw Failure(exit_code::data, "the two differ");
  return secret;
}

int hash(Shell& shell, const Options& options) {
  const std::string secret = options.new_key ? random_id(key_characters) : read_secret(shell);
  const Result<std::string> made = hash_password(secret);
  if (!made) throw failure_of(made.error());
  if (options.as_json) {
    json::object object;
    if (options.new_key) object["key"] = secret;
    object["hash"] = *made;
    return print_json(shell, object);
  }
  if (options.new_key) {
    print_facts(shell, {{"key", secret}, {"key_hash", *made}});
  } else {
    shell.out() << *made << "\n";
  }
  return exit_code::ok;
}

}  // namespace

void add_hash(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(app, "hash", "make a key_hash or password_hash for the configuration",
                            "  chatrelay hash                         asks for the key or password\n"
                            "  chatrelay hash < key.txt               the first line of a file\n"
                            "  chatrelay hash --new-key               makes a key too; it is shown this once\n"
                            "Hashes of PHP's password_hash(…, PASSWORD_BCRYPT) are taken as well.");
  auto options = std::make_shared<Options>();
  verb->add_flag("--new-key", options->new_key, "make a random key, and its hash");
  verb->add_flag("--json", options->as_json, "as JSON");
  verb->callback([&shell, options] { shell.action = [&shell, options] { return hash(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
