// Livechatoo's receiving side and decoder, then folding: whatever the bytes, there is exactly one verdict, what is kept
// holds neither `custom` nor a secret, and becomes exactly one event whose parts are bounded.
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/json_scan.hpp"
#include "source_world.hpp"
#include "systems/livechatoo/callbacks.hpp"
#include "systems/livechatoo/livechatoo_source.hpp"

using namespace chatrelay;

namespace {

constexpr const char* secret = "fuzz-secret-0123456789";

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static SourceWorld world(systems::livechatoo_kind(),
                           std::string("  shop: {system: livechatoo, account: shop, origins: "
                                       "[\"https://shop.example\"], identity: {token: {secrets: [\"") +
                               secret + "\"]}}}\n");
  systems::Source& source = *world.sources[0];
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check_bounds(decode_and_fold_one(source, std::string(body)));  // a damaged store
  systems::HookRequest request;
  request.body = body;
  request.content_type = "text/plain";
  request.header = [](const void*, std::string_view name) {
    return name == "Origin" ? std::string_view("https://shop.example") : std::string_view();
  };
  const systems::Verdict verdict = source.admit(request, from_ms(1'700'000'000'000));
  CHATRELAY_ASSERT(verdict.accepted.has_value() != verdict.rejected.has_value(), "exactly one verdict");
  if (!verdict.accepted) return 0;
  const systems::Accepted& accepted = *verdict.accepted;
  CHATRELAY_ASSERT(accepted.answer.empty() && accepted.keep, "a visitor's browser learns nothing");
  CHATRELAY_ASSERT(accepted.body.find(secret) == std::string::npos, "a secret would be stored");
  const std::string names[] = {"custom"};
  const JsonScanResult scan = scan_json(accepted.body, {}, names);
  CHATRELAY_ASSERT(scan.well_formed && scan.members.empty(), "a session would be stored");
  const Event event = decode_and_fold_one(source, accepted.body);
  check_bounds(event);
  CHATRELAY_ASSERT(event.type != event_type::invalid_payload || event.raw.is_string(), "what is kept tells why");
  return 0;
}
