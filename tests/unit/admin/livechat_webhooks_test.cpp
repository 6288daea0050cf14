#include <gmock/gmock.h>

#include "admin/livechat/hook_url.hpp"
#include "admin/livechat/registrar.hpp"
#include "admin/livechat/webhook_state.hpp"
#include "unit/admin/fake_livechat.hpp"

namespace chatrelay::admin::test {
namespace {

using namespace livechat;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const std::string address = "https://relay.example/hooks/livechat";
const std::string token = "fra:pat-0123456789abcdef";

struct LivechatWebhooks : testing::Test {
  FakeLivechat fake;
  std::vector<std::string> told;
  std::vector<Millis> slept;
  systems::LivechatApi settings;
  Hook hook{"livechat", address, Secret("secret-one-0123456789")};
  RegisterOptions options;

  LivechatWebhooks() {
    settings.account = "account-1";
    settings.token = Secret(token);
    settings.client_id = "client";
    settings.additional_data = {"chat_properties", "chat_presence_user_ids"};
  }

  Send send = [this](http::ClientRequest request) { return fake.handle(request); };
  Sleep sleep = [this](Millis time) { slept.push_back(time); };
  Say say = [this](const std::string& line) { told.push_back(line); };

  ConfigurationApi api() { return ConfigurationApi("livechat", settings, send, sleep, say); }
  Result<Registered> run() {
    ConfigurationApi made = api();
    return Registrar(hook, made, send, sleep, say).register_all(options);
  }
  Registered registered() {
    const auto done = run();
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return done ? *done : Registered();
  }
  WebhookState state() {
    ConfigurationApi made = api();
    const auto found = look(hook, made, &send);
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return found ? *found : WebhookState();
  }
  std::vector<std::string> warnings() { return warnings_of(state(), hook); }
  void rotate(const std::string& secret) {
    hook.newest = Secret(secret);
    fake.hook_secrets.insert(secret);
  }
  void add_stranger(const std::string& action, const std::string& url = "https://other.example/x",
                    const std::string& description = "their own") {
    fake.kept.push_back({{"s" + std::to_string(fake.next_id++), action, "license", url, description}, "theirs", {}});
  }
};

// ---- registering

TEST_F(LivechatWebhooks, the_first_run_registers_everything_that_is_offered_and_enables_the_licence) {
  fake.license_enabled = false;
  const Registered done = registered();
  EXPECT_EQ(done.added, 3u);
  EXPECT_TRUE(done.enabled_license_webhooks);
  EXPECT_TRUE(fake.license_enabled);
  ASSERT_THAT(fake.kept, SizeIs(3));
  const json::object& body = fake.kept[1].body;
  EXPECT_EQ(body.at("action"), "incoming_event");
  EXPECT_EQ(body.at("url"), json::value(address));
  EXPECT_EQ(body.at("secret_key"), "secret-one-0123456789");
  EXPECT_EQ(body.at("owner_client_id"), "client");
  EXPECT_EQ(body.at("type"), "license");
  EXPECT_EQ(body.at("additional_data"), (json::array{"chat_properties", "chat_presence_user_ids"}));
  EXPECT_FALSE(body.contains("filters"));
  EXPECT_FALSE(fake.kept[2].body.contains("additional_data")) << "routing_status_set is offered none";
  EXPECT_THAT(slept, IsEmpty());
}

TEST_F(LivechatWebhooks, a_second_run_changes_nothing) {
  registered();
  const std::size_t changes = fake.changes();
  const Registered again = registered();
  EXPECT_FALSE(again.changed());
  EXPECT_EQ(again.kept, 3u);
  EXPECT_EQ(fake.changes(), changes);
  EXPECT_THAT(slept, IsEmpty());
}

TEST_F(LivechatWebhooks, only_the_wanted_actions_with_the_filters_that_each_takes) {
  settings.actions = {"incoming_event", "routing_status_set", "incoming_event"};
  settings.filters = {{"author_type", "customer"}, {"source_type", json::array{"other_clients"}}};
  registered();
  ASSERT_THAT(fake.kept, SizeIs(2));
  EXPECT_EQ(fake.kept[0].body.at("filters"),
            (json::object{{"author_type", "customer"}, {"source_type", json::array{"other_clients"}}}));
  EXPECT_EQ(fake.kept[1].body.at("filters"), (json::object{{"source_type", json::array{"other_clients"}}}));
}

TEST_F(LivechatWebhooks, an_action_that_is_not_offered_is_named_with_its_neighbour_and_nothing_is_done) {
  settings.actions = {"incoming_evnt"};
  const auto done = run();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("incoming_event"));
  EXPECT_EQ(fake.changes(), 0u);
}

TEST_F(LivechatWebhooks, a_filter_that_fits_no_action_is_refused_and_not_left_out) {
  settings.actions = {"routing_status_set"};
  settings.filters = {{"author_type", "customer"}};
  const auto done = run();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("api.filters.author_type"));
  EXPECT_EQ(fake.changes(), 0u);
}

