// Rocket.Chat's receiving side and decoder, then folding: whatever the bytes, there is a verdict, exactly one event,
// and no secret is kept.
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/json_scan.hpp"
#include "event/served_event.hpp"
#include "source_world.hpp"
#include "systems/rocketchat/rocketchat_source.hpp"

using namespace chatrelay;

namespace {

constexpr const char* secret = "fuzz-secret-0123456789";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static SourceWorld world(systems::rocketchat_kind(),
                           std::string("  rc: {system: rocketchat, secrets: [\"") + secret + "\"]}\n");
  systems::Source& source = *world.sources[0];
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  decode_and_fold_one(source, std::string(body), served_content_type);  // a damaged store
  systems::HookRequest request;
  request.body = body;
  request.content_type = served_content_type;
  request.path_secret = secret;
  const systems::Verdict verdict = source.admit(request, from_ms(1'700'000'000'000));
  CHATRELAY_ASSERT(verdict.accepted.has_value() != verdict.rejected.has_value(), "exactly one verdict");
  if (!verdict.accepted) return 0;
  CHATRELAY_ASSERT(verdict.accepted->content_type != served_content_type, "a sender passes for our own endpoints");
  CHATRELAY_ASSERT(verdict.accepted->body.find(secret) == std::string::npos, "a secret would be stored");
  if (!verdict.accepted->keep) return 0;
  const std::string tokens[] = {"token"};
  CHATRELAY_ASSERT(scan_json(verdict.accepted->body, {}, tokens).members.empty(), "a token would be stored");
  decode_and_fold_one(source, verdict.accepted->body, verdict.accepted->content_type);
  return 0;
}
