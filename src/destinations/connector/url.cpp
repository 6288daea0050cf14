#include "destinations/connector/url.hpp"

#include <algorithm>

#include <boost/url/params_encoded_ref.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include "common/secret.hpp"
#include "common/text.hpp"

namespace chatrelay::destinations::connector {

namespace urls = boost::urls;

namespace {

// Shorter parts of a path are names ("webhook", "services"); tokens of the services in contract §3 have 20 and more.
constexpr std::size_t token_bytes_min = 20;

bool is_http(const urls::url_view& url) {
  return url.scheme_id() == urls::scheme::http || url.scheme_id() == urls::scheme::https;
}

// "." and "..": clients and servers drop them with the part before, some also where a dot or a slash is written %2E or
// %2F. A visitor's id would choose another resource.
bool climbs(const std::string& segment) {
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(segment.find_first_of("/\\", begin), segment.size());
    const std::string_view part = std::string_view(segment).substr(begin, end - begin);
    if (part == "." || part == "..") return true;
    if (end == segment.size()) return false;
    begin = end + 1;
  }
}

std::string origin_of(const urls::url_view& url) {
  std::string text(url.scheme());
  text += "://";
  text += std::string_view(url.encoded_host().data(), url.encoded_host().size());
  if (url.has_port() && !url.port().empty()) text += ":" + std::string(url.port());
  return text;
}

}  // namespace

Result<void> check_url(std::string_view url) {
  const auto parsed = urls::parse_uri(url);
  if (parsed.has_error()) return invalid("is not a URL (https://host/path)");
  if (!is_http(*parsed)) return invalid("must start with https:// or http://");
  if (parsed->encoded_host().empty()) return invalid("has no host");
  if (parsed->has_userinfo()) {
    return invalid("must not hold user:password@; write them as headers: {authorization: \"Basic …\"}");
  }
  if (parsed->has_fragment()) return invalid("must not have a #fragment");
  for (const auto segment : parsed->encoded_segments()) {
    if (climbs(segment.decode())) return invalid("must not have . or .. as a part of its path");
  }
  if (parsed->has_port() && !parsed->port().empty() && parsed->port_number() == 0) {
    return invalid("has a port that is not one (1 to 65535)");
  }
  return {};
}

std::string shown_url(std::string_view url) {
  const auto parsed = urls::parse_uri(url);
  if (parsed.has_error() || parsed->encoded_host().empty()) return "(not a URL)";
  return origin_of(*parsed) + "/…";
}

std::string shown_origin(std::string_view location) {
  const auto parsed = urls::parse_uri(location);
  if (parsed.has_error() || !is_http(*parsed) || parsed->encoded_host().empty()) return {};
  return origin_of(*parsed);
}

void register_url_secrets(std::string_view url) {
  const auto parsed = urls::parse_uri(url);
  if (parsed.has_error()) return;
  for (const auto segment : parsed->encoded_segments()) {
    if (segment.size() >= token_bytes_min) redactor::add(std::string_view(segment.data(), segment.size()));
  }
  for (const auto& param : parsed->encoded_params()) {
    if (param.value.size() >= token_bytes_min) redactor::add(std::string_view(param.value.data(), param.value.size()));
  }
}

Result<std::string> with_query(std::string_view url, const NamedValues& query) {
  if (query.empty()) return std::string(url);
  const auto parsed = urls::parse_uri(url);
  if (parsed.has_error()) return invalid("url is not a URL");
  urls::url whole(*parsed);
  // Encoded by us: Boost.URL leaves "+" as it is, which most servers read as a space.
  urls::params_encoded_ref params = whole.encoded_params();
  for (const auto& [name, value] : query) {
    const std::string encoded_name = percent_encode(name);
    const std::string encoded_value = percent_encode(value);
    params.append(urls::param_pct_view(encoded_name, encoded_value));
  }
  return std::string(whole.buffer());
}

std::string joined_url(std::string_view base, std::string_view url) {
  if (base.empty() || !url.starts_with('/')) return std::string(url);
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base) + std::string(url);
}

}  // namespace chatrelay::destinations::connector
