// Who may call: the Authorization header, keys and passwords, what is remembered, how often one may fail.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto.hpp"
#include "common/password_hash.hpp"
#include "systems/livehelperchat/endpoints/accounts.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {
namespace {

namespace asio = boost::asio;

const WallTime start = from_ms(1'795'169'000'000);
// PHP 8.2: password_hash("secret key", PASSWORD_BCRYPT, ["cost" => 6])
constexpr const char* php_hash = "$2y$06$YcVgIcRUxeiZrBOJqveOguS/XqpePXx7KxBYrGrlStajpwLkqlm9e";

TEST(PasswordHash, VerifiesItsOwnAndPhps) {
  const Result<std::string> hash = hash_password("zażółć");
  ASSERT_TRUE(hash);
  EXPECT_TRUE(verify_password(*hash, "zażółć"));
  EXPECT_FALSE(verify_password(*hash, "zażółc"));
  EXPECT_NE(*hash, *hash_password("zażółć")) << "each has a salt of its own";
  EXPECT_TRUE(verify_password(php_hash, "secret key"));
  EXPECT_FALSE(verify_password(php_hash, "secret kez"));
  for (const char* none : {"", "secret key", "*0", "$", "$2y$06$", "ab"}) EXPECT_FALSE(verify_password(none, none));
  EXPECT_FALSE(verify_password(php_hash, std::string_view("secret key\0x", 12))) << "nothing is cut off at a zero byte";
}

TEST(PasswordHash, RefusesWhatItCannotHash) {
  EXPECT_FALSE(hash_password(""));
  EXPECT_FALSE(hash_password(std::string_view("a\0b", 3)));
  EXPECT_FALSE(hash_password(std::string(hashed_bytes_max + 1, 'a')));
  EXPECT_TRUE(hash_password(std::string(hashed_bytes_max, 'a')));
}

TEST(PasswordHash, TellsBadHashes) {
  EXPECT_EQ(password_hash_problem(php_hash), "");
  EXPECT_EQ(password_hash_problem(*hash_password("x")), "");
  EXPECT_THAT(password_hash_problem("secret"), testing::HasSubstr("no hash"));
  EXPECT_THAT(password_hash_problem("$1$saltsalt$0123456789012345678901"), testing::HasSubstr("no hash"));
  EXPECT_THAT(password_hash_problem("$argon2id$v=19$m=65536,t=4,p=1$x$y"), testing::HasSubstr("argon2"));
  EXPECT_THAT(password_hash_problem(std::string_view(php_hash).substr(0, 59)), testing::HasSubstr("missing"));
  std::string slow = php_hash;
  slow.replace(4, 2, "20");
  EXPECT_THAT(password_hash_problem(slow), testing::HasSubstr("too long"));
}

std::string basic(const std::string& user, const std::string& password) {
  return "Basic " + base64_encode(user + ":" + password);
}

TEST(Credentials, AreReadAsLiveHelperChatDoes) {
  const Credentials said = read_credentials("Basic YWRtaW46azplOnk=");
  EXPECT_EQ(said.fault, "");
  EXPECT_EQ(said.user, "admin");
  EXPECT_EQ(said.password, "k:e:y") << "the first colon ends the name";
  EXPECT_EQ(read_credentials("Whatever YWRtaW46azplOnk=").user, "admin");
  EXPECT_EQ(read_credentials("").fault, "Authorization header is missing!");
  EXPECT_EQ(read_credentials("bearer abc").fault, "Bearer authorization failed!");
  EXPECT_EQ(read_credentials("BEARER").fault, "Bearer authorization failed!");
  for (const std::string header : {"Basic", "Basic !", "Basic YWRtaW4=", "YWRtaW46azplOnk="})
    EXPECT_EQ(read_credentials(header).fault, "Authorization failed!") << header;
  EXPECT_EQ(read_credentials(basic("", "x")).fault, "Authorization failed!");
  EXPECT_EQ(read_credentials(basic("admin", "")).fault, "Authorization failed!");
  EXPECT_EQ(read_credentials(basic("admin", std::string(2000, 'x'))).fault, "Authorization failed!");
}

TEST(VerifiedCache, ForgetsAfterAWhileAndWhenItIsFull) {
  VerifiedCache cache;
  Credentials who;
  who.user = "admin";
  who.password = "key";
  const std::string name = cache.name_of(who, "192.0.2.1");
  EXPECT_NE(name, cache.name_of(who, "192.0.2.2"));
  EXPECT_NE(name, VerifiedCache().name_of(who, "192.0.2.1")) << "the names are keyed";
  cache.keep(name, Verified(), start);
  EXPECT_TRUE(cache.find(name, start + std::chrono::minutes(9)));
  EXPECT_FALSE(cache.find(name, start + std::chrono::minutes(10)));
  EXPECT_FALSE(cache.find(name, start - std::chrono::minutes(1))) << "the clock was set back";
  for (int i = 0; i < 5000; ++i) cache.keep(std::to_string(i), Verified(), start);
  EXPECT_EQ(cache.size(), 1000U);
  EXPECT_FALSE(cache.find(name, start));
  EXPECT_TRUE(cache.find("4999", start));
}

class AuthenticationTest : public testing::Test {
 protected:
  AuthenticationTest() {
    Account app;
    app.user = "app";
    app.key = Secret("clear:key-of-app");
    add(app);
    Account hashed;
    hashed.user = "php";
    hashed.key_hash = php_hash;
    add(hashed);
    Account login;
    login.user = "jo";
    login.email = "Jo@example.com";
    login.password_hash = *hash_password("password");
    add(login);
    Account narrow = login;
    narrow.user = "narrow";
    narrow.email = "";
    narrow.all_permissions = false;
    narrow.permissions = {"lhchat,use"};
    add(narrow);
    serving.limits.failed_logins = Rate{3, Millis{60'000}};
  }
  void add(const Account& account) { serving.accounts.push_back(account); }

  Authentication::Verdict verify(const std::string& header, const std::string& address = "192.0.2.1",
                                 WallTime now = start) {
    if (!limits) limits.emplace(serving.limits);
    if (!authentication) authentication = std::make_unique<Authentication>(io.get_executor(), serving, *limits);
    Authentication::Verdict verdict;
    bool ended = false;
    const auto ask = [&]() -> asio::awaitable<void> {
      auto pending = authentication->verify(header, address, now);
      verdict = co_await std::move(pending);
      ended = true;
    };
    asio::co_spawn(io, ask, [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    });
    io.restart();
    while (!ended) io.run_one();
    return verdict;
  }
  std::string user(const std::string& header) {
    const auto verdict = verify(header);
    return verdict.account ? verdict.account->user : verdict.blocked ? "blocked" : verdict.fault;
  }

  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> stays = asio::make_work_guard(io);
  Serving serving;
  std::optional<CallLimits> limits;
  std::unique_ptr<Authentication> authentication;
};

TEST_F(AuthenticationTest, AKeyGoesWithItsUser) {
  EXPECT_EQ(user(basic("app", "clear:key-of-app")), "app");
  EXPECT_EQ(user(basic("php", "secret key")), "php");
  EXPECT_EQ(user(basic("php", "clear:key-of-app")), "Authorization failed!");
  EXPECT_EQ(user(basic("APP", "clear:key-of-app")), "Authorization failed!");
}

TEST_F(AuthenticationTest, ALoginTakesTheEMailToo) {
  EXPECT_EQ(user(basic("jo", "password")), "jo");
  EXPECT_EQ(user(basic("jo@example.com", "password")), "jo");
  EXPECT_EQ(user(basic("jo@example.com", "passwort")), "Authorization failed!");
}

TEST_F(AuthenticationTest, ALoginNeedsThePermission) {
  EXPECT_EQ(user(basic("narrow", "password")),
            "You do not have permission to use REST API directly. \"lhrestapi\", \"use_direct_logins\" is missing!");
  EXPECT_EQ(user(basic("narrow", "password")),
            "You do not have permission to use REST API directly. \"lhrestapi\", \"use_direct_logins\" is missing!")
      << "also when it is remembered";
}

TEST_F(AuthenticationTest, WhoFailsTooOftenIsNotLookedAt) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(user(basic("app", "wrong" + std::to_string(i))), "Authorization failed!");
  EXPECT_EQ(user(basic("app", "clear:key-of-app")), "blocked") << "a guess that is right tells nothing";
  EXPECT_EQ(user(basic("php", "secret key")), "blocked");
  EXPECT_TRUE(verify(basic("app", "clear:key-of-app"), "192.0.2.2").account) << "others are served";
  EXPECT_TRUE(verify(basic("app", "clear:key-of-app"), "192.0.2.1", start + std::chrono::minutes(1)).account);
}

TEST_F(AuthenticationTest, WhoWasVerifiedIsServedBesideWhoGuesses) {
  EXPECT_EQ(user(basic("php", "secret key")), "php");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(user(basic("nobody", "wrong")), "Authorization failed!");
  EXPECT_EQ(user(basic("app", "clear:key-of-app")), "blocked");
  EXPECT_EQ(user(basic("php", "secret key")), "php");
}

TEST_F(AuthenticationTest, AHeaderThatIsNoneIsNoFailedLogin) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(user(""), "Authorization header is missing!");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(user("Bearer x"), "Bearer authorization failed!");
  EXPECT_EQ(user(basic("app", "clear:key-of-app")), "app");
}

// Many at once: the same credentials are verified once, and all get their answer; too many different ones are told so.
TEST_F(AuthenticationTest, ManyAtOnce) {
  limits.emplace(serving.limits);
  authentication = std::make_unique<Authentication>(io.get_executor(), serving, *limits);
  int good = 0, unverified = 0, ended = 0;
  const auto ask = [&](std::string header, std::string address) -> asio::awaitable<void> {
    auto pending = authentication->verify(std::move(header), std::move(address), start);
    const Authentication::Verdict verdict = co_await std::move(pending);
    good += verdict.account ? 1 : 0;
    unverified += verdict.error ? 1 : 0;
    ++ended;
  };
  for (int i = 0; i < 20; ++i) asio::co_spawn(io, ask(basic("php", "secret key"), "192.0.2.1"), asio::detached);
  for (int i = 0; i < 100; ++i)
    asio::co_spawn(io, ask(basic("php", "wrong"), "192.0.3." + std::to_string(i)), asio::detached);
  while (ended < 120) io.run_one();
  EXPECT_EQ(good, 20);
  EXPECT_EQ(unverified, 37) << "63 places are left beside the good one";
}

// Guesses at the same time are no way around the limit of those that fail, and take no places of other addresses.
TEST_F(AuthenticationTest, GuessesAtOnceAreNoMoreThanMayFail) {
  limits.emplace(serving.limits);
  authentication = std::make_unique<Authentication>(io.get_executor(), serving, *limits);
  int looked_at = 0, unverified = 0, good = 0, ended = 0;
  const auto ask = [&](std::string header, std::string address) -> asio::awaitable<void> {
    auto pending = authentication->verify(std::move(header), std::move(address), start);
    const Authentication::Verdict verdict = co_await std::move(pending);
    good += verdict.account ? 1 : 0;
    unverified += verdict.error ? 1 : 0;
    looked_at += verdict.fault.empty() ? 0 : 1;
    ++ended;
  };
  for (int i = 0; i < 100; ++i)
    asio::co_spawn(io, ask(basic("php", "wrong" + std::to_string(i)), "2001:db8::" + std::to_string(i % 10)),
                   asio::detached);
  asio::co_spawn(io, ask(basic("php", "secret key"), "192.0.2.9"), asio::detached);
  while (ended < 101) io.run_one();
  EXPECT_EQ(looked_at, 3);
  EXPECT_EQ(unverified, 97);
  EXPECT_EQ(good, 1);
  EXPECT_TRUE(verify(basic("php", "wrong"), "2001:db8::1").blocked);
}

// What waits when the endpoints go away is destroyed with them, not leaked.
TEST_F(AuthenticationTest, MayEndWhileSomebodyWaits) {
  limits.emplace(serving.limits);
  authentication = std::make_unique<Authentication>(io.get_executor(), serving, *limits);
  bool ended = false;
  const auto ask = [&]() -> asio::awaitable<void> {
    const std::string header = basic("php", "secret key");
    auto pending = authentication->verify(header, "192.0.2.1", start);
    co_await std::move(pending);
    ended = true;
  };
  asio::co_spawn(io, ask, asio::detached);
  io.poll();
  authentication.reset();
  io.poll();
  EXPECT_FALSE(ended);
}

TEST(CallLimits, CountAccountsAddressesAndFailuresApart) {
  Limits rates;
  rates.per_key = Rate{2, Millis{60'000}};
  rates.per_address = Rate{1, Millis{60'000}};
  rates.failed_logins = Rate{1, Millis{60'000}};
  CallLimits limits(rates);
  EXPECT_TRUE(limits.take_account("app", start).allowed);
  EXPECT_TRUE(limits.take_account("app", start).allowed);
  EXPECT_FALSE(limits.take_account("app", start).allowed);
  EXPECT_TRUE(limits.take_account("other", start).allowed);
  EXPECT_TRUE(limits.take_address("2001:db8::1", start).allowed);
  EXPECT_FALSE(limits.take_address("2001:db8::2", start).allowed) << "a network of 64 bits is an address";
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(limits.look_at_logins("192.0.2.1", start).allowed) << "looking counts nothing";
  limits.count_failed_login("192.0.2.1", start);
  const auto blocked = limits.look_at_logins("192.0.2.1", start + Millis{500});
  EXPECT_FALSE(blocked.allowed);
  const Reply reply = CallLimits::too_many(Shape::errors, blocked, "failed logins");
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(json::serialize(*reply.body),
            R"({"error":true,"result":{"errors":"Too many failed logins! Please wait 60 seconds."}})");
  EXPECT_EQ(reply.headers, (std::vector<std::pair<std::string, std::string>>{{"Retry-After", "60"}}));
}

TEST(Account, MayWhatItsPermissionsSay) {
  Account account;
  EXPECT_TRUE(account.has("lhchat,use"));
  account.all_permissions = false;
  EXPECT_FALSE(account.has("lhchat,use"));
  account.permissions = {"lhchat,*", "lhuser,use"};
  EXPECT_TRUE(account.has("lhchat,use"));
  EXPECT_TRUE(account.has("lhuser,use"));
  EXPECT_FALSE(account.has("lhuser,userlist"));
  EXPECT_FALSE(account.has("lhchats,use"));
  account.permissions = {"*"};
  EXPECT_TRUE(account.has("lhuser,userlist"));
  EXPECT_TRUE(account.sees(5));
  account.departments = {1, 2};
  EXPECT_TRUE(account.sees(2));
  EXPECT_FALSE(account.sees(5));
  EXPECT_FALSE(account.sees(0)) << "what is in no department is not in these";
  account.departments = {1, 0};
  EXPECT_TRUE(account.sees(5));
}

}  // namespace
}  // namespace chatrelay::systems::livehelperchat::endpoints
