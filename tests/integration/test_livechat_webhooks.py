"""chatrelay webhooks against LiveChat's Configuration API as its documentation tells it, and a real relay behind the address."""
import base64
import json
import re
import subprocess
import threading

from harness import BINARY, Case, livechat_chat, main, wait_for

ACCOUNT, TOKEN, CLIENT = "acc-0001", "dal:pat-Zq0123456789", "client-a"
OLD, NEW = "old-secret-0123456789", "new-secret-9876543210"
CHAT = ["chat_presence", "only_my_chats", "source_type"]
DATA = ["chat_properties", "chat_presence_user_ids"]
NAMES = ([{"action": a, "filters": CHAT, "additional_data": DATA} for a in
          ("incoming_chat", "chat_deactivated", "chat_transferred", "thread_tagged")] +
         [{"action": "incoming_event", "filters": CHAT + ["author_type"], "additional_data": DATA},
          {"action": "routing_status_set", "filters": ["agent_ids", "source_type"]},
          {"action": "agent_deleted", "filters": ["source_type"]}])
SCOPES = {"register_webhook": "webhooks.configuration:rw", "list_webhooks": "webhooks.configuration:rw",
          "unregister_webhook": "webhooks.configuration:rw", "enable_license_webhooks": "webhooks.state:rw",
          "get_license_webhooks_state": "webhooks.state:ro", "create_bot": "agents-bot--my:rw", "list_bots": "agents-bot--all:ro",
          "list_routing_statuses": "agents-bot--all:ro", "set_routing_status": "agents-bot--my:rw"}


class Refused(Exception):
    def __init__(self, status, kind, message, data=None):
        self.status, self.body = status, {"error": {"type": kind, "message": message, **({"data": data} if data else {})}}


class ConfigurationApi:
    """Every request is checked as the documentation asks; what is wrong is refused with its error type."""

    def __init__(self, case):
        self.webhooks, self.bots, self.statuses, self.calls = {}, {}, {}, []
        self.enabled, self.next, self.scopes, self.throttle = True, 1, set(SCOPES.values()), 0
        self.lock = threading.Lock()
        self.sink = case.sink(self.answer)
        self.url = self.sink.url.removesuffix("/in")

    def answer(self, request):
        with self.lock:
            try:
                value = self.handle(request)
            except Refused as refused:
                return refused.status, {"x-debug-id": "dbg-1"}, json.dumps(refused.body).encode()
            return 200, {}, b"" if value is None else json.dumps(value).encode()

    def handle(self, request):
        found = re.fullmatch(r"/v3\.6/(configuration|agent)/action/(\w+)", request.path)
        if not found or request.method != "POST":
            raise Refused(404, "not_found", "Not found")
        action = found.group(2)
        if request.headers.get("content-type") != "application/json":
            raise Refused(400, "validation", "Wrong format of request")
        if self.throttle:
            self.throttle -= 1
            raise Refused(429, "too_many_requests", "Too many requests")
        body = request.json()
        if action == "list_webhook_names":  # no authorization
            return NAMES
        basic = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != basic:
            raise Refused(401, "authentication", "Invalid access token")
        if SCOPES[action] not in self.scopes:
            raise Refused(403, "authorization", "Authorization error")
        if found.group(1) != ("agent" if "routing" in action else "configuration"):
            raise Refused(404, "not_found", "Not found")
        if found.group(1) == "configuration" and action != "list_bots" and not body.get("owner_client_id"):
            raise Refused(400, "validation", "`owner_client_id` is required")
        self.calls.append(action)
        return getattr(self, action)(body)

    def list_webhooks(self, body):
        public = ("id", "url", "description", "action", "filters", "owner_client_id", "type")
        return [{k: v for k, v in one.items() if k in public} for one in self.webhooks.values()
                if one["owner_client_id"] == body["owner_client_id"]]

    def register_webhook(self, body):
        for key in ("action", "secret_key", "url", "type"):
            if not body.get(key):
                raise Refused(400, "validation", f"`{key}` is required")
        name = next((n for n in NAMES if n["action"] == body["action"]), None)
        known = {"action", "secret_key", "url", "type", "owner_client_id", "description", "filters", "additional_data"}
        if (not name or set(body) - known or body["type"] not in ("license", "bot") or len(body["url"]) > 500 or
                set(body.get("filters", {})) - set(name["filters"]) or
                set(body.get("additional_data", [])) - set(name.get("additional_data", []))):
            raise Refused(400, "validation", "Wrong format of request")
        if sum(1 for one in self.webhooks.values() if one["action"] == body["action"]
               and one["owner_client_id"] == body["owner_client_id"]) >= 3:
            raise Refused(400, "limit_reached", "Limit reached")
        return {"id": self.keep(body)}

    def keep(self, body):
        key = f"hook{self.next:04}"
        self.next += 1
        self.webhooks[key] = {**body, "id": key}
        return key

    def unregister_webhook(self, body):
        if self.webhooks.pop(body["id"], None) is None:
            raise Refused(404, "not_found", "Not found")

    def get_license_webhooks_state(self, _):
        return {"license_webhooks_enabled": self.enabled}

    def enable_license_webhooks(self, _):
        self.enabled = True

    def create_bot(self, body):
        key = f"bot{self.next:04}"
        self.next += 1
        self.bots[key], self.statuses[key] = body["name"], "offline"
        return {"id": key, "secret": "the-bots-own-secret"}

    def list_bots(self, _):
        return [{"id": k, "name": n, "owner_client_id": CLIENT} for k, n in self.bots.items()]

    def list_routing_statuses(self, _):
        return [{"agent_id": k, "status": s} for k, s in self.statuses.items()]

    def set_routing_status(self, body):
        self.statuses[body["agent_id"]] = body["status"]

    def secrets(self):
        return sorted(one["secret_key"] for one in self.webhooks.values())

    def changes(self):
        return [c for c in self.calls if not c.startswith(("list_", "get_"))]


