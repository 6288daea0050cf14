#include "destinations/conversation/conversation_destination.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/post.hpp>

#include "common/crypto.hpp"
#include "common/text.hpp"
#include "destinations/conversation/conversation_with.hpp"
#include "destinations/linked_chat.hpp"
#include "destinations/outcome_text.hpp"
#include "destinations/worker.hpp"
#include "event/served_event.hpp"

namespace chatrelay::destinations::conversation {

namespace asio = boost::asio;

// Written on the store's thread before `done`, read by `done`.
struct ConversationDestination::Told {
  std::optional<conversations::Refusal> refusal;
  bool changed = false;
  bool shows = false;  // the visitor's history changed
};

struct ConversationDestination::Command {
  Command() {}
  std::string chat;  // or the visitor; empty: none (a probe)
  store::Store::Command body;
  std::shared_ptr<Told> told = std::make_shared<Told>();
};

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

// Looks like every id that we make, 17 characters, but is the same at each attempt of the delivery.
std::string derived_id(std::string_view delivery, std::size_t part) {
  const std::string number = std::to_string(part);
  const std::array<std::string_view, 3> parts{"conversation message", delivery, number};
  const Hash128 hash = hash128(parts);
  std::string id;
  for (auto [word, count] : {std::pair(hash.high, 9), std::pair(hash.low, 8)})
    for (int i = 0; i < count; ++i, word /= alphabet.size()) id += alphabet[word % alphabet.size()];
  return id;
}

std::string why(conversations::Refusal refusal, const std::string& chat, const std::string& source) {
  switch (refusal) {
    case conversations::Refusal::unknown_room:
      return source + " has no chat " + printable(chat, 60);
    case conversations::Refusal::unknown_visitor:
      return source + " has no visitor " + printable(chat, 60) + " who could be invited";
    case conversations::Refusal::rooms_open:
      return "the visitor has a chat open: write into it with the action message";
    case conversations::Refusal::room_closed:
      return "the chat is closed";
    case conversations::Refusal::id_taken:
      return "the message's id is taken";
    default:
      return "the chat takes it not";
  }
}

// Every attempt may be made again without harm, so nothing about it is ambiguous.
Outcome certain(Outcome outcome) {
  if (outcome.klass == OutcomeClass::ambiguous) outcome.klass = OutcomeClass::retry;
  return outcome;
}

Outcome store_failure(const Error& error) {
  Outcome outcome(OutcomeClass::retry, bounded_reason(error.message));
  outcome.destination_fault = error.kind == ErrorKind::unavailable;
  return outcome;
}

}  // namespace

ConversationDestination::ConversationDestination(ConversationOptions options, const Context& context)
    : options_(std::move(options)),
      executor_(context.executor),
      clock_(context.clock),
      store_(context.store),
      bell_(context.bell) {}

asio::awaitable<Outcome> ConversationDestination::attempt(Attempt attempt) {
  const Result<int> hops = hops_before(attempt);
  if (!hops) co_return store_failure(hops.error());
  if (*hops >= hops_max && attempt.action != "close") {
    Outcome loop(OutcomeClass::reject,
                 attempt.action == "invite"
                     ? "a loop: rules answer what chatrelay itself did; let `when` ask for .activity.invitation == null"
                     : "a loop: rules answer what chatrelay itself wrote into the chat; let `when` ask for "
                       ".message.author.role == \"visitor\"");
    loop.quiet = true;
    co_return loop;
  }
  const std::optional<Outcome> unfound = find_linked_chat(attempt, reader(), options_.source);
  if (unfound) co_return *unfound;
  Result<Command> command = command_for(attempt, *hops + 1);
  if (!command) co_return Outcome(OutcomeClass::reject, bounded_reason(command.error().message));
  auto submitting = submit(std::move(*command));
  Outcome outcome = co_await std::move(submitting);
  co_return outcome;
}

store::Reader& ConversationDestination::reader() {
  if (!reader_) reader_ = store_.open_reader();
  return *reader_;
}

// What made the event that this delivery is of: 0 for what people and other systems did, else how many deliveries into
// chats of ours led to it. Only events that say() and assign() made are asked: a visitor has no say in their `raw`.
Result<int> ConversationDestination::hops_before(const Attempt& attempt) {
  if (attempt.event.seq == 0) return 0;
  const Result<std::optional<store::StoredEvent>> stored = reader().event(attempt.event.seq);
  if (!stored) return stored.error();
  if (!*stored || (*stored)->content_type != served_content_type) return 0;
  const std::optional<Event> event = served_event_from_body((*stored)->body);
  if (!event) return 0;
  // That an invitation was shown is no reason for the next one: each would be shown, and so on for ever.
  if (event->type == event_type::visitor_activity && event->activity.contains("invitation")) return hops_max;
  const bool spoken = event->message && event->message->author.role.value_or("visitor") != "visitor";
  if (!spoken && event->type != event_type::user_added_to_chat) return 0;
  const json::object* raw = event->raw.if_object();
  const json::value* hops = raw ? raw->if_contains("hops") : nullptr;
  if (hops == nullptr || !hops->is_int64()) return 0;
  return static_cast<int>(std::clamp<std::int64_t>(hops->get_int64(), 0, hops_max));
}

Result<ConversationDestination::Command> ConversationDestination::command_for(const Attempt& attempt, int hops) const {
  conversations::Call call;
  call.source = options_.source;
  call.now = clock_.now();
  call.raw = json::object{
      {"by", own_source}, {"destination", options_.name}, {"delivery", attempt.id}, {"hops", std::int64_t{hops}}};
  if (attempt.action == "close") return close_command(attempt, std::move(call));
  if (attempt.action == "assign") return assign_command(attempt, std::move(call));
  if (attempt.action == "invite") return invite_command(attempt, std::move(call));
  return message_command(attempt, std::move(call));
}

