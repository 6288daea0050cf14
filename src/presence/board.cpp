#include <algorithm>
#include <utility>

#include "common/text.hpp"
#include "presence/board_state.hpp"

namespace chatrelay::presence {
namespace {

// A schedule that does not change for so long is looked at again all the same.
constexpr std::chrono::days hours_until_max{300};

Error no_user(std::int64_t user) {
  return not_found("presence has no user " + std::to_string(user));
}

template <class Map, class Known>
void keep_known(Map& map, Known known) {
  std::erase_if(map, [&](const auto& entry) { return !known(entry.first); });
}

// What was heard of those who have another id at the upstream system now was said of somebody else.
template <class Who>
void forget_renumbered(std::map<std::int64_t, Heard>& heard, const std::vector<Who>& before,
                       const std::vector<Who>& after) {
  std::map<std::int64_t, std::int64_t> ids;
  for (const Who& one : after)
    if (one.upstream) ids.emplace(one.id, *one.upstream);
  for (const Who& one : before)
    if (const auto now = ids.find(one.id); now == ids.end() || one.upstream != now->second) heard.erase(one.id);
}

// Sets or takes away; true if that made a difference.
bool set(std::map<std::int64_t, ByHand>& by_hand, std::int64_t id, std::optional<bool> online, WallTime now) {
  if (!online) return by_hand.erase(id) > 0;
  const auto [at, fresh] = by_hand.try_emplace(id, ByHand{*online, now});
  if (fresh) return true;
  if (at->second.online == *online) return false;
  at->second = {*online, now};
  return true;
}

}  // namespace

Board::State::State(Settings s, const Clock& c)
    : clock(c), version(static_cast<std::uint64_t>(std::max<long long>(0, to_ms(c.now())))) {
  configure(std::move(s));
}

void Board::State::configure(Settings next) {
  if (settings.upstream && (!next.upstream || next.upstream->url != settings.upstream->url)) {
    facts.upstream.reset();
    facts.upstream_departments.clear();
    facts.upstream_users.clear();
  }
  forget_renumbered(facts.upstream_users, settings.users, next.users);
  forget_renumbered(facts.upstream_departments, settings.departments, next.departments);
  settings = std::move(next);
  users.clear();
  identities.clear();
  agents.clear();
  for (std::size_t i = 0; i < settings.users.size(); ++i) {
    const User& user = settings.users[i];
    users.emplace(user.id, i);
    for (const std::string* identity : {&user.username, &user.email, &user.agent})
      if (!identity->empty()) identities.emplace(to_lower_ascii(*identity), user.id);
    if (!user.agent.empty()) agents.emplace(to_lower_ascii(user.agent), user.id);
  }
  hours.assign(settings.schedules.size(), Hours{});
  forget_strangers();
  changed();
}

void Board::State::forget_strangers() {
  keep_known(facts.users, [&](std::int64_t id) { return users.contains(id); });
  keep_known(facts.departments, [&](std::int64_t id) { return knows_department(id); });
  keep_known(facts.routing, [&](const std::string& agent) { return agents.contains(agent); });
}

const User* Board::State::user(std::int64_t id) const {
  const auto at = users.find(id);
  return at == users.end() ? nullptr : &settings.users[at->second];
}

bool Board::State::knows_department(std::int64_t id) const {
  const auto lists_it = [&](const User& one) {
    return std::find(one.departments.begin(), one.departments.end(), id) != one.departments.end();
  };
  return std::any_of(settings.departments.begin(), settings.departments.end(),
                     [&](const Department& one) { return one.id == id; }) ||
         std::any_of(settings.users.begin(), settings.users.end(), lists_it);
}

void Board::State::kept_changed() {
  changed();
  if (tell) tell();
}

bool Board::State::holds() const {
  if (stale) return false;
  if (steady_until && clock.steady() >= *steady_until) return false;
  if (hours.empty()) return true;
  const WallTime now = clock.now();
  return wall_from <= now && now < wall_until;
}

// A clock that is set back may show a time before the hours were looked at.
void Board::State::look_at_hours(WallTime now) {
  wall_from = WallTime::min();
  wall_until = WallTime::max();
  for (std::size_t i = 0; i < hours.size(); ++i) {
    Hours& each = hours[i];
    if (now < each.from || now >= each.until) {
      const Schedule& schedule = settings.schedules[i].schedule;
      each = {schedule.is_open(now), now, schedule.next_change(now).value_or(now + hours_until_max)};
    }
    wall_from = std::max(wall_from, each.from);
    wall_until = std::min(wall_until, each.until);
  }
}

const Answers& Board::State::fresh() {
  if (holds()) return answers;
  const SteadyTime now = clock.steady();
  look_at_hours(clock.now());
  Answers next = make_answers(settings, facts, hours, now);
  steady_until = upstream_until(settings, facts, now);
  if (next != answers) ++version;
  answers = std::move(next);
  stale = false;
  return answers;
}

Board::Board(Settings settings, const Clock& clock) : state_(std::make_unique<State>(std::move(settings), clock)) {}
Board::~Board() = default;

void Board::configure(Settings settings) {
  const std::lock_guard lock(state_->mutex);
  state_->configure(std::move(settings));
  state_->kept_changed();
}

bool Board::configured() const {
  const std::lock_guard lock(state_->mutex);
  return state_->settings.configured;
}

bool Board::online(const Question& question) const {
  const std::lock_guard lock(state_->mutex);
  return state_->fresh().whole.answer(question);
}

bool Board::department_online(std::int64_t department, const Question& question) const {
  const std::lock_guard lock(state_->mutex);
  const GroupAnswer* group = state_->fresh().department(department);
  return group && group->answer(question);
}

bool Board::user_online(std::int64_t user) const {
  const std::lock_guard lock(state_->mutex);
  const UserAnswer* answer = state_->fresh().user(user);
  return answer && answer->online;
}

std::optional<std::int64_t> Board::user_of(std::string_view username_or_email) const {
  const std::string lower = to_lower_ascii(username_or_email);
  const std::lock_guard lock(state_->mutex);
  const auto at = state_->identities.find(lower);
  return at == state_->identities.end() ? std::nullopt : std::optional(at->second);
}

bool Board::has_user(std::int64_t user) const {
  const std::lock_guard lock(state_->mutex);
  return state_->users.contains(user);
}

void Board::set_user(std::int64_t user, bool online) {
  (void)set_user(user, std::optional(online));
}

Result<void> Board::set_user(std::int64_t user, std::optional<bool> online) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->users.contains(user)) return no_user(user);
  if (set(state_->facts.users, user, online, state_->clock.now())) state_->kept_changed();
  return {};
}

