#include "http/files.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support.hpp"

namespace chatrelay::http {
namespace {

namespace fs = std::filesystem;
using test::Loop;
using test::Raw;

// A folder "site" with a secret beside it, in a temporary directory.
class FilesServed : public testing::Test {
 protected:
  FilesServed() {
    std::string made = (fs::temp_directory_path() / "chatrelay-files.XXXXXX").string();
    if (!::mkdtemp(made.data())) throw std::runtime_error("mkdtemp");
    root = made;
    fs::create_directories(root / "site/sub/deeper");
    put("secret.txt", "outside");
    put("site/index.html", "<p>index</p>");
    put("site/a b+c.js", "script");
    put("site/sub/index.html", "<p>sub</p>");
    put("site/sub/deeper/x.css", "css");
    put("site/.hidden.txt", "hidden");
    put("site/sub/.git/config.txt", "hidden");
  }
  ~FilesServed() override { fs::remove_all(root); }

  void put(const std::string& path, std::string_view text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path, std::ios::binary) << text;
  }
  static Request request(std::string_view method, std::string_view target) {
    Request request;
    request.message.method_string(beast::string_view(method.data(), method.size()));
    request.message.target(beast::string_view(target.data(), target.size()));
    return request;
  }
  Response get(std::string_view target, std::string_view if_none_match = {}) const {
    Request asked = request("GET", target);
    if (!if_none_match.empty())
      asked.message.set("If-None-Match", beast::string_view(if_none_match.data(), if_none_match.size()));
    return Files((root / "site").string(), "/site/").answer(asked);
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return {};
  }

