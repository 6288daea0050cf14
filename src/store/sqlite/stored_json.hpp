// JSON text that the store itself wrote, read back.
#pragma once

#include <string_view>

#include <boost/json.hpp>

namespace chatrelay::store::sqlite {

// Errors: SqlError with SQLITE_MISMATCH when it is damaged. Not SQLITE_CORRUPT: it does not pass, and it is the trouble
// of this record alone (`internal`, not `unavailable`).
boost::json::value parse_stored(std::string_view text);

}  // namespace chatrelay::store::sqlite
