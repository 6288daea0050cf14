#include "config/config.hpp"

#include <filesystem>
#include <system_error>

#include "config/sections.hpp"

namespace chatrelay::config {
namespace {

constexpr std::string_view default_store = "sqlite:/var/lib/chatrelay/chatrelay.db";

std::string read_store(const Node& node) {
  const std::string text = node.string(default_store);
  constexpr std::string_view scheme = "sqlite:";
  if (!std::string_view(text).starts_with(scheme) || text.size() == scheme.size()) {
    if (!text.empty())
      node.problem("is " + node.shown() + "; it must be sqlite:PATH, like " + std::string(default_store));
    return std::string(default_store.substr(scheme.size()));
  }
  const std::filesystem::path path(text.substr(scheme.size()));
  if (path.is_absolute()) return path.lexically_normal().string();
  // Relative paths are taken from the file that names them.
  std::error_code ec;
  const std::filesystem::path file = std::filesystem::absolute(node.where().file, ec);
  return (file.parent_path() / path).lexically_normal().string();
}

bool is_yaml_file(const std::string& path) {
  return path.ends_with(".yaml") || path.ends_with(".yml");
}

// A folder that is not there is a warning and left out: the shipped file names one that only an installation has. A
// file that is named itself must exist.
std::vector<std::string> read_rules(const Node& node) {
  std::vector<std::string> out;
  for (const Node& entry : node.items()) {
    const std::string path = entry.path_value();
    std::error_code ec;
    if (path.empty()) {
      if (!entry.present()) entry.problem("must not be empty");
    } else if (std::filesystem::exists(path, ec)) {
      out.push_back(path);
    } else if (is_yaml_file(path)) {
      entry.problem("names " + path + ", which does not exist");
    } else {
      entry.warning("names the folder " + path + ", which does not exist: no rules are read from it");
    }
  }
  return out;
}

std::vector<std::string> read_connector_folders(const Node& node) {
  std::vector<std::string> out;
  for (const Node& entry : node.items()) {
    const std::string path = entry.path_value();
    std::error_code ec;
    if (path.empty()) continue;
    if (std::filesystem::exists(path, ec))
      out.push_back(path);
    else
      entry.problem("names " + path + ", which does not exist");
  }
  return out;
}

boost::json::object read_tables(const Node& node) {
  if (!node.present()) return {};
  if (!node.is_map()) {
    node.problem("must be a map of look-up tables");
    return {};
  }
  return node.json(true).as_object();
}

Config read_config(const Node& root, const std::string& file) {
  Config config;
  config.file = file;
  root.only({"listen", "store", "store_key", "rules", "connectors", "retention", "limits", "log", "sources",
             "destinations", "tables", "presence", "transcripts", "conversations"});
  config.listen = read_listen(root["listen"]);
  config.store_path = read_store(root["store"]);
  config.store_key = root["store_key"].secret();
  config.rules = read_rules(root["rules"]);
  config.connectors = read_connector_folders(root["connectors"]);
  config.retention = read_retention(root["retention"]);
  config.limits = read_limits(root["limits"]);
  config.transcripts = read_transcripts(root["transcripts"]);
  config.conversations = read_conversations(root["conversations"]);
  read_log(root["log"], config.log_level, config.log_format);
  config.sources = read_sources(root["sources"]);
  config.destinations = read_destinations(root["destinations"]);
  config.tables = read_tables(root["tables"]);
  config.presence = root["presence"];
  return config;
}

template <class T>
const T* find_named(const std::vector<T>& list, std::string_view name) {
  for (const T& entry : list)
    if (entry.name == name) return &entry;
  return nullptr;
}

}  // namespace

const SourceConfig* Config::source(std::string_view name) const {
  return find_named(sources, name);
}
const DestinationConfig* Config::destination(std::string_view name) const {
  return find_named(destinations, name);
}

Config load_config(const std::string& file, Problems& problems, const Environment& environment) {
  const Node root = Document::load(file, problems, environment);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored))
    problems.add({file, 0}, "--config or CHATRELAY_CONFIG name another; `chatrelay init` writes a first one");
  return read_config(root, file);
}

Config parse_config(std::string_view text, const std::string& file, Problems& problems,
                    const Environment& environment) {
  return read_config(Document::parse(text, file, problems, environment), file);
}

}  // namespace chatrelay::config
