// What the fuzzers of sources share: sources made of YAML in an empty environment, and what a decoder's events go
// through.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/assert.hpp"
#include "config/config.hpp"
#include "conversations/fold.hpp"
#include "systems/source.hpp"

namespace chatrelay {

struct SourceWorld {
  config::Problems problems;
  config::Config config;
  std::vector<std::unique_ptr<systems::Source>> sources;

  // `yaml`: what stands under `sources:`, indented by two.
  SourceWorld(const systems::SourceKind& kind, const std::string& yaml) {
    config::Environment environment;
    environment.variable = [](const std::string&) { return std::optional<std::string>{}; };
    environment.file = [](const std::string&) { return Result<std::string>(not_found("none")); };
    config = config::parse_config("store: sqlite:x.db\nsources:\n" + yaml, "fuzz.yaml", problems, environment);
    for (const auto& source : config.sources) sources.push_back(kind.make(source, config.tables, problems));
    CHATRELAY_ASSERT(!sources.empty(), "the fuzzer's configuration is wrong");
    for (const auto& source : sources) CHATRELAY_ASSERT(source != nullptr, "the fuzzer's configuration is wrong");
  }
};

// The events, after they were folded and told, and the conversation was kept and read again.
inline std::vector<Event> decode_and_fold(systems::Source& source, const std::string& body,
                                          const std::string& content_type = {}) {
  systems::StoredWebhook webhook;
  webhook.seq = 1;
  webhook.source = "fuzzed";
  webhook.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  webhook.body = body;
  webhook.content_type = content_type;
  std::vector<Event> events = source.decode(webhook);
  conversations::Conversation conversation;
  const conversations::Folded folded = conversations::fold(conversation, events);
  for (const Event& event : folded.events) (void)to_json(event, {});
  (void)conversations::conversation_from_json(conversations::to_json(conversation));
  return events;
}

// The same, of systems whose webhooks are one event each.
inline Event decode_and_fold_one(systems::Source& source, const std::string& body,
                                 const std::string& content_type = {}) {
  std::vector<Event> events = decode_and_fold(source, body, content_type);
  CHATRELAY_ASSERT(events.size() == 1, "a webhook is exactly one event");
  return std::move(events.front());
}

}  // namespace chatrelay
