// Replayer: the planner's second business: what operators ask to have planned once more, in slices between live
// webhooks, so that a long replay delays none of them for long. It reads events that are planned already, and adds
// deliveries; it never touches conversations.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "deliver/busy.hpp"
#include "deliver/plan_maker.hpp"
#include "deliver/planner.hpp"
#include "store/store.hpp"

namespace chatrelay::deliver {

class Replayer {
 public:
  using Done = std::function<void(Result<std::vector<ReplayPlan>>)>;

  Replayer(store::Store& store, const Clock& clock, Busy& busy) : store_(store), clock_(clock), busy_(busy) {}

  void add(ReplayRequest request, Done done);  // Thread: any; after close(), `done` is called at once with a refusal
  bool waits() const;                          // Thread: any
  // A slice of the oldest one. What was handed to the store before must be committed. Thread: the planner's.
  void work(PlanMaker& maker, store::Reader& reader);
  void close();  // refuses what waits and what comes; nobody may be in work() then

 private:
  struct Replay {
    ReplayRequest request;
    Done done;
    std::vector<ReplayPlan> plans;
    std::size_t next = 0;
  };
  std::optional<Replay> take();
  Result<ReplayPlan> replay_one(const ReplayRequest& request, EventSeq seq, PlanMaker& maker, store::Reader& reader);

  store::Store& store_;
  const Clock& clock_;
  Busy& busy_;

  mutable std::mutex mutex_;  // protects what follows
  std::deque<Replay> replays_;
  bool closed_ = false;
};

}  // namespace chatrelay::deliver
