// Takes a request apart into what stands where, for tests: a reader of URLs, headers and bodies that is written against
// the RFCs and shares nothing with the code that builds them. It throws at whatever is not strictly right: a control
// character in a header, a "." or ".." in the path, a body that does not parse.
#pragma once

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "http/client.hpp"

namespace chatrelay::destinations::testing {

// One value: the place names its kind too ("body/text:string"), so that equal places mean an equal shape.
struct RequestPart {
  std::string place;
  std::string text;
};
using RequestParts = std::vector<RequestPart>;

inline bool is_plain_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || i + length > text.size()) return false;
    unsigned code = length == 1 ? lead : lead & (0xffu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3fu);
    }
    if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return false;
    if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000)) return false;
    i += length;
  }
  return true;
}

inline std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) -> unsigned {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    throw std::runtime_error("a % without two digits");
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) throw std::runtime_error("a % without two digits");
    out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  if (!is_plain_utf8(out)) throw std::runtime_error("percent-encoded bytes that are not UTF-8");
  return out;
}

class RequestReader {
 public:
  static RequestParts read(const http::ClientRequest& request) {
    RequestReader reader;
    reader.add("method", request.method);
    reader.read_url(request.url);
    reader.read_headers(request.headers);
    reader.read_body(request.body);
    std::ranges::stable_sort(reader.parts_, {}, &RequestPart::place);
    return std::move(reader.parts_);
  }

 private:
  void add(std::string place, std::string text) { parts_.push_back({std::move(place), std::move(text)}); }

  // name=value pairs between &, both percent-encoded.
  void read_pairs(const std::string& place, std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('&'), text.size());
      const std::string_view pair = text.substr(0, end);
      const std::size_t equals = std::min(pair.find('='), pair.size());
      if (pair.empty() || equals == pair.size()) throw std::runtime_error(place + " holds a part without =");
      if (pair.find('+') != std::string_view::npos) throw std::runtime_error(place + " holds a + that is not encoded");
      read_text(place + "/" + percent_decoded(pair.substr(0, equals)), percent_decoded(pair.substr(equals + 1)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void read_url(std::string_view url) {
    for (const char c : url)
      if (c <= ' ' || static_cast<unsigned char>(c) >= 0x7f ||
          std::string_view("\"<>\\^`{|}#").find(c) != std::string_view::npos)
        throw std::runtime_error("the URL holds the byte " + std::to_string(static_cast<unsigned char>(c)));
    const std::size_t host = url.find("://");
    if (host == std::string_view::npos) throw std::runtime_error("the URL has no scheme");
    const std::size_t path = std::min(url.find_first_of("/?", host + 3), url.size());
    add("origin", std::string(url.substr(0, path)));
    const std::size_t query = std::min(url.find('?', path), url.size());
    std::string_view rest = url.substr(path, query - path);
    for (std::size_t number = 0; rest.starts_with('/'); ++number) {
      const std::size_t end = std::min(rest.find('/', 1), rest.size());
      const std::string segment = percent_decoded(rest.substr(1, end - 1));
      if (segment == "." || segment == "..") throw std::runtime_error("the path climbs");
      add("path/" + std::to_string(number), segment);
      rest.remove_prefix(end);
    }
    if (query < url.size()) read_pairs("query", url.substr(query + 1));
  }

  void read_headers(const http::Headers& headers) {
    std::set<std::string> names;
    for (const auto& [name, value] : headers) {
      std::string lower;
      for (const char c : name) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        if (!letter) throw std::runtime_error("a header's name holds more than letters");
        lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
      for (const char c : value)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
          throw std::runtime_error("header " + name + " holds a control character");
      if (!names.insert(lower).second) throw std::runtime_error("header " + name + " is there twice");
      if (lower == "content-type") content_type_ = value;
      add("header/" + lower, value);
    }
  }

  // JSON within a text has a shape of its own.
  void read_text(const std::string& place, std::string text) {
    if (text.starts_with("{\"") || text.starts_with("[{\"")) {
      boost::json::error_code failed;
      const boost::json::value value = boost::json::parse(text, failed);
      if (!failed) return read_json(place + ":json", value);
    }
    add(place, std::move(text));
  }

  void read_json(const std::string& place, const boost::json::value& value) {
    if (const auto* object = value.if_object()) {
      if (object->empty()) add(place + ":{}", "");
      for (const auto& [key, member] : *object) read_json(place + "/" + std::string(key), member);
    } else if (const auto* array = value.if_array()) {
      if (array->empty()) add(place + ":[]", "");
      for (std::size_t i = 0; i < array->size(); ++i) read_json(place + "/" + std::to_string(i), (*array)[i]);
    } else if (const auto* text = value.if_string()) {
      read_text(place + ":string", std::string(*text));
    } else {
      add(place + ":value", boost::json::serialize(value));
    }
  }

  void read_multipart(std::string_view body) {
    const std::string_view mark = "boundary=";
    const std::size_t at = content_type_.find(mark);
    if (at == std::string::npos) throw std::runtime_error("multipart without a boundary");
    const std::string delimiter = "--" + content_type_.substr(at + mark.size());
    if (!body.starts_with(delimiter)) throw std::runtime_error("multipart does not begin with its boundary");
    body.remove_prefix(delimiter.size());
    for (std::size_t number = 0; body != "--\r\n"; ++number) {
      const std::size_t head_end = body.find("\r\n\r\n"), end = body.find("\r\n" + delimiter);
      if (!body.starts_with("\r\n") || head_end == std::string_view::npos || end == std::string_view::npos ||
          end < head_end + 2)
        throw std::runtime_error("a part of multipart is not one");
      const std::string place = "body/part" + std::to_string(number);
      const std::string_view head = body.substr(2, head_end - 2);
      if (std::ranges::count(head, '\n') > 1) throw std::runtime_error("the head of a part has more lines than two");
      add(place + "/head", std::string(head));
      const std::size_t begin = std::min(head_end + 4, end + 2);
      add(place + "/content", std::string(body.substr(begin, end > begin ? end - begin : 0)));
      body.remove_prefix(end + 2 + delimiter.size());
    }
  }

  void read_body(const std::string& body) {
    if (body.empty()) return add("body:none", "");
    if (content_type_.starts_with("application/x-www-form-urlencoded")) return read_pairs("body", body);
    if (content_type_.starts_with("multipart/form-data")) return read_multipart(body);
    if (content_type_.starts_with("text/plain")) return add("body:text", body);
    if (content_type_.find("json") == std::string::npos) throw std::runtime_error("a body of an unknown type");
    if (!is_plain_utf8(body)) throw std::runtime_error("the body is not UTF-8");
    for (const char c : body)
      if (static_cast<unsigned char>(c) < 0x20) throw std::runtime_error("JSON with a control character");
    boost::json::error_code failed;
    const boost::json::value value = boost::json::parse(body, failed);
    if (failed) throw std::runtime_error("the body does not parse: " + failed.message());
    read_json("body", value);
  }

  RequestParts parts_;
  std::string content_type_;
};

}  // namespace chatrelay::destinations::testing
