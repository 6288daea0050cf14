#include "config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/support.hpp"

namespace chatrelay::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

struct Loaded {
  explicit Loaded(const std::string& text, Environment environment = test_environment())
      : config(parse_config(text, "/etc/relay/config.yaml", problems, environment)) {}
  std::string text() const { return problems.to_string(); }
  Problems problems;
  Config config;
};

TEST(ConfigFile, EmptyGivesTheDocumentedDefaults) {
  const Loaded l("");
  EXPECT_EQ(l.text(), "");
  EXPECT_EQ(l.config.listen.public_address.port, 8080);
  EXPECT_EQ(l.config.listen.admin.host, "127.0.0.1");
  EXPECT_EQ(l.config.store_path, "/var/lib/chatrelay/chatrelay.db");
  EXPECT_EQ(l.config.limits.body_bytes_max, 1u << 20);
  EXPECT_EQ(l.config.limits.queue_max, 5'000'000);
  EXPECT_EQ(l.config.retention.events, std::chrono::days(90));
  EXPECT_EQ(l.config.log_level, log::Level::info);
}

TEST(ConfigFile, ReadsEverything) {
  const Loaded l(R"(
listen:
  public: {address: "0.0.0.0:8443", tls: {certificate: tls/c.pem, key: /k.pem}}
  public_url: https://relay.example.com/
  admin: "[::]:9000"
  admin_token: "${ADMIN_TOKEN}"
  trusted_proxies: [127.0.0.1, 10.0.0.0/8, "fd00::/8"]
store: sqlite:data/x.db
store_key: ${KEY}
retention: {events: 1d, deliveries: 2d, conversations: 3d}
limits: {body: 2MiB, headers: 50, header_bytes: 16KiB, queue: 10}
log: {level: debug, format: json}
sources:
  livechat: {system: livechat, secrets: ["${KEY}"], dedup: {window: 1h}, limits: {body: 64KiB}, silent_after: 2h}
  rc: {system: rocketchat, serve: true}
  slow: {system: livechat, ack_budget: 3s}
destinations:
  crm: {connector: hubspot, rate: 180/min, concurrency: 2, timeout: 5s, retry: {first: 2s, max: 5m, give_up_after: 1h},
        ambiguous: hold, circuit: {failures: 3, open_for: 1s, open_max: 10s, ramp: 0}, allow_private: true}
  archive: {kind: file, path: x.jsonl}
tables: {mailboxes: {"2": sales@example.com}, from_env: "${KEY}"}
)",
                 test_environment({{"ADMIN_TOKEN", "admin-token-1"}, {"KEY", "store-key-1"}}));
  EXPECT_EQ(l.text(), "");
  const Config& c = l.config;
  EXPECT_EQ(c.listen.public_address.port, 8443);
  ASSERT_TRUE(c.listen.tls);
  EXPECT_EQ(c.listen.tls->certificate, "/etc/relay/tls/c.pem");
  EXPECT_EQ(c.listen.tls->key, "/k.pem");
  EXPECT_EQ(c.listen.public_url, "https://relay.example.com");
  EXPECT_EQ(c.listen.admin.host, "::");
  EXPECT_TRUE(c.listen.admin_token.matches("admin-token-1"));
  EXPECT_THAT(c.listen.trusted_proxies, ElementsAre("127.0.0.1", "10.0.0.0/8", "fd00::/8"));
  EXPECT_EQ(c.store_path, "/etc/relay/data/x.db");
  EXPECT_TRUE(c.store_key.matches("store-key-1"));
  EXPECT_EQ(c.retention.conversations, std::chrono::days(3));
  EXPECT_EQ(c.limits.body_bytes_max, 2u << 20);
  EXPECT_EQ(c.limits.headers_max, 50);
  EXPECT_EQ(c.limits.header_bytes_max, 16u << 10);
  EXPECT_EQ(c.limits.queue_max, 10);
  EXPECT_EQ(c.log_level, log::Level::debug);
  EXPECT_EQ(c.log_format, log::Format::json);
  ASSERT_EQ(c.sources.size(), 3u);
  const SourceConfig& livechat = *c.source("livechat");
  EXPECT_EQ(livechat.dedup_window, 1h);
  EXPECT_EQ(livechat.ack_budget, 10s);
  EXPECT_EQ(livechat.body_bytes_max, 64u << 10);
  EXPECT_EQ(livechat.silent_after, 2h);
  EXPECT_EQ(c.source("rc")->ack_budget, 5s);
  EXPECT_FALSE(c.source("rc")->dedup_window || c.source("rc")->silent_after);
  EXPECT_EQ(c.source("slow")->ack_budget, 3s);
  EXPECT_EQ(c.source("none"), nullptr);
  const DestinationConfig& crm = *c.destination("crm");
  EXPECT_EQ(crm.kind, "connector");
  EXPECT_EQ(crm.connector, "hubspot");
  EXPECT_EQ(crm.rate->count, 180);
  EXPECT_EQ(crm.concurrency, 2);
  EXPECT_EQ(crm.timeout, 5s);
  EXPECT_EQ(crm.retry.max, 5min);
  EXPECT_TRUE(crm.hold_ambiguous && crm.allow_private);
  EXPECT_EQ(crm.circuit.failures, 3);
  EXPECT_EQ(crm.circuit.ramp, 0ms);
  EXPECT_EQ(c.destination("archive")->kind, "file");
  EXPECT_EQ(c.destination("archive")->retry.give_up_after, 24h);
  EXPECT_EQ(c.tables.at("mailboxes").at("2"), "sales@example.com");
  EXPECT_EQ(c.tables.at("from_env"), "store-key-1");
}

