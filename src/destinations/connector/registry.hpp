// Registry: the connectors by name, the built-in ones and those of further folders. Immutable once loaded; a reload
// makes a new one, and destinations under way keep theirs.
#pragma once

#include <functional>
#include <map>
#include <memory>
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
  // A folder's connector of the same name replaces a built-in one; two of one name in folders are a problem.
  // Every *.yaml of each folder is read, in order of names. app passes shipped_connectors().
  static std::shared_ptr<const Registry> load(std::span<const ShippedConnector> shipped,
                                              const std::vector<std::string>& folders, config::Problems& problems);

  std::shared_ptr<const ConnectorFile> find(std::string_view name) const;  // nullptr if there is none
  // All of them, by name.
  const std::map<std::string, std::shared_ptr<const ConnectorFile>, std::less<>>& all() const { return files_; }
  std::string_view nearest_to(std::string_view name) const;  // for messages; may be empty

 private:
  std::map<std::string, std::shared_ptr<const ConnectorFile>, std::less<>> files_;
};

}  // namespace chatrelay::destinations::connector
