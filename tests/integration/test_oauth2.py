"""Logging in by OAuth 2 against published token servers: oauth2-mock-server (npm) for client credentials, refresh tokens and the code
grant with PKCE, Authlib (Debian's python3-authlib) for JWT bearer. What the daemon delivers to checks every token's signature and end
with the server's own keys, as a service would."""
import base64
import functools
import importlib.util
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import BINARY, WAIT_S, Case, free_port, livechat_event, main, npm_ci, source_livechat, wait_for

HERE = pathlib.Path(__file__).resolve().parent / "oauth2"
STORE_KEY = "t3-7Hq0cYb1uVx9RkLwz5Ee2GsNaJfPd"
SECRET_OF_APP = "s p/ä+:=&%"  # all that a form and Basic authentication must encode
PASTED = "https://relay.example.com/oauth"
WAITING = 20  # deliveries that need a token at the same time
RULES = """rules:
  - name: every message
    on: [incoming_chat, incoming_event]
    deliver: [{to: books, with: {text: "{{ .message.text }}"}}]
"""
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class TokenServer:
    """oauth2-mock-server, with what oauth2/server.js adds through its hooks. `set` changes its mind, and answers what it saw so far."""

    def __init__(self, work, **options):
        options = {"client_id": "relay:1", "client_secret": SECRET_OF_APP, "token_path": "/token", "authorize_path": "/authorize",
                   **options}
        self.process = subprocess.Popen(["node", str(HERE / "server.js"), str(work)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.url = self.set(**options)["url"]
        self.token_url, self.authorize_url = self.url + options["token_path"], self.url + options["authorize_path"]
        self.jwks = json.load(urllib.request.urlopen(self.url + "/jwks", timeout=20))

    def set(self, **changes):
        self.process.stdin.write(json.dumps(changes) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the token server ended")
        return json.loads(line)

    def seen(self):
        """Every token request: {headers, form, status, answer}."""
        return self.set()["seen"]

    def tokens(self):
        """Every token that it ever gave."""
        answers = [one["answer"] for one in self.seen() if one["status"] == 200]
        return [answer[name] for answer in answers for name in ("access_token", "refresh_token", "id_token") if name in answer]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)


class Ledger:
    """Where entries go: a service that takes a request only with a token that its token server signed, that has not ended and was not
    revoked. `verify(token)` raises if it does not hold."""

    def __init__(self, verify):
        self.verify, self.lock = verify, threading.Lock()
        self.taken, self.refused, self.revoked, self.before_refusal = [], [], set(), None

    def answer(self, received):
        kind, _, token = received.headers.get("authorization", "").partition(" ")
        why = "not a bearer token" if kind != "Bearer" else "revoked" if token in self.revoked else None
        if why is None:
            try:
                self.verify(token)
            except Exception as error:  # whatever Authlib finds wrong with it
                why = f"{type(error).__name__}: {error}"
        with self.lock:
            (self.refused if why else self.taken).append((token, why, received))
        if not why:
            return self.take(received)
        if self.before_refusal:
            self.before_refusal()
        return 401, {"content-type": "application/json", "www-authenticate": 'Bearer error="invalid_token"'}, b'{"error":"invalid_token"}'

    def take(self, _):
        return 201, {"content-type": "application/json"}, b'{"ok":true}'

    def count(self):
        with self.lock:
            return len(self.taken), len(self.refused)

    def texts(self):
        with self.lock:
            return [received.json()["text"] for _, _, received in self.taken]


class Authorization:
    """`chatrelay destinations authorize`, and the person before it."""

    def __init__(self, daemon, *arguments):
        self.process = subprocess.Popen([BINARY, "destinations", "authorize", *arguments, "--config", str(daemon.config_file)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**daemon.environment, "CHATRELAY_ADMIN": f"127.0.0.1:{daemon.admin}"})
        self.lines, self.err = queue.Queue(), ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.err += line
            self.lines.put(line.strip())
        self.lines.put(None)

    def address(self):
        """The one that it asks to be opened in a browser."""
        while (line := self.lines.get(timeout=60)) is not None:
            if line.startswith("http"):
                return line
        raise AssertionError(self.err)

    def end(self, pasted=None):
        """Its exit code and all that it said."""
        if pasted is not None:
            self.process.stdin.write(pasted + "\n")
        self.process.stdin.close()
        out = self.process.stdout.read()
        code = self.process.wait(60)
        self.reader.join(20)
        self.process.stdout.close()
        self.process.stderr.close()
        return code, out + self.err

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def open_in_browser(address):
    """Follows redirects; answers the page's status and text."""
    try:
        with urllib.request.urlopen(address, timeout=30) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as page:
        with page:
            return page.code, page.read().decode()


def redirected_to(address):
    """Where the browser would be sent from there; for addresses that lead to a machine which is not ours."""
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None
    try:
        urllib.request.build_opener(Stay).open(address, timeout=30)
    except urllib.error.HTTPError as page:
        with page:
            return page.headers["location"]
    raise AssertionError("no redirect")


def query_of(address):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query, strict_parsing=True))


