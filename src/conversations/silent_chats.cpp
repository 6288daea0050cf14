#include "conversations/silent_chats.hpp"

#include <array>

#include "common/crypto.hpp"
#include "common/json.hpp"
#include "common/log.hpp"
#include "event/served_event.hpp"

namespace chatrelay::conversations {

namespace {

constexpr const char* by_silence = "silence";
constexpr Millis dedup_window = std::chrono::hours(24);
constexpr std::size_t page_rows = 200;
constexpr std::size_t endings_max = 1000;
constexpr std::size_t rows_max = 20'000;  // Limit: rows of one look; those of sources that are gone are among them

bool can_be_silent(const std::optional<std::string>& status) {
  return status == "queued" || status == "active" || status == "bot";
}

json::object activity_of(WallTime since, WallTime now, EventSeq last_event) {
  json::object activity;
  activity["by"] = by_silence;
  activity["silent_since"] = format_rfc3339(since);
  activity["silent_for_s"] = (to_ms(now) - to_ms(since)) / 1000;
  activity["last_event"] = static_cast<std::int64_t>(last_event);
  return activity;
}

}  // namespace

std::optional<EventSeq> silence_after(const Event& event) {
  if (event.type != event_type::chat_deactivated) return std::nullopt;
  const json::value* by = event.activity.if_contains("by");
  if (by == nullptr || !by->is_string() || by->get_string() != by_silence) return std::nullopt;
  const json::value* last = event.activity.if_contains("last_event");
  return last && last->is_int64() && last->get_int64() > 0 ? static_cast<EventSeq>(last->get_int64()) : 0;
}

std::optional<store::NewEvent> ending_by_silence(const store::ChatRow& row, const Conversation& known, Millis silence,
                                                 WallTime now) {
  if (silence <= Millis{0} || !known.chat || !can_be_silent(known.chat->status)) return std::nullopt;
  if (row.active_at > now - silence || known.last_event == 0) return std::nullopt;
  Event event;
  event.type = event_type::chat_deactivated;
  event.occurred_at = now;
  Chat& chat = event.chat.emplace();
  chat.id = row.chat_id;
  chat.thread_id = known.chat->thread_id;
  chat.status = "closed";
  chat.ended_at = now;
  event.activity = activity_of(row.active_at, now, known.last_event);
  event.raw = json::object{{"by", own_source}, {"silence_s", silence.count() / 1000}};

  store::NewEvent ending;
  ending.source = row.source;
  ending.received_at = now;
  ending.body = served_event_body(event);
  ending.content_type = served_content_type;
  const std::string thread = chat.thread_id.value_or(""), last = std::to_string(known.last_event);
  const std::array<std::string_view, 5> parts{"chat silence", row.source, row.chat_id, thread, last};
  ending.dedup = hash128(parts);
  ending.dedup_window = dedup_window;
  return ending;
}

Result<std::size_t> SilentChats::look(Millis silence, WallTime now, const std::set<std::string, std::less<>>& sources) {
  std::size_t told = 0, looked_at = 0;
  while (told < endings_max && looked_at < rows_max) {
    const Result<std::vector<store::ChatRow>> rows = reader_.silent_chats(now - silence, after_, page_rows);
    if (!rows) return rows.error();
    for (const store::ChatRow& row : *rows) {
      if (told >= endings_max) return told;
      if (!sources.contains(row.source)) continue;
      const Result<std::optional<store::StoredConversation>> stored = reader_.conversation(row.source, row.chat_id);
      if (!stored) return stored.error();
      if (!*stored) continue;
      auto ending = ending_by_silence(row, conversation_from_json((*stored)->state), silence, now);
      if (!ending) continue;
      store_.append(std::move(*ending), [](const Result<store::Appended>& result) {
        if (!result) log::warn("the end of a silent chat could not be stored", {{"error", result.error().message}});
      });
      ++told;
    }
    looked_at += rows->size();
    after_ = rows->size() < page_rows ? 0 : rows->back().pk;
    if (after_ == 0) break;
  }
  return told;
}

}  // namespace chatrelay::conversations
