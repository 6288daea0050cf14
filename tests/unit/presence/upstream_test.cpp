#include "presence/upstream.hpp"

#include <condition_variable>
#include <map>

#include "unit/http/support.hpp"
#include "unit/presence/support.hpp"

namespace chatrelay::presence {
namespace {

using http::test::Raw;
using http::test::Scripted;

http::ClientResponse answer(int status, std::string body, http::Progress progress = http::Progress::answered) {
  http::ClientResponse response;
  response.progress = progress;
  response.status = status;
  response.body = std::move(body);
  return response;
}

TEST(UpstreamQuestions, AreThoseOfEverybodyWithAnIdThere) {
  const Settings settings = test::settings_of(
      "upstream: {url: \"https://chat.example/index.php/\"}\n"
      "users: [{id: 1, upstream: 11}, {id: 2}]\n"
      "departments: [{id: 5}, {id: 6, upstream: 61}]");
  const auto questions = upstream_questions(settings);
  ASSERT_EQ(questions.size(), 3u);
  EXPECT_EQ(questions[0].url, "https://chat.example/index.php/restapi/isonline");
  EXPECT_EQ(questions[0].subject, Board::Subject::all);
  EXPECT_EQ(questions[1].url, "https://chat.example/index.php/restapi/isonlinedepartment/61");
  EXPECT_EQ(questions[1].subject, Board::Subject::department);
  EXPECT_EQ(questions[1].id, 6);
  EXPECT_EQ(questions[2].url, "https://chat.example/index.php/restapi/isonlineuser/11");
  EXPECT_EQ(questions[2].subject, Board::Subject::user);
  EXPECT_EQ(questions[2].id, 1);
  EXPECT_TRUE(upstream_questions(test::settings_of("users: [{id: 1}]")).empty());
}

TEST(UpstreamQuestions, CarryTheFlagsThatEachTakes) {
  const auto questions = upstream_questions(
      test::settings_of("upstream: {url: \"https://a\", exclude_bot: true, exclude_online_hours: true}\n"
                        "users: [{id: 1, upstream: 1}]\ndepartments: [{id: 2, upstream: 3}]"));
  ASSERT_EQ(questions.size(), 3u);
  EXPECT_EQ(questions[0].url, "https://a/restapi/isonline?exclude_online_hours=true");
  EXPECT_EQ(questions[1].url, "https://a/restapi/isonlinedepartment/3?exclude_bot=true&exclude_online_hours=true");
  EXPECT_EQ(questions[2].url, "https://a/restapi/isonlineuser/1");
}

TEST(UpstreamAnswers, AreTakenOnlyAsLiveHelperChatGivesThem) {
  EXPECT_EQ(read_isonline(answer(200, R"({"isonline":true})")), true);
  EXPECT_EQ(read_isonline(answer(200, R"({"isonline":false})")), false);
  for (const char* body : {"", "true", "{}", R"({"isonline":"true"})", R"({"isonline":1})", R"({"isonline":null})",
                           "loadCallBack({\"isonline\":true})", "<?xml version=\"1.0\"?>\n<root/>\n",
                           R"({"isonline":tr)", R"([{"isonline":true}])", R"({"error":true,"result":"x"})"})
    EXPECT_EQ(read_isonline(answer(200, body)), std::nullopt) << body;
  EXPECT_EQ(read_isonline(answer(503, R"({"isonline":true})")), std::nullopt);
  EXPECT_EQ(read_isonline(answer(301, R"({"isonline":true})")), std::nullopt);
  EXPECT_EQ(read_isonline(answer(200, R"({"isonline":true})", http::Progress::sent)), std::nullopt);
}

// A Live Helper Chat of our own: a body for each path; paths without one get 503.
class Server {
 public:
  void say(const std::string& path, const std::string& body) {
    const std::lock_guard lock(mutex_);
    bodies_[path] = body;
  }
  void hold(bool on) {
    {
      const std::lock_guard lock(mutex_);
      held_ = on;
    }
    released_.notify_all();
  }
  int asked(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return asked_[path];
  }
  int most_at_once() {
    const std::lock_guard lock(mutex_);
    return most_at_once_;
  }
  std::string last_head() {
    const std::lock_guard lock(mutex_);
    return head_;
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(scripted_.port); }
  ~Server() { hold(false); }

