#include "destinations/destination.hpp"

#include <utility>

namespace chatrelay::destinations {

namespace {

Error no_grant() {
  return invalid("its login takes no authorization in a browser: what it needs is in its configuration");
}

}  // namespace

std::optional<BatchLimits> Destination::batch(std::string_view) const {
  return std::nullopt;
}

boost::asio::awaitable<std::vector<Outcome>> Destination::attempt_batch(std::vector<Attempt> attempts) {
  std::vector<Outcome> outcomes;
  for (Attempt& one : attempts) {
    boost::asio::awaitable<Outcome> work = attempt(std::move(one));
    Outcome outcome = co_await std::move(work);
    outcomes.push_back(std::move(outcome));
  }
  co_return outcomes;
}

Result<CodeGrant> Destination::begin_grant(std::string) {
  return no_grant();
}

boost::asio::awaitable<Result<boost::json::object>> Destination::finish_grant(std::string, std::string) {
  co_return no_grant();
}

}  // namespace chatrelay::destinations
