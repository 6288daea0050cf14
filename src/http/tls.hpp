// The server's side of TLS: one context from two files. TLS 1.2 at least, forward secrecy, AEAD only.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "common/error.hpp"

namespace chatrelay::http {

// Errors: invalid, with the file that could not be read or does not fit the other.
Result<std::shared_ptr<boost::asio::ssl::context>> make_server_tls(const std::string& certificate_file,
                                                                   const std::string& key_file);

}  // namespace chatrelay::http