@functools.cache
def installed():
    return npm_ci(HERE, "oauth2_mock_server")


@unittest.skipUnless(os.environ.get("CHATRELAY_TEST_ALL"), "real counterparts are tested by scripts/test --all")
class OAuth(Case):
    @classmethod
    def setUpClass(cls):
        global JsonWebKey, jwt
        from authlib.jose import JsonWebKey, jwt
        cls.work = installed()

    def token_server(self, **options):
        server = TokenServer(self.work, **options)
        self.addCleanup(server.close)
        return server

    def ledger(self, server):
        keys = JsonWebKey.import_key_set(server.jwks)

        def verify(token):
            jwt.decode(token, keys).validate(leeway=0)
        ledger = Ledger(verify)
        ledger.sink = self.sink(ledger.answer)
        ledger.url = ledger.sink.url.removesuffix("/in")
        return ledger

    def relay(self, server, ledger, more="", rules=RULES, **keywords):
        """A daemon whose destination `books` is that ledger. `more`: further keys of it, one to a line."""
        settings = "".join(f"    {line.strip()}\n" for line in more.splitlines() if line.strip())
        return self.daemon(f"""store_key: "{STORE_KEY}"
connectors: ["{HERE / 'connectors'}"]
log: {{level: debug}}
{source_livechat()}destinations:
  books:
    connector: ledger
    url: "{ledger.url}"
    token_url: "{server.token_url}"
    authorize_url: "{server.authorize_url}"
    client_id: "relay:1"
    client_secret: "{SECRET_OF_APP}"
    allow_private: true
    concurrency: {WAITING}
    retry: {{first: 50ms, max: 200ms}}
{settings}""", rules, **keywords)

    def post(self, daemon, *numbers):
        """A message in a chat of its own for each number: each has its own lane."""
        for number in numbers:
            body = livechat_event(chat=f"CHAT{number}", thread=f"THREAD{number}", event=f"E{number}", text=f"entry {number}")
            self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)

    def deliveries(self, daemon, state=None):
        return daemon.api("GET", "/api/deliveries?limit=100" + (f"&state={state}" if state else ""))[1]["deliveries"]

    def delivered(self, daemon, count, what="it is delivered", limit_s=WAIT_S):
        return wait_for(lambda: (found := self.deliveries(daemon, "delivered")) and len(found) == count and found, what, limit_s)

    def status(self, daemon):
        return next(one for one in daemon.api("GET", "/api/destinations")[1]["destinations"] if one["name"] == "books")

    def assert_secret(self, daemon, *secrets):
        """None of these, nor a piece of them, stands in the database's files or in the log."""
        stored = b"".join(file.read_bytes() for file in daemon.directory.glob("chatrelay.db*"))
        logged = daemon.log_text().encode()
        self.assertIn(b"entry 1", stored)  # what is not secret is found in this way
        for secret in [*secrets, STORE_KEY, SECRET_OF_APP]:
            whole = secret.encode()
            for start in range(0, max(1, len(whole) - 23), 8):
                piece = whole[start:start + 24]
                self.assertNotIn(piece, stored)
                self.assertNotIn(piece, logged)


