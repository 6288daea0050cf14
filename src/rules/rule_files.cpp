#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "rules/rule.hpp"

namespace chatrelay::rules {
namespace {

namespace fs = std::filesystem;

bool is_test(const std::string& path) {
  return path.ends_with("_test.yaml");
}

std::vector<std::string> files_of_folder(const std::string& folder, bool tests, config::Problems& problems) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path().string();
    if (at->path().filename().string().starts_with(".")) continue;
    if (path.ends_with(".yml")) problems.warn({path, 0}, "is not read: rule files end in .yaml");
    if (path.ends_with(".yaml") && is_test(path) == tests) files.push_back(path);
  }
  if (error) problems.add({folder, 0}, "cannot be read: " + error.message());
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::vector<std::string> rule_files(const std::vector<std::string>& paths, bool tests, config::Problems& problems) {
  std::vector<std::string> files;
  std::set<std::string> seen;
  const auto add = [&](const std::string& file) {
    std::error_code error;
    const fs::path canonical = fs::weakly_canonical(file, error);
    if (seen.insert(error ? file : canonical.string()).second) files.push_back(file);
  };
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) {
      for (const std::string& file : files_of_folder(path, tests, problems)) add(file);
    } else if (!fs::exists(status)) {
      problems.add({path, 0}, error && error != std::errc::no_such_file_or_directory
                                  ? "cannot be read: " + error.message()
                                  : "does not exist");
    } else if (is_test(path) == tests) {
      add(path);
    } else if (tests) {  // a rule file stands for the tests beside it
      const std::string beside = path.substr(0, path.rfind('.')) + "_test.yaml";
      if (fs::exists(beside, error)) add(beside);
    }
  }
  return files;
}

}  // namespace chatrelay::rules
