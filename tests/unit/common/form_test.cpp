#include "common/form.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace chatrelay {

TEST(Form, decodes_what_can_be_decoded_and_keeps_the_rest) {
  EXPECT_EQ(decode_form_text("a+b%20c"), "a b c");
  EXPECT_EQ(decode_form_text("%c3%A4"), "\xc3\xa4");
  for (const char* broken : {"%", "%4", "%zz", "100%", "%%"}) EXPECT_EQ(decode_form_text(broken), broken);
  EXPECT_EQ(decode_form_text("%25%"), "%%");
  EXPECT_EQ(decode_form_text(""), "");
}

TEST(Form, gives_pairs_in_order_as_they_stand_and_decoded) {
  std::vector<FormPair> pairs;
  for_each_form_pair("&a=1&&b%5B%5D=x=y&c&=d&", [&](const FormPair& pair) { pairs.push_back(pair); });
  ASSERT_EQ(pairs.size(), 4u);
  EXPECT_EQ(pairs[0].text, "a=1");
  EXPECT_EQ(pairs[1].name, "b[]");
  EXPECT_EQ(pairs[1].value, "x=y");
  EXPECT_EQ(pairs[1].text, "b%5B%5D=x=y");
  EXPECT_EQ(pairs[2].name, "c");
  EXPECT_EQ(pairs[2].value, "");
  EXPECT_EQ(pairs[3].name, "");
  EXPECT_EQ(pairs[3].value, "d");
}

}  // namespace chatrelay
