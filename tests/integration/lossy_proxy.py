"""Stands between the daemon and a real server and loses answers: the server did what it was asked, and nobody hears of it."""
import http.client
import threading

import harness

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}


class LossyProxy(harness.Sink):
    """`lose(received, status) -> bool` decides for each answer of the server on 127.0.0.1:`port`; by default none is lost. What was asked
    and answered is in `exchanges`, as (received, status, lost)."""

    def __init__(self, port, lose=lambda _received, _status: False):
        self.port, self.lose, self.exchanges, self.guard = port, lose, [], threading.Lock()
        super().__init__(self._forward)
        self.url = self.url.removesuffix("/in")

    def _forward(self, got):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {name: value for name, value in got.headers.items() if name not in HOP_BY_HOP}
            connection.request(got.method, got.path, got.body or None, headers)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return None  # the server is not there
        finally:
            connection.close()
        with self.guard:
            lost = self.lose(got, response.status)
            self.exchanges.append((got, response.status, lost))
        if lost:
            return None
        return response.status, {name: value for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP}, body

    def asked(self, method, end_of_path):
        """Every request of this method whose path ends so, answered or not."""
        return [got for got in self.all() if got.method == method and got.path.split("?")[0].endswith(end_of_path)]


def lose_first(count, method, part_of_path):
    """Loses the first `count` answers to requests of this method with this in their path that the server did."""
    left = [count]

    def lose(got, status):
        if left[0] == 0 or got.method != method or part_of_path not in got.path or status >= 300:
            return False
        left[0] -= 1
        return True
    return lose
