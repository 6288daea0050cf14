#include <gmock/gmock.h>

#include "unit/admin/cli_fixture.hpp"

namespace chatrelay::admin::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using CliDaemon = CliFixture;

// ---- finding the daemon

TEST_F(CliDaemon, a_daemon_that_does_not_run_gets_a_sentence_of_what_was_tried_and_what_to_do) {
  boost::asio::ip::tcp::acceptor taken(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  const std::string address = "127.0.0.1:" + std::to_string(taken.local_endpoint().port());
  taken.close();
  const auto ran = chatrelay({"events", "list", "--admin", address});
  EXPECT_EQ(ran.code, 69);
  EXPECT_THAT(ran.err, HasSubstr("does not answer at " + address + " (--admin): "));
  EXPECT_THAT(ran.err, HasSubstr("chatrelay serve"));
  EXPECT_THAT(ran.err, HasSubstr("CHATRELAY_ADMIN"));
}

TEST_F(CliDaemon, without_a_configuration_and_an_address_it_is_78) {
  const auto ran = chatrelay({"events", "list", "--config", (folder / "none.yaml").string()});
  EXPECT_EQ(ran.code, 78);
  EXPECT_THAT(ran.err, HasSubstr("none.yaml"));
  EXPECT_THAT(ran.err, HasSubstr("--config"));
}

TEST_F(CliDaemon, the_admin_address_comes_from_the_configuration_and_any_free_port_must_be_told) {
  start_daemon();
  const std::string address = std::exchange(variables["CHATRELAY_ADMIN"], "");
  const std::string config = write("chatrelay.yaml", "listen:\n  admin: " + address + "\n");
  EXPECT_EQ(chatrelay({"events", "list", "--config", config}).code, 0);
  const std::string any = write("any.yaml", "listen:\n  admin: 127.0.0.1:0\n");
  const auto ran = chatrelay({"events", "list", "--config", any});
  EXPECT_EQ(ran.code, 78);
  EXPECT_THAT(ran.err, HasSubstr("port 0"));
  EXPECT_EQ(chatrelay({"events", "list", "--config", any, "--admin", address}).code, 0);
}

TEST_F(CliDaemon, the_token_of_the_configuration_is_sent_and_a_missing_one_is_77) {
  token = "a-long-enough-token";
  start_daemon();
  const auto without = chatrelay({"events", "list"});
  EXPECT_EQ(without.code, 77);
  EXPECT_THAT(without.err, HasSubstr("admin_token"));
  write("token", "a-long-enough-token\n");
  const std::string config = write("chatrelay.yaml", "listen:\n  admin_token: \"${file:token}\"\n");
  EXPECT_EQ(chatrelay({"events", "list", "--config", config}).code, 0);
  variables["CHATRELAY_ADMIN_TOKEN"] = "wrong-token-altogether";
  const auto wrong = chatrelay({"events", "list", "--config", config});
  EXPECT_EQ(wrong.code, 77);
  EXPECT_THAT(wrong.err, Not(HasSubstr("a-long-enough-token")));
}

TEST_F(CliDaemon, an_address_that_is_none_is_64) {
  for (const char* address :
       {"nonsense", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "ftp://127.0.0.1:80", "127.0.0.1:80/path"})
    EXPECT_EQ(chatrelay({"events", "list", "--admin", address}).code, 64) << address;
}

// ---- listings

TEST_F(CliDaemon, events_are_a_table_with_a_hint_at_the_next_page) {
  store.add_event(41, now, "incoming_chat");
  store.add_event(42, now, "offline_message");
  start_daemon();
  const auto ran = chatrelay({"events", "list", "--limit", "1", "--source", "livechat"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out,
            "EVENT  RECEIVED             SOURCE    TYPE             CHAT  DELIVERIES  FAILURES\n"
            "   42  2026-11-20 10:00:00  livechat  offline_message  C1             0         0\n"
            "\nThere are more: the same command with --before 42 shows the next page.\n");
  EXPECT_THAT(chatrelay({"events", "list", "--before", "42"}).out, Not(HasSubstr("There are more")));
  EXPECT_EQ(chatrelay({"events", "list", "--source", "other"}).out, "no events\n");
  chatrelay({"events", "list", "--failures", "--type", "x"});
  EXPECT_TRUE(store.data.last_event_filter.failures_only);
  EXPECT_EQ(store.data.last_event_filter.type, "x");
}

TEST_F(CliDaemon, every_listing_gives_json_that_parses) {
  store.add_event(1, now, "incoming_chat");
  store.add_delivery(11, DeliveryState::dead, now);
  add_destination("crm");
  start_daemon();
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"events", "list"},
                                             {"events", "show", "1"},
                                             {"chats", "list"},
                                             {"deliveries", "list"},
                                             {"deliveries", "show", "11"},
                                             {"destinations", "status"},
                                             {"destinations", "test"},
                                             {"replay", "--event", "1", "--dry-run"}}) {
    auto with_json = line;
    with_json.push_back("--json");
    const auto ran = chatrelay(with_json);
    EXPECT_EQ(ran.code, 0) << line[0];
    EXPECT_TRUE(parse_json(ran.out)) << ran.out;
  }
}

