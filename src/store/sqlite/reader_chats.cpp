// The Reader's view of conversations.
#include <algorithm>

#include "common/text.hpp"
#include "store/sqlite/reader.hpp"
#include "store/sqlite/stored_json.hpp"

namespace chatrelay::store::sqlite {
namespace {

bool holds(std::string_view text, std::string_view lower_needle) {
  return to_lower_ascii(text).find(lower_needle) != std::string::npos;
}

ChatRow chat_row(Rows& rows, Names& names, Connection& db) {
  ChatRow row;
  row.pk = rows.number(0);
  row.source = names.name(db, rows.integer(1));
  row.chat_id = rows.string(2);
  row.visitor_id = rows.string(3);
  row.visitor_name = rows.string(4);
  row.visitor_email = rows.string(5);
  row.status = rows.string(6);
  row.thread_id = rows.string(7);
  row.started_at = rows.maybe_time(8);
  row.active_at = rows.time(9);
  row.messages = rows.number(10);
  return row;
}

#define CHAT_COLUMNS \
  "pk,source,chat_id,visitor_id,visitor_name,visitor_email,status,thread_id,started_at,active_at,messages"

}  // namespace

Result<std::optional<StoredConversation>> SqliteReader::conversation(std::string_view source,
                                                                     std::string_view chat_id) {
  return read([&]() -> std::optional<StoredConversation> {
    const auto number = names_.number(db(), source);
    if (!number) return std::nullopt;
    Rows rows(db(), "SELECT pk,state FROM chats WHERE chat_id=?1 AND source=?2 AND known=1", chat_id, *number);
    if (!rows.next()) return std::nullopt;
    StoredConversation found;
    found.pk = rows.number(0);
    found.state = parse_stored(rows.text(1));
    return found;
  });
}

// As it was when `upto` had come: what later webhooks changed is taken back.
void SqliteReader::fill_as_of(std::int64_t chat, std::int64_t n, EventSeq upto, StoredMessage& message,
                              std::string& text) {
  Rows rows(db(),
            "SELECT changed_by,deleted,message FROM message_versions WHERE chat=?1 AND n=?2 AND until>?3 ORDER BY "
            "until LIMIT 1",
            chat, n, upto);
  if (!rows.next()) return;
  message.changed_by = rows.number(0);
  message.deleted = rows.integer(1) != 0;
  text = rows.string(2);
}

Result<std::vector<StoredMessage>> SqliteReader::messages(std::string_view source, std::string_view chat_id,
                                                          std::string_view thread_id, EventSeq upto) {
  return read([&] {
    std::vector<StoredMessage> found;
    if (source.empty()) return found;
    for (auto chat : chats_of(source, chat_id)) {
      Rows rows(
          db(),
          "SELECT n,message_id,event_seq,changed_by,deleted,thread_id,message FROM messages WHERE chat=?1 ORDER BY n",
          chat);
      while (rows.next()) {
        if (upto != 0 && rows.number(2) > upto) continue;
        if (!thread_id.empty() && rows.text(5) != thread_id) continue;
        StoredMessage message;
        message.id = rows.string(1);
        message.event = rows.number(2);
        message.changed_by = rows.number(3);
        message.deleted = rows.integer(4) != 0;
        message.thread_id = rows.string(5);
        std::string text = rows.string(6);
        if (upto != 0 && message.changed_by > upto) fill_as_of(chat, rows.integer(0), upto, message, text);
        message.message = parse_stored(text);
        found.push_back(std::move(message));
      }
    }
    return found;
  });
}

Result<std::vector<ChatRow>> SqliteReader::silent_chats(WallTime active_before, ChatPk after, std::size_t limit) {
  return read([&] {
    std::vector<ChatRow> found;
    Rows rows(db(),
              "SELECT " CHAT_COLUMNS
              " FROM chats INDEXED BY chats_open WHERE status IN ('queued','active','bot') AND pk>?1 AND active_at<?2 "
              "AND known=1 ORDER BY pk LIMIT ?3",
              after, to_ms(active_before), std::min(limit, page_max));
    while (rows.next()) found.push_back(chat_row(rows, names_, db()));
    return found;
  });
}

Result<std::vector<ChatRow>> SqliteReader::list_chats(const ChatFilter& f) {
  return read([&] {
    std::vector<ChatRow> found;
    const auto limit = std::min(f.page.limit, page_max);
    if (limit == 0) return found;
    const auto last = f.page.before == 0 ? (1ULL << 52) : f.page.before - 1;
    auto matches = [&](const ChatRow& row) {
      return (f.source.empty() || row.source == f.source) && (f.state.empty() || row.status == f.state) &&
             (f.chat_id.empty() || row.chat_id == f.chat_id) && (!f.since || row.active_at >= *f.since) &&
             (!f.until || row.active_at <= *f.until);
    };
    auto take = [&](Rows& rows, auto&& also) {
      std::size_t taken = 0;
      for (std::size_t n = 0; n < rows_looked_at_max && taken < limit && rows.next(); ++n) {
        auto row = chat_row(rows, names_, db());
        if (!matches(row) || !also(row)) continue;
        found.push_back(std::move(row));
        ++taken;
      }
    };
    const auto needle = to_lower_ascii(f.visitor);
    auto visitor = [&](const ChatRow& row) {
      return needle.empty() || row.visitor_id == f.visitor || holds(row.visitor_name, needle) ||
             holds(row.visitor_email, needle);
    };
    if (!f.chat_id.empty()) {
      Rows rows(db(), "SELECT " CHAT_COLUMNS " FROM chats WHERE chat_id=?1 AND pk<=?2 AND known=1 ORDER BY pk DESC",
                f.chat_id, last);
      take(rows, visitor);
      return found;
    }
    if (!f.visitor.empty()) {
      // By id there is an index; by a part of the name there is only looking.
      Rows rows(db(),
                "SELECT " CHAT_COLUMNS
                " FROM chats INDEXED BY chats_visitor WHERE visitor_id=?1 AND visitor_id<>'' AND pk<=?2 AND known=1 "
                "ORDER BY pk DESC",
                f.visitor, last);
      take(rows, [](const ChatRow&) { return true; });
    }
    Rows rows(db(), "SELECT " CHAT_COLUMNS " FROM chats WHERE pk<=?1 AND known=1 ORDER BY pk DESC", last);
    take(rows, visitor);
    std::sort(found.begin(), found.end(), [](const ChatRow& a, const ChatRow& b) { return a.pk > b.pk; });
    found.erase(
        std::unique(found.begin(), found.end(), [](const ChatRow& a, const ChatRow& b) { return a.pk == b.pk; }),
        found.end());
    if (found.size() > limit) found.resize(limit);
    return found;
  });
}

}  // namespace chatrelay::store::sqlite
