// Following what arrives. The step is pure, so that its rules are tested without a clock: which rows are new, which of
// them wait until they are planned (their type is not known before), what is left out.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "store/store.hpp"

namespace chatrelay::admin::api {

struct TailFilter {
  std::string source, type, chat_id;
  bool failures_only = false;
};

class Tail {
 public:
  // How long an event may wait to be planned before it is shown without its type.
  static constexpr Millis plan_wait{2'000};

  Tail(TailFilter filter, EventSeq after) : filter_(std::move(filter)), last_(after) {}

  EventSeq last() const { return last_; }
  // `rows`: newest first, everything after last() (or its newest part; `cut` then). Gives the JSON lines to send.
  std::string step(const std::vector<store::EventRow>& rows, bool cut, WallTime now);

 private:
  bool wanted(const store::EventRow& row) const;

  TailFilter filter_;
  EventSeq last_;
};

}  // namespace chatrelay::admin::api
