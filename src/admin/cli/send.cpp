// chatrelay send: posts recorded webhooks to the running daemon, with the secret or signature that the source expects.
#include <ostream>

#include "admin/cli/http_call.hpp"
#include "admin/cli/listing.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string source, url, content_type = "application/json";
};

struct Target {
  Endpoint endpoint;
  std::string path;  // "/hooks/NAME"
};

Target target_of(const config::Config& config, const Options& options) {
  Target target;
  target.path = "/hooks/" + percent_encode(options.source);
  if (!options.url.empty()) {
    std::string rest;
    const auto parsed = parse_endpoint(options.url, rest);
    if (!parsed) throw Failure(exit_code::usage, "--url: " + parsed.error().message);
    target.endpoint = *parsed;
    while (!rest.empty() && rest.back() == '/') rest.pop_back();
    if (!rest.empty()) target.path = rest.find("/hooks/") == std::string::npos ? rest + target.path : rest;
    return target;
  }
  const config::Listen& listen = config.listen;
  if (listen.public_address.port == 0)
    throw Failure(exit_code::usage,
                  "listen.public of " + config.file +
                      " is port 0 (any free one): say which one it became with --url http://HOST:PORT");
  const std::string& host = listen.public_address.host;
  target.endpoint.host = host.empty() || host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host;
  target.endpoint.port = listen.public_address.port;
  target.endpoint.tls = listen.tls.has_value();
  return target;
}

std::unique_ptr<systems::Source> source_of(Shell& shell, const config::Config& config, config::Problems& problems,
                                           const std::string& name) {
  const config::SourceConfig* configured = config.source(name);
  if (!configured) {
    std::string names;
    for (const config::SourceConfig& source : config.sources) names += (names.empty() ? "" : ", ") + source.name;
    throw Failure(exit_code::data,
                  "there is no source \"" + clean(name) + "\" in " + config.file + "; there are: " + names);
  }
  auto source = shell.hooks.make_source(*configured, config.tables, problems);
  if (!source) throw Failure(exit_code::config, "the source has problems:\n" + problems.to_string());
  return source;
}

// A .jsonl file holds one webhook a line, every other file is one.
std::vector<std::string> bodies_of(Shell& shell, const std::string& path) {
  const std::string bytes = read_file(shell, path);
  if (!path.ends_with(".jsonl") && !path.ends_with(".ndjson")) return {bytes};
  std::vector<std::string> bodies;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!trim(line).empty()) bodies.emplace_back(trim(line));
  }
  return bodies;
}

HttpCall call_of(const Target& target, const systems::Source::Signed& request, const std::string& content_type) {
  HttpCall call;
  call.method = "POST";
  call.target = target.path + request.path_suffix;
  call.headers.emplace_back("Content-Type", content_type);
  for (const auto& header : request.headers) call.headers.push_back(header);
  call.body = request.body;
  return call;
}

int send(Shell& shell, const Options& options) {
  config::Problems problems;
  const config::Config config = shell.load_config(problems);
  const Target target = target_of(config, options);
  const auto source = source_of(shell, config, problems, options.source);
  int code = exit_code::ok;
  for (const std::string& file : options.files) {
    for (std::string& body : bodies_of(shell, file)) {
      const auto request = source->sign(std::move(body), shell.terminal.clock.now());
      const auto answer = http_call(target.endpoint, call_of(target, request, options.content_type));
      if (!answer)
        throw Failure(exit_code::unavailable,
                      "nothing answers at " + target.endpoint.to_string() + ": " + answer.error().message +
                          "\nIs the daemon running? Another address is given with --url http://HOST:PORT.");
      shell.out() << answer->status << "  " << clean(file);
      if (const auto said = trim(answer->body); !said.empty()) shell.out() << ": " << clean(truncate_utf8(said, 500));
      shell.out() << "\n";
      if (answer->status == 401 || answer->status == 403)
        code = exit_code::no_permission;
      else if (answer->status >= 500)
        code = exit_code::unavailable;
      else if (answer->status >= 300)
        code = exit_code::data;
    }
  }
  return code;
}

}  // namespace

void add_send(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(app, "send", "post recorded webhooks to the running daemon, signed as the source expects",
                            "  chatrelay send incoming_chat.json --source livechat\n"
                            "  chatrelay send day.jsonl --source livechat          a webhook a line\n"
                            "  chatrelay send - --source forms --url http://127.0.0.1:8080 < form.json");
  auto options = std::make_shared<Options>();
  verb->add_option("FILE", options->files, "files with the bodies; - is standard input")->required();
  verb->add_option("--source", options->source, "the configured source it shall come from")->required();
  verb->add_option("--url", options->url, "http://HOST:PORT of the daemon's public port (else from the configuration)");
  verb->add_option("--content-type", options->content_type, "of the bodies (application/json)");
  verb->callback([&shell, options] { shell.action = [&shell, options] { return send(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
