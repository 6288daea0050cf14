// The value and the key in a call of /livechatoo/identity, however Livechatoo sends them: its documentation names
// neither method nor parameter. Pure.
#pragma once

#include <string>
#include <string_view>

namespace chatrelay::systems::livechatoo::endpoints {

struct IdentityCall {
  std::string_view method;  // GET, HEAD or POST
  std::string_view query;
  std::string_view content_type;
  std::string_view body;
};

struct Asked {
  std::string value;  // empty: there is none
  std::string key;
};

// `parameter` is looked for in a POST's form, multipart or JSON body, then in the query. "*": the whole body of a POST,
// else the whole query but for source and key; a value like PHPSESSID=… may come with its own = and &.
Asked read_asked(const IdentityCall& call, std::string_view parameter);

}  // namespace chatrelay::systems::livechatoo::endpoints
