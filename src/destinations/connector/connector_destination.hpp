// ConnectorDestination: carries out one action of a connector: logs in, sends what a Dialogue asks for, and hands its
// answers back. All decisions are in execution, batch_execution, request_builder and outcome_table.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "destinations/connector/auth.hpp"
#include "destinations/connector/connector_file.hpp"
#include "destinations/connector/dialogue.hpp"
#include "destinations/connector/execution.hpp"
#include "destinations/connector/limits.hpp"
#include "destinations/destination.hpp"

namespace chatrelay::destinations::connector {

struct ConnectorOptions {
  std::string name;  // the destination's
  boost::json::object settings;
  std::string base_url;  // the destination's own; empty: the file's
  std::string ca_file;
  Millis timeout{30'000};
  bool allow_private = false;
  bool hold_ambiguous = false;
};

class ConnectorDestination final : public Destination {
 public:
  // `program` belongs to the delivery thread from here on; `auth` uses it too.
  ConnectorDestination(std::shared_ptr<const ConnectorFile> file, ConnectorOptions options,
                       std::shared_ptr<expression::Program> program, std::shared_ptr<Auth> auth, LimitSet limits,
                       const Context& context);

  boost::asio::awaitable<Outcome> attempt(Attempt attempt) override;
  std::optional<BatchLimits> batch(std::string_view action) const override;
  boost::asio::awaitable<std::vector<Outcome>> attempt_batch(std::vector<Attempt> attempts) override;
  // The file's own probe, with its login; else OPTIONS: safe by definition, and every HTTP server answers it with
  // something.
  boost::asio::awaitable<Outcome> probe() override;
  std::string describe() const override;
  bool may_double(std::string_view action) const override;
  void resumed() override { limits_.end_pause(); }
  Result<CodeGrant> begin_grant(std::string redirect_uri) override;
  boost::asio::awaitable<Result<boost::json::object>> finish_grant(std::string state, std::string code) override;

 private:
  std::optional<Outcome> find_chat(Attempt& attempt);  // nullopt: `chat` is an id now, or was one
  // Sends until there is nothing more to send.
  boost::asio::awaitable<void> run(Dialogue& dialogue);
  boost::asio::awaitable<void> run_to_its_end(Dialogue& dialogue);
  Millis spent_since(SteadyTime begun) const;
  // One request, within the shared limits. false: they ask to come back later, and the dialogue has ended so.
  boost::asio::awaitable<bool> exchange(Dialogue& dialogue, http::ClientRequest request, SteadyTime begun,
                                        http::ClientResponse& response, bool first);
  static bool refuses_login(const Dialogue& dialogue, const http::ClientResponse& response);
  // After an answer that does. true: the request is made again, with another token.
  boost::asio::awaitable<bool> renew(Dialogue& dialogue, const http::ClientResponse& response, std::string token_id,
                                     bool& renewed);
  boost::asio::awaitable<Outcome> probe_by_options();
  // The URL that stands for the destination where no event gives one; empty if there is none.
  std::string known_url() const;
  void limit(http::ClientRequest& request) const;

  std::shared_ptr<const ConnectorFile> file_;
  ConnectorOptions options_;
  std::shared_ptr<expression::Program> program_;
  std::shared_ptr<Auth> auth_;
  LimitSet limits_;
  http::Client& http_;
  store::Store& store_;
  std::unique_ptr<store::Reader> reader_;  // made when a rule first names a linked chat
  const Clock& clock_;
  const WallTime made_at_;  // what was planned before may have been tried by a run that was killed
  const bool batches_;      // one of its actions has a batch
};

}  // namespace chatrelay::destinations::connector
