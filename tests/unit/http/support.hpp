// What the tests of the http room share: an event loop in a thread, a blocking raw client, scripted servers,
// certificates.
#pragma once

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chatrelay::http::test {

namespace asio = boost::asio;

// An io_context that runs in a thread of its own.
class Loop {
 public:
  Loop() : guard_(context.get_executor()), thread_([this] { context.run(); }) {}
  ~Loop() { stop(); }
  void stop() {
    guard_.reset();
    context.stop();
    if (thread_.joinable()) thread_.join();
  }
  // Runs it on the loop's thread and waits for it.
  template <class F>
  auto on_loop(F function) -> decltype(function()) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto future = task.get_future();
    asio::post(context, [&task] { task(); });
    return future.get();
  }
  template <class T>
  std::future<T> begin(asio::awaitable<T> work) {
    return asio::co_spawn(context, std::move(work), asio::use_future);
  }
  template <class T>
  T run(asio::awaitable<T> work) {
    return begin(std::move(work)).get();
  }
  asio::io_context context{1};

 private:
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::thread thread_;
};

// A blocking socket; every wait ends after five seconds at the latest.
class Raw {
 public:
  explicit Raw(int descriptor) : fd(descriptor) { limit(); }
  explicit Raw(unsigned short port, const char* address = "127.0.0.1") : fd(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &to.sin_addr);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("no connection");
    limit();
  }
  ~Raw() { close(); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const auto count = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // Empty at the end, after a reset, or after five seconds (then `silent` is set).
  std::string some() {
    char bytes[65536];
    const auto count = ::recv(fd, bytes, sizeof bytes, 0);
    silent = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : std::string();
  }
  std::string until(std::string_view mark) {
    while (unread.find(mark) == std::string::npos) {
      const auto more = some();
      if (more.empty()) return std::exchange(unread, {});
      unread += more;
    }
    const auto end = unread.find(mark) + mark.size();
    const auto text = unread.substr(0, end);
    unread.erase(0, end);
    return text;
  }
  std::string exactly(std::size_t count) {
    while (unread.size() < count) {
      const auto more = some();
      if (more.empty()) return std::exchange(unread, {});
      unread += more;
    }
    const auto text = unread.substr(0, count);
    unread.erase(0, count);
    return text;
  }
  std::string rest() {
    for (auto more = some(); !more.empty(); more = some()) unread += more;
    return std::exchange(unread, {});
  }
  // One answer with Content-Length: its head, then its body.
  std::string answer(bool has_body = true) {
    std::string text = until("\r\n\r\n");
    const auto at = text.find("Content-Length: ");
    if (at != std::string::npos && has_body) text += exactly(std::stoul(text.substr(at + 16)));
    return text;
  }
  bool ended() { return some().empty() && !silent; }
  int fd;
  bool silent = false;
  std::string unread;

 private:
  void limit() const {
    const timeval five{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &five, sizeof five);
  }
};

// Accepts connections one after the other and hands each to the script, in its own thread.
class Scripted {
 public:
  explicit Scripted(std::function<void(Raw&, int number)> script, const char* address = "127.0.0.1")
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)), script_(std::move(script)) {
    sockaddr_in on{};
    on.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &on.sin_addr);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&on), sizeof on) != 0 || ::listen(fd_, 64) != 0)
      throw std::runtime_error("bind");
    socklen_t length = sizeof on;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&on), &length);
    port = ntohs(on.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Scripted() {
    stopping_ = true;
    thread_.join();
    {
      const std::lock_guard lock(mutex_);  // a script that waits on a connection the client keeps
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (auto& t : connections_) t.join();
    ::close(fd_);
  }
  unsigned short port = 0;
  std::atomic<int> accepted{0};

 private:
  void run() {
    while (!stopping_) {
      pollfd wait{fd_, POLLIN, 0};
      if (::poll(&wait, 1, 20) <= 0) continue;
      const int fd = ::accept(fd_, nullptr, nullptr);
      if (fd < 0) continue;
      const int number = accepted++;
      const std::lock_guard lock(mutex_);
      open_.insert(fd);
      connections_.emplace_back([this, fd, number] {
        Raw raw(fd);
        script_(raw, number);
        const std::lock_guard leaving(mutex_);
        open_.erase(fd);
      });
    }
  }
  int fd_;
  std::function<void(Raw&, int)> script_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::set<int> open_;
  std::vector<std::thread> connections_;
  std::thread thread_;
};

// A port on which nothing listens.
inline unsigned short closed_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in on{};
  on.sin_family = AF_INET;
  on.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(fd, reinterpret_cast<sockaddr*>(&on), sizeof on);
  socklen_t length = sizeof on;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&on), &length);
  ::close(fd);
  return ntohs(on.sin_port);
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "chatrelay_http_XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    path = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

struct CertificateFiles {
  std::string certificate, key;
};

// Self-signed, for localhost and 127.0.0.1.
inline CertificateFiles make_certificate(const std::filesystem::path& folder, const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* x509 = X509_new();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), static_cast<long>(std::hash<std::string>{}(name)&0xffffff));
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
  X509_set_pubkey(x509, key);
  X509_NAME* subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(x509, subject);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_add_ext(x509, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(x509, key, EVP_sha256());
  CertificateFiles files{(folder / (name + ".pem")).string(), (folder / (name + ".key")).string()};
  FILE* out = std::fopen(files.certificate.c_str(), "w");
  PEM_write_X509(out, x509);
  std::fclose(out);
  out = std::fopen(files.key.c_str(), "w");
  PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  X509_free(x509);
  EVP_PKEY_free(key);
  return files;
}

}  // namespace chatrelay::http::test
