#!/usr/bin/env python3
"""Measures the daemon against yardsticks in one run on the same machine, and prints a table of ratios.

Usage: scripts/bench [--quick] [--only NAME…]. Absolute figures depend on the machine; the ratios are what is compared.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ["CHATRELAY_BINARY"] = str(BUILD / "chatrelay")
import harness  # noqa: E402

ROWS = []
RUN = [0]


def row(what, figure, must, aim, note=""):
    ROWS.append((what, figure, must, aim, note))
    print(f"  {what}: {figure}   (must {must}, aim {aim}) {note}", flush=True)


class Bare:
    def __init__(self, *answer):
        self.process = subprocess.Popen([str(BUILD / "tests/bench/bench_bare_server"), *answer], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def count(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/count")
        value = int(connection.getresponse().read())
        connection.close()
        return value

    def close(self):
        self.process.kill()
        self.process.wait()


def wrk(port, seconds, connections=64, script="livechat.lua", environment=None):
    RUN[0] += 1
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(ROOT / "tests/bench" / script),
                           f"http://127.0.0.1:{port}/"], capture_output=True, text=True,
                          env={**os.environ, "CHATRELAY_BENCH_RUN": f"{os.getpid()}_{RUN[0]}", **(environment or {})})
    found = re.search(r"RESULT (\{.*\})", done.stdout)
    if not found:
        raise SystemExit(f"wrk failed:\n{done.stdout}{done.stderr}")
    result = json.loads(found.group(1))
    result["rate"] = result["requests"] / result["seconds"]
    return result


def fill(path, count, destination="", chats=1000):
    subprocess.run([str(BUILD / "tests/bench/bench_fill_store"), str(path), str(count), *([destination, str(chats)] if destination else [])], check=True)


def copy_store(source, target):
    shutil.copy(source, target)
    os.sync()  # the first commit must not pay for writing the copy


def daemon(config, rules="rules: []\n", store_from=None, prefix=()):
    made = harness.Daemon(config, rules, prefix=prefix)
    if store_from:
        copy_store(store_from, made.store)
    return made.start()


def accept_rate(seconds, pairs):
    ratios, latencies, rates, bares = [], [], [], []
    for _ in range(pairs):
        bare = Bare()
        base = wrk(bare.port, seconds)
        bare.close()
        relay = daemon(harness.source_livechat())
        got = wrk(relay.public, seconds)
        relay.close()
        if got["errors"]:
            raise SystemExit(f"{got['errors']} requests were not answered 200")
        ratios.append(got["rate"] / base["rate"])
        latencies.append(got["p99_ms"])
        rates.append(got["rate"])
        bares.append(base["rate"])
    row("200s per second, synced, against a bare server", f"{statistics.median(ratios):.2f}", 0.35, 0.6,
        f"{statistics.median(rates):.0f}/s against {statistics.median(bares):.0f}/s")
    row("p99 time-to-200 under that load", f"{statistics.median(latencies):.1f} ms", "25 ms", "10 ms")


def p99_with_a_million(seconds, stored, work):
    path = work / "million.db"
    fill(path, stored)
    relay = daemon(harness.source_livechat(), store_from=path)
    got = wrk(relay.public, seconds)
    relay.close()
    row(f"p99 time-to-200 with {stored} events stored", f"{got['p99_ms']:.1f} ms", "25 ms", "10 ms", f"{got['rate']:.0f}/s")


FORWARD = """
rules:
  - name: forward
    on: incoming_event
    deliver: [{to: hook, with: {body: {chat: "{{ .chat.id }}", text: "{{ .message.text }}"}}}]
"""
OTHERS = FORWARD + """
  - name: others
    on: incoming_event
    deliver: [{to: silent}, {to: slow_name}]
