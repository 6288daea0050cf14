// Live Helper Chat's receiving side and decoder, then folding: whatever the bytes, and whichever mapping reads them,
// there is a verdict with an empty answer, exactly one event, and neither a secret nor a chat's hash is kept.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/assert.hpp"
#include "common/json_scan.hpp"
#include "config/config.hpp"
#include "conversations/fold.hpp"
#include "event/served_event.hpp"
#include "systems/livehelperchat/livehelperchat_source.hpp"

using namespace chatrelay;

namespace {

constexpr const char* secret = "fuzz-secret-0123456789";
constexpr std::array content_types{"application/json", "application/x-www-form-urlencoded", "multipart/form-data",
                                   served_content_type};

struct World {
  config::Problems problems;
  config::Config config;
  std::vector<std::unique_ptr<systems::Source>> sources;
  World() {
    config::Environment environment;
    environment.variable = [](const std::string&) { return std::optional<std::string>{}; };
    environment.file = [](const std::string&) { return Result<std::string>(not_found("none")); };
    std::string text = "store: sqlite:x.db\nsources:\n";
    for (const char* name : {"standard", "zapier", "n8n", "open_wa", "chat_api", "waha", "slack"})
      text += std::string("  ") + name + ": {system: livehelperchat, template: " + name + ", secrets: [\"" + secret +
              "\"], own: {user_ids: [7]}}\n";
    config = config::parse_config(text, "fuzz.yaml", problems, environment);
    for (const auto& source : config.sources)
      sources.push_back(systems::livehelperchat_kind().make(source, config.tables, problems));
    for (const auto& source : sources) CHATRELAY_ASSERT(source != nullptr, "the fuzzer's configuration is wrong");
  }
};

void decode_and_fold(systems::Source& source, const std::string& body, const std::string& content_type) {
  systems::StoredWebhook webhook;
  webhook.seq = 1;
  webhook.source = "lhc";
  webhook.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  webhook.body = body;
  webhook.content_type = content_type;
  std::vector<Event> events = source.decode(webhook);
  CHATRELAY_ASSERT(events.size() == 1, "a webhook is exactly one event");
  conversations::Conversation conversation;
  const conversations::Folded folded = conversations::fold(conversation, events);
  for (const Event& event : folded.events) (void)to_json(event, {});
  (void)conversations::conversation_from_json(conversations::to_json(conversation));
}

void receive(systems::Source& source, std::string_view body, const char* content_type) {
  systems::HookRequest request;
  request.body = body;
  request.content_type = content_type;
  request.path_secret = secret;
  const systems::Verdict verdict = source.admit(request, from_ms(1'700'000'000'000));
  CHATRELAY_ASSERT(verdict.accepted && !verdict.rejected, "what is authentic is accepted");
  CHATRELAY_ASSERT(verdict.accepted->answer.empty(), "an answer would be posted into the chat");
  if (!verdict.accepted->keep) return;
  const systems::Accepted& accepted = *verdict.accepted;
  CHATRELAY_ASSERT(accepted.content_type != served_content_type, "a sender passes for our own endpoints");
  CHATRELAY_ASSERT(accepted.body.find(secret) == std::string::npos, "a secret would be stored");
  const std::string names[] = {"hash", "vid", "password"};
  if (scan_json(body, {}, {}).well_formed) {
    const JsonScanResult scan = scan_json(accepted.body, {}, names);
    CHATRELAY_ASSERT(scan.well_formed, "what was JSON no longer is");
    CHATRELAY_ASSERT(scan.members.empty(), "a credential would be stored");
  }
  decode_and_fold(source, accepted.body, accepted.content_type);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  // The first byte says which mapping reads the rest, and under which type it comes.
  systems::Source& source = *world.sources[data[0] % world.sources.size()];
  const char* content_type = content_types[data[0] / 64];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  decode_and_fold(source, std::string(body), served_content_type);  // a damaged store
  receive(source, body, content_type);
  return 0;
}
