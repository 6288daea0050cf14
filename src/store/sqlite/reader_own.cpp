// The Reader's view of conversations of our own.
#include "store/sqlite/own.hpp"
#include "store/sqlite/reader.hpp"

namespace chatrelay::store::sqlite {

Result<std::optional<OwnVisitor>> SqliteReader::own_visitor(std::string_view source, std::string_view token) {
  return read([&] { return OwnTables{db(), names_}.visitor(source, token); });
}

Result<std::optional<OwnVisitor>> SqliteReader::own_visitor(OwnPk pk) {
  return read([&] { return OwnTables{db(), names_}.visitor(pk); });
}

Result<std::optional<OwnRoom>> SqliteReader::own_room(std::string_view source, std::string_view id) {
  return read([&] { return OwnTables{db(), names_}.room(source, id); });
}

Result<std::optional<OwnRoom>> SqliteReader::own_room(OwnPk pk) {
  return read([&] { return OwnTables{db(), names_}.room(pk); });
}

Result<std::vector<OwnRoom>> SqliteReader::own_rooms(std::string_view source, OwnPk before, std::size_t limit) {
  return read([&] { return OwnTables{db(), names_}.rooms(source, before, limit); });
}

Result<std::vector<OwnRoom>> SqliteReader::own_rooms(OwnPk visitor, std::size_t limit) {
  return read([&] { return OwnTables{db(), names_}.rooms(visitor, limit); });
}

Result<std::optional<OwnMessage>> SqliteReader::own_message(std::string_view source, std::string_view id) {
  return read([&] { return OwnTables{db(), names_}.message(source, id); });
}

Result<std::vector<OwnMessage>> SqliteReader::own_messages(const OwnMessageQuery& query) {
  return read([&] { return OwnTables{db(), names_}.messages(query); });
}

Result<std::size_t> SqliteReader::count_own_messages(OwnPk room, WallTime after, WallTime before, std::size_t limit,
                                                     std::optional<OwnMessage>* oldest) {
  return read([&] {
    OwnTables tables{db(), names_};
    if (oldest) *oldest = tables.oldest_message(room, after, before);
    return tables.count_messages(room, after, before, limit);
  });
}

}  // namespace chatrelay::store::sqlite
