// The door of Live Helper Chat's REST API, as requests meet it: origins, methods, formats, accounts and limits around
// the handlers; who is online; the serving keys; the document of what is served.
#include <algorithm>
#include <chrono>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "systems/livehelperchat/endpoints/swagger.hpp"
#include "systems/livehelperchat/serving_keys.hpp"
#include "unit/systems/livehelperchat_front_support.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {
namespace {

using ::testing::HasSubstr;

constexpr const char* usual_keys = R"(system: livehelperchat
serve: true
accounts: [{user: admin, key: "k:e:y"}, {user: jo, key: another-key, departments: [2], permissions: ["lhchat,use"]}]
departments: [{id: 1, name: Sales}, {id: 2, name: "Support č", hidden: true}]
limits: {per_key: 20/min, per_address: 3/min}
)";

class FrontDoor : public Front {
 protected:
  FrontDoor() { serve(usual_keys); }

  http::Request from(const std::string& user, const std::string& key, const std::string& target) {
    http::Request made = request("GET", target);
    made.message.set("Authorization", "Basic " + base64_encode(user + ":" + key));
    return made;
  }
  http::Response get(const std::string& target) { return answer(request("GET", target)); }
};

TEST_F(FrontDoor, SaysWhoIsOnlineUnderEveryForm) {
  for (const char* path : {"/restapi/isonline", "/index.php/restapi/isonline", "/site_admin/restapi/isonline",
                           "/xx/restapi/isonline", "//restapi//isonline?"}) {
    EXPECT_EQ(get(path).body, R"({"isonline":false})") << path;
    EXPECT_EQ(get(path).content_type, "application/json");
  }
  board.set_user(7, true);
  EXPECT_EQ(get("/restapi/isonline").body, R"({"isonline":true})");
  EXPECT_EQ(get("/restapi/isonlineuser/7").body, R"({"isonline":true})");
  EXPECT_EQ(get("/restapi/isonlineuser/8").body, R"({"isonline":false})");
  EXPECT_EQ(get("/restapi/isonlineuser").body, R"({"isonline":false})");
  EXPECT_EQ(answer(request("POST", "/restapi/isonline")).body, R"({"isonline":true})");
  const http::Response none = get("/restapi/isonlinechat/5388");
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(none.body, R"({"error":true,"result":"Chat could not be found!"})");
}

TEST_F(FrontDoor, ItsAnswersMayBeKept) {
  const http::Response offline = get("/restapi/isonline");
  EXPECT_THAT(header(offline, "Cache-Control"), HasSubstr("max-age="));
  http::Request again = request("GET", "/restapi/isonline");
  again.message.set("If-None-Match", "\"x\", W/" + header(offline, "ETag"));
  EXPECT_EQ(answer(again).status, 304);
  EXPECT_EQ(answer(again).body, "");
  board.set_user(7, true);
  EXPECT_EQ(answer(again).status, 200);
  EXPECT_NE(header(get("/restapi/isonline"), "ETag"), header(offline, "ETag"));
  serve(std::string(usual_keys) + "status_cache: 0s\n");
  EXPECT_EQ(header(get("/restapi/isonline"), "Cache-Control"), "no-cache");
}

TEST_F(FrontDoor, SpeaksJsonpAndXml) {
  const http::Response jsonp = get("/index.php/restapi/isonline?callback=loadCallBack&_=17");
  EXPECT_EQ(jsonp.body, R"(loadCallBack({"isonline":false}))");
  EXPECT_EQ(jsonp.content_type, "application/javascript; charset=utf-8");
  EXPECT_THAT(get("/restapi/isonline?format=xml").body, HasSubstr("<isonline>false</isonline>"));
  const http::Response refused = get("/restapi/isonline?callback=alert(1);//");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.content_type, "application/json");
  EXPECT_EQ(get("/restapi/isonline?a=%zz").status, 400);
}

