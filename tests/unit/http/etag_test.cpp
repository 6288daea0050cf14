#include "http/etag.hpp"

#include <gtest/gtest.h>

namespace chatrelay::http {

TEST(Etag, is_named_in_a_list_weakly_or_by_a_star) {
  for (const char* names : {"\"a\"", "W/\"a\"", "*", "\"b\", W/\"a\"", " \"b\" ,\"a\" ", "\"b\",*"})
    EXPECT_TRUE(names_etag(names, "\"a\"")) << names;
  for (const char* other : {"", "\"b\"", "a", "\"A\"", "w/\"a\"", ",", "\"a", "\"ab\""})
    EXPECT_FALSE(names_etag(other, "\"a\"")) << other;
}

}  // namespace chatrelay::http
