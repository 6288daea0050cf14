#include "destinations/connector/connector_destination.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "common/text.hpp"
#include "destinations/connector/batch_execution.hpp"
#include "destinations/connector/limits_gate.hpp"
#include "destinations/connector/url.hpp"
#include "destinations/linked_chat.hpp"
#include "destinations/outcome_text.hpp"

namespace chatrelay::destinations::connector {

namespace asio = boost::asio;

namespace {

// Limit: what of an answer is read. Rules and later steps look into it; a search's answer has some 100 KB at most.
constexpr std::size_t answer_bytes_max = 512 << 10;

// How long a delivery waits here for its turn. Whoever would wait longer goes back to its lane, where it holds no
// place.
constexpr Millis patience{2'000};

// An attempt has one time for all of its steps and pieces. Whoever overruns it is cut from outside, which loses what
// was done, so with less than a third of it left nothing more is begun: the rest is the next attempt's.
bool is_used_up(Millis spent, Millis timeout) {
  return spent >= timeout - timeout / 3;
}

Outcome goes_on_later() {
  Outcome outcome(OutcomeClass::throttle, "its time is over; it goes on where it stopped");
  outcome.wait = throttle_wait_min;
  return outcome;
}

// A kill between two steps must not lose the first: it is committed before the second begins.
Outcome goes_on_at_once() {
  Outcome outcome(OutcomeClass::ok, "a part of it is done");
  outcome.goes_on = true;
  return outcome;
}

Outcome login_failed(const Error& error) {
  const bool temporary = error.kind == ErrorKind::unavailable;
  Outcome outcome(temporary ? OutcomeClass::retry : OutcomeClass::disable,
                  bounded_reason("the login failed: " + error.message));
  outcome.destination_fault = true;
  return outcome;
}

// After an answer that only another token could have mended, and there is none.
Outcome refused(const Outcome& last) {
  Outcome outcome = last;
  outcome.klass = OutcomeClass::disable;
  outcome.destination_fault = true;
  outcome.reason = bounded_reason(outcome.reason + "; and the token cannot be renewed");
  return outcome;
}

}  // namespace

ConnectorDestination::ConnectorDestination(std::shared_ptr<const ConnectorFile> file, ConnectorOptions options,
                                           std::shared_ptr<expression::Program> program, std::shared_ptr<Auth> auth,
                                           LimitSet limits, const Context& context)
    : file_(std::move(file)),
      options_(std::move(options)),
      program_(std::move(program)),
      auth_(std::move(auth)),
      limits_(std::move(limits)),
      http_(context.http),
      store_(context.store),
      clock_(context.clock),
      made_at_(context.clock.now()),
      batches_(
          std::ranges::any_of(file_->actions, [](const auto& action) { return action.second.batch.has_value(); })) {}

void ConnectorDestination::limit(http::ClientRequest& request) const {
  request.timeout = options_.timeout;
  request.allow_private = options_.allow_private;
  request.ca_file = options_.ca_file;
  request.group = options_.name;
  // Who holds ambiguous deliveries means "never twice": then libcurl must not repeat a request on its own either.
  request.fresh_connection = request.fresh_connection || options_.hold_ambiguous;
  request.response_bytes_max = answer_bytes_max;
}

asio::awaitable<bool> ConnectorDestination::exchange(Dialogue& dialogue, http::ClientRequest request, SteadyTime begun,
                                                     http::ClientResponse& response, bool first) {
  limit(request);
  LimitEntry entry;
  if (!limits_.empty()) {
    entry = co_await enter(limits_, clock_, patience);
    if (!entry.permit) {
      Outcome later(OutcomeClass::throttle, "the limit that its destinations share is used up");
      later.wait = std::max(entry.come_back, throttle_wait_min);
      later.unasked = first;
      dialogue.end(std::move(later));
      co_return false;
    }
  }
  const Millis left = options_.timeout + patience - spent_since(begun);
  request.timeout = std::clamp(left, Millis{1}, options_.timeout);
  response = co_await http_.send(std::move(request));
  dialogue.answered(response, clock_.now());
  const Outcome& result = dialogue.result();
  if (result.klass == OutcomeClass::throttle && result.wait) limits_.pause(clock_.steady(), *result.wait);
  co_return true;
}

bool ConnectorDestination::refuses_login(const Dialogue& dialogue, const http::ClientResponse& response) {
  const bool by_rule = dialogue.result().klass == OutcomeClass::refresh_auth;
  const bool by_table = dialogue.matched() == nullptr && response.status == 401;
  return by_rule || by_table;
}

asio::awaitable<bool> ConnectorDestination::renew(Dialogue& dialogue, const http::ClientResponse& response,
                                                  std::string token_id, bool& renewed) {
  const bool by_rule = dialogue.result().klass == OutcomeClass::refresh_auth;
  // Without a token in the request (`auth: false`) another one mends nothing.
  if (token_id.empty() || !auth_->mends(response)) {
    if (by_rule) dialogue.end(refused(dialogue.result()));
    co_return false;
  }
  // Once for a delivery: a new token that is refused straight away will be refused again.
  bool another = false;
  if (!renewed) another = co_await auth_->renew(std::move(token_id));
  renewed = true;
  if (another) {
    dialogue.again();
  } else {
    dialogue.end(refused(dialogue.result()));
  }
  co_return another;
}

Millis ConnectorDestination::spent_since(SteadyTime begun) const {
  return std::chrono::duration_cast<Millis>(clock_.steady() - begun);
}

asio::awaitable<void> ConnectorDestination::run(Dialogue& dialogue) {
  const SteadyTime begun = clock_.steady();
  bool renewed = false;
  for (bool first = true; dialogue.advance(); first = false) {
    if (dialogue.wrote()) {
      dialogue.end(goes_on_at_once());
      co_return;
    }
    AuthPart login;
    if (!file_->auth.methods.empty() && dialogue.wants_login()) {
      Result<AuthPart> prepared = co_await auth_->prepare();
      if (!prepared) {
        dialogue.end(login_failed(prepared.error()));
        co_return;
      }
      login = std::move(*prepared);
    }
    if (is_used_up(spent_since(begun), options_.timeout)) {
      dialogue.end(goes_on_later());
      co_return;
    }
    std::optional<http::ClientRequest> request = dialogue.request(login, clock_.now());
    if (!request) co_return;
    http::ClientRequest to_send = std::move(*request);
    http::ClientResponse response;
    const bool sent = co_await exchange(dialogue, std::move(to_send), begun, response, first);
    if (!sent) co_return;
    if (!refuses_login(dialogue, response)) continue;
    std::string token_id = login.token_id;
    co_await renew(dialogue, response, std::move(token_id), renewed);
  }
}

// Cut by the shutdown: the request that was under way has been answered as one that was cut, and what was done before
// it is known. Both are lost with an exception.
asio::awaitable<void> ConnectorDestination::run_to_its_end(Dialogue& dialogue) {
  try {
    co_await run(dialogue);
    co_return;
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;
  }
  if (dialogue.advance()) dialogue.end(Outcome(OutcomeClass::retry, "cut before it was sent"));
}

std::optional<Outcome> ConnectorDestination::find_chat(Attempt& attempt) {
  const json::object* with = attempt.with.if_object();
  const json::value* chat = with ? with->if_contains("chat") : nullptr;
  if (chat == nullptr || !chat->is_object() || !chat->get_object().contains("linked")) return std::nullopt;
  if (!reader_) reader_ = store_.open_reader();
  return find_linked_chat(attempt, *reader_, {});
}

asio::awaitable<Outcome> ConnectorDestination::attempt(Attempt attempt) {
  const Action* action = file_->action(attempt.action);
  if (action == nullptr) {
    // Planned under an earlier configuration.
    co_return Outcome(OutcomeClass::reject,
                      bounded_reason("connector " + file_->name + " has no action \"" + attempt.action + "\""));
  }
  std::optional<Outcome> unfound = find_chat(attempt);
  if (unfound) co_return std::move(*unfound);
  // An attempt is recorded when it has ended: one that a kill cut short is known by nobody.
  if (attempt.planned_at <= made_at_) attempt.number = std::max(attempt.number, 2);
  const ExecutionSetup setup{*file_, *action, options_.settings, options_.base_url, *program_};
  Execution execution(setup, std::move(attempt));
  co_await run_to_its_end(execution);
  co_return execution.outcome();
}

bool ConnectorDestination::may_double(std::string_view action) const {
  const Action* found = file_->action(action);
  if (found == nullptr) return false;                                     // nothing is sent
  if (std::ranges::any_of(found->steps, &Step::on_repeat)) return false;  // it looks first
  if (std::ranges::all_of(found->steps, &Step::only_reads)) return false;
  return !found->idempotency.is_known_again() || found->idempotency.ttl;
}

std::optional<BatchLimits> ConnectorDestination::batch(std::string_view action) const {
  if (!batches_) return std::nullopt;
  const Action* found = file_->action(action);
  if (found == nullptr || !found->batch) return std::nullopt;
  return BatchLimits{found->batch->max, found->batch->wait};
}

// All of one action: that of the first.
asio::awaitable<std::vector<Outcome>> ConnectorDestination::attempt_batch(std::vector<Attempt> attempts) {
  const Action* action = attempts.empty() ? nullptr : file_->action(attempts.front().action);
  if (attempts.size() < 2 || action == nullptr || !action->batch) {
    asio::awaitable<std::vector<Outcome>> work = Destination::attempt_batch(std::move(attempts));
    std::vector<Outcome> each = co_await std::move(work);
    co_return each;
  }
  const ExecutionSetup setup{*file_, *action, options_.settings, options_.base_url, *program_};
  BatchExecution execution(setup, std::move(attempts));
  co_await run_to_its_end(execution);
  co_return execution.outcomes();
}

std::string ConnectorDestination::known_url() const {
  if (file_->base_url) {
    const boost::json::object no_token;
    const Result<std::string> base = render_base_url(*file_, options_.base_url, options_.settings, no_token, *program_);
    if (base) return *base;
  }
  for (const SettingSpec& spec : file_->settings) {
    if (spec.type != SettingType::url) continue;
    const json::value* url = options_.settings.if_contains(spec.name);
    if (url != nullptr && url->is_string()) return std::string(url->get_string());
  }
  return {};
}

asio::awaitable<Outcome> ConnectorDestination::probe() {
  if (!file_->probe) {
    Outcome outcome = co_await probe_by_options();
    co_return outcome;
  }
  Attempt nothing;
  nothing.with = boost::json::object{};
  const ExecutionSetup setup{*file_, *file_->probe, options_.settings, options_.base_url, *program_};
  Execution execution(setup, std::move(nothing));
  co_await run(execution);
  Outcome outcome = execution.outcome();
  if (outcome.klass == OutcomeClass::ok && outcome.reason.empty())
    outcome.reason = "answers HTTP " + std::to_string(outcome.status) + ", and the login is taken";
  co_return outcome;
}

asio::awaitable<Outcome> ConnectorDestination::probe_by_options() {
  http::ClientRequest request;
  request.method = "OPTIONS";
  request.url = known_url();
  if (request.url.empty())
    co_return Outcome(OutcomeClass::reject, "connector " + file_->name + " has no fixed URL to try");
  limit(request);
  const http::ClientResponse response = co_await http_.send(std::move(request));
  if (response.progress != http::Progress::answered) co_return classify(response, OutcomeContext{});
  // Any answer proves name, address and TLS; a server that knows no OPTIONS says 404, 405 or 501.
  Outcome outcome(OutcomeClass::ok, "answers HTTP " + std::to_string(response.status) + " to OPTIONS");
  if (response.status == 401 || response.status == 403) outcome.reason += " (a probe carries no credentials)";
  if (response.status >= 500 && response.status != 501) {
    outcome.klass = OutcomeClass::retry;
    outcome.destination_fault = true;
  }
  outcome.status = response.status;
  outcome.response = kept_response(response.body);
  co_return outcome;
}

Result<CodeGrant> ConnectorDestination::begin_grant(std::string redirect_uri) {
  return auth_->begin_grant(std::move(redirect_uri));
}

asio::awaitable<Result<boost::json::object>> ConnectorDestination::finish_grant(std::string state, std::string code) {
  return auth_->finish_grant(std::move(state), std::move(code));
}

std::string ConnectorDestination::describe() const {
  std::string method;
  for (const SettingSpec& spec : file_->settings) {
    const json::value* value = options_.settings.if_contains(spec.name);
    if (spec.name == "method" && value != nullptr && value->is_string())
      method = std::string(value->get_string()) + " ";
  }
  const std::string url = known_url();
  return file_->name + ": " + method + (url.empty() ? "(known after the login)" : shown_url(url));
}

}  // namespace chatrelay::destinations::connector
