#include "systems/rocketchat/endpoints/message_schemas.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

using Kind = Property::Kind;

constexpr std::size_t client_id_max = 64;  // Limit: of an id that a client chose; an index holds it, 256 bytes at most
constexpr std::size_t messages_max = 100;  // Limit: of one bulk call, which is one transaction
constexpr std::size_t token_max = 200;     // Limit: characters of a new visitor's token; an index holds it

const Schema& agent_schema() {
  static const Schema schema{{{"agentId", Kind::string, true}, {"username", Kind::string, true}}};
  return schema;
}

}  // namespace

const Schema& post_schema() {
  static const Schema schema = [] {
    Property id{"_id", Kind::string, false, true};
    id.size_max = client_id_max;
    Property agent{"agent", Kind::object};
    agent.inner = &agent_schema();
    Schema built{{{"token", Kind::string, true}, {"rid", Kind::string, true}, {"msg", Kind::string, true}}};
    built.properties.push_back(id);
    built.properties.push_back(agent);
    return built;
  }();
  return schema;
}

const Schema& get_schema() {
  static const Schema schema{{{"token", Kind::string, true}, {"rid", Kind::string, true}}, false, true};
  return schema;
}

const Schema& put_schema() {
  static const Schema schema{{{"token", Kind::string, true}, {"rid", Kind::string, true}, {"msg", Kind::string, true}}};
  return schema;
}

const Schema& delete_schema() {
  static const Schema schema{{{"token", Kind::string, true},
                              {"rid", Kind::string, true},
                              {"count", Kind::number, false, true},
                              {"offset", Kind::number, false, true},
                              {"sort", Kind::string, false, true}}};
  return schema;
}

const Schema& history_schema() {
  static const Schema schema{{{"token", Kind::string, true},
                              {"ls", Kind::string},
                              {"end", Kind::string},
                              {"limit", Kind::number, false, true},
                              {"count", Kind::number, false, true},
                              {"offset", Kind::number, false, true},
                              {"sort", Kind::string, false, true},
                              {"searchText", Kind::string},
                              {"ts", Kind::string},                  // of the 0.70 documentation
                              {"wait", Kind::number, false, true}},  // our own: seconds
                             false,
                             true};
  return schema;
}

const Schema& bulk_schema() {
  static const Schema visitor = [] {
    Property token{"token", Kind::string, true};
    token.size_max = token_max;
    Schema built;
    built.properties.push_back(token);
    built.wraps_arrays = true;
    return built;
  }();
  static const Schema message{{{"msg", Kind::string, true}}, false, true};
  static const Schema schema = [] {
    Property who{"visitor", Kind::object, true};
    who.inner = &visitor;
    Property messages{"messages", Kind::array, true};
    messages.inner = &message;
    messages.size_min = 1;
    messages.size_max = messages_max;
    Schema built;
    built.properties = {who, messages};
    built.wraps_arrays = true;
    return built;
  }();
  return schema;
}

}  // namespace chatrelay::systems::rocketchat::endpoints
