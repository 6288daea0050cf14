// EmailDestination: one mail for each delivery, through SMTP or into a Maildir.
//
// SMTP sends one transaction per recipient, because libcurl cannot tell which of several was refused. Who has accepted
// is remembered in memory while the delivery is retried (bounded), so a mailbox that is full does not mean a second
// copy for the others. After a restart or a reload they may get it again, with the same Message-ID and the same bytes:
// at least once.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "destinations/destination.hpp"
#include "destinations/email/email_options.hpp"
#include "destinations/email/mail_content.hpp"
#include "destinations/email/smtp_outcome.hpp"
#include "destinations/worker.hpp"

namespace chatrelay::destinations::email {

// How far one delivery's recipients have got.
struct Recipients {
  std::set<std::string> accepted;
  std::map<std::string, std::string> refused;  // address → reason, permanent
  bool knows(const std::string& address) const { return accepted.contains(address) || refused.contains(address); }
};

// Limit: deliveries that are remembered; the oldest is forgotten first.
class RecipientMemory {
 public:
  explicit RecipientMemory(std::size_t deliveries_max = 1000) : deliveries_max_(deliveries_max) {}
  Recipients take(const std::string& delivery);
  void keep(const std::string& delivery, Recipients recipients);
  std::size_t size() const { return known_.size(); }

 private:
  std::size_t deliveries_max_;
  std::map<std::string, Recipients> known_;
  std::deque<std::string> order_;
};

// All recipients have said yes or no for good.
Outcome final_outcome(const Recipients& recipients);

class EmailDestination final : public Destination {
 public:
  EmailDestination(EmailOptions options, const Context& context);
  boost::asio::awaitable<Outcome> attempt(Attempt attempt) override;
  boost::asio::awaitable<Outcome> probe() override;
  std::string describe() const override;

 private:
  boost::asio::awaitable<Outcome> send_all(Mail mail, std::string delivery);
  boost::asio::awaitable<Outcome> write_maildir(Mail mail, std::string name, bool look_in_cur);
  http::MailRequest request_for(const std::string& recipient) const;

  EmailOptions options_;
  http::Client& http_;
  const Clock& clock_;
  WallTime made_at_;
  std::string host_name_;
  RecipientMemory memory_;
  std::unique_ptr<Worker> worker_;  // for a Maildir
};

}  // namespace chatrelay::destinations::email