TEST_F(LivechatWebhooks, changed_filters_replace_the_registrations_that_take_them) {
  registered();
  settings.filters = {{"author_type", "customer"}};
  const Registered done = registered();
  EXPECT_EQ(done.added, 1u);
  EXPECT_EQ(done.removed, 1u);
  EXPECT_EQ(done.kept, 2u);
  EXPECT_THAT(fake.kept, SizeIs(3));
}

TEST_F(LivechatWebhooks, an_action_that_is_not_wanted_any_more_goes_without_waiting) {
  registered();
  settings.actions = {"incoming_chat"};
  const Registered done = registered();
  EXPECT_EQ(done.removed, 2u);
  EXPECT_EQ(done.added, 0u);
  EXPECT_THAT(fake.kept, SizeIs(1));
  EXPECT_THAT(slept, IsEmpty());
}

TEST_F(LivechatWebhooks, a_dry_run_says_what_it_would_do_and_does_nothing) {
  options.dry_run = true;
  fake.license_enabled = false;
  registered();
  EXPECT_EQ(fake.changes(), 0u);
  EXPECT_EQ(fake.count("hook"), 0u);
  EXPECT_THAT(told, ElementsAre("would register incoming_chat (license)", "would register incoming_event (license)",
                                "would register routing_status_set (license)", "would enable the licence's webhooks"));
}

// ---- what is not ours

TEST_F(LivechatWebhooks, somebody_elses_registrations_are_left_alone_whatever_they_are) {
  add_stranger("incoming_chat");
  add_stranger("incoming_event", address);  // by hand, to our address
  add_stranger("incoming_event", "https://staging.example/hooks/livechat", "chatrelay livechat v3.6 key 0 with 0");
  add_stranger("routing_status_set", address, "chatrelay livechat2 v3.6 key 0 with 0");  // another source
  registered();
  rotate("secret-two-0123456789");
  registered();
  ConfigurationApi made = api();
  EXPECT_EQ(*Registrar(hook, made, send, sleep, say).unregister_all(""), 3u);
  ASSERT_THAT(fake.kept, SizeIs(4));
  for (const auto& one : fake.kept) EXPECT_EQ(one.secret, "theirs");
}

TEST_F(LivechatWebhooks, of_two_alike_the_second_goes) {
  registered();
  fake.kept.push_back(fake.kept[0]);
  fake.kept.back().registration.id = "twin";
  const Registered done = registered();
  EXPECT_EQ(done.removed, 1u);
  EXPECT_EQ(done.added, 0u);
  ASSERT_THAT(fake.kept, SizeIs(3));
  for (const auto& one : fake.kept) EXPECT_NE(one.registration.id, "twin");
  EXPECT_THAT(slept, ElementsAre(propagation)) << "the one that stays may be the younger";
}

