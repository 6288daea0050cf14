// What the tests of sources share: a source made of YAML, a request, and events as JSON that a person can compare.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "common/json.hpp"
#include "common/text.hpp"
#include "config/config.hpp"
#include "systems/source.hpp"

namespace chatrelay::testing {

inline const WallTime now = from_ms(1'795'169'000'000);  // 2026-11-20T10:03:20Z

inline config::Environment no_environment() {
  config::Environment environment;
  environment.variable = [](const std::string&) { return std::optional<std::string>{}; };
  environment.file = [](const std::string&) { return Result<std::string>(not_found("no file")); };
  return environment;
}

struct Made {
  std::unique_ptr<systems::Source> source;
  std::string problems;  // errors and warnings
  bool failed = false;
};

// `yaml` is the source's map, indented by nothing.
inline Made make_source(const systems::SourceKind& kind, const std::string& yaml, const std::string& name = "test") {
  std::string text = "sources:\n  " + name + ":\n";
  std::istringstream lines(yaml);
  for (std::string line; std::getline(lines, line);) text += "    " + line + "\n";
  config::Problems problems;
  const config::Config config = config::parse_config(text, "test.yaml", problems, no_environment());
  Made made;
  if (!config.sources.empty()) made.source = kind.make(config.sources.at(0), config.tables, problems);
  made.problems = problems.to_string();
  made.failed = problems.has_errors();
  return made;
}

using Headers = std::map<std::string, std::string>;

struct Request {
  std::string body;
  std::string path_secret;
  std::string content_type = "application/json";
  Headers headers;

  systems::HookRequest view() const {
    systems::HookRequest request;
    request.body = body;
    request.path_secret = path_secret;
    request.content_type = content_type;
    request.headers = &headers;
    request.header = [](const void* all, std::string_view name) -> std::string_view {
      for (const auto& [key, value] : *static_cast<const Headers*>(all))
        if (iequals_ascii(key, name)) return value;
      return {};
    };
    return request;
  }
};

inline systems::StoredWebhook stored(std::string body, std::string content_type = "", EventSeq seq = 7) {
  systems::StoredWebhook webhook;
  webhook.seq = seq;
  webhook.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  webhook.source = "test";
  webhook.received_at = now;
  webhook.body = std::move(body);
  webhook.content_type = std::move(content_type);
  return webhook;
}

// Without null members and empty lists and maps: what is left is what was understood.
inline json::value without_nothing(const json::value& value) {
  if (value.is_array()) {
    json::array out;
    for (const json::value& entry : value.get_array()) out.push_back(without_nothing(entry));
    return out;
  }
  if (!value.is_object()) return value;
  json::object out;
  for (const auto& member : value.get_object()) {
    json::value kept = without_nothing(member.value());
    const bool nothing = kept.is_null() || (kept.is_array() && kept.get_array().empty()) ||
                         (kept.is_object() && kept.get_object().empty());
    if (!nothing) out[member.key()] = std::move(kept);
  }
  return out;
}

// An event with what folding gets from it, without raw and what is the same in every test.
inline json::value described(const Event& event) {
  json::object out = to_json(event, {}).as_object();
  for (const char* key : {"raw", "source", "system", "received_at", "id"}) out.erase(key);
  json::array people, history, removed;
  for (const Person& person : event.people) {
    json::object described_person = (person.is_visitor ? to_json(person.visitor) : to_json(person.agent)).as_object();
    described_person["kind"] = person.is_visitor ? "visitor" : "agent";
    described_person["present"] = person.present;
    people.push_back(std::move(described_person));
  }
  for (const Message& message : event.history) history.push_back(to_json(message));
  for (const std::string& path : event.removed_properties) removed.emplace_back(path);
  out["~people"] = std::move(people);
  out["~history"] = std::move(history);
  out["~removed_properties"] = std::move(removed);
  return without_nothing(out);
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

}  // namespace chatrelay::testing
