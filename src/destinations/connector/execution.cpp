#include "destinations/connector/execution.hpp"

#include <algorithm>
#include <utility>

#include "common/assert.hpp"
#include "common/json.hpp"
#include "common/text.hpp"
#include "destinations/connector/body_encoding.hpp"
#include "destinations/outcome_text.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace {

constexpr std::size_t saved_bytes_max = 1 << 10;  // Limit: a link's value; longer ones are no ids, and are left out
constexpr std::size_t kept_bytes_max = 16 << 10;  // Limit: what one step keeps, as JSON; more is kept as null

bool good(OutcomeClass klass) {
  return klass == OutcomeClass::ok || klass == OutcomeClass::duplicate;
}

std::size_t count_at(const json::object& progress, std::string_view key) {
  const json::value* value = progress.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  return value->is_int64() && value->get_int64() > 0 ? static_cast<std::size_t>(value->get_int64()) : 0;
}

}  // namespace

Execution::Execution(const ExecutionSetup& setup, Attempt attempt) : setup_(setup), attempt_(std::move(attempt)) {
  Result<json::object> input =
      template_input(setup_.action, setup_.settings, attempt_, std::exchange(attempt_.with, nullptr));
  if (!input) {
    seen_ = json::object{};
    fail(input.error().message);
    return;
  }
  seen_ = std::move(*input);
  if (setup_.file.probe && &setup_.action == &*setup_.file.probe) seen("delivery").clear();
  make_pieces();
  if (!ended_) resume();
}

json::object& Execution::seen(std::string_view key) {
  return seen_.as_object().at(key).as_object();
}

void Execution::make_pieces() {
  for (const auto& [key, limit] : setup_.action.limits) {
    json::value* value = seen("with").if_contains(key);
    if (value == nullptr || !value->is_string()) continue;
    const std::string text(value->get_string());
    if (text_length(text, limit.unit) <= limit.length) continue;
    if (limit.mode == TextMode::reject)
      return fail("with: " + key + " is longer than the " + std::to_string(limit.length) + " that are allowed");
    if (limit.mode == TextMode::truncate) {
      *value = json::string(truncated(text, limit));
      continue;
    }
    split_key_ = key;
    pieces_ = split(text, limit);
    pieces_count_ = pieces_.size();
  }
}

// Where the attempt before came to. What does not fit (another version of the file) is not believed.
void Execution::resume() {
  const json::object& progress = attempt_.progress;
  piece_ = first_piece_ = std::min(count_at(progress, "piece"), pieces_count_);
  if (const json::value* steps = progress.if_contains("steps"); steps != nullptr && steps->is_object()) {
    for (const auto& [name, kept] : steps->get_object()) {
      done_.insert(std::string(name));
      if (kept.is_object()) seen("steps")[name] = kept;
    }
  }
}

bool Execution::is_done(const Step& step) const {
  return done_.contains(step.name);
}

bool Execution::wanted(const Step& step) {
  if (is_done(step)) return false;
  if (step.on_repeat && (attempt_.number < 2 || piece_ != first_piece_)) return false;
  if (!step.condition) return true;
  const Result<bool> holds = setup_.program.holds(*step.condition, seen_);
  if (!holds) fail("if of step " + step.name + ": " + holds.error().message);
  return holds && *holds;
}

// Puts the piece where the templates see it.
bool Execution::enter_piece() {
  if (piece_ >= pieces_count_) return false;
  if (in_piece_) return true;
  in_piece_ = true;
  next_step_ = 0;
  if (!split_key_.empty()) seen("with")[split_key_] = json::string(pieces_[piece_]);
  seen("piece") = json::object{{"index", piece_}, {"count", pieces_count_}};
  for (const Step& step : setup_.action.steps)
    if (!step.name.empty() && !seen("steps").contains(step.name)) seen("steps")[step.name] = nullptr;
  return true;
}

bool Execution::advance() {
  while (!ended_ && enter_piece()) {
    for (; next_step_ < setup_.action.steps.size(); ++next_step_) {
      if (wanted(setup_.action.steps[next_step_])) return true;
      if (ended_) return false;
    }
    // What an earlier piece kept belongs to it; what it saved is in the links.
    ++piece_;
    in_piece_ = false;
    done_.clear();
    seen("steps").clear();
  }
  return false;
}

std::string Execution::key_of(const Step& step) const {
  std::string key = attempt_.id;
  const auto writes = std::ranges::count_if(setup_.action.steps, [](const Step& s) { return !s.only_reads(); });
  // A service that knows a key again compares the rest: each request that writes needs one of its own.
  if (writes > 1 && !step.name.empty()) key += "-" + step.name;
  if (piece_ > 0) key += "-" + std::to_string(piece_ + 1);
  return key;
}

bool Execution::carries_key(const Step& step) const {
  return setup_.action.idempotency.kind == Idempotency::Kind::header &&
         (!step.only_reads() || setup_.action.steps.size() == 1);
}

bool Execution::wants_login() const {
  const bool url_by_token = setup_.base_url.empty() && setup_.file.base_url && !setup_.file.base_url->is_constant();
  return url_by_token || setup_.action.steps[next_step_].request.login;
}

