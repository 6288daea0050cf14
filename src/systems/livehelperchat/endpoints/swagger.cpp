#include "systems/livehelperchat/endpoints/swagger.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "common/text.hpp"
#include "systems/livehelperchat/endpoints/serving.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

using In = Parameter::In;

json::object schema_of(std::string_view type) {
  json::object schema;
  schema["type"] = type;
  if (type == "array") schema["items"] = json::object();
  return schema;
}

json::object parameter_of(const Parameter& parameter, std::string_view in) {
  json::object described;
  described["name"] = parameter.name;
  described["in"] = in;
  described["required"] = parameter.required || in == "path";
  if (!parameter.about.empty()) described["description"] = parameter.about;
  described["schema"] = schema_of(parameter.type);
  return described;
}

std::string path_of(const Route& route) {
  std::string path = "/restapi/" + std::string(route.view);
  for (const Parameter& parameter : route.parameters)
    if (parameter.in == In::ordered) path.append("/{").append(parameter.name).append("}");
  return path;
}

json::array parameters_of(const Route& route) {
  json::array described;
  for (const Parameter& parameter : route.parameters) {
    if (parameter.in == In::ordered) described.push_back(parameter_of(parameter, "path"));
    if (parameter.in == In::query) described.push_back(parameter_of(parameter, "query"));
  }
  if (!route.formatted) return described;
  described.push_back(
      parameter_of({"callback", In::query, "string", false, "answers JSONP with this function"}, "query"));
  described.push_back(parameter_of({"format", In::query, "string", false, "xml: answers XML"}, "query"));
  return described;
}

json::array unordered_of(const Route& route) {
  json::array described;
  for (const Parameter& parameter : route.parameters) {
    if (parameter.in != In::unordered) continue;
    json::object each;
    each["name"] = parameter.name;
    if (!parameter.about.empty()) each["description"] = parameter.about;
    each["schema"] = schema_of(parameter.type);
    described.push_back(std::move(each));
  }
  return described;
}

// null if there are no fields.
json::value body_of(const Route& route) {
  json::object properties;
  json::array required;
  for (const Parameter& parameter : route.parameters) {
    if (parameter.in != In::field) continue;
    json::object property = schema_of(parameter.type);
    if (!parameter.about.empty()) property["description"] = parameter.about;
    properties[parameter.name] = std::move(property);
    if (parameter.required) required.emplace_back(parameter.name);
  }
  if (properties.empty()) return nullptr;
  json::object schema = schema_of("object");
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  json::object content;
  for (const char* type : {"application/x-www-form-urlencoded", "multipart/form-data", "application/json"})
    content[type] = json::object{{"schema", schema}};
  return json::object{{"content", std::move(content)}};
}

json::object responses_of(const Route& route) {
  const bool fails_with_200 = route.shape == Shape::result || route.shape == Shape::errors;
  json::object responses;
  const auto add = [&responses](const char* status, const char* about) {
    responses[status] = json::object{{"description", about}};
  };
  add("200", fails_with_200 && route.needs_account ? "the answer; failures too, with \"error\": true" : "the answer");
  add("400", fails_with_200 ? "a query that cannot be read, or a callback that is no name" : "the failure");
  if (route.needs_account || route.counted) add("429", "too many requests; see Retry-After");
  add("503", "later; see Retry-After");
  return responses;
}

json::object operation_of(const Route& route, std::string_view method) {
  json::object operation;
  operation["operationId"] = to_lower_ascii(method) + "_" + std::string(route.view);
  if (!route.summary.empty()) operation["summary"] = route.summary;
  if (json::array parameters = parameters_of(route); !parameters.empty())
    operation["parameters"] = std::move(parameters);
  if (json::array unordered = unordered_of(route); !unordered.empty())
    operation["x-unordered-parameters"] = std::move(unordered);
  if (method != "GET" && method != "DELETE")
    if (json::value body = body_of(route); !body.is_null()) operation["requestBody"] = std::move(body);
  operation["responses"] = responses_of(route);
  json::array security;
  if (route.needs_account) security.push_back(json::object{{"basic", json::array()}});
  operation["security"] = std::move(security);
  return operation;
}

json::object info() {
  json::object described;
  described["title"] = "chatrelay: Live Helper Chat's REST API";
  described["version"] = CHATRELAY_VERSION;
  return described;
}

json::array servers() {
  json::array list;
  for (const char* url : {"/", "/index.php", "/site_admin", "/index.php/site_admin"})
    list.push_back(json::object{{"url", url}});
  return list;
}

}  // namespace

json::object describe(const std::vector<Route>& routes) {
  json::object paths;
  for (const Route& route : routes) {
    json::value& path = paths[path_of(route)];
    if (path.is_null()) path.emplace_object();
    for (const std::string_view method : route.methods)
      path.get_object()[to_lower_ascii(method)] = operation_of(route, method);
  }
  json::object basic;
  basic["type"] = "http";
  basic["scheme"] = "basic";
  json::object document;
  document["openapi"] = "3.0.3";
  document["info"] = info();
  document["servers"] = servers();
  document["paths"] = std::move(paths);
  document["components"] = json::object{{"securitySchemes", json::object{{"basic", std::move(basic)}}}};
  return document;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
