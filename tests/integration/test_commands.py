"""The commands, as a person would use them: exit codes, messages, and what strangers' text does to a terminal."""
import os
import subprocess

from harness import BINARY, SOURCE_DIR, Case, livechat_chat, livechat_event, main, source_livechat, wait_for

RULES = """
rules:
  - name: forward
    on: [incoming_chat, incoming_event]
    deliver: [{to: hook, with: {body: {text: "{{ .message.text }}"}}}]
"""


def run(*arguments, **keywords):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=120, **keywords)


class Offline(Case):
    def test_check_prints_every_problem_with_its_place_and_exits_78(self):
        directory = self.directory()
        (directory / "rules").mkdir()
        (directory / "rules" / "r.yaml").write_text("rules:\n  - name: a\n    on: incoming_chat\n    when: .visitor.email ==\n    deliver: [{to: hok}]\n")
        (directory / "c.yaml").write_text("store: sqlite:x.db\nrules: [rules]\nsorces: {}\nsources:\n  a: {system: livechat, secret: x}\n"
                                          "destinations:\n  hook: {connector: webhook, url: 'http://127.0.0.1:1/'}\n")
        done = run("check", "--config", str(directory / "c.yaml"))
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, 78, text)
        for part in ('c.yaml:3', '"sources"', 'c.yaml:5', '"secrets"', 'r.yaml:4', 'r.yaml:5', 'did you mean hook?'):
            self.assertIn(part, text)

    def test_a_kind_and_a_connector_are_told_apart(self):
        directory = self.directory()
        (directory / "c.yaml").write_text("store: sqlite:x.db\nsources:\n  a: {sytem: livechat}\ndestinations:\n"
                                          "  x: {kind: webhook, url: 'http://a.example/'}\n  y: {connector: email}\n  z: {conector: webhook}\n")
        done = run("check", "--config", str(directory / "c.yaml"))
        self.assertEqual(done.returncode, 78)
        text = done.stdout + done.stderr
        for part in ('c.yaml:3: sources.a.system is missing; is "sytem" meant', 'c.yaml:5: destinations.x.kind "webhook" is not a kind but a connector; write connector: webhook',
                     'c.yaml:6: destinations.y.connector "email" is not a connector but a kind; write kind: email', 'is "conector" meant'):
            self.assertIn(part, text)
        self.assertNotIn('is ""', text)

    def test_a_connector_that_does_not_exist_has_not_passed_its_tests(self):
        done = run("connectors", "test", "nope", env={})
        self.assertEqual(done.returncode, 65, done.stdout + done.stderr)

    def test_the_shipped_configuration_loads_in_an_empty_environment(self):
        done = run("check", "--config", str(SOURCE_DIR / "config" / "chatrelay.yaml"), env={})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_init_writes_passes_check_and_its_own_tests(self):
        for use in ("webhook", "mail", "archive"):
            directory = self.directory()
            done = run("init", str(directory / "relay"), "--system", "livechat", "--use", use)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            config = str(directory / "relay" / "chatrelay.yaml")
            checked = run("check", "--config", config)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
            tested = run("rules", "test", "--config", config)
            self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def test_the_tests_of_the_shipped_rules_connectors_and_the_demo_pass(self):
        directory = self.directory()
        (directory / "c.yaml").write_text(
            f"store: sqlite:x.db\nrules: [{SOURCE_DIR}/rules]\nsources:\n  livechat: {{system: livechat, secrets: [abcdef]}}\n"
            "destinations:\n  mailbox: {kind: email, smtp: 'maildir:mail', from: a@example.com, to: [b@example.com]}\n"
            "  crm: {connector: hubspot, token: abc}\n  marketing: {connector: klaviyo, key: abc}\n")
        for command in (["rules", "test"], ["connectors", "test"]):
            done = run(*command, "--config", str(directory / "c.yaml"))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        tested = run("rules", "test", "--config", str(directory / "c.yaml")).stdout
        self.assertIn("passed", tested)
        self.assertNotIn("skipped", tested)
        demo = {**os.environ, "DEMO_DIR": str(directory), "DEMO_SECRET": "demo-secret", "DEMO_SIGN": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "DEMO_CRM": "http://127.0.0.1:1/", "DEMO_BILLING": "http://127.0.0.1:1/"}
        done = run("check", "--config", str(SOURCE_DIR / "config/examples/demo/chatrelay.yaml"), env=demo)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_rule_test_that_does_not_hold_fails_and_shows_the_difference(self):
        directory = self.directory()
        (directory / "rules").mkdir()
        (directory / "rules" / "r.yaml").write_text(RULES)
        (directory / "rules" / "r_test.yaml").write_text(
            "tests:\n  - name: wrong\n    source: livechat\n    events: [{type: incoming_event, message: {text: hello}}]\n"
            "    expect: [{to: hook, with: {body: {text: goodbye}}}]\n")
        (directory / "c.yaml").write_text("store: sqlite:x.db\nrules: [rules]\nsources:\n  livechat: {system: livechat, secrets: [abcdef]}\n"
                                          "destinations:\n  hook: {connector: webhook, url: 'http://127.0.0.1:1/'}\n")
        done = run("rules", "test", "--config", str(directory / "c.yaml"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("goodbye", done.stdout + done.stderr)
        self.assertIn("hello", done.stdout + done.stderr)

    def test_without_a_daemon_the_commands_say_what_to_do(self):
        directory = self.directory()
        (directory / "c.yaml").write_text("listen: {admin: 127.0.0.1:1}\nstore: sqlite:x.db\nsources: {}\ndestinations: {}\n")
        done = run("events", "list", "--config", str(directory / "c.yaml"))
        self.assertEqual(done.returncode, 69)
        self.assertIn("127.0.0.1:1", done.stderr)

    def test_usage_errors_exit_64_and_version_says_one(self):
        self.assertEqual(run("no-such-command").returncode, 64)
        self.assertRegex(run("version").stdout, r"\d+\.\d+\.\d+")
        self.assertEqual(run("--help").returncode, 0)

    def test_a_second_daemon_does_not_open_the_store(self):
        daemon = self.daemon(source_livechat() + "destinations: {}\n", "rules: []\n")
        done = run("serve", "--config", str(daemon.config_file))
        self.assertEqual(done.returncode, 78)
        self.assertIn("in use by another chatrelay", done.stdout + done.stderr)


class Online(Case):
    def setUp(self):
        self.hook = self.sink()
        self.relay = self.daemon(source_livechat() + f"destinations:\n  hook: {{connector: webhook, url: '{self.hook.url}', allow_private: true}}\n", RULES)

    def test_events_chats_and_deliveries_are_shown_without_control_characters(self):
        self.relay.post("/hooks/livechat", livechat_chat(name="\x1b[2JEvil\r\n"))
        self.relay.post("/hooks/livechat", livechat_event(event="2", text="\x1b]0;owned\x07 \u202e hi"))
        wait_for(lambda: self.hook.count() == 2, "delivered")
        event = self.relay.cli_json("events", "list", "--type", "incoming_event")["events"][0]
        outputs = [self.relay.cli(*a).stdout for a in (
            ["events", "list"], ["events", "show", event["id"]], ["chats", "list"], ["chats", "show", "PJ0MRSHTDG"],
            ["deliveries", "list"], ["destinations", "status"])]
        for text in outputs:
            self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f\x7f]")
            self.assertTrue(text.strip())
        delivery = self.relay.cli_json("deliveries", "list")["deliveries"][0]
        self.assertIn("200", self.relay.cli("deliveries", "show", delivery["id"]).stdout)

    def test_tail_prints_events_as_they_come(self):
        process = subprocess.Popen([BINARY, "events", "tail", "--config", str(self.relay.config_file)], stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "CHATRELAY_ADMIN": f"127.0.0.1:{self.relay.admin}"})
        try:
            lines = []
            import threading
            threading.Thread(target=lambda: [lines.append(l) for l in process.stdout], daemon=True).start()
            n = 0

            def seen():
                nonlocal n
                n += 1
                self.relay.post("/hooks/livechat", livechat_event(event=f"t{n}"))
                return any("incoming_event" in line for line in lines)
            wait_for(seen, "a line for an event")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_send_signs_as_the_source_expects(self):
        recorded = self.relay.directory / "recorded.json"
        recorded.write_text(livechat_event(secret="another"))
        done = self.relay.cli("send", str(recorded), "--source", "livechat", "--url", f"http://127.0.0.1:{self.relay.public}")
        self.assertIn("200", done.stdout + done.stderr)
        wait_for(lambda: self.hook.count() == 1, "delivered")

    def test_cancel_takes_a_delivery_out(self):
        self.hook.answer = lambda _: (503, {}, b"")
        self.relay.post("/hooks/livechat", livechat_event())
        waiting = wait_for(lambda: self.relay.cli_json("deliveries", "list", "--state", "deferred")["deliveries"], "deferred")
        self.relay.cli("deliveries", "cancel", waiting[0]["id"])
        states = [d["state"] for d in self.relay.cli_json("deliveries", "list")["deliveries"]]
        self.assertEqual(states, ["cancelled"])

    def test_health_and_metrics(self):
        self.assertEqual(self.relay.api("GET", "/healthz")[0], 200)
        self.assertEqual(self.relay.api("GET", "/readyz")[0], 200)
        self.relay.post("/hooks/livechat", livechat_event(secret="no"))
        self.relay.post("/hooks/livechat", livechat_event())
        wait_for(lambda: 'outcome="ok"' in self.relay.metrics(), "attempts are counted")
        text = wait_for(lambda: "chatrelay_queue_depth" in self.relay.metrics() and self.relay.metrics(), "the queue is measured")
        for name in ('chatrelay_received_total{source="livechat"} 1', 'reason="wrong_secret"} 1', "chatrelay_time_to_200_seconds_bucket",
                     "chatrelay_queue_depth", "chatrelay_circuit_state"):
            self.assertIn(name, text)

    def test_the_admin_port_refuses_other_sites(self):
        import http.client
        for headers, status in (({"Host": "evil.example"}, 403), ({"Origin": "https://evil.example"}, 403), ({}, 200)):
            connection = http.client.HTTPConnection("127.0.0.1", self.relay.admin, timeout=20)
            connection.request("GET", "/api/events", headers=headers)
            self.assertEqual(connection.getresponse().status, status, headers)
            connection.close()


if __name__ == "__main__":
    main()
