// bridge.js as it is served: the script that is built into the binary, with the source's name and hook written in.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "http/server.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

struct EmbeddedScript {
  std::string_view name;  // "bridge"
  std::string_view text;
};
// Generated at build from src/systems/livechatoo/bridge.js, the only copy.
std::span<const EmbeddedScript> embedded_scripts();

class Bridge {
 public:
  Bridge(std::string_view script, std::string_view source, std::string_view account);

  // 200 with the script, or 304 to a browser that has it. Any website may load it: it holds nothing that is secret.
  http::Response answer(const http::Request& request) const;
  const std::string& text() const { return text_; }
  const std::string& etag() const { return etag_; }

 private:
  std::string text_;
  std::string etag_;
};

}  // namespace chatrelay::systems::livechatoo::endpoints
