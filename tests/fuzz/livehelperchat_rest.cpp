// What Live Helper Chat's REST API reads before anybody is verified: the path, the query's format, the Authorization
// header, the body; and the answer with what was said in it. Whatever the bytes, texts are UTF-8, JSON is ASCII that
// reads back, XML has no tag and a callback no character of the client's.
// Input: path?query, then Authorization, then Content-Type, a line each; the rest is the body.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/assert.hpp"
#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/livehelperchat/endpoints/accounts.hpp"
#include "systems/livehelperchat/endpoints/body_fields.hpp"
#include "systems/livehelperchat/endpoints/output.hpp"
#include "systems/livehelperchat/endpoints/records.hpp"
#include "systems/livehelperchat/endpoints/url_form.hpp"

using namespace chatrelay;
using namespace chatrelay::systems::livehelperchat::endpoints;

namespace {

std::string_view take_line(std::string_view& input) {
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view line = input.substr(0, end);
  input.remove_prefix(std::min(end + 1, input.size()));
  return line;
}

void check_path(std::string_view path) {
  const auto form = parse_url_form(path);
  if (!form) return;
  CHATRELAY_ASSERT(is_valid_utf8(form->view), "a view that is no text");
  for (const std::string& each : form->ordered) CHATRELAY_ASSERT(is_valid_utf8(each), "a segment that is no text");
  for (const auto& [name, values] : form->unordered) {
    CHATRELAY_ASSERT(is_valid_utf8(name), "a name that is no text");
    for (const std::string& each : values)
      CHATRELAY_ASSERT(is_valid_utf8(each) && each.find('/') == each.npos, "a value that is no segment");
    CHATRELAY_ASSERT(form->single(name).has_value(), "a parameter that is there is found");
  }
}

void check_answer(const json::object& fields, std::string_view query) {
  Reply reply{json::value(fields)};
  Format format = read_format(query);
  if (format.kind == Format::Kind::jsonp) CHATRELAY_ASSERT(is_callback_name(format.callback), "no name of a function");
  const std::string json = render(reply, Format()).body;
  CHATRELAY_ASSERT(std::ranges::all_of(json, [](unsigned char c) { return c >= 0x20 && c < 0x80; }), "not ASCII");
  CHATRELAY_ASSERT(parse_json(json), "JSON that cannot be read back");
  format.kind = Format::Kind::xml;
  const std::string xml = render(reply, format).body;
  const auto is_tag = [](char c) { return c == '<'; };
  const auto is_end = [](char c) { return c == '>'; };
  CHATRELAY_ASSERT(is_valid_utf8(xml) && std::ranges::count_if(xml, is_tag) == std::ranges::count_if(xml, is_end),
                   "an element was added");
}

void check_body(std::string_view content_type, std::string_view body, std::string_view query) {
  const BodyFields said = read_body_fields(content_type, body);
  CHATRELAY_ASSERT(said.fault.empty() || said.fields.empty(), "a body that cannot be read says nothing");
  check_answer(said.fields, query);
  const json::object columns = chat_columns(said.fields);
  CHATRELAY_ASSERT(!columns.contains("hash") && !columns.contains("id"), "a column that is not the client's to set");
  for (const auto& member : said.fields) {
    const auto kept = additional_data(member.value(), "");
    CHATRELAY_ASSERT(!kept || (kept->size() <= 8 << 10 && parse_json(*kept)), "attributes that do not fit");
    if (member.value().is_string()) is_whisper(member.value().get_string());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view target = take_line(input);
  const Credentials credentials = read_credentials(take_line(input));
  CHATRELAY_ASSERT(!credentials.fault.empty() || credentials.user.find(':') == std::string::npos, "the first colon");
  const std::string_view content_type = take_line(input);
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view query = target.substr(std::min(question + 1, target.size()));
  check_path(target.substr(0, question));
  for (const std::string_view type :
       {content_type, std::string_view("application/x-www-form-urlencoded"), std::string_view("application/json"),
        std::string_view("multipart/form-data; boundary=b")})
    check_body(type, input, query);
  return 0;
}
