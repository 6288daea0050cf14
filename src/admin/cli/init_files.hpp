// What `chatrelay init` writes, for every system and use. Pure: the files are values here, and a test checks that what
// they say is accepted by `check` and that their tests pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chatrelay::admin::cli {

struct InitSystem {
  std::string_view name;  // "livechat": the system, and the name of the source
  std::string_view about;
};
struct InitUse {
  std::string_view name;  // "mail": also the name of the rule file
  std::string_view about;
  std::string_view asks_for;  // what `to` is, for the question; empty: nothing is asked
  std::string_view fallback;  // `to` when nothing is said
};
const std::vector<InitSystem>& init_systems();
const std::vector<InitUse>& init_uses();

struct InitAnswers {
  std::string system, use;
  std::string to;           // address or URL; the use's fallback if empty
  std::string secret;       // of the source
  std::string hook_secret;  // that signs what the use `webhook` sends: another one, since the receiver knows it
  std::string public_url;   // how the outside reaches us; may be empty
};

struct InitFile {
  std::string path;  // relative
  std::string content;
  bool secret = false;  // only its owner may read it
};
std::vector<InitFile> init_files(const InitAnswers& answers);
std::string init_hook_url(const InitAnswers& answers);
bool init_has_secret(const InitAnswers& answers);
std::string init_snippet(const InitAnswers& answers);  // of livechatoo: what stands in a page
// A body that tries the whole way: `curl` for a person, `chatrelay send` for a recorded webhook.
std::string init_try_it(const InitAnswers& answers, const std::string& folder);

}  // namespace chatrelay::admin::cli