TEST_F(CliDaemon, what_a_stranger_typed_reaches_the_terminal_as_text_only) {
  const std::string hostile =
      "\x1b]0;owned\x07\x1b[2J\xc2\x9b"
      "31m\xe2\x80\xae"
      "evil\r\nFAKE LINE\x7f";
  store.add_event(1, now, hostile, json::serialize(json::object{{"text", hostile}}));
  store.data.events[0].parts[0].chat_id = hostile;
  store.data.failures.push_back({0, hostile, hostile, hostile});
  store.add_delivery(11, DeliveryState::dead, now);
  store.data.deliveries[0].reason = hostile;
  store.data.deliveries[0].payload = json::serialize(json::object{{hostile, hostile}});
  store.data.attempts.push_back({11, 1, now, Millis{1}, "reject", 400, hostile, hostile});
  store::ChatRow chat;
  chat.source = "livechat";
  chat.chat_id = "C1";
  chat.visitor_name = hostile;
  chat.active_at = now;
  store.data.chats.push_back(chat);
  store::StoredMessage message;
  message.message = json::object{{"text", hostile}, {"author", json::object{{"name", hostile}, {"role", "visitor"}}}};
  store.data.messages.push_back(message);
  start_daemon();
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"events", "list"},
                                             {"events", "list", "--json"},
                                             {"events", "show", "1"},
                                             {"events", "show", "1", "--json"},
                                             {"deliveries", "list"},
                                             {"deliveries", "show", "11"},
                                             {"deliveries", "show", "11", "--json"},
                                             {"chats", "list"},
                                             {"chats", "show", "C1"},
                                             {"chats", "show", "C1", "--json"}}) {
    const auto ran = chatrelay(line);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("evil")) << line[0] << line[1];
    for (const char* bad : {"\x1b", "\x07", "\x7f", "\r", "\xc2\x9b", "\xe2\x80\xae"})
      EXPECT_THAT(ran.out, Not(HasSubstr(bad))) << line[0] << " " << line[1];
    for (std::size_t at = ran.out.find("FAKE LINE"); at != std::string::npos; at = ran.out.find("FAKE LINE", at + 1))
      EXPECT_FALSE(at > 0 && ran.out[at - 1] == '\n') << line[0] << " " << line[1];
  }
}

TEST_F(CliDaemon, a_table_is_cut_to_the_terminal) {
  store.add_delivery(11, DeliveryState::dead, now);
  store.data.deliveries[0].reason = std::string(300, 'x');
  start_daemon();
  width = 100;
  const auto ran = chatrelay({"deliveries", "list"});
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 102u) << line;  // "…" is three bytes
  EXPECT_THAT(ran.out, HasSubstr("…"));
}

// ---- changes

