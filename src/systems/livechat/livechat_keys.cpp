#include "systems/livechat/livechat_keys.hpp"

#include <algorithm>

#include "systems/receiving.hpp"

namespace chatrelay::systems {

namespace {

using Field = LivechatField;

// Which webhooks speak of the same subject: their family and the fields that name the subject. Broad is safe (a retry
// with a different change in between is kept twice), narrow is not (a state that came back is lost): so a chat's
// properties are one subject, whichever names change, and thread_id is left out where it may be missing.
struct Family {
  std::string_view prefix;  // of the action
  std::string_view name;
  std::vector<Field> subject;
};

const std::vector<Family>& families() {
  static const std::vector<Family> table = {
      {"routing_status_set", "routing", {Field::agent_id}},
      {"agent_status_changed", "routing", {Field::agent_id}},
      {"thread_tagged", "tagging", {Field::chat_id, Field::thread_id, Field::tag}},
      {"thread_untagged", "tagging", {Field::chat_id, Field::thread_id, Field::tag}},
      {"chat_thread_tagged", "tagging", {Field::chat_id, Field::thread_id, Field::tag}},
      {"chat_thread_untagged", "tagging", {Field::chat_id, Field::thread_id, Field::tag}},
      {"chat_properties_", "chat_properties", {Field::chat_id, Field::id}},
      {"thread_properties_", "thread_properties", {Field::chat_id, Field::thread_id}},
      {"event_properties_", "event_properties", {Field::chat_id, Field::thread_id, Field::event_id}},
      {"event_updated", "event", {Field::chat_id, Field::thread_id, Field::event_event_id}},
      {"events_marked_as_seen", "seen", {Field::chat_id, Field::user_id}},
      {"chat_access_", "access", {Field::id, Field::chat_id}},
      {"chat_transferred", "transfer", {Field::chat_id}},
      {"user_added_to_chat", "user", {Field::chat_id, Field::user_id, Field::user_user_id}},
      {"user_removed_from_chat", "user", {Field::chat_id, Field::user_id, Field::user_user_id}},
      {"incoming_rich_message_postback",
       "postback",
       {Field::chat_id, Field::event_id, Field::user_id, Field::postback_id}},
      {"thread_summary_set", "summary", {Field::chat_id, Field::thread_id}},
      {"customer_session_fields_updated", "session_fields", {Field::id, Field::active_chat_id}},
      {"incoming_customer", "customer", {Field::customer_id, Field::id}},
      {"auto_access", "auto_access", {}},
      {"agent_", "agent", {Field::id}},
      {"bot_", "bot", {Field::id}},
      {"group_", "group", {Field::id}},
      {"tag_", "tag", {Field::name}},
  };
  return table;
}

// An action that nobody described: its own family, and whatever names something.
const std::vector<Field>& any_subject() {
  static const std::vector<Field> fields = {Field::chat_id, Field::event_id, Field::id, Field::agent_id};
  return fields;
}

using Parts = std::vector<std::string_view>;

// One subject named in two places (user_id here, user.id there) must hash alike: empty fields are skipped.
Hash128 subject_of(const LivechatFields& fields, std::string_view organization, std::string_view action) {
  const auto& table = families();
  const auto family =
      std::find_if(table.begin(), table.end(), [&](const Family& f) { return action.starts_with(f.prefix); });
  Parts parts{organization, family != table.end() ? family->name : action};
  for (const Field field : family != table.end() ? family->subject : any_subject())
    if (!fields.raw(field).empty()) parts.push_back(fields.raw(field));
  return hash128(parts);
}

bool all_there(const Parts& parts) {
  return std::none_of(parts.begin(), parts.end(), [](std::string_view part) { return part.empty() || part == "\"\""; });
}

// The ids that name what happened, where LiveChat gives them; empty if this action has none.
Parts natural_ids(const LivechatFields& fields, std::string_view action) {
  if (action == "incoming_event")
    return {fields.raw(Field::chat_id), fields.raw(Field::thread_id), fields.raw(Field::event_event_id)};
  if (action == "incoming_chat") return {fields.raw(Field::chat_chat_id), fields.raw(Field::chat_thread_id)};
  if (action == "chat_deactivated") return {fields.raw(Field::chat_id), fields.raw(Field::thread_id)};
  if (action == "event_deleted")
    return {fields.raw(Field::chat_id), fields.raw(Field::thread_id), fields.raw(Field::event_id)};
  return {};
}

// Two 64-bit numbers as the bytes that hash128 takes.
std::array<char, 16> bytes_of(const OccurrenceCounter::Occurrence& occurrence) {
  std::array<char, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(occurrence.born >> (8 * i) & 0xFF);
    bytes[8 + i] = static_cast<char>(occurrence.number >> (8 * i) & 0xFF);
  }
  return bytes;
}

Hash128 hash_one(std::string_view text) {
  const std::array<std::string_view, 1> parts{text};
  return hash128(parts);
}

}  // namespace