  fs::path root;
};

TEST_F(FilesServed, ShowsFilesWithTheirTypes) {
  for (const auto& [name, type] :
       {std::pair{"p.html", "text/html; charset=utf-8"}, std::pair{"p.css", "text/css; charset=utf-8"},
        std::pair{"p.js", "text/javascript; charset=utf-8"}, std::pair{"p.json", "application/json"},
        std::pair{"p.js.map", "application/json"}, std::pair{"p.svg", "image/svg+xml"}, std::pair{"p.png", "image/png"},
        std::pair{"p.jpg", "image/jpeg"}, std::pair{"p.ico", "image/x-icon"},
        std::pair{"p.txt", "text/plain; charset=utf-8"}, std::pair{"p.woff2", "font/woff2"},
        std::pair{"p.HTML", "text/html; charset=utf-8"}}) {
    put("site/" + std::string(name), std::string("of ") + name);
    const Response response = get("/site/" + std::string(name) + "?v=1#x");
    EXPECT_EQ(response.status, 200) << name;
    EXPECT_EQ(response.content_type, type);
    EXPECT_EQ(response.body, std::string("of ") + name);
    EXPECT_EQ(header(response, "Cache-Control"), "no-cache");
  }
  EXPECT_EQ(get("/site/a%20b+c.js").body, "script");
  EXPECT_EQ(get("/site/sub/deeper/x.css").body, "css");
}

TEST_F(FilesServed, AFolderIsItsIndex) {
  EXPECT_EQ(get("/site/").body, "<p>index</p>");
  EXPECT_EQ(get("/site/sub/").body, "<p>sub</p>");
  EXPECT_EQ(get("/site/sub/deeper/").status, 404);  // never a listing
  for (const auto& [target, location] : {std::pair{"/site", "./site/"}, std::pair{"/site/sub", "./sub/"},
                                         std::pair{"/site?a=1", "./site/?a=1"}, std::pair{"/site/s%75b", "./s%75b/"}}) {
    const Response response = get(target);
    EXPECT_EQ(response.status, 308) << target;
    EXPECT_EQ(header(response, "Location"), location);
  }
}

TEST_F(FilesServed, NothingElseIsThere) {
  put("site/chatrelay.yaml", "accounts");
  put("site/chatrelay.db", "store");
  put("site/archive.jsonl", "events");
  put("site/no_extension", "mail");
  put("site/back\\slash.txt", "odd");
  using namespace std::string_view_literals;
  for (const std::string_view target : {"/site/none.html"sv,
                                        "/site/../secret.txt"sv,
                                        "/site/%2e%2e/secret.txt"sv,
                                        "/site/.%2E/secret.txt"sv,
                                        "/site/sub/../../secret.txt"sv,
                                        "/site/..%2fsecret.txt"sv,
                                        "/site/sub%2findex.html"sv,
                                        "/site/sub%2Findex.html"sv,
                                        "/site/..\\secret.txt"sv,
                                        "/site/..%5csecret.txt"sv,
                                        "/site/back\\slash.txt"sv,
                                        "/site/back%5Cslash.txt"sv,
                                        "/site/index.html%00.txt"sv,
                                        "/site/index.html%00"sv,
                                        "/site/%00"sv,
                                        "/site/a%0ab.txt"sv,
                                        "/site/%"sv,
                                        "/site/%zz.txt"sv,
                                        "/site//index.html"sv,
                                        "/site/sub//index.html"sv,
                                        "/site//"sv,
                                        "/site/./index.html"sv,
                                        "/site/.hidden.txt"sv,
                                        "/site/%2ehidden.txt"sv,
                                        "/site/sub/.git/config.txt"sv,
                                        "/site/index.html/"sv,
                                        "/site/index.html/x.txt"sv,
                                        "/site/chatrelay.yaml"sv,
                                        "/site/chatrelay.db"sv,
                                        "/site/archive.jsonl"sv,
                                        "/site/no_extension"sv,
                                        "/site/txt"sv,
                                        "/site2/index.html"sv,
                                        "/sit"sv,
                                        "/"sv,
                                        "/secret.txt"sv}) {
    const Response response = get(target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(response.body, "nothing is served here\n") << target;
  }
  std::string deep;
  for (int i = 0; i < 31; ++i) deep += "d/";
  put("site/" + deep + "x.txt", "deep");
  put("site/" + deep + "d/x.txt", "too deep");
  EXPECT_EQ(get("/site/" + deep + "x.txt").status, 200);
  EXPECT_EQ(get("/site/" + deep + "d/x.txt").status, 404);
  EXPECT_EQ(get("/site/" + std::string(5000, 'a') + ".txt").status, 404);
}

TEST_F(FilesServed, LinksPipesAndFoldersWithAFilesNameAreNotFollowedOrRead) {
  fs::create_symlink(root / "secret.txt", root / "site/out.txt");
  fs::create_symlink("index.html", root / "site/in.html");
  fs::create_directory_symlink(root, root / "site/up");
  fs::create_directory(root / "site/folder.txt");
  ASSERT_EQ(::mkfifo((root / "site/pipe.txt").c_str(), 0600), 0);
  for (const char* target : {"/site/out.txt", "/site/in.html", "/site/up/secret.txt", "/site/pipe.txt"})
    EXPECT_EQ(get(target).status, 404) << target;
  EXPECT_EQ(get("/site/folder.txt").status, 308);
  // The folder that is named itself may be a link: that is the operator's word.
  fs::create_directory_symlink(root / "site", root / "named");
  EXPECT_EQ(Files((root / "named").string(), "/site/").answer(request("GET", "/site/")).status, 200);
  EXPECT_EQ(Files((root / "missing").string(), "/site/").answer(request("GET", "/site/")).status, 404);
}

TEST_F(FilesServed, LargeFilesAreNotShown) {
  put("site/most.txt", std::string(Files::file_bytes_max, 'x'));
  put("site/over.txt", std::string(Files::file_bytes_max + 1, 'x'));
  EXPECT_EQ(get("/site/most.txt").body.size(), Files::file_bytes_max);
  EXPECT_EQ(get("/site/over.txt").status, 404);
  put("site/empty.txt", "");
  EXPECT_EQ(get("/site/empty.txt").status, 200);
}

TEST_F(FilesServed, WhoHasItAlreadyIsToldSo) {
  const std::string etag = header(get("/site/"), "ETag");
  ASSERT_FALSE(etag.empty());
  for (const std::string& said : {etag, "W/" + etag, "\"x\", " + etag, std::string("*")}) {
    const Response response = get("/site/", said);
    EXPECT_EQ(response.status, 304) << said;
    EXPECT_TRUE(response.body.empty());
    EXPECT_EQ(header(response, "ETag"), etag);
    EXPECT_EQ(header(response, "Cache-Control"), "no-cache");
  }
  for (const char* said : {"\"x\"", "x", ",", etag.c_str() + 1}) EXPECT_EQ(get("/site/", said).status, 200) << said;
  put("site/index.html", "<p>another</p>");
  EXPECT_EQ(get("/site/", etag).body, "<p>another</p>");
}

TEST_F(FilesServed, OtherMethodsAreRefused) {
  const Files files((root / "site").string(), "/site/");
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"}) {
    const Response response = files.answer(request(method, "/site/index.html"));
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(header(response, "Allow"), "GET, HEAD");
  }
  EXPECT_TRUE(files.serves("/site") && files.serves("/site/") && files.serves("/site/x"));
  EXPECT_FALSE(files.serves("/sites") || files.serves("/") || files.serves("/hooks/site/"));
}

TEST_F(FilesServed, OverTheWire) {
  Loop loop;
  Metrics metrics;
  const Files files((root / "site").string(), "/site/");
  ServerOptions options;
  options.endpoint = {boost::asio::ip::make_address("127.0.0.1"), 0};
  auto made = Server::create(
      loop.context.get_executor(), options, [&](Request& request) { return files.handle(request); }, metrics);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  std::unique_ptr<Server> server = std::move(*made);
  loop.on_loop([&] { server->start(); });
  Raw raw(server->local_endpoint().port());
  raw.send("GET /site/ HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string got = raw.answer();
  EXPECT_NE(got.find("\r\nX-Content-Type-Options: nosniff\r\n"), got.npos);
  EXPECT_NE(got.find("\r\nContent-Type: text/html; charset=utf-8\r\n"), got.npos);
  EXPECT_TRUE(got.ends_with("\r\n\r\n<p>index</p>"));
  raw.send("HEAD /site/ HTTP/1.1\r\nHost: h\r\n\r\nGET /site/../../secret.txt HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string head = raw.answer(false);
  EXPECT_NE(head.find("\r\nContent-Length: 12\r\n"), head.npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_TRUE(raw.answer().starts_with("HTTP/1.1 404 "));  // right behind it: HEAD had no body
  loop.on_loop([&] { server.reset(); });
  loop.stop();
}

}  // namespace
}  // namespace chatrelay::http
