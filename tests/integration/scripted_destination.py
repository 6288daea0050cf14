"""A destination whose every answer is scripted, down to its bytes and to how the connection ends.

`Server` listens and hands each request to `play(exchange)`. `Fault` is one way to fail (or to answer oddly), with what the relay must
make of it. `Scripts` gives each delivery a sequence of them and counts what the service did.
"""
import contextlib
import email.utils
import socket
import struct
import threading
import time

import harness


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.at = time.monotonic()

    def json(self):
        return harness.json.loads(self.body)


class Gone(Exception):
    """The other side has closed, or what it sent is no request."""


class Exchange:
    """One request and its connection. What ends the connection says so in `open`."""

    def __init__(self, connection, request):
        self.connection, self.request, self.open = connection, request, True

    def send(self, data):
        try:
            self.connection.sendall(data)
        except OSError:
            self.open = False

    def answer(self, status=200, body=b"", headers=(), reason="Fine", version="HTTP/1.1", length=None):
        """`length`: what is said of the body's; False says nothing, which takes the end of the connection to end it."""
        lines = [f"{version} {status}" + (f" {reason}" if reason else "")]
        lines += [f"{name}: {value}" for name, value in headers]
        if length is not False:
            lines.append(f"content-length: {len(body) if length is None else length}")
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
        if length is False:
            self.close()

    def close(self):
        self.open = False
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def reset(self):
        self.open = False
        _reset(self.connection)

    def wait_for_the_other_side(self, limit_s=30):
        self.open = False
        with contextlib.suppress(OSError):
            self.connection.settimeout(limit_s)
            self.connection.recv(1)

    def drip(self, data, every_s=0.1):
        """A byte now and then, until the other side has enough of it."""
        for byte in data:
            if not self.open:
                return
            self.send(bytes([byte]))
            time.sleep(every_s)


def _reset(connection):
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        connection.close()


class Server:
    """`play(exchange)` answers a request, on a thread of its connection. `at_the_door`: what becomes of the next connections before
    anything is read from them: "reset", "close", or None for those that are let in."""

    def __init__(self, play, listening=True):
        self.play, self.at_the_door, self.lock = play, [], threading.Lock()
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.turned_away = 0
        if listening:
            self.listen()

    def listen(self):
        """Until then the port is ours and connections are refused."""
        self.listener.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                how = self.at_the_door.pop(0) if self.at_the_door else None
                self.turned_away += how is not None
            if how == "reset":
                _reset(connection)
            elif how == "close":
                connection.close()
            else:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        kept = b""
        with connection:
            while True:
                try:
                    request, kept = _read(connection, kept)
                except (Gone, OSError, ValueError):
                    return
                exchange = Exchange(connection, request)
                self.play(exchange)
                if not exchange.open:
                    return


def _read(connection, kept):
    def more(kept):
        data = connection.recv(65536)
        if not data:
            raise Gone
        return kept + data
    while b"\r\n\r\n" not in kept:
        kept = more(kept)
    head, kept = kept.split(b"\r\n\r\n", 1)
    first, *rest = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in rest)}
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = int(headers.get("content-length", "0"))
    while len(kept) < length:
        kept = more(kept)
    return Request(method, path, headers, kept[:length]), kept[length:]


class Fault:
    """One thing that a service does to a request.

    `outcomes`: what the relay may call it (classes of an outcome). `applied`: did the service do what it was asked for?
    """

    def __init__(self, name, outcomes, play, applied=False):
        self.name, self.applied, self.play = name, applied, play
        self.outcomes = (outcomes,) if isinstance(outcomes, str) else tuple(outcomes)

    def __repr__(self):
        return self.name


def status(code, outcome, headers=(), body=b"{}", name=None, applied=False):
    return Fault(name or f"HTTP {code}", outcome, lambda e: e.answer(code, body, headers), applied)


def _sent(data, then="close"):
    def play(exchange):
        exchange.send(data)
        getattr(exchange, then)()
    return play


