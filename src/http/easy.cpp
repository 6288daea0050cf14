#include "http/easy.hpp"

#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/secret.hpp"
#include "common/text.hpp"
#include "http/address.hpp"

namespace chatrelay::http {

namespace {

// A second on top is harmless here, a 0 would mean "no limit".
long milliseconds(Millis time) {
  return static_cast<long>(std::max<Millis::rep>(time.count(), 1));
}

// Before the request goes over a connection: one that was kept may lead where this transfer must not go.
int before_request(void* self, char* remote, char*, int, int) {
  auto& guard = *static_cast<AddressGuard*>(self);
  if (guard.allow_private) return CURL_PREREQFUNC_OK;
  const auto address = remote ? parse_address(remote) : std::nullopt;
  if (address && !is_private_address(*address)) return CURL_PREREQFUNC_OK;
  guard.refused = true;
  return CURL_PREREQFUNC_ABORT;
}

}  // namespace

void init_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

void set_common(CURL* easy, const CommonOptions& options, AddressGuard& guard) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // none, whatever the environment says
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, options.protocols);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (options.ca_file && !options.ca_file->empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file->c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // this file and nothing else
  }
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(options.timeout));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(std::min(options.timeout, options.connect_timeout)));
  // Names come through CURLOPT_RESOLVE; an entry must outlive the transfer, or libcurl would ask the name server
  // itself.
  curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 600L);
  // Most servers close a kept connection after 60 s, many after 30: an older one is more likely dead than useful.
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 25L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &guard);
}

curl_socket_t open_guarded(AddressGuard& guard, const curl_sockaddr& address) {
  boost::asio::ip::address remote;
  if (address.family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.addr, sizeof v4);
    remote = boost::asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
  } else if (address.family == AF_INET6) {
    // curl_sockaddr ends in a sockaddr that is shorter than a v6 one; libcurl's own object behind it is long enough.
    const auto* whole = reinterpret_cast<const unsigned char*>(&address) + offsetof(curl_sockaddr, addr);
    boost::asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), whole + offsetof(sockaddr_in6, sin6_addr), bytes.size());
    remote = boost::asio::ip::address_v6(bytes);
  } else {
    guard.refused = true;
    return CURL_SOCKET_BAD;
  }
  if (!guard.allow_private && is_private_address(remote)) {
    guard.refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
}

std::string error_text(CURLcode code, const char* buffer) {
  const std::string_view text = buffer && *buffer ? buffer : curl_easy_strerror(code);
  return redactor::redact(printable(text, 300));
}

}  // namespace chatrelay::http
