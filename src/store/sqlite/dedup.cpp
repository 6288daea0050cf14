#include "store/sqlite/dedup.hpp"

#include <algorithm>

namespace chatrelay::store::sqlite {
namespace {

constexpr std::size_t spread_step = 8192;  // keys looked at between two glances at the clock
constexpr std::size_t part_count = 256;
constexpr std::int64_t clean_rows = 500;
constexpr std::int64_t window_ms_max = 40LL * 24 * 3'600'000;

std::array<char, 16> disk_form(const Hash128& key) {
  std::array<char, 16> out{};
  for (std::size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<char>(key.high >> (56 - 8 * i));
    out[8 + i] = static_cast<char>(key.low >> (56 - 8 * i));
  }
  return out;
}
Blob blob(const std::array<char, 16>& bytes) {
  return {{bytes.data(), bytes.size()}};
}
Hash128 from_disk(std::string_view bytes) {
  Hash128 key;
  if (bytes.size() != 16) return key;
  for (std::size_t i = 0; i < 8; ++i) {
    key.high = key.high << 8 | static_cast<unsigned char>(bytes[i]);
    key.low = key.low << 8 | static_cast<unsigned char>(bytes[8 + i]);
  }
  return key;
}

}  // namespace

Dedup::Dedup(const Clock& clock, std::size_t bucket_keys, std::size_t keys_max)
    : clock_(clock),
      bucket_keys_(std::max<std::size_t>(bucket_keys, 1)),
      keys_max_(keys_max),
      wall_start_(clock.now()),
      steady_start_(clock.steady()) {}

std::int64_t Dedup::now_ms() const {
  return to_ms(wall_start_ + std::chrono::duration_cast<Millis>(clock_.steady() - steady_start_));
}

bool Dedup::counts(const Seen& seen) const {
  const auto age = now_ms() - seen.at_ms;
  return age < seen.window_ms && -age < seen.window_ms;
}

void Dedup::load(Connection& db) {
  {
    Rows rows(db, "SELECT bucket,upto_seq,max_expires,keys,bloom FROM dedup_buckets ORDER BY bucket");
    while (rows.next()) {
      next_bucket_ = rows.number(0) + 1;
      clean_upto_ = std::max(clean_upto_, rows.number(1));
      auto bytes = rows.text(4);
      if (!Bloom::valid(bytes)) continue;
      buckets_.push_back({rows.number(0), rows.integer(2), rows.number(3), Bloom(bytes)});
      sealed_keys_ += rows.number(3);
    }
  }
  // Keys without their bucket: it was being forgotten, or not finished, when the process ended.
  std::int64_t at = -1;
  while (true) {
    Rows rows(db, "SELECT bucket FROM dedup_sealed WHERE bucket>?1 ORDER BY bucket LIMIT 1", at);
    if (!rows.next()) break;
    at = rows.integer(0);
    auto number = static_cast<std::uint64_t>(at);
    next_bucket_ = std::max(next_bucket_, number + 1);
    if (std::none_of(buckets_.begin(), buckets_.end(), [&](const Bucket& b) { return b.number == number; }))
      forgetting_.push_back(number);
  }
  Rows rows(db, "SELECT seq,key,seen_at,window_ms FROM dedup_recent WHERE seq>?1 ORDER BY seq", clean_upto_);
  while (rows.next()) {
    recent_[from_disk(rows.text(1))] = {rows.integer(2), rows.integer(3)};
    last_seq_ = rows.number(0);
  }
  clean_done_ = clean_upto_ == 0;
}

bool Dedup::seen(Connection& db, const Hash128& key) {
  if (auto found = recent_.find(key); found != recent_.end() && counts(found->second)) return true;
  if (sealing_)
    if (auto found = sealing_->map.find(key); found != sealing_->map.end() && counts(found->second)) return true;
  for (auto bucket = buckets_.rbegin(); bucket != buckets_.rend(); ++bucket) {
    if (!bucket->bloom.may_hold(key)) continue;
    const auto bytes = disk_form(key);
    Rows rows(db, "SELECT seen_at,window_ms FROM dedup_sealed WHERE bucket=?1 AND key=?2", bucket->number, blob(bytes));
    if (rows.next() && counts({rows.integer(0), rows.integer(1)})) return true;
  }
  return false;
}

void Dedup::remember(Connection& db, const Hash128& key, std::uint64_t seq, Millis window) {
  const Seen seen{now_ms(), std::min<std::int64_t>(window.count(), window_ms_max)};
  const auto bytes = disk_form(key);
  db.run("INSERT INTO dedup_recent VALUES(?1,?2,?3,?4)", seq, blob(bytes), seen.at_ms, seen.window_ms);
  auto [at, inserted] = recent_.try_emplace(key, seen);
  log_.push_back({key, inserted ? std::nullopt : std::optional<Seen>(at->second), last_seq_});
  at->second = seen;
  last_seq_ = seq;
}

void Dedup::roll_back(std::size_t mark) {
  while (log_.size() > mark) {
    if (log_.back().before)
      recent_[log_.back().key] = *log_.back().before;
    else
      recent_.erase(log_.back().key);
    // The number will be given again: a bucket that claimed it would take that key off the disk with its own.
    last_seq_ = log_.back().last_seq_before;
    log_.pop_back();
  }
}

void Dedup::committed() {
  log_.clear();
  if (published_now_) {
    if (sealing_->live > 0) {
      buckets_.push_back({sealing_->number, sealing_->max_expires, sealing_->live, std::move(*sealing_->bloom)});
      sealed_keys_ += sealing_->live;
    }
    clean_upto_ = sealing_->upto_seq;
    clean_done_ = false;
    sealing_.reset();
  }
  if (dropped_now_) {
    auto bucket =
        std::find_if(buckets_.begin(), buckets_.end(), [&](const Bucket& b) { return b.number == *dropped_now_; });
    sealed_keys_ -= bucket->keys;
    forgetting_.push_back(bucket->number);
    buckets_.erase(bucket);
  }
  if (clean_done_now_) clean_done_ = true;
  if (forgot_now_) forgetting_.pop_front();
  published_now_ = clean_done_now_ = forgot_now_ = false;
  dropped_now_.reset();
  if (recent_.size() >= bucket_keys_ && !sealing_) rotate();
}

void Dedup::failed() {
  if (sealing_ && sealing_->phase != Sealing::Phase::spread) {
    sealing_->phase = Sealing::Phase::insert;
    sealing_->next_part = 0;
  }
  published_now_ = clean_done_now_ = forgot_now_ = false;
  dropped_now_.reset();
}

void Dedup::rotate() {
  sealing_ = std::make_unique<Sealing>();
  sealing_->map = std::move(recent_);
  recent_ = Map{};
  sealing_->upto_seq = last_seq_;
  sealing_->number = next_bucket_++;
  sealing_->parts.resize(part_count);
  sealing_->at = sealing_->map.begin();
}

const Dedup::Bucket* Dedup::expired_bucket() const {
  const auto now = now_ms();
  for (const auto& bucket : buckets_)
    if (bucket.max_expires <= now) return &bucket;
  return sealed_keys_ > keys_max_ && !buckets_.empty() ? &buckets_.front() : nullptr;
}

bool Dedup::wants_work() const {
  return sealing_ || !clean_done_ || !forgetting_.empty() || expired_bucket();
}

void Dedup::work(Connection& db, Deadline deadline) {
  do step(db);
  while (std::chrono::steady_clock::now() < deadline && !published_now_ && !clean_done_now_ && !forgot_now_ &&
         !dropped_now_ && wants_work());
}

// One kind of change a transaction at its end (published, cleaned, dropped, forgot), so that committed() has one thing
// to take over.
void Dedup::step(Connection& db) {
  if (sealing_) return step_sealing(db);
  if (!clean_done_) return clean_step(db);
  if (!forgetting_.empty()) return forget_step(db);
  if (const Bucket* bucket = expired_bucket()) {
    db.run("DELETE FROM dedup_buckets WHERE bucket=?1", bucket->number);
    dropped_now_ = bucket->number;
  }
}

void Dedup::step_sealing(Connection& db) {
  switch (sealing_->phase) {
    case Sealing::Phase::spread:
      return spread();
    case Sealing::Phase::insert:
      return insert_part(db);
    case Sealing::Phase::publish:
      return publish(db);
    case Sealing::Phase::published:
      return;
  }
}

void Dedup::spread() {
  auto& s = *sealing_;
  const auto now = now_ms();
  for (std::size_t n = 0; n < spread_step && s.at != s.map.end(); ++n, ++s.at) {
    const auto expires = s.at->second.at_ms + s.at->second.window_ms;
    if (expires <= now) continue;  // a short window does not outlive the memory
    s.parts[s.at->first.high >> 56].push_back({s.at->first, s.at->second});
    s.max_expires = std::max(s.max_expires, expires);
    ++s.live;
  }
  if (s.at != s.map.end()) return;
  s.bloom = std::make_unique<Bloom>(s.live);
  s.phase = Sealing::Phase::insert;
}

void Dedup::insert_part(Connection& db) {
  auto& s = *sealing_;
  auto& part = s.parts[s.next_part];
  std::sort(part.begin(), part.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
  for (const auto& entry : part) {
    const auto bytes = disk_form(entry.key);
    db.run("INSERT OR REPLACE INTO dedup_sealed VALUES(?1,?2,?3,?4)", s.number, blob(bytes), entry.seen.at_ms,
           entry.seen.window_ms);
    s.bloom->add(entry.key);
  }
  if (++s.next_part == s.parts.size()) s.phase = Sealing::Phase::publish;
}

void Dedup::publish(Connection& db) {
  auto& s = *sealing_;
  if (s.live > 0)
    db.run("INSERT OR REPLACE INTO dedup_buckets VALUES(?1,?2,?3,?4,?5)", s.number, s.upto_seq, s.max_expires, s.live,
           Blob{s.bloom->bytes()});
  s.phase = Sealing::Phase::published;
  published_now_ = true;
}

void Dedup::clean_step(Connection& db) {
  const int rows =
      db.run("DELETE FROM dedup_recent WHERE seq IN (SELECT seq FROM dedup_recent WHERE seq<=?1 ORDER BY seq LIMIT ?2)",
             clean_upto_, clean_rows);
  clean_done_now_ = rows < clean_rows;
}

void Dedup::forget_step(Connection& db) {
  const auto number = forgetting_.front();
  const int rows = db.run(
      "DELETE FROM dedup_sealed WHERE bucket=?1 AND key<=coalesce((SELECT key FROM dedup_sealed WHERE bucket=?1 ORDER "
      "BY key LIMIT 1 OFFSET ?2),"
      "x'ffffffffffffffffffffffffffffffffff')",
      number, clean_rows - 1);
  forgot_now_ = rows < clean_rows;
}

}  // namespace chatrelay::store::sqlite
