#include "destinations/connector/request_builder.hpp"

#include <algorithm>
#include <optional>

#include "common/standard_webhooks.hpp"
#include "common/text.hpp"
#include "destinations/connector/body_encoding.hpp"
#include "destinations/connector/http_rules.hpp"
#include "destinations/connector/url.hpp"
#include "destinations/payload.hpp"
#include "expression/hashes.hpp"

namespace chatrelay::destinations::connector {

namespace json = boost::json;

namespace {

constexpr std::size_t headers_max = 64;  // Limit: headers of one request, many servers refuse more than 100
constexpr std::size_t header_bytes_max =
    8 << 10;  // Limit: one value; the usual limit of servers for a whole head is 8 to 16 KiB
constexpr std::size_t query_values_max = 256;  // Limit: values of one query

std::vector<std::string> with_keys(const Action& action) {
  std::vector<std::string> keys;
  for (const auto& [name, key] : action.schema.with) keys.push_back(name);
  return keys;
}

// Adds what one template gives: a map, or nothing.
Result<void> merge_map(const expression::Template& part, std::string_view what, expression::Program& program,
                       const json::value& input, json::object& into) {
  const auto rendered = part.render(program, input);
  if (!rendered) return rendered.error();
  if (!*rendered || (*rendered)->is_null()) return {};
  const json::object* map = (*rendered)->if_object();
  if (map == nullptr) return invalid(std::string(what) + " must be a map of names to values");
  for (const auto& [name, value] : *map) into[name] = value;
  return {};
}

Result<void> add_header(http::Headers& headers, std::string name, std::string value) {
  if (const Result<void> checked = check_header(name, value); !checked) return checked.error();
  if (value.size() > header_bytes_max) return invalid("header " + name + " is longer than 8 KiB");
  const auto same =
      std::ranges::find_if(headers, [&](const auto& header) { return iequals_ascii(header.first, name); });
  if (same != headers.end()) {
    same->second = std::move(value);
    return {};
  }
  if (headers.size() >= headers_max) return invalid("more than 64 headers");
  headers.emplace_back(std::move(name), std::move(value));
  return {};
}

Result<http::Headers> build_headers(const RequestTemplate& request, expression::Program& program,
                                    const json::value& input) {
  http::Headers headers;
  for (const expression::Template& part : request.headers) {
    // Merged one after the other, not by JSON key: names of headers have no case.
    json::object map;
    if (const Result<void> merged = merge_map(part, "headers", program, input, map); !merged) return merged.error();
    for (const auto& [name, value] : map) {
      if (value.is_null()) continue;
      std::optional<std::string> text = scalar_text(value);
      if (!text)
        return invalid("header " + printable(std::string_view(name), 60) + " must be a text, not a list or a map");
      if (const Result<void> added = add_header(headers, std::string(name), std::move(*text)); !added)
        return added.error();
    }
  }
  return headers;
}

Result<NamedValues> build_query(const RequestTemplate& request, expression::Program& program,
                                const json::value& input) {
  json::object map;
  for (const expression::Template& part : request.query) {
    if (const Result<void> merged = merge_map(part, "query", program, input, map); !merged) return merged.error();
  }
  NamedValues query;
  for (const auto& [name, value] : map) {
    const json::array one{value};
    for (const json::value& v : value.is_array() ? value.get_array() : one) {
      if (v.is_null()) continue;
      std::optional<std::string> text = scalar_text(v);
      if (!text)
        return invalid("query " + printable(std::string_view(name), 60) + " must be a text or a list of texts");
      if (query.size() >= query_values_max) return invalid("more than 256 query values");
      query.emplace_back(std::string(name), std::move(*text));
    }
  }
  return query;
}

Result<EncodedBody> build_body(const RequestInput& in, expression::Program& program) {
  if (!in.request.body) return EncodedBody{};
  const auto rendered =
      in.request.body->render(program, in.seen, expression::Escape::none, expression::Nulls::leave_out);
  if (!rendered) return rendered.error();
  if (!*rendered || (*rendered)->is_null()) return EncodedBody{};
  const auto name = in.request.encoding.render_text(program, in.seen);
  if (!name) return name.error();
  const std::optional<Encoding> encoding = encoding_from(*name);
  if (!encoding) return invalid("encoding must be json or form, json_api, multipart, text");
  return encode_body(**rendered, *encoding, in.idempotency_key);
}

Result<std::string> build_url(const RequestInput& in, expression::Program& program) {
  // Values are escaped for their place; a setting that is a whole URL is written `| raw` in the connector file.
  const auto path = in.request.url.render_text(program, in.seen, expression::Escape::url);
  if (!path) return path.error();
  const std::string url = joined_url(in.base_url, *path);
  if (const Result<void> checked = check_url(url); !checked) return invalid("url " + checked.error().message);
  Result<NamedValues> query = build_query(in.request, program, in.seen);
  if (!query) return query.error();
  query->insert(query->end(), in.auth.query.begin(), in.auth.query.end());
  return with_query(url, *query);
}

void set_header(http::Headers& headers, const std::string& name, const std::string& value) {
  std::erase_if(headers, [&](const auto& header) { return iequals_ascii(header.first, name); });
  headers.emplace_back(name, value);
}

Result<void> sign(const RequestInput& in, expression::Program& program, http::ClientRequest& request) {
  if (!in.request.standard_webhooks) return {};
  const auto secret = in.request.standard_webhooks->render_text(program, in.seen);
  if (!secret) return secret.error();
  if (secret->empty()) return {};
  const Result<std::string> key = standard_webhooks_key(*secret);
  if (!key) return invalid("the signing secret " + key.error().message);
  const std::string timestamp = standard_webhooks_timestamp(in.now);
  // The id that is signed is the one that is sent: that of this step and piece, where the key carries it.
  const bool keyed = iequals_ascii(in.idempotency_header, "webhook-id");
  const std::string& id = keyed ? in.idempotency_key : in.delivery_id;
  std::string signature = standard_webhooks_signature(*key, id, timestamp, request.body);
  set_header(request.headers, "webhook-id", id);
  request.headers.emplace_back("webhook-timestamp", timestamp);
  request.headers.emplace_back("webhook-signature", std::move(signature));
  return {};
}

// A UUID of the delivery's id, whatever that looks like: the same at each attempt.
constexpr std::string_view delivery_namespace = "5d0c7c5e-3f0a-4b5e-9a0b-2f6d1c1f8e11";

json::object delivery_of(const Attempt& attempt) {
  // Invariant 5: nothing here may differ between attempts of one delivery.
  return json::object{{"id", attempt.id},
                      {"event_id", attempt.event_id},
                      {"event_type", attempt.event_type},
                      {"source", attempt.source},
                      {"chat_id", attempt.chat_id},
                      {"thread_id", attempt.thread_id},
                      {"time", format_rfc3339(attempt.planned_at)},
                      {"uuid", expression::uuid5(delivery_namespace, attempt.id).value_or("")}};
}

json::object links_of(const Attempt& attempt) {
  json::object links;
  for (const char* scope : {"visitor", "chat", "thread"}) {
    const json::value* given = attempt.links.if_contains(scope);
    links[scope] = given != nullptr && given->is_object() ? *given : json::value(json::object{});
  }
  return links;
}

}  // namespace

Result<std::string> render_base_url(const ConnectorFile& file, const std::string& given, const json::object& settings,
                                    const json::object& token, expression::Program& program) {
  if (!file.base_url) return std::string{};
  std::string url = given;
  if (url.empty() && file.base_url->is_constant()) return std::string(file.base_url->constant().get_string());
  if (url.empty()) {
    const json::value seen(json::object{{"settings", settings}, {"token", token}});
    const Result<std::string> rendered = file.base_url->render_text(program, seen);
    if (!rendered) return Error(rendered.error().kind, "base_url: " + rendered.error().message);
    url = *rendered;
  }
  if (const Result<void> checked = check_url(url); !checked) return invalid("base_url " + checked.error().message);
  return url;
}

Result<json::object> template_input(const Action& action, const json::object& settings, const Attempt& attempt,
                                    json::value payload) {
  json::object with;
  if (is_with(payload, with_keys(action))) {
    with = std::move(payload.get_object());
  } else if (!action.event_as.empty()) {
    with[action.event_as] = std::move(payload);
  } else {
    return invalid("the action " + action.name + " takes no such `with`");
  }
  for (const auto& [name, key] : action.schema.with) {
    const json::value* value = with.if_contains(name);
    // An empty one in a URL would address something else.
    const bool empty = value && value->is_string() && value->get_string().empty();
    if (key.required && (value == nullptr || value->is_null() || empty))
      return invalid("with: \"" + name + "\" has no value");
  }
  json::object all;
  all["settings"] = settings;
  all["with"] = std::move(with);
  all["delivery"] = delivery_of(attempt);
  all["links"] = links_of(attempt);
  all["steps"] = json::object{};
  all["piece"] = json::object{{"index", 0}, {"count", 1}};
  return all;
}

Result<http::ClientRequest> build_request(const RequestInput& in, expression::Program& program) {
  http::ClientRequest request;
  const auto method = in.request.method.render_text(program, in.seen);
  if (!method) return method.error();
  if (!is_method(*method)) return invalid("method must be GET, POST, PUT, PATCH or DELETE");
  request.method = *method;
  Result<std::string> url = build_url(in, program);
  if (!url) return url.error();
  request.url = std::move(*url);
  Result<EncodedBody> body = build_body(in, program);
  if (!body) return body.error();
  Result<http::Headers> headers = build_headers(in.request, program, in.seen);
  if (!headers) return headers.error();
  request.headers = std::move(*headers);
  const bool typed =
      std::ranges::any_of(request.headers, [](const auto& h) { return iequals_ascii(h.first, "content-type"); });
  if (!body->content_type.empty() && !typed) request.headers.emplace_back("content-type", body->content_type);
  request.body = std::move(body->text);
  // Neither the login nor the idempotency key (Invariant 5) is for a rule or a setting to replace.
  for (const auto& [name, value] : in.auth.headers) {
    if (const Result<void> checked = check_header(name, value); !checked) return checked.error();
    set_header(request.headers, name, value);
  }
  if (!in.idempotency_header.empty()) set_header(request.headers, in.idempotency_header, in.idempotency_key);
  if (const Result<void> signature = sign(in, program, request); !signature) return signature.error();
  return request;
}

}  // namespace chatrelay::destinations::connector