TEST_F(LivechatWebhooks, where_all_three_places_are_taken_a_spare_one_of_ours_makes_room) {
  registered();
  for (const char* id : {"old1", "old2"}) {
    fake.kept.push_back(fake.kept[0]);
    fake.kept.back().registration.id = id;
  }
  fake.before = [&](const std::string& action) {
    if (action == "register_webhook") {
      EXPECT_FALSE(fake.secrets_of("incoming_chat").empty()) << "a gap";
    }
  };
  rotate("secret-two-0123456789");
  const Registered done = registered();
  EXPECT_THAT(done.unfinished, IsEmpty());
  EXPECT_THAT(fake.secrets_of("incoming_chat"), ElementsAre("secret-two-0123456789"));
}

TEST_F(LivechatWebhooks, where_others_have_all_places_that_action_is_reported_and_the_others_are_done) {
  for (int i = 0; i < 3; ++i) add_stranger("incoming_chat");
  const Registered done = registered();
  EXPECT_EQ(done.added, 2u);
  ASSERT_THAT(done.unfinished, SizeIs(1));
  EXPECT_THAT(done.unfinished[0], HasSubstr("incoming_chat"));
  EXPECT_THAT(done.unfinished[0], HasSubstr("unregister NAME --id ID"));
}

// ---- a new secret

TEST_F(LivechatWebhooks, a_new_secret_is_registered_beside_the_old_one_and_takes_over_after_the_wait) {
  registered();
  rotate("secret-two-0123456789");
  fake.calls.clear();
  const Registered done = registered();
  EXPECT_EQ(done.added, 3u);
  EXPECT_EQ(done.removed, 3u);
  EXPECT_THAT(slept, ElementsAre(propagation));
  for (const auto& one : fake.kept) EXPECT_EQ(one.secret, "secret-two-0123456789");
  const auto first_removal = std::find(fake.calls.begin(), fake.calls.end(), "unregister_webhook");
  EXPECT_EQ(std::count(fake.calls.begin(), first_removal, "register_webhook"), 3);
  EXPECT_EQ(std::count(fake.calls.begin(), first_removal, "hook"), 2) << "asked before anything, and before removing";
  EXPECT_EQ(std::count(fake.calls.begin(), first_removal, "list_webhooks"), 2);
  EXPECT_EQ(fake.calls.front(), "list_webhook_names");
  EXPECT_LT(std::find(fake.calls.begin(), fake.calls.end(), "hook"),
            std::find(fake.calls.begin(), fake.calls.end(), "register_webhook"));
}

TEST_F(LivechatWebhooks, a_relay_that_refuses_the_new_secret_keeps_everything_as_it_is) {
  registered();
  hook.newest = Secret("secret-two-0123456789");  // the relay was not reloaded
  const std::size_t changes = fake.changes();
  const auto done = run();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("chatrelay reload"));
  EXPECT_EQ(fake.changes(), changes);
}

TEST_F(LivechatWebhooks, old_registrations_stay_while_the_relay_does_not_answer_and_go_with_the_next_run) {
  registered();
  rotate("secret-two-0123456789");
  fake.hook_answers = false;
  const Registered done = registered();
  EXPECT_EQ(done.added, 3u);
  EXPECT_EQ(done.removed, 0u);
  ASSERT_THAT(done.unfinished, SizeIs(1));
  EXPECT_THAT(done.unfinished[0], HasSubstr("--no-probe"));
  EXPECT_THAT(fake.kept, SizeIs(6));

  fake.hook_answers = true;
  const Registered again = registered();
  EXPECT_EQ(again.added, 0u);
  EXPECT_EQ(again.removed, 3u);
  EXPECT_THAT(fake.kept, SizeIs(3));
}

TEST_F(LivechatWebhooks, old_registrations_stay_until_the_new_ones_are_in_the_list) {
  registered();
  rotate("secret-two-0123456789");
  int lists = 0;
  fake.before = [&](const std::string& action) {
    // The answer after the wait is as if nothing had been registered.
    if (action == "list_webhooks" && ++lists == 2)
      fake.bad["list_webhooks"].push_back(FakeLivechat::answer(200, json::array{}));
  };
  const Registered done = registered();
  EXPECT_EQ(done.removed, 0u);
  ASSERT_THAT(done.unfinished, SizeIs(1));
  EXPECT_THAT(done.unfinished[0], HasSubstr("run this again"));
}

