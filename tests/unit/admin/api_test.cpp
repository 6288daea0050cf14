#include <gmock/gmock.h>

#include "common/text.hpp"
#include "unit/admin/api_fixture.hpp"

namespace chatrelay::admin::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Api = ApiFixture;

std::vector<std::uint64_t> numbers(const json::value& rows, const char* name) {
  std::vector<std::uint64_t> out;
  for (const json::value& row : rows.as_array()) out.push_back(row.at(name).to_number<std::uint64_t>());
  return out;
}

// ---- events

TEST_F(Api, events_come_newest_first_and_the_page_says_what_asks_for_the_next) {
  for (EventSeq seq = 1; seq <= 5; ++seq) store.add_event(seq, now, "incoming_event");
  const auto first = get("/api/events?limit=2");
  EXPECT_THAT(numbers(first.at("events"), "seq"), ElementsAre(5, 4));
  EXPECT_EQ(first.at("next").to_number<int>(), 4);
  const auto last = get("/api/events?limit=3&before=4");
  EXPECT_THAT(numbers(last.at("events"), "seq"), ElementsAre(3, 2, 1));
  EXPECT_TRUE(last.at("next").is_null());
}

TEST_F(Api, the_filters_of_events_reach_the_store) {
  get("/api/events?source=live%20chat&type=chat_rated&chat=A%2BB&since=2h&until=2026-11-20T09:30:00Z&failures=true");
  const auto& filter = store.data.last_event_filter;
  EXPECT_EQ(filter.source, "live chat");
  EXPECT_EQ(filter.type, "chat_rated");
  EXPECT_EQ(filter.chat_id, "A+B");
  EXPECT_EQ(filter.since, now - std::chrono::hours(2));
  EXPECT_EQ(filter.until, parse_rfc3339("2026-11-20T09:30:00Z"));
  EXPECT_TRUE(filter.failures_only);
}

TEST_F(Api, bad_input_is_told_with_the_field_and_what_it_may_be) {
  EXPECT_THAT(error_of(get("/api/events?limit=0", 400)),
              HasSubstr("\"limit\" is \"0\"; it must be a number from 1 to 500"));
  EXPECT_THAT(error_of(get("/api/events?limit=-1", 400)), HasSubstr("limit"));
  EXPECT_THAT(error_of(get("/api/events?limit=1e3", 400)), HasSubstr("limit"));
  EXPECT_THAT(error_of(get("/api/events?since=yesterday", 400)), HasSubstr("\"since\""));
  EXPECT_THAT(error_of(get("/api/events?failures=maybe", 400)), HasSubstr("true or false"));
  EXPECT_THAT(error_of(get("/api/events?sorce=x", 400)),
              HasSubstr("\"sorce\" is not known here; it may be: before, chat, failures, limit, since, source"));
  EXPECT_THAT(error_of(get("/api/events?source=a&source=b", 400)), HasSubstr("twice"));
  EXPECT_THAT(error_of(get("/api/deliveries?state=ded", 400)),
              HasSubstr("pending, deferred, held, delivered, dead, cancelled"));
  EXPECT_THAT(error_of(get("/api/deliveries?chat=C1", 400)), HasSubstr("belong together"));
  EXPECT_THAT(error_of(get("/api/version?x=1", 400)), HasSubstr("\"x\""));
}

TEST_F(Api, an_event_is_found_by_number_and_by_id_with_everything_about_it) {
  store.add_event(1, now, "incoming_chat", R"({"action":"incoming_chat"})");
  store.data.failures.push_back({0, "broken rule", "rules/a.yaml:3", "Cannot index number"});
  store.add_delivery(11, DeliveryState::dead, now);
  const auto by_number = get("/api/events/1");
  const auto by_id = get("/api/events/" + store.data.events[0].event.id);
  EXPECT_EQ(by_number, by_id);
  EXPECT_EQ(by_number.at("raw").at("action"), "incoming_chat");
  EXPECT_EQ(by_number.at("parts").at(0).at("type"), "incoming_chat");
  EXPECT_EQ(by_number.at("failures").at(0).at("where"), "rules/a.yaml:3");
  EXPECT_EQ(by_number.at("deliveries").at(0).at("state"), "dead");
  EXPECT_EQ(get("/api/events/2", 404).at("error"), "there is no event 2");
}

