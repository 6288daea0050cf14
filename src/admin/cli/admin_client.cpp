#include "admin/cli/admin_client.hpp"

#include "admin/cli/text.hpp"
#include "common/json.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::cli {
namespace {

// An address to listen on is not always one to connect to.
std::string reachable(const std::string& host) {
  if (host.empty() || host == "0.0.0.0" || host == "*") return "127.0.0.1";
  if (host == "::") return "::1";
  return host;
}

int exit_code_of_status(int status) {
  if (status == 400) return exit_code::usage;  // the options were passed on as they were given
  if (status == 401 || status == 403) return exit_code::no_permission;
  if (status == 503) return exit_code::unavailable;
  if (status == 422) return exit_code::config;
  if (status >= 500) return exit_code::internal;
  return exit_code::data;
}

}  // namespace

std::string segment(std::string_view text) {
  return "/" + percent_encode(text);
}

AdminClient::AdminClient(Shell& shell) : config_file_(shell.config_file()) {
  // Only listen is needed of the configuration: an operator may not be allowed to read the secrets it names, and
  // problems elsewhere are no reason not to look at the daemon.
  config::Problems problems;
  const auto config = config::load_config(config_file_, problems, shell.environment());
  config_has_problems_ = problems.has_errors();
  token_ = config.listen.admin_token.reveal();
  if (const auto token = shell.terminal.variable("CHATRELAY_ADMIN_TOKEN"); token && !token->empty()) token_ = *token;

  std::string address = shell.admin_option;
  how_found_ = "--admin";
  if (address.empty()) {
    address = shell.terminal.variable("CHATRELAY_ADMIN").value_or("");
    how_found_ = "CHATRELAY_ADMIN";
  }
  if (!address.empty()) {
    std::string rest;
    const auto parsed = parse_endpoint(address, rest);
    if (!parsed || (!rest.empty() && rest != "/"))
      throw Failure(exit_code::usage, how_found_ + " is \"" + clean(address) + "\"; it must be HOST:PORT");
    endpoint_ = *parsed;
    endpoint_.host = reachable(endpoint_.host);
    return;
  }
  how_found_ = "listen.admin of " + config_file_;
  for (const config::Problem& problem : problems.list())
    if (!problem.warning && problem.where.line == 0)  // the file as a whole: missing, unreadable, not YAML
      throw Failure(exit_code::config, problem.where.to_string() + ": " + problem.message +
                                           "\nName the configuration with --config or CHATRELAY_CONFIG, or the "
                                           "daemon's admin port with --admin HOST:PORT or CHATRELAY_ADMIN.");
  endpoint_.host = reachable(config.listen.admin.host);
  endpoint_.port = config.listen.admin.port;
  if (endpoint_.port == 0)
    throw Failure(exit_code::config,
                  how_found_ +
                      " is port 0 (any free one): say which one it became with --admin HOST:PORT or CHATRELAY_ADMIN; "
                      "the daemon logs it as admin= when it starts");
}

HttpCall AdminClient::call_of(const std::string& method, const std::string& path, const Query& query) const {
  HttpCall call;
  call.method = method;
  call.target = path;
  char separator = path.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    call.target += separator + percent_encode(name) + "=" + percent_encode(value);
    separator = '&';
  }
  if (!token_.empty()) call.headers.emplace_back("Authorization", "Bearer " + token_);
  return call;
}

boost::json::value AdminClient::get(const std::string& path, const Query& query) {
  return checked(http_call(endpoint_, call_of("GET", path, query)));
}

boost::json::value AdminClient::post(const std::string& path, const boost::json::object& body, Millis timeout) {
  HttpCall call = call_of("POST", path, {});
  call.headers.emplace_back("Content-Type", "application/json");
  call.body = boost::json::serialize(body);
  call.timeout = timeout;
  return checked(http_call(endpoint_, call));
}

void AdminClient::follow(const std::string& path, const Query& query,
                         const std::function<bool(const boost::json::value&)>& each) {
  std::string rest;
  const auto answer = http_stream(endpoint_, call_of("GET", path, query), [&](std::string_view bytes) {
    rest += bytes;
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      const std::string line = rest.substr(0, end);
      rest.erase(0, end + 1);
      if (line.empty()) continue;  // says only that the connection lives
      const auto value = parse_json(line);
      if (value && !each(*value)) return false;
    }
    return true;
  });
  if (!answer || answer->status != 200) checked(answer);
}

boost::json::value AdminClient::checked(const Result<HttpAnswer>& answer) const {
  if (!answer) fail(answer.error());
  auto body = parse_json(answer->body);
  if (answer->status < 300) {
    if (!body)
      throw Failure(exit_code::internal,
                    endpoint_.to_string() + " (" + how_found_ + ") does not answer like chatrelay's admin port");
    return std::move(*body);
  }
  std::string said = body ? string_at(*body, "error").value_or("") : "";
  if (said.empty()) said = "status " + std::to_string(answer->status);
  if (body)
    if (const json::value* problems = find(*body, "problems"); problems && problems->is_array())
      for (const json::value& problem : problems->get_array()) said += "\n" + problem_line(problem);
  if (answer->status == 401)
    said += token_.empty()
                ? "\nNo token could be read: listen.admin_token of " + config_file_ + ", or CHATRELAY_ADMIN_TOKEN."
                : "\nThe token that was sent is not the daemon's: has listen.admin_token changed since it started?";
  throw Failure(exit_code_of_status(answer->status), clean_lines(said));
}

void AdminClient::fail(const Error& error) const {
  if (error.kind != ErrorKind::unavailable) throw Failure(exit_code::internal, error.message);
  std::string text = "the daemon does not answer at " + endpoint_.to_string() + " (" + how_found_ +
                     "): " + error.message + "\nStart it with: chatrelay serve --config " + config_file_ +
                     "\nor say where its admin port is with --admin HOST:PORT or CHATRELAY_ADMIN.";
  if (config_has_problems_)
    text +=
        "\nThe configuration has problems, so that address may not be meant: chatrelay check --config " + config_file_;
  throw Failure(exit_code::unavailable, text);
}

}  // namespace chatrelay::admin::cli
