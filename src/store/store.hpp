// Store: the contract of what is kept. It speaks of events, conversations, deliveries and lanes, not of SQL.
//
// Writes are asynchronous: a call hands its argument over and returns at once; the callback runs on the store's writer
// thread, after the commit was synced (or failed), and must be short: put into an Inbox, set a promise. Callbacks of
// one group run one after another, so an Inbox wakes its thread once per group. Appends go before background work; each
// background unit has its own savepoint, so a unit that fails fails alone. Reads are synchronous, through a Reader that
// belongs to one thread and sees what was committed when it looks.
//
// Not here: when to retry (deliver/), what a webhook means (systems/), what a conversation is made of (conversations/).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/crypto.hpp"
#include "common/error.hpp"
#include "event/delivery.hpp"
#include "event/event.hpp"
#include "event/outcome.hpp"

namespace chatrelay::store {

namespace json = boost::json;

template <class T>
using Done = std::function<void(Result<T>)>;

// ---- events
// ------------------------------------------------------------------------------------------------------------

struct NewEvent {
  std::string source;
  WallTime received_at;
  std::string body;              // secrets already removed
  std::string content_type;      // "" = application/json
  std::optional<Hash128> dedup;  // already includes the source's name
  Millis dedup_window{0};
};

struct Appended {
  EventSeq seq = 0;  // 0 for a duplicate
  bool duplicate = false;
};

struct StoredEvent {
  EventSeq seq = 0;
  std::string id;  // ULID of part 0
  std::string source;
  WallTime received_at;
  std::string body;
  std::string content_type;
};
// The ULID of another part of the same webhook: differs from part 0's in its salt only. find_event takes either.
std::string event_id(const StoredEvent& event, std::uint32_t part);

// ---- conversations
// -----------------------------------------------------------------------------------------------------

using ChatPk = std::uint64_t;  // the store's number of a chat

// What folding keeps of a chat (conversations/fold.hpp gives `state` its meaning; the store keeps it as it is).
struct StoredConversation {
  ChatPk pk = 0;  // 0: not yet stored
  json::value state;
};

struct StoredMessage {
  std::string id;  // Message::id; a message without one gets "event:<seq>:<n>"
  std::string thread_id;
  EventSeq event = 0;       // the webhook it came with first
  EventSeq changed_by = 0;  // the webhook that edited or deleted it last; 0 if none
  bool deleted = false;
  json::value message;  // to_json(Message)
};

// The changes that one webhook makes to one chat. Applying the same again changes nothing (messages by id).
struct ConversationUpdate {
  std::string source;
  std::string chat_id;
  json::value state;  // the whole new state
  // Columns for listings, taken from the state.
  std::string visitor_id, visitor_name, visitor_email, status, thread_id;
  std::optional<WallTime> started_at;
  WallTime active_at;                   // last event
  std::vector<StoredMessage> messages;  // inserted, or replaced by id
};

// ---- links
// -------------------------------------------------------------------------------------------------------------

// A link is what a destination's answer named: its record of a visitor, a chat or a thread. One value for a key of a
// subject at a destination; what is saved later replaces it.
enum class LinkScope : int { visitor = 1, chat = 2, thread = 3 };  // the numbers are on disk
std::string_view to_string(LinkScope scope);
std::optional<LinkScope> link_scope_from(std::string_view text);

// Whom an event is about. Of what is empty there are no links, but a chat without threads has links of scope thread.
struct LinkSubject {
  std::string source, visitor_id, chat_id, thread_id;
};

struct NewLink {
  LinkScope scope = LinkScope::chat;
  std::string key, value;
};

struct StoredLink {
  std::string destination;
  LinkScope scope = LinkScope::chat;
  LinkSubject subject;  // what belongs to its scope alone: of a visitor's no chat
  std::string key, value;
  DeliverySeq delivery = 0;  // which saved it last; retention may have taken it
  WallTime saved_at;
};

struct LinkFilter {
  std::string destination, key;  // empty: any
  std::string value;
  std::size_t limit = 50;  // Limit: 1000
};

// ---- planning
// ----------------------------------------------------------------------------------------------------------

struct NewDelivery {
  std::uint32_t part = 0;
  std::string rule;
  std::string destination;
  std::string action;
  LaneId lane = 0;
  std::string payload;            // the rendered `with`, JSON text; empty while it has inputs
  std::string inputs;             // what `with` is rendered from at the head of the lane (rules/late_payload.hpp)
  std::string visitor_id;         // of the event, where no chat leads to it
  std::optional<LinkScope> lock;  // what is never under way twice at its destination: a visitor's, or a chat's
  // What takes its place if it is still open then. Of that one part and rule are this one's.
  std::optional<WallTime> deadline;
  std::shared_ptr<const NewDelivery> other_way;
};

struct RuleFailure {
  std::uint32_t part = 0;
  std::string rule;
  std::string where;  // file:line
  std::string reason;
};

struct PlannedPart {
  std::uint32_t part = 0;
  std::string type;
  std::string chat_id, thread_id;  // empty if none
  bool suppressed = false;  // a derived part that turned out to say nothing new (a rating told twice): not an event
};

// One webhook, planned. Applying it takes the webhook off the list of those that wait.
struct Plan {
  EventSeq event = 0;
  std::vector<PlannedPart> parts;
  std::optional<ConversationUpdate> conversation;
  std::vector<NewDelivery> deliveries;  // in rule order
  std::vector<RuleFailure> failures;
  WallTime planned_at;
};

// ---- deliveries
// --------------------------------------------------------------------------------------------------------

// What a delivery's event is called; all empty once retention took the event.
struct DeliveryOrigin {
  std::string event_id, source;
  std::string type, chat_id, thread_id;  // of its part; empty if it has none
  std::string visitor_id;                // the chat's, or the event's where it has no chat
};

struct StoredDelivery {
  DeliverySeq seq = 0;
  std::string id;  // ULID; stays the same through every attempt and retry
  EventRef event;
  std::string rule, destination, action;
  LaneId lane = 0;
  DeliveryState state = DeliveryState::pending;
  WallTime created_at;
  WallTime due_at;     // when it may be tried (pending, deferred)
  int attempts = 0;    // charged ones
  std::string reason;  // why it is deferred, held, dead or cancelled
  std::optional<WallTime> finished_at;
  WallTime first_pending_at;  // give_up_after counts from here; set anew by an operator's retry
  std::string payload;        // empty in listings
  std::string inputs;         // empty in listings, and once it is rendered
  std::optional<LinkScope> lock;
  std::string progress;  // of its steps: what the last attempt left, JSON text; empty once it was taken or cancelled
  std::optional<WallTime> deadline;  // of an open one that has another way
  std::string other_destination;     // where that goes
  bool begun = false;                // an attempt began, and how it ended is not known
  std::string note;                  // of one in place of another: of which, and whether it may be a double
  DeliveryOrigin origin;             // filled by Reader::due alone
};

// What is written on a delivery that went its other way, and on the one in its place, where it stays.
struct OtherWay {
  std::string reason;
  std::string note;
};

// What an attempt led to; decided by deliver/, written in one unit.
struct AttemptResult {
  DeliverySeq delivery = 0;
  WallTime started_at;
  Millis took{0};
  OutcomeClass outcome = OutcomeClass::ok;
  int status = 0;
  std::string reason;
  std::string response;
  bool charged = true;                             // counts as an attempt
  bool begun = false;                              // Store::begin was asked for
  DeliveryState state = DeliveryState::delivered;  // what the delivery becomes
  WallTime due_at;                                 // for deferred and pending
  LinkSubject subject;                             // whose the links are
  std::vector<NewLink> saved;  // kept whatever the state; those whose subject is not known are left out
  std::string progress;        // replaces what was kept, unless the delivery was taken; empty: nothing
  // Set: if it has another way it goes there now, unless it is delivered: it is cancelled (dead, if `state` says so).
  std::optional<OtherWay> other_way;
};

struct StoredAttempt {
  DeliverySeq delivery = 0;
  int number = 0;
  WallTime started_at;
  Millis took{0};
  std::string outcome;
  int status = 0;
  std::string reason, response;
};

// What outlives a restart of a destination: pauses, disabling, circuit.
struct DestinationState {
  std::string name;
  bool paused = false;    // by an operator
  bool disabled = false;  // by an outcome `disable`; an operator resumes
  std::string reason;
  WallTime changed_at;
  std::int64_t circuit_failures = 0;
  std::optional<WallTime> circuit_open_until;
  std::optional<WallTime> throttled_until;
};

// ---- conversations of our own
// -----------------------------------------------------------------------------------------------

// What our own endpoints serve: visitors, their rooms and the rooms' messages, exactly as they are now. Conversations
// folded from events (above) are another thing: they are as of an event, for rules, transcripts and listings. What the
// records mean is conversations/rooms.hpp's business; the store keeps them as they are.
using OwnPk = std::uint64_t;  // the store's number of a visitor or a room; 0: not yet stored

struct OwnVisitor {
  OwnPk pk = 0;
  std::string source;
  std::string id;     // what others may know of the visitor; unique within the source
  std::string token;  // what only the visitor knows: in no event, no log, no answer to anybody else
  json::object record;
  WallTime created_at, updated_at;
};

struct OwnRoom {
  OwnPk pk = 0;
  std::string source;
  std::string id;  // unique within the source
  OwnPk visitor = 0;
  bool open = true;
  json::object record;
  WallTime created_at;
  std::optional<WallTime> closed_at;
  WallTime last_at;            // never before the sent_at of any of its messages, deleted ones included
  std::uint64_t messages = 0;  // that are there now
};

struct OwnMessage {
  OwnPk room = 0;
  std::string id;    // unique within the source of its room
  WallTime sent_at;  // unique within its room, and the order of its messages
  bool from_visitor = true;
  bool id_is_ours = true;  // nobody else could know it before we told it
  json::object record;
};

// Newest first. A page ends early, after one message at least, when its records are as large as bytes_max.
struct OwnMessageQuery {
  OwnPk room = 0;
  std::optional<WallTime> from;    // inclusive
  std::optional<WallTime> before;  // exclusive
  std::size_t offset = 0;          // skipped after sorting
  std::size_t limit = 20;          // Limit: 1000
  std::size_t bytes_max = 1 << 20;
};

// A command's view of the store, inside the writer's transaction: it reads what is there at this moment, and all that
// it changes is committed together, or nothing. Thread: the store's writer. When the disk fails, a call throws
// something of the store's own, which a command lets pass.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual std::optional<OwnVisitor> visitor(std::string_view source, std::string_view token) = 0;
  virtual std::optional<OwnVisitor> visitor(OwnPk pk) = 0;
  virtual std::optional<OwnRoom> room(std::string_view source, std::string_view id) = 0;
  virtual std::optional<OwnRoom> room(OwnPk pk) = 0;
  virtual std::vector<OwnRoom> open_rooms(OwnPk visitor, std::size_t limit) = 0;  // oldest first
  virtual std::size_t count_rooms(OwnPk visitor,
                                  std::size_t limit) = 0;  // open and closed; counts no further than limit
  // Its room may be gone: retention takes rooms first, then their messages, whose ids are taken until then.
  virtual std::optional<OwnMessage> message(std::string_view source, std::string_view id) = 0;

