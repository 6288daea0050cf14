// UrlForm: a path of Live Helper Chat taken apart as its own router does it. Pure; eats what the network sends.
//
// [base/index.php/][siteaccess/]restapi/<view>[/ordered…][/(name)/value…]. The path is decoded before it is split, so
// that %2F separates and %28vid%29 is (vid); what stands before the first index.php, a known siteaccess, and any first
// segment of two letters (a language) are dropped; "//" is one "/", so that "(vid)//(count_page)" is an empty vid.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chatrelay::systems::livehelperchat::endpoints {

struct UrlForm {
  UrlForm() {}
  std::string view;
  std::vector<std::string> ordered;
  // In the order in which they came; the same name may repeat. A name without values has none.
  std::vector<std::pair<std::string, std::vector<std::string>>> unordered;

  std::string_view ordered_at(std::size_t index) const;
  // Of the last one of that name: its first value ("" if it has none), all its values.
  std::optional<std::string> single(std::string_view name) const;
  std::vector<std::string> multiple(std::string_view name) const;
};

// `path` as the request has it, without query. nullopt: not a path of the REST API, or a broken one (a bad escape, a
// control character in front of the unordered parameters, over the limits); in those parameters it becomes U+FFFD.
// Limit: 2048 bytes, 100 segments; the server has bounded the head anyway.
std::optional<UrlForm> parse_url_form(std::string_view path);

}  // namespace chatrelay::systems::livehelperchat::endpoints
