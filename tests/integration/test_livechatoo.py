"""Livechatoo: what the bridge in a page sends to the relay, what anybody else may send, and the verification of who a visitor is."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import threading
import time

from harness import Answer, Case, Livechat, main, wait_for

ORIGIN = {"Origin": "https://shop.example"}
VISITOR = "0123456789abcdef0123456789abcdef"
SESSION = "PHPSESSID=the-session-of-a-visitor"
RULES = """rules:
  - name: everything is kept
    on: "*"
    deliver: [{to: archive}]
"""


def config(more=""):
    return ('sources:\n  shop:\n    system: livechatoo\n    account: shop\n    origins: ["https://shop.example"]\n    per_address: 1000000/min\n'
            + "".join(f"    {line}\n" for line in more.splitlines()) + "destinations:\n  archive: {kind: file, path: archive.jsonl}\n")


def told(event, data, n, **more):
    """As the bridge writes it. `n` makes the id of the call."""
    return {"id": f"{n:032x}", "event": event, "data": data, "visitor": VISITOR, "account": "shop", "widget": "embed",
            "page": {"url": "https://shop.example/basket", "title": "Basket", "referrer": ""},
            "init": {"c_name": "Ann", "c_email": "ann@example.com", "lang": "en", "departments": "2,5", "c_name_byop": "Ann, who buys a lot"}, **more}


class Hook(Case):
    def relay(self, more="", rules=RULES):
        daemon = self.daemon(config(more), rules)
        return daemon, Livechat(daemon.public)

    def send(self, client, call, headers=None, status=200):
        answer = client.call("POST", "/hooks/shop", call, {"Content-Type": "text/plain;charset=UTF-8", **(ORIGIN if headers is None else headers)})
        self.assertEqual(answer.status, status, answer)
        if status == 200:
            self.assertEqual(answer.text, "", "a visitor's browser learns nothing")
        return answer

    def events(self, daemon):
        archive = daemon.directory / "archive.jsonl"
        return [json.loads(line) for line in archive.read_text().splitlines()] if archive.exists() else []

    def arrived(self, daemon, count):
        return wait_for(lambda: len(self.events(daemon)) >= count and self.events(daemon), f"{count} events")

    def test_every_callback_becomes_its_event(self):
        daemon, client = self.relay()
        calls = [
            ("onload", {"page": "start-online", "online": 1}, "visitor_activity"),
            ("onchange", {"chat_status": "max"}, "visitor_activity"),
            ("onchatstart", {"ticket": 4711, "initiator": "operator"}, "incoming_chat"),
            ("onchatrating", {"ticket": 4711, "rating": "4", "message": "kind"}, "chat_rated"),
            ("onofflinemessage", {"name": "Ann", "email": "ann@example.com", "phone": None, "message": "call me"}, "offline_message"),
            ("ontrigger", {"id": 7, "title": "Help"}, "trigger_fired"),
            ("onnamerequired", {"accepted": True, "name": "Ann Novak"}, "visitor_updated"),
            ("onemailrequired", {"accepted": 1, "email": "novak@example.com"}, "visitor_updated"),
            ("onphonerequired", {"accepted": False}, "contact_declined"),
            ("conversion", {"value": 49.9, "currency": "EUR"}, "conversion"),
        ]
        for n, (name, data, _) in enumerate(calls):
            self.send(client, told(name, data, n, ticket=4711))
        events = self.arrived(daemon, len(calls))
        by_name = {e["activity"]["callback"]: e for e in events}  # what belongs to no chat may overtake what does
        self.assertEqual({name: e["type"] for name, e in by_name.items()}, {name: kind for name, _, kind in calls})
        self.assertEqual((by_name["onchatstart"]["chat"]["id"], by_name["onchatstart"]["chat"]["initiator"]), ("4711", "operator"))
        self.assertEqual({k: by_name["onchatrating"]["chat"]["rating"][k] for k in ("score", "scale", "comment")}, {"score": 4, "scale": 5, "comment": "kind"})
        self.assertEqual(by_name["onofflinemessage"]["message"]["text"], "call me")
        self.assertEqual(by_name["onnamerequired"]["visitor"]["name"], "Ann Novak")
        self.assertEqual(by_name["onemailrequired"]["visitor"]["email"], "novak@example.com")
        self.assertEqual(by_name["onload"]["activity"]["page"], "start-online")
        self.assertIs(by_name["onload"]["activity"]["online"], True)
        for event in events:
            self.assertNotIn("who buys a lot", json.dumps(event["visitor"]), "what is for operators is not the visitor's")
            self.assertEqual(event["visitor"]["page"]["url"], "https://shop.example/basket")

    def test_a_chat_that_is_told_again_and_again_is_one(self):
        daemon, client = self.relay()
        self.send(client, told("onchatstart", {"ticket": 4711, "initiator": "client"}, 1))
        with concurrent.futures.ThreadPoolExecutor(6) as tabs:
            list(tabs.map(lambda n: self.send(Livechat(daemon.public), told("onchatopened", {"ticket": "4711", "initiator": "client"}, n)), range(2, 14)))
        self.send(client, told("onchatopened", {"ticket": 4712, "initiator": "trigger"}, 20))  # its start was never told
        self.send(client, told("ontrigger", {"id": 1, "title": "told twice"}, 21))
        self.send(client, told("ontrigger", {"id": 1, "title": "told twice"}, 21))
        self.send(client, told("ontrigger", {"id": 1, "title": "told twice"}, 22))
        events = self.arrived(daemon, 4)
        self.assertEqual(sorted((e["type"], (e["chat"] or {}).get("id") or "") for e in events),
                         [("incoming_chat", "4711"), ("incoming_chat", "4712"), ("trigger_fired", ""), ("trigger_fired", "")])

    def test_only_configured_websites_may_send(self):
        daemon, client = self.relay()
        call = told("ontrigger", {"id": 666, "title": "from a stranger"}, 1)
        for origin in ("https://evil.example", "http://shop.example", "https://shop.example.evil.example", "https://shop.example:8443", "null", ""):
            answer = self.send(client, call, {"Origin": origin}, 403)
            self.assertNotIn("access-control-allow-origin", answer.headers, origin)
        self.assertNotIn("access-control-allow-origin", self.send(client, call, {}, 403).headers)
        answer = self.send(client, told("ontrigger", {"id": 1, "title": "a friend"}, 2))
        self.assertEqual(answer.headers["access-control-allow-origin"], "https://shop.example")
        self.assertNotIn("access-control-allow-credentials", answer.headers)
        self.assertIn("origin", answer.headers.get("vary", "").lower())
        ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        self.assertIn(client.call("OPTIONS", "/hooks/shop", headers={**ORIGIN, **ask}).status, (200, 204))
        self.assertNotIn("access-control-allow-origin", client.call("OPTIONS", "/hooks/shop", headers={"Origin": "https://evil.example", **ask}).headers)
        self.assertEqual([e["activity"]["trigger"]["title"] for e in self.arrived(daemon, 1)], ["a friend"])

    def test_odd_calls_are_refused_or_harmless(self):
        daemon, client = self.relay()
        for body in ("", "{", "[]", "null", '"x"', "[" * 50_000, "{}", '{"event": "onload"}', '{"event": "nothing", "data": {}}', '{"event": ["onload"], "data": {}}',
                     '{"event": "onchatstart", "data": {}}', '{"event": "onchatrating", "data": {"rating": 5}}', '{"event": "conversion", "data": {}}',
                     json.dumps(told("onload", {}, 1, account="another"))):
            self.send(client, body, status=400)
        self.send(client, json.dumps(told("onload", {"page": "x" * 70_000}, 1)), status=413)
        answer = client.call("POST", "/hooks/shop", "event=onload", {**ORIGIN, "Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(answer.status, 415, "what a form of another website could send without asking")
        for n, ticket in enumerate(("../../x", "a b", "x" * 100, {"a": 1}, ["4711"], True, None)):
            self.send(client, told("onchatstart", {"ticket": ticket, "initiator": "client"}, n), status=400)
        for n, rating in enumerate((0, 6, "five", None, -1, 1e308)):
            self.send(client, told("onchatrating", {"ticket": 1, "rating": rating}, n))
        self.assertEqual({e["type"] for e in self.arrived(daemon, 6)}, {"invalid_payload"})

    def test_one_address_is_limited(self):
        limited = self.daemon(config().replace("per_address: 1000000/min", "per_address: 3/min"), RULES)
        client = Livechat(limited.public)
        for n in range(3):
            self.send(client, told("ontrigger", {"id": 1, "title": "x"}, n))
        answer = self.send(client, told("ontrigger", {"id": 1, "title": "x"}, 9), status=429)
        self.assertTrue(1 <= int(answer.headers["retry-after"]) <= 60)
        self.assertEqual(answer.headers["access-control-allow-origin"], "https://shop.example", "the bridge must be able to read it")

    def test_what_custom_holds_is_never_kept(self):
        daemon, client = self.relay()
        call = told("onload", {"page": "online", "online": True, "custom": SESSION}, 1)
        call["init"]["custom"] = SESSION
        call["custom"] = {"deep": [SESSION]}
        self.send(client, call)
        self.arrived(daemon, 1)
        self.assertNotIn("the-session", (daemon.directory / "archive.jsonl").read_text())
        self.assertNotIn("the-session", daemon.log_text())
        self.assertEqual(daemon.stop(), 0)
        for file in daemon.directory.glob("chatrelay.db*"):
            self.assertNotIn(b"the-session", file.read_bytes(), file.name)

    def test_a_rule_knows_target_pages(self):
        rules = """rules:
  - name: baskets
    on: trigger_fired
    when: .visitor.page.url | matches_page("*shop.example/basket")
    deliver: [{to: archive}]
