#include "systems/livehelperchat/endpoints/api.hpp"

#include <utility>

#include "systems/livehelperchat/endpoints/records.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

Api::Api(Serving serving, const EndpointContext& context)
    : serving_(std::move(serving)),
      context_(context),
      limits_(serving_.limits),
      commands_(context.executor, context.store),
      remembered_(context.executor),
      authentication_(std::make_unique<Authentication>(context.executor, serving_, limits_)) {}

Api::~Api() = default;

store::Reader& Api::reader() {
  if (!reader_) reader_ = context_.store.open_reader();
  return *reader_;
}

conversations::Call Api::call(const Ask& ask) const {
  return {serving_.source, ask.now, ask.raw()};
}

awaitable<std::optional<Reply>> Api::authenticate(Ask& ask) {
  std::string header(ask.request().header("Authorization"));
  auto pending = authentication_->verify(std::move(header), ask.address(), ask.now);
  const Authentication::Verdict verdict = co_await std::move(pending);
  if (verdict.blocked) co_return CallLimits::too_many(ask.shape(), *verdict.blocked, "failed logins");
  if (verdict.error) co_return broken(ask.shape(), *verdict.error);
  if (!verdict.account) co_return failed(ask.shape(), verdict.fault);
  const CallLimits::Verdict calls = limits_.take_account(verdict.account->user, ask.now);
  if (!calls.allowed) co_return CallLimits::too_many(ask.shape(), calls, "requests");
  ask.account = verdict.account;
  co_return std::nullopt;
}

std::int64_t Api::operator_id(const Account& account) const {
  if (account.id != 0) return account.id;
  if (const auto user = presence().user_of(account.user)) return *user;
  const auto nobody = [](std::string_view) -> std::optional<std::int64_t> { return std::nullopt; };
  if (account.email.empty()) return operator_number(account.user, nobody);
  if (const auto user = presence().user_of(account.email)) return *user;
  return operator_number(account.user, nobody);
}

// Whoever listens to the Board's changes remembers them too, on another thread, and always after this change: should
// something older overtake us there, what holds now comes behind it.
awaitable<Result<bool>> Api::remember_presence() {
  store::Store& store = context_.store;
  json::value kept = context_.presence.to_json();
  const auto begin = [&store, &kept](auto done) {
    store.remember(std::string(presence::remembered_as), std::move(kept), done);
  };
  auto pending = remembered_.wait(begin);
  co_return co_await std::move(pending);
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
