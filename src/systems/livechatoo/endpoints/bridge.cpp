#include "systems/livechatoo/endpoints/bridge.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <boost/json.hpp>

#include "common/assert.hpp"
#include "common/crypto.hpp"
#include "http/etag.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

namespace {

constexpr std::string_view placeholder = "\"@chatrelay_settings@\"";
// Pages hold it for five minutes and then ask whether it changed; while they ask they go on with what they have.
constexpr const char* cache_control = "public, max-age=300, stale-while-revalidate=3600";

// JSON that may stand in a script, in a page too: no "</script>", and no line ends that old JavaScript knows.
std::string script_literal(const boost::json::object& value) {
  std::string text = boost::json::serialize(value);
  for (const auto& [from, to] : {std::pair<std::string_view, std::string_view>{"<", "\\u003c"},
                                 {"\xE2\x80\xA8", "\\u2028"},
                                 {"\xE2\x80\xA9", "\\u2029"}})
    for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  return text;
}

}  // namespace

Bridge::Bridge(std::string_view script, std::string_view source, std::string_view account) : text_(script) {
  const std::size_t at = text_.find(placeholder);
  CHATRELAY_ASSERT(at != std::string::npos, "bridge.js has no place for its settings");
  boost::json::object settings;
  settings["source"] = source;
  if (!account.empty()) settings["account"] = account;
  settings["hook"] = "/hooks/" + std::string(source);
  text_.replace(at, placeholder.size(), script_literal(settings));
  const Digest digest = sha256(text_);
  etag_ = "\"" + hex_encode(std::span(digest).first(16)) + "\"";
}

http::Response Bridge::answer(const http::Request& request) const {
  const bool known = http::names_etag(request.header("If-None-Match"), etag_);
  http::Response response(known ? 304 : 200, known ? std::string() : text_, "text/javascript; charset=utf-8");
  response.headers.emplace_back("ETag", etag_);
  response.headers.emplace_back("Cache-Control", cache_control);
  response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  response.headers.emplace_back("Cross-Origin-Resource-Policy", "cross-origin");
  return response;
}

}  // namespace chatrelay::systems::livechatoo::endpoints
