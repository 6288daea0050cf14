#include "ingest/hooks.hpp"

#include <array>
#include <deque>
#include <exception>
#include <optional>
#include <span>
#include <utility>

#include <boost/beast/http/fields.hpp>

#include "common/async/callback_waiters.hpp"
#include "common/log.hpp"
#include "ingest/admission.hpp"
#include "ingest/browsers.hpp"
#include "ingest/hook_path.hpp"
#include "ingest/own_events.hpp"
#include "ingest/rejections.hpp"

namespace chatrelay::ingest {

namespace asio = boost::asio;

namespace {

http::Response refusal(int status, std::string_view message) {
  http::Response response(status);
  response.body.reserve(message.size() + 1);
  response.body.append(message).push_back('\n');
  return response;
}

http::Response try_again(Millis wait, std::string_view message) {
  http::Response response = refusal(503, message);
  response.headers.emplace_back("Retry-After", std::to_string((wait.count() + 999) / 1000));
  return response;
}

double random_fraction() {
  return static_cast<double>(random_u64() >> 11) * 0x1.0p-53;
}

// Request headers as HookRequest wants them. Several of one name are joined, which no well-behaved sender needs: only
// then something is allocated.
struct HeaderLookup {
  const boost::beast::http::fields* fields;
  std::deque<std::string> joined{};

  static std::string_view find(const void* self, std::string_view name) {
    auto& lookup = *static_cast<HeaderLookup*>(const_cast<void*>(self));
    const auto [begin, end] = lookup.fields->equal_range(boost::beast::string_view(name.data(), name.size()));
    if (begin == end) return {};
    const auto first = begin->value();
    auto next = begin;
    if (++next == end) return {first.data(), first.size()};
    std::string& all = lookup.joined.emplace_back(first.data(), first.size());
    for (; next != end; ++next) all.append(", ").append(next->value().data(), next->value().size());
    return all;
  }
};

std::string_view content_type_of(const http::Request& request) {
  const auto value = request.message[boost::beast::http::field::content_type];
  return {value.data(), value.size()};
}

bool takes_method(const systems::HookManners& manners, boost::beast::http::verb method) {
  using boost::beast::http::verb;
  if (method == verb::post) return true;
  return manners.takes_put_and_delete && (method == verb::put || method == verb::delete_);
}

// A key of this source only: two sources may send the same.
Hash128 own_key(std::string_view source, const Hash128& key) {
  const std::array<std::uint64_t, 2> words{key.high, key.low};
  const std::array<std::string_view, 2> parts{
      source, std::string_view(reinterpret_cast<const char*>(words.data()), sizeof(words))};
  return hash128(parts);
}

}  // namespace

class Hooks::Impl {
 public:
  Impl(asio::any_io_executor executor, store::Store& store, const Clock& clock, Metrics& metrics)
      : store_(store),
        clock_(clock),
        metrics_(metrics),
        rejections_(metrics, clock),
        ack_refused_(metrics.counter("chatrelay_ack_refused_total",
                                     "Webhooks answered 503 because the commit would have come too late")),
        waiters_(std::move(executor)) {}

  // What is known of one source between reloads. Shared: a request under way keeps its own.
  struct Runtime {
    std::string name;
    ConfiguredSource configured;
    systems::HookManners manners;
    Counter* received = nullptr;
    Counter* duplicates = nullptr;
    Histogram* time_to_200 = nullptr;
    std::optional<SteadyTime> last_heard;
  };

  struct Accepted {
    std::shared_ptr<Runtime> source;
    // Known before it is accepted:
    std::shared_ptr<Runtime> from_browsers;  // nullptr: no scripts send to it
    bool empty_answer = false;
    store::NewEvent event;
    http::Response answer;
    bool keep = true;
  };

  void set_sources(std::map<std::string, ConfiguredSource> sources) {
    std::map<std::string, std::shared_ptr<Runtime>, std::less<>> next;
    bool some_show_answers = false;
    for (auto& [name, configured] : sources) {
      auto runtime = std::make_shared<Runtime>();
      runtime->name = name;
      runtime->configured = std::move(configured);
      runtime->manners = runtime->configured.source->hook_manners();
      some_show_answers = some_show_answers || runtime->manners.empty_answers;
      const Labels labels{{"source", name}};
      runtime->received = &metrics_.counter(
          "chatrelay_received_total", "Authentic webhooks answered after their commit, duplicates included", labels);
      runtime->duplicates = &metrics_.counter("chatrelay_duplicates_total", "Webhooks that were stored before", labels);
      runtime->time_to_200 = &metrics_.histogram(
          "chatrelay_time_to_200_seconds", "From the complete head of a request to its answer, commit included",
          {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}, labels);
      if (const auto before = sources_.find(name); before != sources_.end())
        runtime->last_heard = before->second->last_heard;
      next.emplace(name, std::move(runtime));
    }
    sources_ = std::move(next);
    some_show_answers_ = some_show_answers;
  }

