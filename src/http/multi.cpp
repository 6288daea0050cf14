#include "http/multi.hpp"

#include <array>

#include <boost/asio/post.hpp>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/assert.hpp"

namespace chatrelay::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t idle_handles_max = 256;  // a handle is 6 KB; more are made and thrown away at a peak

}  // namespace

Multi::Multi(asio::any_io_executor executor, std::size_t connections_max)
    : executor_(std::move(executor)),
      multi_(curl_multi_init()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      descriptor_(executor_),
      timer_(executor_) {
  CHATRELAY_ASSERT(multi_ && epoll_ >= 0, "libcurl and the kernel give one multi handle and one epoll set");
  descriptor_.assign(epoll_);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(connections_max));
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
}

Multi::~Multi() {
  close();
  idle_.clear();
  curl_multi_cleanup(multi_);
}

void Multi::open() {
  wait_for_sockets();
}

void Multi::close() {
  if (closed_) return;
  closed_ = true;
  while (!running_.empty()) {
    CURL* easy = *running_.begin();
    char* data = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &data);
    abort(easy);
    reinterpret_cast<MultiTransfer*>(data)->ended(CURLE_ABORTED_BY_CALLBACK);
  }
  timer_.cancel();
  error_code ec;
  descriptor_.cancel(ec);
}

EasyHandle Multi::take_easy() {
  if (idle_.empty()) {
    EasyHandle easy(curl_easy_init());
    if (!easy) throw std::bad_alloc();
    return easy;
  }
  auto easy = std::move(idle_.back());
  idle_.pop_back();
  return easy;
}

void Multi::give_back(EasyHandle easy) {
  if (!easy || closed_ || idle_.size() >= idle_handles_max) return;
  curl_easy_reset(easy.get());
  idle_.push_back(std::move(easy));
}

void Multi::start(CURL* easy, MultiTransfer& transfer) {
  if (closed_) {
    transfer.ended(CURLE_ABORTED_BY_CALLBACK);
    return;
  }
  transfer.multi = this;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, static_cast<void*>(&transfer));
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, static_cast<void*>(&transfer));
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA,
                   static_cast<void*>(this));  // outlives the handle: connections are kept
  running_.insert(easy);
  const auto code = curl_multi_add_handle(multi_, easy);
  CHATRELAY_ASSERT(code == CURLM_OK, "a handle that is in no loop can be added");
}

void Multi::abort(CURL* easy) {
  if (running_.erase(easy) > 0) curl_multi_remove_handle(multi_, easy);
}

curl_socket_t Multi::on_open(void* transfer, curlsocktype, curl_sockaddr* address) {
  auto& of = *static_cast<MultiTransfer*>(transfer);
  const auto socket = open_guarded(of.guard, *address);
  if (socket != CURL_SOCKET_BAD) of.multi->registration(socket).ours = true;
  return socket;
}

int Multi::on_close(void* self, curl_socket_t socket) {
  static_cast<Multi*>(self)->registration(socket) = {};
  return ::close(socket);  // takes it out of the epoll set as well
}

int Multi::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  auto& multi = *static_cast<Multi*>(self);
  const std::uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
  multi.watch(socket, what == CURL_POLL_REMOVE ? 0 : events);
  return 0;
}

auto Multi::registration(curl_socket_t socket) -> Registration& {
  const auto index = static_cast<std::size_t>(socket);
  if (index >= sockets_.size()) sockets_.resize(index + 64);
  return sockets_[index];
}

void Multi::watch(curl_socket_t socket, std::uint32_t events) {
  auto& known = registration(socket);
  known.wanted = events != 0;
  if (known.in_set == events) return;
  if (!known.wanted) {
    if (known.ours) return;  // stays in the set until it reports something (see sockets_ready) or is closed
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);  // libcurl's own: it is closed without a word
    known.in_set = 0;
    return;
  }
  epoll_event event{};
  event.events = events;
  event.data.fd = socket;
  ::epoll_ctl(epoll_, known.in_set != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
  known.in_set = events;
}

void Multi::wait_for_sockets() {
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [weak = weak_from_this()](const error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || self->closed_) return;
    self->sockets_ready();
    self->wait_for_sockets();
  });
}

void Multi::sockets_ready() {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count && !closed_; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    const int socket = event.data.fd;
    auto& known = registration(socket);
    if (known.in_set == 0) continue;  // closed by an earlier one of these events
    if (!known.wanted) {  // a kept connection that its server closed: libcurl finds out when it wants to use it
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
      known.in_set = 0;
      continue;
    }
    int what = 0;
    if (event.events & EPOLLIN) what |= CURL_CSELECT_IN;
    if (event.events & EPOLLOUT) what |= CURL_CSELECT_OUT;
    if (event.events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
    act(socket, what);
  }
  collect();
}

int Multi::on_timer(CURLM*, long timeout_ms, void* self) {
  auto& multi = *static_cast<Multi*>(self);
  if (timeout_ms < 0) {
    multi.due_ = SteadyTime::max();
  } else if (timeout_ms == 0) {
    multi.kick();
  } else {
    multi.wait_until(std::chrono::steady_clock::now() + Millis{timeout_ms});
  }
  return 0;
}

// libcurl must not be called from its own callback: so in the next turn, once for all who asked.
void Multi::kick() {
  if (kicked_ || closed_) return;
  kicked_ = true;
  asio::post(executor_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->kicked_ = false;
    if (self->closed_) return;
    self->act(CURL_SOCKET_TIMEOUT, 0);
    self->collect();
  });
}

void Multi::wait_until(SteadyTime time) {
  due_ = time;
  if (closed_ || timer_set_ <= due_) return;
  timer_set_ = due_;
  timer_.expires_at(due_);
  timer_.async_wait([weak = weak_from_this()](const error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || self->closed_) return;
    self->timer_set_ = SteadyTime::max();
    if (self->due_ == SteadyTime::max()) return;
    if (std::chrono::steady_clock::now() < self->due_) return self->wait_until(self->due_);
    self->due_ = SteadyTime::max();
    self->act(CURL_SOCKET_TIMEOUT, 0);
    self->collect();
  });
}

void Multi::act(curl_socket_t socket, int events) {
  int still_running = 0;
  curl_multi_socket_action(multi_, socket, events, &still_running);
}

void Multi::collect() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    char* data = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &data);
    abort(easy);
    reinterpret_cast<MultiTransfer*>(data)->ended(code);
  }
}

}  // namespace chatrelay::http
