// Accounts: who calls, by the Authorization header, as Live Helper Chat looks at it: a key goes with its owner's user
// name; a login with a password takes the user name or the e-mail.
//
// Keys that stand in the configuration are compared in constant time. Hashed ones are verified on a thread of their
// own, one after the other, and who was verified is remembered for a while, from the same address. Whoever fails too
// often is not looked at for some time, and of one address no more are verified at once than may fail. Nothing of what
// was sent is ever logged.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "common/async/callback_waiters.hpp"
#include "common/async/inbox.hpp"
#include "systems/livehelperchat/endpoints/limits.hpp"
#include "systems/livehelperchat/endpoints/serving.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

// What the header says, or in Live Helper Chat's words what is wrong with it.
struct Credentials {
  Credentials() {}
  std::string user, password;
  std::string fault;
};
Credentials read_credentials(std::string_view authorization);

// Who was verified, and by what.
struct Verified {
  Verified() {}
  std::size_t account = 0;  // index into Serving::accounts
  bool by_password = false;
};

// Those who were verified. The names of its entries are keyed digests: nothing in it leads back to a password.
// Thread: one.
class VerifiedCache {
 public:
  VerifiedCache();
  // Lifetime of an entry: ten minutes. Limit: 1000 entries; the oldest goes first.
  std::optional<Verified> find(const std::string& name, WallTime now) const;
  void keep(const std::string& name, const Verified& verified, WallTime now);
  std::string name_of(const Credentials& credentials, std::string_view address) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Verified verified;
    WallTime since;
  };
  std::string key_;
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::string> oldest_first_;
};

// Thread: the executor's. Lifetime: what waits is woken or destroyed with it; `serving` and `limits` outlive it.
class Authentication {
 public:
  Authentication(boost::asio::any_io_executor executor, const Serving& serving, CallLimits& limits);
  ~Authentication();
  Authentication(const Authentication&) = delete;
  Authentication& operator=(const Authentication&) = delete;

  struct Verdict {
    Verdict() {}
    const Account* account = nullptr;  // else one of:
    std::string fault;                 // Live Helper Chat's words
    std::optional<CallLimits::Verdict> blocked;
    std::optional<Error> error;  // too many are waiting to be verified
  };
  boost::asio::awaitable<Verdict> verify(std::string authorization, std::string address, WallTime now);

 private:
  // A hash, and who it would prove.
  struct Candidate {
    Candidate(std::string h, const Verified& v, bool r) : hash(std::move(h)), verified(v), is_real(r) {}
    std::string hash;
    Verified verified;
    bool is_real;  // false: verified for the time that it takes
  };
  struct Work {
    Work() {}
    std::string name;  // the cache's
    std::string address;
    std::int64_t failures_left = 0;  // of the address
    std::string password;
    std::vector<Candidate> candidates;
  };
  using Found = std::optional<Verified>;
  using Done = std::function<void(Result<Found>)>;
  struct UnderWay {
    UnderWay() {}
    std::string address;
    std::vector<Done> waiting;
  };
  struct Finished {
    std::string name;
    Found found;
  };

  // An outer nullopt: no account has this key in clear.
  std::optional<Found> by_clear_key(const Credentials& credentials) const;
  std::vector<Candidate> candidates(const Credentials& credentials) const;
  void start(Work& work, Done done);
  void finish(std::vector<Finished>&& finished);
  Verdict admit(const Verified& verified) const;

  const Serving& serving_;
  CallLimits& limits_;
  VerifiedCache cache_;
  std::unordered_map<std::string, UnderWay> under_way_;  // by name: the same is verified once
  Inbox<Finished> finished_;
  std::optional<CallbackWaiters<Found>> waiters_;     // until the destructor
  std::unique_ptr<boost::asio::thread_pool> thread_;  // made when a hash is verified first
};

}  // namespace chatrelay::systems::livehelperchat::endpoints
