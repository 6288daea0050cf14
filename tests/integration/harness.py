"""Starts the real binary in a temporary directory on free ports, and scripted places for it to deliver to.

Environment: CHATRELAY_BINARY names the binary. Nothing here sleeps for luck: waits poll for what they wait for, with a limit.
"""
import base64
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

BINARY = os.environ.get("CHATRELAY_BINARY") or str(pathlib.Path(__file__).resolve().parents[2] / "build/release/chatrelay")
SOURCE_DIR = pathlib.Path(__file__).resolve().parents[2]
SECRET = "laudla991lamda0pnoaa0"
WAIT_S = 30


def free_port():
    """Of a server that cannot be told to choose one itself."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def wait_for(condition, what, limit_s=WAIT_S):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {limit_s} s: {what}")
        time.sleep(0.02)


def livechat_event(chat="PJ0MRSHTDG", thread="K600PKZON8", event="E1", text="hello there", secret=SECRET, **extra):
    body = {
        "webhook_id": "2cd0122d-f5ac-447d-8106-94e7b405b66d", "secret_key": secret, "action": "incoming_event",
        "organization_id": "390e44e6-f1e6-0368c-z6ddb-74g14508c2ex",
        "payload": {"chat_id": chat, "thread_id": thread, "event": {
            "id": event, "type": "message", "author_id": "b7eff798-f8df-4364-8059-649c35c9ed0c",
            "created_at": "2026-11-20T10:00:00.000000Z", "text": text, "visibility": "all"}},
        "additional_data": {}}
    body.update(extra)
    return json.dumps(body)


def livechat_chat(chat="PJ0MRSHTDG", thread="K600PKZON8", name="Thomas Anderson", email="t.anderson@example.com",
                  text="Hello there"):
    return json.dumps({
        "webhook_id": "w", "secret_key": SECRET, "action": "incoming_chat", "organization_id": "org",
        "payload": {"chat": {"id": chat, "users": [
            {"id": "b7eff798-f8df-4364-8059-649c35c9ed0c", "type": "customer", "name": name, "email": email},
            {"id": "smith@example.com", "type": "agent", "name": "Agent Smith", "email": "smith@example.com"}],
            "thread": {"id": thread, "active": True, "user_ids": [], "created_at": "2026-11-20T10:00:00.000000Z",
                       "events": [{"id": f"{thread}_1", "type": "message", "text": text, "visibility": "all",
                                   "author_id": "b7eff798-f8df-4364-8059-649c35c9ed0c",
                                   "created_at": "2026-11-20T10:00:00.000000Z"}]}}},
        "additional_data": {}})


class Received:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.at = time.monotonic()

    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        return self.headers.get("webhook-id")


class Sink:
    """A scripted HTTP destination. `answer(received) -> (status, headers, body)` decides; the default is 200."""

    def __init__(self, answer=None):
        self.received, self.lock = [], threading.Lock()
        self.answer = answer or (lambda _: (200, {}, b""))
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def read_body(self):
                if self.headers.get("transfer-encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length") or 0))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def handle_any(self):
                got = Received(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, self.read_body())
                with sink.lock:
                    sink.received.append(got)
                answer = sink.answer(got)
                if answer is None:  # hang up without an answer
                    self.close_connection = True
                    return
                status, headers, text = answer
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_PUT = do_GET = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass  # the daemon was killed in the middle of a request: that is what some tests do

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/in"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def all(self):
        with self.lock:
            return list(self.received)

    def count(self):
        with self.lock:
            return len(self.received)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class SlowResolver:
    """A name server of our own that answers every name with 127.0.0.1, `delay_s` late. `prefix` starts a command that asks it
    (its own mount namespace, with its own resolv.conf); empty when that needs a root that we are not."""

    def __init__(self, delay_s):
        self.prefix, self.socket, self.queries = [], None, 0
        if os.geteuid() != 0 or not shutil.which("unshare"):
            return
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.bind(("127.0.0.53", 53))
        except OSError:
            self.socket.close()
            self.socket = None
            return
        self.file = tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False)
        self.file.write("nameserver 127.0.0.53\noptions timeout:10 attempts:1\n")
        self.file.close()
        os.chmod(self.file.name, 0o644)
        self.prefix = ["unshare", "-m", "sh", "-c", f'mount --bind {self.file.name} /etc/resolv.conf && exec "$@"', "sh"]
        self.delay_s = delay_s
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(2048)
            except OSError:
                return
            self.queries += 1
            threading.Timer(self.delay_s, self._answer, (query, peer)).start()

    def _answer(self, query, peer):
        end = query.index(b"\0", 12) + 5
        kind = int.from_bytes(query[end - 4:end - 2], "big")
        answer = b"\xc0\x0c" + query[end - 4:end] + (1).to_bytes(4, "big") + b"\0\4\x7f\0\0\1" if kind == 1 else b""
        head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if answer else b"\0\0") + b"\0\0\0\0"
        with contextlib.suppress(OSError):
            self.socket.sendto(head + query[12:end] + answer, peer)

    def close(self):
        if self.socket:
            self.socket.close()
            os.unlink(self.file.name)


class Daemon:
    def __init__(self, config, rules=None, environment=None, directory=None, preexec=None, prefix=()):
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="chatrelay-"))
        self.config_file = self.directory / "chatrelay.yaml"
        self.store = self.directory / "chatrelay.db"
        (self.directory / "rules").mkdir(exist_ok=True)
        self.environment = {**os.environ, **(environment or {})}
        self.environment.pop("NOTIFY_SOCKET", None)
        self.preexec, self.prefix = preexec, list(prefix)
        self.process, self.public, self.admin = None, None, None
        self.log_path = self.directory / "log"
        self.write(config, rules)

    def write(self, config, rules=None):
        head = ("listen: {public: 127.0.0.1:0, admin: 127.0.0.1:0}\n" if "listen:" not in config else "")
        head += f"store: sqlite:{self.store}\n" if "store:" not in config else ""
        head += "rules: [rules]\n" if "\nrules:" not in "\n" + config else ""
        self.config_file.write_text(head + config)
        if rules is not None:
            (self.directory / "rules" / "rules.yaml").write_text(rules)

    def start(self, wait=True):
        with open(self.log_path, "ab") as log:
            offset = log.tell()
            self.process = subprocess.Popen([*self.prefix, BINARY, "serve", "--config", str(self.config_file)], stderr=log,
                                            stdout=log, stdin=subprocess.DEVNULL, env=self.environment,
                                            preexec_fn=self.preexec)
        if not wait:
            return self
        def listening():
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log_text()[-4000:]}")
            return re.search(r"listening public=(\S+) admin=(\S+)", self.log_text(offset))
        found = wait_for(listening, "the daemon did not say where it listens")
        self.public = int(found.group(1).rsplit(":", 1)[1])
        self.admin = int(found.group(2).rsplit(":", 1)[1])
        return self

    def log_text(self, offset=0):
        with open(self.log_path, "rb") as f:
            f.seek(offset)
            return f.read().decode("utf-8", "replace")

    def post(self, path, body, headers=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.public, timeout=timeout)
        try:
            connection.request("POST", path, body if isinstance(body, bytes) else body.encode(),
                               {"content-type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read(), dict(response.getheaders())
        finally:
            connection.close()

    def api(self, method, path, body=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=timeout)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"content-type": "application/json"} if body is not None else {})
            response = connection.getresponse()
            text = response.read()
            return response.status, (json.loads(text) if text[:1] in b"{[" and text else text)
        finally:
            connection.close()

    def metrics(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=20)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def cli(self, *arguments, check=True, input_text=None):
        done = subprocess.run([BINARY, *arguments, "--config", str(self.config_file)], capture_output=True, text=True,
                              env={**self.environment, "CHATRELAY_ADMIN": f"127.0.0.1:{self.admin}"}, timeout=60,
                              input=input_text)
        if check and done.returncode != 0:
            raise AssertionError(f"chatrelay {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def cli_json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json").stdout)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, limit_s=60):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(limit_s)
        return self.process.returncode if self.process else None

    def close(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Case(unittest.TestCase):
    """Cleans up daemons and sinks; prints the daemon's log when a test fails."""

    def sink(self, answer=None):
        sink = Sink(answer)
        self.addCleanup(sink.close)
        return sink

    def daemon(self, config, rules=None, start=True, **keywords):
        daemon = Daemon(config, rules, **keywords)
        self.addCleanup(self._end, daemon)
        return daemon.start() if start else daemon

    def _end(self, daemon):
        outcome = getattr(self, "_outcome", None)
        failed = outcome is not None and any(error for _, error in getattr(outcome, "errors", []))
        text = daemon.log_text() if daemon.log_path.exists() else ""
        daemon.close()
        if failed:
            print(f"---- log of the daemon ----\n{text[-6000:]}\n---- end of log ----")
        self.assertNotIn("ERROR: AddressSanitizer", text, text[-6000:])
        self.assertNotIn("runtime error:", text, text[-6000:])

    def directory(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix="chatrelay-"))
        self.addCleanup(shutil.rmtree, path, True)
        return path


