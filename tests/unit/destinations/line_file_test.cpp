#include "destinations/file/line_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "unit/destinations/support.hpp"

using chatrelay::destinations::file::LineFile;
using chatrelay::destinations::testing::read_file;
using chatrelay::destinations::testing::TempFolder;
using chatrelay::destinations::testing::write_file;
namespace fs = std::filesystem;

TEST(LineFile, AppendsToWhatIsThere) {
  const TempFolder folder;
  write_file(folder / "a.jsonl", "1\n");
  LineFile lines(folder / "a.jsonl", 0600);
  ASSERT_TRUE(lines.append("2\n3\n"));
  ASSERT_TRUE(lines.append("4\n"));
  EXPECT_EQ(read_file(folder / "a.jsonl"), "1\n2\n3\n4\n");
}

TEST(LineFile, ANewFileGetsItsMode) {
  const TempFolder folder;
  LineFile lines(folder / "a.jsonl", 0600);
  ASSERT_TRUE(lines.append("1\n"));
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a.jsonl").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(LineFile, ALineThatACrashLeftHalfIsClosedFirst) {
  const TempFolder folder;
  write_file(folder / "a.jsonl", "{\"a\":1}\n{\"b\":");
  LineFile lines(folder / "a.jsonl", 0600);
  ASSERT_TRUE(lines.append("{\"c\":3}\n"));
  ASSERT_TRUE(lines.append("{\"d\":4}\n"));
  EXPECT_EQ(read_file(folder / "a.jsonl"), "{\"a\":1}\n{\"b\":\n{\"c\":3}\n{\"d\":4}\n");
}

TEST(LineFile, RotationIsNoticed) {
  const TempFolder folder;
  LineFile lines(folder / "a.jsonl", 0600);
  ASSERT_TRUE(lines.append("1\n"));
  fs::rename(folder / "a.jsonl", folder / "a.jsonl.1");
  ASSERT_TRUE(lines.append("2\n"));
  fs::remove(folder / "a.jsonl");
  ASSERT_TRUE(lines.append("3\n"));
  fs::rename(folder / "a.jsonl", folder / "a.jsonl.2");
  write_file(folder / "a.jsonl", "by logrotate\n");
  ASSERT_TRUE(lines.append("4\n"));
  EXPECT_EQ(read_file(folder / "a.jsonl.1"), "1\n");
  EXPECT_EQ(read_file(folder / "a.jsonl.2"), "3\n");
  EXPECT_EQ(read_file(folder / "a.jsonl"), "by logrotate\n4\n");
}

TEST(LineFile, ATruncatedFileIsContinuedAtItsEnd) {
  const TempFolder folder;
  LineFile lines(folder / "a.jsonl", 0600);
  ASSERT_TRUE(lines.append("1\n2\n"));
  fs::resize_file(folder / "a.jsonl", 0);
  ASSERT_TRUE(lines.append("3\n"));
  EXPECT_EQ(read_file(folder / "a.jsonl"), "3\n");
}

TEST(LineFile, AMissingFolderIsNamedAndLaterFound) {
  const TempFolder folder;
  LineFile lines(folder / "missing/a.jsonl", 0600);
  const auto result = lines.append("1\n");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, ::testing::HasSubstr("missing does not exist; create it"));
  fs::create_directory(folder / "missing");
  EXPECT_TRUE(lines.append("1\n"));
}

TEST(LineFile, OnlyRegularFiles) {
  const TempFolder folder;
  LineFile device("/dev/null", 0600);
  EXPECT_FALSE(device.append("1\n"));
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  LineFile fifo(folder / "fifo", 0600);
  EXPECT_FALSE(fifo.append("1\n"));
  LineFile self(folder.path(), 0600);
  EXPECT_FALSE(self.append("1\n"));
}

namespace {

// The kernel refuses to let files grow beyond this: a full disk that needs no disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    previous_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit{bytes, previous_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    ::signal(SIGXFSZ, previous_handler_);
  }

 private:
  rlimit previous_{};
  void (*previous_handler_)(int);
};

}  // namespace

TEST(LineFile, AWriteThatFailsHalfWayLeavesNothingBehind) {
  const TempFolder folder;
  LineFile lines(folder / "a.jsonl", 0600);
  ASSERT_TRUE(lines.append("first\n"));
  {
    const FileSizeLimit limit(12);
    const auto result = lines.append("second\nthird\n");
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, ::testing::HasSubstr("cannot write"));
  }
  EXPECT_EQ(read_file(folder / "a.jsonl"), "first\n");
  ASSERT_TRUE(lines.append("second\nthird\n"));
  EXPECT_EQ(read_file(folder / "a.jsonl"), "first\nsecond\nthird\n");
}
