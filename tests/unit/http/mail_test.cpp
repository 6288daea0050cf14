#include <gtest/gtest.h>

#include "http/client.hpp"
#include "http/mail_transaction.hpp"
#include "support.hpp"

namespace chatrelay::http {
namespace {

namespace asio = boost::asio;
using test::Raw;
using test::Scripted;

// A mail server that follows a table: the reply to each command by its first word, and to the final dot.
struct Smtp {
  std::map<std::string, std::string> replies{
      {"greeting", "220 test\r\n"}, {"EHLO", "250-test\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n250 SIZE 1000000\r\n"},
      {"MAIL", "250 2.1.0 ok\r\n"}, {"RCPT", "250 2.1.5 ok\r\n"},
      {"DATA", "354 go\r\n"},       {"dot", "250 2.0.0 queued as X1\r\n"},
      {"AUTH", "235 2.7.0 in\r\n"}, {"NOOP", "250 2.0.0 ok\r\n"},
      {"QUIT", "221 bye\r\n"}};
  std::vector<std::string> commands;
  std::string data;  // as it came over the wire, without the final dot
  std::mutex mutex;
  std::atomic<bool> finished{false};

  void operator()(Raw& raw, int) {
    serve(raw);
    finished = true;
  }
  void serve(Raw& raw) {
    if (replies["greeting"].empty()) {
      raw.rest();
      return;
    }
    raw.send(replies["greeting"]);
    for (auto line = raw.until("\r\n"); !line.empty(); line = raw.until("\r\n")) {
      {
        const std::lock_guard lock(mutex);
        commands.push_back(line.substr(0, line.size() - 2));
      }
      auto word = line.substr(0, line.find_first_of(" \r"));
      if (!replies.contains(word)) {
        raw.send("500 what\r\n");
        continue;
      }
      if (replies[word] == "close") return;
      if (replies[word] == "hang") {
        raw.rest();
        return;
      }
      if (word == "AUTH" &&
          std::count(line.begin(), line.end(), ' ') == 1) {  // without an initial response: ask for it
        raw.send("334 \r\n");
        raw.until("\r\n");
      }
      raw.send(replies[word]);
      if (word == "QUIT") return;
      if (word == "DATA" && replies[word].starts_with("354")) {
        const auto all = raw.until("\r\n.\r\n");
        {
          const std::lock_guard lock(mutex);
          data = all.substr(0, all.size() - 3);
        }
        if (replies["dot"] == "close") return;
        if (replies["dot"] == "hang") {
          raw.rest();
          return;
        }
        raw.send(replies["dot"]);
      }
    }
  }
  bool saw(std::string_view start) {
    const std::lock_guard lock(mutex);
    for (const auto& c : commands)
      if (c.starts_with(start)) return true;
    return false;
  }
};

class Mailing : public testing::Test {
 protected:
  Mailing() {
    Client::Options options;
    client = loop.on_loop([&] { return std::make_unique<Client>(loop.context.get_executor(), options); });
  }
  ~Mailing() override {
    loop.on_loop([this] { client.reset(); });
    loop.stop();
  }
  MailRequest mail(unsigned short port) {
    MailRequest request;
    request.url = "smtp://127.0.0.1:" + std::to_string(port) + "/relay.example";
    request.require_tls = false;
    request.allow_plain_auth = true;
    request.allow_private = true;
    request.from = "chat@example.com";
    request.to = "to@example.com";
    request.message = "Subject: x\r\n\r\nhello\r\n";
    request.timeout = Millis{4000};
    return request;
  }
  MailResponse send(const MailRequest& request) {
    auto work = client->send_mail(request);
    return loop.run(std::move(work));
  }
  // Sends one mail to a server that replies `reply` to `command`.
  MailResponse with_reply(const std::string& command, const std::string& reply,
                          std::function<void(MailRequest&)> change = {}) {
    Smtp smtp;
    smtp.replies[command] = reply;
    Scripted server([&](Raw& raw, int n) { smtp(raw, n); });
    auto request = mail(server.port);
    if (change) change(request);
    return send(request);
  }
  static void log_in(MailRequest& request) {
    request.username = "user";
    request.password = "pass";
  }
  test::Loop loop;
  std::unique_ptr<Client> client;
};

TEST_F(Mailing, AMailArrivesAsItIs) {
  Smtp smtp;
  Scripted server([&](Raw& raw, int n) { smtp(raw, n); });
  auto request = mail(server.port);
  request.message = "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\na.\r\n";
  for (int i = 0; i < 3000; ++i) request.message += ".line " + std::to_string(i) + "\r\n";
  const auto response = send(request);
  EXPECT_EQ(response.curl_code, 0) << response.error;
  EXPECT_EQ(response.reply_code, 250);
  EXPECT_EQ(response.reply, "250 2.0.0 queued as X1");
  EXPECT_TRUE(response.sent_body);
  EXPECT_TRUE(smtp.saw("EHLO relay.example"));
  EXPECT_TRUE(smtp.saw("MAIL FROM:<chat@example.com>"));
  EXPECT_TRUE(smtp.saw("RCPT TO:<to@example.com>"));
  std::string unstuffed;
  for (std::size_t at = 0; at < smtp.data.size();) {
    const auto end = smtp.data.find("\r\n", at) + 2;
    unstuffed += smtp.data.substr(smtp.data[at] == '.' ? at + 1 : at, end - (smtp.data[at] == '.' ? at + 1 : at));
    at = end;
  }
  EXPECT_EQ(unstuffed, request.message);
}

TEST_F(Mailing, RefusalsKeepTheirCodeAndText) {
  struct Row {
    const char* command;
    const char* reply;
    int code;
    bool body;
  };
  for (const auto& row : {
           Row{"greeting", "421 4.3.2 closing\r\n", 421, false},
           Row{"greeting", "554 5.7.1 blocked\r\n", 554, false},
           Row{"MAIL", "550 5.7.1 not you\r\n", 550, false},
           Row{"MAIL", "451 4.3.0 later\r\n", 451, false},
           Row{"RCPT", "450 4.7.1 greylisted\r\n", 450, false},
           Row{"RCPT", "550-5.1.1 no such\r\n550 5.1.1 user\r\n", 550, false},
           Row{"RCPT", "452 4.2.2 full\r\n", 452, false},
           Row{"DATA", "451 4.3.0 later\r\n", 451, false},
           Row{"DATA", "554 5.5.1 no\r\n", 554, false},
           Row{"dot", "550 5.6.0 content\r\n", 550, true},
           Row{"dot", "451 4.3.0 later\r\n", 451, true},
           Row{"dot", "421 4.7.0 bye\r\n", 421, true},
       }) {
    const auto response = with_reply(row.command, row.reply);
    EXPECT_NE(response.curl_code, 0) << row.command;
    EXPECT_EQ(response.reply_code, row.code) << row.command << row.reply;
    EXPECT_TRUE(response.reply.starts_with(std::to_string(row.code))) << response.reply;
    EXPECT_EQ(response.sent_body, row.body) << row.command << row.reply;
  }
  EXPECT_EQ(with_reply("RCPT", "550-5.1.1 no such\r\n550 5.1.1 user\r\n").reply, "550 5.1.1 no such 5.1.1 user");
}

TEST_F(Mailing, LoginsAreRefusedForNowOrForGood) {
  EXPECT_EQ(with_reply("AUTH", "535 5.7.8 bad\r\n", log_in).reply_code, 535);
  EXPECT_EQ(with_reply("AUTH", "454 4.7.0 later\r\n", log_in).reply_code, 454);
  EXPECT_EQ(with_reply("AUTH", "235 2.7.0 in\r\n", log_in).curl_code, 0);
}

TEST_F(Mailing, BearerTokensGoByXoauth2) {
  Smtp smtp;
  Scripted server([&](Raw& raw, int n) { smtp(raw, n); });
  auto request = mail(server.port);
  request.username = "user@example.com";
  request.bearer = "token";
  EXPECT_EQ(send(request).curl_code, 0);
  EXPECT_TRUE(smtp.saw("AUTH XOAUTH2"));
  EXPECT_FALSE(smtp.saw("AUTH PLAIN"));
}

TEST_F(Mailing, NothingIsSentInPlainTextWhenTlsIsRequired) {
  for (const bool required : {true, false}) {
    Smtp smtp;
    Scripted server([&](Raw& raw, int n) { smtp(raw, n); });
    auto request = mail(server.port);
    request.require_tls = required;
    request.allow_plain_auth = false;
    log_in(request);  // a login makes it required by itself
    const auto response = send(request);
    EXPECT_EQ(response.curl_code, 64) << response.error;
    EXPECT_FALSE(smtp.saw("AUTH"));
    EXPECT_FALSE(smtp.saw("MAIL"));
  }
}

TEST_F(Mailing, AConnectionLostAfterTheBodyIsAmbiguous) {
  const auto lost = with_reply("dot", "close");
  EXPECT_NE(lost.curl_code, 0);
  EXPECT_TRUE(lost.sent_body);
  EXPECT_EQ(lost.reply_code, 354);
  const auto late = with_reply("dot", "hang", [](MailRequest& r) { r.timeout = Millis{300}; });
  EXPECT_TRUE(late.timed_out) << late.curl_code << late.error << late.reply;
  EXPECT_TRUE(late.sent_body);
  const auto early = with_reply("RCPT", "close");
  EXPECT_NE(early.curl_code, 0);
  EXPECT_FALSE(early.sent_body);
}

TEST_F(Mailing, ServersThatDoNotSpeakTimeOut) {
  const auto response = with_reply("greeting", "", [](MailRequest& r) { r.timeout = Millis{300}; });
  EXPECT_TRUE(response.timed_out);
  EXPECT_FALSE(response.sent_body);
  Smtp smtp;
  auto request = mail(test::closed_port());
  EXPECT_EQ(send(request).curl_code, 7);
}

TEST_F(Mailing, AServerThatHangsAfterQuitHoldsNobodyLong) {
  Smtp smtp;
  smtp.replies["RCPT"] = "550 5.1.1 no\r\n";
  smtp.replies["QUIT"] = "hang";
  Scripted server([&](Raw& raw, int n) { smtp(raw, n); });
  Smtp good;
  Scripted other([&](Raw& raw, int n) { good(raw, n); });
  auto request = mail(server.port);
  request.timeout = Millis{20'000};
  auto hanging = client->send_mail(request);
  auto answer = loop.begin(std::move(hanging));
  for (int i = 0; i < 4000 && !smtp.saw("QUIT"); ++i) ::usleep(1'000);
  EXPECT_TRUE(smtp.saw("QUIT"));
  EXPECT_EQ(send(mail(other.port)).curl_code, 0);
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(8)), std::future_status::ready);
  EXPECT_EQ(answer.get().reply_code, 550);
}

TEST_F(Mailing, ProbesLogInAndSendNothing) {
  Smtp smtp;
  Scripted server([&](Raw& raw, int n) { smtp(raw, n); });
  auto request = mail(server.port);
  request.probe = true;
  log_in(request);
  const auto response = send(request);
  EXPECT_EQ(response.curl_code, 0) << response.error;
  EXPECT_TRUE(smtp.saw("AUTH"));
  EXPECT_TRUE(smtp.saw("NOOP"));
  EXPECT_FALSE(smtp.saw("MAIL"));
  EXPECT_EQ(with_reply("AUTH", "535 5.7.8 bad\r\n",
                       [](MailRequest& r) {
                         r.probe = true;
                         log_in(r);
                       })
                .reply_code,
            535);
}

TEST_F(Mailing, InjectionsAndSmugglingAreRefusedBeforeConnecting) {
  Scripted server([](Raw& raw, int) { raw.rest(); });
  const auto refused = [&](std::function<void(MailRequest&)> change) {
    auto request = mail(server.port);
    change(request);
    const auto response = send(request);
    EXPECT_NE(response.curl_code, 0);
    EXPECT_FALSE(response.sent_body);
    EXPECT_FALSE(response.error.empty());
  };
  refused([](auto& r) { r.to = "a@b.c>\r\nRCPT TO:<evil@x.test"; });
  refused([](auto& r) { r.to = "a@b.c\r\nDATA"; });
  refused([](auto& r) { r.to = "a@b.c> <x@y.z"; });
  refused([](auto& r) { r.to = ""; });
  refused([](auto& r) { r.to = "nobody"; });
  refused([](auto& r) { r.from = std::string("a\0@b.c", 6); });
  refused([](auto& r) { r.from = "a@b.c\nX"; });
  refused([](auto& r) { r.message = "Subject: x\r\n\r\na\n.\nMAIL FROM:<evil@x.test>\r\n"; });
  refused([](auto& r) { r.message = "Subject: x\r\n\r\na\r.\r\n"; });
  refused([](auto& r) { r.message = "Subject: x\r\n\r\na\r"; });
  refused([](auto& r) { r.message = std::string("a\0b\r\n", 5); });
  refused([](auto& r) { r.message = ""; });
  refused([](auto& r) {
    r.username = "u\r\nMAIL";
    r.password = "p";
  });
  refused([](auto& r) { r.url = "http://127.0.0.1/"; });
  refused([](auto& r) { r.url += "\r\nMAIL FROM:<x@y.z>"; });
  refused([](auto& r) { r.url += "%0d%0aMAIL%20FROM:x"; });
  EXPECT_LE(server.accepted, 1);  // the last one is libcurl's to refuse
}

TEST_F(Mailing, PrivateAddressesAreRefusedUnlessAllowed) {
  Scripted server([](Raw& raw, int) { raw.rest(); });
  for (const std::string host : {"127.0.0.1", "localhost", "2130706433", "[::1]"}) {
    auto request = mail(server.port);
    request.url = "smtp://" + host + ":" + std::to_string(server.port) + "/x";
    request.allow_private = false;
    EXPECT_TRUE(send(request).refused_address) << host;
  }
  EXPECT_EQ(server.accepted, 0);
}

TEST_F(Mailing, ClientMayGoWithAMailUnderWay) {
  Scripted server([](Raw& raw, int) { raw.rest(); });
  auto work = client->send_mail(mail(server.port));
  auto answer = loop.begin(std::move(work));
  while (server.accepted < 1) ::usleep(1'000);
  const auto began = std::chrono::steady_clock::now();
  loop.on_loop([this] { client.reset(); });
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
  EXPECT_NE(answer.get().curl_code, 0);
}

TEST(SmtpReplies, KeepsTheLastReplyOnOneLine) {
  SmtpReplies replies;
  replies.take("250-one\r\n");
  replies.take("250 two\r\n");
  EXPECT_EQ(replies.last(), "250 one two");
  replies.take("354 go\r\n");
  EXPECT_TRUE(replies.saw_354());
  replies.take("nonsense\r\n");
  replies.take("550-5.1.1\r\n");
  replies.take("550 \r\n");
  EXPECT_EQ(replies.code(), 550);
  for (int i = 0; i < 100; ++i) replies.take("250-" + std::string(100, 'x') + "\r\n");
  EXPECT_LE(replies.last().size(), 1024u);
}

}  // namespace
}  // namespace chatrelay::http
