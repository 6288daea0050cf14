#include "ingest/silence.hpp"

#include <algorithm>
#include <utility>

#include "common/log.hpp"
#include "common/units.hpp"
#include "ingest/own_events.hpp"

namespace chatrelay::ingest {

void SilenceWatch::watch(const std::map<std::string, Millis>& silent_after, SteadyTime now) {
  std::map<std::string, Watched, std::less<>> next;
  for (const auto& [source, limit] : silent_after) {
    Watched entry{limit, now, false};
    if (const auto before = watched_.find(source); before != watched_.end()) {
      entry.last = before->second.last;
      entry.told = before->second.told;
    }
    next.emplace(source, entry);
  }
  watched_ = std::move(next);
}

void SilenceWatch::heard(std::string_view source, SteadyTime at) {
  const auto entry = watched_.find(source);
  if (entry == watched_.end() || at <= entry->second.last) return;
  entry->second.last = at;
  entry->second.told = false;
}

std::vector<SilenceWatch::Silent> SilenceWatch::check(SteadyTime now) {
  std::vector<Silent> silent;
  for (auto& [source, entry] : watched_) {
    if (entry.told || now - entry.last < entry.silent_after) continue;
    entry.told = true;
    silent.push_back({source, std::chrono::duration_cast<Millis>(now - entry.last), entry.silent_after});
  }
  return silent;
}

std::optional<SteadyTime> SilenceWatch::next_check() const {
  std::optional<SteadyTime> next;
  for (const auto& [source, entry] : watched_) {
    // One that was told is looked at again after a full period: it may have been heard meanwhile.
    const SteadyTime at = entry.last + entry.silent_after * (entry.told ? 2 : 1);
    if (!next || at < *next) next = at;
  }
  return next;
}

SilenceAlarm::SilenceAlarm(boost::asio::any_io_executor executor, store::Store& store, const Clock& clock,
                           LastHeard last_heard)
    : store_(store), clock_(clock), last_heard_(std::move(last_heard)), timer_(std::move(executor)) {}

SilenceAlarm::~SilenceAlarm() {
  *alive_ = false;
}

void SilenceAlarm::set_sources(const std::vector<config::SourceConfig>& sources) {
  std::map<std::string, Millis> limits;
  names_.clear();
  for (const auto& source : sources) {
    if (!source.silent_after || source.silent_after->count() <= 0) continue;
    limits.emplace(source.name, *source.silent_after);
    names_.push_back(source.name);
  }
  watch_.watch(limits, clock_.steady());
  arm();
}

void SilenceAlarm::check() {
  for (const auto& name : names_) {
    if (const auto at = last_heard_(name)) watch_.heard(name, *at);
  }
  const WallTime now = clock_.now();
  for (const auto& silent : watch_.check(clock_.steady())) {
    log::warn("source is silent", {{"source", silent.source}, {"silent_for", format_duration(silent.silent_for)}});
    boost::json::object payload;
    payload["source"] = silent.source;
    payload["silent_for_s"] = silent.silent_for.count() / 1000;
    payload["silent_after_s"] = silent.silent_after.count() / 1000;
    payload["since"] = format_rfc3339(now - silent.silent_for);
    store_.append(make_own_event(event_type::source_silent, std::move(payload), now),
                  [](Result<store::Appended> result) {
                    if (!result) log::warn("source_silent could not be stored", {{"error", result.error().message}});
                  });
  }
  arm();
}

void SilenceAlarm::arm() {
  const auto next = watch_.next_check();
  if (!next) {
    timer_.cancel();
    return;
  }
  // Between a second (no busy loop over a source that is silent already) and a minute (what was heard meanwhile moves
  // the end).
  const auto wait =
      std::clamp<SteadyTime::duration>(*next - clock_.steady(), std::chrono::seconds(1), std::chrono::minutes(1));
  timer_.expires_after(wait);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!error && *alive) check();
  });
}

}  // namespace chatrelay::ingest