TEST_F(Api, bytes_that_are_no_text_leave_as_valid_utf8) {
  store.add_event(1, now, "invalid_payload", "\xff\xfe not json \xc3");
  const auto response = call("GET", "/api/events/1");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(is_valid_utf8(response.body));
}

TEST_F(Api, a_store_that_cannot_be_read_is_503_with_its_reason) {
  store.data.broken = true;
  EXPECT_THAT(error_of(get("/api/events", 503)), HasSubstr("disk I/O error"));
}

// ---- chats

TEST_F(Api, a_chat_is_shown_with_its_transcript_also_when_its_id_has_a_slash) {
  store::ChatRow row;
  row.source = "livechat";
  row.chat_id = "a/b c";
  row.visitor_name = "Thomas";
  row.active_at = now;
  store.data.chats.push_back(row);
  store::StoredMessage message;
  message.id = "M1";
  message.thread_id = "T1";
  message.message = json::object{{"text", "Hello"}};
  store.data.messages.push_back(message);
  const auto chat = get("/api/chats/livechat/a%2Fb%20c");
  EXPECT_EQ(chat.at("visitor").at("name"), "Thomas");
  EXPECT_EQ(chat.at("transcript").at(0).at("text"), "Hello");
  EXPECT_EQ(chat.at("state").at("known"), true);
  EXPECT_EQ(get("/api/chats/livechat/a%2Fb%20c?thread=T2").at("transcript").as_array().size(), 0u);
  get("/api/chats/livechat/other", 404);
  EXPECT_EQ(get("/api/chats?source=livechat").at("chats").as_array().size(), 1u);
}

// ---- deliveries

TEST_F(Api, a_delivery_is_shown_with_payload_and_every_attempt) {
  add_destination("crm");
  store.add_event(1, now, "incoming_chat");
  store.add_delivery(11, DeliveryState::deferred, now);
  store.data.attempts.push_back({11, 1, now, Millis{120}, "retry", 503, "HTTP 503", "busy"});
  const auto delivery = get("/api/deliveries/11");
  EXPECT_EQ(delivery.at("payload").at("text"), "hello");
  EXPECT_EQ(delivery.at("tries").at(0).at("reason"), "HTTP 503");
  EXPECT_EQ(delivery.at("tries").at(0).at("took_ms").to_number<int>(), 120);
  EXPECT_TRUE(delivery.at("event_id").is_string());
  EXPECT_TRUE(delivery.at("due_at").is_string());
  get("/api/deliveries/999", 404);
}

TEST_F(Api, what_waits_for_a_paused_disabled_or_missing_destination_is_shown_as_held) {
  for (const char* name : {"crm", "mailbox", "archive"}) add_destination(name);
  destinations[0].paused = true;
  destinations[0].reason = "maintenance";
  destinations[1].disabled = true;
  destinations[1].reason = "HTTP 401";
  store.add_event(1, now, "incoming_chat");
  store.add_delivery(1, DeliveryState::pending, now, "crm");
  store.add_delivery(2, DeliveryState::deferred, now, "mailbox");
  store.add_delivery(3, DeliveryState::pending, now, "gone");
  store.add_delivery(4, DeliveryState::pending, now, "archive");
  store.add_delivery(5, DeliveryState::held, now, "archive");
  store.add_delivery(6, DeliveryState::dead, now, "crm");
  store.data.backlog = {
      {"archive", 1, 0, 1, 0, now}, {"crm", 1, 0, 0, 1, now}, {"gone", 1, 0, 0, 0, now}, {"mailbox", 0, 1, 0, 0, now}};

  EXPECT_THAT(numbers(get("/api/deliveries?state=held").at("deliveries"), "seq"), ElementsAre(5, 3, 2, 1));
  const auto page = get("/api/deliveries?state=held&limit=2");
  EXPECT_THAT(numbers(page.at("deliveries"), "seq"), ElementsAre(5, 3));
  const auto next = get("/api/deliveries?state=held&before=" + json::serialize(page.at("next")));
  EXPECT_THAT(numbers(next.at("deliveries"), "seq"), ElementsAre(2, 1));
  EXPECT_THAT(numbers(get("/api/deliveries?state=held&destination=archive").at("deliveries"), "seq"), ElementsAre(5));
  const auto paused = get("/api/deliveries/1");
  EXPECT_EQ(paused.at("state"), "held");
  EXPECT_EQ(paused.at("reason"), "paused: maintenance");
  EXPECT_EQ(get("/api/deliveries/2").at("reason"), "disabled: HTTP 401");
  EXPECT_EQ(get("/api/deliveries/4").at("state"), "pending");
  EXPECT_EQ(get("/api/deliveries/6").at("state"), "dead");
  EXPECT_EQ(get("/api/events/1").at("deliveries").at(3).at("state"), "held");
  const auto list = get("/api/destinations").at("destinations");
  EXPECT_EQ(list.at(0).at("backlog").at("pending").to_number<int>(), 1);  // archive
  EXPECT_EQ(list.at(1).at("backlog").at("held").to_number<int>(), 1);     // crm
  EXPECT_EQ(list.at(2).at("backlog").at("held").to_number<int>(), 1);     // gone

  post("/api/deliveries/cancel", json::object{{"filter", json::object{{"destination", "crm"}, {"state", "held"}}}});
  EXPECT_THAT(store.cancelled, ElementsAre(1));
}

