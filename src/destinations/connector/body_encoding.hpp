// Body encodings: from the JSON value that a request's `body` gives to bytes and their content type. Pure; the same
// value gives the same bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "common/error.hpp"

namespace chatrelay::destinations::connector {

enum class Encoding { json, form, json_api, multipart, text };
std::optional<Encoding> encoding_from(std::string_view name);

struct EncodedBody {
  std::string text;
  std::string content_type;  // empty: no body
};

// form and multipart take a map: a list is a repeated key, a map its JSON text, null is left out. In multipart a map
// {filename, content_type, text} or {filename, content_type, base64} is a file. text takes a scalar.
// `seed` makes the boundary of multipart: the same at each attempt, and nothing that a visitor knows.
Result<EncodedBody> encode_body(const boost::json::value& body, Encoding encoding, std::string_view seed);

// The text of a scalar; nullopt for what has none.
std::optional<std::string> scalar_text(const boost::json::value& value);

}  // namespace chatrelay::destinations::connector
