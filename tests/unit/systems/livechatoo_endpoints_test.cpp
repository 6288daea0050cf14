// What we serve for Livechatoo: the script, and the verification of identities against a website on loopback.
#include "systems/livechatoo/endpoints/livechatoo_endpoints.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "common/log.hpp"
#include "store/memory/memory_store.hpp"
#include "systems/livechatoo/endpoints/bridge.hpp"
#include "systems/livechatoo/endpoints/identity_answer.hpp"
#include "systems/livechatoo/endpoints/identity_cache.hpp"
#include "systems/livechatoo/endpoints/identity_lookup.hpp"
#include "systems/livechatoo/endpoints/identity_request.hpp"
#include "systems/livechatoo/endpoints/identity_token.hpp"
#include "systems_support.hpp"

namespace chatrelay::systems::livechatoo::endpoints {
namespace {

namespace asio = boost::asio;
using chatrelay::testing::no_environment;
using chatrelay::testing::now;

const std::string secret = "token-secret-0123456789";

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "-";
}

// --- the script

http::Request asked(const std::string& method, const std::string& target) {
  http::Request request;
  request.message.method_string(method);
  request.message.target(target);
  request.message.set("Host", "relay.example");
  request.remote = "192.0.2.1";
  return request;
}

TEST(LivechatooBridge, holds_the_sources_name_and_hook_and_is_a_script) {
  ASSERT_EQ(embedded_scripts().size(), 1u);
  const std::string_view script = embedded_scripts()[0].text;
  EXPECT_EQ(script,
            chatrelay::testing::read_text(std::string(CHATRELAY_SOURCE_DIR) + "/src/systems/livechatoo/bridge.js"));
  const Bridge bridge(script, "shop", "</script><!--");
  EXPECT_NE(bridge.text().find("\"hook\":\"/hooks/shop\""), std::string::npos);
  EXPECT_EQ(bridge.text().find("@chatrelay_settings@"), std::string::npos);
  EXPECT_EQ(bridge.text().find("</script>"), std::string::npos);
}

TEST(LivechatooBridge, is_kept_by_browsers_until_it_changes) {
  const Bridge bridge("var settings = \"@chatrelay_settings@\";", "shop", "");
  http::Request request = asked("GET", "/livechatoo/bridge.js");
  const http::Response first = bridge.answer(request);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.content_type, "text/javascript; charset=utf-8");
  EXPECT_NE(header(first, "Cache-Control").find("max-age=300"), std::string::npos);
  EXPECT_EQ(header(first, "Access-Control-Allow-Origin"), "*");
  for (const std::string& known : {bridge.etag(), "W/" + bridge.etag(), "\"x\", " + bridge.etag(), std::string("*")}) {
    request.message.set("If-None-Match", known);
    EXPECT_EQ(bridge.answer(request).status, 304) << known;
    EXPECT_EQ(bridge.answer(request).body, "");
  }
  request.message.set("If-None-Match", "\"x\"");
  EXPECT_EQ(bridge.answer(request).status, 200);
  EXPECT_NE(Bridge("var settings = \"@chatrelay_settings@\";", "other", "").etag(), bridge.etag());
}

// --- tokens

std::string jwt(const std::string& claims, const std::string& key = secret,
                const std::string& head = "{\"alg\":\"HS256\"}") {
  const std::string text = base64url_encode(head) + "." + base64url_encode(claims);
  const Digest digest = hmac_sha256(key, text);
  return text + "." + base64url_encode(as_text(digest));
}

std::string claims(long long exp_s, const std::string& more = "") {
  return "{\"exp\":" + std::to_string(exp_s) + more + "}";
}

