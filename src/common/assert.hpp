// CHATRELAY_ASSERT: an invariant that, when broken, must stop the process in every build.
// systemd restarts the daemon and recovery is the normal start, so going on with a broken invariant is the worse
// choice.
#pragma once

namespace chatrelay {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line, const char* why);
}

#define CHATRELAY_ASSERT(expression, why) \
  (static_cast<bool>(expression) ? void(0) : ::chatrelay::assertion_failed(#expression, __FILE__, __LINE__, why))