  // Inserts with pk 0, else replaces. Answers the pk. The caller has looked that token and id are free.
  virtual OwnPk put(const OwnVisitor& visitor) = 0;
  virtual OwnPk put(const OwnRoom& room) = 0;
  // The caller has looked that id and sent_at are free, and puts the room's new counts itself.
  virtual void insert(const OwnMessage& message) = 0;
  virtual void replace(const OwnMessage& message) = 0;  // by room and sent_at, which do not change
  virtual void remove(const OwnMessage& message) = 0;
  // Its rooms can no longer be reached; they and their messages go with retention, a few rows at a time.
  virtual void remove_visitor(OwnPk visitor) = 0;
  // Nobody finds it from now on; its messages go with retention, and their ids are taken until then.
  virtual void remove_room(OwnPk room) = 0;

  // An event that no webhook brought: planned like every other. No de-duplication.
  virtual EventSeq append(const NewEvent& event) = 0;
  // A delivery that the client asked for, not a rule (a transcript by mail): beside what planning makes of the event.
  virtual void deliver(EventSeq event, const NewDelivery& delivery, WallTime now) = 0;
};

// ---- listings
// ----------------------------------------------------------------------------------------------------------

struct Page {
  std::size_t limit = 50;    // Limit: 1000
  std::uint64_t before = 0;  // seq/pk of the last row of the page before; 0: from the newest
};