TEST(LivechatooToken, takes_what_the_website_signed_and_nothing_else) {
  TokenRules rules;
  rules.secrets.emplace_back("older-secret-0123456789");
  rules.secrets.emplace_back(secret);
  const long long s = to_ms(now) / 1000;
  const std::string good = claims(s + 600, ",\"name\":\"Ann\",\"iat\":1,\"jti\":\"x\"");
  const auto verified = verify_token(rules, jwt(good), now);
  ASSERT_TRUE(verified);
  EXPECT_EQ(json::serialize(*verified), "{\"name\":\"Ann\"}");
  EXPECT_TRUE(verify_token(rules, jwt(good, "older-secret-0123456789"), now));
  // The example of RFC 7515, appendix A.1: signed rightly, long over.
  EXPECT_FALSE(verify_token(rules, jwt(claims(1300819380)), now));
  EXPECT_FALSE(verify_token(rules, jwt(good, "another-secret-0123456"), now));
  EXPECT_FALSE(verify_token(rules, jwt(good, ""), now));
  for (const char* head : {"{\"alg\":\"none\"}", "{\"alg\":\"HS512\"}", "{}", "[]", "{\"alg\":\"hs256\"}",
                           "{\"alg\":\"HS256\",\"crit\":[\"b64\"]}", "x"})
    EXPECT_FALSE(verify_token(rules, jwt(good, secret, head), now)) << head;
  for (const std::string& text :
       {std::string("{}"), claims(s - 31), claims(s + 24 * 3600 + 31), std::string("{\"exp\":\"x\"}"),
        std::string("{\"exp\":1e300}"), std::string("[]"), std::string("x"),
        claims(s + 600, ",\"nbf\":" + std::to_string(s + 60)), claims(s + 600, ",\"nbf\":\"x\"")})
    EXPECT_FALSE(verify_token(rules, jwt(text), now)) << text;
  EXPECT_TRUE(verify_token(rules, jwt(claims(s - 29)), now)) << "two clocks";
  const std::string token = jwt(good);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto claimed = verify_token(rules, changed, now);
    // The last character of a signature holds two bits that say nothing.
    if (i + 1 < token.size()) {
      EXPECT_FALSE(claimed) << i;
    }
  }
  for (const std::string& text : {std::string(), std::string("."), std::string(".."), token + ".", token + "=",
                                  token.substr(1), std::string(5000, 'a') + "..", " " + token})
    EXPECT_FALSE(verify_token(rules, text, now)) << text;
}

// --- the request to the website

TEST(LivechatooLookup, puts_the_value_where_it_belongs_and_nowhere_else) {
  Lookup lookup;
  lookup.url = "https://shop.example/who?a=1";
  lookup.name = "session id";
  auto request = lookup_request(lookup, "PHPSESSID=a&b=c#d é");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "https://shop.example/who?a=1&session%20id=PHPSESSID%3Da%26b%3Dc%23d%20%C3%A9");
  EXPECT_EQ(request->method, "GET");
  lookup.place = Place::form;
  EXPECT_EQ(lookup_request(lookup, "a&b")->body, "session%20id=a%26b");
  lookup.place = Place::json;
  EXPECT_EQ(lookup_request(lookup, "a\"b")->body, "{\"session id\":\"a\\\"b\"}");
  for (const Place place : {Place::query, Place::form, Place::json, Place::header, Place::cookie}) {
    lookup.place = place;
    lookup.name = "PHPSESSID";
    EXPECT_FALSE(lookup_request(lookup, "a\r\nX: y"));
    EXPECT_FALSE(lookup_request(lookup, std::string("a\0b", 3)));
    EXPECT_FALSE(lookup_request(lookup, "  ")) << "a website that is asked for nobody may answer for itself";
  }
}

