#include "conversations/fold.hpp"

#include <algorithm>

#include "common/json.hpp"
#include "common/text.hpp"
#include "conversations/merge.hpp"
#include "conversations/silent_chats.hpp"

namespace chatrelay::conversations {

namespace {

constexpr std::size_t people_max = 50;
constexpr std::size_t ratings_max = 100;
constexpr std::size_t earlier_threads_max = 5;
constexpr std::size_t opened_threads_max = 10;
constexpr std::size_t seen_messages_max = 200;
constexpr std::size_t early_messages_max = 16;
constexpr std::size_t changed_messages_max = 50;
constexpr std::size_t silent_threads_max = 10;
constexpr std::size_t tags_max = 200;
constexpr std::size_t messages_max = 1000;  // Limit: messages that one webhook may bring

bool is(const Event& event, const char* type) {
  return event.type == type;
}

std::string activity_text(const Event& event, const char* key) {
  const json::value* member = event.activity.if_contains(key);
  return member && member->is_string() ? std::string(member->get_string()) : std::string{};
}

const std::optional<std::string>& id_of(const Person& person) {
  return person.is_visitor ? person.visitor.id : person.agent.id;
}

// Folds the parts of one webhook into one conversation.
class Fold {
 public:
  Fold(Conversation& conversation, EventSeq seq, bool fresh) : c_(conversation), seq_(seq), fresh_(fresh) {}

  // False: the part says nothing new and is left out.
  bool fold_part(Event& event);
  bool changed_anything() const { return changed_anything_; }
  std::vector<store::StoredMessage> take_messages() { return std::move(messages_); }

 private:
  // people
  Person* find_person(const std::optional<std::string>& id);
  void learn_person(const Person& person);
  void learn_people(Event& event);
  void put_right(Event& event);
  void complete_visitor(Event& event);
  void complete_agent(Event& event, bool in_current_thread);
  void agent_left(const Event& event);
  void complete_author(Message& message);

  // chat
  Chat& thread_of(const Event& event);
  Chat& begin_thread(const Event& event);
  void change_status(Chat& thread, const Event& event);
  bool is_overtaken_silence(const Event& event) const;
  void fold_silence(Chat& thread, Event& event);
  void change_tags(Chat& thread, const Event& event);
  void change_chat(Chat& thread, const Event& event);
  bool fold_rating(const Chat& thread, Event& event);
  Rating* rating_of(const std::string& thread);

  // messages
  void fold_messages(const Chat& thread, Event& event);
  void fold_first_messages(const Chat& thread, Event& event);
  void fold_change(const Chat& thread, Event& event);
  bool was_seen(const Message& message) const {
    return message.id && (contains(c_.seen_message_ids, *message.id) || contains(c_.early_message_ids, *message.id));
  }
  void keep(const Chat& thread, const Message& message, bool deleted, bool change);