"""
        daemon, client = self.relay(rules=rules)
        for n, url in enumerate(("https://shop.example/", "https://shop.example/basket", "https://shop.example/basket/2")):
            self.send(client, told("ontrigger", {"id": n, "title": "x"}, n, page={"url": url}))
        events = self.arrived(daemon, 1)
        wait_for(lambda: len(daemon.cli_json("events", "list")["events"]) == 3, "all three are planned")
        self.assertEqual([e["visitor"]["page"]["url"] for e in events], ["https://shop.example/basket"])


class Script(Case):
    def test_the_bridge_is_served_to_every_page(self):
        daemon = self.daemon(config(), RULES)
        client = Livechat(daemon.public)
        for path in ("/livechatoo/bridge.js?source=shop", "/livechatoo/bridge.js"):  # of one source, its name may be left out
            answer = client.call("GET", path)
            self.assertEqual(answer.status, 200)
            self.assertRegex(answer.headers["content-type"], r"^(application|text)/javascript")
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertIn("/hooks/shop", answer.text)
            self.assertNotIn("@chatrelay_settings@", answer.text)
        kept = client.call("GET", path, headers={"If-None-Match": answer.headers["etag"]})
        self.assertEqual((kept.status, kept.text), (304, ""))
        self.assertEqual(client.call("GET", "/livechatoo/bridge.js?source=nobody").status, 404)
        self.assertEqual(client.call("GET", "/livechatoo/bridge.js?source=%3C/script%3E").status, 404)
        self.assertIn(client.call("POST", "/livechatoo/bridge.js?source=shop", "x").status, (404, 405))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(claims, secret="token-secret-0123456789abcdef", header=None):
    text = b64(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode()) + "." + b64(json.dumps(claims).encode())
    return text + "." + b64(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())


class Identity(Case):
    def verify(self, client, value, method="GET", **headers):
        if method == "GET":
            answer = client.call("GET", "/livechatoo/identity?" + value, headers=headers)
        else:
            answer = client.call("POST", "/livechatoo/identity?source=shop", value, {"Content-Type": "application/x-www-form-urlencoded", **headers})
        self.assertIsInstance(answer, Answer)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        return answer

    def test_the_website_is_asked_and_only_who_is_known_is_remembered(self):
        sessions = {"PHPSESSID=good": {"name": "Ann <b>Novak</b>", "customer": 17}}

        def answer(got):
            return 200, {"content-type": "application/json"}, json.dumps(sessions.get(got.headers.get("x-session"))).encode()
        shop = self.sink(answer)
        daemon = self.daemon(config(f"""identity:
  lookup: {{url: "{shop.url}", value_in: "header:X-Session", allow_private: true}}
  answer: "if . == null then null else {{name: .name, customer: .customer}} end"
  cache: 1m"""), RULES)
        client = Livechat(daemon.public)
        for _ in range(3):
            text = self.verify(client, "source=shop&custom=PHPSESSID%3Dgood").text
            self.assertIn("Verified", text)
            self.assertIn("17", text)
        self.assertEqual(shop.count(), 1, "who is known is remembered")
        for value in ("source=shop&custom=PHPSESSID%3Dbad", "source=shop&custom=", "source=shop"):
            before = self.verify(client, value).text
            self.assertIn("Not verified", before)
        sessions["PHPSESSID=bad"] = {"name": "Eve", "customer": 18}  # the visitor has logged in now
        self.assertIn("18", self.verify(client, "source=shop&custom=PHPSESSID%3Dbad").text)
        self.assertIn("17", self.verify(client, "custom=PHPSESSID%3Dgood", "POST").text)
        self.assertNotIn("PHPSESSID", daemon.log_text())

    def test_html_is_escaped(self):
        shop = self.sink(lambda _: (200, {"content-type": "application/json"}, b'{"name": "<script>alert(1)</script>"}'))
        daemon = self.daemon(config(f'identity: {{format: html, lookup: {{url: "{shop.url}", allow_private: true}}}}'), RULES)
        answer = self.verify(Livechat(daemon.public), "source=shop&custom=x")
        self.assertTrue(answer.headers["content-type"].startswith("text/html"))
        self.assertNotIn("<script>", answer.text)
        self.assertIn("&lt;script&gt;", answer.text)

    def test_a_website_that_does_not_answer_is_not_a_stranger(self):
        never = threading.Event()
        self.addCleanup(never.set)
        shop = self.sink(lambda _: never.wait(30))
        daemon = self.daemon(config(f'identity: {{lookup: {{url: "{shop.url}", timeout: 300ms, allow_private: true}}}}'), RULES)
        began = time.monotonic()
        self.assertIn("Cannot be verified just now", self.verify(Livechat(daemon.public), "source=shop&custom=x").text)
        self.assertLess(time.monotonic() - began, 10)

    def test_tokens_of_the_website_are_verified_here(self):
        daemon = self.daemon(config('identity: {token: {secrets: ["token-secret-0123456789abcdef"]}, limit: 1000000/min}'), RULES)
        client = Livechat(daemon.public)
        soon = int(time.time()) + 3600
        good = token({"name": "Ann", "customer": 17, "exp": soon})
        self.assertIn("17", self.verify(client, "source=shop&custom=" + good).text)
        wrong = {
            "other secret": token({"name": "Ann", "exp": soon}, "another-secret-0123456789abcd"),
            "no signature": good.rsplit(".", 1)[0] + ".",
            "alg none": token({"name": "Ann", "exp": soon}, header={"alg": "none"}),
            "too old": token({"name": "Ann", "exp": int(time.time()) - 60}),  # two clocks may differ by 30 s
            "for ever": token({"name": "Ann", "exp": soon + 10 * 365 * 86400}),
            "without an end": token({"name": "Ann"}),
            "changed": good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        }
        answers = {name: self.verify(client, "source=shop&custom=" + value).text for name, value in wrong.items()}
        self.assertEqual(len(set(answers.values())), 1, "what was wrong is nobody's business")
        self.assertIn("Not verified", answers["changed"])

    def test_who_guesses_is_stopped(self):
        daemon = self.daemon(config('identity: {token: {secrets: ["token-secret-0123456789abcdef"]}, limit: 3/min}'), RULES)
        client = Livechat(daemon.public)
        statuses = [client.call("GET", f"/livechatoo/identity?source=shop&custom=guess{n}").status for n in range(5)]
        self.assertEqual(statuses, [200, 200, 200, 429, 429])


if __name__ == "__main__":
    main()