class ClientCredentials(OAuth):
    def test_all_who_wait_share_one_token(self):
        server = self.token_server(hold=True)
        ledger = self.ledger(server)
        daemon = self.relay(server, ledger, "client_auth: basic")
        self.post(daemon, *range(WAITING))
        wait_for(lambda: self.status(daemon)["under_way"] == WAITING, "all deliveries wait for the token")
        [asked] = server.seen()
        self.assertEqual(ledger.count(), (0, 0))
        server.set(hold=False)
        done = self.delivered(daemon, WAITING)
        self.assertEqual({one["attempts"] for one in done}, {1})
        self.assertEqual(len(server.seen()), 1)
        self.assertEqual(ledger.count(), (WAITING, 0))
        self.assertEqual(sorted(ledger.texts()), sorted(f"entry {n}" for n in range(WAITING)))
        self.assertEqual(len({token for token, _, _ in ledger.taken}), 1)
        [asked] = server.seen()
        self.assertEqual(asked["status"], 200)
        self.assertEqual(asked["form"], {"grant_type": "client_credentials", "scope": "entries.write"})
        self.assertEqual(asked["headers"]["content-type"], "application/x-www-form-urlencoded")
        pair = base64.b64decode(asked["headers"]["authorization"].removeprefix("Basic ")).decode()
        self.assertEqual([urllib.parse.unquote_plus(part) for part in pair.split(":")], ["relay:1", SECRET_OF_APP])  # RFC 6749 §2.3.1
        self.assert_secret(daemon, *server.tokens())

    def test_a_refused_token_is_renewed_once_for_all(self):
        server = self.token_server()
        ledger = self.ledger(server)
        daemon = self.relay(server, ledger)
        self.post(daemon, 100)
        self.delivered(daemon, 1)
        self.assertEqual(server.seen()[0]["form"], {"grant_type": "client_credentials", "scope": "entries.write", "client_id": "relay:1",
                                                    "client_secret": SECRET_OF_APP})
        ledger.revoked.add(ledger.taken[0][0])
        together = threading.Barrier(WAITING)  # every one of them was sent with the old token
        ledger.before_refusal = lambda: together.wait(30)
        self.post(daemon, *range(WAITING))
        done = self.delivered(daemon, WAITING + 1)
        self.assertEqual({one["attempts"] for one in done}, {1})
        self.assertEqual(len(server.seen()), 2)
        self.assertEqual(ledger.count(), (WAITING + 1, WAITING))
        self.assertEqual(len({token for token, _, _ in ledger.taken[1:]}), 1)

    def test_a_token_that_stays_refused_disables(self):
        server = self.token_server()
        ledger = self.ledger(server)
        verify, ledger.verify = ledger.verify, None  # no token is good
        daemon = self.relay(server, ledger)
        self.post(daemon, 1)
        wait_for(lambda: self.status(daemon)["disabled"], "the destination is disabled")
        self.assertEqual((len(server.seen()), ledger.count()), (2, (0, 2)))  # refreshed once
        [held] = self.deliveries(daemon)
        self.assertEqual(held["state"], "held")
        ledger.verify = verify
        daemon.cli("destinations", "resume", "books")
        self.delivered(daemon, 1)
        self.assertEqual(ledger.texts(), ["entry 1"])

    def test_no_token_is_used_after_its_end(self):
        server = self.token_server(expires_in=3)
        ledger = self.ledger(server)
        daemon = self.relay(server, ledger)
        self.post(daemon, 1)
        self.delivered(daemon, 1)
        end = jwt.decode(ledger.taken[0][0], JsonWebKey.import_key_set(server.jwks))["exp"]
        wait_for(lambda: time.time() > end, "the token's end")
        self.post(daemon, 2)
        self.delivered(daemon, 2)
        self.assertEqual(len(server.seen()), 2)
        self.assertEqual(ledger.count(), (2, 0))

    def test_a_token_server_that_is_down_loses_nothing(self):
        server = self.token_server(status=503)
        ledger = self.ledger(server)
        daemon = self.relay(server, ledger, "circuit: {open_for: 500ms, open_max: 1s}")
        self.post(daemon, 1, 2, 3)
        wait_for(lambda: len(server.seen()) >= 2 and len(self.deliveries(daemon, "deferred")) == 3, "the deliveries are put off")
        self.assertIn("503", self.deliveries(daemon, "deferred")[0]["reason"])
        self.assertFalse(self.status(daemon)["disabled"])
        server.set(status=0)
        self.delivered(daemon, 3, "the deliveries go on by themselves", limit_s=3 * WAIT_S)
        self.assertEqual(sorted(ledger.texts()), ["entry 1", "entry 2", "entry 3"])

    def test_a_token_server_that_hangs_delays_nobody_else(self):
        server = self.token_server(hold=True)
        ledger = self.ledger(server)
        rules = RULES.replace("deliver: [", "deliver: [{to: archive}, ")
        daemon = self.relay(server, ledger, "timeout: 1s\ncircuit: {open_for: 500ms, open_max: 1s}", rules, start=False)
        daemon.config_file.write_text(daemon.config_file.read_text() + "  archive: {kind: file, path: archive.jsonl}\n")
        daemon.start()
        self.post(daemon, *range(1, 6))
        self.delivered(daemon, 5, "the archive has everything")
        wait_for(lambda: len(self.deliveries(daemon, "deferred")) == 5, "the others are put off")
        self.assertIn("timed out", self.deliveries(daemon, "deferred")[0]["reason"])
        self.assertEqual(ledger.count(), (0, 0))
        server.set(hold=False)
        self.delivered(daemon, 10, limit_s=3 * WAIT_S)  # the token server is left alone for longer after each failure
        self.assertEqual(sorted(ledger.texts()), [f"entry {n}" for n in range(1, 6)])

    def test_a_wrong_secret_is_told_and_not_shown(self):
        server = self.token_server(client_secret="another")
        ledger = self.ledger(server)
        daemon = self.relay(server, ledger)
        self.post(daemon, 1, 2)
        wait_for(lambda: len(self.deliveries(daemon, "held")) == 2, "the deliveries are held")
        reason = self.status(daemon)["reason"]
        self.assertIn("invalid_client", reason)
        self.assertNotIn(SECRET_OF_APP, reason + json.dumps(self.deliveries(daemon)))
        self.assertEqual(ledger.count(), (0, 0))
        self.assert_secret(daemon)

    def test_salesforce_names_its_server_in_the_answer(self):
        server = self.token_server(token_path="/services/oauth2/token", authorize_path="/services/oauth2/authorize", expires_in=0)
        ledger = self.ledger(server)
        server.set(adds={"instance_url": ledger.url})

        def take(received):
            if received.method == "GET":
                return 200, {"content-type": "application/json"}, b'{"totalSize":0,"done":true,"records":[]}'
            return 201, {"content-type": "application/json"}, b'{"id":"003xx1AAA","success":true,"errors":[],"created":true}'
        ledger.take = take
        daemon = self.daemon(f"""{source_livechat()}destinations:
  books: {{connector: salesforce, domain: "{server.url}", client_id: "relay:1", client_secret: "{SECRET_OF_APP}", allow_private: true}}
""", RULES.replace("with: {text: \"{{ .message.text }}\"}", "action: upsert_contact, with: {email: \"{{ .message.text }}@example.com\"}"))
        for number in (1, 2):
            body = livechat_event(chat=f"CHAT{number}", thread=f"THREAD{number}", event=f"E{number}", text=f"visitor{number}")
            self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)
        self.delivered(daemon, 2)
        [asked] = server.seen()
        self.assertEqual(asked["form"], {"grant_type": "client_credentials", "client_id": "relay:1", "client_secret": SECRET_OF_APP})
        self.assertEqual(ledger.count(), (4, 0))  # a search and a write each, at the server that the answer names
        ledger.revoked.add(ledger.taken[0][0])  # the session ends, which no time has told
        body = livechat_event(chat="CHAT3", thread="THREAD3", event="E3", text="visitor3")
        self.assertEqual(daemon.post("/hooks/livechat", body)[0], 200)
        self.delivered(daemon, 3)
        self.assertEqual((len(server.seen()), ledger.count()), (2, (6, 1)))