HALF_BODY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n{\"ok\": true, \"id\": "

# The request was taken and no complete answer came: nobody knows whether it was applied. Here it was.
UNANSWERED = [
    Fault("the connection is closed without a byte", "ambiguous", lambda e: e.close(), applied=True),
    Fault("the connection is reset after the request", "ambiguous", lambda e: e.reset(), applied=True),
    Fault("half a status line", "ambiguous", _sent(b"HTTP/1."), applied=True),
    Fault("half a head", "ambiguous", _sent(b"HTTP/1.1 200 OK\r\ncontent-le"), applied=True),
    Fault("half a body", "ambiguous", _sent(HALF_BODY), applied=True),
    Fault("half a body, and a reset", "ambiguous", _sent(HALF_BODY, "reset"), applied=True),
    Fault("a content-length that is too large", "ambiguous", _sent(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}"), applied=True),
    Fault("a content-length that is no number", "ambiguous", _sent(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}"), applied=True),
    Fault("chunks that end early", "ambiguous", _sent(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n"), applied=True),
    Fault("chunks of no size", "ambiguous", _sent(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"), applied=True),
    Fault("something that is not HTTP", "ambiguous", _sent(b"SSH-2.0-OpenSSH_9.2p1\r\n\0\0\1"), applied=True),
    Fault("a greeting of another protocol in lines", "ambiguous", _sent(b"220 mail.example ESMTP\r\n"), applied=True),
    Fault("a negative content-length", "ambiguous", _sent(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}"), applied=True),
    Fault("a NUL in the head", "ambiguous", _sent(b"HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\n{}"), applied=True),
    Fault("a header without a colon", "ambiguous", _sent(b"HTTP/1.1 200 OK\r\nnonsense\r\ncontent-length: 2\r\n\r\n{}"), applied=True),
    Fault("400 KB of head", "ambiguous", lambda e: e.answer(200, b"{}", [(f"x-{n}", "y" * 1000) for n in range(400)]), applied=True),
    Fault("a version that does not exist", "ambiguous", _sent(b"HTTP/3.7 200 OK\r\ncontent-length: 2\r\n\r\n{}"), applied=True),
    Fault("a coding that the body has not", "ambiguous",
          _sent(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), applied=True),
    Fault("status 000", "ambiguous", _sent(b"HTTP/1.1 000 None\r\ncontent-length: 0\r\n\r\n"), applied=True),
    Fault("another protocol is switched to", "ambiguous", _sent(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\nabc"), applied=True),
    Fault("an interim answer and no other", "ambiguous", _sent(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"), applied=True),
]
# The same, told by the clock: each costs the destination's timeout.
SLOW = [
    Fault("silence", "ambiguous", lambda e: e.wait_for_the_other_side(), applied=True),
    Fault("a head that never ends", "ambiguous", lambda e: e.drip(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 400), applied=True),
    Fault("a body that comes a byte at a time", "ambiguous",
          lambda e: (e.send(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n"), e.drip(b"z" * 400)), applied=True),
    Fault("a body that stops", "ambiguous", _sent(HALF_BODY, "wait_for_the_other_side"), applied=True),
]
# An answer that says: not now.
REFUSED_FOR_NOW = [status(code, "retry") for code in (408, 425, 500, 502, 503, 504, 507, 599, 600, 999)] + [
    status(500, "retry", [("retry-after", "0")], name="HTTP 500 with Retry-After"),
    status(429, "retry", name="HTTP 429 without Retry-After"),
    status(429, "retry", [("retry-after", "soon")], name="HTTP 429 with a Retry-After that says nothing"),
    status(503, "retry", [("retry-after", "")], name="HTTP 503 with an empty Retry-After"),
    status(502, "retry", body=b"<html>" + b"<p>Bad gateway</p>" * 4000, name="HTTP 502 with a large page"),
]
# Anything of these is answered whole, and is good by its status.
TAKEN = [
    status(200, "ok", body=b"", name="200 without a body", applied=True),
    status(201, "ok", name="201", applied=True),
    status(202, "ok", body=b"", name="202", applied=True),
    Fault("204", "ok", lambda e: e.answer(204, length=False), applied=True),
    Fault("204 with a body all the same", "ok", _sent(b"HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nbody"), applied=True),
    status(200, "ok", body=b"<html>not JSON</html>", name="200 with a page", applied=True),
    status(200, "ok", body=b"\xff\xfe\x00{\x80", name="200 with bytes that are no text", applied=True),
    status(200, "ok", body=b"[" * 5000, name="200 with 5000 brackets", applied=True),
    Fault("100 and then 200", "ok", lambda e: (e.send(b"HTTP/1.1 100 Continue\r\n\r\n"), e.answer()), applied=True),
    Fault("three interim answers and then 200", "ok",
          lambda e: (e.send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 3), e.answer()), applied=True),
    Fault("200 that ends with the connection", "ok", lambda e: e.answer(200, b"{}", length=False), applied=True),
    Fault("HTTP/1.0", "ok", lambda e: (e.answer(200, b"{}", version="HTTP/1.0"), e.close()), applied=True),
    Fault("lines that end in LF alone", "ok", _sent(b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}"), applied=True),
    Fault("a status without words", "ok", lambda e: e.answer(200, b"{}", reason=""), applied=True),
    Fault("a body in chunks, with a trailer", "ok",
          lambda e: e.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nx-more: z\r\n\r\n"), applied=True),
    Fault("more body than was said", "ok", _sent(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}and more"), applied=True),
    Fault("8 MiB of body", "ok", lambda e: e.answer(200, b"x" * (8 << 20)), applied=True),
    Fault("50 KB of head", "ok", lambda e: e.answer(200, b"{}", [(f"x-{n}", "y" * 1000) for n in range(50)]), applied=True),
]
# Where the relay may not go. A redirect is not followed: it would take what is secret to somebody else.
def redirects(to):
    return [status(code, "retry", [("location", to)], name=f"a redirect by {code}") for code in (301, 302, 303, 307, 308)]


# For ever, and for this delivery alone.
REFUSED = [status(code, "reject") for code in (400, 403, 404, 405, 409, 413, 415, 422, 451, 501)]


def throttled(wait, what, code=429):
    return status(code, "throttle", [("retry-after", wait)], name=f"HTTP {code}, wait {what}")


def http_date(in_s):
    return email.utils.formatdate(time.time() + in_s, usegmt=True)


class Scripts:
    """What each delivery meets, one after another; then its service is well. `key_of(request)` says which delivery a request is of, by what
    it carries; None: the request is none of a delivery's. `take(exchange)` is the answer of a service that is well."""

    def __init__(self, key_of, take, plan):
        self.key_of, self.take, self.plan = key_of, take, plan
        self.lock = threading.Lock()
        self.plans, self.requests, self.effects, self.order, self.strangers = {}, {}, {}, [], []

    def __call__(self, exchange):
        key = self.key_of(exchange.request)
        with self.lock:
            if key is None:
                self.strangers.append(exchange.request)
                fault = None
            else:
                faults = self.plans.setdefault(key, list(self.plan(key)))
                met = self.requests.setdefault(key, [])
                fault = faults[len(met)] if len(met) < len(faults) else None
                met.append(exchange.request)
                if fault is None or fault.applied:
                    self.effects.setdefault(key, []).append(exchange.request)
                    self.order.append(key)
        (fault.play if fault else self.take)(exchange)

    def count(self, key):
        with self.lock:
            return len(self.requests.get(key, []))

    def counts(self):
        with self.lock:
            return {key: len(met) for key, met in self.requests.items()}

    def effects_of(self, key):
        with self.lock:
            return list(self.effects.get(key, []))
