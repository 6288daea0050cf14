// Small servers on loopback, each with a thread: an HTTP one that records requests and answers as scripted, and an SMTP
// one that follows the protocol as far as the client's side of it needs, with scripted replies.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include "common/text.hpp"

namespace chatrelay::destinations::testing {

using Tcp = boost::asio::ip::tcp;

// Serves one connection after the other until it is destroyed.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<void(Tcp::socket&)> serve)
      : acceptor_(io_, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        serve_(std::move(serve)),
        thread_([this] { loop(); }) {}
  ~ScriptedServer() {
    stopping_ = true;
    // Wakes accept: closing the acceptor from another thread would not.
    boost::system::error_code ignored;
    Tcp::socket wake(io_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    wake.close(ignored);
    thread_.join();
  }
  unsigned short port() const { return acceptor_.local_endpoint().port(); }

 private:
  void loop() {
    while (true) {
      boost::system::error_code error;
      Tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (error || stopping_) return;
      try {
        serve_(socket);
      } catch (const std::exception&) {
        // The client went away: for a test that is an answer too.
      }
    }
  }
  boost::asio::io_context io_;
  Tcp::acceptor acceptor_;
  std::function<void(Tcp::socket&)> serve_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class HttpSink {
 public:
  // Answers the n-th request with the n-th text, later ones with the last; an empty text closes without an answer.
  explicit HttpSink(std::vector<std::string> answers)
      : answers_(std::move(answers)), server_([this](Tcp::socket& s) { serve(s); }) {}
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(server_.port()) + path; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(Tcp::socket& socket) {
    std::string text;
    auto buffer = boost::asio::dynamic_buffer(text);
    const std::size_t head = boost::asio::read_until(socket, buffer, "\r\n\r\n");
    const std::string lower = to_lower_ascii(text.substr(0, head));
    if (const auto at = lower.find("content-length: "); at != std::string::npos) {
      const std::size_t length = std::stoul(lower.substr(at + 16));
      if (text.size() < head + length)
        boost::asio::read(socket, buffer, boost::asio::transfer_exactly(head + length - text.size()));
    }
    std::string answer;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(text);
      answer = answers_[std::min(requests_.size(), answers_.size()) - 1];
    }
    boost::asio::write(socket, boost::asio::buffer(answer));
  }
  std::mutex mutex_;
  std::vector<std::string> answers_;
  std::vector<std::string> requests_;
  ScriptedServer server_;
};

class MailSink {
 public:
  MailSink() : server_([this](Tcp::socket& s) { serve(s); }) {}
  std::string origin() const { return "smtp://127.0.0.1:" + std::to_string(server_.port()); }
  // The reply to RCPT for an address, for the next `times` times; and to the final dot. Otherwise 250.
  void script(const std::string& address, const std::string& reply, int times = 1'000'000) {
    const std::lock_guard lock(mutex_);
    rcpt_[address] = {reply, times};
  }
  void script_content(const std::string& reply) {
    const std::lock_guard lock(mutex_);
    content_reply_ = reply;
  }
  // recipient → messages as received, dot-stuffing undone
  std::vector<std::pair<std::string, std::string>> mails() {
    const std::lock_guard lock(mutex_);
    return mails_;
  }
  std::vector<std::string> commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

 private:
  std::string rcpt_reply(const std::string& address) {
    const std::lock_guard lock(mutex_);
    const auto found = rcpt_.find(address);
    if (found == rcpt_.end() || found->second.second-- <= 0) return "250 2.1.5 Ok";
    return found->second.first;
  }
  void serve(Tcp::socket& socket) {
    boost::asio::streambuf buffer;
    const auto say = [&](const std::string& line) { boost::asio::write(socket, boost::asio::buffer(line + "\r\n")); };
    const auto hear = [&] {
      boost::asio::read_until(socket, buffer, "\r\n");
      std::istream in(&buffer);
      std::string line;
      std::getline(in, line);
      line.pop_back();
      return line;
    };
    say("220 sink ESMTP");
    std::string recipient;
    while (true) {
      const std::string line = hear();
      const std::string verb = to_lower_ascii(line.substr(0, 4));
      {
        const std::lock_guard lock(mutex_);
        commands_.push_back(line);
      }
      if (verb == "quit") return say("221 bye");
      if (verb == "rcpt") {
        recipient = line.substr(line.find('<') + 1, line.find('>') - line.find('<') - 1);
        say(rcpt_reply(recipient));
      } else if (verb == "data") {
        say("354 go ahead");
        std::string message;
        for (std::string text = hear(); text != "."; text = hear())
          message += (text.starts_with('.') ? text.substr(1) : text) + "\r\n";
        const std::lock_guard lock(mutex_);
        if (content_reply_.empty()) return;  // closes without an answer
        if (content_reply_.front() == '2') mails_.emplace_back(recipient, message);
        say(content_reply_);
      } else {
        say("250 Ok");
      }
    }
  }
  std::mutex mutex_;
  std::map<std::string, std::pair<std::string, int>> rcpt_;
  std::string content_reply_ = "250 2.0.0 Ok";
  std::vector<std::pair<std::string, std::string>> mails_;
  std::vector<std::string> commands_;
  ScriptedServer server_;
};

}  // namespace chatrelay::destinations::testing
