#include "store/sqlite/core.hpp"

#include <span>

#include "common/crypto.hpp"

namespace chatrelay::store::sqlite {

std::uint32_t Salts::next() {
  if (used_ == values_.size()) {
    random_bytes({reinterpret_cast<std::uint8_t*>(values_.data()), sizeof(values_)});
    used_ = 0;
  }
  return values_[used_++];
}

Core::Core(const Options& o, const Clock& clock)
    : options(o), db(o.path, Connection::Mode::writer), dedup(clock, o.dedup_bucket_keys, o.dedup_keys_max) {}

void Core::load() {
  counters.load(db);
  dedup.load(db);
}

void Core::roll_back(const Mark& m) {
  names.roll_back(m.names);
  counters.roll_back(m.counters);
  dedup.roll_back(m.dedup);
}

void Core::roll_back_all() {
  names.roll_back(0);
  counters.roll_back_all();
  dedup.roll_back(0);
  dedup.failed();
  events_added = lanes_changed = false;
}

void Core::committed() {
  names.committed();
  counters.committed();
  dedup.committed();
  events_added = lanes_changed = false;
}

Appended append_event(Core& core, const NewEvent& event) {
  const bool deduplicate = event.dedup && event.dedup_window.count() > 0;
  if (deduplicate && core.dedup.seen(core.db, *event.dedup)) return {0, true};
  const auto seq = insert_event(core, event);
  if (deduplicate) core.dedup.remember(core.db, *event.dedup, seq, event.dedup_window);
  return {seq, false};
}

EventSeq insert_event(Core& core, const NewEvent& event) {
  const auto seq = core.counters.take(Counters::next_event);
  const auto source = core.names.intern(core.db, event.source);
  std::optional<std::string_view> content_type;
  if (!event.content_type.empty()) content_type = event.content_type;
  core.db.run("INSERT INTO events(seq,salt,source,received_at,content_type,body) VALUES(?1,?2,?3,?4,?5,?6)", seq,
              core.salts.next(), source, event.received_at, content_type, Blob{event.body});
  core.db.run("INSERT INTO unplanned(seq) VALUES(?1)", seq);
  core.counters.add(Counters::events, 1);
  core.counters.add(Counters::unplanned, 1);
  core.counters.received(source, event.received_at);
  core.counters.note(Counters::Range::events, event.received_at, seq);
  core.events_added = true;
  return seq;
}

void save_destination_state(Core& core, const DestinationState& s) {
  core.db.run("INSERT OR REPLACE INTO destination_states VALUES(?1,?2,?3,?4,?5,?6,?7,?8)", s.name, s.paused, s.disabled,
              s.reason, s.changed_at, s.circuit_failures, s.circuit_open_until, s.throttled_until);
}

}  // namespace chatrelay::store::sqlite
