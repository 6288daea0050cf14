// Files: the files of one folder under a path prefix ("/site/"), for pages that try out what is served beside them.
//
// GET and HEAD; a path that ends in '/' is the index.html there. Only files of a few known kinds are shown: nothing
// that lies beside a page by accident (a store, a configuration, a mail). Dot files are not there, folders are not
// listed, and below the folder no symbolic link is followed, so a path cannot leave it. What may not be shown looks
// like what does not exist: 404. Not for a busy website: no compression, no ranges, and each file is read whole, by
// blocking calls on the thread that asks. Limit: 5 MiB a file. Thread: any; it keeps nothing open.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "http/server.hpp"

namespace chatrelay::http {

class Files {
 public:
  static constexpr std::size_t file_bytes_max = 5 << 20;

  // `prefix` begins and ends with '/'. The folder may be missing, or be put in place of another: each request looks
  // anew.
  Files(std::string folder, std::string prefix);

  // Is this path (as the request line has it, without query) one of ours?
  bool serves(std::string_view path) const;
  Response answer(const Request& request) const;
  boost::asio::awaitable<Response> handle(Request& request) const;

 private:
  std::string folder_;
  std::string prefix_;
};

}  // namespace chatrelay::http
