#include "http/tls.hpp"

#include <cstring>

#include <openssl/ssl.h>

namespace chatrelay::http {

namespace ssl = boost::asio::ssl;

namespace {

// HTTP/1.1 is all we speak; a client that offers only something else is told so at the handshake, not by garbage.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                    unsigned length, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, ours, sizeof ours - 1, in, length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<std::shared_ptr<ssl::context>> make_server_tls(const std::string& certificate_file,
                                                      const std::string& key_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20");  // TLS 1.2; those of 1.3 are all sane
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);              // 34 KB less for each idle connection
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);

  boost::system::error_code ec;
  context->use_certificate_chain_file(certificate_file, ec);
  if (ec) return invalid("the TLS certificate " + certificate_file + " cannot be used: " + ec.message());
  context->use_private_key_file(key_file, ssl::context::pem, ec);
  if (ec) return invalid("the TLS key " + key_file + " cannot be used: " + ec.message());
  if (SSL_CTX_check_private_key(native) != 1) {
    return invalid("the TLS key " + key_file + " does not belong to the certificate " + certificate_file);
  }
  return context;
}

}  // namespace chatrelay::http
