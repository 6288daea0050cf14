#include "destinations/connector/body_encoding.hpp"

#include <array>
#include <utility>
#include <vector>

#include "common/crypto.hpp"
#include "common/text.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace json = boost::json;

namespace {

constexpr std::array<std::pair<std::string_view, Encoding>, 5> names{{
    {"json", Encoding::json},
    {"form", Encoding::form},
    {"json_api", Encoding::json_api},
    {"multipart", Encoding::multipart},
    {"text", Encoding::text},
}};

std::string text_of(const json::value& value) {
  return scalar_text(value).value_or(value.is_string() ? std::string{} : expression::compact_json(value));
}

// add(name, value) for each member, each element of a list; what is null is left out.
template <class Add>
Result<void> each_field(const json::value& body, std::string_view encoding, Add add) {
  const json::object* map = body.if_object();
  if (map == nullptr) return invalid("encoding: " + std::string(encoding) + " needs a map as its body");
  for (const auto& [name, value] : *map) {
    if (const json::array* list = value.if_array()) {
      for (const json::value& element : *list)
        if (!element.is_null()) add(std::string_view(name), element);
    } else if (!value.is_null()) {
      add(std::string_view(name), value);
    }
  }
  return {};
}

Result<std::string> form_body(const json::value& body) {
  std::string text;
  const Result<void> done = each_field(body, "form", [&](std::string_view name, const json::value& value) {
    text += (text.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(text_of(value));
  });
  if (!done) return done.error();
  return text;
}

// One part of a multipart body: a field, or a file.
struct Part {
  std::string name, filename, content_type, content;
};

// Names in the head of a part, as browsers write them (WHATWG HTML §4.10.21.8): a quote or a line break would end it.
std::string head_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '"') {
      out += "%22";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else {
      out += static_cast<unsigned char>(c) < 0x20 ? '_' : c;
    }
  }
  return out;
}

std::string member(const json::object& map, std::string_view key) {
  const json::value* value = map.if_contains(key);
  return value == nullptr ? std::string{} : scalar_text(*value).value_or("");
}

Result<Part> part_of(std::string_view name, const json::value& value) {
  Part part;
  part.name = std::string(name);
  const json::object* file = value.if_object();
  if (file == nullptr || !file->contains("filename")) {
    part.content = text_of(value);
    return part;
  }
  part.filename = member(*file, "filename");
  part.content_type = member(*file, "content_type");
  if (part.content_type.empty()) part.content_type = "application/octet-stream";
  for (const char c : part.content_type)
    if (static_cast<unsigned char>(c) < 0x20) return invalid("the content_type of a file holds a control character");
  if (!file->contains("base64")) {
    part.content = member(*file, "text");
    return part;
  }
  std::optional<std::string> bytes = base64_decode(member(*file, "base64"));
  if (!bytes) return invalid("base64 of the file " + printable(part.filename, 60) + " is not base64");
  part.content = std::move(*bytes);
  return part;
}

// A boundary must not stand in what it parts; of 128 bits of a hash nobody can arrange that, and yet it is looked for.
std::string boundary_for(const std::vector<Part>& parts, std::string_view seed) {
  for (int turn = 0;; ++turn) {
    const std::string boundary =
        "chatrelay-" + hex_encode(sha256(std::string(seed) + "#" + std::to_string(turn))).substr(0, 32);
    bool found = false;
    for (const Part& part : parts) found = found || part.content.find(boundary) != std::string::npos;
    if (!found) return boundary;
  }
}

Result<EncodedBody> multipart_body(const json::value& body, std::string_view seed) {
  std::vector<Part> parts;
  std::optional<Error> wrong;
  const Result<void> done = each_field(body, "multipart", [&](std::string_view name, const json::value& value) {
    Result<Part> part = part_of(name, value);
    if (part) {
      parts.push_back(std::move(*part));
    } else {
      wrong = part.error();
    }
  });
  if (!done) return done.error();
  if (wrong) return *wrong;
  const std::string boundary = boundary_for(parts, seed);
  EncodedBody encoded;
  for (const Part& part : parts) {
    encoded.text += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + head_name(part.name) + "\"";
    if (!part.filename.empty()) encoded.text += "; filename=\"" + head_name(part.filename) + "\"";
    if (!part.content_type.empty()) encoded.text += "\r\nContent-Type: " + part.content_type;
    encoded.text += "\r\n\r\n" + part.content + "\r\n";
  }
  encoded.text += "--" + boundary + "--\r\n";
  encoded.content_type = "multipart/form-data; boundary=" + boundary;
  return encoded;
}

}  // namespace

std::optional<Encoding> encoding_from(std::string_view name) {
  for (const auto& [known, encoding] : names)
    if (known == name) return encoding;
  return std::nullopt;
}

std::optional<std::string> scalar_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool() || value.is_number()) return expression::compact_json(value);
  return std::nullopt;
}

Result<EncodedBody> encode_body(const json::value& body, Encoding encoding, std::string_view seed) {
  switch (encoding) {
    case Encoding::json:
      return EncodedBody{expression::compact_json(body), "application/json"};
    case Encoding::json_api:
      return EncodedBody{expression::compact_json(body), "application/vnd.api+json"};
    case Encoding::form: {
      Result<std::string> form = form_body(body);
      if (!form) return form.error();
      return EncodedBody{std::move(*form), "application/x-www-form-urlencoded"};
    }
    case Encoding::multipart:
      return multipart_body(body, seed);
    case Encoding::text: {
      std::optional<std::string> text = scalar_text(body);
      if (!text) return invalid("encoding: text needs a text as its body");
      return EncodedBody{std::move(*text), "text/plain; charset=utf-8"};
    }
  }
  return invalid("there is no such encoding");
}

}  // namespace chatrelay::destinations::connector
