// Planning: parts, conversation, deliveries and failures of one webhook.
#include <boost/json.hpp>

#include "store/ids.hpp"
#include "store/sqlite/core.hpp"

namespace chatrelay::store::sqlite {
namespace {

std::optional<std::int64_t> find_chat(Core& core, std::int64_t source, std::string_view chat_id) {
  Rows rows(core.db, "SELECT pk FROM chats WHERE chat_id=?1 AND source=?2", chat_id, source);
  if (!rows.next()) return std::nullopt;
  return rows.integer(0);
}

void store_message(Core& core, std::int64_t chat, const StoredMessage& message, std::int64_t next_n, bool& added) {
  const std::string text = json::serialize(message.message);
  std::optional<std::int64_t> n;
  bool changed = false;
  EventSeq changed_by = message.changed_by;
  {
    Rows rows(core.db, "SELECT n FROM messages WHERE chat=?1 AND message_id=?2", chat, message.id);
    if (rows.next()) n = rows.integer(0);
  }
  if (!n) {
    core.db.run("INSERT INTO messages VALUES(?1,?2,?3,?4,?5,?6,?7,?8)", chat, next_n, message.id, message.event,
                message.changed_by, message.deleted, message.thread_id, text);
    added = true;
    return;
  }
  added = false;
  {
    Rows rows(core.db, "SELECT changed_by,deleted,message FROM messages WHERE chat=?1 AND n=?2", chat, *n);
    if (!rows.next()) return;
    changed = rows.text(2) != text || (rows.integer(1) != 0) != message.deleted;
    if (!changed) return;
    // What it was until now, for who asks as of an earlier event. A change that names no webhook just replaces.
    if (changed_by == 0)
      changed_by = rows.number(0);
    else
      core.db.run("INSERT OR IGNORE INTO message_versions VALUES(?1,?2,?3,?4,?5,?6)", chat, *n, changed_by,
                  rows.integer(0), rows.integer(1), rows.text(2));
  }
  core.db.run("UPDATE messages SET changed_by=?3,deleted=?4,thread_id=?5,message=?6 WHERE chat=?1 AND n=?2", chat, *n,
              changed_by, message.deleted, message.thread_id, text);
}

void insert_parts(Core& core, const Plan& plan) {
  std::optional<std::int64_t> source, chat;
  std::string_view chat_id;
  for (const auto& part : plan.parts) {
    if (part.part >= parts_max) continue;
    if (!part.chat_id.empty() && part.chat_id != chat_id) {
      if (!source) {
        Rows rows(core.db, "SELECT source FROM events WHERE seq=?1", plan.event);
        if (rows.next()) source = rows.integer(0);
      }
      chat_id = part.chat_id;
      chat = intern_chat(core, source.value_or(0), chat_id, plan.planned_at);
    }
    const auto type = core.names.intern(core.db, part.type);
    std::optional<std::int64_t> of_chat;
    if (!part.chat_id.empty()) of_chat = chat;
    std::optional<std::string_view> thread;
    if (!part.thread_id.empty()) thread = part.thread_id;
    core.db.run("INSERT OR REPLACE INTO event_parts VALUES(?1,?2,?3,?4,?5)", plan.event * parts_max + part.part, type,
                of_chat, part.suppressed, thread);
  }
}

}  // namespace

std::int64_t intern_chat(Core& core, std::int64_t source, std::string_view chat_id, WallTime now) {
  if (auto pk = find_chat(core, source, chat_id)) return *pk;
  const auto pk = core.counters.take(Counters::next_chat);
  core.db.run("INSERT INTO chats(pk,source,chat_id) VALUES(?1,?2,?3)", pk, source, chat_id);
  core.counters.note(Counters::Range::chats, now, pk);
  return static_cast<std::int64_t>(pk);
}

void update_conversation(Core& core, std::int64_t chat, const ConversationUpdate& u) {
  core.db.run("INSERT OR REPLACE INTO chat_states VALUES(?1,?2)", chat, json::serialize(u.state));
  std::int64_t count = 0, n = 0;
  if (!u.messages.empty()) {
    Rows rows(core.db, "SELECT messages FROM chats WHERE pk=?1", chat);
    if (rows.next()) count = rows.integer(0);
    bool added = false;
    for (std::size_t i = 0; i < u.messages.size(); ++i) {
      const auto& message = u.messages[i];
      if (message.id.empty()) {
        auto named = message;
        named.id = "event:" + std::to_string(message.event) + ":" + std::to_string(i);
        store_message(core, chat, named, count + n, added);
      } else {
        store_message(core, chat, message, count + n, added);
      }
      if (added) ++n;
    }
  }
  core.db.run(
      "UPDATE chats SET "
      "known=1,visitor_id=?2,visitor_name=?3,visitor_email=?4,status=?5,thread_id=?6,started_at=?7,active_at=?8,"
      "messages=messages+?9 WHERE pk=?1",
      chat, u.visitor_id, u.visitor_name, u.visitor_email, u.status, u.thread_id, u.started_at, u.active_at, n);
}

void apply_plan(Core& core, const Plan& plan, std::vector<DeliverySeq>& created) {
  if (core.db.run("DELETE FROM unplanned WHERE seq=?1", plan.event) == 0) return;
  core.counters.add(Counters::unplanned, -1);
  insert_parts(core, plan);
  if (plan.conversation) {
    const auto source = core.names.intern(core.db, plan.conversation->source);
    update_conversation(core, intern_chat(core, source, plan.conversation->chat_id, plan.planned_at),
                        *plan.conversation);
  }
  for (const auto& delivery : plan.deliveries)
    created.push_back(insert_delivery(core, plan.event, delivery, plan.planned_at));
  std::int64_t n = 0;
  for (const auto& failure : plan.failures)
    core.db.run("INSERT OR REPLACE INTO rule_failures VALUES(?1,?2,?3,?4,?5,?6)", plan.event, n++, failure.part,
                core.names.intern(core.db, failure.rule), failure.where, failure.reason);
}

}  // namespace chatrelay::store::sqlite
