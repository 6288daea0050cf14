#include "destinations/email/email_destination.hpp"

#include <algorithm>

#include "destinations/email/maildir.hpp"
#include "destinations/kinds.hpp"
#include "destinations/outcome_text.hpp"

namespace chatrelay::destinations::email {

namespace asio = boost::asio;

Recipients RecipientMemory::take(const std::string& delivery) {
  const auto found = known_.find(delivery);
  if (found == known_.end()) return {};
  Recipients recipients = std::move(found->second);
  known_.erase(found);
  std::erase(order_, delivery);
  return recipients;
}

void RecipientMemory::keep(const std::string& delivery, Recipients recipients) {
  if (recipients.accepted.empty() && recipients.refused.empty()) return;
  if (order_.size() >= deliveries_max_) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  known_[delivery] = std::move(recipients);
  order_.push_back(delivery);
}

Outcome final_outcome(const Recipients& recipients) {
  std::string refused;
  for (const auto& [address, reason] : recipients.refused)
    refused += (refused.empty() ? "" : "; ") + address + " " + reason;
  if (recipients.accepted.empty()) return Outcome(OutcomeClass::reject, bounded_reason(refused));
  if (refused.empty()) return Outcome{};
  // Good for those who have it; the others are named where an operator looks at the delivery.
  return Outcome(OutcomeClass::ok, bounded_reason("delivered to " + std::to_string(recipients.accepted.size()) +
                                                  "; refused: " + refused));
}

namespace {

void add_progress(Outcome& outcome, const Recipients& recipients, std::size_t all) {
  if (all < 2 || (recipients.accepted.empty() && recipients.refused.empty())) return;
  outcome.reason = bounded_reason("accepted for " + std::to_string(recipients.accepted.size()) + " of " +
                                  std::to_string(all) + ": " + outcome.reason);
}

Outcome local_failure(const Error& error) {
  Outcome outcome(OutcomeClass::retry, bounded_reason(error.message));
  outcome.destination_fault = true;
  return outcome;
}

}  // namespace

EmailDestination::EmailDestination(EmailOptions options, const Context& context)
    : options_(std::move(options)),
      http_(context.http),
      clock_(context.clock),
      made_at_(context.clock.now()),
      host_name_(is_addr_spec("x@" + context.host_name) ? context.host_name : "localhost") {
  if (!options_.smtp) worker_ = std::make_unique<Worker>(context.executor);
}

asio::awaitable<Outcome> EmailDestination::attempt(Attempt attempt) {
  Result<Mail> mail = build_mail(options_, attempt);
  if (!mail) co_return Outcome(OutcomeClass::reject, bounded_reason("not sent: " + mail.error().message));
  if (options_.smtp) {
    auto sending = send_all(std::move(*mail), attempt.id);
    Outcome sent = co_await std::move(sending);
    co_return sent;
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(attempt.planned_at).time_since_epoch().count();
  // What was planned while this process ran and is tried for the first time cannot lie in cur/ already; that folder may
  // be large.
  const bool look_in_cur = attempt.number > 1 || attempt.planned_at <= made_at_;
  auto writing = write_maildir(std::move(*mail), maildir_name(seconds, attempt.id, host_name_), look_in_cur);
  Outcome written = co_await std::move(writing);
  co_return written;
}

asio::awaitable<Outcome> EmailDestination::write_maildir(Mail mail, std::string name, bool look_in_cur) {
  std::function<Outcome()> work = [folder = options_.maildir, mail = std::move(mail), name = std::move(name),
                                   look_in_cur] {
    const Result<MaildirResult> result = Maildir(folder).deliver(name, mail.message, look_in_cur);
    if (!result) return local_failure(result.error());
    if (*result == MaildirResult::duplicate)
      return Outcome(OutcomeClass::duplicate, "was written by an earlier attempt");
    return Outcome{};
  };
  auto running = worker_->run(std::move(work), options_.timeout);
  Outcome outcome = co_await std::move(running);
  co_return outcome;
}

http::MailRequest EmailDestination::request_for(const std::string& recipient) const {
  const Smtp& smtp = *options_.smtp;
  http::MailRequest request;
  request.url = smtp.origin + "/" + (smtp.ehlo.empty() ? host_name_ : smtp.ehlo);
  request.username = smtp.username;
  request.password = smtp.password;
  request.bearer = smtp.bearer;
  request.require_tls = smtp.require_tls;
  request.ca_file = smtp.ca_file;
  request.from = options_.from.address;
  request.to = recipient;
  request.timeout = options_.timeout;
  request.allow_private = options_.allow_private;
  return request;
}

asio::awaitable<Outcome> EmailDestination::send_all(Mail mail, std::string delivery) {
  const SteadyTime deadline = clock_.steady() + options_.timeout;
  Recipients recipients = memory_.take(delivery);
  std::optional<Outcome> later;  // the first recipient's reason to try again
  for (const std::string& recipient : mail.recipients) {
    if (recipients.knows(recipient)) continue;
    const auto left = std::chrono::duration_cast<Millis>(deadline - clock_.steady());
    if (left <= Millis{0}) {
      if (!later) later = Outcome(OutcomeClass::retry, "the time was over before all recipients had their mail");
      break;
    }
    http::MailRequest request = request_for(recipient);
    request.message = mail.message;
    request.timeout = left;
    const http::MailResponse response = co_await http_.send_mail(std::move(request));
    SmtpVerdict verdict = classify_smtp(response, !options_.smtp->bearer.empty());
    if (verdict.outcome.klass == OutcomeClass::ok) {
      recipients.accepted.insert(recipient);
    } else if (verdict.outcome.klass == OutcomeClass::reject) {
      recipients.refused.emplace(recipient, verdict.outcome.reason);
    } else if (verdict.recipient_only) {
      if (!later) later = std::move(verdict.outcome);
    } else {
      // The server is the trouble: the other recipients would meet the same.
      later = std::move(verdict.outcome);
      break;
    }
  }
  if (!later) co_return final_outcome(recipients);
  add_progress(*later, recipients, mail.recipients.size());
  memory_.keep(delivery, std::move(recipients));
  co_return std::move(*later);
}

asio::awaitable<Outcome> EmailDestination::probe() {
  if (options_.smtp) {
    http::MailRequest request = request_for({});
    request.probe = true;
    const http::MailResponse response = co_await http_.send_mail(std::move(request));
    Outcome outcome = classify_smtp(response, !options_.smtp->bearer.empty()).outcome;
    if (outcome.klass == OutcomeClass::ok) outcome.reason = options_.smtp->username.empty() ? "connected" : "logged in";
    co_return outcome;
  }
  std::function<Outcome()> work = [folder = options_.maildir] {
    const Result<void> probed = Maildir(folder).probe();
    return probed ? Outcome(OutcomeClass::ok, "can be written") : local_failure(probed.error());
  };
  auto running = worker_->run(std::move(work), options_.timeout);
  Outcome outcome = co_await std::move(running);
  co_return outcome;
}

std::string EmailDestination::describe() const {
  const std::string where = options_.smtp ? options_.smtp->origin : "Maildir " + options_.maildir;
  return "mail from " + options_.from.address + " through " + where;
}

namespace {

rules::Target schema(const config::DestinationConfig& config, config::Problems&) {
  config.node.only(email_keys());
  const EmailOptions options = read_email_options(config);
  rules::Target target;
  target.destination = config.name;
  target.default_action = "send";
  target.actions.emplace("send", mail_schema(!options.to.empty()));
  return target;
}

}  // namespace

}  // namespace chatrelay::destinations::email

namespace chatrelay::destinations {

DestinationKind email_kind() {
  DestinationKind kind;
  kind.kind = "email";
  kind.schema = &email::schema;
  kind.make = [](const config::DestinationConfig& config, const Context& context,
                 config::Problems&) -> std::unique_ptr<Destination> {
    email::EmailOptions options = email::read_email_options(config);
    if (options.from.address.empty() || (!options.smtp && options.maildir.empty())) return nullptr;
    return std::make_unique<email::EmailDestination>(std::move(options), context);
  };
  return kind;
}

}  // namespace chatrelay::destinations