class Webhooks(Case):
    def setUp(self):
        self.livechat = ConfigurationApi(self)

    def config(self, secrets=(OLD,), more="", token=TOKEN):
        return (f'sources:\n  chat:\n    system: livechat\n    secrets: {json.dumps(list(secrets))}\n'
                f'    api: {{account: {ACCOUNT}, token: "{token}", client_id: {CLIENT}, base_url: "{self.livechat.url}"{more}}}\n'
                "destinations: {}\n")

    def relay(self, **keywords):
        relay = self.daemon(self.config(**keywords), "rules: []\n")
        self.address = f"http://127.0.0.1:{relay.public}"
        return relay

    def run_it(self, relay, verb, *arguments, code=0):
        done = relay.cli("webhooks", verb, "chat", "--url", self.address, *arguments, check=False)
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, code, text)
        for secret in (TOKEN, OLD, NEW, base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode(), "the-bots-own-secret"):
            self.assertNotIn(secret, text)
        return text

    def deliver(self, relay):
        """As LiveChat would: what is registered for incoming_chat, each with its own secret."""
        statuses = []
        for one in self.livechat.webhooks.values():
            if one["action"] == "incoming_chat":
                body = json.loads(livechat_chat())
                body.update(secret_key=one["secret_key"], webhook_id=one["id"])
                statuses.append(relay.post(one["url"].split(str(relay.public))[1], json.dumps(body))[0])
        return statuses

    def test_register_state_list_and_unregister(self):
        relay = self.relay()
        self.livechat.enabled = False
        text = self.run_it(relay, "register")
        self.assertIn("enabled the licence's webhooks", text)
        self.assertEqual(sorted(one["action"] for one in self.livechat.webhooks.values()), sorted(n["action"] for n in NAMES))
        self.assertTrue(self.livechat.enabled)
        self.assertEqual({one["url"] for one in self.livechat.webhooks.values()}, {self.address + "/hooks/chat"})
        before = len(self.livechat.changes())
        self.assertIn("nothing to change: 7 in place", self.run_it(relay, "register"))
        self.assertEqual(len(self.livechat.changes()), before)
        self.assertIn("takes the newest secret", self.run_it(relay, "state"))
        rows = json.loads(relay.cli("webhooks", "list", "chat", "--url", self.address, "--json").stdout)
        self.assertEqual({row["whose"] for row in rows}, {"as wanted"})
        self.assertEqual(self.deliver(relay), [200])
        self.assertIn("7 removed", self.run_it(relay, "unregister"))
        self.assertEqual(self.livechat.webhooks, {})
        self.assertIn("nothing is registered", self.run_it(relay, "state", code=1))

    def test_the_probe_leaves_no_event(self):
        relay = self.relay()
        self.run_it(relay, "register")
        self.run_it(relay, "state")
        self.assertEqual(self.deliver(relay), [200])
        events = wait_for(lambda: relay.cli_json("events", "list", "--source", "chat")["events"], "no event came")
        self.assertEqual([event["type"] for event in events], ["incoming_chat"])

    def test_a_new_secret_goes_in_without_a_gap(self):
        relay = self.relay()
        self.run_it(relay, "register")
        relay.write(self.config(secrets=(NEW, OLD)))
        # The relay was not reloaded: nothing may be registered that it would refuse.
        before = len(self.livechat.changes())
        self.assertIn("chatrelay reload", self.run_it(relay, "register", "--wait", "0s", code=65))
        self.assertEqual(len(self.livechat.changes()), before)

        relay.cli("reload")
        answers = []
        original = self.livechat.unregister_webhook

        def unregister(body):
            answers.append(self.deliver(relay))  # while the first old one is about to go
            original(body)
        self.livechat.unregister_webhook = unregister
        text = self.run_it(relay, "register", "--wait", "1s")
        self.assertIn("waiting 1s", text)
        self.assertIn("7 added, 7 removed", text)
        self.assertEqual(answers[0], [200, 200])
        self.assertTrue(all(set(statuses) == {200} for statuses in answers))
        self.assertEqual(self.livechat.secrets(), [NEW] * 7)
        relay.write(self.config(secrets=(NEW,)))
        relay.cli("reload")
        self.assertIn("nothing to change", self.run_it(relay, "register"))
        self.assertEqual(self.deliver(relay), [200])
        events = wait_for(lambda: relay.cli_json("events", "list", "--source", "chat")["events"], "no event came")
        self.assertEqual(len(events), 1, "what came by two registrations is kept once")

    def test_a_run_that_was_killed_in_the_wait_is_finished_by_the_next(self):
        relay = self.relay()
        self.run_it(relay, "register")
        relay.write(self.config(secrets=(NEW, OLD)))
        relay.cli("reload")
        command = [BINARY, "webhooks", "register", "chat", "--url", self.address, "--config", str(relay.config_file)]
        cut = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # waits two minutes
        wait_for(lambda: len(self.livechat.webhooks) == 14, "the new ones were not registered")
        cut.kill()
        cut.wait()
        self.assertIn("0 added, 7 removed", self.run_it(relay, "register", "--wait", "0s"))
        self.assertEqual(self.livechat.secrets(), [NEW] * 7)

    def test_old_registrations_stay_while_the_relay_is_down(self):
        relay = self.relay()
        self.run_it(relay, "register")
        relay.write(self.config(secrets=(NEW, OLD)))
        relay.stop()
        text = self.run_it(relay, "register", "--wait", "0s", code=1)
        self.assertIn("the old registrations stay", text)
        self.assertEqual(self.livechat.secrets(), [NEW] * 7 + [OLD] * 7)

    def test_alike_ones_go_and_others_stay(self):
        relay = self.relay()
        self.run_it(relay, "register")
        first = next(iter(self.livechat.webhooks.values()))
        self.livechat.keep(first)
        theirs = self.livechat.keep({"action": "incoming_chat", "url": "https://other.example/\x1b[2J", "type": "license",
                                     "owner_client_id": CLIENT, "description": "ours\u202e", "secret_key": "theirs"})
        self.assertIn("there twice", self.run_it(relay, "state", code=1))
        self.assertIn("0 added, 1 removed", self.run_it(relay, "register", "--wait", "0s"))
        self.assertEqual(len(self.livechat.webhooks), 8)
        text = self.run_it(relay, "list")
        self.assertIn("somebody else's", text)
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\u202e", text)
        self.run_it(relay, "unregister")
        self.assertEqual(list(self.livechat.webhooks), [theirs])
        self.run_it(relay, "unregister", "--id", theirs)
        self.assertEqual(self.livechat.webhooks, {})

    def test_a_bot(self):
        relay = self.relay(more=', bot: {name: "Relay"}')
        self.run_it(relay, "register", "--type", "bot")
        (bot,) = self.livechat.bots
        self.assertEqual(self.livechat.bots[bot], "Relay")
        self.assertEqual(self.livechat.statuses[bot], "not_accepting_chats")
        self.assertEqual({one["type"] for one in self.livechat.webhooks.values()}, {"bot"})
        before = len(self.livechat.changes())
        self.run_it(relay, "register", "--type", "bot")
        self.assertEqual(len(self.livechat.changes()), before)
        self.run_it(relay, "state")
        self.livechat.statuses[bot] = "offline"
        self.assertIn("the bot is offline", self.run_it(relay, "state", code=1))
        self.run_it(relay, "register", "--type", "bot")
        self.run_it(relay, "state")

    def test_filters_and_actions_of_the_configuration(self):
        relay = self.relay(more=", actions: [incoming_event, routing_status_set], additional_data: [chat_properties], "
                                "filters: {author_type: customer, source_type: [other_clients, system]}")
        self.run_it(relay, "register")
        kept = {one["action"]: one for one in self.livechat.webhooks.values()}
        self.assertEqual(set(kept), {"incoming_event", "routing_status_set"})
        self.assertEqual(kept["incoming_event"]["filters"], {"author_type": "customer", "source_type": ["other_clients", "system"]})
        self.assertEqual(kept["incoming_event"]["additional_data"], ["chat_properties"])
        self.assertEqual(kept["routing_status_set"]["filters"], {"source_type": ["other_clients", "system"]})

    def test_errors_say_what_to_do_next(self):
        relay = self.relay(token="dal:another-token-0123")
        self.assertIn("Personal Access Tokens", self.run_it(relay, "register", code=77))
        relay.write(self.config())
        self.livechat.scopes.remove("webhooks.configuration:rw")
        self.assertIn("webhooks.configuration:rw", self.run_it(relay, "register", code=77))
        self.livechat.scopes.add("webhooks.configuration:rw")
        self.livechat.scopes.remove("agents-bot--my:rw")
        self.assertIn("agents-bot--my:rw", self.run_it(relay, "register", "--type", "bot", code=77))
        self.assertEqual(self.livechat.changes(), [])
        self.livechat.throttle = 1
        self.assertIn("waiting 1s", self.run_it(relay, "state", code=1))
        relay.write(self.config(more=", actions: [incoming_caht]"))
        self.assertIn("is incoming_chat meant?", self.run_it(relay, "register", code=65))
        for _ in range(3):
            self.livechat.keep({"action": "incoming_chat", "url": "https://o.example", "type": "license",
                                "owner_client_id": CLIENT, "description": "", "secret_key": "x"})
        relay.write(self.config())
        text = self.run_it(relay, "register", code=1)
        self.assertIn("limit_reached", text)
        self.assertIn("--id ID", text)
        self.assertIn("6 added", text)
        self.livechat.sink.close()
        self.assertIn("see that this machine reaches", self.run_it(relay, "list", code=69))

    def test_what_is_missing_in_the_configuration(self):
        relay = self.daemon('sources:\n  chat: {system: livechat, secrets: [old-secret-0123456789]}\n'
                            '  site: {system: generic, verify: none, map: {type: .t}}\n', start=False)
        self.assertIn("api: {account", relay.cli("webhooks", "state", "chat", "--url", "https://a.example", check=False).stderr)
        for name, words in (("site", "of system generic"), ("nobody", "there is no source")):
            done = relay.cli("webhooks", "state", name, check=False)
            self.assertEqual(done.returncode, 65)
            self.assertIn(words, done.stderr)
        relay.write(self.config())
        done = relay.cli("webhooks", "register", "chat", check=False)
        self.assertEqual(done.returncode, 78)
        self.assertIn("listen.public_url", done.stderr)


if __name__ == "__main__":
    main()