class RefreshToken(OAuth):
    def test_rotating_tokens_are_kept_sealed(self):
        server = self.token_server(refresh_tokens=["refresh-token-of-the-configuration"], expires_in=3600)
        ledger = self.ledger(server)
        daemon = self.relay(server, ledger, "grant: refresh_token\nrefresh_token: refresh-token-of-the-configuration")
        self.post(daemon, 1)
        self.delivered(daemon, 1)
        self.assertEqual(server.seen()[0]["form"], {"grant_type": "refresh_token", "refresh_token": "refresh-token-of-the-configuration",
                                                    "client_id": "relay:1", "client_secret": SECRET_OF_APP})
        daemon.kill()  # as a power cut would
        daemon.start()
        self.post(daemon, 2)
        self.delivered(daemon, 2)
        self.assertEqual(len(server.seen()), 1)  # the token that was kept is good
        for number in (3, 4):  # the token of before is over; each refresh token is good for one request
            ledger.revoked.add(ledger.taken[-1][0])
            self.post(daemon, number)
            self.delivered(daemon, number)
            self.assertEqual(server.seen()[-1]["form"]["refresh_token"], server.seen()[-2]["answer"]["refresh_token"])
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: "reloaded" in daemon.log_text(), "the configuration is read again")
        self.post(daemon, 5)
        self.delivered(daemon, 5)
        ledger.revoked.add(ledger.taken[-1][0])
        self.post(daemon, 6)
        self.delivered(daemon, 6)
        self.assertEqual([one["status"] for one in server.seen()], [200] * 4)
        self.assert_secret(daemon, *server.tokens(), "refresh-token-of-the-configuration")
        self.assertEqual(daemon.stop(), 0)
        self.assert_secret(daemon, *server.tokens(), "refresh-token-of-the-configuration")

    def test_a_renewal_before_the_end(self):
        server = self.token_server(refresh_tokens=["first"], expires_in=3)
        ledger = self.ledger(server)
        daemon = self.relay(server, ledger, "grant: refresh_token\nrefresh_token: first")
        for number in range(1, 4):
            self.post(daemon, number)
            self.delivered(daemon, number)
            end = jwt.decode(ledger.taken[-1][0], JsonWebKey.import_key_set(server.jwks))["exp"]
            wait_for(lambda: time.time() > end, "the token's end")
        self.assertEqual([one["status"] for one in server.seen()], [200] * 3)
        self.assertEqual(ledger.count(), (3, 0))

    def test_a_service_that_keeps_its_refresh_token(self):
        server = self.token_server(refresh_tokens=["the-only-one"], rotates=False)
        ledger = self.ledger(server)
        daemon = self.relay(server, ledger, "grant: refresh_token\nrefresh_token: the-only-one")
        for number in range(1, 4):
            self.post(daemon, number)
            self.delivered(daemon, number)
            ledger.revoked.add(ledger.taken[-1][0])
        self.assertEqual([one["form"]["refresh_token"] for one in server.seen()], ["the-only-one"] * 3)

    def test_another_store_key_opens_nothing(self):
        server = self.token_server(refresh_tokens=["first"])
        ledger = self.ledger(server)
        daemon = self.relay(server, ledger, "grant: refresh_token\nrefresh_token: first")
        self.post(daemon, 1)
        self.delivered(daemon, 1)
        daemon.stop()
        daemon.config_file.write_text(daemon.config_file.read_text().replace(STORE_KEY, STORE_KEY[::-1]))
        daemon.start()
        self.post(daemon, 2)
        wait_for(lambda: self.status(daemon)["disabled"], "the destination is disabled")
        self.assertIn("invalid_grant", self.status(daemon)["reason"])  # what is configured was used up by the first request
        server.set(refresh_tokens=["first"])

        def resumed():  # what was refused is not asked again for some seconds
            if self.status(daemon)["disabled"]:
                daemon.cli("destinations", "resume", "books")
            return len(self.deliveries(daemon, "delivered")) == 2
        wait_for(resumed, "it goes on")

    def test_it_needs_a_store_key(self):
        server = self.token_server()
        daemon = self.relay(server, self.ledger(server), "grant: refresh_token\nrefresh_token: first", start=False)
        daemon.config_file.write_text(daemon.config_file.read_text().replace(f'store_key: "{STORE_KEY}"\n', ""))
        done = daemon.cli("check", check=False)
        self.assertEqual(done.returncode, 78, done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr, r"chatrelay\.yaml:\d+: .*store_key")


