// CodeListener: takes the code of a code grant from the browser of the person at this machine (RFC 8252 §7.3): a port
// on loopback that answers one path and ends with the first request that carries the right state.
//
// What comes with another state, another path or another method is refused and does not end the wait: any page in that
// browser can call a port on loopback.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace chatrelay::admin::cli {

// "http://localhost:8976/callback", taken apart.
struct LoopbackAddress {
  std::string host;  // localhost, 127.0.0.1 or [::1]
  std::uint16_t port = 0;
  std::string path;
};
// nullopt: it leads elsewhere, and the code must be pasted.
std::optional<LoopbackAddress> loopback_address(std::string_view redirect_uri);

// The code in what a person pasted: the whole address that the browser was sent to, its query, or the code alone.
// Errors: invalid: another state, no code; unauthorized: the service said no.
Result<std::string> code_of(std::string_view pasted, std::string_view state);

class CodeListener {
 public:
  // Listens at once. Port 0: any free one. Errors: conflict: the port is taken.
  static Result<std::unique_ptr<CodeListener>> open(const LoopbackAddress& address);
  ~CodeListener();
  CodeListener(const CodeListener&) = delete;
  CodeListener& operator=(const CodeListener&) = delete;

  std::uint16_t port() const;
  // Blocks. Errors: unauthorized: the service said no; unavailable: nobody came in time.
  Result<std::string> wait(const std::string& state, Millis limit);

 private:
  struct State;
  explicit CodeListener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace chatrelay::admin::cli
