// What the memory store keeps, and the changes to it. Everything here runs under the store's mutex.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/memory/own_tables.hpp"
#include "store/store.hpp"

namespace chatrelay::store::memory {

struct EventRecord {
  StoredEvent event;
  bool planned = false;
  std::vector<PlannedPart> parts;
  std::vector<RuleFailure> failures;
};
struct MessageRecord {
  StoredMessage now;
  std::map<EventSeq, StoredMessage> until;  // what it was until that webhook changed it
};
struct ChatRecord {
  ChatRow row;
  json::value state;
  std::vector<MessageRecord> messages;
};
struct DeliveryRecord {
  StoredDelivery delivery;
  std::shared_ptr<const NewDelivery> other_way;
  std::uint64_t pos = 0;
  bool ambiguous = false;
};
struct SeenRecord {
  SteadyTime at;
  Millis window{0};
};
using ChatName = std::pair<std::string, std::string>;  // source, chat_id

struct Tables {
  std::map<EventSeq, EventRecord> events;
  std::map<ChatName, ChatRecord> chats;
  std::map<DeliverySeq, DeliveryRecord> deliveries;
  std::map<LaneId, std::map<std::uint64_t, DeliverySeq>> lanes;  // open ones by pos
  std::map<DeliverySeq, std::vector<StoredAttempt>> attempts;
  std::map<std::string, DestinationState> destination_states;
  std::map<std::string, json::value, std::less<>> remembered;
  std::map<std::string, WallTime> last_received;
  std::map<Hash128, SeenRecord> seen;
  EventSeq next_event = 1;
  DeliverySeq next_delivery = 1;
  std::uint64_t next_pos = 1;
  ChatPk next_chat = 1;
  std::uint64_t open = 0, unplanned = 0;
  std::vector<StoredLink> links;  // the last saved at the end
  OwnTables own;

  Result<Appended> append(const NewEvent& event, SteadyTime now, std::uint64_t queue_max);
  void apply(const Plan& plan, std::vector<DeliverySeq>& created);
  DeliverySeq insert(EventSeq event, const NewDelivery& delivery, WallTime now);
  void forget(DeliverySeq delivery);  // an open one, as if it had never been
  bool record(const AttemptResult& result);
  bool retry(DeliverySeq seq, WallTime now);
  void begin(const std::vector<DeliverySeq>& seqs);
  bool render(DeliverySeq seq, const std::string& payload);
  bool overtake(DeliverySeq seq, const OtherWay& how, WallTime now);
  bool cancel(DeliverySeq seq, const std::string& reason, WallTime now);
  std::size_t release_held(const std::string& destination, WallTime now);
  Result<std::vector<DeliverySeq>> replay(EventSeq event, const std::vector<NewDelivery>& deliveries, bool same_id,
                                          WallTime now);
  bool prune(const Store::RetentionLimits& before, std::size_t limit);
  bool is_head(const DeliveryRecord& record) const;

 private:
  void update_conversation(const ConversationUpdate& update);
  void close(DeliveryRecord& record, DeliveryState state, std::string reason, WallTime at);
  void reopen(DeliveryRecord& record, WallTime now);
  void save_links(const AttemptResult& result, const std::string& destination);
  bool go_other_way(DeliverySeq seq, DeliveryState state, const OtherWay& how, WallTime now);
  std::size_t prune_links(WallTime before, std::size_t limit);
};

}  // namespace chatrelay::store::memory
