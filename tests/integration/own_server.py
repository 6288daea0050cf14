"""A published server that a test starts for itself, in a private folder, on a loopback port."""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from harness import wait_for


class OwnServer:
    """`name`: for messages. Whoever derives from it answers `answers()`: does it serve by now?"""

    def __init__(self, name):
        self.name, self.process = name, None
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=f"chatrelay-{name.split()[-1].lower()}-"))

    def bring_up(self, command, environment=None):
        """Returns once it answers. A new session: its workers end with it."""
        with open(self.root / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.root, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment,
                                            start_new_session=True)

        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.answers()
        wait_for(up, f"{self.name} answers", 60)
        return self

    def down(self):
        """It and its workers are gone at once, whatever they were doing."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def stop(self):
        self.down()
        shutil.rmtree(self.root, ignore_errors=True)

    def log(self):
        return (self.root / "log").read_text(errors="replace")[-4000:] if (self.root / "log").exists() else ""

    def exchange(self, port, method, path, body, headers):
        """(status, what the answer's JSON says, or its bytes)."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, {"content-type": "application/json", **headers})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text[:1] in (b"{", b"[") else text
        finally:
            connection.close()
