// ConversationCache: conversations as folded so far, the last used ones. What the planner folds is read from the store
// once and written with each batch; between the two, the cache is the truth. Thread: the planner's.
//
// Invariant: an entry changed by a batch that is not committed yet is never evicted, since the store would give back
// its older state. At most two batches are not committed (one under way, one being made), what they changed was used
// last, and size_max is larger than both.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "conversations/fold.hpp"
#include "store/store.hpp"

namespace chatrelay::deliver {

class ConversationCache {
 public:
  explicit ConversationCache(std::size_t size_max) : size_max_(size_max) {}

  // The conversation as of the last webhook folded; a new one if the store knows none. Lifetime: until forget, clear or
  // trim.
  Result<conversations::Conversation*> get(store::Reader& reader, const std::string& source,
                                           const std::string& chat_id);
  void forget(const std::string& source, const std::string& chat_id);
  void clear();
  void trim();
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    conversations::Conversation conversation;
  };
  static std::string key_of(std::string_view source, std::string_view chat_id);
  std::size_t size_max_;
  std::list<Entry> entries_;                                                // last used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;  // keys live in entries_
};

}  // namespace chatrelay::deliver
