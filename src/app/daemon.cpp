#include "app/daemon.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <sys/resource.h>
#include <sysexits.h>

#include "admin/api/api.hpp"
#include "admin/context.hpp"
#include "app/served.hpp"
#include "app/service_manager.hpp"
#include "app/setup.hpp"
#include "common/async/inbox.hpp"
#include "common/log.hpp"
#include "common/room_bell.hpp"
#include "conversations/silent_chats.hpp"
#include "deliver/dispatcher.hpp"
#include "deliver/planner.hpp"
#include "destinations/connector/limits.hpp"
#include "expression/expression.hpp"
#include "http/client.hpp"
#include "http/files.hpp"
#include "http/server.hpp"
#include "ingest/hooks.hpp"
#include "ingest/own_events.hpp"
#include "ingest/silence.hpp"
#include "presence/upstream.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace chatrelay::app {

namespace {

namespace asio = boost::asio;
using Work = asio::executor_work_guard<asio::io_context::executor_type>;

// How long each part may take to end on SIGTERM; together below TimeoutStopSec of the unit.
constexpr Millis drain_public_limit{15'000};
constexpr Millis drain_delivery_limit{25'000};
constexpr Millis drain_admin_limit{3'000};
// A webhook that occupies the planner for longer than this is stuck in a call that cannot be stopped: systemd should
// know.
constexpr Millis planner_stuck_after{60'000};
constexpr Millis thread_stuck_after{30'000};
constexpr std::size_t prune_rows_a_step = 200;  // a few milliseconds of the writer
constexpr Millis prune_pause{100};              // between steps, so that writers never queue behind retention
constexpr Millis prune_every{10 * 60'000};
// A clock that was set forward makes everything old at once. Retention and the end of silent chats wait a day for
// somebody to set it right.
constexpr std::chrono::hours clock_jump{1}, clock_patience{24};
constexpr Millis quiet_look_min{1'000}, quiet_look_max{60'000};
constexpr std::size_t admin_connections_max = 256;  // people, scrapers, tails
constexpr rlim_t descriptors_wanted = 65'536;       // as in the systemd unit

std::string address_text(const boost::asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

Result<asio::ip::tcp::endpoint> endpoint_of(const config::Address& address, std::string_view what) {
  boost::system::error_code ec;
  const std::string host = address.host.empty() ? "::" : address.host == "localhost" ? "127.0.0.1" : address.host;
  const auto parsed = asio::ip::make_address(host, ec);
  if (ec)
    return invalid("listen." + std::string(what) + ": " + address.host +
                   " is not an IP address (names are not looked up here)");
  return asio::ip::tcp::endpoint(parsed, address.port);
}

void log_problems(const config::Problems& problems) {
  for (const config::Problem& problem : problems.list()) {
    const log::Fields fields{{"at", problem.where.to_string()}, {"problem", problem.message}};
    if (problem.warning)
      log::warn("configuration", fields);
    else
      log::error("configuration", fields);
  }
}

http::ServerLimits server_limits(const config::Config& config) {
  http::ServerLimits limits;
  limits.body_bytes_max = config.limits.body_bytes_max;
  for (const config::SourceConfig& source : config.sources)  // the widest; hooks applies each source's own
    limits.body_bytes_max = std::max(limits.body_bytes_max, source.body_bytes_max.value_or(0));
  limits.headers_max = static_cast<std::size_t>(config.limits.headers_max);
  limits.header_bytes_max = config.limits.header_bytes_max;
  return limits;
}

// The hooks whose senders show our answers to people, refusals of the server itself included.
std::vector<std::string> bare_hooks(const std::map<std::string, ingest::ConfiguredSource>& sources) {
  std::vector<std::string> paths;
  for (const auto& [name, configured] : sources)
    if (configured.source->hook_manners().empty_answers) paths.push_back("/hooks/" + name);
  return paths;
}

// Where nobody raised it, the soft limit is 1,024: so many connections a single stranger opens.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= descriptors_wanted) return;
  limit.rlim_cur = std::min(limit.rlim_max, descriptors_wanted);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log::warn("the limit of open files cannot be raised");
}

// An io_context with a thread of its own. Stopped and joined on destruction.
class Loop {
 public:
  void start(const char* name) {
    work_.emplace(context_.get_executor());
    thread_ = std::thread([this, name] {
      pthread_setname_np(pthread_self(), name);
      context_.run();
    });
  }
  ~Loop() { stop(); }
  void stop() {
    work_.reset();
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }
  asio::io_context& context() { return context_; }
  // Runs the function on the loop's thread and waits for what it returns.
  template <class F>
  auto call(F function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    asio::post(context_, [&task] { task(); });
    return result.get();
  }
  template <class T>
  T wait(asio::awaitable<T> awaitable) {
    return asio::co_spawn(context_, std::move(awaitable), asio::use_future).get();
  }

 private:
  asio::io_context context_{1};
  std::optional<Work> work_;
  std::thread thread_;
};

class Daemon {
 public:
  Daemon(std::shared_ptr<const Setup> setup, std::unique_ptr<store::Store> store, Metrics& metrics,
         const SystemClock& clock)
      : clock_(clock),
        metrics_(metrics),
        setup_(std::move(setup)),
        store_(std::move(store)),
        presence_(setup_->presence(), clock_),
        client_(delivery_.context().get_executor(), http::Client::Options{}),
        upstream_(delivery_.context().get_executor(), client_, presence_),
        presence_changed_(delivery_.context().get_executor(), [this](std::vector<char>&&) { remember_presence(); }),
        hooks_(ingest_.context().get_executor(), *store_, clock_, metrics_),
        silence_(ingest_.context().get_executor(), *store_, clock_,
                 [this](std::string_view source) { return hooks_.last_heard(source); }),
        dispatcher_(
            delivery_.context().get_executor(), *store_, clock_, metrics_,
            [this](std::string type, boost::json::object payload) { raise(std::move(type), std::move(payload)); }),
        planner_(*store_, presence_, setup_->planner_setup(setup_), clock_, metrics_),
        lanes_changed_(delivery_.context().get_executor(), [this](std::vector<char>&&) { dispatcher_.ring(); }),
        api_(admin_context()),
        signals_(control_, SIGTERM, SIGINT, SIGHUP),
        watchdog_(control_),
        retention_(control_),
        quiet_(control_) {}
  ~Daemon() {
    const std::lock_guard lock(bells_->mutex);
    bells_->open = false;
  }

  int run();

 private:
  admin::Context admin_context();
  Result<void> listen();
  destinations::Context destination_context(const Setup& setup);
  systems::EndpointContext endpoint_context(const Setup& setup);
  void raise(std::string type, boost::json::object payload);
  void recall_presence();
  void remember_presence();
  config::Problems reload();
  Result<void> apply(const std::shared_ptr<const Setup>& next);
  static void say_what_needs_a_restart(const config::Config& now, const config::Config& next,
                                       config::Problems& problems);
  void wait_for_signal();
  void keep_alive();
  void prune();
  void watch_silence();
  void end_silent_chats();
  bool clock_jumped_forward(WallTime wall, SteadyTime steady);
  void drain();
  std::vector<std::string> not_ready() const;
  std::shared_ptr<const Setup> setup() const {
    const std::lock_guard lock(setup_mutex_);
    return setup_;
  }

  const SystemClock& clock_;
  Metrics& metrics_;
  ServiceManager service_manager_;
  mutable std::mutex setup_mutex_;
  std::shared_ptr<const Setup> setup_;
  // Lifetime: the store commits what it was given until it is destroyed, and rings for it; planner and dispatcher are
  // gone by then.
  struct Bells {
    std::mutex mutex;
    bool open = true;
  };
  const std::shared_ptr<Bells> bells_ = std::make_shared<Bells>();

  // Lifetime: in construction order; a loop is declared before what runs on it and stopped in drain() before it is
  // destroyed. The store too: its last callbacks post to the loops.
  // The bell too: what waits on a loop listens to it, and what the store calls back rings it.
  RoomBell bell_;
  asio::io_context control_{1};
  Loop ingest_;
  Loop delivery_;
  std::unique_ptr<store::Store> store_;
  presence::Board presence_;
  http::Client client_;
  const std::shared_ptr<destinations::connector::SharedLimits> limits_ =
      std::make_shared<destinations::connector::SharedLimits>();
  presence::UpstreamPoll upstream_;
  Inbox<char> presence_changed_;
  ingest::Hooks hooks_;
  Served served_;
  std::optional<http::Files> site_;
  ingest::SilenceAlarm silence_;
  deliver::Dispatcher dispatcher_;
  deliver::Planner planner_;
  Inbox<char> lanes_changed_;
  admin::api::Api api_;
  std::unique_ptr<http::Server> public_;
  std::unique_ptr<http::Server> admin_;

  asio::signal_set signals_;
  asio::steady_timer watchdog_;
  asio::steady_timer retention_;
  asio::steady_timer quiet_;                       // until the next look for chats that silence ends
  std::unique_ptr<store::Reader> control_reader_;  // Thread: control
  std::optional<conversations::SilentChats> silent_chats_;
  std::optional<WallTime> seen_wall_;  // when somebody looked at the clock last
  SteadyTime seen_steady_{};
  SteadyTime clock_trusted_from_{};
  std::future<void> pruning_;  // Lifetime: its callback refers to this; drain() waits for it
  std::atomic<bool> ready_{false};
  std::atomic<bool> draining_{false};
  std::atomic<long long> ingest_seen_ms_{0};
  std::atomic<long long> delivery_seen_ms_{0};
};

admin::Context Daemon::admin_context() {
  admin::Context context(delivery_.context().get_executor(), *store_, presence_, clock_, metrics_);
  context.admin_token = setup_->config().listen.admin_token;
  context.version = CHATRELAY_VERSION;
  context.config_file = setup_->config().file;
  context.started_at = clock_.now();
  admin::wire(context, planner_, dispatcher_);
  context.setup = [this] {
    const auto now = setup();
    return now->planner_setup(now);
  };
  context.reload = [this](std::function<void(config::Problems)> done) {
    asio::post(control_, [this, done = std::move(done)] { done(reload()); });
  };
  context.not_ready = [this] { return not_ready(); };
  return context;
}

std::vector<std::string> Daemon::not_ready() const {
  std::vector<std::string> reasons;
  if (!ready_) reasons.emplace_back("starting");
  if (draining_) reasons.emplace_back("draining");
  return reasons;
}

destinations::Context Daemon::destination_context(const Setup& setup) {
  boost::system::error_code ignored;
  const std::string host = asio::ip::host_name(ignored);
  return {delivery_.context().get_executor(),
          client_,
          clock_,
          setup.config().tables,
          ignored ? "localhost" : host,
          *store_,
          bell_,
          setup.config().store_key,
          limits_};
}

systems::EndpointContext Daemon::endpoint_context(const Setup& setup) {
  return {ingest_.context().get_executor(), *store_, clock_, metrics_, bell_, setup.rules(), presence_};
}

void Daemon::recall_presence() {
  const auto remembered = store_->open_reader()->remembered(presence::remembered_as);
  Result<void> taken;
  if (!remembered)
    taken = remembered.error();
  else if (*remembered)
    taken = presence_.from_json(**remembered);
  if (!taken) log::error("who was online before cannot be read", {{"reason", taken.error().message}});
  presence_.on_change([this] { presence_changed_.put(0); });
}

// Thread: delivery, as for presence set by an operator: so none of them overtakes another.
void Daemon::remember_presence() {
  store_->remember(std::string(presence::remembered_as), presence_.to_json(), [](Result<bool> done) {
    if (!done) log::error("who is online is not remembered over a restart", {{"reason", done.error().message}});
  });
}

void Daemon::raise(std::string type, boost::json::object payload) {
  store_->append(ingest::make_own_event(type, std::move(payload), clock_.now()),
                 [type](Result<store::Appended> result) {
                   if (!result) log::error("own event lost", {{"type", type}, {"reason", result.error().message}});
                 });
}

Result<void> Daemon::listen() {
  const config::Config& config = setup_->config();
  http::ServerOptions options;
  options.name = "public";
  options.inherited_socket = service_manager_.socket("public");
  auto endpoint = endpoint_of(config.listen.public_address, "public");
  if (!endpoint) return endpoint.error();
  options.endpoint = *endpoint;
  options.trusted_proxies = config.listen.trusted_proxies;
  options.limits = server_limits(config);
  if (config.listen.tls) {
    options.certificate_file = config.listen.tls->certificate;
    options.key_file = config.listen.tls->key;
  }
  if (!config.listen.site.empty()) site_.emplace(config.listen.site, "/site/");
  auto handle = [this](http::Request& request) -> asio::awaitable<http::Response> {
    if (request.path().starts_with("/hooks/")) return hooks_.handle(request);
    if (site_ && site_->serves(request.path())) return site_->handle(request);
    return served_.handle(request);
  };
  auto opened = http::Server::create(ingest_.context().get_executor(), options, handle, metrics_);
  if (!opened) return opened.error();
  public_ = std::move(*opened);

  http::ServerOptions admin;
  admin.name = "admin";
  admin.inherited_socket = service_manager_.socket("admin");
  endpoint = endpoint_of(config.listen.admin, "admin");
  if (!endpoint) return endpoint.error();
  admin.endpoint = *endpoint;
  admin.hosts_allowed = admin::admin_hosts(config.listen);
  admin.limits.connections_max = admin_connections_max;
  auto handle_admin = [this](http::Request& request) { return api_.handle(request); };
  opened = http::Server::create(delivery_.context().get_executor(), admin, handle_admin, metrics_);
  if (!opened) return opened.error();
  admin_ = std::move(*opened);
  // A socket that was handed over need not be the one that the configuration speaks of.
  if (!admin_->local_endpoint().address().is_loopback() && config.listen.admin_token.empty())
    return invalid("the admin port " + address_text(admin_->local_endpoint()) +
                   " can be reached by others: it needs listen.admin_token");
  return {};
}

int Daemon::run() {
  store_->on_events([this, bells = bells_] {
    const std::lock_guard lock(bells->mutex);
    if (bells->open) planner_.ring();
  });
  store_->on_deliveries([this, bells = bells_] {
    const std::lock_guard lock(bells->mutex);
    if (bells->open) lanes_changed_.put(0);
  });
  recall_presence();
  auto sources = setup_->make_ingest_sources();
  const std::vector<std::string> bare = bare_hooks(sources);
  hooks_.set_sources(std::move(sources));
  served_.set(setup_->make_served(endpoint_context(*setup_)));
  silence_.set_sources(setup_->config().sources);
  auto destinations = setup_->make_destinations(destination_context(*setup_));
  if (setup_->problems().has_errors()) {
    log_problems(setup_->problems());
    return EX_CONFIG;
  }
  if (auto listening = listen(); !listening) {
    log::error("cannot listen", {{"reason", listening.error().message}});
    return EX_UNAVAILABLE;
  }
  public_->set_bare_refusals(bare);
  if (auto started = dispatcher_.start(std::move(destinations)); !started) {
    log::error("cannot start deliveries", {{"reason", started.error().message}});
    return EX_UNAVAILABLE;
  }
  upstream_.use(setup_->presence());
  planner_.start();
  public_->start();
  admin_->start();
  ingest_.start("ingest");
  delivery_.start("delivery");
  ready_ = true;
  const std::string public_text = address_text(public_->local_endpoint());
  const std::string admin_text = address_text(admin_->local_endpoint());
  log::info("listening", {{"public", public_text}, {"admin", admin_text}});
  service_manager_.ready("public " + public_text + ", admin " + admin_text);

  wait_for_signal();
  keep_alive();
  prune();
  watch_silence();
  control_.run();
  drain();
  log::info("stopped");
  return EX_OK;
}

void Daemon::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code ec, int signal) {
    if (ec) return;
    if (signal == SIGHUP) {
      reload();
      wait_for_signal();
      return;
    }
    log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    control_.stop();
  });
}

config::Problems Daemon::reload() {
  service_manager_.reloading();
  const auto next = Setup::load(setup()->config().file, config::Environment::process());
  config::Problems problems = next->problems();
  const auto before = setup();
  if (!problems.has_errors()) {
    const auto applied = apply(next);
    problems = next->problems();
    if (!applied) problems.add({next->config().file, 0}, applied.error().message);
  }
  if (!problems.has_errors()) watch_silence();
  if (!problems.has_errors()) say_what_needs_a_restart(before->config(), next->config(), problems);
  log_problems(problems);
  if (problems.has_errors()) {
    log::error("not reloaded: the configuration has errors; the one before stays in force");
  } else {
    log::info("reloaded", {{"sources", next->config().sources.size()},
                           {"destinations", next->config().destinations.size()},
                           {"rules", next->rules()->size()}});
  }
  service_manager_.ready(problems.has_errors() ? "reload refused, see the log" : "reloaded");
  return problems;
}

// Everything that can fail comes before anything is changed.
Result<void> Daemon::apply(const std::shared_ptr<const Setup>& next) {
  auto destinations = next->make_destinations(destination_context(*next));
  auto sources = next->make_ingest_sources();
  if (next->problems().has_errors()) return invalid("destinations or sources could not be made");
  const auto& tls = next->config().listen.tls;
  if (tls && setup()->config().listen.tls) {
    auto certificate = ingest_.call([&] { return public_->reload_certificate(tls->certificate, tls->key); });
    if (!certificate) return certificate;
  }
  presence_.configure(next->presence());
  ingest_.call([&] {
    public_->set_bare_refusals(bare_hooks(sources));
    hooks_.set_sources(std::move(sources));
    served_.set(next->make_served(endpoint_context(*next)));
    silence_.set_sources(next->config().sources);
    public_->set_limits(server_limits(next->config()));
    return true;
  });
  planner_.reload(next->planner_setup(next));
  delivery_.call([&] {
    dispatcher_.reload(std::move(destinations));
    upstream_.use(next->presence());
    return true;
  });
  log::configure(next->config().log_level, next->config().log_format);
  const std::lock_guard lock(setup_mutex_);
  setup_ = next;
  return {};
}

void Daemon::say_what_needs_a_restart(const config::Config& now, const config::Config& next,
                                      config::Problems& problems) {
  const auto differs = [](const config::Address& a, const config::Address& b) {
    return a.host != b.host || a.port != b.port;
  };
  const auto& a = now.listen;
  const auto& b = next.listen;
  if (differs(a.public_address, b.public_address) || differs(a.admin, b.admin) ||
      a.tls.has_value() != b.tls.has_value() || a.trusted_proxies != b.trusted_proxies || a.site != b.site ||
      a.admin_token.reveal() != b.admin_token.reveal())
    problems.warn({next.file, 0}, "listen was changed: that takes effect after a restart");
  if (now.store_path != next.store_path)
    problems.warn({next.file, 0}, "store was changed: that takes effect after a restart");
}

void Daemon::keep_alive() {
  const Millis every = service_manager_.watchdog_interval().value_or(Millis{10'000});
  const long long now = std::chrono::duration_cast<Millis>(clock_.steady().time_since_epoch()).count();
  if (ingest_seen_ms_ == 0) ingest_seen_ms_ = delivery_seen_ms_ = now;
  const auto stuck = [&](const std::atomic<long long>& seen) {
    return now - seen > (thread_stuck_after + every).count();
  };
  bool well = true;
  if (stuck(ingest_seen_ms_) || stuck(delivery_seen_ms_)) {
    well = false;
    log::error("a thread does not answer", {{"thread", stuck(ingest_seen_ms_) ? "ingest" : "delivery"}});
  }
  if (planner_.busy_for() > planner_stuck_after) {
    well = false;
    log::error("the planner does not get on with one webhook", {{"for_ms", planner_.busy_for().count()}});
    for (const expression::Running& running : expression::running_now())
      log::error(
          "an expression does not end",
          {{"at", running.where.to_string()}, {"expression", running.expression}, {"for_ms", running.since.count()}});
  }
  if (well) service_manager_.alive();
  const auto beat = [this](std::atomic<long long>& seen) {
    return [this, &seen] { seen = std::chrono::duration_cast<Millis>(clock_.steady().time_since_epoch()).count(); };
  };
  asio::post(ingest_.context(), beat(ingest_seen_ms_));
  asio::post(delivery_.context(), beat(delivery_seen_ms_));
  watchdog_.expires_after(every);
  watchdog_.async_wait([this](boost::system::error_code ec) {
    if (!ec) keep_alive();
  });
}

// Thread: control.
bool Daemon::clock_jumped_forward(WallTime wall, SteadyTime steady) {
  if (seen_wall_ && wall - *seen_wall_ > std::chrono::duration_cast<Millis>(steady - seen_steady_) + clock_jump) {
    log::warn("the clock was set forward: for a day nothing is removed, and no silent chat is ended",
              {{"now", format_rfc3339(wall)}});
    clock_trusted_from_ = steady + clock_patience;
  }
  seen_wall_ = wall;
  seen_steady_ = steady;
  return steady < clock_trusted_from_;
}

// Thread: control. Also after a reload, which may have changed the silence.
void Daemon::watch_silence() {
  const auto silence = setup()->config().conversations.silence;
  if (!silence) {
    quiet_.cancel();
    return;
  }
  quiet_.expires_after(std::clamp(*silence / 20, quiet_look_min, quiet_look_max));
  quiet_.async_wait([this](boost::system::error_code ec) {
    if (ec) return;
    end_silent_chats();
    watch_silence();
  });
}

void Daemon::end_silent_chats() {
  const auto now_set_up = setup();
  const auto silence = now_set_up->config().conversations.silence;
  if (!silence || draining_ || clock_jumped_forward(clock_.now(), clock_.steady())) return;
  if (!silent_chats_) {
    control_reader_ = store_->open_reader();
    silent_chats_.emplace(*store_, *control_reader_);
  }
  std::set<std::string, std::less<>> sources;
  for (const config::SourceConfig& source : now_set_up->config().sources) sources.insert(source.name);
  const auto ended = silent_chats_->look(*silence, clock_.now(), sources);
  if (!ended) log::error("silent chats cannot be looked for", {{"reason", ended.error().message}});
  if (ended && *ended > 0) log::info("silent chats are ended", {{"chats", *ended}});
}

void Daemon::prune() {
  const config::Retention keep = setup()->config().retention;
  const WallTime now = clock_.now();
  if (clock_jumped_forward(now, clock_.steady())) {
    retention_.expires_after(prune_every);
    retention_.async_wait([this](boost::system::error_code ec) {
      if (!ec) prune();
    });
    return;
  }
  const store::Store::RetentionLimits before{now - keep.events, now - keep.deliveries, now - keep.conversations};
  auto finished = std::make_shared<std::promise<void>>();
  pruning_ = finished->get_future();
  store_->prune(before, prune_rows_a_step, [this, finished](Result<bool> more) {
    if (!more) log::error("retention failed; it goes on later", {{"reason", more.error().message}});
    const Millis wait = more && *more ? prune_pause : prune_every;
    asio::post(control_, [this, wait] {
      retention_.expires_after(wait);
      retention_.async_wait([this](boost::system::error_code ec) {
        if (!ec) prune();
      });
    });
    finished->set_value();
  });
}

void Daemon::drain() {
  draining_ = true;
  service_manager_.stopping();
  ingest_.call([this] {
    served_.stop_waiting();
    return true;
  });
  if (!ingest_.wait(public_->drain(drain_public_limit))) log::warn("some requests were cut off");
  planner_.stop();
  if (!delivery_.wait(dispatcher_.drain(drain_delivery_limit)))
    log::warn("some attempts were cut off; they are made again with the same id");
  delivery_.call([this] {
    upstream_.close();
    api_.close_streams();
    return true;
  });
  delivery_.wait(admin_->drain(drain_admin_limit));
  if (!delivery_.wait(upstream_.join(drain_admin_limit))) log::warn("presence: the upstream system was not waited for");
  if (pruning_.valid()) pruning_.wait();
  ingest_.stop();
  delivery_.stop();
  public_.reset();
  admin_.reset();
}

}  // namespace

int serve(const std::string& config_file) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto setup = Setup::load(config_file, config::Environment::process());
  const config::Problems problems = setup->problems();
  log::configure(setup->config().log_level, setup->config().log_format);
  log_problems(problems);
  if (problems.has_errors()) return EX_CONFIG;

  raise_descriptor_limit();
  const SystemClock clock;
  Metrics metrics;
  store::sqlite::Options options;
  options.path = setup->config().store_path;
  options.queue_max = static_cast<std::uint64_t>(setup->config().limits.queue_max);
  auto store = store::sqlite::open(options, clock, metrics);
  if (!store) {
    log::error("cannot open the store", {{"reason", store.error().message}});
    return EX_CONFIG;
  }
  int code = EX_OK;
  {
    Daemon daemon(setup, std::move(*store), metrics, clock);
    code = daemon.run();
  }
  log::flush();
  return code;
}

}  // namespace chatrelay::app