  // Everything before the store: the answer if there is none to wait for, else `accepted` is filled.
  std::optional<http::Response> admit(http::Request& request, Accepted& accepted) {
    const HookPath path(request.path());
    std::shared_ptr<Runtime> source;
    if (path.error() == HookPathError::none && path.source() != own_source) {
      if (const auto found = sources_.find(path.source()); found != sources_.end()) source = found->second;
    }
    if (!source) {
      // Never the name: a stranger chose it, or it is a secret.
      rejections_.count({}, "unknown_source", request.remote);
      accepted.empty_answer = some_show_answers_;  // it may be one of them with a wrong address
      return refusal(
          404, path.error() == HookPathError::bad_encoding ? "bad percent-encoding in the path" : "no such source");
    }
    accepted.empty_answer = source->manners.empty_answers;
    const systems::BrowserRules* browsers = source->configured.source->browser_rules();
    if (browsers) {
      accepted.from_browsers = source;  // whatever the answer is, the script that asked may read it
      if (is_preflight(request)) return preflight(*browsers, request);
    }
    if (!takes_method(source->manners, request.message.method())) {
      rejections_.count(source->name, "method", request.remote);
      http::Response response = refusal(405, "a webhook is a POST");
      response.headers.emplace_back("Allow", source->manners.takes_put_and_delete ? "POST, PUT, DELETE" : "POST");
      return response;
    }
    if (browsers) {
      const auto verdict = browser_limits_.take(source->name, *browsers, request.remote, clock_.now());
      if (!verdict.allowed) {
        rejections_.count(source->name, "too_many", request.remote);
        http::Response response = try_again(verdict.retry_after, "too many requests from this address");
        response.status = 429;
        return response;
      }
    }
    const auto& config = source->configured.config;
    if (config.body_bytes_max && request.message.body().size() > *config.body_bytes_max) {
      rejections_.count(source->name, "too_large", request.remote);
      return refusal(413, "the body is larger than this source allows");
    }
    const store::CommitLoad load = store_.load();
    if (!admission_.admits(load, config.ack_budget, clock_.steady())) {
      ack_refused_.add();
      rejections_.count(source->name, "overloaded", request.remote);
      return try_again(Admission::retry_after(load, random_fraction()), "the store is slow just now");
    }
    return judge(request, path, std::move(source), accepted);
  }

  // The source's own verdict.
  std::optional<http::Response> judge(http::Request& request, const HookPath& path, std::shared_ptr<Runtime> source,
                                      Accepted& accepted) {
    HeaderLookup headers{&request.message.base()};
    systems::HookRequest hook;
    hook.path_secret = path.secret();
    hook.query = request.query();
    hook.body = request.message.body();
    hook.content_type = content_type_of(request);
    hook.remote = request.remote;
    hook.header = &HeaderLookup::find;
    hook.headers = &headers;

    const WallTime now = clock_.now();
    systems::Verdict verdict;
    try {
      verdict = source->configured.source->admit(hook, now);
    } catch (const std::exception& e) {
      log::error("source failed on a request", {{"source", source->name}, {"error", e.what()}});
      rejections_.count(source->name, "internal", request.remote);
      return refusal(500, "internal error");
    }
    if (!verdict.accepted) {
      if (!verdict.rejected)
        verdict.rejected = systems::Rejected{500, systems::RejectReason::bad_request, "internal error"};
      rejections_.count(source->name, systems::to_string(verdict.rejected->reason), request.remote);
      return refusal(verdict.rejected->status, verdict.rejected->message);
    }

    systems::Accepted& taken = *verdict.accepted;
    source->last_heard = clock_.steady();
    accepted.answer.status = taken.status;
    if (!taken.answer.empty()) {
      accepted.answer.body = std::move(taken.answer);
      accepted.answer.content_type = "text/plain; charset=utf-8";
    }
    accepted.keep = taken.keep;
    if (taken.keep) {
      accepted.event.source = source->name;
      accepted.event.received_at = now;
      accepted.event.body = std::move(taken.body);
      accepted.event.content_type = std::move(taken.content_type);
      if (taken.dedup) {
        const Millis window = source->configured.config.dedup_window.value_or(taken.dedup->window);
        if (window.count() > 0) {
          accepted.event.dedup = own_key(source->name, taken.dedup->hash);
          accepted.event.dedup_window = window;
        }
      }
    }
    accepted.source = std::move(source);
    return std::nullopt;
  }