TEST_F(CliDaemon, deliveries_are_retried_and_cancelled_by_name_and_by_filter) {
  store.add_delivery(11, DeliveryState::dead, now);
  store.add_delivery(12, DeliveryState::pending, now);
  start_daemon();
  EXPECT_EQ(chatrelay({"deliveries", "retry", "11"}).out, "retried 1 of 1 deliveries\n");
  EXPECT_EQ(chatrelay({"deliveries", "retry", "--destination", "crm"}).out, "retried 1 of 1 deliveries\n");
  EXPECT_THAT(store.retried, ElementsAre(11, 11));
  EXPECT_EQ(chatrelay({"deliveries", "cancel", "--destination", "crm", "--reason", "by hand"}).code, 0);
  EXPECT_THAT(store.cancelled, ElementsAre(12));
  EXPECT_EQ(store.cancel_reason, "by hand");
  const auto missing = chatrelay({"deliveries", "retry", "99"});
  EXPECT_EQ(missing.code, 65);
  EXPECT_THAT(missing.err, HasSubstr("there is no delivery 99"));
  EXPECT_EQ(chatrelay({"deliveries", "retry", "--state", "ded"}).code, 64);
}

TEST_F(CliDaemon, replay_prints_the_plan_or_what_was_made) {
  store.add_event(1, now, "incoming_chat");
  start_daemon();
  const auto dry = chatrelay({"replay", "--event", "1", "--dry-run"});
  EXPECT_THAT(dry.out, HasSubstr("{\"text\":\"hello\"}"));
  EXPECT_THAT(dry.out, HasSubstr("1 deliveries of 1 events would be made"));
  const auto done =
      chatrelay({"replay", "--since", "1h", "--type", "incoming_chat", "--destination", "crm", "--same-id"});
  EXPECT_THAT(done.out, HasSubstr("1 deliveries of 1 events made"));
  ASSERT_EQ(replays.size(), 2u);
  EXPECT_TRUE(replays[1].same_id);
  EXPECT_EQ(replays[1].only_destination, "crm");
}

TEST_F(CliDaemon, destinations_are_shown_switched_and_tested) {
  add_destination("crm");
  add_destination("mailbox");
  destinations[1].paused = true;
  destinations[1].reason = "maintenance";
  start_daemon();
  const auto status = chatrelay({"destinations", "status"});
  EXPECT_THAT(status.out, HasSubstr("paused"));
  EXPECT_THAT(status.out, HasSubstr("maintenance"));
  EXPECT_EQ(chatrelay({"destinations", "pause", "crm", "--reason", "noon"}).out, "paused crm\n");
  EXPECT_EQ(chatrelay({"destinations", "resume", "crm"}).out, "resumed crm\n");
  EXPECT_THAT(switched, ElementsAre("pause crm: noon", "resume crm"));
  EXPECT_EQ(chatrelay({"destinations", "test", "crm"}).code, 0);
  const auto tested = chatrelay({"destinations", "test"});
  EXPECT_EQ(tested.code, 1);
  EXPECT_THAT(tested.out, HasSubstr("FAILED  mailbox: connection refused"));
  EXPECT_EQ(chatrelay({"destinations", "pause", "nobody"}).code, 65);
}