std::span<const JsonPath> livechat_paths() {
  static const std::vector<JsonPath> paths = {{{"secret_key"}},
                                              {{"action"}},
                                              {{"organization_id"}},
                                              {{"license_id"}},
                                              {{"payload", "chat_id"}},
                                              {{"payload", "thread_id"}},
                                              {{"payload", "event", "id"}},
                                              {{"payload", "chat", "id"}},
                                              {{"payload", "chat", "thread", "id"}},
                                              {{"webhook_id"}},
                                              {{"payload"}},
                                              {{"payload", "event_id"}},
                                              {{"payload", "id"}},
                                              {{"payload", "user_id"}},
                                              {{"payload", "user", "id"}},
                                              {{"payload", "agent_id"}},
                                              {{"payload", "tag"}},
                                              {{"payload", "name"}},
                                              {{"payload", "postback", "id"}},
                                              {{"payload", "active_chat", "chat_id"}},
                                              {{"payload", "customer", "id"}},
                                              {{"event"}},
                                              {{"applicationID"}},
                                              {{"organizationID"}},
                                              {{"licenseID"}},
                                              {{"date"}}};
  return paths;
}

std::span<const JsonPath> livechat_first_paths() {
  return livechat_paths().first(static_cast<std::size_t>(LivechatField::webhook_id));
}

std::string_view LivechatFields::raw(LivechatField field) const {
  const auto index = static_cast<std::size_t>(field);
  const std::string_view value = index < scan_.values.size() ? scan_.values[index] : std::string_view{};
  return value == "null" ? std::string_view{} : value;
}

OccurrenceCounter::Occurrence OccurrenceCounter::told(const Hash128& key, const Hash128& registration,
                                                      const Hash128& state, WallTime now) {
  constexpr std::size_t told_max = 24;  // Limit: three registrations of two opposite actions, with states to spare
  const bool known = is_known(registration);
  Subject& s = subject(key, now);
  if (s.told.size() >= told_max) restart(s, now);
  if (!(s.latest == state)) {
    ++s.changes;
    s.latest = state;
  }
  std::uint64_t highest = 0, change_of_highest = 0;
  for (Told& told : s.told) {
    if (!(told.state == state)) continue;
    if (told.number > highest) highest = told.number, change_of_highest = told.at;
    if (!(told.registration == registration)) continue;
    // Told by this one before: anew if anything else was told since, else a retry.
    if (told.at != s.changes) {
      const bool since = std::any_of(s.told.begin(), s.told.end(),
                                     [&](const Told& other) { return !(other.state == state) && other.at > told.at; });
      if (since) ++told.number;
      told.at = s.changes;
    }
    return {s.born, told.number};
  }
  // Not told by this registration before. One that we know, and that another has told: a copy of the first telling,
  // perhaps late. One that we do not know: a copy only if nothing else was told since.
  std::uint64_t number = 1;
  if (highest > 0 && !known) number = change_of_highest == s.changes ? highest : highest + 1;
  s.told.push_back({registration, state, number, s.changes});
  return {s.born, number};
}

