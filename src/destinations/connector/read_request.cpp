// `request:` and `limits:` of a connector file.
#include "destinations/connector/body_encoding.hpp"
#include "destinations/connector/file_reader.hpp"
#include "destinations/connector/http_rules.hpp"

namespace chatrelay::destinations::connector {

namespace {

using expression::Template;

std::vector<Template> maps(const config::Node& node, const FileReader& reader) {
  std::vector<Template> all;
  for (const config::Node& one : node.items()) all.push_back(Template::parse(one, reader.builder, reader.problems));
  return all;
}

std::string constant_text(const Template& made) {
  return made.is_constant() && made.constant().is_string() ? std::string(made.constant().get_string()) : std::string{};
}

void check_constants(const config::Node& node, const RequestTemplate& request) {
  if (request.method.is_constant() && !is_method(constant_text(request.method)))
    node["method"].problem("must be GET, POST, PUT, PATCH or DELETE");
  if (request.encoding.is_constant() && !encoding_from(constant_text(request.encoding)))
    node["encoding"].problem("must be json or form, json_api, multipart, text");
}

}  // namespace

Template FileReader::text_or(const config::Node& node, std::string_view fallback) const {
  if (node.present()) return Template::parse(node, builder, problems);
  return Template::parse_text(fallback, node.where(), builder, problems);
}

expression::ExpressionId FileReader::condition(const config::Node& node) const {
  return builder.add(literal_text(node), node.where(), problems);
}

RequestTemplate read_request(const config::Node& node, const FileReader& reader) {
  node.only({"method", "url", "query", "headers", "encoding", "body", "sign", "auth"});
  RequestTemplate request;
  request.method = reader.text_or(node["method"], "POST");
  if (!node["url"].present()) node.problem("needs url");
  request.url = reader.text_or(node["url"], "");
  request.query = maps(node["query"], reader);
  request.headers = maps(node["headers"], reader);
  request.encoding = reader.text_or(node["encoding"], "json");
  if (node["body"].present()) request.body = Template::parse(node["body"], reader.builder, reader.problems);
  if (const config::Node sign = node["sign"]; sign.present()) {
    sign.only({"standard_webhooks"});
    if (!sign["standard_webhooks"].present()) sign.problem("needs standard_webhooks: the secret");
    request.standard_webhooks = Template::parse(sign["standard_webhooks"], reader.builder, reader.problems);
  }
  request.login = node["auth"].boolean(true);
  check_constants(node, request);
  return request;
}

std::vector<LimitSpec> read_limits(const config::Node& node, const FileReader& reader) {
  std::vector<LimitSpec> limits;
  for (const config::Node& one : node.items()) {
    one.only({"key", "rate", "burst", "concurrency"});
    LimitSpec limit;
    limit.where = one.where();
    if (!one["key"].present()) one.problem("needs key: what the destinations that share it have in common");
    if (!one["rate"].present() && !one["concurrency"].present())
      one.problem("limits nothing: give it rate or concurrency");
    if (one["burst"].present() && !one["rate"].present()) one["burst"].problem("belongs to a rate");
    const auto part = [&](std::string_view key) {
      return one[key].present() ? Template::parse(one[key], reader.builder, reader.problems) : Template{};
    };
    limit.key = part("key");
    limit.rate = part("rate");
    limit.burst = part("burst");
    limit.concurrency = part("concurrency");
    if (limit.rate.is_constant() && one["rate"].present()) one["rate"].rate();
    limits.push_back(std::move(limit));
  }
  return limits;
}

}  // namespace chatrelay::destinations::connector
