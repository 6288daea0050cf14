// Live Helper Chat's receiving side and decoder, then folding: whatever the bytes, and whichever mapping reads them,
// there is a verdict with an empty answer, exactly one event, and neither a secret nor a chat's hash is kept.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/json_scan.hpp"
#include "event/served_event.hpp"
#include "source_world.hpp"
#include "systems/livehelperchat/livehelperchat_source.hpp"

using namespace chatrelay;

namespace {

constexpr const char* secret = "fuzz-secret-0123456789";
constexpr std::array content_types{"application/json", "application/x-www-form-urlencoded", "multipart/form-data",
                                   served_content_type};

std::string all_mappings() {
  std::string yaml;
  for (const char* name : {"standard", "zapier", "n8n", "open_wa", "chat_api", "waha", "slack"})
    yaml += std::string("  ") + name + ": {system: livehelperchat, template: " + name + ", secrets: [\"" + secret +
            "\"], own: {user_ids: [7]}}\n";
  return yaml;
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
  decode_and_fold_one(source, accepted.body, accepted.content_type);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static SourceWorld world(systems::livehelperchat_kind(), all_mappings());
  if (size == 0) return 0;
  // The first byte says which mapping reads the rest, and under which type it comes.
  systems::Source& source = *world.sources[data[0] % world.sources.size()];
  const char* content_type = content_types[data[0] / 64];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  decode_and_fold_one(source, std::string(body), served_content_type);  // a damaged store
  receive(source, body, content_type);
  return 0;
}