struct EventFilter {
  std::string source, type, chat_id;
  std::optional<WallTime> since, until;
  bool failures_only = false;
  Page page;
};
struct EventRow {
  StoredEvent event;               // body left out
  std::vector<PlannedPart> parts;  // empty while it waits to be planned
  std::size_t deliveries = 0;
  std::size_t failures = 0;
};
struct ChatFilter {
  std::string source, visitor, state, chat_id;  // visitor: id, or part of name or e-mail
  std::optional<WallTime> since, until;
  Page page;
};
struct ChatRow {
  ChatPk pk = 0;
  std::string source, chat_id, thread_id, status, visitor_id, visitor_name, visitor_email;
  std::optional<WallTime> started_at;
  WallTime active_at;
  std::size_t messages = 0;
};
struct DeliveryFilter {
  std::string destination, rule;
  std::vector<DeliveryState> states;  // empty: all
  std::optional<EventSeq> event;
  std::optional<std::pair<std::string, std::string>> chat;  // source, chat_id
  std::optional<WallTime> since, until;
  Page page;
};

struct DestinationBacklog {
  std::string destination;
  std::uint64_t pending = 0, deferred = 0, held = 0, dead = 0;
  std::optional<WallTime> oldest;  // created_at of the oldest open one
};

struct Totals {
  std::uint64_t events = 0, unplanned = 0, open_deliveries = 0;
  std::uint64_t file_bytes = 0, wal_bytes = 0;
};