def source_livechat(name="livechat", secret=SECRET):
    return f'sources:\n  {name}: {{system: livechat, secrets: ["{secret}"]}}\n'


# ---- Rocket.Chat's livechat API, served by the daemon

OPERATOR = "operator-0123456789abcdef"
LIVECHAT_API = "/api/v1/livechat/"
NO_LIMITS = ("{default: 1000000/min, message: 1000000/min, visitor: 1000000/min, room: 1000000/min, history: 1000000/min, "
             "offline_message: 1000000/min}")


def source_rocketchat(more="", name="site", limits=NO_LIMITS):
    """A served source. `more`: further keys of it, as YAML flow ("strict: true, hosts: [a.example]")."""
    return (f'sources:\n  {name}: {{system: rocketchat, serve: true, operator_tokens: ["{OPERATOR}"], limits: {limits}'
            f'{", " + more if more else ""}}}\n')


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.text = status, text
        self.headers = {name.lower(): value for name, value in headers}
        self.json = None
        with contextlib.suppress(ValueError):
            self.json = json.loads(text)

    def __repr__(self):
        return f"{self.status} {self.text[:400]!r}"


class Livechat:
    """A client of the API, with a connection that it keeps. It never repeats a call. Thread: one."""

    def __init__(self, port, host=None):
        self.port, self.host = port if callable(port) else lambda: port, host
        self.connection, self.connected_to = None, None

    def call(self, method, path, body=None, headers=None, timeout=40):
        """`path` below the API's root, or absolute. A dict or list becomes JSON; a str is sent as it is."""
        headers = dict(headers or {})
        if self.host:
            headers["Host"] = self.host
        if body is not None:
            if not isinstance(body, (str, bytes)):
                body = json.dumps(body)
            if "content-type" not in {name.lower() for name in headers}:
                headers["Content-Type"] = "application/json"
            body = body.encode() if isinstance(body, str) else body
        if self.connection is None or self.connected_to != self.port():
            self.close()
            self.connected_to = self.port()
            self.connection = http.client.HTTPConnection("127.0.0.1", self.connected_to, timeout=timeout)
        try:
            self.connection.request(method, path if path.startswith("/") else LIVECHAT_API + path, body, headers)
            response = self.connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read().decode("utf-8", "surrogateescape"))
            if response.will_close:
                self.close()
            return answer
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ok(self, *arguments, **keywords):
        answer = self.call(*arguments, **keywords)
        if answer.status != 200 or not answer.json.get("success"):
            raise AssertionError(f"{arguments[:3]} was answered {answer}")
        return answer.json

    def visitor(self, token=None, name="Ann", **more):
        return self.ok("POST", "visitor", {"visitor": {"token": token or new_token(), "name": name, **more}})["visitor"]

    def room(self, token):
        return self.ok("GET", f"room?token={token}")["room"]["_id"]

    def say(self, token, rid, text, **more):
        return self.ok("POST", "message", {"token": token, "rid": rid, "msg": text, **more})["message"]

    def history(self, token, rid, **query):
        text = urllib.parse.urlencode({"token": token, **query})
        return self.ok("GET", f"messages.history/{rid}?{text}")["messages"]

    def close_room(self, token, rid):
        return self.ok("POST", "room.close", {"token": token, "rid": rid})


