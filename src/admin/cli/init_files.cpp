#include "admin/cli/init_files.hpp"

#include <boost/json.hpp>

namespace chatrelay::admin::cli {
namespace {

// Every @NAME@ of the text by its value.
std::string filled(std::string_view text, std::initializer_list<std::pair<std::string_view, std::string>> values) {
  std::string out(text);
  for (const auto& [name, value] : values) {
    const std::string mark = "@" + std::string(name) + "@";
    for (std::size_t at = out.find(mark); at != std::string::npos; at = out.find(mark, at + value.size()))
      out.replace(at, mark.size(), value);
  }
  return out;
}

// A JSON string is a double-quoted YAML string; ${ would be taken for a variable.
std::string yaml_text(const std::string& text) {
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') safe += '$';
    safe += text[i];
  }
  return boost::json::serialize(boost::json::string(safe));
}

constexpr std::string_view config_text =
    R"(# chatrelay: written by `chatrelay init`. `chatrelay check --config chatrelay.yaml` says what is wrong with it.
# Secrets stand in files of their own (${file:PATH}); an environment variable is written ${NAME}.

listen:
  public: 127.0.0.1:8080        # webhooks; on loopback it stands behind a reverse proxy, which adds TLS
@PUBLIC_URL@  admin: 127.0.0.1:8081         # the commands of chatrelay, /metrics, /healthz, /readyz

store: sqlite:chatrelay.db
rules: [rules]

sources:
@SOURCE@
destinations:
@DESTINATION@)";

constexpr std::string_view livechat_source = R"(  livechat:                     # POST /hooks/livechat
    system: livechat
    # The secret of the webhook's registration. If LiveChat gave you one, put it into this file; a list takes several.
    secrets: ["${file:secrets/livechat}"]
)";

constexpr std::string_view rocketchat_source = R"(  rocketchat:                   # POST /hooks/rocketchat
    system: rocketchat
    # The secret token of the webhooks in Rocket.Chat's omnichannel settings.
    secrets: ["${file:secrets/rocketchat}"]
    # Websites and apps may also talk to chatrelay itself, as if it were a Rocket.Chat (/api/v1/livechat/):
    # serve: true
    # origins: ["https://shop.example"]
)";

constexpr std::string_view livehelperchat_source =
    R"(  livehelperchat:               # POST /hooks/livehelperchat/SECRET
    system: livehelperchat
    # What stands in the address of the Rest API call that Live Helper Chat's webhooks make.
    secrets: ["${file:secrets/livehelperchat}"]
    # Status widgets and applications may also talk to chatrelay itself, as if it were a Live Helper Chat (/restapi/):
    # serve: true
    # accounts: [{user: app, key_hash: "…"}]       # `chatrelay hash --new-key` makes one
)";

constexpr std::string_view livechatoo_source =
    R"(  livechatoo:                   # POST /hooks/livechatoo, from the script /livechatoo/bridge.js in your pages
    system: livechatoo
    # account: shop             # yours at Livechatoo: then calls that name another one are refused
    origins: ["https://shop.example"]     # the websites whose pages may send: put yours here
)";

constexpr std::string_view generic_source = R"(  generic:                      # POST /hooks/generic
    system: generic
    verify: {bearer: "${file:secrets/generic}"}   # Authorization: Bearer SECRET
    map:                        # jq: where type, chat, visitor and message stand in what is sent
      type: .type
      key: .id
      chat: "{id: .chat}"
      visitor: "{name: .name, email: .email}"
      message: "{text: .text}"
)";

constexpr std::string_view archive_destination = R"(  archive:
    kind: file
    path: @TO@
)";
constexpr std::string_view archive_rules = R"(rules:
  - name: everything goes into the archive
    on: "*"
    deliver:
      - to: archive
)";
constexpr std::string_view archive_tests = R"(tests:
  - name: a message is kept
    source: @SYSTEM@
    events:
      - {type: incoming_event, chat: {id: C1}, visitor: {name: Thomas}, message: {id: M1, text: Hello}}
    expect:
      - {to: archive}
)";