TEST(ConfigFile, SaysAllProblemsAtOnceWithTheirLines) {
  const Loaded l(R"(listn: {}
listen: {public: nonsense, admin: 0.0.0.0:8081, trusted_proxies: [10.0.0.0/99]}
store: postgres://x
retention: {events: 0}
limits: {body: 10GiB, headers: 1}
log: {level: loud}
sources:
  chatrelay: {system: generic}
  Bad Name: {system: generic}
  none: {}
  text: hello
destinations:
  both: {kind: file, connector: webhook}
  neither: {path: x}
  odd: {kind: file, rate: fast, concurrency: 0, timeout: 2h, ambiguous: perhaps, retry: {first: 1h, max: 1s}}
tables: [1]
)");
  const std::string text = l.text();
  const std::string at = "/etc/relay/config.yaml:";
  for (const std::string expected : {"1: listn is not known; did you mean \"listen\"?",
                                     "2: listen.public is wrong",
                                     "2: listen.admin is 0.0.0.0, which others can reach",
                                     "2: listen.trusted_proxies[0] is",
                                     "3: store is",
                                     "4: retention.events must be longer than 0",
                                     "5: limits.body is",
                                     "5: limits.headers is",
                                     "6: log.level is",
                                     "8: sources.chatrelay cannot have this name",
                                     "9: sources.Bad Name has a name that cannot be used",
                                     "10: sources.none.system is missing",
                                     "11: sources.text must be a map",
                                     "13: destinations.both has both kind: and connector:",
                                     "14: destinations.neither needs connector:",
                                     "15: destinations.odd.rate is wrong",
                                     "15: destinations.odd.concurrency is",
                                     "15: destinations.odd.timeout is longer",
                                     "15: destinations.odd.ambiguous is",
                                     "15: destinations.odd.retry.max is shorter",
                                     "16: tables must be a map"})
    EXPECT_THAT(text, HasSubstr(at + expected));
}

TEST(ConfigFile, ListenAddressesMustDiffer) {
  for (const std::string text :
       {"{public: 127.0.0.1:80, admin: 127.0.0.1:80}", "{public: 0.0.0.0:80, admin: 127.0.0.1:80}"})
    EXPECT_THAT(Loaded("listen: " + text).text(), HasSubstr("has the same address and port"));
  EXPECT_EQ(Loaded("listen: {public: 127.0.0.1:0, admin: 127.0.0.1:0}").text(), "");  // 0: any free one
}

TEST(ConfigFile, AMissingRulesFolderIsAWarningAMissingFileAProblem) {
  const Loaded folder("rules: [/nowhere/rules]");
  EXPECT_FALSE(folder.problems.has_errors());
  EXPECT_THAT(folder.text(), HasSubstr("warning: rules[0] names the folder /nowhere/rules"));
  EXPECT_TRUE(folder.config.rules.empty());
  EXPECT_TRUE(Loaded("rules: [/nowhere/a.yaml]").problems.has_errors());
  EXPECT_THAT(Loaded("rules: [/tmp]").config.rules, ElementsAre("/tmp"));
  EXPECT_TRUE(Loaded("connectors: [/nowhere/connectors]").problems.has_errors());
}

TEST(ConfigFile, ASiteIsAFolderThatIsThere) {
  EXPECT_EQ(Loaded("").config.listen.site, "");
  EXPECT_EQ(Loaded("listen: {site: \"\"}").text(), "");
  const Loaded there("listen: {site: /tmp}");
  EXPECT_EQ(there.text(), "");
  EXPECT_EQ(there.config.listen.site, "/tmp");
  // Relative to the file, whatever the working directory is.
  EXPECT_EQ(Loaded("listen: {site: ../../tmp}").config.listen.site, "/tmp");
  for (const std::string folder : {"/nowhere/site", "/dev/null", "[a]", "{}"}) {
    const Loaded wrong("listen: {site: " + folder + "}");
    EXPECT_TRUE(wrong.problems.has_errors()) << folder;
    EXPECT_THAT(wrong.text(), HasSubstr("config.yaml:1: listen.site "));
    EXPECT_EQ(wrong.config.listen.site, "");
  }
}

TEST(ConfigFile, PublicUrlMustBeOne) {
  for (const std::string url :
       {"relay.example.com", "ftp://x", "https://", "https:///x", "https://a b", "https://x?y=1"})
    EXPECT_TRUE(Loaded("listen: {public_url: \"" + url + "\"}").problems.has_errors()) << url;
}

TEST(AddressText, IsParsed) {
  const auto check = [](std::string_view text, std::string_view host, int port) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
  };
  check("0.0.0.0:8080", "0.0.0.0", 8080);
  check("[::1]:65535", "::1", 65535);
  check(":0", "0.0.0.0", 0);
  check("localhost:80", "127.0.0.1", 80);
  for (const char* text : {"", "8080", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "::1:80", "[1.2.3.4]:80",
                           "example.com:80", "1.2.3:80", "[::1:80"})
    EXPECT_FALSE(parse_address(text)) << text;
}

TEST(ShippedConfig, LoadsInAnEmptyEnvironment) {
  Problems problems;
  const Config config =
      load_config(std::string(CHATRELAY_SOURCE_DIR) + "/config/chatrelay.yaml", problems, test_environment());
  EXPECT_FALSE(problems.has_errors()) << problems.to_string();
  EXPECT_FALSE(config.sources.empty());
  EXPECT_FALSE(config.destinations.empty());
}

}  // namespace
}  // namespace chatrelay::config
