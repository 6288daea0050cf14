// What makes two LiveChat webhooks the same one. LiveChat sends no delivery id, retries for about a minute, and up to
// three registrations of one action (each with a webhook_id of its own) tell the same thing.
//
// Things with an id of their own (an event, a thread, an ending) have natural keys, good for 24 hours. Everything else
// is a state that may go there and back (tagged, untagged, tagged): its key is the payload's hash and the occurrence:
// how often that state has come anew. The occurrence is counted for each registration, so copies by other registrations
// meet the same number.
#pragma once

#include <array>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/json_scan.hpp"
#include "systems/source.hpp"

namespace chatrelay::systems {

// The values of a webhook that authentication and naming need. The order is that of livechat_paths().
enum class LivechatField : std::size_t {
  // What the usual webhooks need: messages, beginnings, endings.
  secret_key,
  action,
  organization_id,
  license_id,
  chat_id,
  thread_id,
  event_event_id,
  chat_chat_id,
  chat_thread_id,
  // What all others need in addition.
  webhook_id,
  payload,
  event_id,
  id,
  user_id,
  user_user_id,
  agent_id,
  tag,
  name,
  postback_id,
  active_chat_id,
  customer_id,
  app_event,
  app_id,
  app_organization_id,
  app_license_id,
  app_date,
};
std::span<const JsonPath> livechat_paths();        // all of them
std::span<const JsonPath> livechat_first_paths();  // the usual ones: every path more costs the walk time

// What scan_json found, by field: raw JSON text, empty if absent, null or not looked for.
class LivechatFields {
 public:
  explicit LivechatFields(const JsonScanResult& scan) : scan_(scan) {}
  std::string_view raw(LivechatField field) const;
  bool is_string(LivechatField field) const { return raw(field).starts_with('"'); }
  std::string text(LivechatField field) const { return scanned_string(raw(field)); }

 private:
  const JsonScanResult& scan_;
};

// Counts how often a state came anew. What it forgets (a restart, eviction) makes keys differ from earlier ones: then a
// retry may be kept twice, but a state that came back is never lost. Thread: one.
class OccurrenceCounter {
 public:
  // Limit: subjects remembered, at most 1 KiB each.
  explicit OccurrenceCounter(std::size_t subjects_max = 10'000) : subjects_max_(subjects_max) {}

  struct Occurrence {
    std::uint64_t born = 0;  // distinguishes this memory of the subject from an earlier, forgotten one
    std::uint64_t number = 1;
  };
  // A registration says that the subject's state is `state`.
  Occurrence told(const Hash128& subject, const Hash128& registration, const Hash128& state, WallTime now);

 private:
  struct Told {  // one state as one registration told it
    Hash128 registration, state;
    std::uint64_t number = 1;  // its latest occurrence
    std::uint64_t at = 0;      // Subject::changes when it was told
  };
  struct Subject {
    Hash128 key;
    std::uint64_t born = 0;
    std::uint64_t changes = 0;  // grows whenever another state than the one before is told
    Hash128 latest;             // the state told last, by anyone
    std::vector<Told> told;
  };
  Subject& subject(const Hash128& key, WallTime now);
  bool is_known(const Hash128& registration);
  void restart(Subject& subject, WallTime now);

  std::size_t subjects_max_;
  std::uint64_t restarts_ = 0;
  std::list<Subject> recent_;  // most recently used first
  std::unordered_map<std::uint64_t, std::list<Subject>::iterator> by_key_;
  std::vector<Hash128> registrations_;
};

// The key of an admitted webhook. `usual` are the values of livechat_first_paths(), `body` is the body without secrets:
// it is walked once more where those do not suffice, and hashed where there is nothing better.
DedupKey livechat_key(std::string_view source, const LivechatFields& usual, std::string_view body,
                      OccurrenceCounter& counter, WallTime now);

}  // namespace chatrelay::systems
