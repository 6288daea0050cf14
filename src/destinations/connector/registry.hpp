// Registry: the connectors by name, the built-in ones and those of further folders. Immutable to whoever asks; a reload
// makes a new one, and destinations under way keep theirs. Thread: any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.hpp"
#include "destinations/connector/connector_file.hpp"
#include "destinations/connector/shipped.hpp"

namespace chatrelay::destinations::connector {

class Registry {
 public:
  // The folders' files are read here. A built-in one is read when it is first asked for: a command that needs one of
  // them must not pay for forty. A folder's connector of the same name replaces a built-in one; two of one name in
  // folders are a problem. Every *.yaml of each folder is read, in order of names. app passes shipped_connectors().
  static std::shared_ptr<const Registry> load(std::span<const ShippedConnector> shipped,
                                              const std::vector<std::string>& folders, config::Problems& problems);

  std::shared_ptr<const ConnectorFile> find(std::string_view name) const;  // nullptr if there is none
  // All of them, by name.
  std::map<std::string, std::shared_ptr<const ConnectorFile>, std::less<>> all() const;
  std::string_view nearest_to(std::string_view name) const;  // for messages; may be empty

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<const ConnectorFile>, std::less<>> files_;  // nullptr: not read yet
  std::map<std::string_view, std::string_view> shipped_;
};

}  // namespace chatrelay::destinations::connector