def new_token():
    return "token-" + secrets.token_hex(12)


# ---- Live Helper Chat's REST API, served by the daemon

LHC_KEY = "k:e:y"  # of the account admin: Basic authentication ends a name at the first colon
LHC_LIMITED_KEY = "limited-key-0123456789"  # of an account that may do nothing with chats
LHC_OTHER_KEY = "other-key-0123456789"  # of an account that sees department 6 alone
LHC_PASSWORD = "correct horse"  # of the account that has no key
# An account's e-mail address may log in with the password, and with a key it may not.
LHC_ACCOUNTS = f"""[{{user: admin, email: admin@example.com, key: "{LHC_KEY}", id: 7}},
      {{user: limited, key: "{LHC_LIMITED_KEY}", permissions: ["lhrestapi,use"]}},
      {{user: other, key: "{LHC_OTHER_KEY}", departments: [6]}},
      {{user: person, email: person@example.com, password_hash: "$2y$10$dGt7m.xyDeAOiyriOeNHJ.h2Blr/5co7wql8Jj8GsEFi9q9s//SQS"}}]"""
LHC_PRESENCE = """presence:
  departments: [{id: 5, name: Sales}, {id: 6, name: Support}]
  users:
    - {id: 1, agent: jo@example.com, email: "op+1@example.com", username: jo, name: Jo, departments: [5]}
    - {id: 2, agent: kim@example.com, username: kim, name: Kim}
"""


