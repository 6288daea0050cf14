#include "destinations/connector/registry.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

#include "common/assert.hpp"
#include "common/text.hpp"

namespace chatrelay::destinations::connector {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t file_bytes_max = 1 << 20;  // Limit: a connector file; the longest known one has some 10 KiB

std::vector<fs::path> yaml_files(const std::string& folder, config::Problems& problems) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".yaml") files.push_back(it->path());
  }
  if (error) problems.add({folder, 0}, "the folder of connectors cannot be read: " + error.message());
  std::ranges::sort(files);
  return files;
}

Result<std::string> read_text(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return unavailable("cannot be read: " + error.message());
  if (size > file_bytes_max) return invalid("is larger than 1 MiB");
  std::ifstream in(path, std::ios::binary);
  if (!in) return unavailable("cannot be opened");
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

std::shared_ptr<const Registry> Registry::load(std::span<const ShippedConnector> shipped,
                                               const std::vector<std::string>& folders, config::Problems& problems) {
  const auto registry = std::make_shared<Registry>();
  for (const ShippedConnector& connector : shipped) {
    registry->shipped_.emplace(connector.name, connector.text);
    registry->files_.emplace(connector.name, nullptr);
  }
  std::set<std::string> from_folders;
  for (const std::string& folder : folders) {
    for (const fs::path& path : yaml_files(folder, problems)) {
      const Result<std::string> text = read_text(path);
      if (!text) {
        problems.add({path.string(), 0}, text.error().message);
        continue;
      }
      auto parsed = parse_connector(*text, path.string(), problems);
      if (!parsed) continue;
      if (!from_folders.insert(parsed->name).second) {
        problems.add({path.string(), 0}, "connector " + parsed->name + " is also described by " +
                                             registry->files_[parsed->name]->where.file);
        continue;
      }
      registry->files_[parsed->name] = std::move(parsed);
    }
  }
  return registry;
}

std::shared_ptr<const ConnectorFile> Registry::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(name);
  if (found == files_.end()) return nullptr;
  if (!found->second) {
    config::Problems problems;
    found->second = parse_connector(shipped_.at(name), "(built in) " + found->first + ".yaml", problems);
    CHATRELAY_ASSERT(found->second, "a built-in connector can be read");
  }
  return found->second;
}

std::map<std::string, std::shared_ptr<const ConnectorFile>, std::less<>> Registry::all() const {
  std::map<std::string, std::shared_ptr<const ConnectorFile>, std::less<>> all;
  for (const auto& entry : files_) all.emplace(entry.first, find(entry.first));
  return all;
}

std::string_view Registry::nearest_to(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const auto& [known, file] : files_) names.emplace_back(known);
  return nearest(name, names.data(), names.size());
}

}  // namespace chatrelay::destinations::connector
