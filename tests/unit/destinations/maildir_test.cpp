#include "destinations/email/maildir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/destinations/support.hpp"

using namespace chatrelay::destinations::email;
using chatrelay::destinations::testing::read_file;
using chatrelay::destinations::testing::TempFolder;
using chatrelay::destinations::testing::write_file;
namespace fs = std::filesystem;

namespace {
std::size_t files_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}
}  // namespace

TEST(Maildir, AMessageIsInNewAndNothingIsLeftInTmp) {
  const TempFolder folder;
  Maildir maildir(folder / "box");
  ASSERT_EQ(*maildir.deliver("1.a.host", "Subject: x\r\n\r\n", false), MaildirResult::written);
  EXPECT_EQ(read_file(folder / "box/new/1.a.host"), "Subject: x\r\n\r\n");
  EXPECT_EQ(files_in(folder / "box/tmp"), 0u);
  struct stat status {};
  for (const char* name : {"box", "box/tmp", "box/new", "box/cur"}) {
    ASSERT_EQ(::stat((folder / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700u) << name;
  }
  ASSERT_EQ(::stat((folder / "box/new/1.a.host").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST(Maildir, ARetryDoesNotDouble) {
  const TempFolder folder;
  Maildir maildir(folder / "box");
  ASSERT_TRUE(maildir.deliver("1.a.host", "x", false));
  EXPECT_EQ(*maildir.deliver("1.a.host", "x", false), MaildirResult::duplicate);
  fs::rename(folder / "box/new/1.a.host", folder / "box/cur/1.a.host:2,S");
  EXPECT_EQ(*maildir.deliver("1.a.host", "x", true), MaildirResult::duplicate);
  EXPECT_EQ(files_in(folder / "box/new"), 0u);
  EXPECT_EQ(*maildir.deliver("1.a.hos", "x", true), MaildirResult::written);
}

TEST(Maildir, WhatACrashLeftInTmpIsOverwritten) {
  const TempFolder folder;
  Maildir maildir(folder / "box");
  ASSERT_TRUE(maildir.probe());
  write_file(folder / "box/tmp/1.a.host", "half a message that is longer than the whole");
  ASSERT_TRUE(maildir.deliver("1.a.host", "whole", true));
  EXPECT_EQ(read_file(folder / "box/new/1.a.host"), "whole");
}

TEST(Maildir, FailuresAreSaidWithThePlace) {
  const TempFolder folder;
  auto result = Maildir(folder / "missing/box").deliver("a", "x", false);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, ::testing::HasSubstr("missing/box: No such file"));
  write_file(folder / "file", "");
  result = Maildir(folder / "file").deliver("a", "x", false);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, ::testing::HasSubstr("Not a directory"));
}

TEST(Maildir, NamesHoldNothingThatLeavesTheFolder) {
  EXPECT_EQ(maildir_name(1763632800, "01JCZ", "host.example"), "1763632800.01JCZ.host.example");
  EXPECT_EQ(maildir_name(1, "../a:b,c", "h/o"), "1..._a_b_c.h_o");
}
