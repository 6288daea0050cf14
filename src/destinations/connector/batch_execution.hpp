// BatchExecution: several attempts of one action in one request, without any I/O. As Execution, but with an outcome for
// each attempt.
//
// Promises: a delivery that cannot be built is left out and refused alone. What was refused as a whole, or cannot be
// sent as a whole, is nobody's fault yet: each gets `partial`, which means that it is tried again alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "destinations/connector/dialogue.hpp"
#include "destinations/connector/execution.hpp"

namespace chatrelay::destinations::connector {

class BatchExecution final : public Dialogue {
 public:
  // Lifetime: what the setup names outlives it. Its action has a batch.
  BatchExecution(const ExecutionSetup& setup, std::vector<Attempt> attempts);

  bool advance() override { return !ended_ && in_request_ > 0; }
  bool wants_login() const override;
  std::optional<http::ClientRequest> request(const AuthPart& auth, WallTime now) override;
  void answered(const http::ClientResponse& response, WallTime now) override;
  void again() override;
  void end(Outcome outcome) override;
  const Outcome& result() const override { return result_; }
  const OutcomeRule* matched() const override { return matched_; }

  // One for each attempt, in their order.
  std::vector<Outcome> outcomes() const;

  // For the linter: which of the results that `partial` looked at there were.
  bool met_good_result() const { return met_good_; }
  bool met_bad_result() const { return met_bad_; }

 private:
  struct Member {
    WallTime planned_at;
    Outcome outcome;          // final once the batch has ended
    bool in_request = false;  // else it could not be built
  };
  void take(Attempt attempt, boost::json::array& items);
  void apart(const std::string& reason);
  void look_at_results(const Answer& answer);
  Outcome of_result(const boost::json::value& result, int status);
  Outcome of_none(int status) const;
  void forgive(const Member& member, WallTime now, Outcome& outcome) const;

  ExecutionSetup setup_;
  const Batch& batch_;
  boost::json::value seen_;  // what the templates of the request see
  std::string seed_;         // of what must be the same at each attempt, and nothing that a visitor knows
  std::vector<Member> members_;
  std::size_t in_request_ = 0;
  const OutcomeRule* matched_ = nullptr;
  bool ended_ = false;
  Outcome result_;
  bool met_good_ = false, met_bad_ = false;
};

}  // namespace chatrelay::destinations::connector
