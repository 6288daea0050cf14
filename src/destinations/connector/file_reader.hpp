// The readers of a connector file's parts, for connector_file.cpp. Each reads one node, adds every problem at its
// place, and goes on with something usable.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "destinations/connector/connector_file.hpp"

namespace chatrelay::destinations::connector {

// Where the problems and the expressions of one file go.
struct FileReader {
  config::Problems& problems;
  expression::Builder& builder;

  expression::Template text_or(const config::Node& node, std::string_view fallback) const;
  expression::ExpressionId condition(const config::Node& node) const;
};

bool is_name(std::string_view text);  // lower case letters, digits, - and _; 64 at most

std::vector<SettingSpec> read_setting_specs(const config::Node& node);
RequestTemplate read_request(const config::Node& node, const FileReader& reader);
// `partial` says something of a batch's answer only.
enum class OutcomesOf { request, batch };
std::vector<OutcomeRule> read_outcomes(const config::Node& node, const FileReader& reader,
                                       OutcomesOf of = OutcomesOf::request);
Action read_action(const std::string& name, const config::Node& node, const FileReader& reader);
Action read_probe(const config::Node& node, const FileReader& reader);
std::vector<LimitSpec> read_limits(const config::Node& node, const FileReader& reader);
// After everything else of the file was read.
InlineTest read_inline_test(const config::Node& node, const ConnectorFile& file);

}  // namespace chatrelay::destinations::connector
