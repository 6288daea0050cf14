#include "admin/livechat/registrar.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "common/text.hpp"
#include "common/units.hpp"

namespace chatrelay::admin::livechat {

namespace {

std::string line_of(const Registration& registration) {
  return printable(registration.action) + " (" + printable(registration.type) + ", " + printable(registration.id) + ")";
}

}  // namespace

Result<Plan> Registrar::plan(const std::string& type) {
  const auto offered = api_.names();
  if (!offered) return offered.error();
  const auto wanted = wanted_of(hook_, api_.settings(), type, *offered);
  if (!wanted) return wanted.error();
  if (wanted->empty()) return invalid("LiveChat offers no actions in version " + api_.settings().version);
  const auto present = api_.registrations();
  if (!present) return present.error();
  return plan_registrations(hook_, type, *wanted, *present);
}

void Registrar::say_plan(const Plan& plan) const {
  for (const Registration& one : plan.remove_first) say_("would remove " + line_of(one) + " to make room");
  for (const Wanted& one : plan.add) say_("would register " + printable(one.action) + " (" + one.type + ")");
  for (const Registration& one : plan.remove_last) say_("would remove " + line_of(one));
}

Result<Registered> Registrar::register_all(const RegisterOptions& options) {
  Registered done;
  const auto planned = plan(options.type);
  if (!planned) return planned.error();
  done.kept = planned->kept;
  const bool is_bot = options.type == "bot";
  if (options.dry_run) say_plan(*planned);
  if (is_bot)  // LiveChat's order: the bot, its webhooks, its routing status
    if (const auto made = make_bot(options.dry_run, done); !made) return made.error();
  if (!planned->empty() && !options.dry_run)
    if (const auto changed = change(*planned, options, done); !changed) return changed.error();
  const auto opened = is_bot ? set_bot_online(options.dry_run, done) : enable_license_webhooks(options.dry_run, done);
  if (!opened) return opened.error();
  // Last of all: it waits, and until then both the old and the new ones come.
  if (!options.dry_run && !planned->remove_last.empty())
    if (const auto removed = remove_old(*planned, options, done); !removed) return removed.error();
  return done;
}

Result<void> Registrar::change(const Plan& plan, const RegisterOptions& options, Registered& done) {
  if (options.probe && !plan.add.empty())
    if (const auto asked = ask_relay(plan.replaces); !asked) return asked.error();
  if (const auto room = remove(plan.remove_first, done); !room) return room.error();
  return add_all(plan, done);
}

Result<void> Registrar::ask_relay(bool replaces) {
  const ProbeAnswer answer = probe_hook(hook_, send_);
  if (answer.kind == ProbeAnswer::Kind::refuses)
    return invalid("the relay at " + hook_.url +
                   " does not take the first of the source's secrets, so nothing was registered: run `chatrelay "
                   "reload` (or see that the relay there has the same configuration), and run this again");
  if (answer.kind == ProbeAnswer::Kind::silent)
    say_("warning: " + hook_.url + " gives " + answer.reason +
         (replaces ? "; the old registrations stay until it does" : "; start the relay before LiveChat sends to it"));
  return {};
}

Result<void> Registrar::add_all(const Plan& plan, Registered& done) {
  for (const Wanted& wanted : plan.add) {
    const auto id = api_.add(wanted, hook_);
    if (id) {
      say_("registered " + printable(wanted.action) + " (" + wanted.type + ")");
      added_ids_.push_back(*id);
      ++done.added;
      continue;
    }
    if (id.error().kind != ErrorKind::invalid) return id.error();  // the next one would fare no better
    failed_actions_.push_back(wanted.action);
    done.unfinished.push_back(printable(wanted.action) + " was not registered. " + id.error().message);
  }
  return {};
}

Result<void> Registrar::remove(const std::vector<Registration>& registrations, Registered& done) {
  for (const Registration& registration : registrations) {
    if (const auto removed = api_.remove(registration.id); !removed) return removed.error();
    say_("removed " + line_of(registration));
    ++done.removed;
  }
  return {};
}

// Seen in LiveChat's list, after the time that a registration takes to work, and the relay takes what they will send.
Result<bool> Registrar::old_ones_may_go(const RegisterOptions& options, Registered& done) {
  if (options.wait > Millis{0}) {
    say_("waiting " + format_duration(options.wait) + ", in which LiveChat puts new registrations to work");
    sleep_(options.wait);
  }
  const auto present = api_.registrations();
  if (!present) return present.error();
  std::set<std::string> ids;
  for (const Registration& one : *present) ids.insert(one.id);
  const bool all_there =
      std::all_of(added_ids_.begin(), added_ids_.end(), [&](const std::string& id) { return ids.count(id) != 0; });
  if (!all_there) {
    done.unfinished.emplace_back(
        "the new registrations are not in LiveChat's list yet, so the old ones stay: run this again in some minutes");
    return false;
  }
  if (!options.probe) return true;
  const ProbeAnswer answer = probe_hook(hook_, send_);
  if (answer.kind == ProbeAnswer::Kind::takes) return true;
  const std::string what = answer.kind == ProbeAnswer::Kind::refuses
                               ? "does not take the newest secret: run `chatrelay reload`"
                               : "gives " + answer.reason +
                                     ": start the relay, or add --no-probe if only the "
                                     "outside reaches it";
  done.unfinished.push_back("the old registrations stay, because " + hook_.url + " " + what + ", and run this again");
  return false;
}

Result<void> Registrar::remove_old(const Plan& plan, const RegisterOptions& options, Registered& done) {
  std::vector<Registration> old;
  for (const Registration& one : plan.remove_last)
    if (std::find(failed_actions_.begin(), failed_actions_.end(), one.action) == failed_actions_.end())
      old.push_back(one);
  if (plan.replaces && !old.empty()) {
    const auto may_go = old_ones_may_go(options, done);
    if (!may_go) return may_go.error();
    if (!*may_go) return {};
  }
  return remove(old, done);
}

Result<void> Registrar::enable_license_webhooks(bool dry_run, Registered& done) {
  const auto enabled = api_.license_webhooks_enabled();
  if (!enabled) return enabled.error();
  if (*enabled) return {};
  if (dry_run) {
    say_("would enable the licence's webhooks");
    return {};
  }
  if (const auto done_so = api_.enable_license_webhooks(); !done_so) return done_so.error();
  say_("enabled the licence's webhooks");
  done.enabled_license_webhooks = true;
  return {};
}

Result<void> Registrar::make_bot(bool dry_run, Registered& done) {
  const auto bots = api_.bots();
  if (!bots) return bots.error();
  if (!bots->empty()) {
    done.bot_id = bots->front().id;
    return {};
  }
  const std::string name = "the bot \"" + printable(api_.settings().bot_name) + "\"";
  if (dry_run) {
    say_("would create " + name);
    return {};
  }
  const auto created = api_.create_bot();
  if (!created) return created.error();
  say_("created " + name + " (" + printable(created->id) + ")");
  done.bot_id = created->id;
  done.created_bot = true;
  return {};
}

Result<void> Registrar::set_bot_online(bool dry_run, Registered& done) {
  const std::string& wanted = api_.settings().bot_status;
  if (done.bot_id.empty()) return {};  // only when nothing may be done
  const auto status = api_.routing_status(done.bot_id);
  if (!status) return status.error();
  if (*status == wanted) return {};
  const std::string words = "the bot's routing status from " + printable(*status) + " to " + wanted;
  if (dry_run) {
    say_("would set " + words);
    return {};
  }
  if (const auto set = api_.set_routing_status(done.bot_id, wanted); !set) return set.error();
  say_("set " + words);
  done.set_routing_status = true;
  return {};
}

Result<std::size_t> Registrar::unregister_all(const std::string& type) {
  const auto present = api_.registrations();
  if (!present) return present.error();
  std::vector<Registration> ours;
  for (const Judged& judged : judge(hook_, {}, *present))
    if (judged.whose == Whose::ours_outdated && (type.empty() || judged.registration.type == type))
      ours.push_back(judged.registration);
  Registered done;
  if (const auto removed = remove(ours, done); !removed) return removed.error();
  return done.removed;
}

}  // namespace chatrelay::admin::livechat
