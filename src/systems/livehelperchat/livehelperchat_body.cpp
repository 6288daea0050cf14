#include "systems/livehelperchat/livehelperchat_body.hpp"

#include <algorithm>

#include "common/form.hpp"
#include "common/json_scan.hpp"
#include "common/text.hpp"
#include "systems/livehelperchat/livehelperchat_credentials.hpp"

namespace chatrelay::systems::livehelperchat {

namespace {

constexpr std::size_t fields_max = 1000;  // Limit: fields of a form; PHP stops there, too

// "hash" of chat[hash]: PHP's way to write a member.
std::string_view last_segment(std::string_view name) {
  if (name.ends_with(']')) name.remove_suffix(1);
  const std::size_t open = name.rfind('[');
  return open == std::string_view::npos ? name : name.substr(open + 1);
}

Body read_form(std::string_view body) {
  std::string kept;
  std::vector<std::string> hashes;
  for_each_form_pair(trim(body), [&](const FormPair& pair) {
    if (!is_credential(last_segment(trim(pair.name)))) {
      kept.append(kept.empty() ? "" : "&").append(pair.text);
    } else if (is_chat_hash(pair.value)) {
      hashes.push_back(pair.value);
    }
  });
  return {without_credentials(std::move(kept), std::move(hashes), false), stored_type::form};
}

Body read_json(std::string_view body, const JsonScanResult& scan) {
  std::string removed;
  for (const auto& range : scan.members) removed.append(body.substr(range.begin, range.end - range.begin)).append(" ");
  return {without_credentials(without_members(body, scan.members), chat_hashes_in(removed), true), stored_type::json};
}

json::value field_value(const std::string& text) {
  const std::string_view bare = trim(text);
  if (bare.starts_with('{') || bare.starts_with('['))
    if (auto parsed = parse_json(bare); parsed.has_value()) return std::move(*parsed);
  return json::value(repair_utf8(text));
}

json::object parse_form(std::string_view body) {
  json::object out;
  std::size_t fields = 0;
  for_each_form_pair(body, [&](const FormPair& pair) {
    if (++fields <= fields_max) out[repair_utf8(pair.name)] = field_value(pair.value);  // PHP: the last one holds
  });
  return out;
}

}  // namespace

Body read_body(std::string_view body, std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
  const JsonScanResult scan = scan_json(body, {}, credential_members());
  if (scan.well_formed) return read_json(body, scan);
  // A raw body goes out as a form unless somebody chose "JSON". Encoded forms have no bare brace: one at the beginning
  // is a JSON text that broke.
  const std::string_view bare = trim(body);
  const bool meant_as_json = bare.starts_with('{') || bare.starts_with('[');
  if (iequals_ascii(type, stored_type::form) && !meant_as_json && !bare.empty()) return read_form(body);
  const bool multipart = iequals_ascii(type.substr(0, 10), "multipart/");
  return {without_credentials(std::string(body), {}, false), multipart ? stored_type::multipart : stored_type::text};
}

Result<json::value> payload_of(std::string_view text, std::string_view content_type) {
  if (content_type == stored_type::form) return json::value(parse_form(text));
  if (content_type == stored_type::multipart)
    return invalid("multipart/form-data is not read: choose the raw body and the content type JSON");
  return parse_json(text);
}

std::vector<std::string> query_values(std::string_view query, std::string_view name) {
  std::vector<std::string> out;
  for_each_form_pair(query, [&](const FormPair& pair) {
    if (pair.name == name) out.push_back(pair.value);
  });
  return out;
}

}  // namespace chatrelay::systems::livehelperchat