  Conversation& c_;
  EventSeq seq_;
  bool fresh_;
  bool agent_joined_ = false;
  bool changed_anything_ = false;
  std::vector<store::StoredMessage> messages_;
};

// --- people
// ---------------------------------------------------------------------------------------------------------------

Person* Fold::find_person(const std::optional<std::string>& id) {
  if (!id) return nullptr;
  for (Person& person : c_.people)
    if (id_of(person) == id) return &person;
  return nullptr;
}

void Fold::learn_person(const Person& said) {
  const auto& id = id_of(said);
  if (!id) return;
  Person person;
  person.is_visitor = said.is_visitor;
  if (Person* known = find_person(id)) {
    person = std::move(*known);
    c_.people.erase(c_.people.begin() + (known - c_.people.data()));
    const bool only_id = said.is_visitor ? !said.visitor.name && !said.visitor.email : !said.agent.name;
    if (person.is_visitor != said.is_visitor && !only_id) {  // whoever describes a person knows what they are
      person = Person{};
      person.is_visitor = said.is_visitor;
    }
  } else if (c_.people.size() >= people_max) {
    const auto gone = std::find_if(c_.people.begin(), c_.people.end(), [](const Person& p) { return !p.present; });
    c_.people.erase(gone != c_.people.end() ? gone : c_.people.begin());
  }
  person.present = said.present;
  if (person.is_visitor) {
    merge(person.visitor.id, id);
    merge(person.visitor.name, said.visitor.name);
    merge(person.visitor.email, said.visitor.email);
  } else {
    Agent agent = said.agent;
    agent.id = id;
    merge(person.agent, agent);
  }
  c_.people.push_back(std::move(person));
}

// A decoder that knows only an id guesses what it is; the chat may know better.
void Fold::put_right(Event& event) {
  if (event.agent && event.agent->id && !event.agent->name && !event.visitor)
    if (const Person* known = find_person(event.agent->id); known && known->is_visitor) {
      event.visitor = known->visitor;
      event.agent.reset();
    }
  if (event.visitor && event.visitor->id && !event.visitor->name && !event.agent)
    if (const Person* known = find_person(event.visitor->id); known && !known->is_visitor) {
      event.agent = known->agent;
      event.visitor.reset();
    }
}

void Fold::learn_people(Event& event) {
  for (const Person& person : event.people) learn_person(person);
  put_right(event);
  const auto add = [&](Person person) {
    const bool described =
        person.is_visitor ? person.visitor.name || person.visitor.email : person.agent.name || person.agent.email;
    if (described && event.people.empty()) learn_person(person);
  };
  if (event.visitor) add(Person{true, *event.visitor, {}, true});
  if (event.agent) add(Person{false, {}, *event.agent, true});
}

void Fold::complete_visitor(Event& event) {
  if (!event.visitor) {
    event.visitor = c_.visitor;
    return;
  }
  const bool other = c_.visitor && c_.visitor->id && event.visitor->id && c_.visitor->id != event.visitor->id;
  Visitor merged = c_.visitor && !other ? *c_.visitor : Visitor{};
  if (other)  // a chat with two visitors: the later one takes over, with what was said of them
    if (const Person* known = find_person(event.visitor->id); known && known->is_visitor) merged = known->visitor;
  merge(merged, *event.visitor);
  event.visitor = merged;
  c_.visitor = std::move(merged);
}

// The agent who serves: the last who joined or said something to the visitor.
void Fold::complete_agent(Event& event, bool in_current_thread) {
  if (!event.agent || !event.agent->id) {
    if (!event.agent && in_current_thread) event.agent = c_.agent;
    return;
  }
  Agent agent;
  if (const Person* known = find_person(event.agent->id); known && !known->is_visitor) agent = known->agent;
  merge(agent, *event.agent);
  event.agent = agent;
  if (!in_current_thread) return;
  if (is(event, event_type::user_removed_from_chat)) return agent_left(event);
  const bool unseen =
      activity_text(event, "visibility") == "agents" || (event.message && event.message->audience != "all");
  const bool only_looked = event.type == "events_marked_as_seen" || event.type == "incoming_rich_message_postback";
  if (!unseen && !only_looked) c_.agent = std::move(agent);
}

void Fold::agent_left(const Event& event) {
  if (!c_.agent || c_.agent->id != event.agent->id) return;
  c_.agent.reset();
  for (const Person& person : c_.people)
    if (!person.is_visitor && person.present) c_.agent = person.agent;
}

void Fold::complete_author(Message& message) {
  Author& author = message.author;
  if (const Person* known = find_person(author.id)) {
    if (!author.name) author.name = known->is_visitor ? known->visitor.name : known->agent.name;
    if (known->is_visitor)
      author.role = "visitor";
    else if (!author.role || author.role == "visitor")
      author.role = "agent";
  } else if (author.role == "visitor" && c_.visitor && (!author.id || author.id == c_.visitor->id)) {
    if (!author.id) author.id = c_.visitor->id;
    if (!author.name) author.name = c_.visitor->name;
  }
}

// --- the chat
// ---------------------------------------------------------------------------------------------------------------

Chat& Fold::thread_of(const Event& event) {
  const std::optional<std::string>& thread = event.chat->thread_id;
  if (!c_.chat) return begin_thread(event);
  Chat& current = *c_.chat;
  if (!thread || current.thread_id == thread) return current;
  if (!current.thread_id) {
    current.thread_id = thread;
    return current;
  }
  for (Chat& earlier : c_.earlier_threads)
    if (earlier.thread_id == thread) return earlier;
  // A thread that we never heard of. Usually the next one; an ending, or a beginning before ours, is of one that is
  // over.
  const auto& started_at = event.chat->started_at;
  const bool late = is(event, event_type::chat_deactivated) ||
                    (started_at && current.started_at && *started_at < *current.started_at);
  if (!late) return begin_thread(event);
  if (c_.earlier_threads.size() >= earlier_threads_max) c_.earlier_threads.erase(c_.earlier_threads.begin());
  Chat earlier;
  earlier.id = event.chat->id;
  earlier.thread_id = thread;
  return c_.earlier_threads.emplace_back(std::move(earlier));
}

Chat& Fold::begin_thread(const Event& event) {
  Chat next;
  next.id = event.chat->id;
  next.thread_id = event.chat->thread_id;
  if (c_.chat) {
    next.department = c_.chat->department;
    next.properties =
        std::move(c_.chat->properties);  // an earlier thread is kept without: they would weigh more than all else
    c_.chat->properties.clear();
    next.properties.erase("rating");
    if (c_.earlier_threads.size() >= earlier_threads_max) c_.earlier_threads.erase(c_.earlier_threads.begin());
    c_.earlier_threads.push_back(std::move(*c_.chat));
    c_.agent.reset();
  }
  return c_.chat.emplace(std::move(next));
}

// What was said about a thread that has ended may come late; it does not open it again. A chat without threads may
// begin anew.
void Fold::change_status(Chat& thread, const Event& event) {
  const bool ended = thread.status == "closed";
  const std::optional<std::string>& said = event.chat->status;
  if (said == "closed") {
    thread.status = said;
    if (event.chat->ended_at) thread.ended_at = event.chat->ended_at;
  } else if (said && !(ended && thread.thread_id)) {
    thread.status = said;
    thread.ended_at = event.chat->ended_at;
  }
  const bool agent_spoke = event.message && event.message->author.role == "agent" && event.message->audience == "all";
  if (thread.status == "queued" && (agent_spoke || agent_joined_)) thread.status = "active";
  if (!thread.status && is(event, event_type::incoming_event)) thread.status = "active";
  if (thread.status == "queued" && event.chat->queue) thread.queue = event.chat->queue;
  if (thread.status != "queued") thread.queue.reset();
}

// An ending by silence says: after this webhook came nothing. Something that was committed between the look and the
// ending makes it wrong, and the chat goes on.
bool Fold::is_overtaken_silence(const Event& event) const {
  const std::optional<EventSeq> after = silence_after(event);
  if (!after || *after == 0) return false;  // 0: written by hand, in a rule's test
  if (!c_.chat || c_.chat->status == "closed" || c_.chat->thread_id != event.chat->thread_id) return true;
  return *after < c_.last_event;
}

// Before the status is changed. Who speaks in a thread that ended by silence begins it again; what chatrelay itself
// writes does not, or a rule that says goodbye would end the chat again and again.
void Fold::fold_silence(Chat& thread, Event& event) {
  const std::string name = short_id(thread.thread_id.value_or(""));
  if (silence_after(event)) return remember(c_.silent_threads, name, silent_threads_max);
  if (thread.status != "closed" || !contains(c_.silent_threads, name)) return;
  const bool spoken = is(event, event_type::incoming_event) && event.message && !event.message->repeated;
  const bool by_people = spoken && (event.message->author.role == "visitor" || event.message->author.role == "agent");
  if (event.chat->status == "closed") {
    event.activity["after_silence"] = true;
  } else if (by_people && strict_string_at(event.raw, "by") != own_source) {
    thread.status = "active";
    thread.ended_at.reset();
  } else {
    return;
  }
  std::erase(c_.silent_threads, name);
}

void Fold::change_tags(Chat& thread, const Event& event) {
  const std::string tag(truncate_utf8(activity_text(event, "tag"), id_bytes_max));
  const bool tagged = event.type == "thread_tagged" || event.type == "chat_thread_tagged";
  const bool untagged = event.type == "thread_untagged" || event.type == "chat_thread_untagged";
  if (tagged && !tag.empty()) {
    if (!thread.tags) thread.tags.emplace();
    remember(*thread.tags, tag, tags_max);
  } else if (untagged && thread.tags) {
    std::erase(*thread.tags, tag);
  } else if (event.chat->tags) {
    // A beginning that comes after its first tagging must not undo it.
    std::vector<std::string> tags = *event.chat->tags;
    if (tags.size() > tags_max) tags.resize(tags_max);
    for (std::string& one : tags) one = std::string(truncate_utf8(one, id_bytes_max));
    if (thread.tags && is(event, event_type::incoming_chat))
      for (const std::string& known : *thread.tags) remember(tags, known, tags_max);
    thread.tags = std::move(tags);
  }
}

void Fold::change_chat(Chat& thread, const Event& event) {
  const Chat& said = *event.chat;
  change_status(thread, event);
  change_tags(thread, event);
  merge(thread.initiator, said.initiator);
  merge(thread.department, said.department);
  if (said.started_at) thread.started_at = said.started_at;
  conversations::merge_properties(thread.properties, said.properties);
  for (const std::string& path : event.removed_properties) remove_property(thread.properties, path);
}

Rating* Fold::rating_of(const std::string& thread) {
  const std::string wanted = short_id(thread);
  for (auto& [name, rating] : c_.ratings)
    if (name == wanted) return &rating;
  return nullptr;
}

// LiveChat tells of a rating in several ways, each saying only what changed (activity.rated); the first to say it is
// the event.
bool Fold::fold_rating(const Chat& thread, Event& event) {
  if (!is(event, event_type::chat_rated) || !event.chat->rating) return true;
  const std::string name = thread.thread_id.value_or("");
  Rating* known = rating_of(name);
  Rating rating = *event.chat->rating;
  if (rating.comment) rating.comment = std::string(truncate_utf8(*rating.comment, text_bytes_max));
  const std::string what = activity_text(event, "rated");
  if (known && what == "score") rating.comment = known->comment;
  if (known && what == "comment") rating.score = known->score;
  if (known && *known == rating) {
    event.chat->rating = rating;
    return !fresh_;
  }
  if (known) {
    *known = rating;
  } else {
    if (c_.ratings.size() >= ratings_max) c_.ratings.erase(c_.ratings.begin());
    c_.ratings.emplace_back(short_id(name), rating);
  }
  return true;
}

// --- messages
// ---------------------------------------------------------------------------------------------------------------

void Fold::keep(const Chat& thread, const Message& message, bool deleted, bool change) {
  if (messages_.size() >= messages_max) return;
  store::StoredMessage stored;
  stored.id = message.id ? *message.id : "event:" + std::to_string(seq_) + ":" + std::to_string(messages_.size());
  stored.thread_id = thread.thread_id.value_or("");
  stored.event = seq_;
  stored.changed_by = change ? seq_ : 0;
  stored.deleted = deleted;
  stored.message = to_json(message);
  messages_.push_back(std::move(stored));
}

void Fold::fold_first_messages(const Chat& thread, Event& event) {
  std::vector<Message> all = event.history;
  const bool among = event.message && std::any_of(all.begin(), all.end(), [&](const Message& m) {
                       return m.id == event.message->id && m.id.has_value();
                     });
  if (event.message && !among) all.insert(all.begin(), *event.message);
  if (!among)
    std::stable_sort(all.begin(), all.end(), [](const Message& a, const Message& b) {
      return a.sent_at && b.sent_at && *a.sent_at < *b.sent_at;
    });
  for (Message& message : all) {
    complete_author(message);
    const bool overtaken = was_seen(message) || (message.id && contains(c_.changed_message_ids, *message.id));
    if (fresh_ && was_seen(message) && event.message && event.message->id == message.id) event.message->repeated = true;
    if (!overtaken) keep(thread, message, false, false);
    if (message.id) remember(c_.seen_message_ids, *message.id, seen_messages_max);
  }
  c_.early_message_ids.clear();
  if (thread.thread_id) remember(c_.opened_threads, *thread.thread_id, opened_threads_max);
}

void Fold::fold_change(const Chat& thread, Event& event) {
  if (!event.message || !event.message->id) return;
  const bool deleted = is(event, event_type::event_deleted) || event.activity.if_contains("deleted") != nullptr;
  keep(thread, *event.message, deleted, true);
  remember(c_.changed_message_ids, *event.message->id, changed_messages_max);
}

void Fold::fold_messages(const Chat& thread, Event& event) {
  if (event.message) complete_author(*event.message);
  if (is(event, event_type::incoming_chat)) return fold_first_messages(thread, event);
  if (is(event, event_type::event_updated) || is(event, event_type::event_deleted)) return fold_change(thread, event);
  if (event.message) {
    Message& message = *event.message;
    if (was_seen(message)) {
      message.repeated = fresh_;  // folded before: it met itself
    } else {
      const bool deleted = event.activity.if_contains("deleted") != nullptr;
      if (!message.id || !contains(c_.changed_message_ids, *message.id)) keep(thread, message, deleted, false);
      // Until the thread's incoming_chat has come, it may still bring this message again.
      if (message.id && thread.thread_id && !contains(c_.opened_threads, *thread.thread_id))
        remember(c_.early_message_ids, *message.id, early_messages_max);
    }
  }
  for (Message& message : event.history) {
    complete_author(message);
    if (!was_seen(message)) keep(thread, message, false, false);
  }
}

bool Fold::fold_part(Event& event) {
  if (fresh_ && is_overtaken_silence(event)) return false;
  changed_anything_ = true;
  Chat& thread = thread_of(event);
  // Asked before the event is completed: then it names a visitor and an agent anyway.
  agent_joined_ = is(event, event_type::user_added_to_chat) && event.agent && !event.visitor &&
                  activity_text(event, "visibility") != "agents";
  learn_people(event);
  complete_visitor(event);
  complete_agent(event, &thread == &*c_.chat);
  fold_messages(thread, event);
  fold_silence(thread, event);
  change_chat(thread, event);
  const bool says_something = fold_rating(thread, event);
  const Rating* rating = rating_of(thread.thread_id.value_or(""));
  Chat completed = thread;
  if (rating) completed.rating = *rating;
  event.chat = std::move(completed);
  return says_something;
}

bool has_chat(const Event& event) {
  return event.chat && event.chat->id;
}

store::ConversationUpdate update_of(const Conversation& c, const Event& first,
                                    std::vector<store::StoredMessage> messages) {
  store::ConversationUpdate update;
  update.source = first.source;
  update.chat_id = *first.chat->id;
  update.state = to_json(c);
  if (c.visitor) {
    update.visitor_id = c.visitor->id.value_or("");
    update.visitor_name = c.visitor->name.value_or("");
    update.visitor_email = c.visitor->email.value_or("");
  }
  update.status = c.chat->status.value_or("");
  update.thread_id = c.chat->thread_id.value_or("");
  update.started_at = c.chat->started_at;
  update.active_at = first.received_at;
  update.messages = std::move(messages);
  return update;
}

}  // namespace

Folded fold(Conversation& conversation, std::vector<Event> parts) {
  Folded out;
  const auto first = std::find_if(parts.begin(), parts.end(), has_chat);
  const EventSeq seq = parts.empty() ? 0 : parts.front().ref.seq;
  const bool fresh = seq == 0 || seq > conversation.last_event;
  // A webhook that was folded before is completed against a copy: the conversation stays as it is.
  Conversation copy;
  if (!fresh) copy = conversation;
  Conversation& target = fresh ? conversation : copy;
  const std::optional<std::string> chat_id = first != parts.end() ? first->chat->id : std::nullopt;

  Fold folding(target, seq, fresh);
  std::vector<bool> told(parts.size(), true);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool ours = has_chat(parts[i]) && parts[i].chat->id == chat_id;
    if (ours) told[i] = folding.fold_part(parts[i]);
    store::PlannedPart planned;
    planned.part = parts[i].ref.part;
    planned.type = parts[i].type;
    if (parts[i].chat) planned.chat_id = parts[i].chat->id.value_or("");
    if (parts[i].chat) planned.thread_id = parts[i].chat->thread_id.value_or("");
    planned.suppressed = !told[i];
    out.parts.push_back(std::move(planned));
  }
  if (first != parts.end() && fresh && folding.changed_anything()) {
    conversation.last_event = std::max(conversation.last_event, seq);
    out.update = update_of(conversation, *first, folding.take_messages());
  }
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (told[i]) out.events.push_back(std::move(parts[i]));
  return out;
}

}  // namespace chatrelay::conversations
