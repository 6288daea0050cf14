#include "store/sqlite/stored_json.hpp"

#include "store/sqlite/database.hpp"

namespace chatrelay::store::sqlite {

boost::json::value parse_stored(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 512;  // deeper than anything that decoding lets through
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  auto value = boost::json::parse(text, error, {}, options);
  if (error) throw SqlError{SQLITE_MISMATCH, "a stored conversation is not JSON: " + error.message()};
  return value;
}

}  // namespace chatrelay::store::sqlite
