// chatrelay webhooks register|list|unregister|state: what LiveChat sends to a source, through its Configuration API.
// Works without the daemon: everything it needs is in the configuration.
#include <chrono>
#include <ostream>
#include <thread>

#include "admin/cli/listing.hpp"
#include "admin/livechat/blocking_client.hpp"
#include "admin/livechat/hook_url.hpp"
#include "admin/livechat/registrar.hpp"
#include "admin/livechat/webhook_state.hpp"
#include "common/text.hpp"
#include "common/units.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::admin::cli {
namespace {

namespace lc = chatrelay::admin::livechat;

struct Options {
  std::string source, url, type, wait, id;
  bool no_probe = false, dry_run = false, as_json = false;
};

// What stands in other people's registrations, for a person: no control characters, none of our secrets.
std::string shown(std::string_view text) {
  return clean(redactor::redact(text));
}

const config::SourceConfig& source_of(const config::Config& config, const std::string& name) {
  std::string names;
  for (const config::SourceConfig& source : config.sources) {
    if (source.system != "livechat") continue;
    if (source.name == name) return source;
    names += (names.empty() ? "" : ", ") + source.name;
  }
  const std::string there_are =
      names.empty() ? "it has none of system livechat" : "its sources of system livechat are: " + names;
  if (const config::SourceConfig* other = config.source(name))
    throw Failure(exit_code::data, "the source " + name + " is of system " + clean(other->system) +
                                       ", and webhooks are registered at LiveChat only; " + there_are);
  throw Failure(exit_code::data, "there is no source \"" + clean(name) + "\" in " + config.file + "; " + there_are);
}

std::string hook_url(Shell& shell, const config::Config& config, const Options& options) {
  const std::string& base = options.url.empty() ? config.listen.public_url : options.url;
  if (base.empty())
    throw Failure(exit_code::config, "where does LiveChat reach this relay? Set listen.public_url in " + config.file +
                                         ", or say it with --url https://relay.example.com");
  const auto url = lc::hook_url(base, options.source);
  if (!url) throw Failure(exit_code::usage, "--url or listen.public_url: " + url.error().message);
  if (const std::string warning = lc::reach_warning(*url); !warning.empty())
    shell.err() << "warning: " << warning << "\n";
  return *url;
}

// What every verb needs, read from the configuration.
struct Desk {
  Desk(Shell& shell, const Options& options) {
    config::Problems problems;
    const config::Config config = shell.load_config(problems);
    const config::SourceConfig& source = source_of(config, options.source);
    const auto settings = systems::read_livechat_api(source.node["api"]);
    const std::vector<Secret> secrets = systems::read_secrets(source.node["secrets"]);
    if (problems.has_errors()) throw Failure(exit_code::config, "the source has problems:\n" + problems.to_string());
    if (!settings)
      throw Failure(exit_code::config, "the source " + source.name + " of " + config.file +
                                           " has no way back to LiveChat: add\n  api: {account: \"…\", token: "
                                           "\"${LIVECHAT_TOKEN}\", client_id: \"…\"}");
    hook = {source.name, hook_url(shell, config, options), secrets.front()};
    // With --json what goes on is told beside the answer, not in it.
    std::ostream& told = options.as_json ? shell.err() : shell.out();
    say = [&told](const std::string& line) { told << clean(line) << std::endl; };
    api.emplace(source.name, *settings, send, sleep, say);
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  lc::BlockingClient client;
  lc::Send send = [this](http::ClientRequest request) { return client.send(std::move(request)); };
  lc::Sleep sleep = [](Millis time) { std::this_thread::sleep_for(time); };
  lc::Say say;
  lc::Hook hook;
  std::optional<lc::ConfigurationApi> api;
};

template <class T>
T value_of(Result<T> result) {
  if (!result) throw failure_of(result.error());
  return std::move(*result);
}

json::object as_json(const lc::Registered& done) {
  json::array unfinished;
  for (const std::string& one : done.unfinished) unfinished.emplace_back(one);
  json::object object{{"changed", done.changed()},
                      {"kept", done.kept},
                      {"added", done.added},
                      {"removed", done.removed},
                      {"enabled_license_webhooks", done.enabled_license_webhooks},
                      {"unfinished", std::move(unfinished)}};
  if (!done.bot_id.empty()) object["bot"] = done.bot_id;
  return object;
}

Millis wait_of(const std::string& text) {
  if (text.empty()) return lc::propagation;
  const auto wait = parse_duration(text);
  if (!wait) throw Failure(exit_code::usage, "--wait: " + wait.error().message);
  return *wait;
}

int register_hooks(Shell& shell, const Options& options) {
  lc::RegisterOptions wanted;
  wanted.type = options.type;
  wanted.wait = wait_of(options.wait);
  wanted.probe = !options.no_probe;
  wanted.dry_run = options.dry_run;
  Desk desk(shell, options);
  const lc::Registered done =
      value_of(lc::Registrar(desk.hook, *desk.api, desk.send, desk.sleep, desk.say).register_all(wanted));
  for (const std::string& one : done.unfinished) shell.err() << "chatrelay: " << clean_lines(one) << "\n";
  if (options.as_json)
    print_json(shell, as_json(done));
  else if (!options.dry_run)
    shell.out() << (done.changed() ? "done: " : "nothing to change: ") << done.kept << " in place, " << done.added
                << " added, " << done.removed << " removed at " << clean(desk.hook.url) << "\n";
  return done.unfinished.empty() ? exit_code::ok : exit_code::failed;
}

json::object as_json(const lc::Judged& judged) {
  const lc::Registration& one = judged.registration;
  return {{"id", shown(one.id)},   {"action", shown(one.action)},          {"type", shown(one.type)},
          {"url", shown(one.url)}, {"whose", lc::to_string(judged.whose)}, {"description", shown(one.description)}};
}

json::array as_json(const std::vector<lc::Judged>& all) {
  json::array array;
  for (const lc::Judged& one : all) array.push_back(as_json(one));
  return array;
}

int list(Shell& shell, const Options& options) {
  Desk desk(shell, options);
  std::vector<lc::Wanted> wanted;
  const std::vector<lc::Judged> all = value_of(lc::judge_all(desk.hook, *desk.api, wanted));
  if (options.as_json) return print_json(shell, as_json(all));
  Table table({{"ID", false, false},
               {"ACTION", false, false},
               {"TYPE", false, false},
               {"STATE", false, false},
               {"ADDRESS", false, true}});
  for (const lc::Judged& judged : all) {
    const lc::Registration& one = judged.registration;
    table.add(
        {shown(one.id), shown(one.action), shown(one.type), std::string(lc::to_string(judged.whose)), shown(one.url)});
  }
  if (table.empty())
    shell.out() << "nothing is registered for the Client ID " << clean(desk.api->settings().client_id) << "\n";
  else
    table.print(shell.out(), shell.terminal.width);
  return exit_code::ok;
}

int unregister(Shell& shell, const Options& options) {
  Desk desk(shell, options);
  std::size_t removed = 1;
  if (!options.id.empty()) {
    if (const auto done = desk.api->remove(options.id); !done) throw failure_of(done.error());
  } else {
    removed =
        value_of(lc::Registrar(desk.hook, *desk.api, desk.send, desk.sleep, desk.say).unregister_all(options.type));
  }
  if (options.as_json) return print_json(shell, json::object{{"removed", removed}});
  shell.out() << (removed == 0 ? "nothing of chatrelay is registered for " + clean(desk.hook.url)
                               : std::to_string(removed) + " removed")
              << "\n";
  return exit_code::ok;
}

std::string hook_word(const std::optional<lc::ProbeAnswer>& hook) {
  if (!hook) return "-";
  switch (hook->kind) {
    case lc::ProbeAnswer::Kind::takes:
      return "takes the newest secret";
    case lc::ProbeAnswer::Kind::refuses:
      return "refuses the newest secret";
    case lc::ProbeAnswer::Kind::silent:
      break;
  }
  return clean(hook->reason);
}

json::object as_json(const lc::WebhookState& state, const lc::Hook& hook, const std::vector<std::string>& warnings) {
  json::array bots, told;
  for (const lc::BotState& one : state.bots)
    bots.push_back(
        json::object{{"id", shown(one.bot.id)}, {"name", shown(one.bot.name)}, {"status", shown(one.status)}});
  for (const std::string& one : warnings) told.emplace_back(one);
  return {{"ok", warnings.empty()},
          {"url", hook.url},
          {"hook", hook_word(state.hook)},
          {"license_webhooks_enabled", state.license_webhooks_enabled},
          {"license_in_place", state.license_in_place},
          {"bot_in_place", state.bot_in_place},
          {"bots", std::move(bots)},
          {"warnings", std::move(told)},
          {"registrations", as_json(state.registrations)}};
}

int show_state(Shell& shell, const Options& options) {
  Desk desk(shell, options);
  const lc::WebhookState state = value_of(lc::look(desk.hook, *desk.api, options.no_probe ? nullptr : &desk.send));
  const std::vector<std::string> warnings = lc::warnings_of(state, desk.hook);
  const int code = warnings.empty() ? exit_code::ok : exit_code::failed;
  if (options.as_json) {
    print_json(shell, as_json(state, desk.hook, warnings));
    return code;
  }
  std::vector<std::pair<std::string, std::string>> facts{
      {"address", clean(desk.hook.url)},
      {"hook", hook_word(state.hook)},
      {"licence webhooks", state.license_webhooks_enabled ? "enabled" : "disabled"},
      {"in place", std::to_string(state.license_in_place) + " of the licence, " + std::to_string(state.bot_in_place) +
                       " of the bot"}};
  for (const lc::BotState& one : state.bots)
    facts.emplace_back("bot", shown(one.bot.name) + " (" + shown(one.bot.id) + "): " + shown(one.status));
  print_facts(shell, facts);
  for (const std::string& one : warnings) shell.out() << "warning: " << clean(one) << "\n";
  return code;
}

using Verb = int (*)(Shell&, const Options&);

CLI::App* add_one(CLI::App& webhooks, Shell& shell, const std::string& name, const std::string& what,
                  const std::string& examples, const std::shared_ptr<Options>& options, Verb act) {
  CLI::App* verb = add_verb(webhooks, name, what, examples);
  verb->add_option("NAME", options->source, "the source, of system livechat, with api:")->required();
  verb->add_option("--url", options->url, "where LiveChat reaches the relay (else listen.public_url)");
  verb->add_flag("--json", options->as_json, "print JSON");
  verb->callback([&shell, options, act] { shell.action = [&shell, options, act] { return act(shell, *options); }; });
  return verb;
}

void add_type(CLI::App& verb, Options& options, const std::string& what) {
  verb.add_option("--type", options.type, what)->check([](const std::string& type) {
    return type == "license" || type == "bot" ? std::string() : "must be license or bot";
  });
}

}  // namespace

void add_webhooks(CLI::App& app, Shell& shell) {
  CLI::App* webhooks = add_verb(app, "webhooks", "what LiveChat sends: register, list, unregister, state", "");
  webhooks->require_subcommand(1);

  auto registering = std::make_shared<Options>();
  registering->type = "license";
  CLI::App* verb = add_one(*webhooks, shell, "register",
                           "make LiveChat send all wanted actions; changes nothing that is right already",
                           "  chatrelay webhooks register livechat\n"
                           "  chatrelay webhooks register livechat --dry-run\n"
                           "  chatrelay webhooks register livechat --type bot     creates the bot, sets its status\n"
                           "A new secret: write it first in the list of secrets, keep the old one behind it, run\n"
                           "`chatrelay reload`, then this; take the old one out once this has said done.",
                           registering, register_hooks);
  add_type(*verb, *registering, "license (default): what the whole licence does; bot: what goes to a bot");
  verb->add_option("--wait", registering->wait,
                   "between the new registrations and the removal of what they replace (2m)");
  verb->add_flag("--no-probe", registering->no_probe, "do not ask the hook whether it takes the newest secret");
  verb->add_flag("--dry-run", registering->dry_run, "only say what would be done");

  add_one(*webhooks, shell, "list", "all registrations of the Client ID, and whose they are",
          "  chatrelay webhooks list livechat --json", std::make_shared<Options>(), list);

  auto removing = std::make_shared<Options>();
  verb = add_one(*webhooks, shell, "unregister", "remove what register made for this source and address",
                 "  chatrelay webhooks unregister livechat\n"
                 "  chatrelay webhooks unregister livechat --url https://old.example.com    of an address left behind\n"
                 "  chatrelay webhooks unregister livechat --id pqi8oasdjahuakndw9nsad9na   one, whoever made it",
                 removing, unregister);
  add_type(*verb, *removing, "license or bot (both)");
  verb->add_option("--id", removing->id, "one registration of the Client ID, whoever made it");

  auto looking = std::make_shared<Options>();
  verb = add_one(*webhooks, shell, "state", "what is in place, and what keeps webhooks from coming; exit 1 if anything",
                 "  chatrelay webhooks state livechat", looking, show_state);
  verb->add_flag("--no-probe", looking->no_probe, "do not ask the hook whether it takes the newest secret");
}

}  // namespace chatrelay::admin::cli
