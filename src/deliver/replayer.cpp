#include "deliver/replayer.hpp"

#include <memory>
#include <string>
#include <utility>

#include "deliver/store_answer.hpp"

namespace chatrelay::deliver {

namespace {

constexpr std::chrono::milliseconds slice_time{50};  // live webhooks do not wait longer for a long replay

ReplayPlan not_replayed(EventSeq seq, const Error& error) {
  ReplayPlan plan;
  plan.event = seq;
  store::RuleFailure failure;
  failure.reason = error.message;
  plan.failures.push_back(std::move(failure));
  return plan;
}

}  // namespace

void Replayer::add(ReplayRequest request, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      replays_.push_back({std::move(request), std::move(done), {}, 0});
      return;
    }
  }
  done(unavailable("shutting down"));
}

bool Replayer::waits() const {
  const std::lock_guard lock(mutex_);
  return !replays_.empty();
}

std::optional<Replayer::Replay> Replayer::take() {
  const std::lock_guard lock(mutex_);
  if (replays_.empty()) return std::nullopt;
  std::optional<Replay> replay(std::move(replays_.front()));
  replays_.pop_front();
  return replay;
}

void Replayer::work(PlanMaker& maker, store::Reader& reader) {
  std::optional<Replay> replay = take();
  if (!replay) return;
  const SteadyTime end = clock_.steady() + slice_time;
  while (replay->next < replay->request.events.size() && clock_.steady() < end) {
    const Busy::Mark mark(busy_);
    const EventSeq seq = replay->request.events[replay->next];
    Result<ReplayPlan> plan = replay_one(replay->request, seq, maker, reader);
    if (!plan && (plan.error().kind == ErrorKind::unavailable || replay->request.events.size() == 1))
      return replay->done(plan.error());
    // One of many that cannot be replayed does not hide what was done for the others.
    replay->plans.push_back(plan ? std::move(*plan) : not_replayed(seq, plan.error()));
    ++replay->next;
  }
  if (replay->next == replay->request.events.size()) return replay->done(std::move(replay->plans));
  const std::lock_guard lock(mutex_);
  replays_.push_front(std::move(*replay));
}

Result<ReplayPlan> Replayer::replay_one(const ReplayRequest& request, EventSeq seq, PlanMaker& maker,
                                        store::Reader& reader) {
  Result<std::optional<store::StoredEvent>> event = reader.event(seq);
  if (!event) return event.error();
  if (!*event) return not_found("event " + std::to_string(seq) + " is not in the store");
  const store::StoredEvent& stored = **event;
  if (!maker.knows(stored.source))
    return Error(ErrorKind::conflict, "event " + stored.id + ": source " + stored.source + " is not configured");
  const Result<std::vector<store::PlannedPart>> parts = reader.parts(seq);
  if (!parts) return parts.error();
  if (parts->empty())
    return Error(ErrorKind::conflict, "event " + stored.id + " still waits to be planned for the first time");
  Result<Decided> decided = maker.replay(stored, request.dry_run);
  if (!decided) return decided.error();

  std::string chat_id;
  for (const store::PlannedPart& part : *parts)
    if (chat_id.empty()) chat_id = part.chat_id;
  ReplayPlan plan;
  plan.event = seq;
  plan.event_id = stored.id;
  plan.failures = std::move(decided->failures);
  std::vector<store::NewDelivery> rows;
  for (DecidedDelivery& one : decided->deliveries) {
    if (!request.only_destination.empty() && one.planned.destination != request.only_destination) continue;
    if (!request.only_rule.empty() && one.planned.rule != request.only_rule) continue;
    // The clock of another way starts now: what is long past has no deadline left.
    if (!request.dry_run) rows.push_back(PlanMaker::row(stored.source, chat_id, stored.id, one, clock_.now()));
    plan.deliveries.push_back(std::move(one.planned));
  }
  if (rows.empty()) return plan;
  auto answer = std::make_shared<StoreAnswer<std::vector<DeliverySeq>>>();
  store_.replay(seq, std::move(rows), request.same_id, clock_.now(),
                [answer](Result<std::vector<DeliverySeq>> result) { answer->set(std::move(result)); });
  Result<std::vector<DeliverySeq>> created = answer->wait();
  if (!created) return created.error();
  plan.created = std::move(*created);
  return plan;
}

void Replayer::close() {
  std::deque<Replay> late;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    late.swap(replays_);
  }
  for (Replay& replay : late) replay.done(unavailable("shutting down"));
}

}  // namespace chatrelay::deliver