"""


def hook(port, more=""):
    return harness.source_livechat() + (f"destinations:\n  hook: {{connector: webhook, url: 'http://127.0.0.1:{port}/in', "
                                        f"allow_private: true, concurrency: 32}}\n{more}")


def through(relay, sink, seconds, connections=64):
    """Sends for `seconds`, waits until the sink has everything, and answers events per second over the whole time."""
    before, began = sink.count(), time.monotonic()
    got = wrk(relay.public, seconds, connections)
    end = time.monotonic() + 300
    while sink.count() - before < got["requests"]:
        if time.monotonic() > end:
            raise SystemExit(f"only {sink.count() - before} of {got['requests']} were delivered")
        time.sleep(0.02)
    return got["requests"] / (time.monotonic() - began)


def delivered_rate(seconds, pairs):
    ratios, rates, loops = [], [], []
    body = tempfile.NamedTemporaryFile(delete=False)
    body.write(b'{"chat":"PJ0MRSHT1","text":"hello there, I have a question about my last order"}')
    body.close()
    for _ in range(pairs):
        sink = Bare()
        loop = float(subprocess.run([str(BUILD / "tests/bench/bench_curl_loop"), f"http://127.0.0.1:{sink.port}/in", body.name,
                                     "30000", "32"], capture_output=True, text=True, check=True).stdout)
        relay = daemon(hook(sink.port), FORWARD)
        rate = through(relay, sink, seconds)
        relay.close()
        sink.close()
        ratios.append(rate / loop)
        rates.append(rate)
        loops.append(loop)
    os.unlink(body.name)
    row("events per second received, ruled and delivered, against a libcurl-multi loop", f"{statistics.median(ratios):.2f}", 0.15, 0.35,
        f"{statistics.median(rates):.0f}/s against {statistics.median(loops):.0f}/s")


SLACK_ANSWER = '{"ok":true,"channel":"C024BE91L","ts":"1503435956.000247","message":{"type":"message","text":"hello","ts":"1503435956.000247"}}'
SLACK = """
rules:
  - name: forward
    on: incoming_event
    deliver: [{to: hook, with: {text: "{{ .message.text }}", thread: false}}]
"""


def slack_rate(seconds, pairs):
    """Both with ten at once, and with the same answer; Slack's own limit is configured away."""
    ratios, rates, others = [], [], []
    for _ in range(pairs):
        sink = Bare(SLACK_ANSWER)
        relay = daemon(hook(sink.port).replace("concurrency: 32", "concurrency: 10"), FORWARD)
        webhook = through(relay, sink, seconds)
        relay.close()
        relay = daemon(harness.source_livechat() + (
            f"destinations:\n  hook: {{connector: slack, token: xoxb-1, channel: C024BE91L, base_url: 'http://127.0.0.1:{sink.port}', "
            "allow_private: true, concurrency: 10, pace: 1000000/s}\n"), SLACK)
        slack = through(relay, sink, seconds)
        relay.close()
        sink.close()
        ratios.append(slack / webhook)
        rates.append(slack)
        others.append(webhook)
    row("the same through the `slack` connector, against the `webhook` connector", f"{statistics.median(ratios):.2f}", 0.7, 0.9,
        f"{statistics.median(rates):.0f}/s against {statistics.median(others):.0f}/s")


def beside_sick(seconds, pairs):
    import socket
    hole = socket.create_server(("127.0.0.1", 0), backlog=1024)
    slow = harness.SlowResolver(5)
    ratios, rates, paused_ratios = [], [], []
    more = (f"  silent: {{connector: webhook, url: 'http://127.0.0.1:{hole.getsockname()[1]}/', allow_private: true, timeout: 30s}}\n"
            "  slow_name: {connector: webhook, url: 'http://slow.example.test/', timeout: 30s}\n")
    for _ in range(pairs):
        sink = Bare()
        relay = daemon(hook(sink.port, more), FORWARD, prefix=slow.prefix)
        without = through(relay, sink, seconds)
        relay.close()
        relay = daemon(hook(sink.port, more), OTHERS, prefix=slow.prefix)
        among = through(relay, sink, seconds)
        relay.close()
        relay = daemon(hook(sink.port, more), OTHERS, prefix=slow.prefix)  # the same work for the store, nobody sick
        for name in ("silent", "slow_name"):
            relay.cli("destinations", "pause", name)
        paused = through(relay, sink, seconds)
        relay.close()
        sink.close()
        ratios.append(among / without)
        paused_ratios.append(among / paused)
        rates.append(among)
    hole.close()
    slow.close()
    row("the same beside a destination that never answers and one whose name resolves in 5 s", f"{statistics.median(ratios):.2f}", 0.9, 0.97,
        f"{statistics.median(rates):.0f}/s; against the same rules with those two paused: {statistics.median(paused_ratios):.2f}" + ("" if slow.prefix else "; not root: the name fails at once instead of after 5 s"))


