#include "http/target.hpp"

#include <algorithm>
#include <new>

#include "common/text.hpp"
#include "http/address.hpp"

namespace chatrelay::http {

namespace {

struct CurlFree {
  void operator()(char* text) const { curl_free(text); }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, CurlFree> owned(text);
  return owned.get();
}

}  // namespace

Result<Target> parse_target(const std::string& url, std::initializer_list<std::string_view> schemes) {
  if (std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; })) {
    return invalid("the URL has a space or a control character in it");
  }
  Target target;
  target.url.reset(curl_url());
  if (!target.url) throw std::bad_alloc();
  const auto code = curl_url_set(target.url.get(), CURLUPART_URL, url.c_str(), 0);
  if (code != CURLUE_OK) return invalid(std::string("the URL cannot be used: ") + curl_url_strerror(code));
  const auto scheme = part(target.url.get(), CURLUPART_SCHEME, 0);
  if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end()) {
    return invalid("the URL's scheme '" + printable(scheme, 20) + "' cannot be used here");
  }
  target.host = to_lower_ascii(part(target.url.get(), CURLUPART_HOST, CURLU_PUNYCODE));
  target.port = part(target.url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (target.host.empty() || target.port.empty()) return invalid("the URL has no host that can be used");
  target.literal = parse_address(target.host);
  if (target.host.front() == '[') {
    if (!target.literal) return invalid("the URL's address is none");
    target.host = target.host.substr(1, target.host.size() - 2);
  }
  return target;
}

Allowed allowed_addresses(const std::vector<std::string>& addresses, bool allow_private) {
  Allowed allowed;
  for (const auto& text : addresses) {
    const auto address = parse_address(text.substr(0, text.find('%')));
    if (!address) continue;
    if (!allow_private && is_private_address(*address)) {
      allowed.refused = true;
    } else {
      allowed.addresses.push_back(text);
    }
  }
  if (!allowed.addresses.empty()) allowed.refused = false;
  return allowed;
}

void append(StringList& list, const std::string& text) {
  auto* grown = curl_slist_append(list.get(), text.c_str());
  if (!grown) throw std::bad_alloc();
  if (!list) list.reset(grown);
}

StringList resolve_list(const Target& target, const std::vector<std::string>& addresses) {
  StringList list;
  if (target.literal) return list;
  std::string entry =
      "+" + target.host + ":" + target.port + ":";  // '+': the entry ages like any other, so the cache stays bounded
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const bool v6 = addresses[i].find(':') != std::string::npos;
    entry += (i ? "," : "") + (v6 ? "[" + addresses[i] + "]" : addresses[i]);
  }
  append(list, entry);
  return list;
}

}  // namespace chatrelay::http
