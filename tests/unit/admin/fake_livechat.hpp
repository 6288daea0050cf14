// LiveChat's Configuration API in memory, as its documentation tells it, with the relay's hook beside it: what
// admin/livechat talks to in these tests. It remembers every call, and can be told to answer one of them badly.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "admin/livechat/configuration_api.hpp"
#include "common/json.hpp"

namespace chatrelay::admin::test {

struct FakeLivechat {
  struct Kept {
    livechat::Registration registration;
    std::string secret;
    json::object body;
  };

  std::vector<Kept> kept;
  std::vector<std::string> calls;  // actions, in order; "hook" for a question to the relay
  std::vector<http::ClientRequest> requests;
  std::map<std::string, std::string> bots;      // id → name
  std::map<std::string, std::string> statuses;  // of bots
  std::set<std::string> hook_secrets{"secret-one-0123456789"};
  bool hook_answers = true;
  bool license_enabled = true;
  int next_id = 1;
  std::map<std::string, std::deque<http::ClientResponse>> bad;  // by action: answered once each, before the good one
  std::function<void(const std::string& action)> before;        // what happens meanwhile

  static http::ClientResponse answer(int status, const json::value& body) {
    http::ClientResponse response;
    response.progress = http::Progress::answered;
    response.status = status;
    response.body = json::serialize(body);
    return response;
  }
  static http::ClientResponse error(int status, const std::string& type, const std::string& message = "no",
                                    const json::object& data = {}) {
    return answer(status, json::object{{"error", {{"type", type}, {"message", message}, {"data", data}}}});
  }

  http::ClientResponse handle(const http::ClientRequest& request) {
    requests.push_back(request);
    const json::value body = *parse_json(request.body);
    if (request.url.find("/hooks/") != std::string::npos) return hook(body);
    const std::string action = request.url.substr(request.url.rfind('/') + 1);
    calls.push_back(action);
    if (before) before(action);
    if (auto& waiting = bad[action]; !waiting.empty()) {
      http::ClientResponse response = waiting.front();
      waiting.pop_front();
      return response;
    }
    return api(action, body);
  }

  std::size_t count(const std::string& action) const {
    return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), action));
  }
  std::size_t changes() const {
    return count("register_webhook") + count("unregister_webhook") + count("enable_license_webhooks") +
           count("create_bot") + count("set_routing_status");
  }
  std::vector<std::string> secrets_of(const std::string& action) const {
    std::vector<std::string> out;
    for (const Kept& one : kept)
      if (one.registration.action == action) out.push_back(one.secret);
    return out;
  }

 private:
  http::ClientResponse hook(const json::value& body) {
    calls.emplace_back("hook");
    if (!hook_answers) {
      http::ClientResponse response;
      response.error = "Connection refused";
      return response;
    }
    return answer(hook_secrets.count(*string_at(body, "secret_key")) != 0 ? 200 : 401, json::object{});
  }

  http::ClientResponse api(const std::string& action, const json::value& body) {
    if (action == "list_webhook_names") return answer(200, names());
    if (action == "list_webhooks") return answer(200, listed());
    if (action == "register_webhook") return add(body);
    if (action == "unregister_webhook") return remove(*string_at(body, "id"));
    if (action == "get_license_webhooks_state")
      return answer(200, json::object{{"license_webhooks_enabled", license_enabled}});
    if (action == "enable_license_webhooks") {
      license_enabled = true;
      http::ClientResponse empty = answer(200, nullptr);
      empty.body.clear();  // "No response payload (200 OK)"
      return empty;
    }
    if (action == "create_bot") return create_bot(*string_at(body, "name"));
    if (action == "list_bots" || action == "list_routing_statuses") return answer(200, listed_bots(action));
    if (action == "set_routing_status") {
      statuses[*string_at(body, "agent_id")] = *string_at(body, "status");
      return answer(200, json::object{});
    }
    return error(404, "not_found");
  }

  static json::array names() {
    const json::array data{"chat_properties", "chat_presence_user_ids"};
    return {
        json::object{
            {"action", "incoming_chat"}, {"filters", {"chat_presence", "only_my_chats"}}, {"additional_data", data}},
        json::object{{"action", "incoming_event"},
                     {"filters", {"chat_presence", "author_type", "only_my_chats"}},
                     {"additional_data", data}},
        json::object{{"action", "routing_status_set"}, {"filters", {"agent_ids", "source_type"}}}};
  }

  json::array listed() const {
    json::array out;
    for (const Kept& one : kept)
      out.push_back(json::object{{"id", one.registration.id},
                                 {"url", one.registration.url},
                                 {"description", one.registration.description},
                                 {"action", one.registration.action},
                                 {"type", one.registration.type},
                                 {"owner_client_id", "client"}});
    return out;
  }

  http::ClientResponse add(const json::value& body) {
    Kept one;
    one.registration = {"id" + std::to_string(next_id++), *string_at(body, "action"), *string_at(body, "type"),
                        *string_at(body, "url"), *string_at(body, "description")};
    one.secret = *string_at(body, "secret_key");
    one.body = body.as_object();
    const auto same = [&](const Kept& other) { return other.registration.action == one.registration.action; };
    if (std::count_if(kept.begin(), kept.end(), same) >= 3) return error(400, "limit_reached", "Limit reached");
    kept.push_back(one);
    return answer(200, json::object{{"id", one.registration.id}});
  }

  http::ClientResponse remove(const std::string& id) {
    const auto found =
        std::find_if(kept.begin(), kept.end(), [&](const Kept& one) { return one.registration.id == id; });
    if (found == kept.end()) return error(404, "not_found", "Not found");
    kept.erase(found);
    return answer(200, json::object{});
  }

  http::ClientResponse create_bot(const std::string& name) {
    const std::string id = "bot" + std::to_string(next_id++);
    bots[id] = name;
    statuses[id] = "offline";
    return answer(200, json::object{{"id", id}, {"secret", "the-bots-own-secret"}});
  }

  json::array listed_bots(const std::string& action) const {
    json::array out;
    for (const auto& [id, name] : bots)
      if (action == "list_bots")
        out.push_back(json::object{{"id", id}, {"name", name}, {"owner_client_id", "client"}});
      else
        out.push_back(json::object{{"agent_id", id}, {"status", statuses.at(id)}});
    return out;
  }
};

}  // namespace chatrelay::admin::test
