// LiveChat's receiving side and decoder, then folding: whatever the bytes, there is a verdict, at least one event, and
// no secret is kept.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/assert.hpp"
#include "config/config.hpp"
#include "conversations/fold.hpp"
#include "systems/livechat/livechat_source.hpp"

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
        std::string("store: sqlite:x.db\nsources:\n  lc: {system: livechat, secrets: [\"") + secret + "\"]}\n",
        "fuzz.yaml", problems, environment);
    source = systems::livechat_kind().make(config.sources.at(0), config.tables, problems);
    CHATRELAY_ASSERT(source != nullptr, "the fuzzer's configuration is wrong");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  systems::HookRequest request;
  request.body = body;
  request.path_secret = secret;
  const systems::Verdict verdict = world.source->admit(request, from_ms(1'700'000'000'000));
  CHATRELAY_ASSERT(verdict.accepted.has_value() != verdict.rejected.has_value(), "exactly one verdict");
  if (!verdict.accepted) return 0;
  CHATRELAY_ASSERT(verdict.accepted->body.find(secret) == std::string::npos, "a secret would be stored");
  systems::StoredWebhook webhook;
  webhook.seq = 1;
  webhook.source = "lc";
  webhook.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  webhook.body = verdict.accepted->body;
  std::vector<Event> events = world.source->decode(webhook);
  CHATRELAY_ASSERT(!events.empty(), "a webhook is always at least one event");
  conversations::Conversation conversation;
  const conversations::Folded folded = conversations::fold(conversation, events);
  for (const Event& event : folded.events) (void)to_json(event, {});
  (void)conversations::conversation_from_json(conversations::to_json(conversation));
  return 0;
}
