// Links: written with the attempt that saved them, and taken by retention when nobody comes back for them.
#include "store/sqlite/core.hpp"

namespace chatrelay::store::sqlite {
namespace {

constexpr std::size_t look_per_row = 4;  // as in prune.cpp

void save_link(Core& core, std::int64_t destination, std::int64_t source, const AttemptResult& r, const NewLink& link) {
  const LinkSubject& of = r.subject;
  const std::string& subject = link.scope == LinkScope::visitor ? of.visitor_id : of.chat_id;
  if (subject.empty()) return;
  const std::string_view thread =
      link.scope == LinkScope::thread ? std::string_view(of.thread_id) : std::string_view("");
  const WallTime at = r.started_at + r.took;
  const int scope = static_cast<int>(link.scope);
  if (core.db.run("UPDATE links SET value=?7,delivery=?8,saved_at=?9 WHERE destination=?1 AND source=?2 AND subject=?3 "
                  "AND thread=?4 AND scope=?5 AND key=?6",
                  destination, source, subject, thread, scope, link.key, link.value, r.delivery, at) > 0)
    return;
  core.db.run(
      "INSERT INTO links(destination,source,subject,thread,scope,key,value,delivery,saved_at) "
      "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
      destination, source, subject, thread, scope, link.key, link.value, r.delivery, at);
  core.counters.note(Counters::Range::links, at, static_cast<std::uint64_t>(sqlite3_last_insert_rowid(core.db.raw())));
}

}  // namespace

void save_links(Core& core, std::int64_t destination, const AttemptResult& r) {
  if (r.saved.empty() || r.subject.source.empty()) return;
  const auto source = core.names.intern(core.db, r.subject.source);
  for (const NewLink& link : r.saved) save_link(core, destination, source, r, link);
}

// A link goes once it is old and its chat, or every chat of its visitor, is gone.
std::size_t Pruner::links(Core& core, WallTime before, std::size_t limit) {
  std::vector<std::int64_t> old;
  {
    Rows rows(core.db,
              "SELECT id,saved_at,CASE scope WHEN 1 THEN EXISTS(SELECT 1 FROM chats c INDEXED BY chats_visitor WHERE "
              "c.visitor_id=l.subject AND c.visitor_id<>'' AND c.source=l.source AND c.known=1) ELSE EXISTS(SELECT 1 "
              "FROM chats c WHERE c.chat_id=l.subject AND c.source=l.source AND c.known=1) END FROM links l WHERE "
              "id>?1 AND id<?2 ORDER BY id LIMIT ?3",
              at_, bound_, static_cast<std::uint64_t>(limit * look_per_row));
    while (old.size() < limit && rows.next()) {
      at_ = rows.integer(0);
      if (rows.time(1) < before && rows.integer(2) == 0) old.push_back(at_);
    }
  }
  for (const auto id : old) core.db.run("DELETE FROM links WHERE id=?1", id);
  return old.size();
}

}  // namespace chatrelay::store::sqlite