// Thread: the one that opened it. Errors: unavailable when the disk fails.
class Reader {
 public:
  virtual ~Reader() = default;

  // The next webhooks to plan, oldest first, of those with seq > after. An index of waiting ones: cost does not grow
  // with the store.
  virtual Result<std::vector<StoredEvent>> unplanned(EventSeq after, std::size_t limit) = 0;
  virtual Result<std::optional<StoredConversation>> conversation(std::string_view source, std::string_view chat_id) = 0;
  // The webhooks of a chat up to and including `upto`, oldest first: what a replay folds again.
  virtual Result<std::vector<StoredEvent>> events_of_chat(std::string_view source, std::string_view chat_id,
                                                          EventSeq upto) = 0;
  virtual Result<std::vector<StoredMessage>> messages(
      std::string_view source, std::string_view chat_id, std::string_view thread_id,
      EventSeq upto) = 0;  // thread "" = all, upto 0 = all; in order of arrival

  // The heads of lanes that may be tried: state pending or deferred, due_at <= now, oldest due first. Only the head of
  // a lane is ever returned. `skip`: deliveries already under way (sorted).
  virtual Result<std::vector<StoredDelivery>> due(std::string_view destination, WallTime now, std::size_t limit,
                                                  const std::vector<DeliverySeq>& skip) = 0;
  // Open ones whose deadline has come, wherever in their lanes, the most overdue first; without payload and inputs.
  virtual Result<std::vector<StoredDelivery>> overdue(WallTime now, std::size_t limit) = 0;
  // When the next head of this destination becomes due after `now`; nullopt: none waits.
  virtual Result<std::optional<WallTime>> next_due(std::string_view destination, WallTime now) = 0;

