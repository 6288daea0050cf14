#include "http/mail_transaction.hpp"

#include <algorithm>
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

#include "common/secret.hpp"
#include "common/text.hpp"
#include "http/mail_pool.hpp"

namespace chatrelay::http {

namespace {

constexpr std::size_t reply_bytes_max = 1024;
constexpr Millis farewell{3000};       // after the verdict nothing but QUIT's answer can come: not worth more
constexpr long kept_connections = 16;  // above it libcurl closes the oldest one, politely and waiting

bool is_address(std::string_view text) {
  return text.size() <= 320 && text.find('@') != std::string_view::npos &&
         std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '<' || c == '>';
         });
}

// Every CR is followed by LF, every LF follows a CR, no NUL.
bool has_clean_lines(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return false;
    if (text[i] == '\n') return false;
    if (text[i] == '\r') {
      if (i + 1 == text.size() || text[i + 1] != '\n') return false;
      ++i;
    }
  }
  return true;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

std::string problem_of(const MailRequest& request) {
  if (has_control(request.username) || has_control(request.password) || has_control(request.bearer)) {
    return "the login has a control character in it";
  }
  if (request.probe) return {};
  if (!request.from.empty() && !is_address(request.from)) return "the sender is not a mail address";
  if (!is_address(request.to)) return "the recipient is not a mail address";
  if (request.message.empty()) return "the message is empty";
  if (!has_clean_lines(request.message)) return "the message has a line end that is not CRLF, or a NUL";
  return {};
}

void SmtpReplies::take(std::string_view line) {
  line = trim(line);
  const bool numbered =
      line.size() >= 3 && std::all_of(line.begin(), line.begin() + 3, [](char c) { return c >= '0' && c <= '9'; });
  if (!numbered) return;
  if (line.starts_with("221")) return;  // the answer to QUIT says nothing about the mail
  if (complete_) last_.clear();
  code_ = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  complete_ = line.size() == 3 || line[3] != '-';
  saw_354_ = saw_354_ || (code_ == 354 && complete_);
  // "550-5.1.1 no such" and "550 5.1.1 user" become "550 5.1.1 no such 5.1.1 user".
  const auto text = last_.empty()
                        ? std::string(line.substr(0, 3)) + (line.size() > 4 ? " " + std::string(line.substr(4)) : "")
                        : (line.size() > 4 ? " " + std::string(line.substr(4)) : "");
  last_ += text;
  if (last_.size() > reply_bytes_max) last_.resize(reply_bytes_max);
}

curl_socket_t SocketTracker::opened(curl_socket_t socket) {
  const std::lock_guard lock(mutex_);
  if (socket != CURL_SOCKET_BAD) open_.insert(socket);
  return socket;
}

int SocketTracker::close(curl_socket_t socket) {
  const std::lock_guard lock(mutex_);
  open_.erase(socket);
  return ::close(socket);
}

void SocketTracker::cut() {
  const std::lock_guard lock(mutex_);
  for (const auto socket : open_) ::shutdown(socket, SHUT_RDWR);
}

MailTransaction::MailTransaction(MailRequest request, Target target, std::vector<std::string> addresses, Millis timeout)
    : request_(std::move(request)),
      target_(std::move(target)),
      resolve_(resolve_list(target_, addresses)),
      timeout_(timeout) {
  guard_.allow_private = request_.allow_private;
}

void MailTransaction::set_session(CURL* easy, SocketTracker& sockets) {
  CommonOptions common;
  common.protocols = "smtp,smtps";
  common.timeout = timeout_;
  common.connect_timeout = Millis{15'000};
  common.ca_file = &request_.ca_file;
  set_common(easy, common, guard_);
  curl_easy_setopt(easy, CURLOPT_CURLU, target_.url.get());
  if (resolve_) curl_easy_setopt(easy, CURLOPT_RESOLVE, resolve_.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, &sockets);
  curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, kept_connections);

  const bool login = !request_.username.empty() || !request_.bearer.empty();
  const bool tls = request_.require_tls || (login && !request_.allow_plain_auth);
  // Never CURLUSESSL_TRY: it goes on in plain text, silently, when STARTTLS is not offered or was taken out on the way.
  curl_easy_setopt(easy, CURLOPT_USE_SSL, static_cast<long>(tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
  // A kept plain connection could be taken for a mail that has to be encrypted: so plain ones are not kept.
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, tls ? 0L : 1L);
  if (!request_.username.empty()) curl_easy_setopt(easy, CURLOPT_USERNAME, request_.username.c_str());
  if (!request_.bearer.empty()) {
    curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, request_.bearer.c_str());
    curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS,
                     "AUTH=XOAUTH2");  // else libcurl falls back to PLAIN without a password
  } else if (!request_.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_PASSWORD, request_.password.c_str());
  }
}