// Without allow_private a local address is refused; one that a person chose here is meant.
constexpr std::string_view webhook_destination = R"(  hook:
    connector: webhook
    url: @TO@
    sign: "${file:secrets/hook}"   # Standard Webhooks; the receiver verifies with the same secret
    allow_private: @PRIVATE@
)";
constexpr std::string_view webhook_rules = R"(rules:
  - name: messages go to the hook
    on: [incoming_chat, incoming_event, offline_message]
    deliver:
      - to: hook
        with:
          body:
            type: "{{ .type }}"
            chat: "{{ .chat.id }}"
            visitor: {name: "{{ .visitor.name }}", email: "{{ .visitor.email }}"}
            text: "{{ .message.text }}"
)";
constexpr std::string_view webhook_tests = R"(tests:
  - name: a message arrives with its visitor
    source: @SYSTEM@
    events:
      - type: offline_message
        chat: {id: C1}
        visitor: {name: Thomas, email: thomas@example.com}
        message: {id: M1, text: Please call me, author: {role: visitor, name: Thomas}}
    expect:
      - to: hook
        with:
          body:
            type: offline_message
            chat: C1
            visitor: {name: Thomas, email: thomas@example.com}
            text: Please call me
)";

constexpr std::string_view mail_destination = R"(  mailbox:
    kind: email
    # A Maildir to try things with. A real server (TLS is required):
    #   smtp: "smtp://mail.example.com:587"
    #   username: chat@example.com
    #   password: "${file:secrets/smtp}"
    smtp: "maildir:mail"
    from: chatrelay@localhost.localdomain
    to: [@TO@]
)";
constexpr std::string_view mail_rules = R"(rules:
  - name: offline messages go to mail
    on: offline_message
    deliver:
      - to: mailbox
        with:
          subject: "Offline message from {{ .visitor.name // \"a visitor\" }}"
          reply_to: "{{ .visitor.email }}"
          text: "{{ .message.text }}"
  - name: the transcript of a finished chat goes to mail
    on: chat_deactivated
    deliver:
      - to: mailbox
        with:
          subject: "Chat with {{ .visitor.name // \"a visitor\" }}"
          reply_to: "{{ .visitor.email }}"
          text: "{{ .transcript_text }}"
)";
constexpr std::string_view mail_tests = R"(tests:
  - name: an offline message becomes a mail that can be answered
    source: @SYSTEM@
    events:
      - type: offline_message
        chat: {id: C1}
        visitor: {name: Thomas, email: thomas@example.com}
        message: {id: M1, text: Please call me, author: {role: visitor, name: Thomas}}
    expect:
      - to: mailbox
        with: {subject: Offline message from Thomas, reply_to: thomas@example.com, text: Please call me}
  - name: a message of a running chat is no mail
    source: @SYSTEM@
    events:
      - {type: incoming_event, chat: {id: C2}, visitor: {name: Eva}, message: {id: M2, text: Hello}}
    expect: []
)";

struct Texts {
  std::string_view destination, rules, tests;
};

Texts texts_of(const std::string& use) {
  if (use == "webhook") return {webhook_destination, webhook_rules, webhook_tests};
  if (use == "mail") return {mail_destination, mail_rules, mail_tests};
  return {archive_destination, archive_rules, archive_tests};
}

std::string to_of(const InitAnswers& answers) {
  if (!answers.to.empty()) return answers.to;
  for (const InitUse& use : init_uses())
    if (use.name == answers.use) return std::string(use.fallback);
  return {};
}

std::string_view source_of(const std::string& system) {
  if (system == "livechat") return livechat_source;
  if (system == "rocketchat") return rocketchat_source;
  if (system == "livehelperchat") return livehelperchat_source;
  if (system == "livechatoo") return livechatoo_source;
  return generic_source;
}

bool is_local(const std::string& url) {
  return url.find("://127.") != std::string::npos || url.find("://localhost") != std::string::npos ||
         url.find("://[::1]") != std::string::npos;
}

std::string base_url(const InitAnswers& answers) {
  std::string base = answers.public_url.empty() ? "http://127.0.0.1:8080" : answers.public_url;
  while (!base.empty() && base.back() == '/') base.pop_back();
  return base;
}

}  // namespace

const std::vector<InitSystem>& init_systems() {
  static const std::vector<InitSystem> systems{
      {"livechat", "LiveChat (livechat.com, text.com)"},
      {"generic", "forms, shops and everything else that posts JSON"},
      {"rocketchat", "Rocket.Chat's omnichannel"},
      {"livehelperchat", "Live Helper Chat"},
      {"livechatoo", "Livechatoo, by a script in your pages"},
  };
  return systems;
}

const std::vector<InitUse>& init_uses() {
  static const std::vector<InitUse> uses{
      {"archive", "keep every event as a line of JSON in a file", "", "archive.jsonl"},
      {"webhook", "post messages to an HTTP endpoint, signed", "URL of the endpoint", "http://127.0.0.1:8089/"},
      {"mail", "mail offline messages and the transcripts of finished chats", "e-mail address they go to",
       "support@example.com"},
  };
  return uses;
}

