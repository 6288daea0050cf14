"""A real Matrix homeserver, Synapse, from PyPI: pinned and checked by hashes, in a virtual environment below build/ that outlives the test.

Each one runs in a private folder with SQLite, on a loopback port, and federates with nobody. Needs Debian's python3-venv.
"""
import hashlib
import hmac
import json
import pathlib
import shutil
import subprocess
import sys
import urllib.parse

from harness import SOURCE_DIR, free_port
from own_server import OwnServer

REQUIREMENTS = pathlib.Path(__file__).resolve().parent / "synapse" / "requirements.txt"
WORK = SOURCE_DIR / "build" / "synapse"
SHARED_SECRET = "registration-secret"
SERVER_NAME = "relay.test"


def install():
    """Exactly what the requirements name. Answers the environment's Python."""
    python, mark = WORK / "venv/bin/python", WORK / "installed"
    wanted = f"{sys.version}\n{WORK}\n{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()}\n"
    if mark.exists() and mark.read_text() == wanted:
        return python
    shutil.rmtree(WORK / "venv", ignore_errors=True)
    mark.unlink(missing_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    for arguments, why in (([sys.executable, "-m", "venv", str(WORK / "venv")], "scripts/test --all installs Debian's python3-venv"),
                           ([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps",
                             "--only-binary", ":all:", "--cache-dir", str(WORK / "cache"), "-r", str(REQUIREMENTS)], "is PyPI reachable?")):
        done = subprocess.run(arguments, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(arguments)} failed; {why}\n{done.stdout}{done.stderr}")
    mark.write_text(wanted)
    return python


class Synapse(OwnServer):
    """`more`: further keys of its configuration. By default it limits nobody; its own default lets an account send one message in 5 s."""

    def __init__(self, more=None):
        self.python = install()
        super().__init__("Synapse")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (self.root / "log.yaml").write_text(json.dumps({
            "version": 1, "handlers": {"err": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}},
            "root": {"level": "INFO", "handlers": ["err"]}}))
        (self.root / "homeserver.yaml").write_text(json.dumps({
            "server_name": SERVER_NAME, "pid_file": str(self.root / "pid"), "report_stats": False, "trusted_key_servers": [],
            "listeners": [{"port": self.port, "bind_addresses": ["127.0.0.1"], "type": "http", "tls": False,
                           "resources": [{"names": ["client"], "compress": False}]}],
            "database": {"name": "sqlite3", "args": {"database": str(self.root / "homeserver.db")}},
            "media_store_path": str(self.root / "media"), "signing_key_path": str(self.root / "signing.key"),
            "log_config": str(self.root / "log.yaml"), "registration_shared_secret": SHARED_SECRET,
            "macaroon_secret_key": "macaroons", "form_secret": "forms", "federation_domain_whitelist": [],
            "caches": {"sync_response_cache_duration": "0s"},  # `highlights` is to see what is there now
            "rc_message": {"per_second": 1000, "burst_count": 1000}, **(more or {})}))
        self._homeserver("--generate-keys")

    def _homeserver(self, *arguments):
        done = subprocess.run(self._command(*arguments), cwd=self.root, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"Synapse {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def _command(self, *arguments):
        return [str(self.python), "-m", "synapse.app.homeserver", "--config-path", str(self.root / "homeserver.yaml"), *arguments]

    # ---- up and down

    def start(self):
        return self.bring_up(self._command())

    def answers(self):
        return self.call("GET", "/_matrix/client/versions")[0] == 200

    # ---- what people do in it

    def call(self, method, path, body=None, token=None):
        return self.exchange(self.port, method, path, body, {"authorization": f"Bearer {token}"} if token else {})

    def done(self, *arguments):
        status, answer = self.call(*arguments)
        if status != 200:
            raise AssertionError(f"{arguments[:2]} was answered {status} {answer}")
        return answer

    def register(self, name):
        """An account; answers its access token."""
        nonce = self.done("GET", "/_synapse/admin/v1/register")["nonce"]
        mac = hmac.new(SHARED_SECRET.encode(), f"{nonce}\0{name}\0password-of-{name}\0notadmin".encode(), hashlib.sha1).hexdigest()
        return self.done("POST", "/_synapse/admin/v1/register", {"nonce": nonce, "username": name, "password": f"password-of-{name}",
                                                                 "admin": False, "mac": mac})["access_token"]

    def room(self, token, *members):
        """A room that the owner of `token` makes, and that the owners of `members` join; answers its id."""
        room = self.done("POST", "/_matrix/client/v3/createRoom", {"preset": "public_chat", "name": "Support"}, token)["room_id"]
        for member in members:
            self.done("POST", f"/_matrix/client/v3/join/{quoted(room)}", {}, member)
        return room

    def messages(self, room, token):
        """Every m.room.message of the room, oldest first."""
        found, start = [], None
        while True:
            page = self.done("GET", f"/_matrix/client/v3/rooms/{quoted(room)}/messages?dir=f&limit=100" + (f"&from={start}" if start else ""),
                             None, token)
            found += [event for event in page["chunk"] if event["type"] == "m.room.message"]
            start = page.get("end")
            if not page["chunk"] or not start:
                return found

    def thread(self, room, root, token):
        """The events that the server counts to this thread, oldest first, without the root."""
        page = self.done("GET", f"/_matrix/client/v1/rooms/{quoted(room)}/relations/{quoted(root)}/m.thread?dir=f&limit=100", None, token)
        return page["chunk"]

    def highlights(self, room, token):
        """How often the owner of `token` was pinged in this room since reading it."""
        page = self.done("GET", "/_matrix/client/v3/sync?timeout=0", None, token)
        return page["rooms"]["join"][room]["unread_notifications"]["highlight_count"]


def quoted(text):
    return urllib.parse.quote(text, safe="")
