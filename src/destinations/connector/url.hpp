// URLs of destinations: what is allowed, what of them may be shown, and how values are put into a query.
//
// The URLs of hooks are often secrets themselves (contract §0.5), so nothing here that is meant for people holds a path
// or a query.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace chatrelay::destinations::connector {

using NamedValues = std::vector<std::pair<std::string, std::string>>;

// Absolute http or https, with a host, without user info and fragment. Errors never repeat the URL.
Result<void> check_url(std::string_view url);
// "https://example.com:8443/…"; "(not a URL)" if it is none.
std::string shown_url(std::string_view url);
// "https://example.com" of a Location header; empty if it is relative or unreadable.
std::string shown_origin(std::string_view location);
// Registers what looks like a token in path or query with the Redactor.
void register_url_secrets(std::string_view url);
// Adds to what the URL's own query holds. Errors: not a URL.
Result<std::string> with_query(std::string_view url, const NamedValues& query);
// "/path" under a base, else the URL itself.
std::string joined_url(std::string_view base, std::string_view url);

}  // namespace chatrelay::destinations::connector
