// Registrar: makes LiveChat's registrations what is wanted, and takes them away. Idempotent: what is right already is
// not touched, and a run that was cut off is finished by the next one.
//
// No gap while a secret or a setting changes: the relay is asked whether it takes the newest secret; the new
// registrations are made beside the old ones; LiveChat's propagation time passes; the new ones are seen in LiveChat's
// list and the relay is asked once more; only then the old ones go. What comes twice meanwhile has the same
// de-duplication key and is kept once.
#pragma once

#include <string>
#include <vector>

#include "admin/livechat/configuration_api.hpp"
#include "admin/livechat/hook_probe.hpp"

namespace chatrelay::admin::livechat {

// "All configurations set by this API will have action in system after max 2 minutes" (Propagation delay).
inline constexpr Millis propagation{120'000};

struct RegisterOptions {
  std::string type = "license";  // or "bot"
  Millis wait = propagation;     // between new registrations and the removal of what they replace
  bool probe = true;             // false: the hook's address is reachable from outside only
  bool dry_run = false;          // says what would be done
};

struct Registered {
  std::size_t kept = 0, added = 0, removed = 0;
  bool enabled_license_webhooks = false;
  std::string bot_id;  // of type bot
  bool created_bot = false, set_routing_status = false;
  std::vector<std::string> unfinished;  // what could not be done, each with what to do next
  bool changed() const { return added + removed != 0 || enabled_license_webhooks || created_bot || set_routing_status; }
};

class Registrar {
 public:
  // Lifetime: refers to all of them.
  Registrar(const Hook& hook, ConfigurationApi& api, const Send& send, const Sleep& sleep, const Say& say)
      : hook_(hook), api_(api), send_(send), sleep_(sleep), say_(say) {}

  // Errors: what stopped it; what was done until then stays done.
  Result<Registered> register_all(const RegisterOptions& options);

  // Removes those of this source that lead to this address; an empty type means both.
  Result<std::size_t> unregister_all(const std::string& type);

 private:
  Result<Plan> plan(const std::string& type);
  Result<void> change(const Plan& plan, const RegisterOptions& options, Registered& done);
  Result<void> ask_relay(bool replaces);
  Result<void> add_all(const Plan& plan, Registered& done);
  Result<bool> old_ones_may_go(const RegisterOptions& options, Registered& done);
  Result<void> remove_old(const Plan& plan, const RegisterOptions& options, Registered& done);
  Result<void> remove(const std::vector<Registration>& registrations, Registered& done);
  Result<void> enable_license_webhooks(bool dry_run, Registered& done);
  Result<void> make_bot(bool dry_run, Registered& done);
  Result<void> set_bot_online(bool dry_run, Registered& done);
  void say_plan(const Plan& plan) const;

  const Hook& hook_;
  ConfigurationApi& api_;
  const Send& send_;
  const Sleep& sleep_;
  const Say& say_;
  std::vector<std::string> added_ids_;
  std::vector<std::string> failed_actions_;  // their old registrations stay
};

}  // namespace chatrelay::admin::livechat
