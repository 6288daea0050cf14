#include "systems/livehelperchat/endpoints/accounts.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <boost/asio/post.hpp>

#include "common/crypto.hpp"
#include "common/password_hash.hpp"
#include "common/text.hpp"
#include "http/address.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace asio = boost::asio;

namespace {

constexpr Millis remembered = std::chrono::minutes(10);
constexpr std::size_t remembered_max = 1000;
constexpr std::size_t under_way_max = 64;  // Limit: about a second of hashing each way
constexpr std::size_t credential_bytes_max = 1024;
constexpr std::string_view failed_text = "Authorization failed!";
constexpr std::string_view direct_logins = "lhrestapi,use_direct_logins";

std::string random_key() {
  std::array<std::uint8_t, 32> bytes{};
  random_bytes(bytes);
  return {bytes.begin(), bytes.end()};
}

void append_with_length(std::string& out, std::string_view part) {
  out.append(std::to_string(part.size())).append(":").append(part);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty() && words.size() < 3) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

}  // namespace

Credentials read_credentials(std::string_view authorization) {
  Credentials said;
  const auto words = words_of(authorization);
  if (words.empty()) {
    said.fault = "Authorization header is missing!";
    return said;
  }
  if (iequals_ascii(words[0], "bearer")) {
    said.fault = "Bearer authorization failed!";
    return said;
  }
  // Every other word before it is as good as "Basic" to Live Helper Chat.
  const auto decoded = words.size() > 1 ? base64_decode(words[1]) : std::nullopt;
  const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos || decoded->size() > credential_bytes_max) {
    said.fault = failed_text;
    return said;
  }
  said.user = decoded->substr(0, colon);
  said.password = decoded->substr(colon + 1);
  if (said.user.empty() || said.password.empty()) said.fault = failed_text;
  return said;
}

// ---- VerifiedCache

VerifiedCache::VerifiedCache() : key_(random_key()) {}

std::string VerifiedCache::name_of(const Credentials& credentials, std::string_view address) const {
  std::string parts;
  append_with_length(parts, address);
  append_with_length(parts, credentials.user);
  append_with_length(parts, credentials.password);
  const Digest digest = hmac_sha256(key_, parts);
  return std::string(as_text(digest));
}

std::optional<Verified> VerifiedCache::find(const std::string& name, WallTime now) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  const WallTime since = found->second.since;
  // An entry of the future was made before the clock was set back.
  if (now < since || now >= since + remembered) return std::nullopt;
  return found->second.verified;
}

void VerifiedCache::keep(const std::string& name, const Verified& verified, WallTime now) {
  const auto [entry, is_new] = entries_.insert_or_assign(name, Entry{verified, now});
  if (!is_new) return;
  oldest_first_.push_back(entry->first);
  if (oldest_first_.size() <= remembered_max) return;
  entries_.erase(oldest_first_.front());
  oldest_first_.pop_front();
}

// ---- Authentication

Authentication::Authentication(asio::any_io_executor executor, const Serving& serving, CallLimits& limits)
    : serving_(serving),
      limits_(limits),
      finished_(executor, [this](std::vector<Finished>&& finished) { finish(std::move(finished)); }),
      waiters_(std::in_place, executor) {}

Authentication::~Authentication() {
  if (thread_) {
    thread_->stop();  // what has not begun never does; what has takes a moment
    thread_->join();
  }
  // Who waits goes first: what is called back after that finds nobody, and gives back what it held.
  waiters_.reset();
  for (auto& [name, under_way] : under_way_)
    for (Done& done : under_way.waiting) done(unavailable("the endpoints are gone"));
}

// All of them are compared, whatever the first comparisons say.
std::optional<Authentication::Found> Authentication::by_clear_key(const Credentials& credentials) const {
  std::optional<std::size_t> owner;
  for (std::size_t i = 0; i < serving_.accounts.size(); ++i)
    if (serving_.accounts[i].key.matches(credentials.password) && serving_.accounts[i].user == credentials.user)
      owner = i;
  if (!owner) return std::nullopt;
  Verified verified;
  verified.account = *owner;
  return Found(verified);
}

