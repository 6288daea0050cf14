// chatrelay init: a first configuration with a rule and its test; asks on a terminal, else takes flags.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <ostream>

#include <fcntl.h>
#include <unistd.h>

#include "admin/cli/init_files.hpp"
#include "admin/cli/listing.hpp"
#include "common/crypto.hpp"
#include "common/ids.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::cli {
namespace {

struct Options {
  std::string folder = ".";
  InitAnswers answers;
};

constexpr std::size_t hook_secret_bytes = 33;  // at most 64 after Standard Webhooks; a multiple of 3 needs no padding
constexpr std::size_t secret_length = 40;      // 62^40: about 238 bits

template <class Choice>
std::string names_of(const std::vector<Choice>& choices) {
  std::string names;
  for (const Choice& choice : choices) names += (names.empty() ? "" : ", ") + std::string(choice.name);
  return names;
}

// What the flag says, or the answer to a question; a number of the list is an answer too.
template <class Choice>
std::string choose(Shell& shell, const std::string& given, const std::string& flag, const std::string& question,
                   const std::vector<Choice>& choices) {
  std::string word = given;
  if (word.empty() && !shell.terminal.in_is_terminal)
    throw Failure(exit_code::usage, "say " + flag + ": one of " + names_of(choices));
  if (word.empty()) {
    shell.out() << question << "\n";
    for (std::size_t i = 0; i < choices.size(); ++i)
      shell.out() << "  " << i + 1 << "  " << choices[i].name << ": " << choices[i].about << "\n";
    word = std::string(trim(shell.ask("[1] ")));
    if (word.empty()) word = "1";
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (word == std::to_string(i + 1)) word = choices[i].name;
  }
  if (std::none_of(choices.begin(), choices.end(), [&](const Choice& choice) { return choice.name == word; }))
    throw Failure(exit_code::usage, flag + " is \"" + clean(word) + "\"; it must be one of: " + names_of(choices));
  return word;
}

void ask_where_to(Shell& shell, InitAnswers& answers) {
  if (!answers.to.empty() || !shell.terminal.in_is_terminal) return;
  for (const InitUse& use : init_uses())
    if (use.name == answers.use && !use.asks_for.empty())
      answers.to = std::string(trim(shell.ask(std::string(use.asks_for) + " [" + std::string(use.fallback) + "] ")));
}

// What check would refuse is refused here, before anything is written.
void check_answers(const InitAnswers& answers) {
  const auto is_url = [](const std::string& text) {
    return (text.starts_with("https://") || text.starts_with("http://")) && text.find_first_of(" \t\"") == text.npos &&
           text.size() > text.find("://") + 3;
  };
  const std::string& to = answers.to;
  if (answers.use == "webhook" && !to.empty() && !is_url(to))
    throw Failure(exit_code::usage,
                  "--to is \"" + clean(to) + "\"; a webhook goes to a URL like https://example.com/in");
  const std::size_t at = to.find('@');
  if (answers.use == "mail" && !to.empty() &&
      (at == 0 || at == to.npos || at + 1 == to.size() || to.find_first_of(" \t\r\n,;") != to.npos))
    throw Failure(exit_code::usage, "--to is \"" + clean(to) + "\"; mail goes to an address like support@example.com");
  if (!answers.public_url.empty() && !is_url(answers.public_url))
    throw Failure(exit_code::usage,
                  "--public-url is \"" + clean(answers.public_url) + "\"; it is a URL like https://relay.example.com");
}

[[noreturn]] void fail_to_write(const std::string& path) {
  throw Failure(exit_code::io, "cannot write " + clean(path) + ": " + std::strerror(errno));
}

// Never over a file that is there: O_EXCL also refuses a link that somebody put in its place.
void write_new(const std::filesystem::path& path, const InitFile& file) {
  const int handle = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file.secret ? 0600 : 0644);
  if (handle < 0) fail_to_write(path.string());
  std::string_view rest = file.content;
  while (!rest.empty()) {
    const ssize_t written = ::write(handle, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      ::close(handle);
      fail_to_write(path.string());
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(handle) != 0) fail_to_write(path.string());
}

void write_all(const std::filesystem::path& folder, const std::vector<InitFile>& files) {
  for (const InitFile& file : files)
    if (std::filesystem::exists(folder / file.path))
      throw Failure(exit_code::data, (folder / file.path).string() +
                                         " exists already; nothing was written. Choose another folder, or remove it.");
  for (const InitFile& file : files) {
    std::error_code failed;
    const auto parent = (folder / file.path).parent_path();
    std::filesystem::create_directories(parent, failed);
    if (failed) throw Failure(exit_code::io, "cannot make the folder " + parent.string() + ": " + failed.message());
    if (file.secret) std::filesystem::permissions(parent, std::filesystem::perms::owner_all, failed);
    write_new(folder / file.path, file);
  }
}

int init(Shell& shell, Options& options) {
  InitAnswers& answers = options.answers;
  answers.system = choose(shell, answers.system, "--system", "Which system sends the webhooks?", init_systems());
  answers.use = choose(shell, answers.use, "--use", "What shall become of them?", init_uses());
  ask_where_to(shell, answers);
  check_answers(answers);
  answers.secret = random_id(secret_length);
  // The form that every library of Standard Webhooks takes.
  answers.hook_secret = "whsec_" + base64_encode(random_id(hook_secret_bytes));
  const auto files = init_files(answers);
  write_all(options.folder, files);
  for (const InitFile& file : files)
    shell.out() << "wrote " << clean((std::filesystem::path(options.folder) / file.path).lexically_normal().string())
                << "\n";
  shell.out() << "\nhook URL  " << clean(init_hook_url(answers)) << "\n";
  if (init_has_secret(answers)) shell.out() << "secret    " << answers.secret << "\n";
  shell.out() << "\n";
  if (answers.system == "livechat")
    shell.out() << "Register the webhooks at LiveChat with this URL and secret. If LiveChat gives you a secret "
                   "instead, write it into\n"
                << clean((std::filesystem::path(options.folder) / "secrets/livechat").lexically_normal().string())
                << ". Webhooks of an app carry no secret: for those the URL is followed by /SECRET.\n\n";
  if (answers.system == "rocketchat")
    shell.out()
        << "Write both into Rocket.Chat's omnichannel settings for webhooks, and switch on what shall be sent.\n\n";
  if (answers.system == "livehelperchat")
    shell.out() << "In Live Helper Chat, a Rest API call posts to the URL followed by /SECRET; bodies to paste are in "
                   "src/systems/livehelperchat/livehelperchat.md.\n\n";
  if (answers.system == "livechatoo")
    shell.out() << "Write your website into `origins`, and this into its pages, before Livechatoo's own script:\n  "
                << clean(init_snippet(answers)) << "\n\n";
  shell.out() << clean_lines(init_try_it(answers, std::filesystem::path(options.folder).lexically_normal().string()));
  return exit_code::ok;
}

}  // namespace

void add_init(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(app, "init", "write a configuration, a rule and its test; prints hook URL and secret",
                            "  chatrelay init                                            asks\n"
                            "  chatrelay init relay --system livechat --use mail --to support@example.com\n"
                            "  chatrelay init relay --system generic --use webhook --to https://example.com/in "
                            "--public-url https://relay.example.com");
  auto options = std::make_shared<Options>();
  verb->add_option("DIR", options->folder, "the folder to write into (this one)");
  verb->add_option("--system", options->answers.system, "what sends the webhooks: " + names_of(init_systems()));
  verb->add_option("--use", options->answers.use, "what becomes of them: " + names_of(init_uses()));
  verb->add_option("--to", options->answers.to, "the URL, e-mail address or file they go to");
  verb->add_option("--public-url", options->answers.public_url,
                   "how the outside reaches this relay, for example https://relay.example.com");
  verb->callback([&shell, options] { shell.action = [&shell, options] { return init(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