OccurrenceCounter::Subject& OccurrenceCounter::subject(const Hash128& key, WallTime now) {
  const std::uint64_t slot = key.high ^ key.low;
  if (const auto found = by_key_.find(slot); found != by_key_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    if (!(recent_.front().key == key)) {
      recent_.front().key = key;
      restart(recent_.front(), now);
    }
    return recent_.front();
  }
  if (recent_.size() >= subjects_max_) {
    by_key_.erase(recent_.back().key.high ^ recent_.back().key.low);
    recent_.pop_back();
  }
  recent_.emplace_front();
  recent_.front().key = key;
  restart(recent_.front(), now);
  by_key_[slot] = recent_.begin();
  return recent_.front();
}

void OccurrenceCounter::restart(Subject& subject, WallTime now) {
  // The time sets apart what an earlier process remembered, the counter what this one did within a millisecond.
  subject.born = static_cast<std::uint64_t>(to_ms(now)) << 20 | (++restarts_ & 0xFFFFF);
  subject.changes = 0;
  subject.latest = {};
  subject.told.clear();
}

bool OccurrenceCounter::is_known(const Hash128& registration) {
  constexpr std::size_t registrations_max = 256;  // Limit: 40 actions, three registrations each, license and bot
  if (std::find(registrations_.begin(), registrations_.end(), registration) != registrations_.end()) return true;
  if (registrations_.size() >= registrations_max) registrations_.erase(registrations_.begin());
  registrations_.push_back(registration);
  return false;
}

namespace {

DedupKey app_key(std::string_view source, const LivechatFields& fields, std::string_view body) {
  if (fields.raw(Field::app_event).empty()) {
    const Parts parts{"livechat body", source, body};
    return {hash128(parts), body_window};
  }
  const Parts parts{"livechat app",
                    source,
                    fields.raw(Field::app_event),
                    fields.raw(Field::app_id),
                    fields.raw(Field::app_organization_id),
                    fields.raw(Field::app_license_id),
                    fields.raw(Field::app_date),
                    fields.raw(Field::payload)};
  return {hash128(parts), body_window};
}

}  // namespace

DedupKey livechat_key(std::string_view source, const LivechatFields& usual, std::string_view body,
                      OccurrenceCounter& counter, WallTime now) {
  const std::string action = usual.text(Field::action);
  const std::string_view organization =
      usual.raw(Field::organization_id).empty() ? usual.raw(Field::license_id) : usual.raw(Field::organization_id);
  const auto natural = [&](const Parts& ids) {
    Parts parts{"livechat natural", source, action, organization};
    parts.insert(parts.end(), ids.begin(), ids.end());
    return DedupKey{hash128(parts), natural_window};
  };
  if (const Parts ids = natural_ids(usual, action); !ids.empty() && all_there(ids)) return natural(ids);

  const JsonScanResult scan = scan_json(body, livechat_paths(), {});
  const LivechatFields fields(scan);
  if (const Parts ids = natural_ids(fields, action); !ids.empty() && all_there(ids)) return natural(ids);
  if (action.empty()) return app_key(source, fields, body);
  const std::string_view content = fields.raw(Field::payload).empty() ? body : fields.raw(Field::payload);
  const Parts state_parts{action, content};
  const Hash128 state = hash128(state_parts);
  const Hash128 registration = hash_one(fields.raw(Field::webhook_id));
  const auto occurrence = counter.told(subject_of(fields, organization, action), registration, state, now);
  const auto numbers = bytes_of(occurrence);
  const Parts parts{"livechat state", source, action, organization, content, {numbers.data(), numbers.size()}};
  return {hash128(parts), body_window};
}

}  // namespace chatrelay::systems
