// What only some deliveries have: what they are rendered from, a lock, a deadline with another way, progress.
#include <boost/json.hpp>

#include "store/sqlite/core.hpp"

namespace chatrelay::store::sqlite {
namespace {

std::optional<std::string_view> text_or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

std::optional<int> number_or_null(const std::optional<LinkScope>& scope) {
  return scope ? std::optional<int>(static_cast<int>(*scope)) : std::nullopt;
}

// Part and rule are the first one's, and there is no further way.
std::string other_way_text(const NewDelivery& d) {
  json::object out{{"to", d.destination}, {"action", d.action}, {"lane", d.lane}};
  if (d.inputs.empty())
    out["payload"] = d.payload;
  else
    out["inputs"] = d.inputs;
  if (!d.visitor_id.empty()) out["visitor_id"] = d.visitor_id;
  if (d.lock) out["lock"] = static_cast<int>(*d.lock);
  return json::serialize(out);
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

void insert_details(Core& core, DeliverySeq delivery, const NewDelivery& d) {
  const bool has_other_way = d.deadline && d.other_way;
  if (d.inputs.empty() && d.visitor_id.empty() && !d.lock && !has_other_way) return;
  std::optional<WallTime> deadline;
  std::string other_way;
  if (has_other_way) {
    deadline = d.deadline;
    other_way = other_way_text(*d.other_way);
  }
  core.db.run("INSERT INTO delivery_details VALUES(?1,?2,?3,?4,NULL,?5,?6,NULL,NULL)", delivery,
              text_or_null(d.visitor_id), number_or_null(d.lock), text_or_null(d.inputs), deadline,
              text_or_null(other_way));
}

void replace_details(Core& core, DeliverySeq delivery, const NewDelivery& d) {
  core.db.run("DELETE FROM delivery_details WHERE seq=?1", delivery);
  insert_details(core, delivery, d);
}

void keep_progress(Core& core, DeliverySeq delivery, const std::string& progress) {
  if (progress.empty()) {
    core.db.run("UPDATE delivery_details SET progress=NULL WHERE seq=?1", delivery);
    return;
  }
  core.db.run(
      "INSERT INTO delivery_details(seq,progress) VALUES(?1,?2) ON CONFLICT(seq) DO UPDATE SET "
      "progress=excluded.progress",
      delivery, progress);
}

void keep_note(Core& core, DeliverySeq delivery, const std::string& note) {
  core.db.run("INSERT INTO delivery_details(seq,note) VALUES(?1,?2) ON CONFLICT(seq) DO UPDATE SET note=excluded.note",
              delivery, note);
}

void keep_begun(Core& core, DeliverySeq delivery) {
  core.db.run(
      "INSERT INTO delivery_details(seq,begun) SELECT ?1,1 WHERE EXISTS(SELECT 1 FROM deliveries WHERE seq=?1 AND "
      "state<3) ON CONFLICT(seq) DO UPDATE SET begun=1",
      delivery);
}

void end_begun(Core& core, DeliverySeq delivery) {
  core.db.run("UPDATE delivery_details SET begun=NULL WHERE seq=?1", delivery);
}

void end_details(Core& core, DeliverySeq delivery) {
  core.db.run("UPDATE delivery_details SET progress=NULL,deadline=NULL,other_way=NULL,begun=NULL WHERE seq=?1",
              delivery);
}

std::optional<NewDelivery> other_way_of(Core& core, DeliverySeq delivery) {
  std::string text;
  {
    Rows rows(core.db, "SELECT other_way FROM delivery_details WHERE seq=?1", delivery);
    if (!rows.next() || rows.null(0)) return std::nullopt;
    text = rows.string(0);
  }
  boost::system::error_code error;
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // it was written by us, and must not be lost
  const json::value value = json::parse(text, error, {}, options);
  const json::object* object = error ? nullptr : value.if_object();
  if (!object) return std::nullopt;
  NewDelivery next;
  next.destination = text_at(*object, "to");
  next.action = text_at(*object, "action");
  next.payload = text_at(*object, "payload");
  next.inputs = text_at(*object, "inputs");
  next.visitor_id = text_at(*object, "visitor_id");
  if (const json::value* lane = object->if_contains("lane"); lane && lane->is_number())
    next.lane = lane->to_number<LaneId>();
  if (const json::value* lock = object->if_contains("lock"); lock && lock->is_int64())
    next.lock = static_cast<LinkScope>(lock->get_int64());
  return next;
}

}  // namespace chatrelay::store::sqlite