TEST_F(Api, retry_by_id_takes_numbers_and_ids_and_is_all_or_nothing_when_one_does_not_exist) {
  store.add_delivery(11, DeliveryState::dead, now);
  store.add_delivery(12, DeliveryState::delivered, now);
  const auto body =
      post("/api/deliveries/retry", json::object{{"ids", json::array{"11", store.data.deliveries[1].id}}});
  EXPECT_EQ(body.at("changed").to_number<int>(), 2);
  EXPECT_THAT(store.retried, ElementsAre(11, 12));
  EXPECT_THAT(error_of(post("/api/deliveries/retry", json::object{{"ids", json::array{11, 99}}}, 404)),
              HasSubstr("99"));
  EXPECT_THAT(store.retried, ElementsAre(11, 12));
}

TEST_F(Api, retry_by_filter_means_dead_letters_oldest_first_up_to_the_limit) {
  for (DeliverySeq seq = 1; seq <= 5; ++seq)
    store.add_delivery(seq, seq == 3 ? DeliveryState::delivered : DeliveryState::dead, now);
  store.add_delivery(6, DeliveryState::dead, now, "mailbox");
  const auto body =
      post("/api/deliveries/retry", json::object{{"filter", json::object{{"destination", "crm"}}}, {"limit", 3}});
  EXPECT_THAT(store.retried, ElementsAre(2, 4, 5));
  EXPECT_EQ(body.at("more"), true);
  EXPECT_EQ(body.at("matched").to_number<int>(), 3);
}