// Nothing is shown until the visitor's page asks, so nobody who waits for news of a chat is told.
Result<ConversationDestination::Command> ConversationDestination::invite_command(const Attempt& attempt,
                                                                                 conversations::Call call) const {
  Result<InviteWith> with = read_invite(attempt.with, options_.bot_name);
  if (!with) return with.error();
  conversations::Invite invite;
  invite.call = std::move(call);
  invite.visitor_id = with->visitor;
  invite.id = derived_id(attempt.id, 0);
  invite.text = std::move(with->text);
  invite.author = std::move(with->author);
  Command command;
  command.chat = with->visitor;
  command.body = [invite = std::move(invite), told = command.told](store::Transaction& transaction) {
    *told = Told();
    const auto answer = conversations::invite(transaction, invite);
    if (!answer)
      told->refusal = answer.refusal;
    else
      told->changed = answer.value->is_new;
  };
  return command;
}

Result<ConversationDestination::Command> ConversationDestination::message_command(const Attempt& attempt,
                                                                                  conversations::Call call) const {
  Result<MessageWith> with = read_message(attempt.with, options_.bot_name);
  if (!with) return with.error();
  std::vector<conversations::Say> says;
  for (std::string& text : with->parts) {
    conversations::Say say;
    say.call = call;
    say.room_id = with->chat;
    say.id = derived_id(attempt.id, says.size());
    say.text = std::move(text);
    say.author = with->author;
    say.author_username = with->username;
    says.push_back(std::move(say));
  }
  Command command;
  command.chat = with->chat;
  command.body = [says = std::move(says), told = command.told](store::Transaction& transaction) {
    *told = Told();
    for (const conversations::Say& say : says) {
      // Said by an earlier attempt: also when the chat was closed since.
      const auto there = transaction.message(say.call.source, say.id);
      if (there && !there->from_visitor) continue;
      const auto answer = conversations::say(transaction, say);
      if (!answer) {
        told->refusal = answer.refusal;
        return;
      }
      told->changed = told->shows = true;
    }
  };
  return command;
}

Result<ConversationDestination::Command> ConversationDestination::assign_command(const Attempt& attempt,
                                                                                 conversations::Call call) const {
  Result<AssignWith> with = read_assign(attempt.with);
  if (!with) return with.error();
  conversations::Assign assign;
  assign.call = std::move(call);
  assign.room_id = with->chat;
  assign.agent = std::move(with->agent);
  assign.agent_username = std::move(with->username);
  Command command;
  command.chat = with->chat;
  command.body = [assign = std::move(assign), told = command.told](store::Transaction& transaction) {
    *told = Told();
    const auto answer = conversations::assign(transaction, assign);
    if (!answer)
      told->refusal = answer.refusal;
    else
      told->changed = answer.value->is_new;
  };
  return command;
}

Result<ConversationDestination::Command> ConversationDestination::close_command(const Attempt& attempt,
                                                                                conversations::Call call) const {
  Result<CloseWith> with = read_close(attempt.with);
  if (!with) return with.error();
  conversations::EndRoom end;
  end.call = std::move(call);
  end.room_id = with->chat;
  end.comment = std::move(with->comment);
  end.new_message_id = derived_id(attempt.id, 0);
  end.author.role = "bot";
  end.author.name = options_.bot_name;
  Command command;
  command.chat = with->chat;
  command.body = [end = std::move(end), told = command.told](store::Transaction& transaction) {
    *told = Told();
    const auto answer = conversations::end_room(transaction, end);
    if (!answer)
      told->refusal = answer.refusal;
    else
      told->changed = told->shows = answer.value->is_new;
  };
  return command;
}

// Lifetime: the store's callback holds nothing of this destination, which a reload may have replaced by then.
asio::awaitable<Outcome> ConversationDestination::submit(Command command) {
  const auto waiter = std::make_shared<Waiter>(executor_, options_.timeout);
  const auto done = [waiter, told = command.told, chat = command.chat, source = options_.source, executor = executor_,
                     bell = &bell_](const Result<bool>& result) {
    Outcome outcome;
    if (!result) {
      outcome = store_failure(result.error());
    } else if (told->refusal) {
      outcome = Outcome(OutcomeClass::reject, bounded_reason(why(*told->refusal, chat, source)));
    } else if (!told->changed && !chat.empty()) {
      outcome = Outcome(OutcomeClass::duplicate, "was so already");
    }
    if (result && told->shows) bell->ring(source, chat);
    asio::post(executor, [waiter, outcome = std::move(outcome)]() mutable { waiter->finish(std::move(outcome)); });
  };
  store_.command(std::move(command.body), done);
  auto waiting = Waiter::wait(waiter);
  Outcome outcome = co_await std::move(waiting);
  co_return certain(std::move(outcome));
}

asio::awaitable<Outcome> ConversationDestination::probe() {
  Command nothing;
  nothing.body = [](store::Transaction&) {};
  auto submitting = submit(std::move(nothing));
  Outcome outcome = co_await std::move(submitting);
  if (outcome.klass == OutcomeClass::ok)
    outcome.reason = "the store answers; reaches the chats of " + options_.source + ", 1 of " +
                     std::to_string(options_.served) + " served source" + (options_.served == 1 ? "" : "s");
  co_return outcome;
}

std::string ConversationDestination::describe() const {
  return "write into the chats of " + options_.source;
}

}  // namespace chatrelay::destinations::conversation