TEST(LivechatooLookup, a_cookie_is_one_of_that_name) {
  Lookup lookup;
  lookup.url = "https://shop.example/who";
  lookup.place = Place::cookie;
  lookup.name = "PHPSESSID";
  for (const char* value : {"abc", "PHPSESSID=abc"}) {
    const auto request = lookup_request(lookup, value);
    ASSERT_TRUE(request) << value;
    EXPECT_EQ(*http::find_header(request->headers, "Cookie"), "PHPSESSID=abc");
  }
  for (const char* value :
       {"admin=1", "PHPSESSID=a; admin=1", "a b", "PHPSESSID=", "a,b", "a\"b", "PHPSESSID=\xC3\xA9"})
    EXPECT_FALSE(lookup_request(lookup, value)) << value;
}

TEST(LivechatooLookup, tells_nobody_from_no_answer) {
  http::ClientResponse response;
  EXPECT_EQ(judge(response), Found::unavailable);
  response.progress = http::Progress::answered;
  for (const auto& [status, found] : {std::pair{200, Found::document},
                                      {204, Found::document},
                                      {302, Found::nobody},
                                      {401, Found::nobody},
                                      {403, Found::nobody},
                                      {404, Found::nobody},
                                      {400, Found::unavailable},
                                      {429, Found::unavailable},
                                      {500, Found::unavailable}}) {
    response.status = status;
    EXPECT_EQ(judge(response), found) << status;
  }
}

// --- reading and telling

TEST(LivechatooIdentityCall, finds_the_value_however_it_comes) {
  const auto value = [](std::string_view method, std::string_view query, std::string_view type, std::string_view body,
                        std::string_view parameter = "custom") {
    return read_asked({method, query, type, body}, parameter).value;
  };
  EXPECT_EQ(value("GET", "source=shop&custom=PHPSESSID%3Dabc", "", ""), "PHPSESSID=abc");
  EXPECT_EQ(value("GET", "custom=PHPSESSID=abc", "", ""), "PHPSESSID=abc");
  EXPECT_EQ(value("POST", "", "application/x-www-form-urlencoded", "custom=a%20b"), "a b");
  EXPECT_EQ(value("POST", "custom=query", "application/x-www-form-urlencoded", "custom=body"), "body");
  EXPECT_EQ(value("POST", "custom=query", "", ""), "query");
  EXPECT_EQ(value("POST", "", "application/json; charset=utf-8", "{\"custom\": \"a\"}"), "a");
  EXPECT_EQ(value("POST", "", "application/json", "{\"custom\": {}}"), "");
  EXPECT_EQ(value("GET", "PHPSESSID=a&b=c%26&source=shop&key=k", "", "", "*"), "PHPSESSID=a&b=c&");
  EXPECT_EQ(value("POST", "source=shop", "text/plain", " PHPSESSID=abc\n", "*"), "PHPSESSID=abc");
  EXPECT_EQ(value("GET", "custom=%zz", "", ""), "");
  EXPECT_EQ(read_asked({"GET", "custom=a&key=k%31", "", ""}, "custom").key, "k1");
  // As PHP's curl sends an array.
  const std::string parts =
      "--XyZ\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n"
      "--XyZ\r\ncontent-disposition: form-data; name=\"custom\"\r\nContent-Type: text/plain\r\n\r\nPHPSESSID=a;b\r\n"
      "--XyZ--\r\n";
  EXPECT_EQ(value("POST", "custom=query", "multipart/form-data; boundary=XyZ", parts), "PHPSESSID=a;b");
  EXPECT_EQ(value("POST", "", "Multipart/Form-Data; charset=utf-8; boundary=\"XyZ\"", parts), "PHPSESSID=a;b");
  EXPECT_EQ(value("POST", "", "multipart/form-data; boundary=XyZ", parts, "name"), "");
  for (std::size_t cut = 0; cut < parts.size(); ++cut) {
    const std::string found = value("POST", "", "multipart/form-data; boundary=XyZ", parts.substr(0, cut));
    EXPECT_TRUE(found.empty() || found == "PHPSESSID=a;b") << cut << found;
  }
  for (const char* type : {"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"",
                           "multipart/form-data; boundary=other", "multipart/form-data; boundary=-"})
    EXPECT_EQ(value("POST", "custom=query", type, parts), "query") << type;
}