class CodeGrant(OAuth):
    def setUp(self):
        self.server = self.token_server()
        self.books = self.ledger(self.server)

    def authorization(self, daemon, *arguments):
        authorization = Authorization(daemon, "books", *arguments)
        self.addCleanup(authorization.kill)
        return authorization

    def held_delivery(self):
        """A daemon that nobody has authorized yet, with a delivery that waits for that."""
        daemon = self.relay(self.server, self.books, "grant: refresh_token")
        self.post(daemon, 1)
        wait_for(lambda: self.status(daemon)["disabled"], "the destination is disabled")
        self.assertIn("chatrelay destinations authorize books", self.status(daemon)["reason"])
        self.assertEqual((self.server.seen(), self.books.count()), ([], (0, 0)))
        return daemon

    def assert_authorized(self, daemon, code, said):
        self.assertEqual(code, 0, said)
        self.assertIn("authorized books", said)
        self.assertIn("goes on now", said)
        self.delivered(daemon, 1, "what waited goes on by itself")
        asked = self.server.seen()[-1]
        self.assertEqual((asked["status"], asked["form"]["grant_type"]), (200, "authorization_code"))
        self.assertNotIn("scope", asked["form"])
        # The token came with the code; a further request is made only when it is over.
        self.assertEqual(len(self.server.seen()), 1)
        self.books.revoked.add(self.books.taken[-1][0])
        self.post(daemon, 2)
        self.delivered(daemon, 2)
        self.assertEqual(self.server.seen()[-1]["form"]["refresh_token"], asked["answer"]["refresh_token"])
        for token in self.server.tokens():
            self.assertNotIn(token, said)
        self.assert_secret(daemon, *self.server.tokens(), asked["form"]["code"], asked["form"]["code_verifier"])

    def test_by_loopback(self):
        daemon = self.held_delivery()
        redirect = f"http://localhost:{free_port()}/callback"
        authorization = self.authorization(daemon, "--redirect", redirect)
        address = authorization.address()
        query = query_of(address)
        self.assertTrue(address.startswith(self.server.authorize_url + "?"), address)
        self.assertEqual(set(query) - {"state", "code_challenge"}, {"response_type", "client_id", "redirect_uri", "scope", "access_type",
                                                                    "code_challenge_method"})
        self.assertEqual((query["response_type"], query["client_id"], query["redirect_uri"]), ("code", "relay:1", redirect))
        self.assertEqual((query["scope"], query["access_type"], query["code_challenge_method"]), ("entries.write", "offline", "S256"))
        # Strangers: a code that nobody asked for, a page that is not there.
        self.assertEqual(open_in_browser(f"{redirect}?code=evil&state=guessed")[0], 400)
        self.assertEqual(open_in_browser(f"{redirect}?code=evil")[0], 400)
        self.assertEqual(open_in_browser(redirect.replace("callback", "other"))[0], 404)
        status, page = open_in_browser(address)
        self.assertEqual((status, "chatrelay has the code" in page), (200, True), page)
        self.assert_authorized(daemon, *authorization.end())

    def test_by_pasting_the_address(self):
        daemon = self.held_delivery()
        authorization = self.authorization(daemon, "--paste", "--redirect", PASTED)
        target = redirected_to(authorization.address())
        self.assertTrue(target.startswith(PASTED + "?"), target)
        self.assert_authorized(daemon, *authorization.end(target))

    def test_by_pasting_the_code(self):
        daemon = self.held_delivery()
        authorization = self.authorization(daemon, "--redirect", PASTED)  # it leads to another machine: nothing listens here
        target = redirected_to(authorization.address())
        self.assert_authorized(daemon, *authorization.end(query_of(target)["code"]))

    def test_an_address_of_another_authorization(self):
        daemon = self.held_delivery()
        first = self.authorization(daemon, "--paste", "--redirect", PASTED)
        foreign = redirected_to(first.address())
        second = self.authorization(daemon, "--paste", "--redirect", PASTED)
        second.address()
        code, said = second.end(foreign)
        self.assertNotEqual(code, 0)
        self.assertIn("another state", said)
        self.assertEqual(self.server.seen(), [])
        self.assert_authorized(daemon, *first.end(foreign))

    def test_a_code_that_the_service_refuses(self):
        daemon = self.held_delivery()
        authorization = self.authorization(daemon, "--paste", "--redirect", PASTED)
        authorization.address()
        code, said = authorization.end("a-code-that-it-never-gave")
        self.assertNotEqual(code, 0)
        # oauth2-mock-server looks at the verifier first: PKCE is what refuses a code that was made up.
        self.assertIn("invalid_request", said)
        self.assertTrue(self.status(daemon)["disabled"])
        self.assertEqual([one["state"] for one in self.deliveries(daemon)], ["held"])

    def test_a_code_of_another_begin_fails_its_verifier(self):
        daemon = self.held_delivery()
        first = self.authorization(daemon, "--paste", "--redirect", PASTED)
        foreign = query_of(redirected_to(first.address()))["code"]
        second = self.authorization(daemon, "--paste", "--redirect", PASTED)
        second.address()
        code, said = second.end(foreign)
        self.assertNotEqual(code, 0)
        self.assertIn("code_verifier provided does not match code_challenge", said)

    def test_a_person_who_says_no(self):
        daemon = self.held_delivery()
        self.server.set(deny=True)
        redirect = f"http://127.0.0.1:{free_port()}/callback"
        authorization = self.authorization(daemon, "--redirect", redirect)
        status, page = open_in_browser(authorization.address())
        self.assertEqual((status, "not given" in page), (200, True), page)
        code, said = authorization.end()
        self.assertNotEqual(code, 0)
        self.assertIn("access_denied: end-user denied authorization", said)
        self.assertEqual(self.server.seen(), [])

    def test_a_new_authorization_after_the_access_was_taken_back(self):
        daemon = self.held_delivery()
        authorization = self.authorization(daemon, "--paste", "--redirect", PASTED)
        self.assert_authorized(daemon, *authorization.end(redirected_to(authorization.address())))
        self.server.set(forget_refresh_tokens=True)
        self.books.revoked.add(self.books.taken[-1][0])
        self.post(daemon, 3)
        wait_for(lambda: self.status(daemon)["disabled"], "the destination is disabled")
        self.assertIn("chatrelay destinations authorize books", self.status(daemon)["reason"])
        authorization = self.authorization(daemon, "--paste", "--redirect", PASTED)
        code, said = authorization.end(redirected_to(authorization.address()))
        self.assertEqual(code, 0, said)
        self.delivered(daemon, 3)
        self.assertEqual(self.books.texts(), ["entry 1", "entry 2", "entry 3"])

    def test_hubspot(self):
        """The shipped connector, whose tokens are renewed by their time: a 401 says something else there."""
        self.books.take = lambda received: (200, {"content-type": "application/json"}, json.dumps({
            "status": "COMPLETE", "results": [{"id": "512", "new": True, "properties": {}, "archived": False}]}).encode())
        daemon = self.daemon(f"""store_key: "{STORE_KEY}"
{source_livechat()}destinations:
  books:
    connector: hubspot
    base_url: "{self.books.url}"
    token_url: "{self.server.token_url}"
    authorize_url: "{self.server.authorize_url}"
    client_id: "relay:1"
    client_secret: "{SECRET_OF_APP}"
    allow_private: true
""", RULES.replace("with: {text: \"{{ .message.text }}\"}", "action: upsert_contact, with: {email: \"{{ .message.text }}\"}"))
        self.server.set(expires_in=3)
        authorization = self.authorization(daemon, "--paste", "--redirect", PASTED)
        code, said = authorization.end(redirected_to(authorization.address()))
        self.assertEqual(code, 0, said)
        for number in (1, 2):
            end = jwt.decode(self.server.seen()[-1]["answer"]["access_token"], JsonWebKey.import_key_set(self.server.jwks))["exp"]
            wait_for(lambda: time.time() > end, "the token's end")
            self.post(daemon, number)
            self.delivered(daemon, number)
        grants = [one["form"]["grant_type"] for one in self.server.seen()]
        self.assertEqual(grants, ["authorization_code", "refresh_token", "refresh_token"])
        self.assertEqual(self.books.count(), (2, 0))
        self.assert_secret(daemon, *self.server.tokens())


