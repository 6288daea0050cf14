// Entity tags: does If-None-Match name the one that an answer has (RFC 9110 §13.1.2)? Pure.
#pragma once

#include <string_view>

namespace chatrelay::http {

// "*", or a list of tags, of which a weak one is as good as ours. `etag` with its quotes.
bool names_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace chatrelay::http