TEST_F(LivechatWebhooks, the_old_registration_of_an_action_that_could_not_be_renewed_stays) {
  registered();
  rotate("secret-two-0123456789");
  fake.bad["register_webhook"].push_back(FakeLivechat::error(400, "validation", "`url` is wrong"));
  const Registered done = registered();
  ASSERT_THAT(done.unfinished, SizeIs(1));
  EXPECT_THAT(done.unfinished[0], HasSubstr("`url` is wrong"));
  EXPECT_THAT(fake.secrets_of("incoming_chat"), ElementsAre("secret-one-0123456789"));
  EXPECT_THAT(fake.secrets_of("incoming_event"), ElementsAre("secret-two-0123456789"));
}

TEST_F(LivechatWebhooks, without_the_probe_the_hook_is_never_asked) {
  options.probe = false;
  fake.hook_answers = false;
  registered();
  rotate("secret-two-0123456789");
  EXPECT_EQ(registered().removed, 3u);
  EXPECT_EQ(fake.count("hook"), 0u);
}

TEST_F(LivechatWebhooks, a_relay_that_does_not_run_yet_is_a_warning_the_first_time) {
  fake.hook_answers = false;
  EXPECT_EQ(registered().added, 3u);
  EXPECT_THAT(told.front(), HasSubstr("start the relay"));
}

// ---- bots

TEST_F(LivechatWebhooks, a_bot_is_created_its_webhooks_registered_and_its_status_set_once) {
  options.type = "bot";
  const Registered done = registered();
  EXPECT_TRUE(done.created_bot);
  EXPECT_EQ(done.added, 3u);
  EXPECT_EQ(fake.statuses.at(done.bot_id), "not_accepting_chats");
  EXPECT_EQ(fake.bots.at(done.bot_id), "chatrelay");
  EXPECT_EQ(fake.kept[0].registration.type, "bot");
  EXPECT_LT(std::find(fake.calls.begin(), fake.calls.end(), "create_bot"),
            std::find(fake.calls.begin(), fake.calls.end(), "register_webhook"));
  EXPECT_FALSE(registered().changed());
  EXPECT_THAT(fake.bots, SizeIs(1));
  EXPECT_THAT(told, Not(testing::Contains(HasSubstr("the-bots-own-secret"))));
}

TEST_F(LivechatWebhooks, a_bot_that_is_there_is_used_whatever_way_its_status_is_spelt) {
  fake.bots["b7"] = "chatrelay";
  fake.bots["b8"] = "somebody";
  fake.statuses = {{"b7", "not accepting chats"}, {"b8", "offline"}};
  options.type = "bot";
  const Registered done = registered();
  EXPECT_EQ(done.bot_id, "b7");
  EXPECT_FALSE(done.created_bot);
  EXPECT_FALSE(done.set_routing_status);
  EXPECT_EQ(fake.statuses.at("b8"), "offline");
}

TEST_F(LivechatWebhooks, bot_and_licence_do_not_touch_each_others_registrations) {
  registered();
  options.type = "bot";
  registered();
  options.type = "license";
  EXPECT_FALSE(registered().changed());
  EXPECT_THAT(fake.kept, SizeIs(6));
  ConfigurationApi made = api();
  EXPECT_EQ(*Registrar(hook, made, send, sleep, say).unregister_all("bot"), 3u);
  for (const auto& one : fake.kept) EXPECT_EQ(one.registration.type, "license");
}

// ---- state

TEST_F(LivechatWebhooks, state_says_nothing_when_all_is_well_and_asks_no_bots_where_none_is_used) {
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("nothing is registered")));
  registered();
  EXPECT_THAT(warnings(), IsEmpty());
  EXPECT_EQ(fake.count("list_bots"), 0u);
}

TEST_F(LivechatWebhooks, state_warns_of_a_bot_that_is_offline_or_gone) {
  options.type = "bot";
  const std::string bot = registered().bot_id;
  EXPECT_THAT(warnings(), IsEmpty());
  fake.statuses[bot] = "offline";
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("the bot is offline")));
  fake.bots.clear();
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("the bot is gone")));
}