def backlog_cost(work, sizes=(1000, 1_000_000), deliver=20000):
    """CPU seconds per delivered event while so many others are pending behind a paused destination and in the same one."""
    costs = {}
    for size in sizes:
        path = work / f"pending{size}.db"
        fill(path, size, "hook", max(1000, size // 100))
        sink = Bare()
        relay = daemon(hook(sink.port), FORWARD, store_from=path)
        wanted = min(size, deliver)
        end = time.monotonic() + 200
        began, begun = time.monotonic(), 0  # a sink of its own: what came while we started to watch counts
        cpu0 = cpu_seconds(relay.process.pid)
        while sink.count() - begun < wanted and time.monotonic() < end:
            time.sleep(0.01)
        n = sink.count() - begun
        costs[size] = (cpu_seconds(relay.process.pid) - cpu0) / n
        costs[f"{size}_rate"] = n / (time.monotonic() - began)
        relay.close()
        sink.close()
    small, large = sizes
    row(f"cost per delivered event with {large} pending, against {small}", f"{costs[large] / costs[small]:.2f}", "1.5", "1.1",
        f"{costs[large] * 1e6:.0f} µs against {costs[small] * 1e6:.0f} µs of CPU; {costs[f'{large}_rate']:.0f}/s against {costs[f'{small}_rate']:.0f}/s")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_with_backlog(work, size=1_000_000):
    path = work / f"pending{size}.db"
    if not path.exists():
        fill(path, size, "hook", max(1000, size // 100))
    made = harness.Daemon(hook(9), FORWARD)
    copy_store(path, made.store)
    began = time.monotonic()
    made.start()
    took = time.monotonic() - began
    time.sleep(2)
    memory = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{made.process.pid}/status").read_text()).group(1)) / 1024
    made.close()
    row(f"start to ready with {size} pending", f"{took:.2f} s", "1 s", "0.3 s")
    row("resident memory then", f"{memory:.0f} MB", "150 MB", "60 MB")


def thousand_expressions(work):
    rules = "rules:\n" + "".join(
        f"  - name: rule {i}\n    on: incoming_event\n    when: (.visitor.email // \"\") | ascii_downcase | endswith(\"@customer{i}.example\")\n"
        f"    deliver: [{{to: hook}}]\n" for i in range(1000))
    made = harness.Daemon(hook(9), rules)
    few = harness.Daemon(hook(9), FORWARD)

    def load_time(d):
        times = []
        for _ in range(5):
            began = time.monotonic()
            subprocess.run([harness.BINARY, "check", "--config", str(d.config_file)], check=True, capture_output=True)
            times.append(time.monotonic() - began)
        return statistics.median(times)
    took = load_time(made)
    base = load_time(few)
    made.close()
    few.close()
    row("loading a rule set with 1,000 expressions (whole `chatrelay check`)", f"{took:.2f} s", "0.5 s", "0.2 s", f"with one rule: {base:.2f} s")


def open_rooms(port, count, file):
    """Visitors with a room each, as lines "token rid"."""
    def some(numbers):
        client = harness.Livechat(port)
        lines = []
        for n in numbers:
            token = client.visitor(token=f"bench-token-{n:06d}", name=f"Visitor {n}")["token"]
            lines.append(f"{token} {client.room(token)}\n")
        client.close()
        return lines
    with concurrent.futures.ThreadPoolExecutor(16) as pool:  # their commits share syncs
        file.write_text("".join(line for lines in pool.map(some, [range(i, count, 16) for i in range(16)]) for line in lines))


def post_rate(seconds, pairs, work):
    ratios, rates, bares, latencies = [], [], [], []
    rooms = work / "rooms"
    for _ in range(pairs):
        relay = daemon(harness.source_rocketchat("rooms_per_visitor: 10000", limits=harness.NO_LIMITS.replace("1000000/min", "1000000/s")
                                                 .replace("}", ", per_address: 1000}")))
        open_rooms(relay.public, 1000, rooms)
        environment = {"CHATRELAY_BENCH_ROOMS": str(rooms)}
        bare = Bare()
        base = wrk(bare.port, seconds, script="rocketchat.lua", environment=environment)
        bare.close()
        got = wrk(relay.public, seconds, script="rocketchat.lua", environment=environment)
        relay.close()
        if got["errors"]:
            raise SystemExit(f"{got['errors']} messages were not answered 200")
        ratios.append(got["rate"] / base["rate"])
        rates.append(got["rate"])
        bares.append(base["rate"])
        latencies.append(got["p99_ms"])
    row("messages posted per second to endpoints served, synced, against a bare server", f"{statistics.median(ratios):.2f}", 0.25, 0.5,
        f"{statistics.median(rates):.0f}/s against {statistics.median(bares):.0f}/s; p99 {statistics.median(latencies):.1f} ms")


def fill_room(client, token, count):
    """An operator's bulk calls with 100 messages each, which is the most that one takes: about 7 KB."""
    rid = client.room(token)
    for first in range(0, count, 100):
        messages = [{"msg": f"message {n} of a long conversation, quite ordinary"} for n in range(first, min(first + 100, count))]
        client.ok("POST", "messages", {"visitor": {"token": token}, "messages": messages},
                  headers={"X-Auth-Token": harness.OPERATOR, "X-User-Id": "bench"})
    return rid


def wait_until_idle(pid):
    while True:
        before = cpu_seconds(pid)
        time.sleep(1)
        if cpu_seconds(pid) - before < 0.03:
            return


def history_cost(seconds, pairs, large=100_000, small=100):
    relay = daemon(harness.source_rocketchat(limits=harness.NO_LIMITS.replace("1000000/min", "1000000/s").replace("}", ", per_address: 1000}")))
    client = harness.Livechat(relay.public)
    paths = {}
    for count in (large, small):
        token = client.visitor()["token"]
        rid = fill_room(client, token, count)
        paths[count] = f"/api/v1/livechat/messages.history/{rid}?token={token}"
        page = client.history(token, rid)
        if len(page) != 20 or not page[0]["msg"].startswith(f"message {count - 1} "):
            raise SystemExit(f"the room of {count} messages was not filled: {page[:1]}")
    wait_until_idle(relay.process.pid)  # the planner has seen them all
    ratios, rates = [], []
    for _ in range(max(pairs, 3)):  # by turns: what disturbs the machine disturbs both
        got = {count: wrk(relay.public, seconds, 8, "rocketchat.lua", {"CHATRELAY_BENCH_GET": path}) for count, path in paths.items()}
        if any(result["errors"] for result in got.values()):
            raise SystemExit("a page was not answered 200")
        ratios.append(got[small]["rate"] / got[large]["rate"])
        rates.append((got[large]["rate"], got[small]["rate"]))
    relay.close()
    row(f"first page of the history of a room with {large:,} messages, against one with {small}", f"{statistics.median(ratios):.2f}", 1.3, 1.1,
        f"{statistics.median(r[0] for r in rates):.0f} pages/s against {statistics.median(r[1] for r in rates):.0f}/s")


def isonline_rate(seconds, pairs):
    """The question that every page of a website asks: answered from memory, against a bare server that answers a GET."""
    ratios, rates, bares, latencies = [], [], [], []
    ask = {"CHATRELAY_BENCH_GET": "/restapi/isonline"}
    for _ in range(pairs):
        relay = daemon(harness.source_livehelperchat())
        relay.cli("presence", "set", "online", "--user", "1")
        bare = Bare()
        base = wrk(bare.port, seconds, script="rocketchat.lua", environment=ask)
        bare.close()
        got = wrk(relay.public, seconds, script="rocketchat.lua", environment=ask)
        answer = harness.LiveHelperChat(relay.public).fine("GET", "isonline", authorization=None)
        relay.close()
        if got["errors"] or answer != {"isonline": True}:
            raise SystemExit(f"{got['errors']} were not answered 200; the last said {answer}")
        ratios.append(got["rate"] / base["rate"])
        rates.append(got["rate"])
        bares.append(base["rate"])
        latencies.append(got["p99_ms"])
    row("isonline per second, against a bare server", f"{statistics.median(ratios):.2f}", 0.6, 0.9,
        f"{statistics.median(rates):.0f}/s against {statistics.median(bares):.0f}/s; p99 {statistics.median(latencies):.1f} ms")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="shorter, for a look; the figures of record are without it")
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    seconds, pairs, stored = (2, 1, 100_000) if arguments.quick else (8, 3, 1_000_000)
    work = pathlib.Path(tempfile.mkdtemp(prefix="chatrelay-bench-"))
    steps = {
        "accept": lambda: accept_rate(seconds, pairs),
        "million": lambda: p99_with_a_million(seconds, stored, work),
        "deliver": lambda: delivered_rate(seconds, pairs),
        "slack": lambda: slack_rate(seconds, pairs),
        "sick": lambda: beside_sick(seconds, pairs),
        "backlog": lambda: backlog_cost(work, (1000, stored)),
        "start": lambda: start_with_backlog(work, stored),
        "expressions": lambda: thousand_expressions(work),
        "rc_post": lambda: post_rate(seconds, pairs, work),
        "isonline": lambda: isonline_rate(seconds, pairs),
        "rc_history": lambda: history_cost(max(seconds // 2, 1), pairs, 10_000 if arguments.quick else 100_000),
    }
    try:
        for name, step in steps.items():
            if not arguments.only or name in arguments.only:
                print(f"{name} …", flush=True)
                step()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("\n| what | figure | must | aim | |\n|---|---|---|---|---|")
    for what, figure, must, aim, note in ROWS:
        print(f"| {what} | {figure} | {must} | {aim} | {note} |")


if __name__ == "__main__":
    main()
