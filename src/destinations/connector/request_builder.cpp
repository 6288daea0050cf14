#include "destinations/connector/request_builder.hpp"

#include <algorithm>
#include <optional>

#include "common/standard_webhooks.hpp"
#include "common/text.hpp"
#include "destinations/connector/http_rules.hpp"
#include "destinations/connector/url.hpp"
#include "destinations/payload.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace json = boost::json;

namespace {

constexpr std::size_t headers_max = 64;  // Limit: headers of one request, many servers refuse more than 100
constexpr std::size_t header_bytes_max =
    8 << 10;  // Limit: one value; the usual limit of servers for a whole head is 8 to 16 KiB
constexpr std::size_t query_values_max = 256;  // Limit: values of one query

// The text of a scalar; nullopt for what has none.
std::optional<std::string> scalar_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool() || value.is_number()) return expression::compact_json(value);
  return std::nullopt;
}

std::vector<std::string> with_keys(const Action& action) {
  std::vector<std::string> keys;
  for (const auto& [name, key] : action.schema.with) keys.push_back(name);
  return keys;
}

Result<json::value> template_input(const RequestInput& input, json::value payload) {
  json::object with;
  if (is_with(payload, with_keys(input.action))) {
    with = std::move(payload.get_object());
  } else if (!input.action.event_as.empty()) {
    with[input.action.event_as] = std::move(payload);
  } else {
    return invalid("the action needs `with`");
  }
  const Attempt& attempt = input.attempt;
  // Invariant 5: nothing here may differ between attempts of one delivery.
  json::object delivery{{"id", attempt.id},         {"event_id", attempt.event_id}, {"event_type", attempt.event_type},
                        {"source", attempt.source}, {"chat_id", attempt.chat_id},   {"thread_id", attempt.thread_id}};
  json::object all;
  all["settings"] = input.settings;
  all["with"] = std::move(with);
  all["delivery"] = std::move(delivery);
  return json::value(std::move(all));
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

// application/x-www-form-urlencoded. A list becomes a repeated key, a map its JSON text, null is left out.
Result<std::string> form_body(const json::value& body) {
  const json::object* map = body.if_object();
  if (map == nullptr) return invalid("encoding: form needs a map as its body");
  std::string text;
  const auto add = [&](std::string_view name, const json::value& value) {
    if (value.is_null()) return;
    text += (text.empty() ? "" : "&") + percent_encode(name) + "=" +
            percent_encode(scalar_text(value).value_or(value.is_string() ? "" : expression::compact_json(value)));
  };
  for (const auto& [name, value] : *map) {
    if (const json::array* list = value.if_array()) {
      for (const json::value& element : *list) add(name, element);
    } else {
      add(name, value);
    }
  }
  return text;
}

struct Body {
  std::string text;
  std::string content_type;  // empty: no body
};

Result<Body> build_body(const RequestTemplate& request, expression::Program& program, const json::value& input) {
  if (!request.body) return Body{};
  const auto rendered = request.body->render(program, input);
  if (!rendered) return rendered.error();
  if (!*rendered || (*rendered)->is_null()) return Body{};
  const auto encoding = request.encoding.render_text(program, input);
  if (!encoding) return encoding.error();
  if (*encoding == "json") return Body{expression::compact_json(**rendered), "application/json"};
  if (*encoding != "form") return invalid("encoding must be json or form");
  Result<std::string> form = form_body(**rendered);
  if (!form) return form.error();
  return Body{std::move(*form), "application/x-www-form-urlencoded"};
}

Result<std::string> build_url(const RequestInput& in, expression::Program& program, const json::value& input) {
  // Values are escaped for their place; a setting that is a whole URL is written `| raw` in the connector file.
  const auto path = in.action.request.url.render_text(program, input, expression::Escape::url);
  if (!path) return path.error();
  const std::string url = joined_url(in.base_url, *path);
  if (const Result<void> checked = check_url(url); !checked) return invalid("url " + checked.error().message);
  const Result<NamedValues> query = build_query(in.action.request, program, input);
  if (!query) return query.error();
  return with_query(url, *query);
}

Result<void> sign(const RequestInput& in, expression::Program& program, const json::value& input,
                  http::ClientRequest& request) {
  if (!in.action.request.standard_webhooks) return {};
  const auto secret = in.action.request.standard_webhooks->render_text(program, input);
  if (!secret) return secret.error();
  if (secret->empty()) return {};
  const Result<std::string> key = standard_webhooks_key(*secret);
  if (!key) return invalid("the signing secret " + key.error().message);
  const std::string timestamp = standard_webhooks_timestamp(in.now);
  std::string signature = standard_webhooks_signature(*key, in.attempt.id, timestamp, request.body);
  request.headers.emplace_back("webhook-timestamp", timestamp);
  request.headers.emplace_back("webhook-signature", std::move(signature));
  return {};
}

}  // namespace

Result<http::ClientRequest> build_request(const RequestInput& in, json::value payload, expression::Program& program) {
  const Result<json::value> input = template_input(in, std::move(payload));
  if (!input) return input.error();
  const RequestTemplate& parts = in.action.request;
  http::ClientRequest request;
  const auto method = parts.method.render_text(program, *input);
  if (!method) return method.error();
  if (!is_method(*method)) return invalid("method must be GET, POST, PUT, PATCH or DELETE");
  request.method = *method;
  Result<std::string> url = build_url(in, program, *input);
  if (!url) return url.error();
  request.url = std::move(*url);
  Result<Body> body = build_body(parts, program, *input);
  if (!body) return body.error();
  Result<http::Headers> headers = build_headers(parts, program, *input);
  if (!headers) return headers.error();
  request.headers = std::move(*headers);
  const bool typed =
      std::ranges::any_of(request.headers, [](const auto& h) { return iequals_ascii(h.first, "content-type"); });
  if (!body->content_type.empty() && !typed) request.headers.emplace_back("content-type", body->content_type);
  request.body = std::move(body->text);
  if (const std::string& name = in.action.idempotency_header; !name.empty()) {
    // Invariant 5: nothing a rule or a setting gives may stand in its place.
    std::erase_if(request.headers, [&](const auto& header) { return iequals_ascii(header.first, name); });
    request.headers.emplace_back(name, in.attempt.id);
  }
  if (const Result<void> signature = sign(in, program, *input, request); !signature) return signature.error();
  return request;
}

}  // namespace chatrelay::destinations::connector