TEST_F(Api, more_deliveries_than_a_page_are_changed_in_slices) {
  for (DeliverySeq seq = 1; seq <= 1'250; ++seq) store.add_delivery(seq, DeliveryState::dead, now);
  const auto body =
      post("/api/deliveries/retry", json::object{{"filter", json::object{{"destination", "crm"}}}, {"limit", 10'000}});
  EXPECT_EQ(body.at("changed").to_number<int>(), 1'250);
  EXPECT_EQ(body.at("more"), false);
  ASSERT_EQ(store.retried.size(), 1'250u);
  EXPECT_TRUE(std::is_sorted(store.retried.begin(), store.retried.end()));
}

TEST_F(Api, cancel_by_filter_means_open_deliveries_and_keeps_the_reason) {
  store.add_delivery(1, DeliveryState::dead, now);
  store.add_delivery(2, DeliveryState::pending, now);
  store.add_delivery(3, DeliveryState::held, now);
  post("/api/deliveries/cancel",
       json::object{{"filter", json::object{{"destination", "crm"}}}, {"reason", "sent by hand"}});
  EXPECT_THAT(store.cancelled, ElementsAre(2, 3));
  EXPECT_EQ(store.cancel_reason, "sent by hand");
}

TEST_F(Api, a_change_without_a_selection_changes_nothing) {
  store.add_delivery(1, DeliveryState::dead, now);
  for (const char* body : {"{}", R"({"filter":{}})", R"({"ids":[]})", R"({"ids":["1"],"filter":{"rule":"x"}})",
                           R"({"filter":{"destinaton":"crm"}})", R"({"id":["1"]})"}) {
    EXPECT_EQ(call("POST", "/api/deliveries/retry", body).status, 400) << body;
    EXPECT_EQ(call("POST", "/api/deliveries/cancel", body).status, 400) << body;
  }
  EXPECT_TRUE(store.retried.empty());
  EXPECT_TRUE(store.cancelled.empty());
}

TEST_F(Api, what_the_store_refuses_is_told) {
  store.add_delivery(1, DeliveryState::dead, now);
  store.refuse = unavailable("the disk is full");
  EXPECT_THAT(error_of(post("/api/deliveries/retry", json::object{{"ids", json::array{1}}}, 503)),
              HasSubstr("the disk is full"));
}

// ---- replay

TEST_F(Api, replay_takes_events_oldest_first_in_slices_and_hands_its_options_on) {
  for (EventSeq seq = 1; seq <= 120; ++seq) store.add_event(seq, now, "incoming_chat");
  const auto body = post(
      "/api/replay", json::object{{"since", "1d"}, {"destination", "crm"}, {"rule", "new chats"}, {"same_id", true}});
  EXPECT_EQ(body.at("created").to_number<int>(), 120);
  ASSERT_EQ(replays.size(), 3u);
  EXPECT_EQ(replays[0].events.front(), 1u);
  EXPECT_EQ(replays[2].events.back(), 120u);
  EXPECT_EQ(replays[0].only_destination, "crm");
  EXPECT_EQ(replays[0].only_rule, "new chats");
  EXPECT_TRUE(replays[0].same_id);
  EXPECT_FALSE(replays[0].dry_run);
}

TEST_F(Api, a_dry_run_shows_what_would_be_sent) {
  store.add_event(1, now, "incoming_chat");
  const auto body = post("/api/replay", json::object{{"events", json::array{"1"}}, {"dry_run", true}});
  EXPECT_TRUE(replays.at(0).dry_run);
  EXPECT_EQ(body.at("plans").at(0).at("deliveries").at(0).at("payload").at("text"), "hello");
  EXPECT_EQ(body.at("created").to_number<int>(), 0);
}

TEST_F(Api, an_event_that_still_waits_to_be_planned_is_not_replayed_by_a_filter) {
  store.add_event(1, now, "incoming_chat");
  store.add_event(2, now, "");
  post("/api/replay", json::object{{"source", "livechat"}});
  ASSERT_EQ(replays.size(), 1u);
  EXPECT_THAT(replays[0].events, ElementsAre(1));
}

TEST_F(Api, a_replay_of_everything_by_mistake_is_refused) {
  EXPECT_THAT(error_of(post("/api/replay", json::object{}, 400)), HasSubstr("say which events"));
  EXPECT_THAT(error_of(post("/api/replay", json::object{{"dry_run", true}}, 400)), HasSubstr("say which events"));
  EXPECT_THAT(error_of(post("/api/replay", json::object{{"sinse", "1h"}, {"events", json::array{"1"}}}, 400)),
              HasSubstr("sinse"));
  EXPECT_TRUE(replays.empty());
}

// ---- destinations

TEST_F(Api, destinations_show_their_backlog_and_those_that_are_gone_too) {
  add_destination("crm");
  add_destination("archive");
  store.data.backlog.push_back({"crm", 3, 1, 0, 2, now});
  store.data.backlog.push_back({"old", 0, 0, 5, 0, now});
  store.data.backlog.push_back({"older", 0, 0, 0, 0, std::nullopt});
  const auto list = get("/api/destinations").at("destinations");
  ASSERT_EQ(list.as_array().size(), 3u);
  EXPECT_EQ(list.at(0).at("name"), "archive");
  EXPECT_EQ(list.at(1).at("backlog").at("pending").to_number<int>(), 3);
  EXPECT_EQ(list.at(2).at("name"), "old");
  EXPECT_EQ(list.at(2).at("configured"), false);
}

TEST_F(Api, a_destination_is_paused_resumed_and_tested) {
  add_destination("crm");
  add_destination("mailbox");
  post("/api/destinations/crm/pause", json::object{{"reason", "maintenance"}});
  post("/api/destinations/crm/resume", json::object{});
  EXPECT_THAT(switched, ElementsAre("pause crm: maintenance", "resume crm"));
  EXPECT_EQ(post("/api/destinations/crm/test", json::object{}).at("ok"), true);
  const auto failed = post("/api/destinations/mailbox/test", json::object{});
  EXPECT_EQ(failed.at("ok"), false);
  EXPECT_EQ(failed.at("reason"), "connection refused");
  EXPECT_THAT(error_of(post("/api/destinations/crn/pause", json::object{}, 404)),
              HasSubstr("configured are: crm, mailbox"));
}

// ---- operations and health

TEST_F(Api, backup_wants_an_absolute_path_and_tells_the_size) {
  EXPECT_THAT(error_of(post("/api/backup", json::object{{"file", "backup.db"}}, 400)), HasSubstr("absolute"));
  EXPECT_THAT(error_of(post("/api/backup", json::object{}, 400)), HasSubstr("file"));
  EXPECT_EQ(post("/api/backup", json::object{{"file", "/tmp/backup.db"}}).at("bytes").to_number<int>(), 4096);
  EXPECT_EQ(store.backup_path, "/tmp/backup.db");
  store.refuse = Error(ErrorKind::conflict, "/tmp/backup.db exists");
  post("/api/backup", json::object{{"file", "/tmp/backup.db"}}, 409);
}

TEST_F(Api, a_reload_that_fails_lists_every_problem_and_says_that_nothing_changed) {
  EXPECT_EQ(post("/api/reload", json::object{}).at("reloaded"), true);
  reload_problems.add({"rules/a.yaml", 7}, "unknown key");
  const auto body = post("/api/reload", json::object{}, 422);
  EXPECT_EQ(body.at("reloaded"), false);
  EXPECT_EQ(body.at("problems").at(0).at("line").to_number<int>(), 7);
  EXPECT_THAT(error_of(body), HasSubstr("nothing was changed"));
}

TEST_F(Api, health_tells_a_hanging_writer_and_planner_by_name) {
  EXPECT_EQ(get("/healthz").at("ok"), true);
  planner_busy = Millis{31'000};
  store.commit_load.oldest_waiting = Millis{40'000};
  const auto body = get("/healthz", 503);
  EXPECT_THAT(json::serialize(body.at("reasons")), HasSubstr("writer"));
  EXPECT_THAT(json::serialize(body.at("reasons")), HasSubstr("planner"));
}

TEST_F(Api, not_ready_while_draining_or_when_commits_hang) {
  EXPECT_EQ(get("/readyz").at("ok"), true);
  not_ready = {"draining"};
  EXPECT_THAT(json::serialize(get("/readyz", 503)), HasSubstr("draining"));
  not_ready.clear();
  store.commit_load.oldest_waiting = Millis{6'000};
  get("/readyz", 503);
  EXPECT_EQ(get("/healthz").at("ok"), true);  // slow is not dead
}

TEST_F(Api, metrics_hold_what_was_counted_and_the_totals_of_the_store) {
  metrics.counter("chatrelay_test_total", "Of a test.").add(3);
  store.data.totals.unplanned = 7;
  const std::string text = call("GET", "/metrics").body;
  EXPECT_THAT(text, HasSubstr("chatrelay_test_total 3"));
  EXPECT_THAT(text, HasSubstr("chatrelay_store_unplanned_events 7"));
  store.data.broken = true;
  const auto without = call("GET", "/metrics");
  EXPECT_EQ(without.status, 200);
  EXPECT_THAT(without.body, HasSubstr("chatrelay_test_total 3"));
  EXPECT_THAT(without.body, HasSubstr("chatrelay_admin_store_readable 0"));
}

TEST_F(Api, version_says_what_runs) {
  const auto body = get("/api/version");
  EXPECT_EQ(body.at("version"), "9.9.9");
  EXPECT_EQ(body.at("started_at"), "2026-11-20T10:00:00.000Z");
}

}  // namespace
}  // namespace chatrelay::admin::test
