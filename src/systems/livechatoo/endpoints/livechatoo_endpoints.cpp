#include "systems/livechatoo/endpoints/livechatoo_endpoints.hpp"

#include <exception>
#include <optional>
#include <utility>

#include "common/assert.hpp"
#include "common/log.hpp"
#include "http/router.hpp"
#include "systems/livechatoo/endpoints/bridge.hpp"
#include "systems/livechatoo/endpoints/identity.hpp"

namespace chatrelay::systems {

namespace livechatoo::endpoints {

namespace {

using boost::asio::awaitable;

std::string_view bridge_script() {
  for (const EmbeddedScript& script : embedded_scripts())
    if (script.name == "bridge") return script.text;
  CHATRELAY_ASSERT(false, "bridge.js is not built in");
  return {};
}

class LivechatooEndpoints final : public Endpoints {
 public:
  LivechatooEndpoints(const config::SourceConfig& config, const EndpointContext& context)
      : bridge_(bridge_script(), config.name, config.node["account"].string()) {
    router_.add("GET", "/livechatoo/bridge.js",
                [this](http::Request& request, const http::Captures&) { return serve_bridge(request); });
    config::Problems problems;
    auto identity = read_identity(config, problems);
    if (!identity) return;
    identity_.emplace(config.name, std::move(*identity), context);
    for (const char* method : {"GET", "POST"})
      router_.add(method, "/livechatoo/identity",
                  [this](http::Request& request, const http::Captures&) { return identity_->handle(request); });
  }

  awaitable<http::Response> handle(http::Request& request) override {
    http::Response response(500, "internal error\n");
    try {
      auto pending = router_.handle(request);
      response = co_await std::move(pending);
    } catch (const std::exception& error) {
      log::error("an endpoint of Livechatoo failed", {{"error", error.what()}});
    }
    co_return response;
  }

  void stop_waiting() override {}  // nothing here waits for news

 private:
  awaitable<http::Response> serve_bridge(http::Request& request) { co_return bridge_.answer(request); }

  Bridge bridge_;
  std::optional<Identity> identity_;
  http::Router router_;
};

void check(const config::SourceConfig& config, const config::Config&, config::Problems& problems) {
  read_identity(config, problems);
}

std::unique_ptr<Endpoints> make(const config::SourceConfig& config, const EndpointContext& context) {
  return std::make_unique<LivechatooEndpoints>(config, context);
}

}  // namespace

}  // namespace livechatoo::endpoints

EndpointKind livechatoo_endpoint_kind() {
  const auto serves = [](std::string_view path) { return path.starts_with("/livechatoo/"); };
  return {"livechatoo", serves, &livechatoo::endpoints::check, &livechatoo::endpoints::make, true};
}

}  // namespace chatrelay::systems