Result<void> Board::set_department(std::int64_t department, std::optional<bool> online) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->knows_department(department))
    return not_found("presence has no department " + std::to_string(department));
  if (set(state_->facts.departments, department, online, state_->clock.now())) state_->kept_changed();
  return {};
}

void Board::set_all(std::optional<bool> online) {
  const std::lock_guard lock(state_->mutex);
  std::optional<ByHand>& whole = state_->facts.whole;
  const std::optional<bool> before = whole ? std::optional(whole->online) : std::nullopt;
  if (before == online) return;
  if (online)
    whole = ByHand{*online, state_->clock.now()};
  else
    whole.reset();
  state_->kept_changed();
}

void Board::on_routing_status(std::string_view agent, std::string_view status) {
  std::string word(status);
  std::replace(word.begin(), word.end(), ' ', '_');
  if (word != "accepting_chats" && word != "not_accepting_chats" && word != "offline") return;
  std::string who = to_lower_ascii(agent);
  const std::lock_guard lock(state_->mutex);
  if (!state_->agents.contains(who)) return;
  Routing& routing = state_->facts.routing[std::move(who)];
  if (routing.status == word) return;
  routing = {std::move(word), state_->clock.now()};
  state_->kept_changed();
}

void Board::on_upstream(Subject subject, std::int64_t id, bool online) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->settings.upstream) return;
  const Heard heard{online, state_->clock.steady()};
  Facts& facts = state_->facts;
  if (subject == Subject::all)
    facts.upstream = heard;
  else if (subject == Subject::user && state_->user(id) && state_->user(id)->upstream)
    facts.upstream_users[id] = heard;
  else if (subject == Subject::department)
    for (const Department& one : state_->settings.departments)
      if (one.id == id && one.upstream) facts.upstream_departments[id] = heard;
  state_->changed();
}

std::uint64_t Board::version() const {
  const std::lock_guard lock(state_->mutex);
  state_->fresh();
  return state_->version;
}

Millis Board::fresh_for(Millis most) const {
  const std::lock_guard lock(state_->mutex);
  state_->fresh();
  Millis left = most;
  if (!state_->hours.empty()) left = std::min(left, state_->wall_until - state_->clock.now());
  if (state_->steady_until)
    left = std::min(left, std::chrono::duration_cast<Millis>(*state_->steady_until - state_->clock.steady()));
  return std::max(left, Millis{0});
}

void Board::on_change(std::function<void()> changed) {
  const std::lock_guard lock(state_->mutex);
  state_->tell = std::move(changed);
}

}  // namespace chatrelay::presence