TEST(LivechatooIdentityAnswer, escapes_everything) {
  const json::value document = json::parse(
      R"({"name": "<script>alert(1)</script> & \"Ann\"\nVerified", "<b>": 5, "gone": null, "list": [1, "<i>"]})");
  const Told told = told_of({document});
  EXPECT_EQ(told.verdict, Verdict::verified);
  IdentityConfig identity;
  const http::Response text = answer_of(identity, told);
  EXPECT_EQ(text.body,
            "Verified\nname: \xE2\x80\xB9script\xE2\x80\xBA"
            "alert(1)\xE2\x80\xB9/script\xE2\x80\xBA & \"Ann\" Verified\n"
            "\xE2\x80\xB9"
            "b\xE2\x80\xBA: 5\nlist: [1,\"\xE2\x80\xB9i\xE2\x80\xBA\"]\n");
  EXPECT_EQ(text.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(header(text, "Cache-Control"), "no-store");
  identity.html = true;
  const http::Response html = answer_of(identity, told);
  EXPECT_EQ(html.body.find("<script>"), std::string::npos);
  EXPECT_NE(html.body.find("<li>name: &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Ann&quot; Verified</li>"),
            std::string::npos)
      << html.body;
  EXPECT_NE(header(html, "Content-Security-Policy"), "-");
}

TEST(LivechatooIdentityAnswer, knows_nobody_from_somebody) {
  EXPECT_EQ(told_of({}).verdict, Verdict::unknown);
  EXPECT_EQ(told_of({json::value(nullptr)}).verdict, Verdict::unknown);
  EXPECT_EQ(told_of({json::value(false)}).verdict, Verdict::unknown);
  for (const char* guest : {"{}", "[]", "\"\"", "\" \"", "{\"user\": null}", "{\"name\": null, \"email\": \"\"}",
                            "{\"loggedIn\": false, \"user\": {\"name\": null, \"groups\": []}}", "[null, {}]"})
    EXPECT_EQ(told_of({json::parse(guest)}).verdict, Verdict::unknown) << guest;
  for (const char* somebody : {"0", "{\"id\": 0}", "{\"name\": null, \"id\": 5}", "[\"Ann\"]", "{\"loggedIn\": true}"})
    EXPECT_EQ(told_of({json::parse(somebody)}).verdict, Verdict::verified) << somebody;
  EXPECT_EQ(told_of({json::value(true)}).verdict, Verdict::verified);
  EXPECT_TRUE(told_of({json::value(true)}).lines.empty());
  EXPECT_EQ(told_of({json::value("Ann")}).lines.at(0).value, "Ann");
  EXPECT_EQ(told_of({json::value(json::array(50, 1))}).lines.size(), 20u);
}