  http::Response refused_by_store(const Runtime& source, const Error& error, std::string_view remote) {
    rejections_.count(source.name, "store", remote);
    const SteadyTime now = clock_.steady();
    if (!trouble_since_) {
      trouble_since_ = clock_.now();
      trouble_reason_ = error.message;
      log::error("webhooks cannot be stored", {{"source", source.name}, {"error", error.message}});
      trouble_logged_ = now;
    } else if (now - trouble_logged_ >= std::chrono::seconds(30)) {
      log::error("webhooks still cannot be stored", {{"refused", refused_}, {"error", error.message}});
      trouble_logged_ = now;
    }
    ++refused_;
    return try_again(Millis{5'000 + static_cast<long long>(random_fraction() * 10'000)},
                     "not stored, send it again later");
  }

  http::Response stored(Accepted& accepted, const store::Appended& appended, SteadyTime received) {
    Runtime& source = *accepted.source;
    source.received->add();
    if (appended.duplicate) source.duplicates->add();
    if (trouble_since_) trouble_is_over();
    source.time_to_200->observe(std::chrono::duration<double>(clock_.steady() - received).count());
    return std::move(accepted.answer);
  }

  // The answer as its sender may have it: a website's script may read it, a visitor must not.
  static http::Response finished(const http::Request& request, const Accepted& accepted, http::Response response) {
    if (accepted.empty_answer) response.body.clear();
    if (accepted.from_browsers)
      add_cross_origin(*accepted.from_browsers->configured.source->browser_rules(), request, response);
    return response;
  }

  store::Store& store_;
  const Clock& clock_;
  Metrics& metrics_;
  Rejections rejections_;
  Counter& ack_refused_;
  CallbackWaiters<store::Appended> waiters_;
  Admission admission_;
  BrowserLimits browser_limits_;
  bool some_show_answers_ = false;
  std::map<std::string, std::shared_ptr<Runtime>, std::less<>> sources_;

 private:
  // The store took one again: what could not be told while it was full is told now, at most once an hour.
  void trouble_is_over() {
    const SteadyTime now = clock_.steady();
    log::warn("webhooks are stored again", {{"refused", refused_}, {"since", format_rfc3339(*trouble_since_)}});
    if (told_ && now - *told_ < std::chrono::hours(1)) {
      trouble_since_.reset();  // refused_ goes on counting towards the next one that is told
      return;
    }
    told_ = now;
    const WallTime wall = clock_.now();
    boost::json::object payload;
    payload["since"] = format_rfc3339(*trouble_since_);
    payload["until"] = format_rfc3339(wall);
    payload["refused"] = refused_;
    payload["reason"] = trouble_reason_;
    trouble_since_.reset();
    refused_ = 0;
    store_.append(make_own_event(event_type::store_full, std::move(payload), wall), [](Result<store::Appended> result) {
      if (!result) log::warn("store_full could not be stored", {{"error", result.error().message}});
    });
  }

  std::optional<WallTime> trouble_since_;
  std::string trouble_reason_;
  SteadyTime trouble_logged_{};
  std::uint64_t refused_ = 0;
  std::optional<SteadyTime> told_;
};

Hooks::Hooks(asio::any_io_executor executor, store::Store& store, const Clock& clock, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(executor), store, clock, metrics)) {}
Hooks::~Hooks() = default;

void Hooks::set_sources(std::map<std::string, ConfiguredSource> sources) {
  impl_->set_sources(std::move(sources));
}

std::optional<SteadyTime> Hooks::last_heard(std::string_view source) const {
  const auto found = impl_->sources_.find(source);
  return found == impl_->sources_.end() ? std::nullopt : found->second->last_heard;
}

asio::awaitable<http::Response> Hooks::handle(http::Request& request) {
  Impl::Accepted accepted;
  std::optional<http::Response> early = impl_->admit(request, accepted);
  if (early) co_return impl_->finished(request, accepted, std::move(*early));
  if (!accepted.keep) {
    accepted.source->received->add();
    co_return impl_->finished(request, accepted, std::move(accepted.answer));
  }
  // Invariant 1: nothing below this line says 2xx before the store's callback did.
  store::Store& store = impl_->store_;
  store::NewEvent& event = accepted.event;
  const auto begin = [&store, &event](auto done) { store.append(std::move(event), done); };
  asio::awaitable<Result<store::Appended>> commit = impl_->waiters_.wait(begin);
  const Result<store::Appended> appended = co_await std::move(commit);
  http::Response response = appended ? impl_->stored(accepted, *appended, request.received)
                                     : impl_->refused_by_store(*accepted.source, appended.error(), request.remote);
  co_return impl_->finished(request, accepted, std::move(response));
}

}  // namespace chatrelay::ingest
