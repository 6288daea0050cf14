// PlanMaker: one stored webhook becomes one Plan: decode → fold → rules → deliveries. No thread and no waiting of its
// own; a webhook that makes a decoder, the fold or the rules fail is planned all the same, with the failure on record.
// Thread: one (decoders and jq programs belong to it).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/metrics.hpp"
#include "common/zone.hpp"
#include "conversations/echoes.hpp"
#include "deliver/conversation_cache.hpp"
#include "deliver/planner.hpp"
#include "presence/presence.hpp"
#include "rules/rules.hpp"
#include "store/store.hpp"
#include "systems/source.hpp"

namespace chatrelay::deliver {

struct DecidedDelivery {
  std::uint32_t part = 0;
  std::string visitor_id;  // of its event; empty if it has none
  rules::Planned planned;
};

// A webhook's rules outcome, before it becomes rows.
struct Decided {
  std::vector<DecidedDelivery> deliveries;
  std::vector<store::RuleFailure> failures;
};

class PlanMaker {
 public:
  // `settle` waits until what was handed to the store is committed: asked for only when a transcript needs it.
  PlanMaker(store::Reader& reader, presence::Board& presence, Metrics& metrics, const Clock& clock,
            std::function<void()> settle);
  ~PlanMaker();

  void use(const PlannerSetup& setup);  // new decoders and rules; what is cached of conversations stays
  bool knows(const std::string& source) const { return sources_.contains(source); }

  // Adds the plan to `batch`; its earlier plans are what this one builds upon. Errors: unavailable (nothing was added;
  // the conversations have to be forgotten).
  Result<void> plan(const store::StoredEvent& event, std::vector<store::Plan>& batch);
  // The same webhook without its conversation and deliveries: for one that the store refuses.
  store::Plan plan_as_failed(const store::StoredEvent& event, const std::string& reason) const;

  // What a replay would deliver, with everything as of the event. Reads the chat's history again. `show`: the
  // deliveries are only looked at, and those that use links are rendered with those of now.
  Result<Decided> replay(const store::StoredEvent& event, bool show);
  // `since`: when the clock of its other way starts.
  static store::NewDelivery row(const std::string& source, const std::string& chat_id, const std::string& event_id,
                                const DecidedDelivery& decided, WallTime since);
  // The chat that a webhook's parts speak of; empty if none.
  static std::string chat_of(const std::vector<Event>& parts);

  void submitted(const std::vector<store::Plan>& batch);  // handed to the store, not committed yet
  void committed();                                       // all of what was submitted
  void forget();                                          // a batch failed: the store is the truth again

 private:
  static store::NewDelivery row(const std::string& source, const std::string& chat_id, const std::string& event_id,
                                const DecidedDelivery& decided, const rules::Planned& planned, WallTime since);
  using ChatKey = std::pair<std::string, std::string>;  // source, chat
  std::vector<Event> decode(const store::StoredEvent& event);
  void decide(const std::vector<Event>& events,
              const std::function<std::vector<store::StoredMessage>(const Event&)>& transcript, rules::LinksAre links,
              Decided& decided);
  json::value links_now(const Event& event);
  std::vector<store::StoredMessage> transcript(const Event& event, const std::vector<store::Plan>& batch,
                                               const std::optional<store::ConversationUpdate>& own);
  void restore(const std::string& source, const std::string& chat_id, const std::vector<store::Plan>& batch);
  void tell_presence(const std::vector<Event>& events);
  void note_missing(const std::string& destination);
  bool is_echo(const store::StoredEvent& stored, const std::string& chat_id, const std::vector<Event>& events,
               const DecidedDelivery& decided, std::vector<store::RuleFailure>& failures);
  void report(const std::string& event_id, const std::vector<store::RuleFailure>& failures);

  store::Reader& reader_;
  presence::Board& presence_;
  Metrics& metrics_;
  const Clock& clock_;
  std::function<void()> settle_;
  ConversationCache cache_;
  std::map<std::string, std::unique_ptr<systems::Source>> sources_;
  std::unique_ptr<rules::Engine> engine_;
  std::set<std::string, std::less<>> destinations_;
  Zone time_zone_;
  conversations::Echoes echoes_;
  std::set<ChatKey> uncommitted_;    // chats in a batch that is being committed
  std::optional<Error> read_error_;  // the store failed under a transcript, or under links
  std::set<std::string> missing_told_;
  std::map<std::string, std::pair<SteadyTime, std::uint64_t>, std::less<>>
      failure_lines_;  // rule → next line, not logged
};

}  // namespace chatrelay::deliver
