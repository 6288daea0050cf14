// LiveChat's receiving side and decoder, then folding: whatever the bytes, there is a verdict, at least one event, and
// no secret is kept.
#include <cstddef>
#include <cstdint>
#include <string>

#include "source_world.hpp"
#include "systems/livechat/livechat_source.hpp"

using namespace chatrelay;

namespace {

constexpr const char* secret = "fuzz-secret-0123456789";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static SourceWorld world(systems::livechat_kind(),
                           std::string("  lc: {system: livechat, secrets: [\"") + secret + "\"]}\n");
  systems::Source& source = *world.sources[0];
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  systems::HookRequest request;
  request.body = body;
  request.path_secret = secret;
  const systems::Verdict verdict = source.admit(request, from_ms(1'700'000'000'000));
  CHATRELAY_ASSERT(verdict.accepted.has_value() != verdict.rejected.has_value(), "exactly one verdict");
  if (!verdict.accepted) return 0;
  CHATRELAY_ASSERT(verdict.accepted->body.find(secret) == std::string::npos, "a secret would be stored");
  const std::vector<Event> events = decode_and_fold(source, verdict.accepted->body);
  CHATRELAY_ASSERT(!events.empty(), "a webhook is always at least one event");
  return 0;
}