  virtual Result<std::vector<DestinationState>> destination_states() = 0;
  virtual Result<std::optional<json::value>> remembered(std::string_view name) = 0;
  virtual Result<std::vector<DestinationBacklog>> backlog() = 0;  // kept as counters: does not scan
  virtual Result<Totals> totals() = 0;                            // does not scan

  virtual Result<std::optional<StoredEvent>> event(EventSeq seq) = 0;
  virtual Result<std::optional<StoredEvent>> find_event(std::string_view id) = 0;  // by ULID of any part
  virtual Result<std::vector<PlannedPart>> parts(EventSeq seq) = 0;
  virtual Result<std::vector<EventRow>> list_events(const EventFilter& filter) = 0;
  virtual Result<std::vector<RuleFailure>> failures(EventSeq seq) = 0;
  virtual Result<std::vector<ChatRow>> list_chats(const ChatFilter& filter) = 0;
  // Open chats (status queued, active or bot) of which nothing came since `active_before`, with pk > after, by pk. The
  // cost grows with the open chats, not with the others.
  virtual Result<std::vector<ChatRow>> silent_chats(WallTime active_before, ChatPk after, std::size_t limit) = 0;
  virtual Result<std::optional<StoredDelivery>> delivery(DeliverySeq seq) = 0;           // with payload
  virtual Result<std::optional<StoredDelivery>> find_delivery(std::string_view id) = 0;  // by ULID, with payload
  virtual Result<std::vector<StoredDelivery>> list_deliveries(const DeliveryFilter& filter) = 0;
  virtual Result<std::vector<StoredAttempt>> attempts(DeliverySeq seq) = 0;
  virtual Result<std::optional<WallTime>> last_received(std::string_view source) = 0;

  // What destinations remember: of a subject at one destination or (empty) at all; of a chat with all its threads and
  // its visitor; those that have a value, the last saved first.
  virtual Result<std::vector<StoredLink>> links(const LinkSubject& subject, std::string_view destination) = 0;
  virtual Result<std::vector<StoredLink>> links_of_chat(std::string_view source, std::string_view chat_id) = 0;
  virtual Result<std::vector<StoredLink>> find_links(const LinkFilter& filter) = 0;
  virtual Result<bool> has_links(std::string_view destination) = 0;

  // Conversations of our own, as committed.
  virtual Result<std::optional<OwnVisitor>> own_visitor(std::string_view source, std::string_view token) = 0;
  virtual Result<std::optional<OwnVisitor>> own_visitor(OwnPk pk) = 0;
  virtual Result<std::optional<OwnRoom>> own_room(std::string_view source, std::string_view id) = 0;
  virtual Result<std::optional<OwnRoom>> own_room(OwnPk pk) = 0;                         // of any source
  virtual Result<std::vector<OwnRoom>> own_rooms(OwnPk visitor, std::size_t limit) = 0;  // newest first
  // Of all visitors, newest first: rooms with pk < before (0: from the newest).
  virtual Result<std::vector<OwnRoom>> own_rooms(std::string_view source, OwnPk before, std::size_t limit) = 0;
  virtual Result<std::optional<OwnMessage>> own_message(std::string_view source, std::string_view id) = 0;
  virtual Result<std::vector<OwnMessage>> own_messages(const OwnMessageQuery& query) = 0;
  // With after < sent_at < before; counts no further than limit. `oldest`: the first of them.
  virtual Result<std::size_t> count_own_messages(OwnPk room, WallTime after, WallTime before, std::size_t limit,
                                                 std::optional<OwnMessage>* oldest) = 0;
};

// How long commits take just now: what the ack budget is compared with. Thread: any.
struct CommitLoad {
  Millis recent_max{0};      // the slowest of the last few groups, decaying
  Millis oldest_waiting{0};  // age of the oldest append that is not committed
  std::size_t waiting = 0;
};