TEST_F(CliDaemon, a_relative_backup_is_made_absolute_before_the_daemon_sees_it) {
  start_daemon();
  const auto ran = chatrelay({"backup", "sub/../x.db"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(store.backup_path, (std::filesystem::current_path() / "x.db").string());
  EXPECT_THAT(ran.out, HasSubstr("4.0 KiB"));
}

TEST_F(CliDaemon, a_reload_with_problems_prints_them_and_is_78) {
  start_daemon();
  EXPECT_EQ(chatrelay({"reload"}).out, "reloaded\n");
  reload_problems.add({"rules/a.yaml", 7}, "unknown key");
  const auto ran = chatrelay({"reload"});
  EXPECT_EQ(ran.code, 78);
  EXPECT_THAT(ran.err, HasSubstr("rules/a.yaml:7: unknown key"));
}

TEST_F(CliDaemon, tail_prints_what_arrives_until_the_daemon_ends_it) {
  store.add_event(1, now, "incoming_chat");
  start_daemon();
  std::thread arrives([this] {
    // The tail has begun when the server says that one is open; then something arrives, and it ends.
    while (true) {
      std::promise<bool> open;
      boost::asio::post(io, [&] { open.set_value(api().open_streams() > 0); });
      if (open.get_future().get()) break;
      std::this_thread::yield();
    }
    store.add_event(2, now, "offline_message");
    // Two looks later the first of them, which saw the event, has been written.
    const int before = store.data.event_lists;
    while (store.data.event_lists < before + 3) std::this_thread::yield();
    boost::asio::post(io, [this] { api().close_streams(); });
  });
  const auto ran = chatrelay({"events", "tail", "--json"});
  arrives.join();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("offline_message"));
  EXPECT_THAT(ran.out, Not(HasSubstr("incoming_chat")));
}

// ---- send

class EchoSource final : public systems::Source {
 public:
  systems::Verdict admit(const systems::HookRequest&, WallTime) override { return {}; }
  std::vector<Event> decode(const systems::StoredWebhook&) override { return {}; }
  Signed sign(std::string body, WallTime) const override {
    Signed request;
    request.path_suffix = "/s3cret";
    request.body = body + "+signed";
    request.headers.emplace_back("X-Sign", "yes");
    return request;
  }
};

struct SendTest : CliFixture {
  std::vector<std::string> received;
  int status = 200;

  void start_public() {
    http::ServerOptions options;
    options.endpoint = {boost::asio::ip::make_address("127.0.0.1"), 0};
    auto created = http::Server::create(
        io.get_executor(), options,
        [this](http::Request& request) -> boost::asio::awaitable<http::Response> {
          received.push_back(std::string(request.target()) + " " + std::string(request.message["X-Sign"]) + " " +
                             request.message.body());
          http::Response response(status, status == 200 ? "" : "wrong secret");
          co_return response;
        },
        metrics);
    ASSERT_TRUE(created);
    server = std::move(*created);
    server->start();
    thread = std::thread([this] { io.run(); });
    hooks.make_source = [](const config::SourceConfig&, const json::object&, config::Problems&) {
      return std::make_unique<EchoSource>();
    };
  }
  std::string config() {
    return write("chatrelay.yaml", "listen:\n  public: 127.0.0.1:" + std::to_string(server->local_endpoint().port()) +
                                       "\nsources:\n  live: {system: livechat, secrets: [\"${S:-abcdef}\"]}\n");
  }
};

TEST_F(SendTest, posts_each_file_signed_to_the_hook_of_its_source) {
  start_public();
  const auto ran = chatrelay({"send", write("a.json", "{\"a\":1}"), write("b.jsonl", "{\"b\":1}\n\n{\"b\":2}\n"),
                              "--source", "live", "--config", config()});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(received,
              ElementsAre("/hooks/live/s3cret yes {\"a\":1}+signed", "/hooks/live/s3cret yes {\"b\":1}+signed",
                          "/hooks/live/s3cret yes {\"b\":2}+signed"));
}

TEST_F(SendTest, reads_standard_input_and_takes_another_address) {
  start_public();
  const std::string file = config();
  typed = "{\"typed\":true}";
  const std::string base = "http://127.0.0.1:" + std::to_string(server->local_endpoint().port());
  EXPECT_EQ(chatrelay({"send", "-", "--source", "live", "--config", file, "--url", base + "/relay/"}).code, 0);
  EXPECT_EQ(chatrelay({"send", "-", "--source", "live", "--config", file, "--url", base + "/hooks/other"}).code, 0);
  EXPECT_THAT(received, ElementsAre("/relay/hooks/live/s3cret yes {\"typed\":true}+signed",
                                    "/hooks/other/s3cret yes {\"typed\":true}+signed"));
}

TEST_F(SendTest, a_refusal_is_printed_and_becomes_the_exit_code) {
  start_public();
  const std::string file = config(), body = write("a.json", "{}");
  for (const auto& [answered, code] : std::vector<std::pair<int, int>>{{401, 77}, {400, 65}, {503, 69}}) {
    status = answered;
    const auto ran = chatrelay({"send", body, "--source", "live", "--config", file});
    EXPECT_EQ(ran.code, code);
    EXPECT_THAT(ran.out, HasSubstr(std::to_string(answered)));
    EXPECT_THAT(ran.out, HasSubstr("wrong secret"));
  }
  EXPECT_EQ(chatrelay({"send", (folder / "none.json").string(), "--source", "live", "--config", file}).code, 74);
  const auto unknown = chatrelay({"send", body, "--source", "dead", "--config", file});
  EXPECT_EQ(unknown.code, 65);
  EXPECT_THAT(unknown.err, HasSubstr("there are: live"));
}

}  // namespace
}  // namespace chatrelay::admin::test
