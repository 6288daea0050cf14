// What the tests of conversations of our own share: records, and commands that are waited for.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "contract/store/store_contract.hpp"
#include "store/store.hpp"

namespace chatrelay::store::contract {

inline Result<bool> command(Store& store, Store::Command body) {
  return wait<bool>([&](Done<bool> done) { store.command(std::move(body), std::move(done)); });
}

inline OwnVisitor make_visitor(const std::string& token, WallTime at, const std::string& source = "site") {
  OwnVisitor v;
  v.source = source;
  v.id = "id-" + token;
  v.token = token;
  v.record = {{"name", "Ada"}, {"custom", {{"n", 1}, {"deep", json::array{1, "two", nullptr}}}}};
  v.created_at = v.updated_at = at;
  return v;
}

inline OwnRoom make_room(const std::string& id, OwnPk visitor, WallTime at, const std::string& source = "site") {
  OwnRoom r;
  r.source = source;
  r.id = id;
  r.visitor = visitor;
  r.record = {{"origin", "api"}};
  r.created_at = r.last_at = at;
  return r;
}

inline OwnMessage make_message(const std::string& id, OwnPk room, WallTime at, const std::string& text = "hello") {
  OwnMessage m;
  m.room = room;
  m.id = id;
  m.sent_at = at;
  m.record = {{"text", text}};
  return m;
}

// A visitor with one open room, without messages; the room's pk.
inline OwnPk put_room(Store& store, const std::string& name, WallTime at, const std::string& source = "site") {
  OwnPk room = 0;
  const auto done = command(store, [&](Transaction& tx) {
    const auto visitor = tx.put(make_visitor("token-" + name, at, source));
    room = tx.put(make_room("room-" + name, visitor, at, source));
  });
  EXPECT_TRUE(done);
  return room;
}

// A post as an endpoint makes it: the message, the room's new counts, and the event.
inline void post(Transaction& tx, OwnPk room, const std::string& id, WallTime at) {
  auto now = *tx.room(room);
  now.last_at = std::max(at, now.last_at + Millis(1));
  ++now.messages;
  tx.insert(make_message(id, room, now.last_at));
  tx.put(now);
  tx.append(make_event(id, at, now.source));
}

}  // namespace chatrelay::store::contract
