// Execution: one attempt of one action, step by step and piece by piece, without any I/O. When there is no next
// request, outcome() is final.
//
// Promises: a step that ended well is in the outcome's progress and is not done again by a later attempt that gets this
// progress back; what answers named is in saved, in order, whatever came after. Does not log in: it is given an
// AuthPart for each request.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "destinations/connector/connector_file.hpp"
#include "destinations/connector/dialogue.hpp"
#include "destinations/connector/request_builder.hpp"

namespace chatrelay::destinations::connector {

struct ExecutionSetup {
  const ConnectorFile& file;
  const Action& action;
  const boost::json::object& settings;
  const std::string& base_url;  // the destination's own; empty: the file's
  expression::Program& program;
};

class Execution final : public Dialogue {
 public:
  // Lifetime: what the setup names outlives it.
  Execution(const ExecutionSetup& setup, Attempt attempt);

  // Looks at conditions; may find that a step is left out or cannot be.
  bool advance() override;
  bool wants_login() const override;
  // nullopt: the outcome is a reject.
  std::optional<http::ClientRequest> request(const AuthPart& auth, WallTime now) override;
  // Classifies; keeps, saves and goes on to what comes next if it was a success.
  void answered(const http::ClientResponse& response, WallTime now) override;
  void again() override;
  void end(Outcome outcome) override;

  bool wrote() const override { return wrote_; }
  const Outcome& result() const override { return result_; }
  Outcome outcome() const;

  // For the linter: what this execution met.
  const Step* step() const { return step_; }  // of the last request
  const OutcomeRule* matched() const override { return matched_; }

 private:
  void resume();
  void make_pieces();
  bool enter_piece();
  bool wanted(const Step& step);
  bool is_done(const Step& step) const;
  bool is_unreadable(const Answer& answer) const;
  void succeed(const Answer& answer);
  void fail(std::string reason);
  std::string key_of(const Step& step) const;
  bool carries_key(const Step& step) const;
  OutcomeRules rules_of(const Step& step) const;
  boost::json::object& seen(std::string_view key);
  void forgive(WallTime now);

  ExecutionSetup setup_;
  Attempt attempt_;                  // but for `with`, which is in seen_
  boost::json::value seen_;          // what templates see
  std::string split_key_;            // of `with`; empty: nothing is split
  std::vector<std::string> pieces_;  // of it
  std::size_t pieces_count_ = 1;
  std::size_t piece_ = 0;
  std::size_t first_piece_ = 0;  // where this attempt goes on
  std::size_t next_step_ = 0;
  bool in_piece_ = false;
  std::set<std::string> done_;  // steps of this piece
  const Step* step_ = nullptr;
  const OutcomeRule* matched_ = nullptr;
  bool ended_ = false;
  bool wrote_ = false;  // in this attempt
  Outcome result_;
  std::vector<Saved> saved_;
};

}  // namespace chatrelay::destinations::connector
