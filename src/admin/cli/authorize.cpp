// chatrelay destinations authorize
#include "admin/cli/authorize.hpp"

#include <chrono>
#include <istream>
#include <ostream>
#include <string>

#include "admin/cli/code_listener.hpp"
#include "admin/cli/listing.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::cli {
namespace {

// A fixed port: most services compare the whole address with what was registered.
constexpr const char* redirect_default = "http://localhost:8976/callback";
constexpr Millis answer_limit = std::chrono::minutes(10);  // to log in there; the daemon keeps the state for longer

struct AuthorizeOptions {
  std::string name;
  std::string redirect_uri = redirect_default;
  bool paste = false;
  bool as_json = false;
};

std::unique_ptr<CodeListener> open_listener(const AuthorizeOptions& options) {
  if (options.paste) return nullptr;
  const auto address = loopback_address(options.redirect_uri);
  if (!address) return nullptr;  // it leads to another machine: the person brings the code
  auto listener = CodeListener::open(*address);
  if (!listener)
    throw Failure(exit_code::unavailable, listener.error().message +
                                              "\nUse --paste, or --redirect with another port that is registered with "
                                              "the service.");
  return std::move(*listener);
}

std::string code_from(Shell& shell, CodeListener* listener, const std::string& state) {
  Result<std::string> code = invalid("");
  if (listener != nullptr) {
    shell.err() << "Waiting for the browser (on another machine: end this with Ctrl-C and use --paste) …\n";
    shell.err().flush();
    code = listener->wait(state, answer_limit);
  } else {
    shell.err() << "The address that the browser was sent to afterwards, or the code in it: " << std::flush;
    std::string pasted;
    if (!std::getline(shell.terminal.in, pasted)) throw Failure(exit_code::usage, "no answer");
    code = code_of(pasted, state);
  }
  if (!code) throw failure_of(code.error());
  return *code;
}

int authorize(Shell& shell, const AuthorizeOptions& options) {
  AdminClient client(shell);
  const auto listener = open_listener(options);
  const std::string path = "/api/destinations" + segment(options.name) + "/authorize";
  const json::value begun = client.post(path, {{"redirect_uri", options.redirect_uri}});
  const std::string state = string_at(begun, "state").value_or("");
  // To standard error, so that --json leaves JSON alone on standard output.
  shell.err() << "Open this address in a browser, log in and allow the access:\n\n  " << cell(begun, "address")
              << "\n\n";
  const std::string code = code_from(shell, listener.get(), state);
  const json::value done = client.post(path + "/finish", {{"state", state}, {"code", code}}, Millis{120'000});
  if (options.as_json) return print_json(shell, done);
  shell.out() << "authorized " << clean(options.name) << "\n";
  if (const std::string scope = cell(done, "scope"); scope != "-") shell.out() << "scope: " << scope << "\n";
  if (cell(done, "resumed") == "true") shell.out() << "it was disabled and goes on now\n";
  return exit_code::ok;
}

}  // namespace

void add_authorize(CLI::App& destinations, Shell& shell) {
  CLI::App* verb = add_verb(destinations, "authorize",
                            "log in to a service in a browser, once; the daemon keeps the token, sealed with store_key",
                            "  chatrelay destinations authorize crm\n"
                            "  chatrelay destinations authorize crm --paste       (the browser is on another machine)\n"
                            "  chatrelay destinations authorize crm --redirect https://example.com/oauth");
  auto options = std::make_shared<AuthorizeOptions>();
  verb->add_option("NAME", options->name, "a destination whose connector logs in by OAuth 2")->required();
  verb->add_option("--redirect", options->redirect_uri,
                   std::string("the redirect address registered with the service (") + redirect_default + ")");
  verb->add_flag("--paste", options->paste, "do not listen for the browser: ask for the address it was sent to");
  verb->add_flag("--json", options->as_json, "print the answer of the API as JSON");
  verb->callback([&shell, options] { shell.action = [&shell, options] { return authorize(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
