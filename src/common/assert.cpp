#include "common/assert.hpp"

#include <cstdlib>

#include "common/log.hpp"

namespace chatrelay {

void assertion_failed(const char* expression, const char* file, int line, const char* why) {
  log::error("broken invariant", {{"why", why}, {"expression", expression}, {"file", file}, {"line", line}});
  log::flush();
  std::abort();
}

}  // namespace chatrelay
