// Planning: parts, conversation, deliveries and failures of one webhook.
#include <boost/json.hpp>

#include "store/ids.hpp"
#include "store/sqlite/core.hpp"

namespace chatrelay::store::sqlite {
namespace {

// A chat's row, as far as planning needs it.
struct ChatNumber {
  std::int64_t pk = 0;        // from 1
  std::int64_t messages = 0;  // the number of the next one
};

ChatNumber intern_chat(Core& core, std::int64_t source, std::string_view chat_id, WallTime now) {
  {
    Rows rows(core.db, "SELECT pk,messages FROM chats WHERE chat_id=?1 AND source=?2", chat_id, source);
    if (rows.next()) return {rows.integer(0), rows.integer(1)};
  }
  const auto pk = core.counters.take(Counters::next_chat);
  core.db.run("INSERT INTO chats(pk,source,chat_id) VALUES(?1,?2,?3)", pk, source, chat_id);
  core.counters.note(Counters::Range::chats, now, pk);
  return {static_cast<std::int64_t>(pk), 0};
}

// True: a message that was not there yet.
bool store_message(Core& core, std::int64_t chat, const StoredMessage& message, std::string_view id,
                   std::string_view text, std::int64_t next_n) {
  std::optional<std::int64_t> n;
  bool changed = false;
  EventSeq changed_by = message.changed_by;
  {
    Rows rows(core.db, "SELECT n FROM messages WHERE chat=?1 AND message_id=?2", chat, id);
    if (rows.next()) n = rows.integer(0);
  }
  if (!n) {
    core.db.run("INSERT INTO messages VALUES(?1,?2,?3,?4,?5,?6,?7,?8)", chat, next_n, id, message.event,
                message.changed_by, message.deleted, message.thread_id, text);
    return true;
  }
  {
    Rows rows(core.db, "SELECT changed_by,deleted,message FROM messages WHERE chat=?1 AND n=?2", chat, *n);
    if (!rows.next()) return false;
    changed = rows.text(2) != text || (rows.integer(1) != 0) != message.deleted;
    if (!changed) return false;
    // What it was until now, for who asks as of an earlier event. A change that names no webhook just replaces.
    if (changed_by == 0)
      changed_by = rows.number(0);
    else
      core.db.run("INSERT OR IGNORE INTO message_versions VALUES(?1,?2,?3,?4,?5,?6)", chat, *n, changed_by,
                  rows.integer(0), rows.integer(1), rows.text(2));
  }
  core.db.run("UPDATE messages SET changed_by=?3,deleted=?4,thread_id=?5,message=?6 WHERE chat=?1 AND n=?2", chat, *n,
              changed_by, message.deleted, message.thread_id, text);
  return false;
}

void update_conversation(Core& core, const ChatNumber& chat, const ReadyPlan& ready) {
  const ConversationUpdate& u = *ready.plan.conversation;
  std::int64_t added = 0;
  for (std::size_t i = 0; i < u.messages.size(); ++i) {
    const StoredMessage& message = u.messages[i];
    const std::string id =
        message.id.empty() ? "event:" + std::to_string(message.event) + ":" + std::to_string(i) : message.id;
    if (store_message(core, chat.pk, message, id, ready.messages[i], chat.messages + added)) ++added;
  }
  core.db.run(
      "UPDATE chats SET "
      "known=1,visitor_id=?2,visitor_name=?3,visitor_email=?4,status=?5,thread_id=?6,started_at=?7,active_at=?8,"
      "messages=messages+?9,state=?10 WHERE pk=?1",
      chat.pk, u.visitor_id, u.visitor_name, u.visitor_email, u.status, u.thread_id, u.started_at, u.active_at, added,
      ready.state);
}

std::int64_t source_of(Core& core, const Plan& plan) {
  if (plan.conversation) return core.names.intern(core.db, plan.conversation->source);
  Rows rows(core.db, "SELECT source FROM events WHERE seq=?1", plan.event);
  return rows.next() ? rows.integer(0) : 0;
}

// The chats that a webhook names: one, as a rule.
class Chats {
 public:
  Chats(Core& core, const Plan& plan) : core_(core), plan_(plan) {}
  const ChatNumber& number(std::string_view chat_id) {
    if (last_.pk == 0 || chat_id != last_id_) {
      last_ = intern_chat(core_, source_of(core_, plan_), chat_id, plan_.planned_at);
      last_id_ = chat_id;
    }
    return last_;
  }

 private:
  Core& core_;
  const Plan& plan_;
  ChatNumber last_;  // pk 0: none yet
  std::string_view last_id_;
};

void insert_parts(Core& core, const Plan& plan, Chats& chats) {
  for (const auto& part : plan.parts) {
    if (part.part >= parts_max) continue;
    const auto type = core.names.intern(core.db, part.type);
    std::optional<std::int64_t> chat;
    if (!part.chat_id.empty()) chat = chats.number(part.chat_id).pk;
    std::optional<std::string_view> thread;
    if (!part.thread_id.empty()) thread = part.thread_id;
    core.db.run("INSERT INTO event_parts VALUES(?1,?2,?3,?4,?5)", plan.event * parts_max + part.part, type, chat,
                part.suppressed, thread);
  }
}

}  // namespace

ReadyPlan::ReadyPlan(Plan&& from) : plan(std::move(from)) {
  if (!plan.conversation) return;
  state = json::serialize(plan.conversation->state);
  plan.conversation->state = nullptr;
  messages.reserve(plan.conversation->messages.size());
  for (StoredMessage& message : plan.conversation->messages) {
    messages.push_back(json::serialize(message.message));
    message.message = nullptr;
  }
}

void apply_plan(Core& core, const ReadyPlan& ready, std::vector<DeliverySeq>& created) {
  const Plan& plan = ready.plan;
  if (core.db.run("DELETE FROM unplanned WHERE seq=?1", plan.event) == 0) return;
  core.counters.add(Counters::unplanned, -1);
  Chats chats(core, plan);
  insert_parts(core, plan, chats);
  if (plan.conversation) update_conversation(core, chats.number(plan.conversation->chat_id), ready);
  for (const auto& delivery : plan.deliveries)
    created.push_back(insert_delivery(core, plan.event, delivery, plan.planned_at));
  std::int64_t n = 0;
  for (const auto& failure : plan.failures)
    core.db.run("INSERT INTO rule_failures VALUES(?1,?2,?3,?4,?5,?6)", plan.event, n++, failure.part,
                core.names.intern(core.db, failure.rule), failure.where, failure.reason);
}

}  // namespace chatrelay::store::sqlite
