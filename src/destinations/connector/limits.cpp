#include "destinations/connector/limits.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/crypto.hpp"
#include "common/json.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

using std::chrono::nanoseconds;

namespace {

constexpr std::int64_t count_max = 100'000;           // Limit: of burst and concurrency; more is no limit
constexpr Millis pause_max = std::chrono::hours(24);  // Limit: covers daily budgets; more is a mistake or an attack

Result<std::int64_t> count_of(const json::value& value, std::string_view what, std::int64_t fallback) {
  if (value.is_null()) return fallback;
  const json::value whole(json::object{{"count", value}});
  const auto count = int_at(whole, "count");
  if (!count || *count < 1 || *count > count_max)
    return invalid("limits." + std::string(what) + " must be a whole number between 1 and 100000");
  return *count;
}

// A token must not be lying about in memory as the name of a limit.
std::string name_of(std::string_view connector, std::size_t position, std::string_view key) {
  const std::string number = std::to_string(position);
  const std::array<std::string_view, 3> parts{connector, number, key};
  const Hash128 hash = hash128(parts);
  return std::to_string(hash.high) + "." + std::to_string(hash.low);
}

}  // namespace

Result<LimitRule> limit_rule(const json::value& key, const json::value& rate, const json::value& burst,
                             const json::value& concurrency) {
  LimitRule rule;
  if (key.is_string())
    rule.key = std::string(key.get_string());
  else if (!key.is_null())
    rule.key = expression::compact_json(key);
  if (!rate.is_null()) {
    if (!rate.is_string()) return invalid("limits.rate must be a rate like 5/s or 180/min");
    const Result<Rate> parsed = parse_rate(std::string_view(rate.get_string()));
    if (!parsed) return invalid("limits.rate " + parsed.error().message);
    if (parsed->count < 1) return invalid("limits.rate must let something through");
    rule.rate = *parsed;
  }
  const Result<std::int64_t> burst_count = count_of(burst, "burst", 1);
  if (!burst_count) return burst_count.error();
  const Result<std::int64_t> concurrency_count = count_of(concurrency, "concurrency", 0);
  if (!concurrency_count) return concurrency_count.error();
  rule.burst = *burst_count;
  rule.concurrency = *concurrency_count;
  return rule;
}

void SharedLimit::set(const LimitRule& rule) {
  interval_ = nanoseconds{0};
  if (rule.rate)
    interval_ = std::max(nanoseconds{1}, std::chrono::duration_cast<nanoseconds>(rule.rate->per) / rule.rate->count);
  tolerance_ = interval_ * (std::max<std::int64_t>(rule.burst, 1) - 1);
  concurrency_ = rule.concurrency;
  wake_all();
}

std::optional<nanoseconds> SharedLimit::wait(SteadyTime now) const {
  if (concurrency_ > 0 && under_way_ >= concurrency_) return std::nullopt;
  const auto paused = std::chrono::duration_cast<nanoseconds>(paused_until_ - now);
  const auto ahead = std::chrono::duration_cast<nanoseconds>(scheduled_ - now) - tolerance_;
  return std::max({nanoseconds{0}, paused, interval_.count() > 0 ? ahead : nanoseconds{0}});
}

void SharedLimit::take(SteadyTime now) {
  ++under_way_;
  if (interval_.count() > 0) scheduled_ = std::max(scheduled_, now) + interval_;
}

void SharedLimit::give_back() {
  --under_way_;
  wake_all();
}

void SharedLimit::pause(SteadyTime now, Millis how_long) {
  paused_until_ = std::max(paused_until_, now + std::clamp(how_long, Millis{0}, pause_max));
}

void SharedLimit::end_pause() {
  paused_until_ = {};
}

void SharedLimit::wake_all() {
  for (const auto& waiting : std::exchange(waiting_, {}))
    if (const auto wake = waiting.lock()) (*wake)();
}

void SharedLimit::when_changed(std::weak_ptr<Wake> wake) {
  std::erase_if(waiting_, [](const auto& one) { return one.expired(); });
  waiting_.push_back(std::move(wake));
}

LimitPermit& LimitPermit::operator=(LimitPermit&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  limits_ = std::move(other.limits_);
  other.limits_.clear();
  return *this;
}

void LimitPermit::give_back() {
  for (const auto& limit : std::exchange(limits_, {})) limit->give_back();
}

std::optional<nanoseconds> LimitSet::wait(SteadyTime now) const {
  nanoseconds longest{0};
  for (const auto& limit : limits_) {
    const auto wait = limit->wait(now);
    if (!wait) return std::nullopt;
    longest = std::max(longest, *wait);
  }
  return longest;
}

std::optional<LimitPermit> LimitSet::try_take(SteadyTime now) {
  const std::vector<LimitRule> rules = std::exchange(rules_, {});
  for (std::size_t i = 0; i < rules.size(); ++i) limits_[i]->set(rules[i]);
  const auto needed = wait(now);
  if (!needed || needed->count() > 0) return std::nullopt;
  for (const auto& limit : limits_) limit->take(now);
  return LimitPermit(limits_);
}

void LimitSet::pause(SteadyTime now, Millis how_long) {
  if (!limits_.empty()) limits_.front()->pause(now, how_long);
}

void LimitSet::end_pause() {
  if (!limits_.empty()) limits_.front()->end_pause();
}

void LimitSet::when_changed(const std::shared_ptr<SharedLimit::Wake>& wake) {
  for (const auto& limit : limits_) limit->when_changed(wake);
}

LimitSet SharedLimits::join(std::string_view connector, const std::vector<LimitRule>& rules) {
  std::erase_if(limits_, [](const auto& one) { return one.second.expired(); });
  std::vector<std::shared_ptr<SharedLimit>> joined;
  std::vector<LimitRule> become;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    std::weak_ptr<SharedLimit>& known = limits_[name_of(connector, rules[i].position, rules[i].key)];
    std::shared_ptr<SharedLimit> limit = known.lock();
    if (!limit) known = limit = std::make_shared<SharedLimit>(rules[i]);
    joined.push_back(std::move(limit));
    become.push_back(rules[i]);  // a reload may have changed it: what is read last holds
    become.back().key.clear();
  }
  return LimitSet(std::move(joined), std::move(become));
}

}  // namespace chatrelay::destinations::connector
