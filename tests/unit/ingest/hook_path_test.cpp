#include "ingest/hook_path.hpp"

#include <gtest/gtest.h>

namespace chatrelay::ingest {
namespace {

struct Case {
  const char* path;
  HookPathError error;
  const char* source;
  const char* secret;
};

TEST(HookPath, ReadsSourceAndSecret) {
  const Case cases[] = {
      {"/hooks/livechat", HookPathError::none, "livechat", ""},
      {"/hooks/livechat/", HookPathError::none, "livechat", ""},
      {"/hooks/livechat/abc", HookPathError::none, "livechat", "abc"},
      {"/hooks/live%63hat/a%2Fb%20c", HookPathError::none, "livechat", "a/b c"},
      {"/hooks/x/%00", HookPathError::none, "x", nullptr},
      {"/hooks/", HookPathError::not_a_hook, "", ""},
      {"/hooks//abc", HookPathError::not_a_hook, "", ""},
      {"/hooks/a/b/c", HookPathError::not_a_hook, "", ""},
      {"/hooks/a/b/", HookPathError::not_a_hook, "", ""},
      {"/hook/a", HookPathError::not_a_hook, "", ""},
      {"", HookPathError::not_a_hook, "", ""},
      {"/hooks/a%", HookPathError::bad_encoding, nullptr, nullptr},
      {"/hooks/a%4", HookPathError::bad_encoding, nullptr, nullptr},
      {"/hooks/a/%zz", HookPathError::bad_encoding, nullptr, nullptr},
      {"/hooks/a/%4", HookPathError::bad_encoding, nullptr, nullptr},
  };
  for (const Case& c : cases) {
    const HookPath path(c.path);
    EXPECT_EQ(path.error(), c.error) << c.path;
    if (c.source) {
      EXPECT_EQ(path.source(), c.source) << c.path;
    }
    if (c.secret) {
      EXPECT_EQ(path.secret(), c.secret) << c.path;
    }
  }
  EXPECT_EQ(HookPath("/hooks/x/%00").secret(), std::string_view("\0", 1));
}

}  // namespace
}  // namespace chatrelay::ingest
