// ConnectorDestination: carries out one action of a connector: build the request, send it, read the outcome. All
// decisions are in request_builder and outcome_table.
#pragma once

#include <memory>
#include <string>

#include "destinations/connector/connector_file.hpp"
#include "destinations/destination.hpp"

namespace chatrelay::destinations::connector {

struct ConnectorOptions {
  std::string name;  // the destination's
  boost::json::object settings;
  std::string base_url;
  std::string ca_file;
  Millis timeout{30'000};
  bool allow_private = false;
  bool hold_ambiguous = false;
};

class ConnectorDestination final : public Destination {
 public:
  // `program` belongs to the delivery thread from here on.
  ConnectorDestination(std::shared_ptr<const ConnectorFile> file, ConnectorOptions options,
                       std::unique_ptr<expression::Program> program, const Context& context);

  boost::asio::awaitable<Outcome> attempt(Attempt attempt) override;
  // OPTIONS: safe by definition, and every HTTP server answers it with something.
  boost::asio::awaitable<Outcome> probe() override;
  std::string describe() const override;

 private:
  Result<http::ClientRequest> build(const Attempt& attempt, boost::json::value payload, const Action& action);
  std::string probe_url() const;
  void limit(http::ClientRequest& request) const;

  std::shared_ptr<const ConnectorFile> file_;
  ConnectorOptions options_;
  std::unique_ptr<expression::Program> program_;
  http::Client& http_;
  const Clock& clock_;
};

}  // namespace chatrelay::destinations::connector
