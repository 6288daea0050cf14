// The Reader's view of what destinations remember.
#include <algorithm>

#include "store/sqlite/reader.hpp"

namespace chatrelay::store::sqlite {
namespace {

constexpr std::string_view no_thread = "";

void sort_by_destination(std::vector<StoredLink>& found) {
  std::ranges::stable_sort(found, {}, &StoredLink::destination);
}

// Columns: scope, subject, thread, key, value, delivery, saved_at.
StoredLink link_of(const Rows& rows, const std::string& destination, const std::string& source) {
  StoredLink link;
  link.destination = destination;
  link.scope = static_cast<LinkScope>(rows.integer(0));
  link.subject.source = source;
  if (link.scope == LinkScope::visitor)
    link.subject.visitor_id = rows.string(1);
  else
    link.subject.chat_id = rows.string(1);
  link.subject.thread_id = rows.string(2);
  link.key = rows.string(3);
  link.value = rows.string(4);
  link.delivery = rows.number(5);
  link.saved_at = rows.time(6);
  return link;
}

}  // namespace

// Every destination that remembers anything: one step of the index each.
std::vector<std::int64_t> SqliteReader::linking_destinations() {
  std::vector<std::int64_t> found;
  for (std::int64_t last = -1;;) {
    Rows rows(db(), "SELECT min(destination) FROM links INDEXED BY links_subject WHERE destination>?1", last);
    if (!rows.next() || rows.null(0)) return found;
    last = rows.integer(0);
    found.push_back(last);
  }
}

void SqliteReader::add_links(std::int64_t destination, std::int64_t source, const std::string& source_name,
                             LinkScope scope, std::string_view subject, std::optional<std::string_view> thread,
                             std::vector<StoredLink>& found) {
  if (subject.empty()) return;
  Rows rows(
      db(),
      "SELECT scope,subject,thread,key,value,delivery,saved_at FROM links INDEXED BY links_subject WHERE "
      "destination=?1 AND source=?2 AND subject=?3 AND scope=?4 AND (?5 IS NULL OR thread=?5) ORDER BY thread,key",
      destination, source, subject, static_cast<int>(scope), thread);
  while (rows.next()) found.push_back(link_of(rows, names_.name(db(), destination), source_name));
}

Result<std::vector<StoredLink>> SqliteReader::links(const LinkSubject& subject, std::string_view destination) {
  return read([&] {
    std::vector<StoredLink> found;
    const auto source = names_.number(db(), subject.source);
    if (!source) return found;
    std::vector<std::int64_t> destinations;
    if (destination.empty())
      destinations = linking_destinations();
    else if (const auto number = names_.number(db(), destination))
      destinations.push_back(*number);
    for (const auto one : destinations) {
      add_links(one, *source, subject.source, LinkScope::visitor, subject.visitor_id, no_thread, found);
      add_links(one, *source, subject.source, LinkScope::chat, subject.chat_id, no_thread, found);
      add_links(one, *source, subject.source, LinkScope::thread, subject.chat_id, subject.thread_id, found);
    }
    sort_by_destination(found);
    return found;
  });
}

Result<std::vector<StoredLink>> SqliteReader::links_of_chat(std::string_view source, std::string_view chat_id) {
  return read([&] {
    std::vector<StoredLink> found;
    const auto number = names_.number(db(), source);
    if (!number) return found;
    std::string visitor;
    {
      Rows rows(db(), "SELECT visitor_id FROM chats WHERE chat_id=?1 AND source=?2", chat_id, *number);
      if (rows.next()) visitor = rows.string(0);
    }
    const std::string name(source);
    for (const auto one : linking_destinations()) {
      add_links(one, *number, name, LinkScope::visitor, visitor, no_thread, found);
      add_links(one, *number, name, LinkScope::chat, chat_id, no_thread, found);
      add_links(one, *number, name, LinkScope::thread, chat_id, std::nullopt, found);
    }
    sort_by_destination(found);
    return found;
  });
}

Result<std::vector<StoredLink>> SqliteReader::find_links(const LinkFilter& filter) {
  return read([&] {
    std::vector<StoredLink> found;
    std::optional<std::int64_t> destination;
    if (!filter.destination.empty()) {
      destination = names_.number(db(), filter.destination);
      if (!destination) return found;
    }
    const std::size_t limit = std::min(filter.limit, page_max);
    std::optional<std::string_view> key;
    if (!filter.key.empty()) key = filter.key;
    Rows rows(
        db(),
        "SELECT scope,subject,thread,key,value,delivery,saved_at,destination,source FROM links INDEXED BY "
        "links_value WHERE value=?1 AND (?2 IS NULL OR destination=?2) AND (?3 IS NULL OR key=?3) ORDER BY id DESC",
        filter.value, destination, key);
    for (std::size_t n = 0; n < rows_looked_at_max && found.size() < limit && rows.next(); ++n)
      found.push_back(link_of(rows, names_.name(db(), rows.integer(7)), names_.name(db(), rows.integer(8))));
    std::ranges::stable_sort(found, [](const auto& a, const auto& b) { return a.saved_at > b.saved_at; });
    return found;
  });
}

Result<bool> SqliteReader::has_links(std::string_view destination) {
  return read([&] {
    const auto number = names_.number(db(), destination);
    if (!number) return false;
    Rows rows(db(), "SELECT 1 FROM links INDEXED BY links_subject WHERE destination=?1 LIMIT 1", *number);
    return rows.next();
  });
}

Result<std::vector<StoredDelivery>> SqliteReader::overdue(WallTime now, std::size_t limit) {
  return read([&] {
    std::vector<DeliverySeq> seqs;
    {
      Rows rows(db(),
                "SELECT seq FROM delivery_details INDEXED BY delivery_details_deadline WHERE deadline IS NOT NULL AND "
                "deadline<=?1 ORDER BY deadline LIMIT ?2",
                now, static_cast<std::uint64_t>(limit));
      while (rows.next()) seqs.push_back(rows.number(0));
    }
    std::vector<StoredDelivery> found;
    for (const auto seq : seqs)
      if (auto delivery = load_delivery(seq, false)) found.push_back(std::move(*delivery));
    return found;
  });
}

}  // namespace chatrelay::store::sqlite
