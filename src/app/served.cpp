#include "app/served.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "app/registry.hpp"
#include "common/text.hpp"
#include "http/url.hpp"

namespace chatrelay::app {

namespace asio = boost::asio;

namespace {

constexpr std::size_t host_bytes_max = 255;  // of a name in the DNS, with room for a port

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

// Keeps the Endpoints until the answer is there: they may be replaced meanwhile.
asio::awaitable<http::Response> answer_of(std::shared_ptr<systems::Endpoints> endpoints, http::Request& request) {
  auto answering = endpoints->handle(request);
  http::Response response = co_await std::move(answering);
  co_return response;
}

// What ?source= names; empty: nothing.
std::string source_in(std::string_view query) {
  if (query.empty()) return {};
  const Result<http::Parameters> parameters = http::parse_query(query);
  return parameters ? std::string(parameters->get("source")) : std::string();
}

asio::awaitable<http::Response> nothing_here() {
  co_return http::Response(404, "nothing is served here\n");
}

}  // namespace

std::string host_name(std::string_view host_header) {
  std::string host = to_lower_ascii(trim(host_header));
  if (host.size() > host_bytes_max + 6) return {};
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == host.npos ? std::string() : host.substr(0, end + 1);
  }
  host.resize(std::min(host.find(':'), host.size()));
  if (host.ends_with('.')) host.pop_back();
  return std::ranges::all_of(host, is_host_character) ? host : std::string();
}

const systems::EndpointKind* serving_kind(const config::SourceConfig& source) {
  const systems::EndpointKind* kind = find_endpoint_kind(source.system);
  return kind && source.node["serve"].boolean(kind->accompanies_hook) ? kind : nullptr;
}

void check_hosts(const config::Config& config) {
  std::map<std::pair<std::string, std::string>, std::string> taken;  // system and host: by which source
  for (const config::SourceConfig& source : config.sources) {
    const systems::EndpointKind* kind = serving_kind(source);
    if (!kind || kind->accompanies_hook) continue;
    const config::Node hosts = source.node["hosts"];
    if (hosts.items().empty()) {
      const auto [other, is_new] = taken.emplace(std::pair(source.system, std::string()), source.name);
      if (!is_new)
        source.node["serve"].problem("is true for sources." + other->second +
                                     " too, and neither has hosts: requests for " + source.system +
                                     " could not be told apart");
    }
    for (const config::Node& item : hosts.items()) {
      const std::string text = item.string();
      const std::string host = host_name(text);
      if (host.empty() || host != to_lower_ascii(text)) {
        item.problem("is " + item.shown() + "; it must be the name of a host, as browsers send it, without a port");
        continue;
      }
      const auto [other, is_new] = taken.emplace(std::pair(source.system, host), source.name);
      if (!is_new) item.problem("is a host of sources." + other->second + " already");
    }
  }
}

void Served::set(std::vector<ServedSource> sources) {
  const std::vector<ServedSource> before = std::exchange(sources_, std::move(sources));
  for (const ServedSource& source : before) source.endpoints->stop_waiting();
}

const ServedSource* Served::find(const http::Request& request) const {
  const ServedSource* fallback = nullptr;
  std::string host;
  std::optional<std::string> named;
  for (const ServedSource& source : sources_) {
    if (!source.serves(request.path())) continue;
    if (source.named_in_query) {
      if (!named) named = source_in(request.query());
      if (*named == source.source) return &source;
      if (!named->empty()) continue;
      if (fallback) return nullptr;  // which of them?
      fallback = &source;
      continue;
    }
    if (source.hosts.empty()) {
      fallback = &source;
      continue;
    }
    if (host.empty()) host = host_name(request.header("Host"));
    if (!host.empty() && std::ranges::find(source.hosts, host) != source.hosts.end()) return &source;
  }
  return fallback;
}

asio::awaitable<http::Response> Served::handle(http::Request& request) const {
  const ServedSource* source = find(request);
  if (!source) return nothing_here();
  return answer_of(source->endpoints, request);
}

void Served::stop_waiting() {
  for (const ServedSource& source : sources_) source.endpoints->stop_waiting();
}

}  // namespace chatrelay::app
