// Rocket.Chat's receiving side and decoder, then folding: whatever the bytes, there is a verdict, exactly one event,
// and no secret is kept.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/assert.hpp"
#include "common/json_scan.hpp"
#include "config/config.hpp"
#include "conversations/fold.hpp"
#include "event/served_event.hpp"
#include "systems/rocketchat/rocketchat_source.hpp"

using namespace chatrelay;

namespace {

constexpr const char* secret = "fuzz-secret-0123456789";

struct World {
  config::Problems problems;
  config::Config config;
  std::unique_ptr<systems::Source> source;
  World() {
    config::Environment environment;
    environment.variable = [](const std::string&) { return std::optional<std::string>{}; };
    environment.file = [](const std::string&) { return Result<std::string>(not_found("none")); };
    config = config::parse_config(
        std::string("store: sqlite:x.db\nsources:\n  rc: {system: rocketchat, secrets: [\"") + secret + "\"]}\n",
        "fuzz.yaml", problems, environment);
    source = systems::rocketchat_kind().make(config.sources.at(0), config.tables, problems);
    CHATRELAY_ASSERT(source != nullptr, "the fuzzer's configuration is wrong");
  }
};

void decode_and_fold(systems::Source& source, const std::string& body, const std::string& content_type) {
  systems::StoredWebhook webhook;
  webhook.seq = 1;
  webhook.source = "rc";
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  decode_and_fold(*world.source, std::string(body), served_content_type);  // a damaged store
  systems::HookRequest request;
  request.body = body;
  request.content_type = served_content_type;
  request.path_secret = secret;
  const systems::Verdict verdict = world.source->admit(request, from_ms(1'700'000'000'000));
  CHATRELAY_ASSERT(verdict.accepted.has_value() != verdict.rejected.has_value(), "exactly one verdict");
  if (!verdict.accepted) return 0;
  CHATRELAY_ASSERT(verdict.accepted->content_type != served_content_type, "a sender passes for our own endpoints");
  CHATRELAY_ASSERT(verdict.accepted->body.find(secret) == std::string::npos, "a secret would be stored");
  if (!verdict.accepted->keep) return 0;
  const std::string tokens[] = {"token"};
  CHATRELAY_ASSERT(scan_json(verdict.accepted->body, {}, tokens).members.empty(), "a token would be stored");
  decode_and_fold(*world.source, verdict.accepted->body, verdict.accepted->content_type);
  return 0;
}