class Assertions:
    """A token endpoint for JWT bearer (RFC 7523): Authlib's authorization server and grant, on HTTP. Tokens are good until revoked."""

    def __init__(self, issuer, subject, audience, public_key):
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # a server on 127.0.0.1
        from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
        from authlib.oauth2.rfc7523 import JWTBearerGrant
        self.seen, self.tokens, self.claims = [], [], []
        endpoint = self

        class Client(ClientMixin):
            def check_grant_type(self, grant_type):
                return grant_type == JWT_BEARER

        class Grant(JWTBearerGrant):
            CLAIMS_OPTIONS = {"iss": {"essential": True, "value": issuer}, "sub": {"essential": True}, "exp": {"essential": True},
                              "iat": {"essential": True}, "aud": {"essential": True, "value": audience}}

            def process_assertion_claims(self, assertion):
                claims = super().process_assertion_claims(assertion)
                endpoint.claims.append((claims.header, dict(claims)))
                return claims

            def resolve_issuer_client(self, iss):
                return Client() if iss == issuer else None

            def resolve_client_key(self, client, headers, payload):
                return public_key

            def authenticate_user(self, sub):
                return sub if sub == subject else None

            def has_granted_permission(self, client, user):
                return True

        class Server(AuthorizationServer):
            def create_oauth2_request(self, received):
                form = dict(urllib.parse.parse_qsl(received.body.decode(), strict_parsing=True))
                return OAuth2Request(received.method, f"http://127.0.0.1{received.path}", form, received.headers)

            def send_signal(self, *_, **__):
                pass

            def save_token(self, token, request):
                endpoint.tokens.append(token["access_token"])

            def handle_response(self, status, body, headers):
                return status, dict(headers), json.dumps(body).encode()

        self.server = Server()
        self.server.register_grant(Grant)
        self.server.register_token_generator("default", self.new_token)

    def new_token(self, **_):
        return {"token_type": "Bearer", "access_token": f"00D.{len(self.tokens) + 1}!{os.urandom(24).hex()}", "scope": "api"}

    def answer(self, received):
        status, headers, text = self.server.create_token_response(received)
        self.seen.append({"form": dict(urllib.parse.parse_qsl(received.body.decode())), "status": status})
        return status, headers, text


