// Rejections: counts what was refused, and tells the operator without letting a stranger fill the log.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/metrics.hpp"

namespace chatrelay::ingest {

class Rejections {
 public:
  Rejections(Metrics& metrics, const Clock& clock) : metrics_(metrics), clock_(clock) {}
  // `source` empty: none that is configured. `reason` is one of a small set of constants, it becomes a label.
  void count(std::string_view source, std::string_view reason, std::string_view remote);

 private:
  // Limit: one line for a source and reason in this time; the next one tells how many were not logged.
  static constexpr std::chrono::seconds quiet{10};
  struct Series {
    Counter* counter = nullptr;
    SteadyTime next_line{};
    std::uint64_t unlogged = 0;
  };
  Metrics& metrics_;
  const Clock& clock_;
  std::map<std::string, std::map<std::string, Series, std::less<>>, std::less<>> series_;
};

}  // namespace chatrelay::ingest