TEST_F(FrontDoor, KnowsItsViewsAndMethods) {
  EXPECT_EQ(get("/restapi/nothing").status, 404);
  EXPECT_EQ(get("/restapi").status, 404);
  EXPECT_EQ(get("/other").status, 404);
  const http::Response wrong = answer(request("PATCH", "/restapi/departments"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(header(wrong, "Allow"), "OPTIONS, GET, HEAD");
  EXPECT_EQ(answer(request("HEAD", "/restapi/isonline")).status, 200);
}

TEST_F(FrontDoor, TellsEverybodysScripts) {
  http::Request asked = request("GET", "/restapi/isonline");
  asked.message.set("Origin", "https://any.example");
  const http::Response told = answer(asked);
  EXPECT_EQ(header(told, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header(told, "Access-Control-Allow-Headers"),
            "Origin, X-Requested-With, Content-Type, Accept, API-Key, Authorization");
  asked = request("OPTIONS", "/restapi/addmsguser");
  asked.message.set("Origin", "https://any.example");
  EXPECT_EQ(header(answer(asked), "Access-Control-Allow-Methods"), "-");
  asked.message.set("Access-Control-Request-Method", "POST");
  asked.message.set("Access-Control-Request-Headers", "x-mine");
  const http::Response preflight = answer(asked);
  EXPECT_EQ(preflight.status, 200);
  EXPECT_EQ(preflight.body, "");
  EXPECT_EQ(header(preflight, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header(preflight, "Access-Control-Allow-Methods"), "GET, POST, OPTIONS, PUT, DELETE");
  EXPECT_EQ(header(preflight, "Access-Control-Allow-Headers"), "x-mine");
  EXPECT_EQ(header(preflight, "Access-Control-Max-Age"), "1728000");
}

TEST_F(FrontDoor, TellsConfiguredSitesAlone) {
  serve(std::string(usual_keys) + "origins: [\"https://shop.example\"]\n");
  const auto asked = [&](const std::string& method, const std::string& origin) {
    http::Request made = request(method, "/restapi/isonline");
    made.message.set("Origin", origin);
    made.message.set("Access-Control-Request-Method", "POST");
    return answer(made);
  };
  EXPECT_EQ(header(asked("GET", "https://SHOP.example"), "Access-Control-Allow-Origin"), "https://SHOP.example");
  EXPECT_EQ(asked("POST", "https://chat.example").status, 200) << "our own host";
  for (const char* foreign : {"https://evil.example", "null", "https://shop.example.evil.example"}) {
    EXPECT_EQ(header(asked("GET", foreign), "Access-Control-Allow-Origin"), "-");
    EXPECT_EQ(header(asked("GET", foreign), "Vary"), "Origin");
    EXPECT_EQ(asked("POST", foreign).status, 403);
    EXPECT_EQ(asked("OPTIONS", foreign).status, 403);
    EXPECT_EQ(header(asked("OPTIONS", foreign), "Access-Control-Allow-Methods"), "-");
  }
}

TEST_F(FrontDoor, ListsTheDepartmentsThatAnAccountSees) {
  EXPECT_EQ(answer(from("admin", "k:e:y", "/index.php/restapi/departaments?")).body,
            R"({"list":[{"id":1,"name":"Sales","email":"","identifier":"","priority":0,"disabled":0,"hidden":0},)"
            R"({"id":2,"name":"Support \u010d","email":"","identifier":"","priority":0,"disabled":0,"hidden":1}],)"
            R"("list_count":2,"error":false})");
  EXPECT_EQ(answer(from("jo", "another-key", "/restapi/departments")).body,
            R"({"error":false,"result":[{"id":2,"name":"Support \u010d","email":"","identifier":"","priority":0,)"
            R"("disabled":0,"hidden":1}]})");
  const http::Response nobody = get("/restapi/departments");
  EXPECT_EQ(nobody.status, 400);
  EXPECT_EQ(nobody.body, R"({"error":true,"result":"Authorization header is missing!"})");
  EXPECT_EQ(header(nobody, "Cache-Control"), "no-store");
  EXPECT_EQ(header(nobody, "WWW-Authenticate"), "-");
}

TEST_F(FrontDoor, SetsAnOperatorsStatus) {
  const std::string view = "/index.php/restapi/setoperatorstatus";
  EXPECT_EQ(answer(from("admin", "k:e:y", view + "?status=true&email=op%2B1%40example.com")).body, R"({"offline":0})");
  EXPECT_TRUE(board.user_online(7));
  EXPECT_EQ(answer(from("jo", "another-key", view + "?status=false&user_id=7")).body, R"({"offline":1})")
      << "one's own status";
  EXPECT_FALSE(board.user_online(7));
  EXPECT_EQ(answer(from("admin", "k:e:y", view + "?status=true&user_id=8")).body,
            R"({"error":true,"result":"User could not be found!"})");
  EXPECT_EQ(get(view + "?status=true&user_id=7").body, R"({"error":true,"result":"Authorization header is missing!"})");
  EXPECT_FALSE(board.user_online(7));
}

// The answer says that it is on disk, like every other that changed something.
TEST_F(FrontDoor, AnOperatorsStatusIsKeptWhenItIsAnswered) {
  const auto kept = [this] {
    const auto remembered = *store->open_reader()->remembered(presence::remembered_as);
    const json::value* online = remembered ? find_path(*remembered, {"users", "7", "online"}) : nullptr;
    return online ? json::serialize(*online) : "nothing";
  };
  EXPECT_EQ(kept(), "nothing");
  answer(from("admin", "k:e:y", "/restapi/setoperatorstatus?status=true&user_id=7"));
  EXPECT_EQ(kept(), "true");
  answer(from("admin", "k:e:y", "/restapi/setoperatorstatus?status=false&user_id=7"));
  EXPECT_EQ(kept(), "false");
}

// Who is not counted, or may not call, does not make us read a large body.
TEST_F(FrontDoor, ReadsTheBodiesOfThoseAloneWhoMayCall) {
  std::string body = "{";
  for (int i = 0; body.size() < 500'000; ++i) body += "\"" + std::to_string(i) + "\":[[0]],";
  body += "\"a\":0}";
  const auto took = [](const auto& what) {
    const auto begin = std::chrono::steady_clock::now();
    what();
    return std::chrono::steady_clock::now() - begin;
  };
  const auto reading = took([&] { EXPECT_TRUE(parse_json(body)); });
  const auto answering = took([&] {
    for (int i = 0; i < 20; ++i)
      for (const char* view : {"isonline", "startchat"}) {
        http::Request asked = request("POST", std::string("/restapi/") + view);
        asked.message.set("Content-Type", "application/json");
        asked.message.body() = body;
        answer(std::move(asked));
      }
  });
  EXPECT_LT(answering, reading * 8) << "40 answers";
}

TEST_F(FrontDoor, CountsTheCallsOfAnAccount) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(answer(from("admin", "k:e:y", "/restapi/departments")).status, 200);
  const http::Response over = answer(from("admin", "k:e:y", "/restapi/departments"));
  EXPECT_EQ(over.status, 429);
  EXPECT_EQ(header(over, "Retry-After"), "60");
  EXPECT_THAT(over.body, HasSubstr(R"({"error":true,"result":"Too many requests!)"));
  EXPECT_EQ(answer(from("jo", "another-key", "/restapi/departments")).status, 200);
  clock.advance(Millis{60'000});
  EXPECT_EQ(answer(from("admin", "k:e:y", "/restapi/departments")).status, 200);
}

TEST_F(FrontDoor, CountsCallsWithoutAnAccountButNotIsonline) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(get("/restapi/isonline").status, 200);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/restapi/swagger").status, 200);
  EXPECT_EQ(get("/restapi/swagger").status, 429);
  EXPECT_EQ(answer(from("admin", "k:e:y", "/restapi/departments")).status, 200);
}

TEST_F(FrontDoor, RefusesABodyThatIsTooLarge) {
  http::Request asked = request("POST", "/restapi/isonline");
  asked.message.body() = std::string((1 << 20) + 1, 'a');
  EXPECT_EQ(answer(asked).status, 413);
}

// Exactly what is served: each operation of the document answers, and each route stands in it.
TEST_F(FrontDoor, DescribesWhatItServes) {
  serve(std::string(usual_keys) + "origins: [\"*\"]\n");
  const Result<json::value> document = parse_json(get("/restapi/swagger").body);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->at("openapi"), "3.0.3");
  std::set<std::string> described;
  for (const auto& path : document->at("paths").get_object()) {
    for (const auto& operation : path.value().get_object()) {
      std::string method(operation.key());
      std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
      std::string target(path.key());
      if (const auto open = target.find('{'); open != target.npos) target = target.substr(0, open) + "1";
      const http::Response response = answer(request(method, target));
      EXPECT_NE(response.status, 404) << method << " " << target;
      EXPECT_NE(response.status, 405) << method << " " << target;
      const std::string view = std::string(path.key()).substr(std::string_view("/restapi/").size());
      described.insert(method + " " + view.substr(0, view.find('/')));
    }
  }
  for (const auto& routes :
       {status_routes(), operator_routes(), department_routes(), chat_routes(), message_routes(), tracking_routes()})
    for (const Route& route : routes)
      for (const std::string_view method : route.methods)
        EXPECT_EQ(described.erase(std::string(method) + " " + std::string(route.view)), 1U) << method << route.view;
  EXPECT_THAT(described, ::testing::ElementsAre("GET swagger"));
}

// ---- the serving keys

std::string problems(const std::string& keys) {
  Configured made = configured("system: livehelperchat\nserve: true\n" + keys);
  if (made.config.sources.empty()) return "no source";
  check_serving(made.config.sources[0], made.config, made.problems);
  std::string text;
  for (const config::Problem& problem : made.problems.list())
    if (!problem.warning) text += problem.message + "\n";
  return text;
}

TEST(ServingKeys, AreReadWhole) {
  const Configured made = configured(std::string(usual_keys) + "message_length_max: 1000\nstatus_cache: 30s\n");
  const Serving serving = read_serving(made.config.sources[0]);
  EXPECT_EQ(problems("accounts: [{user: a, key: abcdef}]"), "");
  EXPECT_FALSE(made.problems.has_errors()) << made.problems.to_string();
  ASSERT_EQ(serving.accounts.size(), 2U);
  EXPECT_TRUE(serving.accounts[0].all_permissions);
  EXPECT_FALSE(serving.accounts[1].all_permissions);
  EXPECT_EQ(serving.limits.per_key.count, 20);
  EXPECT_EQ(serving.message_length_max, 1000);
  EXPECT_EQ(serving.status_cache, Millis{30'000});
  EXPECT_EQ(serving.department_number("Sales"), 1);
  EXPECT_EQ(serving.department_number("5"), 5);
  EXPECT_EQ(serving.department_number("5x"), std::nullopt);
}

// The receiving side must know each key, or it would call it a typing error.
TEST(ServingKeys, AreKnownToTheReceivingSide) {
  const std::string everything = std::string(usual_keys) +
                                 "hosts: [chat.example]\norigins: [\"*\"]\nmessage_length_max: 9\nstatus_cache: 1s\n"
                                 "tracking: {enabled: true}\n";
  const Configured made = configured(everything);
  std::set<std::string> known(serving_keys().begin(), serving_keys().end());
  for (const std::string& key : made.config.sources.at(0).node.keys())
    EXPECT_TRUE(key == "system" || known.contains(key)) << key;
  known.erase("serve");
  for (const std::string& key : known) EXPECT_TRUE(made.config.sources.at(0).node[key].present()) << key;
}

TEST(ServingKeys, TellEverythingThatIsWrong) {
  EXPECT_THAT(problems("accounts: [{user: a}]"), HasSubstr("nobody could use it"));
  EXPECT_THAT(problems("accounts: [{key: abcdef}]"), HasSubstr("user"));
  EXPECT_THAT(problems("accounts: [{user: \"a:b\", key: abcdef}]"), HasSubstr("colon"));
  EXPECT_THAT(problems("accounts: [{user: a, key: abcdef}, {user: a, key: ghijkl}]"), HasSubstr("twice"));
  EXPECT_THAT(problems("accounts: [{user: a, key: abcdef, key_hash: nonsense}]"), HasSubstr("one key"));
  EXPECT_THAT(problems("accounts: [{user: a, key_hash: nonsense}]"), HasSubstr("chatrelay hash"));
  EXPECT_THAT(problems("accounts: [{user: a, key: \"\"}]"), HasSubstr("empty"));
  EXPECT_THAT(problems("accounts: [{user: a, key: abcdef, permissions: [use]}]"), HasSubstr("lhchat,use"));
  EXPECT_THAT(problems("accounts: [{user: a, key: abcdef, kye: x}]"), HasSubstr("kye"));
  EXPECT_THAT(problems("accounts: [text]"), HasSubstr("must be a map"));
  EXPECT_THAT(problems("accounts: [{user: a, key: abcdef, departments: [3]}]\ndepartments: [{id: 1, name: x}]"),
              HasSubstr("none of departments"));
  EXPECT_THAT(problems("departments: [{id: 1, name: a}, {id: 1, name: b}]"), HasSubstr("twice"));
  EXPECT_THAT(problems("departments: [{name: a}]"), HasSubstr("missing"));
  EXPECT_THAT(problems("origins: [shop.example]"), HasSubstr("must be an origin"));
  EXPECT_THAT(problems("limits: {per_kye: 1/s}"), HasSubstr("per_key"));
  EXPECT_THAT(problems("status_cache: 2h"), HasSubstr("At most 1h"));
  EXPECT_THAT(problems("tracking: {enbaled: false}"), HasSubstr("enbaled"));
  EXPECT_THAT(problems("tracking: {ignore_addresses: [10.0.0.0/8, shop.example]}"), HasSubstr("no address"));
  EXPECT_THAT(problems("tracking: {ignore_departments: [0]}"), HasSubstr("ignore_departments"));
  EXPECT_THAT(problems("tracking: [6]"), HasSubstr("must be a map"));
  const std::string several = problems("accounts: [{user: a}, {user: \"b:\", key: abcdef}]\norigins: [x]");
  EXPECT_EQ(std::ranges::count(several, '\n'), 3) << several;
}

}  // namespace
}  // namespace chatrelay::systems::livehelperchat::endpoints