TEST_F(LivechatWebhooks, state_warns_of_disabled_missing_old_foreign_and_refused) {
  registered();
  fake.kept.erase(fake.kept.begin());
  fake.license_enabled = false;
  add_stranger("incoming_event", address);
  add_stranger("incoming_event", "https://old.example/hooks/livechat", "chatrelay livechat v3.6 key 0 with 0");
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("disabled"), HasSubstr("incoming_chat (license)"),
                                      HasSubstr("another address"), HasSubstr("did not make")));
  fake.license_enabled = true;
  hook.newest = Secret("secret-two-0123456789");
  EXPECT_THAT(warnings(),
              ElementsAre(HasSubstr("missing"), HasSubstr("2 registrations have an older secret"),
                          HasSubstr("another address"), HasSubstr("did not make"), HasSubstr("chatrelay reload")));
}

// ---- how LiveChat is spoken to

TEST_F(LivechatWebhooks, the_token_travels_as_basic_or_bearer_with_its_region_and_is_told_to_nobody) {
  registered();
  const auto& request = fake.requests.front();
  EXPECT_EQ(request.url, "https://api.livechatinc.com/v3.6/configuration/action/list_webhook_names");
  EXPECT_EQ(*http::find_header(request.headers, "authorization"),
            "Basic YWNjb3VudC0xOmZyYTpwYXQtMDEyMzQ1Njc4OWFiY2RlZg==");
  EXPECT_EQ(*http::find_header(request.headers, "x-region"), "fra");
  EXPECT_EQ(redactor::redact("x YWNjb3VudC0xOmZyYTpwYXQtMDEyMzQ1Njc4OWFiY2RlZg=="), "x [secret]");
  settings.account.clear();
  settings.version = "3.7";
  fake.requests.clear();
  registered();
  EXPECT_EQ(*http::find_header(fake.requests.front().headers, "authorization"), "Bearer " + token);
  EXPECT_THAT(fake.requests.front().url, HasSubstr("/v3.7/"));
}