void MailTransaction::set_mail(CURL* easy) {
  if (request_.probe) {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "NOOP");
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  const std::string from = "<" + request_.from + ">";
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from.c_str());
  append(recipients_, "<" + request_.to + ">");
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients_.get());
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, this);
}

void MailTransaction::perform(CURL* easy, SocketTracker& sockets) {
  {
    const std::lock_guard lock(mutex_);
    sockets_ = &sockets;
  }
  // libcurl's own time-out comes first; this one is for what it does after it.
  deadline_ = std::chrono::steady_clock::now() + timeout_ + farewell;
  give_up_at_ = deadline_;
  curl_easy_reset(easy);  // keeps connections
  set_session(easy, sockets);
  set_mail(easy);
  const CURLcode code = cancelled_ ? CURLE_ABORTED_BY_CALLBACK : curl_easy_perform(easy);
  {
    const std::lock_guard lock(mutex_);
    sockets_ = nullptr;
  }
  conclude(easy, code);
  curl_easy_reset(easy);  // nothing may point into this transaction any more
}

void MailTransaction::cancel() {
  cancelled_ = true;
  const std::lock_guard lock(mutex_);
  if (sockets_) sockets_->cut();
}

void MailTransaction::conclude(CURL* easy, CURLcode code) {
  long reply_code = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply_code);
  response_.curl_code = code;
  response_.reply_code = static_cast<int>(reply_code);
  response_.reply = redactor::redact(printable(replies_.last(), reply_bytes_max));
  response_.sent_body = replies_.saw_354();
  response_.timed_out = code == CURLE_OPERATION_TIMEDOUT;
  response_.refused_address = guard_.refused;
  if (code == CURLE_OK) return;
  response_.error = guard_.refused ? "the address is private and allow_private is not set"
                    : cancelled_   ? "cancelled"
                                   : error_text(code, error_);
}

std::size_t MailTransaction::on_read(char* out, std::size_t, std::size_t size, void* self) {
  auto& mail = *static_cast<MailTransaction*>(self);
  const std::string& message = mail.request_.message;
  const std::size_t count = std::min(size, message.size() - mail.sent_);
  std::memcpy(out, message.data() + mail.sent_, count);
  mail.sent_ += count;
  return count;
}

std::size_t MailTransaction::on_reply(char* data, std::size_t, std::size_t size, void* self) {
  auto& mail = *static_cast<MailTransaction*>(self);
  mail.replies_.take({data, size});
  const bool verdict = mail.replies_.code() >= 400 || (mail.replies_.saw_354() && mail.replies_.code() != 354);
  mail.give_up_at_ = verdict ? std::min(mail.deadline_, std::chrono::steady_clock::now() + farewell) : mail.deadline_;
  return size;
}

std::size_t MailTransaction::on_body(char*, std::size_t, std::size_t size, void*) {
  return size;
}

// Called at least once a second, also while libcurl waits for the answer to QUIT.
int MailTransaction::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& mail = *static_cast<MailTransaction*>(self);
  if (mail.cancelled_) return 1;
  return std::chrono::steady_clock::now() > mail.give_up_at_ ? 1 : 0;
}

curl_socket_t MailTransaction::on_open(void* self, curlsocktype, curl_sockaddr* address) {
  auto& mail = *static_cast<MailTransaction*>(self);
  if (mail.cancelled_) return CURL_SOCKET_BAD;
  const auto socket = open_guarded(mail.guard_, *address);
  return mail.sockets_->opened(socket);
}

int MailTransaction::on_close(void* sockets, curl_socket_t socket) {
  return static_cast<SocketTracker*>(sockets)->close(socket);
}

}  // namespace chatrelay::http
