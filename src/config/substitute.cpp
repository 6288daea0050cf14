#include "config/substitute.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/secret.hpp"
#include "common/text.hpp"

namespace chatrelay::config {
namespace {

bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(), allowed);
}

bool looks_secret(std::string_view name) {
  static constexpr std::array<std::string_view, 7> words{"secret", "token", "key", "pass", "auth", "credential", "pwd"};
  const std::string lower = to_lower_ascii(name);
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return lower.find(word) != lower.npos; });
}

class Substitution {
 public:
  Substitution(const Environment& environment, const std::string& folder,
               const std::function<void(std::string)>& report)
      : environment_(environment), folder_(folder), report_(report) {}

  // The value of what stands between ${ and }.
  std::string value(std::string_view inner) const {
    if (inner.starts_with("file:")) return file(inner.substr(5));
    const std::size_t colon = inner.find(":-");
    const std::string_view name = inner.substr(0, colon);
    if (!is_name(name)) {
      report_("has ${" + printable(inner, 80) +
              "}, which is neither ${NAME}, ${NAME:-default} nor ${file:PATH}; a literal ${ is written $${");
      return {};
    }
    const auto found = environment_.variable ? environment_.variable(std::string(name)) : std::nullopt;
    if (colon != inner.npos) {
      if (!found || found->empty()) return std::string(inner.substr(colon + 2));
    } else if (!found) {
      report_("uses ${" + std::string(name) +
              "}, which is not set: set it in the environment (systemd: Environment= or LoadCredential "
              "with ${file:…})");
      return {};
    }
    if (looks_secret(name)) redactor::add(*found);
    return *found;
  }

 private:
  std::string file(std::string_view path) const {
    if (trim(path).empty()) {
      report_("has ${file:} without a path");
      return {};
    }
    std::filesystem::path full{std::string(path)};
    if (full.is_relative() && !folder_.empty()) full = std::filesystem::path(folder_) / full;
    if (!environment_.file) {
      report_("uses ${file:…}, which cannot be read here");
      return {};
    }
    Result<std::string> content = environment_.file(full.string());
    if (!content) {
      report_("uses ${file:" + printable(path) + "}: " + content.error().message);
      return {};
    }
    redactor::add(*content);
    return std::move(*content);
  }

  const Environment& environment_;
  const std::string& folder_;
  const std::function<void(std::string)>& report_;
};

}  // namespace

bool has_substitution(std::string_view text) {
  for (std::size_t at = text.find("${"); at != text.npos; at = text.find("${", at + 2))
    if (at == 0 || text[at - 1] != '$') return true;
  return false;
}

std::string substitute(std::string_view text, const Environment& environment, const std::string& folder,
                       const std::function<void(std::string message)>& report) {
  const Substitution substitution(environment, folder, report);
  std::string out;
  while (true) {
    const std::size_t dollar = text.find("${");
    if (dollar == text.npos) break;
    if (dollar > 0 && text[dollar - 1] == '$') {  // $${ is a literal ${
      out += text.substr(0, dollar - 1);
      out += "${";
      text.remove_prefix(dollar + 2);
      continue;
    }
    out += text.substr(0, dollar);
    const std::size_t end = text.find('}', dollar);
    if (end == text.npos) {
      report("has ${ without a closing }; a literal ${ is written $${");
      return out;
    }
    out += substitution.value(text.substr(dollar + 2, end - dollar - 2));
    text.remove_prefix(end + 1);
  }
  out += text;
  return out;
}

}  // namespace chatrelay::config
