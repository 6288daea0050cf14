#include "deliver/conversation_cache.hpp"

#include <utility>

namespace chatrelay::deliver {

std::string ConversationCache::key_of(std::string_view source, std::string_view chat_id) {
  std::string key;
  key.reserve(source.size() + 1 + chat_id.size());
  key.append(source).push_back('\0');  // a source's name has no NUL
  key.append(chat_id);
  return key;
}

Result<conversations::Conversation*> ConversationCache::get(store::Reader& reader, const std::string& source,
                                                            const std::string& chat_id) {
  std::string key = key_of(source, chat_id);
  if (const auto found = index_.find(key); found != index_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->conversation;
  }
  Result<std::optional<store::StoredConversation>> stored = reader.conversation(source, chat_id);
  if (!stored) return stored.error();
  entries_.emplace_front();
  Entry& entry = entries_.front();
  entry.key = std::move(key);
  if (*stored) entry.conversation = conversations::conversation_from_json((*stored)->state);
  index_.emplace(entry.key, entries_.begin());
  return &entry.conversation;
}

void ConversationCache::forget(const std::string& source, const std::string& chat_id) {
  const auto found = index_.find(key_of(source, chat_id));
  if (found == index_.end()) return;
  const auto entry = found->second;
  index_.erase(found);
  entries_.erase(entry);
}

void ConversationCache::clear() {
  index_.clear();
  entries_.clear();
}

void ConversationCache::trim() {
  while (entries_.size() > size_max_) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

}  // namespace chatrelay::deliver
