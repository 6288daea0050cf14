#include "unit/admin/api_fixture.hpp"

namespace chatrelay::admin::test {
namespace {

using ApiSecurity = ApiFixture;

TEST_F(ApiSecurity, a_request_from_the_page_of_another_site_is_refused_whatever_it_asks) {
  for (const std::string origin :
       {"https://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1:8081.evil.example", ""}) {
    EXPECT_EQ(call("GET", "/api/version", "", {{"Origin", origin}}).status, 403) << origin;
    EXPECT_EQ(call("POST", "/api/reload", "{}", {{"Origin", origin}}).status, 403) << origin;
    EXPECT_EQ(call("GET", "/healthz", "", {{"Origin", origin}}).status, 403) << origin;
  }
}

TEST_F(ApiSecurity, a_request_from_its_own_page_is_served) {
  EXPECT_EQ(call("GET", "/api/version", "", {{"Origin", "http://127.0.0.1:8081"}}).status, 200);
}

TEST_F(ApiSecurity, the_token_is_asked_for_everywhere_but_at_the_health_checks) {
  token = "correct-horse-battery";
  for (const char* path : {"/api/version", "/metrics", "/api/events", "/api/events/tail", "/nothing"}) {
    const auto response = call("GET", path);
    EXPECT_EQ(response.status, 401) << path;
    EXPECT_EQ(response.body.find(token), std::string::npos);
  }
  EXPECT_EQ(call("POST", "/api/reload", "{}").status, 401);
  EXPECT_EQ(call("GET", "/healthz").status, 200);
  EXPECT_EQ(call("GET", "/readyz").status, 200);
}

TEST_F(ApiSecurity, only_the_right_token_as_bearer_is_taken) {
  token = "correct-horse-battery";
  EXPECT_EQ(call("GET", "/api/version", "", {{"Authorization", "Bearer correct-horse-battery"}}).status, 200);
  EXPECT_EQ(call("GET", "/api/version", "", {{"Authorization", "bearer correct-horse-battery"}}).status, 200);
  for (const char* wrong : {"Bearer correct-horse-batter", "Bearer correct-horse-battery2", "Bearer ", "Bearer",
                            "correct-horse-battery", "Basic correct-horse-battery", "B"})
    EXPECT_EQ(call("GET", "/api/version", "", {{"Authorization", wrong}}).status, 401) << wrong;
}

TEST_F(ApiSecurity, a_change_must_be_json_by_its_content_type) {
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonx"})
    EXPECT_EQ(call("POST", "/api/destinations/crm/pause", "{}", {{"Content-Type", type}}).status, 415) << type;
  EXPECT_TRUE(switched.empty());
  EXPECT_EQ(call("POST", "/api/reload", "{}", {{"Content-Type", "Application/JSON; charset=utf-8"}}).status, 200);
}

TEST_F(ApiSecurity, errors_are_json_also_where_nothing_is) {
  EXPECT_FALSE(error_of(get("/api/nothing", 404)).empty());
  const auto response = call("POST", "/api/events", "{}");
  EXPECT_EQ(response.status, 405);
  EXPECT_FALSE(error_of(checked(response, 405)).empty());
  EXPECT_FALSE(error_of(checked(call("GET", "/api/events/%zz"), 400)).empty());
}

TEST_F(ApiSecurity, a_get_changes_nothing) {
  add_destination("crm");
  EXPECT_EQ(call("GET", "/api/destinations/crm/pause").status, 405);
  EXPECT_EQ(call("GET", "/api/reload").status, 405);
  EXPECT_EQ(call("GET", "/api/replay").status, 405);
  EXPECT_TRUE(switched.empty());
}

TEST_F(ApiSecurity, answers_are_not_cached) {
  const auto response = call("GET", "/api/version");
  const std::pair<std::string, std::string> no_store("Cache-Control", "no-store");
  EXPECT_NE(std::find(response.headers.begin(), response.headers.end(), no_store), response.headers.end());
}

TEST_F(ApiSecurity, a_body_that_is_no_json_object_is_named) {
  EXPECT_NE(error_of(checked(call("POST", "/api/replay", "[1]"), 400)).find("object"), std::string::npos);
  EXPECT_NE(error_of(checked(call("POST", "/api/replay", "{"), 400)).find("JSON"), std::string::npos);
  EXPECT_NE(error_of(checked(call("POST", "/api/replay?event=1", "{}"), 400)).find("body"), std::string::npos);
}

TEST_F(ApiSecurity, a_page_of_another_site_cannot_fetch_unseen) {
  const std::string path = "/api/events/tail";
  EXPECT_EQ(call("GET", path, "", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "no-cors"}}).status, 403);
  EXPECT_EQ(call("GET", "/metrics", "", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}}).status,
            200);
  EXPECT_EQ(call("GET", "/metrics", "", {{"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Mode", "navigate"}}).status, 200);
}

TEST_F(ApiSecurity, a_read_that_throws_is_an_error_of_that_request_alone) {
  store.data.throws = true;
  const auto response = call("GET", "/api/events");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("half an event"), std::string::npos);
  store.data.throws = false;
  EXPECT_EQ(call("GET", "/api/events").status, 200);
}

TEST(AdminHosts, loopback_is_known_by_its_names_and_every_address_by_any) {
  config::Listen listen;
  listen.admin.host = "127.0.0.1";
  const auto hosts = admin_hosts(listen);
  for (const char* name : {"localhost", "127.0.0.1", "[::1]"})
    EXPECT_NE(std::find(hosts.begin(), hosts.end(), name), hosts.end()) << name;
  EXPECT_EQ(std::find(hosts.begin(), hosts.end(), "evil.example"), hosts.end());
  listen.admin.host = "0.0.0.0";
  EXPECT_TRUE(admin_hosts(listen).empty());
  listen.admin.host = "fd00::1";
  const auto v6 = admin_hosts(listen);
  EXPECT_NE(std::find(v6.begin(), v6.end(), "[fd00::1]"), v6.end());
}

}  // namespace
}  // namespace chatrelay::admin::test