std::optional<http::ClientRequest> Execution::request(const AuthPart& auth, WallTime now) {
  CHATRELAY_ASSERT(!ended_ && in_piece_ && next_step_ < setup_.action.steps.size(), "advance() found a step to do");
  const Step& step = setup_.action.steps[next_step_];
  step_ = &step;
  matched_ = nullptr;
  const Result<std::string> base =
      render_base_url(setup_.file, setup_.base_url, setup_.settings, auth.token, setup_.program);
  if (!base) {
    fail(base.error().message);
    return std::nullopt;
  }
  const std::string header = carries_key(step) ? setup_.action.idempotency.header : std::string{};
  static const AuthPart no_login;
  const RequestInput input{step.request, seen_,        *base,       step.request.login ? auth : no_login,
                           header,       key_of(step), attempt_.id, now};
  Result<http::ClientRequest> built = build_request(input, setup_.program);
  if (!built) {
    fail(built.error().message);
    return std::nullopt;
  }
  // A request that libcurl repeats by itself goes out without a look whether it was applied already.
  const bool looks = std::ranges::any_of(setup_.action.steps, &Step::on_repeat);
  built->fresh_connection = looks && !step.only_reads();
  return std::move(*built);
}

OutcomeRules Execution::rules_of(const Step& step) const {
  OutcomeRules rules;
  for (const auto* list : {&step.outcome, &setup_.action.outcome, &setup_.file.outcome})
    for (const OutcomeRule& rule : *list) rules.push_back(&rule);
  return rules;
}

void Execution::answered(const http::ClientResponse& response, WallTime now) {
  CHATRELAY_ASSERT(step_ != nullptr, "an answer belongs to a request");
  const Answer answer(response, seen_);
  OutcomeContext context;
  context.now = now;
  result_ = classify(rules_of(*step_), answer, setup_.program, context, &matched_);
  if (good(result_.klass) && is_unreadable(answer)) {
    result_.klass = OutcomeClass::retry;
    result_.reason = "HTTP " + std::to_string(response.status) + ": what should be its answer is no JSON, or too long";
    result_.destination_fault = true;
  }
  if (good(result_.klass)) return succeed(answer);
  ended_ = true;
  if (setup_.action.steps.size() > 1 && !result_.reason.empty())
    result_.reason = bounded_reason("step " + step_->name + ": " + result_.reason);
  forgive(now);
}

// A page of maintenance, or more than is read, where a search's answer should be. Taken for "nothing was found", it
// would have the next step create what is there.
bool Execution::is_unreadable(const Answer& answer) const {
  return step_->only_reads() && !step_->keep.empty() && answer.body() == nullptr &&
         !trim(answer.response().body).empty();
}

// Where a repeat is harmless, an attempt that may have been applied is simply tried again.
void Execution::forgive(WallTime now) {
  const Idempotency& idempotency = setup_.action.idempotency;
  if (result_.klass != OutcomeClass::ambiguous) return;
  if (step_->only_reads()) {
    result_.klass = OutcomeClass::retry;
    return;
  }
  if (!idempotency.is_known_again()) return;
  // Counted from the planning: that is before whatever the service may have seen of it.
  if (idempotency.ttl && now - attempt_.planned_at >= *idempotency.ttl) return;
  result_.klass = OutcomeClass::retry;
}

void Execution::again() {
  CHATRELAY_ASSERT(ended_, "a request that succeeded is not made again");
  ended_ = false;
  result_ = Outcome();
}

void Execution::end(Outcome outcome) {
  ended_ = true;
  result_ = std::move(outcome);
}

void Execution::fail(std::string reason) {
  end(Outcome(OutcomeClass::reject, bounded_reason("not sent: " + reason)));
}

void Execution::succeed(const Answer& answer) {
  // All are evaluated on what the step saw, before any of them is seen.
  json::object kept;
  for (const auto& [name, expression] : step_->keep) kept[name] = expression.on(answer, setup_.program);
  if (expression::compact_json(kept).size() > kept_bytes_max)
    for (auto& value : kept) value.value() = nullptr;
  std::vector<Saved> saved;
  for (const SaveSpec& spec : step_->save) {
    for (const auto& [key, expression] : spec.values) {
      const json::value value = expression.on(answer, setup_.program);
      const std::optional<std::string> text = scalar_text(value);
      if (!text || text->empty() || text->size() > saved_bytes_max) continue;
      saved.push_back({spec.scope, key, repair_utf8(*text)});
    }
  }
  for (const Saved& one : saved) seen("links").at(one.scope).as_object()[one.key] = one.value;
  saved_.insert(saved_.end(), std::make_move_iterator(saved.begin()), std::make_move_iterator(saved.end()));
  seen("steps")[step_->name] = std::move(kept);
  done_.insert(step_->name);
  // A delivery without a number is nobody's: a probe, or what an operator tries a destination with.
  wrote_ = wrote_ || (attempt_.delivery != 0 && !step_->only_reads() && !step_->on_repeat);
  ++next_step_;
}

Outcome Execution::outcome() const {
  Outcome outcome = result_;
  outcome.saved = saved_;
  if (good(outcome.klass) && !outcome.goes_on) return outcome;
  json::object steps;
  for (const Step& step : setup_.action.steps) {
    // What looks whether the rest was applied already must look again.
    if (step.on_repeat || !is_done(step)) continue;
    const json::value* all = find(seen_, "steps");
    const json::value* kept = all == nullptr ? nullptr : find(*all, step.name);
    steps[step.name] = kept == nullptr ? json::value(json::object{}) : *kept;
  }
  if (piece_ > 0) outcome.progress["piece"] = piece_;
  if (!steps.empty()) outcome.progress["steps"] = std::move(steps);
  return outcome;
}

}  // namespace chatrelay::destinations::connector
