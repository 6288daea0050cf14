// What several tests of this room share: a temporary folder, running a coroutine, reading and writing files.
#pragma once

#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace chatrelay::destinations::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string name = ::testing::TempDir() + "/chatrelay_XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Runs until the coroutine has ended; other work of the context runs meanwhile.
template <class T>
T run(boost::asio::io_context& context, boost::asio::awaitable<T> coroutine) {
  std::optional<T> result;
  std::exception_ptr error;
  auto completed = [&](std::exception_ptr e, T value) {
    error = e;
    result = std::move(value);
    context.stop();
  };
  boost::asio::co_spawn(context, std::move(coroutine), completed);
  context.restart();
  auto guard = boost::asio::make_work_guard(context);
  context.run();
  if (error) std::rethrow_exception(error);
  return std::move(*result);
}

}  // namespace chatrelay::destinations::testing