// Keys first, then logins by the user's name, then by e-mail. Nobody: a hash that proves nothing, so that the time does
// not tell who has an account.
std::vector<Authentication::Candidate> Authentication::candidates(const Credentials& credentials) const {
  std::vector<Candidate> keys, names, mails;
  const std::string* any = nullptr;
  Verified verified;
  for (std::size_t i = 0; i < serving_.accounts.size(); ++i) {
    const Account& account = serving_.accounts[i];
    verified.account = i;
    for (const std::string* hash : {&account.key_hash, &account.password_hash}) {
      if (hash->empty()) continue;
      any = any ? any : hash;
      verified.by_password = hash == &account.password_hash;
      if (account.user == credentials.user)
        (verified.by_password ? names : keys).emplace_back(*hash, verified, true);
      else if (verified.by_password && !account.email.empty() && iequals_ascii(account.email, credentials.user))
        mails.emplace_back(*hash, verified, true);
    }
  }
  keys.insert(keys.end(), names.begin(), names.end());
  keys.insert(keys.end(), mails.begin(), mails.end());
  if (keys.empty() && any) keys.emplace_back(*any, verified, false);
  return keys;
}

Authentication::Verdict Authentication::admit(const Verified& verified) const {
  Verdict verdict;
  const Account& account = serving_.accounts[verified.account];
  if (verified.by_password && !account.has(direct_logins)) {
    verdict.fault =
        "You do not have permission to use REST API directly. \"lhrestapi\", \"use_direct_logins\" is missing!";
    return verdict;
  }
  verdict.account = &account;
  return verdict;
}

asio::awaitable<Authentication::Verdict> Authentication::verify(std::string authorization, std::string address,
                                                                WallTime now) {
  Verdict refused;
  const Credentials credentials = read_credentials(authorization);
  if (!credentials.fault.empty()) {
    refused.fault = credentials.fault;
    co_return refused;
  }
  const std::string name = cache_.name_of(credentials, address);
  if (const auto known = cache_.find(name, now)) co_return admit(*known);
  const CallLimits::Verdict logins = limits_.look_at_logins(address, now);
  if (!logins.allowed) {
    refused.blocked = logins;
    co_return refused;
  }
  std::optional<Found> found = by_clear_key(credentials);
  if (!found) {
    Work work;
    work.name = name;
    work.address = http::counted_address(address);
    work.failures_left = logins.remaining + 1;
    work.password = credentials.password;
    work.candidates = candidates(credentials);
    if (!work.candidates.empty()) {
      const auto begin = [this, &work](auto done) { start(work, std::move(done)); };
      auto pending = waiters_->wait(begin);
      const Result<Found> verified = co_await std::move(pending);
      if (!verified) {
        refused.error = verified.error();
        co_return refused;
      }
      found = *verified;
    }
  }
  if (!found || !*found) {
    limits_.count_failed_login(address, now);
    refused.fault = failed_text;
    co_return refused;
  }
  cache_.keep(name, **found, now);
  co_return admit(**found);
}

void Authentication::start(Work& work, Done done) {
  const auto same = under_way_.find(work.name);
  if (same != under_way_.end()) {
    same->second.waiting.push_back(std::move(done));
    return;
  }
  // Guesses at the same time would all be looked at before the first has failed.
  const auto of_address =
      std::ranges::count_if(under_way_, [&](const auto& each) { return each.second.address == work.address; });
  if (under_way_.size() >= under_way_max || of_address >= work.failures_left) {
    done(unavailable("too many are waiting to be verified"));
    return;
  }
  UnderWay& under_way = under_way_[work.name];
  under_way.address = work.address;
  under_way.waiting.push_back(std::move(done));
  if (!thread_) thread_ = std::make_unique<asio::thread_pool>(1);
  asio::post(*thread_, [this, asked = std::move(work)] {
    Finished finished{asked.name, std::nullopt};
    for (const Candidate& candidate : asked.candidates) {
      const bool proves = verify_password(candidate.hash, asked.password) && candidate.is_real;
      if (proves && !finished.found) finished.found = candidate.verified;
    }
    finished_.put(std::move(finished));
  });
}

void Authentication::finish(std::vector<Finished>&& finished) {
  for (Finished& each : finished) {
    const auto waiting = under_way_.extract(each.name);
    if (waiting.empty()) continue;
    for (Done& done : waiting.mapped().waiting) done(each.found);
  }
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