def source_livehelperchat(more="", name="status", limits="{per_key: 1000000/min, per_address: 1000000/min, failed_logins: 1000000/min}"):
    """A served source with presence. `more`: further keys of it, as YAML flow."""
    return (LHC_PRESENCE + f"""sources:
  {name}:
    system: livehelperchat
    serve: true
    accounts: {LHC_ACCOUNTS}
    departments: [{{id: 5, name: Sales}}, {{id: 6, name: Support}}]
    limits: {limits}
""" + "".join(f"    {line}\n" for line in more.splitlines()))


def basic(user, secret):
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


class LiveHelperChat(Livechat):
    """A client of the REST API that speaks as Live Helper Chat's own: forms, and JSON where it documents JSON. Thread: one."""

    root = "/restapi/"
    admin = basic("admin", LHC_KEY)

    def ask(self, method, path, form=None, body=None, authorization=admin, headers=None):
        """`form`: sent as one. `body`: sent as JSON if it is a dict, else as it is. `authorization` None: no such header."""
        headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", **(headers or {})}
        if authorization is not None:
            headers["Authorization"] = authorization
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.call(method, path if path.startswith("/") else self.root + path, body, headers)

    def fine(self, *arguments, **keywords):
        answer = self.ask(*arguments, **keywords)
        if answer.status != 200 or not isinstance(answer.json, (dict, list)) or (isinstance(answer.json, dict) and answer.json.get("error")):
            raise AssertionError(f"{arguments[:2]} was answered {answer}")
        return answer.json

    def check(self, vid="", path="", **form):
        """chatcheckoperatormessage; answers `result`."""
        fields = {"ip": "192.0.2.10", "dt": "Main window", "l": "//app.example/main", "ua": "", **form}
        return self.fine("POST", f"chatcheckoperatormessage/(vid)/{vid}/(count_page)/1{path}", fields)["result"]

    def start(self, vid=None, department=5, **form):
        """startchat; answers the chat."""
        fields = {"Username": "Ann", "Email": "ann@example.com", "Question": "my Question", "DepartamentID": str(department), "AcceptTOS": "1",
                  **form}
        where = f"/(vid)/{vid}" if vid else ""
        return self.fine("POST", f"startchat/(department)/{department}{where}", fields)["result"]["chat"]

    def say(self, chat, text):
        """What the visitor says, by the chat's hash alone."""
        form = {"chat_id": str(chat["id"]), "hash": chat["hash"], "msg": text}
        return self.fine("POST", "addmsguser", form, authorization=None)["msg"]

    def answer(self, chat, text, sender="operator", **more):
        return self.fine("POST", "addmsgadmin", {"chat_id": str(chat["id"]), "msg": text, "sender": sender, **more})["msg"]

    def messages(self, chat, **query):
        query = urllib.parse.urlencode({"chat_id": chat["id"], "last_message_id": 0, **query})
        return self.fine("GET", f"fetchchatmessages?{query}")["result"]

    def chat(self, chat):
        return self.fine("GET", f"fetchchat?chat_id={chat['id']}")["chat"]


def npm_ci(folder, name):
    """`npm ci` with the lockfile in `folder`: exactly its packages, checked against its hashes; no package runs a script. Answers the
    directory below build/, which outlives the test: npm finds there what it fetched before."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise AssertionError(f"{program} is missing: scripts/test --all installs Debian's nodejs and npm")
    work = SOURCE_DIR / "build" / name
    work.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(folder / file, work / file)
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--cache", str(work / "cache")],
                          cwd=work, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"npm ci failed; is the registry reachable?\n{done.stdout}{done.stderr}")
    return work


def main():
    unittest.main(verbosity=1)
