"""TLS on the public port: it answers, a new certificate is taken on SIGHUP, a broken one is refused and changes nothing."""
import http.client
import signal
import ssl
import subprocess

from harness import Case, livechat_event, main, source_livechat, wait_for

RULES = "rules: []\n"


def certificate(directory, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(directory / "key.pem"), "-out",
                    str(directory / "cert.pem"), "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                   capture_output=True)


class Tls(Case):
    def name_of(self, daemon):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", daemon.public, timeout=20, context=context)
        connection.request("POST", "/hooks/livechat", livechat_event(), {"content-type": "application/json"})
        self.assertEqual(connection.getresponse().status, 200)
        der = connection.sock.getpeercert(binary_form=True)
        connection.close()
        text = subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-subject"], input=der, capture_output=True, check=True).stdout.decode()
        return text.strip().rsplit(" ", 1)[1]

    def test_the_certificate_is_reloaded(self):
        directory = self.directory()
        certificate(directory, "first")
        config = (f"listen: {{public: {{address: '127.0.0.1:0', tls: {{certificate: {directory}/cert.pem, key: {directory}/key.pem}}}}, admin: 127.0.0.1:0}}\n"
                  + source_livechat() + "destinations: {}\n")
        daemon = self.daemon(config, RULES)
        self.assertEqual(self.name_of(daemon), "first")
        certificate(directory, "second")
        self.reload(daemon, "reloaded")
        self.assertEqual(self.name_of(daemon), "second")
        (directory / "cert.pem").write_text("this is no certificate")
        self.reload(daemon, "not reloaded")
        self.assertEqual(self.name_of(daemon), "second")

    def reload(self, daemon, wanted):
        before = len(daemon.log_text().encode())
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: wanted in daemon.log_text(before), wanted)


class Proxies(Case):
    def test_x_forwarded_for_counts_only_from_trusted_proxies(self):
        for trusted, status in (("[127.0.0.1]", 200), ("[]", 200)):
            daemon = self.daemon(f"listen: {{public: 127.0.0.1:0, admin: 127.0.0.1:0, trusted_proxies: {trusted}}}\n" + source_livechat()
                                 + "destinations: {}\n", RULES)
            self.assertEqual(daemon.post("/hooks/livechat", livechat_event(), {"X-Forwarded-For": "203.0.113.7"})[0], status)
            wrong = daemon.post("/hooks/livechat", livechat_event(secret="no"), {"X-Forwarded-For": "203.0.113.7"})
            self.assertEqual(wrong[0], 401)
            text = wait_for(lambda: "wrong_secret" in daemon.log_text() and daemon.log_text(), "the refusal is logged")
            self.assertEqual("203.0.113.7" in text, trusted != "[]")


if __name__ == "__main__":
    main()
