// The Reader over a read-only connection of its own. Each call is one short read transaction, so that it sees one
// moment and never holds up a checkpoint for long.
//
// Limit: a listing looks at rows_looked_at_max rows at most; where a filter has no index and matches are rare, a page
// may be short.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "store/sqlite/database.hpp"
#include "store/sqlite/names.hpp"
#include "store/store.hpp"

namespace chatrelay::store::sqlite {

inline constexpr std::size_t rows_looked_at_max = 200'000;
inline constexpr std::size_t page_max = 1000;

std::unique_ptr<Reader> make_reader(const std::string& path);

// What the files of the reader share.
class ReaderBase : public Reader {
 public:
  explicit ReaderBase(std::string path) : path_(std::move(path)) {}

 protected:
  struct Numbers {
    std::uint64_t first = 0, last = 0;  // inclusive; none if first > last
  };
  // Runs `body` in a read transaction; SqlError becomes the Result's Error.
  template <class Body>
  auto read(Body&& body) -> Result<decltype(body())>;
  Connection& db() { return *db_; }
  // The numbers that rows of this time can have, below `before` (0: no bound).
  Numbers numbers_of(int kind, std::optional<WallTime> since, std::optional<WallTime> until, std::uint64_t before);
  std::vector<std::int64_t> chats_of(std::string_view source, std::string_view chat_id);  // source "": of any
  std::vector<PlannedPart> parts_of(EventSeq seq);
  std::optional<StoredEvent> load_event(EventSeq seq, bool with_body);
  std::optional<StoredDelivery> load_delivery(DeliverySeq seq, bool with_payload);
  DeliveryOrigin load_origin(const EventRef& event);

  std::string path_;
  Names names_;

 private:
  void begin();
  void end() noexcept;
  std::unique_ptr<Connection> db_;
};

template <class Body>
auto ReaderBase::read(Body&& body) -> Result<decltype(body())> {
  struct Ending {
    ReaderBase& reader;
    ~Ending() { reader.end(); }
  };
  try {
    begin();
    Ending ending{*this};
    return body();
  } catch (const SqlError& error) {
    return to_error(error, "reading");
  }
}

// Its methods are in reader_events, reader_chats, reader_deliveries, reader_links and reader_own.
class SqliteReader final : public ReaderBase {
 public:
  using ReaderBase::ReaderBase;
  Result<std::vector<StoredEvent>> unplanned(EventSeq after, std::size_t limit) override;
  Result<std::vector<StoredEvent>> events_of_chat(std::string_view source, std::string_view chat_id,
                                                  EventSeq upto) override;
  Result<std::optional<StoredEvent>> event(EventSeq seq) override;
  Result<std::optional<StoredEvent>> find_event(std::string_view id) override;
  Result<std::vector<PlannedPart>> parts(EventSeq seq) override;
  Result<std::vector<EventRow>> list_events(const EventFilter& filter) override;
  Result<std::vector<RuleFailure>> failures(EventSeq seq) override;
  Result<std::optional<WallTime>> last_received(std::string_view source) override;
  Result<Totals> totals() override;
  Result<std::optional<StoredConversation>> conversation(std::string_view source, std::string_view chat_id) override;
  Result<std::vector<StoredMessage>> messages(std::string_view source, std::string_view chat_id,
                                              std::string_view thread_id, EventSeq upto) override;
  Result<std::vector<ChatRow>> list_chats(const ChatFilter& filter) override;
  Result<std::vector<ChatRow>> silent_chats(WallTime active_before, ChatPk after, std::size_t limit) override;
  Result<std::vector<StoredDelivery>> due(std::string_view destination, WallTime now, std::size_t limit,
                                          const std::vector<DeliverySeq>& skip) override;
  Result<std::vector<StoredDelivery>> overdue(WallTime now, std::size_t limit) override;
  Result<std::vector<StoredLink>> links(const LinkSubject& subject, std::string_view destination) override;
  Result<std::vector<StoredLink>> links_of_chat(std::string_view source, std::string_view chat_id) override;
  Result<std::vector<StoredLink>> find_links(const LinkFilter& filter) override;
  Result<bool> has_links(std::string_view destination) override;
  Result<std::optional<WallTime>> next_due(std::string_view destination, WallTime now) override;
  Result<std::vector<DestinationState>> destination_states() override;
  Result<std::optional<json::value>> remembered(std::string_view name) override;
  Result<std::vector<DestinationBacklog>> backlog() override;
  Result<std::optional<StoredDelivery>> delivery(DeliverySeq seq) override;
  Result<std::optional<StoredDelivery>> find_delivery(std::string_view id) override;
  Result<std::vector<StoredDelivery>> list_deliveries(const DeliveryFilter& filter) override;
  Result<std::vector<StoredAttempt>> attempts(DeliverySeq seq) override;
  Result<std::optional<OwnVisitor>> own_visitor(std::string_view source, std::string_view token) override;
  Result<std::optional<OwnVisitor>> own_visitor(OwnPk pk) override;
  Result<std::optional<OwnRoom>> own_room(std::string_view source, std::string_view id) override;
  Result<std::optional<OwnRoom>> own_room(OwnPk pk) override;
  Result<std::vector<OwnRoom>> own_rooms(OwnPk visitor, std::size_t limit) override;
  Result<std::vector<OwnRoom>> own_rooms(std::string_view source, OwnPk before, std::size_t limit) override;
  Result<std::optional<OwnMessage>> own_message(std::string_view source, std::string_view id) override;
  Result<std::vector<OwnMessage>> own_messages(const OwnMessageQuery& query) override;
  Result<std::size_t> count_own_messages(OwnPk room, WallTime after, WallTime before, std::size_t limit,
                                         std::optional<OwnMessage>* oldest) override;

 private:
  void candidates(const EventFilter& filter, Numbers range, const std::function<bool(EventSeq)>& visit);
  bool matches(const EventFilter& filter, const EventRow& row) const;
  void fill_as_of(std::int64_t chat, std::int64_t n, EventSeq upto, StoredMessage& message, std::string& text);
  void delivery_candidates(const DeliveryFilter& filter, Numbers range, const std::function<bool(DeliverySeq)>& visit);
  std::vector<std::int64_t> destinations();
  std::vector<std::int64_t> linking_destinations();
  // `thread`: nullopt is every thread.
  void add_links(std::int64_t destination, std::int64_t source, const std::string& source_name, LinkScope scope,
                 std::string_view subject, std::optional<std::string_view> thread, std::vector<StoredLink>& found);
};

}  // namespace chatrelay::store::sqlite
