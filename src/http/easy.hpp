// What every libcurl handle gets, whatever it speaks, and the guard that keeps it away from private addresses.
#pragma once

#include <memory>
#include <string>

#include <curl/curl.h>

#include "common/clock.hpp"

namespace chatrelay::http {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;

// Lifetime: as long as the handle's transfer.
struct AddressGuard {
  bool allow_private = false;
  bool refused = false;
};

struct CommonOptions {
  const char* protocols = nullptr;  // "http,https"
  Millis timeout{0};
  Millis connect_timeout{0};
  const std::string* ca_file = nullptr;
};

// curl_global_init, once. Thread: any.
void init_curl();

// Sets the options and the callback that looks at the address of a connection, kept or new, before a request goes over
// it.
void set_common(CURL* easy, const CommonOptions& options, AddressGuard& guard);

// Opens a socket for libcurl unless the address is refused. For CURLOPT_OPENSOCKETFUNCTION callbacks.
curl_socket_t open_guarded(AddressGuard& guard, const curl_sockaddr& address);

// libcurl's words for what went wrong, without secrets.
std::string error_text(CURLcode code, const char* buffer);

}  // namespace chatrelay::http