TEST(LivechatooIdentityCache, keeps_the_verified_for_a_while_and_not_too_many) {
  IdentityCache cache(Millis{1'000}, 3);
  Told told;
  const SteadyTime start{};
  cache.put("nobody", told, start);
  EXPECT_EQ(cache.size(), 0u);
  told.verdict = Verdict::verified;
  cache.put("a", told, start);
  EXPECT_TRUE(cache.find("a", start + Millis{999}));
  EXPECT_FALSE(cache.find("b", start));
  EXPECT_FALSE(cache.find("a", start + Millis{1'000}));
  for (int i = 0; i < 5; ++i) cache.put(std::to_string(i), told, start + Millis{i});
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_TRUE(cache.find("4", start + Millis{5}));
  EXPECT_FALSE(cache.find("0", start + Millis{5}));
  IdentityCache none(Millis{0});
  none.put("a", told, start);
  EXPECT_EQ(none.size(), 0u);
}

// --- the whole

class LivechatooIdentity : public ::testing::Test {
 protected:
  // The shop's own website: says whose session a cookie is.
  asio::awaitable<http::Response> website(http::Request& request) {
    ++lookups;
    const std::string_view cookie = request.header("Cookie");
    if (cookie == "PHPSESSID=ann")
      co_return http::Response(200, R"({"user": {"name": "Ann", "mail": "<ann>"}})", "application/json");
    if (cookie == "PHPSESSID=broken") co_return http::Response(200, "<html>", "text/html");
    if (cookie == "PHPSESSID=error") co_return http::Response(500, "{}", "application/json");
    if (cookie == "PHPSESSID=array") co_return http::Response(200, "[1]", "application/json");
    if (cookie == "PHPSESSID=slow") {
      asio::steady_timer timer(context, std::chrono::seconds(30));
      auto waiting = timer.async_wait(asio::use_awaitable);
      co_await std::move(waiting);
    }
    co_return http::Response(200, R"({"user": null})", "application/json");
  }

  void serve(const std::string& identity) {
    http::ServerOptions options;
    options.endpoint = {asio::ip::make_address("127.0.0.1"), 0};
    auto opened = http::Server::create(
        context.get_executor(), options, [this](http::Request& request) { return website(request); }, metrics);
    ASSERT_TRUE(opened.has_value());
    server = std::move(*opened);
    server->start();
    std::string text =
        "sources:\n  shop:\n    system: livechatoo\n    origins: [\"https://shop.example\"]\n" + identity;
    const std::string port = std::to_string(server->local_endpoint().port());
    if (const std::size_t at = text.find("PORT"); at != text.npos) text.replace(at, 4, port);
    config = config::parse_config(text, "test.yaml", problems, no_environment());
    const EndpointKind kind = livechatoo_endpoint_kind();
    kind.check(config.sources.at(0), config, problems);
    ASSERT_FALSE(problems.has_errors()) << problems.to_string();
    const EndpointContext made_with{context.get_executor(), *store, clock, metrics, bell, nullptr, board};
    endpoints = kind.make(config.sources.at(0), made_with);
  }
  static std::string lookup(const std::string& more = "") {
    return "    identity:\n      pace: 20ms\n      answer: .user\n" + more +
           "      lookup: {url: \"http://127.0.0.1:PORT/who\", value_in: \"cookie:PHPSESSID\", allow_private: true, "
           "timeout: 300ms}\n";
  }

  http::Response ask(http::Request request) {
    std::optional<http::Response> got;
    asio::co_spawn(context, run(request, got), asio::detached);
    context.restart();
    while (!got && context.run_one() > 0) {
    }
    return got ? std::move(*got) : http::Response(0);
  }
  asio::awaitable<void> run(http::Request& request, std::optional<http::Response>& got) {
    auto answering = endpoints->handle(request);
    http::Response response = co_await std::move(answering);
    got.emplace(std::move(response));
  }
  http::Response ask(const std::string& query) { return ask(asked("GET", "/livechatoo/identity?" + query)); }

  ~LivechatooIdentity() override {
    endpoints.reset();
    if (!server) return;
    bool drained = false;
    asio::co_spawn(context, server->drain(Millis{100}), [&](std::exception_ptr, bool) { drained = true; });
    context.restart();
    while (!drained && context.run_one() > 0) {
    }
    server.reset();
    context.restart();
    context.poll();  // what the connections that were cut have still to do
  }

  asio::io_context context;
  ManualClock clock{now};
  Metrics metrics;
  RoomBell bell;
  presence::Board board{presence::Settings{}, clock};
  std::unique_ptr<store::Store> store = store::make_memory_store(clock);
  config::Problems problems;
  config::Config config;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<Endpoints> endpoints;
  int lookups = 0;
};

const std::string unknown = "Not verified. Ask the visitor to log in, then verify again.\n";
const std::string unavailable = "Cannot be verified just now. Try again in a minute.\n";

TEST_F(LivechatooIdentity, asks_the_website_and_remembers_only_the_verified) {
  serve(lookup());
  const http::Response ann = ask("custom=PHPSESSID%3Dann");
  EXPECT_EQ(ann.status, 200);
  EXPECT_EQ(ann.body,
            "Verified\nname: Ann\nmail: \xE2\x80\xB9"
            "ann\xE2\x80\xBA\n");
  EXPECT_EQ(lookups, 1);
  EXPECT_EQ(ask("custom=PHPSESSID%3Dann").body, ann.body);
  EXPECT_EQ(lookups, 1) << "remembered";
  EXPECT_EQ(ask("custom=PHPSESSID%3Dbob").body, unknown);
  EXPECT_EQ(ask("custom=PHPSESSID%3Dbob").body, unknown);
  EXPECT_EQ(lookups, 3) << "the visitor may have logged in meanwhile";
  clock.advance(std::chrono::minutes(1));
  ask("custom=PHPSESSID%3Dann");
  EXPECT_EQ(lookups, 4);
  EXPECT_EQ(ask("custom=admin%3D1").body, unknown);
  EXPECT_EQ(ask("").body, unknown);
  EXPECT_EQ(lookups, 4) << "cannot be one of the website's";
}

TEST_F(LivechatooIdentity, says_when_the_website_does_not) {
  serve(lookup());
  for (const char* value : {"broken", "error", "array", "slow"})
    EXPECT_EQ(ask("custom=" + std::string(value)).body, unavailable) << value;
  EXPECT_EQ(ask("custom=ann").body.substr(0, 8), "Verified");
}

TEST_F(LivechatooIdentity, takes_forms_and_json) {
  serve(lookup());
  http::Request form = asked("POST", "/livechatoo/identity?source=shop");
  form.message.set("Content-Type", "application/x-www-form-urlencoded");
  form.message.body() = "custom=PHPSESSID%3Dann";
  EXPECT_EQ(ask(form).body.substr(0, 8), "Verified");
  http::Request large = asked("POST", "/livechatoo/identity");
  large.message.body() = std::string(20'000, 'x');
  EXPECT_EQ(ask(large).status, 413);
}

TEST_F(LivechatooIdentity, who_guesses_gets_few_guesses_and_who_verifies_as_many_as_needed) {
  serve(lookup("      limit: 3/min\n"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask("custom=ann").status, 200) << i;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("custom=guess" + std::to_string(i)).body, unknown);
  const http::Response refused = ask("custom=ann");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "Retry-After"), "60");
  http::Request other = asked("GET", "/livechatoo/identity?custom=ann");
  other.remote = "192.0.2.2";
  EXPECT_EQ(ask(other).status, 200);
  clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(ask("custom=ann").status, 200);
}

TEST_F(LivechatooIdentity, a_wrong_key_is_answered_as_a_wrong_session) {
  serve(lookup("      key: identity-key-0123456789\n"));
  EXPECT_EQ(ask("custom=ann").body, unknown);
  EXPECT_EQ(ask("custom=ann&key=identity-key-0123456780").body, unknown);
  EXPECT_EQ(lookups, 0);
  EXPECT_EQ(ask("custom=ann&key=identity-key-0123456789").body.substr(0, 8), "Verified");
}

TEST_F(LivechatooIdentity, answers_leave_at_the_same_times) {
  serve(lookup());
  for (const char* query : {"custom=ann", "custom=ann", "custom=bob", "custom=", "custom=admin%3D1"}) {
    const auto begin = std::chrono::steady_clock::now();
    ask(query);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, Millis{20}) << query;
  }
}

TEST_F(LivechatooIdentity, verifies_a_token_by_itself) {
  serve(
      "    identity:\n      pace: 1ms\n      format: html\n      texts: {verified: \"<ok>\"}\n      token: {secrets: "
      "[" +
      secret + "]}\n");
  const std::string token = jwt(claims(to_ms(now) / 1000 + 600, ",\"name\":\"<Ann>\""));
  const http::Response response = ask("custom=" + token);
  EXPECT_NE(response.body.find("&lt;ok&gt;"), std::string::npos) << response.body;
  EXPECT_NE(response.body.find("name: &lt;Ann&gt;"), std::string::npos);
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_NE(ask("custom=" + token + "x").body.find("Not verified"), std::string::npos);
  const http::Response bare = ask("custom=" + jwt(claims(to_ms(now) / 1000 + 600)));
  EXPECT_NE(bare.body.find("&lt;ok&gt;"), std::string::npos) << "signed, with nothing to show: " << bare.body;
  EXPECT_EQ(lookups, 0);
  clock.advance(std::chrono::hours(1));
  EXPECT_NE(ask("custom=" + token).body.find("Not verified"), std::string::npos);
}

TEST_F(LivechatooIdentity, the_value_stands_in_no_answer_and_no_metric) {
  serve(lookup());
  for (const char* value : {"s3cr3t-session", "PHPSESSID%3Ds3cr3t-session"}) {
    const http::Response response = ask("custom=" + std::string(value));
    EXPECT_EQ(response.body.find("s3cr3t"), std::string::npos);
    for (const auto& [name, text] : response.headers) EXPECT_EQ(text.find("s3cr3t"), std::string::npos) << name;
  }
  EXPECT_EQ(metrics.prometheus_text().find("s3cr3t"), std::string::npos);
}

TEST_F(LivechatooIdentity, serves_the_script_and_nothing_else) {
  serve("");
  EXPECT_EQ(ask(asked("GET", "/livechatoo/bridge.js?source=shop")).status, 200);
  EXPECT_EQ(ask(asked("HEAD", "/livechatoo/bridge.js")).status, 200);
  EXPECT_EQ(ask(asked("POST", "/livechatoo/bridge.js")).status, 405);
  EXPECT_EQ(ask(asked("GET", "/livechatoo/identity?custom=ann")).status, 404) << "not configured";
  EXPECT_EQ(ask(asked("GET", "/livechatoo/other")).status, 404);
}

TEST(LivechatooIdentityConfig, says_what_is_wrong) {
  const auto told = [](const std::string& identity) {
    config::Problems problems;
    const config::Config config = config::parse_config(
        "sources:\n  shop:\n    system: livechatoo\n    origins: [\"https://shop.example\"]\n    identity: " +
            identity + "\n",
        "test.yaml", problems, no_environment());
    read_identity(config.sources.at(0), problems);
    return problems.to_string();
  };
  EXPECT_NE(told("{answer: .}").find("needs lookup"), std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"https://a\"}, token: {secrets: [0123456789abcdef]}}").find("both"),
            std::string::npos);
  EXPECT_NE(told("{token: {secrets: [short]}}").find("too short"), std::string::npos);
  EXPECT_NE(told("{token: {}}").find("is missing"), std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"ftp://a\"}}").find("must begin with"), std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"https://a\", value_in: \"cookie:a b\"}}").find("it must be query:NAME"),
            std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"https://a\", value_in: \"form:a\", method: GET}}").find("is GET, but"),
            std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"https://a\", headers: {\"a b\": c}}}").find("is not a header"), std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"https://a\", timeout: 2m}}").find("between"), std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"https://a\"}, answer: \".user |\"}").find("is not"), std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"https://a\"}, answer: env}").find("not available"), std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"https://a\"}, parameter: key}").find("another meaning"), std::string::npos);
  EXPECT_NE(told("{token: {secrets: [0123456789abcdef]}, cache: 1m}").find("belongs to lookup"), std::string::npos);
  EXPECT_NE(told("{lookup: {url: \"https://a\"}, colour: red}").find("colour"), std::string::npos);
}

}  // namespace
}  // namespace chatrelay::systems::livechatoo::endpoints
