// ConversationDestination: writes into the chats that we serve ourselves: a message of an agent, a bot or the system;
// an agent assigned; the chat closed; a message left for a visitor who has no chat yet. What it says is committed when
// the outcome is ok, and those who wait for news of the chat are told.
//
// Every message's id comes of the delivery's, so an attempt that is made again changes nothing. Not here: who may read
// it (the endpoints of the chat's own system).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "conversations/rooms.hpp"
#include "destinations/destination.hpp"

namespace chatrelay::destinations::conversation {

// A message of ours is an event like any other, and a rule may answer it with a message: so many times, then the
// delivery is dead, with a reason that says why. Enough for a greeting that follows an assignment that follows a chat.
inline constexpr int hops_max = 3;
struct ConversationOptions {
  std::string name;    // the destination's
  std::string source;  // whose chats
  std::size_t served = 1;
  std::string bot_name = "chatrelay";
  Millis timeout{30'000};
};

class ConversationDestination final : public Destination {
 public:
  ConversationDestination(ConversationOptions options, const Context& context);
  boost::asio::awaitable<Outcome> attempt(Attempt attempt) override;
  boost::asio::awaitable<Outcome> probe() override;
  std::string describe() const override;

 private:
  struct Told;     // by the command, on the store's thread
  struct Command;  // what to do, and where it tells
  Result<Command> command_for(const Attempt& attempt, int hops) const;
  Result<Command> message_command(const Attempt& attempt, conversations::Call call) const;
  Result<Command> invite_command(const Attempt& attempt, conversations::Call call) const;
  Result<Command> assign_command(const Attempt& attempt, conversations::Call call) const;
  Result<Command> close_command(const Attempt& attempt, conversations::Call call) const;
  boost::asio::awaitable<Outcome> submit(Command command);
  Result<int> hops_before(const Attempt& attempt);
  store::Reader& reader();

  ConversationOptions options_;
  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  store::Store& store_;
  RoomBell& bell_;
  std::unique_ptr<store::Reader> reader_;  // Thread: delivery; opened by the first attempt
};

}  // namespace chatrelay::destinations::conversation