std::vector<InitFile> init_files(const InitAnswers& answers) {
  const std::string to = to_of(answers);
  const Texts texts = texts_of(answers.use);
  const std::string public_url =
      answers.public_url.empty() ? "" : "  public_url: " + yaml_text(base_url(answers)) + "\n";
  std::vector<InitFile> files;
  files.push_back(
      {"chatrelay.yaml",
       filled(config_text, {{"PUBLIC_URL", public_url},
                            {"SOURCE", std::string(source_of(answers.system))},
                            {"DESTINATION", filled(texts.destination, {{"PRIVATE", is_local(to) ? "true" : "false"},
                                                                       {"TO", yaml_text(to)}})}})});
  files.push_back({"rules/" + answers.use + ".yaml", std::string(texts.rules)});
  files.push_back({"rules/" + answers.use + "_test.yaml", filled(texts.tests, {{"SYSTEM", answers.system}})});
  if (init_has_secret(answers)) files.push_back({"secrets/" + answers.system, answers.secret + "\n", true});
  if (answers.use == "webhook") files.push_back({"secrets/hook", answers.hook_secret + "\n", true});
  return files;
}

std::string init_hook_url(const InitAnswers& answers) {
  return base_url(answers) + "/hooks/" + answers.system;
}

std::string init_snippet(const InitAnswers& answers) {
  return "<script src=\"" + base_url(answers) + "/livechatoo/bridge.js\"></script>";
}

bool init_has_secret(const InitAnswers& answers) {
  return answers.system != "livechatoo";  // browsers send, and a browser keeps no secret
}

std::string init_try_it(const InitAnswers& answers, const std::string& folder) {
  const std::string config = folder + "/chatrelay.yaml";
  std::string out = "Try it:\n  chatrelay check --config " + config + "\n  chatrelay rules test --config " + config +
                    "\n  chatrelay serve --config " + config + "      (stays; what follows in another terminal)\n";
  if (answers.use == "webhook" && to_of(answers) == "http://127.0.0.1:8089/")
    out += "  chatrelay sink --secret \"$(cat " + folder + "/secrets/hook)\"\n";
  if (answers.system == "generic")
    out += "  curl -H \"Authorization: Bearer $(cat " + folder +
           "/secrets/generic)\" -H 'Content-Type: application/json' \\\n"
           "       -d "
           "'{\"type\":\"offline_message\",\"id\":\"1\",\"chat\":\"c1\",\"name\":\"Thomas\",\"text\":\"Hello\"}' "
           "http://127.0.0.1:8080/hooks/generic\n";
  else if (answers.system == "rocketchat")
    out += "  curl -H \"X-RocketChat-Livechat-Token: $(cat " + folder +
           "/secrets/rocketchat)\" -H 'Content-Type: application/json' \\\n"
           "       -d '{\"type\":\"LivechatOfflineMessage\",\"sentAt\":\"2026-11-20T10:00:00.000Z\","
           "\"visitor\":{\"name\":\"Thomas\",\"email\":\"thomas@example.com\"},\"message\":\"Hello\"}' \\\n"
           "       http://127.0.0.1:8080/hooks/rocketchat\n";
  else if (answers.system == "livehelperchat")
    out +=
        "  curl -H 'Content-Type: application/json' \\\n"
        "       -d '{\"event\":\"chat.chat_offline_request\",\"chat\":{\"id\":5,\"nick\":\"Thomas\","
        "\"email\":\"thomas@example.com\"},\"input_data\":{\"question\":\"Hello\"}}' \\\n"
        "       \"http://127.0.0.1:8080/hooks/livehelperchat/$(cat " +
        folder + "/secrets/livehelperchat)\"\n";
  else if (answers.system == "livechatoo")
    out +=
        "  curl -H 'Origin: https://shop.example' -H 'Content-Type: text/plain' \\\n"
        "       -d '{\"event\":\"onofflinemessage\",\"data\":{\"name\":\"Thomas\","
        "\"email\":\"thomas@example.com\",\"message\":\"Hello\"}}' \\\n"
        "       http://127.0.0.1:8080/hooks/livechatoo\n";
  else
    out +=
        "  chatrelay send RECORDED_WEBHOOK.json --source " + answers.system + " --config " + config +
        "\n      (recorded ones: config/examples/livechat in the source, /usr/share/doc/chatrelay/examples/livechat)\n";
  return out;
}

}  // namespace chatrelay::admin::cli