class JwtBearer(OAuth):
    audience = "https://login.salesforce.com"

    def key(self, name):
        file = self.directory() / name
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(file)], check=True,
                       capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", str(file), "-pubout"], check=True, capture_output=True, text=True).stdout
        return file, public

    def setUp(self):
        self.private, self.public = self.key("key.pem")
        self.assertions = Assertions("3MVG9.consumer", "relay@example.com", self.audience, self.public)

        def verify(token):
            if token not in self.assertions.tokens:
                raise ValueError("a token that was never given")
        self.org = Ledger(verify)
        self.org.take = self.take
        self.sink_of_org = self.sink(self.answer)

    def answer(self, received):
        if received.path == "/services/oauth2/token":
            return self.assertions.answer(received)
        return self.org.answer(received)

    def take(self, received):
        return 201, {"content-type": "application/json"}, b'{"id":"00Txx1AAA","success":true,"errors":[],"created":true}'

    def salesforce(self, private_key=None, audience=""):
        return self.daemon(f"""log: {{level: debug}}
{source_livechat()}destinations:
  books:
    connector: salesforce
    domain: "{self.sink_of_org.url.removesuffix('/in')}"
    grant: jwt_bearer
    client_id: 3MVG9.consumer
    username: relay@example.com
    private_key: "${{file:{private_key or self.private}}}"
    allow_private: true
{audience}""", RULES.replace("with: {text: \"{{ .message.text }}\"}", "action: create_task, with: {subject: \"{{ .message.text }}\"}"))

    def test_salesforce(self):
        daemon = self.salesforce()
        self.post(daemon, *range(1, 6))
        self.delivered(daemon, 5)
        [asked] = self.assertions.seen
        self.assertEqual((asked["status"], set(asked["form"]), asked["form"]["grant_type"]), (200, {"grant_type", "assertion"}, JWT_BEARER))
        header, claims = self.assertions.claims[0]
        self.assertEqual((header["alg"], claims["iss"], claims["sub"], claims["aud"]),
                         ("RS256", "3MVG9.consumer", "relay@example.com", self.audience))
        self.assertLess(abs(claims["iat"] - time.time()), 120)
        self.assertEqual(claims["exp"] - claims["iat"], 180)  # what Salesforce takes at most
        self.assertEqual(self.org.count(), (5, 0))
        self.org.revoked.add(self.assertions.tokens[0])
        self.post(daemon, 6)
        self.delivered(daemon, 6)
        self.assertEqual((len(self.assertions.seen), self.org.count()), (2, (6, 1)))
        self.assertNotEqual(claims["jti"], self.assertions.claims[1][1]["jti"])  # RFC 7523 §3: a server may refuse a repeat
        self.assert_log_is_clean(daemon)

    def assert_log_is_clean(self, daemon):
        log = daemon.log_text()
        for secret in (*self.assertions.tokens, *(one["form"].get("assertion") or "-----BEGIN" for one in self.assertions.seen),
                       *[line for line in self.private.read_text().splitlines() if not line.startswith("-")]):
            self.assertNotIn(secret, log)

    def refused(self, daemon):
        self.post(daemon, 1)
        wait_for(lambda: self.status(daemon)["disabled"], "the destination is disabled")
        self.assertEqual([one["status"] for one in self.assertions.seen], [400])
        self.assertEqual([one["state"] for one in self.deliveries(daemon)], ["held"])
        self.assertEqual((self.assertions.tokens, self.org.count()), ([], (0, 0)))
        self.assert_log_is_clean(daemon)
        return self.status(daemon)["reason"]

    def test_a_key_that_the_server_does_not_know(self):
        other, _ = self.key("other.pem")
        self.assertIn("invalid_grant", self.refused(self.salesforce(other)))

    def test_an_audience_that_is_not_the_servers(self):
        daemon = self.salesforce(audience="    audience: https://test.salesforce.com\n")
        self.assertIn("invalid_grant", self.refused(daemon))

    def test_a_scope_is_asked_for_in_both_places(self):
        self.assertions = Assertions("relay:1", "books@example.com", "https://id.ledger.example", self.public)
        ledger = Ledger(self.org.verify)
        ledger.url = self.sink(ledger.answer).url.removesuffix("/in")

        class At:
            token_url = self.sink_of_org.url.removesuffix("/in") + "/services/oauth2/token"
            authorize_url = token_url
        daemon = self.relay(At, ledger, f"""
            grant: jwt_bearer
            user: books@example.com
            audience: https://id.ledger.example
            private_key: "${{file:{self.private}}}"
        """)
        self.post(daemon, 1)
        self.delivered(daemon, 1)
        self.assertEqual(self.assertions.seen[0]["form"]["scope"], "entries.write")
        self.assertEqual(self.assertions.claims[0][1]["scope"], "entries.write")
        self.assert_log_is_clean(daemon)


def with_authlib():
    """Debian's Python has Debian's Authlib; another python3 that comes first in PATH has not, and hands over."""
    if importlib.util.find_spec("authlib"):
        return
    debian = "/usr/bin/python3"
    if not os.path.exists(debian) or os.path.realpath(sys.executable) == os.path.realpath(debian):
        sys.exit("Authlib is missing: scripts/test --all installs Debian's python3-authlib")
    os.execv(debian, [debian, *sys.argv])


if __name__ == "__main__":
    if os.environ.get("CHATRELAY_TEST_ALL"):
        with_authlib()
    main()
