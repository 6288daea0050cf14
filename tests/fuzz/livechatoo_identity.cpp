// What a call of /livechatoo/identity holds: finding the value, a token, the request to the website, the operator's
// lines. Whatever the bytes: no token without a signature, no header, cookie or parameter that the configuration did
// not write, no tag in what is shown. The first line of an input is the query, the rest the body.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/assert.hpp"
#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/livechatoo/endpoints/identity_answer.hpp"
#include "systems/livechatoo/endpoints/identity_lookup.hpp"
#include "systems/livechatoo/endpoints/identity_request.hpp"
#include "systems/livechatoo/endpoints/identity_token.hpp"

using namespace chatrelay;
using namespace chatrelay::systems::livechatoo::endpoints;

namespace {

bool has_line_end(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
}

void check_lookup(std::string_view value) {
  Lookup lookup;
  lookup.url = "https://shop.example/who?a=1";
  lookup.name = "PHPSESSID";
  for (const Place place : {Place::query, Place::form, Place::json, Place::header, Place::cookie}) {
    lookup.place = place;
    const auto request = lookup_request(lookup, value);
    if (!request) continue;
    CHATRELAY_ASSERT(std::ranges::count(request->url, '&') == (place == Place::query), "a parameter was added");
    CHATRELAY_ASSERT(!has_line_end(request->url), "an address has one line");
    for (const auto& [name, text] : request->headers) {
      CHATRELAY_ASSERT(!has_line_end(text), "a header has one line");
      CHATRELAY_ASSERT(name != "Cookie" || text.find(';') == text.npos, "a cookie was added");
    }
    if (place == Place::form)
      CHATRELAY_ASSERT(request->body.find('&') == std::string::npos, "a field was added to the form");
    if (place == Place::json) CHATRELAY_ASSERT(parse_json(request->body)->get_object().size() == 1, "nor a member");
  }
}

void check_answer(std::string_view value) {
  IdentityConfig identity;
  const auto document = parse_json(value);
  const Told told = told_of({document ? *document : json::value(repair_utf8(value))});
  const http::Response text = answer_of(identity, told);
  CHATRELAY_ASSERT(text.body.find_first_of("<>") == std::string::npos, "a tag in plain text");
  CHATRELAY_ASSERT(std::ranges::count(text.body, '\n') <= 21, "more lines than there are");
  identity.html = true;
  CHATRELAY_ASSERT(answer_of(identity, told).body.find("<script") == std::string::npos, "a script in HTML");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view query = input.substr(0, end), body = input.substr(std::min(end + 1, input.size()));
  TokenRules rules;
  rules.secrets.emplace_back("a secret that no corpus holds");
  for (const char* type :
       {"application/x-www-form-urlencoded", "application/json", "text/plain", "multipart/form-data; boundary=b"})
    for (const char* parameter : {"custom", "*"})
      for (const char* method : {"GET", "POST"}) {
        const Asked asked = read_asked({method, query, type, body}, parameter);
        CHATRELAY_ASSERT(!verify_token(rules, asked.value, from_ms(1'700'000'000'000)), "nobody signed it");
        check_lookup(asked.value);
        check_answer(asked.value);
      }
  return 0;
}