 private:
  void serve(Raw& raw) {
    for (std::string head = raw.until("\r\n\r\n"); head.starts_with("GET "); head = raw.until("\r\n\r\n"))
      if (!raw.send(respond(head))) return;
  }
  std::string respond(const std::string& head) {
    const std::string path = head.substr(4, head.find(' ', 4) - 4);
    std::unique_lock lock(mutex_);
    head_ = head;
    ++asked_[path];
    most_at_once_ = std::max(most_at_once_, ++at_once_);
    released_.wait(lock, [this] { return !held_; });
    --at_once_;
    const auto body = bodies_.find(path);
    const std::string text = body == bodies_.end() ? "no" : body->second;
    return std::string("HTTP/1.1 ") + (body == bodies_.end() ? "503 No" : "200 OK") +
           "\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
  }
  std::mutex mutex_;
  std::condition_variable released_;
  bool held_ = false;
  int at_once_ = 0, most_at_once_ = 0;
  std::map<std::string, std::string> bodies_;
  std::map<std::string, int> asked_;
  std::string head_;
  Scripted scripted_{[this](Raw& raw, int) { serve(raw); }};
};

constexpr const char* yes = R"({"isonline":true})";
constexpr const char* no = R"({"isonline":false})";

class Polling : public testing::Test {
 protected:
  Polling() {
    loop.on_loop([this] {
      client = std::make_unique<http::Client>(loop.context.get_executor(), http::Client::Options{});
      poll = std::make_unique<UpstreamPoll>(loop.context.get_executor(), *client, board);
    });
  }
  ~Polling() override {
    loop.on_loop([this] { poll->close(); });
    auto ended = poll->join(Millis{4000});
    EXPECT_TRUE(loop.run(std::move(ended)));
    loop.on_loop([this] {
      poll.reset();
      client.reset();
    });
    loop.stop();
  }
  // One user (1, there 11), one department (2, there 21).
  Settings settings(const std::string& url, Millis every = Millis{2}) {
    Settings out = test::settings_of("upstream: {url: \"" + url +
                                     "\", allow_private: true}\n"
                                     "users: [{id: 1, upstream: 11}]\ndepartments: [{id: 2, upstream: 21}]");
    out.upstream->every = every;  // shorter than a configuration may say
    return out;
  }
  void use(const Settings& what) {
    board.configure(what);
    loop.on_loop([&] { poll->use(what); });
  }
  template <class F>
  bool eventually(F holds) {
    for (int i = 0; i < 2000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  std::uint64_t polls() {
    return loop.on_loop([this] { return poll->polls(); });
  }
  std::uint64_t failed() {
    return loop.on_loop([this] { return poll->failed(); });
  }
  std::uint64_t answered() {
    return loop.on_loop([this] { return poll->answered(); });
  }

  ManualClock clock{test::at("2026-11-20T08:00:00Z")};
  Board board{Settings{}, clock};
  http::test::Loop loop;
  std::unique_ptr<http::Client> client;
  std::unique_ptr<UpstreamPoll> poll;
};

TEST_F(Polling, TellsTheBoardWhatTheServerSays) {
  Server server;
  server.say("/restapi/isonline", no);
  server.say("/restapi/isonlinedepartment/21", no);
  server.say("/restapi/isonlineuser/11", yes);
  use(settings(server.url()));
  EXPECT_TRUE(eventually([&] { return board.user_online(1); }));
  EXPECT_TRUE(board.online());  // the person
  EXPECT_FALSE(board.department_online(2));
  EXPECT_TRUE(server.last_head().find("\r\nAccept: application/json\r\n") != std::string::npos) << server.last_head();
  server.say("/restapi/isonlinedepartment/21", yes);
  EXPECT_TRUE(eventually([&] { return board.department_online(2); }));
  server.say("/restapi/isonlineuser/11", no);
  EXPECT_TRUE(eventually([&] { return !board.user_online(1); }));
  EXPECT_EQ(failed(), 0u);
}

TEST_F(Polling, AWrongAnswerChangesNothingAndTheOthersAreAskedAllTheSame) {
  Server server;
  server.say("/restapi/isonline", yes);
  server.say("/restapi/isonlineuser/11", yes);
  use(settings(server.url()));
  EXPECT_TRUE(eventually([&] { return polls() > 2; }));
  EXPECT_TRUE(board.user_online(1));
  EXPECT_FALSE(board.department_online(2));
  EXPECT_GT(failed(), 1u);
  server.say("/restapi/isonline", "<html>maintenance</html>");
  server.say("/restapi/isonlineuser/11", R"({"isonline":"false"})");
  const auto before = polls();
  EXPECT_TRUE(eventually([&] { return polls() > before + 2; }));
  EXPECT_TRUE(board.user_online(1));  // what it said last counts
  clock.advance(std::chrono::minutes(11));
  EXPECT_FALSE(board.user_online(1));
}

TEST_F(Polling, NeverOverlapsAndWaitsBetween) {
  Server server;
  server.hold(true);
  use(settings(server.url(), Millis{1}));
  EXPECT_TRUE(eventually([&] { return server.asked("/restapi/isonline") == 1; }));
  // Many times `every` passes while the answer is awaited.
  clock.advance(std::chrono::hours(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(server.asked("/restapi/isonline"), 1);
  EXPECT_EQ(server.asked("/restapi/isonlineuser/11"), 0);
  server.hold(false);
  EXPECT_TRUE(eventually([&] { return polls() > 3; }));
  EXPECT_EQ(server.most_at_once(), 1);
}

TEST_F(Polling, AServerThatIsNotThereIsAskedOnceAPoll) {
  use(settings("http://127.0.0.1:" + std::to_string(http::test::closed_port())));
  EXPECT_TRUE(eventually([&] { return polls() >= 3; }));
  loop.on_loop([this] {
    EXPECT_EQ(poll->failed(), poll->polls());
    EXPECT_EQ(poll->answered(), 0u);
  });
  EXPECT_FALSE(board.online());
}

TEST_F(Polling, PrivateAddressesAreRefusedUnlessAllowed) {
  Server server;
  server.say("/restapi/isonline", yes);
  Settings refused = settings(server.url());
  refused.upstream->allow_private = false;
  use(refused);
  EXPECT_TRUE(eventually([&] { return polls() >= 1; }));
  EXPECT_EQ(server.asked("/restapi/isonline"), 0);
  EXPECT_FALSE(board.online());
}

TEST_F(Polling, OtherSettingsBeginAtOnceAndNoneEndIt) {
  Server first, second;
  first.say("/restapi/isonline", yes);
  second.say("/restapi/isonline", yes);
  use(settings(first.url(), std::chrono::hours(1)));
  EXPECT_TRUE(eventually([&] { return polls() == 1; }));
  use(settings(second.url()));
  EXPECT_TRUE(eventually([&] { return second.asked("/restapi/isonline") > 2; }));
  EXPECT_EQ(first.asked("/restapi/isonline"), 1);
  use(Settings{});
  const auto ended = answered() + failed();
  const int asked = second.asked("/restapi/isonlineuser/11");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(second.asked("/restapi/isonlineuser/11"), asked + 1);  // one may have been under way
  EXPECT_EQ(answered() + failed(), ended);
  EXPECT_FALSE(board.online());
}

TEST_F(Polling, AnAnswerOfTheOldServerIsDropped) {
  Server first, second;
  first.say("/restapi/isonline", yes);
  second.say("/restapi/isonline", no);
  first.hold(true);
  use(settings(first.url()));
  EXPECT_TRUE(eventually([&] { return first.asked("/restapi/isonline") == 1; }));
  use(settings(second.url()));
  first.hold(false);
  EXPECT_TRUE(eventually([&] { return polls() > 1; }));
  EXPECT_FALSE(board.online());
  EXPECT_EQ(first.asked("/restapi/isonlinedepartment/21"), 0);
}

TEST_F(Polling, EndsWhileARequestHangs) {
  Server server;
  server.hold(true);
  use(settings(server.url()));
  EXPECT_TRUE(eventually([&] { return server.asked("/restapi/isonline") == 1; }));
  loop.on_loop([this] { poll->close(); });
  auto ended = poll->join(Millis{3000});
  EXPECT_TRUE(loop.run(std::move(ended)));
  EXPECT_EQ(answered(), 0u);
}

}  // namespace
}  // namespace chatrelay::presence
