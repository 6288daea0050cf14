// Livechatoo's receiving side and decoder, then folding: whatever the bytes, there is exactly one verdict, what is kept
// holds neither `custom` nor a secret, and becomes exactly one event whose parts are bounded.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/assert.hpp"
#include "common/json_scan.hpp"
#include "config/config.hpp"
#include "conversations/fold.hpp"
#include "systems/livechatoo/callbacks.hpp"
#include "systems/livechatoo/livechatoo_source.hpp"

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
        std::string("store: sqlite:x.db\nsources:\n  shop: {system: livechatoo, account: shop, origins: "
                    "[\"https://shop.example\"], identity: {token: {secrets: [\"") +
            secret + "\"]}}}\n",
        "fuzz.yaml", problems, environment);
    source = systems::livechatoo_kind().make(config.sources.at(0), config.tables, problems);
    CHATRELAY_ASSERT(source != nullptr, "the fuzzer's configuration is wrong");
  }
};

void check_bounds(const Event& event) {
  using namespace systems::livechatoo;
  const auto fits = [](const std::optional<std::string>& text, std::size_t max) {
    return !text || (!text->empty() && text->size() <= max);
  };
  CHATRELAY_ASSERT(!event.type.empty(), "an event has a type");
  if (event.chat) {
    CHATRELAY_ASSERT(event.chat->id && fits(event.chat->id, id_bytes_max), "a chat is named by a ticket");
    const auto& rating = event.chat->rating;
    CHATRELAY_ASSERT(!rating || (*rating->score >= 1 && *rating->score <= 5), "a rating is of 1 to 5");
  }
  if (event.visitor) {
    const Visitor& visitor = *event.visitor;
    for (const auto* line : {&visitor.id, &visitor.name, &visitor.email, &visitor.phone, &visitor.page.title})
      CHATRELAY_ASSERT(fits(*line, line_bytes_max), "a line is cut");
    for (const auto* url : {&visitor.page.url, &visitor.page.referrer})
      CHATRELAY_ASSERT(fits(*url, url_bytes_max), "an address is cut");
  }
  if (event.message) CHATRELAY_ASSERT(fits(event.message->text, text_bytes_max), "a message is cut");
}

Event decode_and_fold(systems::Source& source, const std::string& body) {
  systems::StoredWebhook webhook;
  webhook.seq = 1;
  webhook.source = "shop";
  webhook.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  webhook.body = body;
  std::vector<Event> events = source.decode(webhook);
  CHATRELAY_ASSERT(events.size() == 1, "a call is exactly one event");
  check_bounds(events.front());
  conversations::Conversation conversation;
  const conversations::Folded folded = conversations::fold(conversation, events);
  for (const Event& event : folded.events) (void)to_json(event, {});
  (void)conversations::conversation_from_json(conversations::to_json(conversation));
  return std::move(events.front());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  decode_and_fold(*world.source, std::string(body));  // a damaged store
  systems::HookRequest request;
  request.body = body;
  request.content_type = "text/plain";
  request.header = [](const void*, std::string_view name) {
    return name == "Origin" ? std::string_view("https://shop.example") : std::string_view();
  };
  const systems::Verdict verdict = world.source->admit(request, from_ms(1'700'000'000'000));
  CHATRELAY_ASSERT(verdict.accepted.has_value() != verdict.rejected.has_value(), "exactly one verdict");
  if (!verdict.accepted) return 0;
  const systems::Accepted& accepted = *verdict.accepted;
  CHATRELAY_ASSERT(accepted.answer.empty() && accepted.keep, "a visitor's browser learns nothing");
  CHATRELAY_ASSERT(accepted.body.find(secret) == std::string::npos, "a secret would be stored");
  const std::string names[] = {"custom"};
  const JsonScanResult scan = scan_json(accepted.body, {}, names);
  CHATRELAY_ASSERT(scan.well_formed && scan.members.empty(), "a session would be stored");
  const Event event = decode_and_fold(*world.source, accepted.body);
  CHATRELAY_ASSERT(event.type != event_type::invalid_payload || event.raw.is_string(), "what is kept tells why");
  return 0;
}
