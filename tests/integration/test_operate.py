"""Reload, drain, pause, replay, socket activation, backup: what an operator does to a running daemon."""
import http.client
import os
import signal
import socket
import threading
import time

from harness import Case, SlowResolver, livechat_chat, livechat_event, main, source_livechat, wait_for

RULES = """
rules:
  - name: forward
    on: incoming_event
    deliver: [{to: hook, with: {body: {text: "{{ .message.text }}", name: "{{ .visitor.name }}"}}}]
"""


def config(url, more=""):
    return source_livechat() + f"destinations:\n  hook: {{connector: webhook, url: '{url}', allow_private: true, retry: {{first: 50ms, max: 500ms}}}}\n{more}"


class Operate(Case):
    def test_reload_is_whole_or_not_at_all(self):
        sink, other = self.sink(), self.sink()
        daemon = self.daemon(config(sink.url), RULES)
        daemon.post("/hooks/livechat", livechat_event(event="1"))
        wait_for(lambda: sink.count() == 1, "delivered")
        daemon.write(config(other.url) + "nonsense: 1\n")
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: "nonsense" in daemon.log_text(), "the problem is logged")
        daemon.post("/hooks/livechat", livechat_event(event="2"))
        wait_for(lambda: sink.count() == 2, "the old configuration still holds")
        daemon.write(config(other.url))
        before = len(daemon.log_text())
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: "reloaded" in daemon.log_text(before), "reloaded")
        daemon.post("/hooks/livechat", livechat_event(event="3"))
        wait_for(lambda: other.count() == 1, "the new destination is used")
        self.assertEqual(sink.count(), 2)

    def test_a_destination_that_goes_away_keeps_its_deliveries(self):
        sink = self.sink(lambda _: (503, {}, b""))
        daemon = self.daemon(config(sink.url), RULES)
        daemon.post("/hooks/livechat", livechat_event(event="1"))
        wait_for(lambda: sink.count() >= 1, "an attempt")
        daemon.write(source_livechat() + "destinations: {}\n", "rules: []\n")
        before = len(daemon.log_text())
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: "reloaded" in daemon.log_text(before), "reloaded")
        sink.answer = lambda _: (200, {}, b"")
        daemon.write(config(sink.url), RULES)
        before = len(daemon.log_text())
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: "reloaded" in daemon.log_text(before), "reloaded")
        wait_for(lambda: len(daemon.cli_json("deliveries", "list", "--state", "delivered")["deliveries"]) == 1, "it went on")

    def test_reload_under_load_loses_nothing(self):
        sink = self.sink()
        daemon = self.daemon(config(sink.url), RULES)
        stop, answered, failed = threading.Event(), [], []

        def load(k):
            n = 0
            while not stop.is_set():
                n += 1
                status = daemon.post("/hooks/livechat", livechat_event(chat=f"C{k}", event=f"{k}_{n}", text=f"{k}_{n}"))[0]
                (answered if status == 200 else failed).append(f"{k}_{n}")
        threads = [threading.Thread(target=load, args=(k,), daemon=True) for k in range(4)]
        for t in threads:
            t.start()
        for _ in range(8):
            before = len(daemon.log_text())
            daemon.signal(signal.SIGHUP)
            wait_for(lambda: "reloaded" in daemon.log_text(before), "reloaded")
        stop.set()
        for t in threads:
            t.join(20)
        self.assertEqual(failed, [])
        wait_for(lambda: set(answered) <= {r.json()["text"] for r in sink.all()}, "all delivered")

    def test_drain_answers_what_is_under_way_and_exits_zero(self):
        slow = threading.Event()
        def answer(_):
            slow.wait(3)
            return 200, {}, b""
        sink = self.sink(answer)
        daemon = self.daemon(config(sink.url), RULES)
        daemon.post("/hooks/livechat", livechat_event(event="1"))
        wait_for(lambda: sink.count() == 1, "the attempt is under way")
        threading.Timer(0.5, slow.set).start()
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        states = wait_for(lambda: daemon.cli_json("deliveries", "list")["deliveries"], "the delivery is listed")
        self.assertEqual(states[0]["state"], "delivered", "its outcome was waited for")
        self.assertEqual(sink.count(), 1)

    def test_socket_activation_refuses_no_connection_during_a_restart(self):
        sink = self.sink()
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        port = listener.getsockname()[1]
        daemon = self.daemon(config(sink.url), RULES, start=False,
                             prefix=["/bin/sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=public; exec "$@"', "sh"])

        def hand_over():
            os.dup2(listener.fileno(), 3)
            os.set_inheritable(3, True)
        import subprocess as sp
        original = sp.Popen
        daemon.preexec = hand_over
        # fd 3 must survive the exec of the shell and of the daemon.
        def popen(*a, **k):
            k["close_fds"] = False
            return original(*a, **k)
        sp.Popen = popen
        self.addCleanup(setattr, sp, "Popen", original)
        daemon.start()
        self.assertEqual(daemon.public, port)
        stop, statuses, errors = threading.Event(), [], []

        def load():
            n = 0
            while not stop.is_set():
                n += 1
                try:
                    statuses.append(daemon.post("/hooks/livechat", livechat_event(event=f"s{n}", text=f"s{n}"), timeout=60)[0])
                except ConnectionRefusedError as e:
                    errors.append(e)
                except (OSError, http.client.HTTPException):
                    statuses.append(0)  # cut while draining: the sender tries again
        thread = threading.Thread(target=load, daemon=True)
        thread.start()
        for _ in range(3):
            wait_for(lambda: len(statuses) > 5, "requests are answered")
            self.assertEqual(daemon.stop(), 0)
            statuses.clear()
            daemon.start()
        wait_for(lambda: len(statuses) > 5, "requests are answered")
        stop.set()
        thread.join(70)
        self.assertEqual(errors, [], "no connection is refused")
        self.assertEqual(set(statuses) - {200}, set(), "no request is dropped")

    def test_pause_holds_and_resume_goes_on(self):
        sink = self.sink()
        daemon = self.daemon(config(sink.url), RULES)
        daemon.cli("destinations", "pause", "hook")
        for n in range(3):
            daemon.post("/hooks/livechat", livechat_event(event=str(n), text=str(n)))
        wait_for(lambda: len(daemon.cli_json("deliveries", "list")["deliveries"]) == 3, "planned")
        daemon.kill()
        daemon.start()
        self.assertEqual(sink.count(), 0, "a pause outlives kill -9")
        self.assertIn("paused", daemon.cli("destinations", "status").stdout)
        daemon.cli("destinations", "resume", "hook")
        wait_for(lambda: sink.count() == 3, "resumed")
        self.assertEqual([r.json()["text"] for r in sink.all()], ["0", "1", "2"])

    def test_replay_plans_again_as_of_the_event(self):
        sink = self.sink()
        daemon = self.daemon(config(sink.url), RULES)
        daemon.post("/hooks/livechat", livechat_chat(name="Before"))
        daemon.post("/hooks/livechat", livechat_event(event="K_2", text="x"))
        wait_for(lambda: sink.count() == 1, "delivered")
        daemon.post("/hooks/livechat", livechat_chat(name="After", thread="T2"))
        event = wait_for(lambda: daemon.cli_json("events", "list", "--type", "incoming_event")["events"], "listed")[0]
        plan = daemon.cli("replay", "--event", event["id"], "--dry-run").stdout
        self.assertIn("hook", plan)
        self.assertEqual(sink.count(), 1, "a dry run sends nothing")
        daemon.cli("replay", "--event", event["id"])
        wait_for(lambda: sink.count() == 2, "replayed")
        first, second = sink.all()
        self.assertEqual(second.json(), {"text": "x", "name": "Before"})
        self.assertNotEqual(first.id, second.id, "a replay makes a new delivery")

    def test_backup_of_a_running_daemon_restores(self):
        sink = self.sink(lambda _: (503, {}, b""))
        daemon = self.daemon(config(sink.url), RULES)
        for n in range(20):
            daemon.post("/hooks/livechat", livechat_event(event=str(n), chat=f"C{n}"))
        wait_for(lambda: len(daemon.cli_json("deliveries", "list")["deliveries"]) == 20, "planned")
        backup = daemon.directory / "backup.db"
        daemon.cli("backup", str(backup))
        refused = daemon.cli("restore", str(backup), "--pending", "cancel", check=False)
        self.assertNotEqual(refused.returncode, 0, "not under a running daemon")
        daemon.stop()
        sink.answer = lambda _: (200, {}, b"")
        daemon.cli("restore", str(backup), "--pending", "cancel")
        before = sink.count()
        daemon.start()
        listed = daemon.cli_json("deliveries", "list", "--limit", "100")["deliveries"]
        self.assertEqual({d["state"] for d in listed}, {"cancelled"})
        self.assertEqual(sink.count(), before)

    def test_dead_and_unresolvable_destinations_delay_nobody(self):
        sink = self.sink()
        hole = socket.create_server(("127.0.0.1", 0), backlog=128)  # accepts in the kernel, never answers
        self.addCleanup(hole.close)
        more = (f"  hole: {{connector: webhook, url: 'http://127.0.0.1:{hole.getsockname()[1]}/', allow_private: true, timeout: 20s}}\n"
                "  nowhere: {connector: webhook, url: 'http://no-such-host.invalid/'}\n")
        rules = RULES + "  - name: others\n    on: incoming_event\n    deliver: [{to: hole}, {to: nowhere}]\n"
        daemon = self.daemon(config(sink.url, more), rules)
        began = time.monotonic()
        for n in range(100):
            self.assertEqual(daemon.post("/hooks/livechat", livechat_event(event=str(n), chat=f"C{n % 10}"))[0], 200)
        wait_for(lambda: sink.count() == 100, "all at the healthy one")
        self.assertLess(time.monotonic() - began, 15)

    def test_a_name_that_resolves_in_five_seconds_delays_nobody(self):
        resolver = SlowResolver(5)
        self.addCleanup(resolver.close)
        if not resolver.prefix:
            self.skipTest("needs root: a name server of our own on port 53 of a loopback address")
        sink = self.sink()
        rules = RULES + "  - name: slow\n    on: incoming_event\n    deliver: [{to: slow, with: {body: {text: slow}}}]\n"
        port = sink.url.split(":")[2].split("/")[0]
        daemon = self.daemon(config(sink.url, f"  slow: {{connector: webhook, url: 'http://slow.example.test:{port}/in', allow_private: true}}\n"),
                             rules, prefix=resolver.prefix)
        began = time.monotonic()
        for n in range(50):
            self.assertEqual(daemon.post("/hooks/livechat", livechat_event(event=str(n), chat=f"C{n % 5}", text=f"m{n}"))[0], 200)
        fast = lambda: [r for r in sink.all() if r.json()["text"] != "slow"]
        wait_for(lambda: len(fast()) == 50, "all at the healthy one")
        self.assertLess(time.monotonic() - began, 4.5, "before the slow name was even answered")
        wait_for(lambda: sink.count() == 100, "the slow one gets its own in the end")
        self.assertGreater(resolver.queries, 0)

    def test_private_addresses_are_refused_unless_allowed(self):
        sink = self.sink()
        daemon = self.daemon(source_livechat() + f"destinations:\n  hook: {{connector: webhook, url: '{sink.url}'}}\n", RULES)
        daemon.post("/hooks/livechat", livechat_event())
        wait_for(lambda: "allow_private" in daemon.cli("deliveries", "list").stdout + daemon.cli("destinations", "status").stdout,
                 "the operator is told what to do")
        self.assertEqual(sink.count(), 0)


if __name__ == "__main__":
    main()
