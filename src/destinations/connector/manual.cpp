#include "destinations/connector/manual.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "common/text.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace {

constexpr std::size_t columns = 100;
constexpr std::size_t hanging = 22;  // where what is said of a name begins

std::string name_column(std::string_view name, std::size_t indent) {
  std::string line(indent, ' ');
  line += name;
  if (line.size() + 2 > hanging) return line + "  ";
  return line + std::string(hanging - line.size(), ' ');
}

// The words of `text` behind `head`; further lines begin under the first word.
std::string wrapped(std::string head, std::string_view text) {
  const std::string indent(head.size(), ' ');
  std::string out, line = std::move(head);
  bool fresh = true;
  for (std::string_view rest = trim(text); !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(" \n"), rest.size());
    const std::string_view word = rest.substr(0, end);
    if (!fresh && line.size() + 1 + word.size() > columns) {
      out += line + "\n";
      line = indent;
      fresh = true;
    }
    if (!fresh) line += ' ';
    line += word;
    fresh = false;
    rest = trim(rest.substr(end));
  }
  return out + std::string(line.substr(0, line.find_last_not_of(' ') + 1)) + "\n";
}

std::string said(std::vector<std::string> parts) {
  std::erase_if(parts, [](const std::string& part) { return part.empty(); });
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : "; ") + part;
  return all;
}

std::string setting_text(const SettingSpec& spec) {
  std::string choices;
  for (const std::string& choice : spec.choices) choices += (choices.empty() ? "one of " : ", ") + choice;
  const std::string type = spec.type == SettingType::choice ? choices : std::string(to_string(spec.type));
  const std::string fallback = spec.fallback.is_null() ? "" : "default " + expression::compact_json(spec.fallback);
  return said({type, spec.required ? "required" : "", fallback, spec.about});
}

std::string limit_text(const TextLimit& limit) {
  const char* unit = limit.unit == TextUnit::bytes   ? " bytes"
                     : limit.unit == TextUnit::utf16 ? " UTF-16 units"
                                                     : " characters";
  const char* beyond = limit.mode == TextMode::split      ? ", longer ones are split"
                       : limit.mode == TextMode::truncate ? ", longer ones are cut"
                                                          : ", longer ones are refused";
  return "at most " + std::to_string(limit.length) + unit + beyond;
}

std::string with_text(const Action& action, const std::string& name, const std::string& about) {
  const rules::WithKey& key = action.schema.with.at(name);
  const auto limit = action.limits.find(name);
  const std::string escape = key.escape == expression::Escape::none
                                 ? ""
                                 : "values in it are escaped (" + std::string(to_string(key.escape)) + ")";
  return said({key.required ? "required" : "", about, limit == action.limits.end() ? "" : limit_text(limit->second),
               escape, name == action.event_as ? "without `with`: the whole event" : ""});
}

std::string repeat_text(const Idempotency& idempotency) {
  const std::string time = idempotency.ttl ? ", for " + format_duration(*idempotency.ttl) : "";
  switch (idempotency.kind) {
    case Idempotency::Kind::none:
      return "a repeat is not recognised: after an attempt without an answer, `ambiguous` decides";
    case Idempotency::Kind::header:
      return "carries the delivery's id as " + idempotency.header + time;
    case Idempotency::Kind::body:
    case Idempotency::Kind::url:
      return "a repeat is harmless" + time;
  }
  return {};
}

std::string saved_text(const Action& action) {
  std::set<std::string> links;
  for (const Step& step : action.steps)
    for (const SaveSpec& save : step.save)
      for (const auto& [key, expression] : save.values) links.insert(".links." + save.scope + "." + key);
  std::string text;
  for (const std::string& link : links) text += (text.empty() ? "remembers " : ", ") + link;
  return text;
}

std::string batch_text(const Action& action) {
  if (!action.batch) return "";
  const Batch& batch = *action.batch;
  const std::string wait =
      batch.wait.count() > 0 ? ": a delivery waits at most " + format_duration(batch.wait) + " for others" : "";
  return "up to " + std::to_string(batch.max) + " deliveries of different chats leave in one request" + wait;
}

std::string action_text(const ConnectorFile& file, const Action& action) {
  std::string text = "  " + action.name + (action.name == file.default_action ? " (default)" : "") + "\n";
  if (!action.about.empty()) text += wrapped("    ", action.about);
  for (const auto& [name, about] : action.with_about)
    text += wrapped(name_column(name, 6), with_text(action, name, about));
  text += wrapped("    ", said({repeat_text(action.idempotency), saved_text(action), batch_text(action)}));
  return text;
}

std::string indented(std::string_view text) {
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out += (end == 0 ? "" : "  " + std::string(rest.substr(0, end))) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace

std::string manual_page(const ConnectorFile& file) {
  std::string page = wrapped(file.name + " - ", file.about);
  if (!file.docs.empty()) page += file.docs + "\n";
  if (!file.manual.empty()) page += "\n" + indented(file.manual);
  page += "\nSettings\n";
  for (const SettingSpec& spec : file.settings) page += wrapped(name_column(spec.name, 2), setting_text(spec));
  if (file.base_url) {
    const std::string usual =
        file.base_url->is_constant() ? "; otherwise " + expression::compact_json(file.base_url->constant()) : "";
    page += wrapped(name_column("base_url", 2), "url; another server than the usual one" + usual);
  }
  page += wrapped(name_column("ca_file", 2), "path; another root certificate; and what every destination takes");
  page += "\nActions\n";
  for (const auto& [name, action] : file.actions) page += action_text(file, action);
  return page;
}

}  // namespace chatrelay::destinations::connector