TEST_F(LivechatWebhooks, too_many_requests_waits_longer_each_time_and_gives_up_with_what_to_do) {
  http::ClientResponse asked = FakeLivechat::error(429, "too_many_requests");
  asked.headers = {{"Retry-After", "7"}};
  fake.bad["list_webhooks"] = {FakeLivechat::error(400, "too_many_requests"), asked};
  registered();
  EXPECT_THAT(slept, ElementsAre(Millis{1000}, Millis{7000}));

  slept.clear();
  fake.bad["list_webhooks"].assign(100, FakeLivechat::error(429, "too_many_requests"));
  const auto done = run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(done.error().message, HasSubstr("run the command again"));
  Millis all{0};
  for (const Millis one : slept) all += one;
  EXPECT_GE(all, Millis{180'000});
  EXPECT_LT(all, Millis{215'000});
}

TEST_F(LivechatWebhooks, another_region_is_tried_once) {
  settings.token = Secret("plain-token-0123456789");
  const auto wrong = FakeLivechat::error(421, "misdirected_request", "Wrong region", {{"region", "fra"}});
  fake.bad["list_webhook_names"] = {wrong};
  registered();
  EXPECT_EQ(http::find_header(fake.requests[0].headers, "x-region"), nullptr);
  EXPECT_EQ(*http::find_header(fake.requests[1].headers, "x-region"), "fra");
  fake.bad["list_webhook_names"] = {wrong, wrong};
  EXPECT_THAT(run().error().message, HasSubstr("data centre"));
}

TEST_F(LivechatWebhooks, every_kind_of_error_says_what_to_do_next_and_never_a_secret) {
  http::ClientResponse silent, cut, html = FakeLivechat::answer(502, nullptr),
                                    page = FakeLivechat::answer(200, nullptr);
  silent.error = "Could not connect";
  cut.progress = http::Progress::sent;
  html.body = page.body = "<html>";
  const std::string leak = "bad " + token + " and secret-one-0123456789\x1b[2J";
  const std::vector<std::tuple<http::ClientResponse, ErrorKind, std::string>> cases{
      {FakeLivechat::error(401, "authentication", leak), ErrorKind::unauthorized, "Personal Access Tokens"},
      {FakeLivechat::error(403, "authorization", leak), ErrorKind::unauthorized, "webhooks.configuration:rw"},
      {FakeLivechat::error(400, "validation", leak), ErrorKind::invalid, "api.client_id"},
      {FakeLivechat::error(400, "unsupported_version"), ErrorKind::invalid, "api.version"},
      {FakeLivechat::error(400, "license_expired"), ErrorKind::invalid, "licence"},
      {FakeLivechat::error(500, "internal"), ErrorKind::unavailable, "again"},
      {FakeLivechat::error(400, "something_new"), ErrorKind::unavailable, "again"},
      {FakeLivechat::answer(401, json::object{}), ErrorKind::unauthorized, "Personal Access Tokens"},
      {FakeLivechat::answer(200, json::object{}), ErrorKind::invalid, "api.base_url"},
      {silent, ErrorKind::unavailable, "api.livechatinc.com"},
      {cut, ErrorKind::unavailable, "may have been done"},
      {html, ErrorKind::unavailable, "again"},
      {page, ErrorKind::invalid, "api.base_url"},
  };
  for (const auto& [response, kind, words] : cases) {
    fake.bad["list_webhooks"] = {response};
    const auto done = run();
    ASSERT_FALSE(done) << response.body;
    EXPECT_EQ(done.error().kind, kind) << done.error().message;
    EXPECT_THAT(done.error().message, HasSubstr(words));
    EXPECT_THAT(done.error().message, HasSubstr("list_webhooks (source livechat)"));
    for (const char* secret : {"pat-0123456789abcdef", "secret-one-0123456789", "\x1b"})
      EXPECT_THAT(done.error().message, Not(HasSubstr(secret)));
  }
  EXPECT_EQ(fake.changes(), 0u);
}

TEST_F(LivechatWebhooks, a_token_that_may_not_register_stops_at_the_first_action) {
  fake.bad["register_webhook"].assign(3, FakeLivechat::error(403, "authorization"));
  const auto done = run();
  ASSERT_FALSE(done);
  EXPECT_EQ(fake.count("register_webhook"), 1u);
}

TEST_F(LivechatWebhooks, what_is_gone_already_counts_as_removed) {
  registered();
  settings.actions = {"incoming_chat"};
  fake.bad["unregister_webhook"] = {FakeLivechat::error(404, "not_found", "Not found")};
  EXPECT_EQ(registered().removed, 2u);
}

// ---- the address

TEST(LivechatHookUrl, is_made_of_a_base_or_taken_whole_and_checked) {
  EXPECT_EQ(*hook_url("https://relay.example/", "chat"), "https://relay.example/hooks/chat");
  EXPECT_EQ(*hook_url("https://relay.example/base", "chat"), "https://relay.example/base/hooks/chat");
  EXPECT_EQ(*hook_url("https://relay.example/hooks/other", "chat"), "https://relay.example/hooks/other");
  for (const char* bad : {"", "relay.example", "ftp://relay.example", "https://", "https://a b", "https://a?x=1"})
    EXPECT_FALSE(hook_url(bad, "chat")) << bad;
  EXPECT_EQ(hook_url("https://a/" + std::string(500, 'x'), "chat").error().kind, ErrorKind::too_large);
}

TEST(LivechatHookUrl, warns_of_what_livechat_cannot_reach_and_of_clear_text) {
  EXPECT_EQ(reach_warning("https://relay.example/hooks/a"), "");
  for (const char* url : {"http://127.0.0.1:8080/hooks/a", "https://[::1]/hooks/a", "https://10.1.2.3/hooks/a",
                          "http://localhost:8080/hooks/a"})
    EXPECT_THAT(reach_warning(url), HasSubstr("cannot reach"));
  EXPECT_EQ(reach_warning("https://localhost.example/hooks/a"), "");
  EXPECT_THAT(reach_warning("http://relay.example/hooks/a"), HasSubstr("clear text"));
}

}  // namespace
}  // namespace chatrelay::admin::test
