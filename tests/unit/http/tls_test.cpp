#include <gtest/gtest.h>

#include "http/client.hpp"
#include "http/server.hpp"
#include "support.hpp"

namespace chatrelay::http {
namespace {

namespace asio = boost::asio;
using test::Raw;

class ServingTls : public testing::Test {
 protected:
  ServingTls()
      : first(test::make_certificate(folder.path, "first")), second(test::make_certificate(folder.path, "second")) {
    ServerOptions options;
    options.endpoint = {asio::ip::make_address("127.0.0.1"), 0};
    options.certificate_file = first.certificate;
    options.key_file = first.key;
    options.limits.head_timeout = Millis{300};
    auto handler = [](Request& request) -> asio::awaitable<Response> {
      co_return Response(200, (request.secure ? "secure " : "plain ") + request.message.body());
    };
    auto made = Server::create(loop.context.get_executor(), options, handler, metrics);
    server = std::move(*made);
    loop.on_loop([this] { server->start(); });
    Client::Options client_options;
    client = loop.on_loop([&] { return std::make_unique<Client>(loop.context.get_executor(), client_options); });
  }
  ~ServingTls() override {
    loop.on_loop([this] {
      client.reset();
      server.reset();
    });
    loop.stop();
  }
  ClientResponse post(const std::string& ca_file, const std::string& body) {
    ClientRequest request;
    request.url = "https://127.0.0.1:" + std::to_string(server->local_endpoint().port()) + "/x";
    request.allow_private = true;
    request.ca_file = ca_file;
    request.body = body;
    auto work = client->send(request);
    return loop.run(std::move(work));
  }
  test::TemporaryFolder folder;
  test::CertificateFiles first, second;
  test::Loop loop;
  Metrics metrics;
  std::unique_ptr<Server> server;
  std::unique_ptr<Client> client;
};

TEST_F(ServingTls, AnswersARealClient) {
  const auto answer = post(first.certificate, std::string(100'000, 'x'));
  EXPECT_EQ(answer.progress, Progress::answered) << answer.error;
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.starts_with("secure xxx"));
}

TEST_F(ServingTls, AnUnknownCertificateMeansThatNothingWasSent) {
  for (const std::string& ca : {std::string(), second.certificate}) {
    const auto answer = post(ca, "secret");
    EXPECT_EQ(answer.progress, Progress::not_sent);
    EXPECT_FALSE(answer.timed_out);
    EXPECT_FALSE(answer.error.empty());
  }
}

TEST_F(ServingTls, ReloadedCertificateIsForNewConnections) {
  EXPECT_EQ(post(first.certificate, "a").status, 200);
  EXPECT_TRUE(loop.on_loop([&] { return server->reload_certificate("/nowhere", second.key); }).has_error());
  EXPECT_TRUE(loop.on_loop([&] { return server->reload_certificate(second.certificate, first.key); }).has_error());
  EXPECT_TRUE(loop.on_loop([&] { return server->reload_certificate(second.certificate, second.key); }).has_value());
  EXPECT_EQ(post(second.certificate, "b").status, 200);
  EXPECT_EQ(post(first.certificate, "c").status, 200) << "the connection made before the reload goes on";
}

TEST_F(ServingTls, OldProtocolsAndSilenceAreRefused) {
  Raw silent(server->local_endpoint().port());
  EXPECT_TRUE(silent.ended());  // the handshake has a deadline
  Raw plain(server->local_endpoint().port());
  plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(plain.rest().find("HTTP/1.1 200"), std::string::npos);

  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  SSL_CTX_set_security_level(context, 0);
  Raw old(server->local_endpoint().port());
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, old.fd);
  EXPECT_NE(SSL_connect(ssl), 1);
  SSL_free(ssl);
  SSL_CTX_free(context);
}

}  // namespace
}  // namespace chatrelay::http
