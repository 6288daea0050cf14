#include "conversations/merge.hpp"

#include <algorithm>

#include "common/crypto.hpp"
#include "common/text.hpp"

namespace chatrelay::conversations {

namespace {

// About what the value takes as JSON text; exact enough for a limit.
std::size_t bytes_of(const json::value& value) {
  std::size_t bytes = 8;
  if (value.is_string()) return bytes + value.get_string().size();
  if (value.is_array())
    for (const json::value& entry : value.get_array()) bytes += bytes_of(entry);
  if (value.is_object())
    for (const auto& member : value.get_object()) bytes += member.key().size() + bytes_of(member.value());
  return bytes;
}

// Drops the members that came first until the rest fits.
void limit_object(json::object& object) {
  std::size_t bytes = 0;
  for (const auto& member : object) bytes += member.key().size() + bytes_of(member.value());
  if (bytes <= object_bytes_max) return;
  json::object kept;
  for (const auto& member : object) {
    const std::size_t size = member.key().size() + bytes_of(member.value());
    if (bytes > object_bytes_max)
      bytes -= size;
    else
      kept.emplace(member.key(), member.value());
  }
  object = std::move(kept);
}

}  // namespace

void merge(std::optional<std::string>& known, const std::optional<std::string>& said) {
  if (said) known = std::string(truncate_utf8(*said, text_bytes_max));
}

void merge(Visitor& known, const Visitor& said) {
  merge(known.id, said.id);
  merge(known.name, said.name);
  merge(known.email, said.email);
  merge(known.phone, said.phone);
  merge(known.language, said.language);
  merge(known.timezone, said.timezone);
  merge(known.user_agent, said.user_agent);
  merge(known.ip, said.ip);
  if (said.page.url && said.page.url != known.page.url) known.page.title.reset();  // the title of another page
  merge(known.page.url, said.page.url);
  merge(known.page.title, said.page.title);
  merge(known.page.referrer, said.page.referrer);
  if (said.active) known.active = said.active;
  if (said.consent) known.consent = said.consent;
  if (said.custom.empty()) return;
  for (const auto& member : said.custom) known.custom.insert_or_assign(member.key(), member.value());
  limit_object(known.custom);
}

void merge(Agent& known, const Agent& said) {
  merge(known.id, said.id);
  merge(known.name, said.name);
  merge(known.email, said.email);
}

void merge_properties(json::object& known, const json::object& said) {
  if (said.empty()) return;
  for (const auto& space : said) {
    json::value& target = known[space.key()];
    if (!space.value().is_object()) {
      target = space.value();
      continue;
    }
    if (!target.is_object()) target.emplace_object();
    for (const auto& property : space.value().get_object())
      target.get_object().insert_or_assign(property.key(), property.value());
  }
  limit_object(known);
}

void remove_property(json::object& known, std::string_view path) {
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return;
  json::value* space = known.if_contains(path.substr(0, dot));
  if (!space || !space->is_object()) return;
  space->get_object().erase(path.substr(dot + 1));
  if (space->get_object().empty()) known.erase(path.substr(0, dot));
}

std::string short_id(std::string_view id) {
  return id.size() <= id_bytes_max ? std::string(id) : "sha256:" + hex_encode(sha256(id));
}

void remember(std::vector<std::string>& list, const std::string& entry, std::size_t limit) {
  if (contains(list, entry)) return;
  if (list.size() >= limit) list.erase(list.begin());
  list.push_back(short_id(entry));
}

bool contains(const std::vector<std::string>& list, std::string_view entry) {
  if (entry.size() <= id_bytes_max) return std::find(list.begin(), list.end(), entry) != list.end();
  return std::find(list.begin(), list.end(), short_id(entry)) != list.end();
}

}  // namespace chatrelay::conversations