enum class RestorePending { keep, hold, cancel };  // what `restore` does with open deliveries

class Store {
 public:
  virtual ~Store() = default;  // stops the writer after what was handed over is committed

  // Priority. Errors: unavailable (disk full, read-only, shutting down).
  virtual void append(NewEvent event, Done<Appended> done) = 0;

  // Priority too, among the appends in the order they came. `body` runs inside the writer's transaction, perhaps more
  // than once (a group that fails is tried again without what was at fault): it does nothing but call its Transaction
  // and set what its caller reads after `done`. To refuse, it writes nothing. `done` comes after the commit.
  // Errors: unavailable (disk full, queue full, shutting down): nothing was changed; internal: `body` itself failed.
  using Command = std::function<void(Transaction& transaction)>;
  virtual void command(Command body, Done<bool> done) = 0;

  // Background.
  virtual void apply(std::vector<Plan> plans,
                     Done<std::vector<DeliverySeq>> done) = 0;  // seqs of the new deliveries; a plan of a webhook that
                                                                // is planned already is skipped
  virtual void record(AttemptResult result, Done<bool> done) = 0;  // false: the delivery was closed meanwhile
                                                                   // (cancelled); the attempt is recorded all the same
  // Attempts are about to begin whose end must not be guessed (`ambiguous: hold`): each stays StoredDelivery::begun
  // until an outcome with AttemptResult::begun is recorded, or it is closed. Those that are closed are passed over.
  virtual void begin(std::vector<DeliverySeq> deliveries, Done<bool> done) = 0;
  // The payload of a delivery that has inputs, which end with it; false: it had none any more, and nothing changed.
  virtual void render(DeliverySeq delivery, std::string payload, Done<bool> done) = 0;
  // An open delivery is cancelled, and its other way takes its place, in one transaction; false: it was closed, or has
  // no other way (any more).
  virtual void overtake(DeliverySeq delivery, OtherWay how, WallTime now, Done<bool> done) = 0;
  virtual void save_destination(DestinationState state, Done<bool> done) = 0;
  // What a room remembers over a restart, as a whole under its name; the store does not look into it.
  virtual void remember(std::string name, json::value value, Done<bool> done) = 0;

  // An operator's hand. Each answers the number of deliveries it changed.
  virtual void retry(
      std::vector<DeliverySeq> deliveries, WallTime now,
      Done<std::size_t> done) = 0;  // dead, cancelled, delivered: to the lane's end; held, deferred: due now
  virtual void cancel(std::vector<DeliverySeq> deliveries, std::string reason, WallTime now,
                      Done<std::size_t> done) = 0;
  virtual void release_held(std::string destination, WallTime now,
                            Done<std::size_t> done) = 0;  // held by disable: pending again
  // New deliveries for a past event (replay): to their lanes' ends. same_id: reopens the ones that exist instead.
  virtual void replay(EventSeq event, std::vector<NewDelivery> deliveries, bool same_id, WallTime now,
                      Done<std::vector<DeliverySeq>> done) = 0;

  // One step of retention: removes at most `limit` old rows of any kind. True while there is more.
  struct RetentionLimits {
    WallTime events_before, deliveries_before, conversations_before;
  };
  virtual void prune(RetentionLimits before, std::size_t limit,
                     Done<bool> done) = 0;  // never an event that waits or has open deliveries
  // A consistent copy, in small steps beside the writers.
  virtual void backup(std::string path, Done<std::uint64_t> done) = 0;  // bytes written; conflict if the file exists

  virtual CommitLoad load() const = 0;
  virtual std::unique_ptr<Reader> open_reader() = 0;
  // Called (on the writer thread) after a commit that added unplanned events / that changed lanes. Set before the first
  // write.
  virtual void on_events(std::function<void()> doorbell) = 0;
  virtual void on_deliveries(std::function<void()> doorbell) = 0;
};

}  // namespace chatrelay::store
