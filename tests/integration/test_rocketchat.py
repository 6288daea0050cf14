"""Rocket.Chat's livechat API on the wire: a golden case for each row of its tables, the 0.70 documentation's curl calls as
printed, and what a stranger may send."""
import json
import pathlib
import re
import shlex
import socket
import subprocess
import time

from harness import LIVECHAT_API, NO_LIMITS, OPERATOR, SOURCE_DIR, Case, Livechat, main, source_rocketchat, wait_for

CASES = sorted((SOURCE_DIR / "tests/golden/rocketchat_api").glob("*.txt"))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
WILDCARDS = {
    "<any>": lambda v: isinstance(v, str) and v != "",
    "<id>": lambda v: isinstance(v, str) and re.fullmatch(r"[A-Za-z0-9]{17}", v) is not None,
    "<time>": lambda v: isinstance(v, str) and TIME.fullmatch(v) is not None,
    "<number>": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "<boolean>": lambda v: isinstance(v, bool),
    "<object>": lambda v: isinstance(v, dict),
    "<array>": lambda v: isinstance(v, list),
}
# An archive takes every event; a mailbox takes transcripts and what is left while nobody is there.
DESTINATIONS = """destinations:
  archive: {kind: file, path: archive.jsonl}
  mailbox: {kind: email, smtp: "maildir:mail", from: chat@example.com, to: [support@example.com]}
"""
RULES = """rules:
  - name: everything is kept
    on: "*"
    deliver: [{to: archive}]
"""


def differences(wanted, got, at="body"):
    """What is not as wanted. An object with the key "..." may have further keys."""
    if isinstance(wanted, str) and wanted in WILDCARDS:
        return [] if WILDCARDS[wanted](got) else [f"{at}: {got!r} is not {wanted}"]
    if isinstance(wanted, dict) and isinstance(got, dict):
        found = []
        for key in (wanted.keys() | got.keys()) - {"..."}:
            if key not in got:
                found.append(f"{at}.{key} is missing")
            elif key in wanted:
                found += differences(wanted[key], got[key], f"{at}.{key}")
            elif "..." not in wanted:
                found.append(f"{at}.{key} is too much: {got[key]!r}")
        return found
    if isinstance(wanted, list) and isinstance(got, list):
        if len(wanted) != len(got):
            return [f"{at}: {len(got)} elements, not {len(wanted)}: {got!r}"]
        return [text for i, (w, g) in enumerate(zip(wanted, got)) for text in differences(w, g, f"{at}[{i}]")]
    same = wanted == got and isinstance(wanted, bool) == isinstance(got, bool)
    return [] if same else [f"{at}: {got!r} is not {wanted!r}"]


class World:
    """What a golden case speaks of, made when it is named: visitors, rooms and messages of its own."""

    def __init__(self, client, text):
        self.client, self.known = client, {"operator": OPERATOR}
        names = set(re.findall(r"\{([a-z_]+)\}", text))
        if "closed_rid" in names or "closed_message" in names:
            self["closed_rid"]  # before the open room: a visitor without a rid gets the one that is open
        self.text = re.sub(r"\{([a-z_]+)\}", lambda m: self[m.group(1)], text)

    def __getitem__(self, name):
        if name not in self.known:
            self.known[name] = getattr(self, "make_" + name)()
        return self.known[name]

    def make_token(self):
        visitor = self.client.visitor(name="Ann")
        self.known.update(visitor=visitor["_id"], username=visitor["username"])
        return visitor["token"]

    def make_visitor(self):
        self["token"]
        return self.known["visitor"]

    def make_username(self):
        self["token"]
        return self.known["username"]

    def make_rid(self):
        return self.client.room(self["token"])

    def make_message(self):
        return self.client.say(self["token"], self["rid"], "hello")["_id"]

    def make_message_rid(self):
        self["message"]
        return self["rid"]

    def make_client_message(self):
        return self.client.say(self["token"], self["rid"], "hello", _id=f"client-{self['rid']}")["_id"]

    def make_system_message(self):
        return self.client.history(self["token"], self["rid"])[-1]["_id"]

    def make_closed_rid(self):
        rid = self.client.room(self["token"])
        self.known["closed_message"] = self.client.say(self["token"], rid, "hello")["_id"]
        self.client.close_room(self["token"], rid)
        return rid

    def make_other_token(self):
        return self.client.visitor(name="Eve")["token"]

    def make_other_rid(self):
        return self.client.room(self["other_token"])

    def make_other_message(self):
        return self.client.say(self["other_token"], self["other_rid"], "secret")["_id"]


def read_case(client, file):
    world = World(client, file.read_text())
    request, expected = world.text.split("\n----------\n")
    head, _, body = request.partition("\n\n")
    first, *headers = head.split("\n")
    method, path = first.split(" ")
    headers = dict(line.split(": ", 1) for line in headers if not line.startswith("X-Needs:"))
    status, wanted = expected.split("\n", 1)
    return method, path, headers, body.rstrip("\n") or None, int(status), json.loads(wanted)


class Golden(Case):
    def test_every_row_of_the_tables(self):
        self.assertGreater(len(CASES), 150, "the golden cases are not where they were")
        daemon = self.daemon(source_rocketchat("message_length_max: 100, transcript_to: mailbox") + DESTINATIONS, RULES)
        client = Livechat(daemon.public)
        for file in CASES:
            with self.subTest(file.stem):
                method, path, headers, body, status, wanted = read_case(client, file)
                answer = client.call(method, path, body, headers)
                self.assertEqual(answer.status, status, answer)
                self.assertEqual(answer.headers.get("content-type"), "application/json")
                self.assertEqual(answer.headers.get("cache-control"), "no-store")
                self.assertEqual(answer.headers.get("pragma"), "no-cache")
                self.assertEqual(differences(wanted, answer.json), [], answer)
                if status != 200 and answer.json is not None:
                    self.assertIsInstance(answer.json.get("error"), str, "clients show it as text")
        self.assertEqual(daemon.stop(), 0)


# The calls and answers of Rocket.Chat's documentation "Dealing with Livechat messages" (0.70), as printed.
PRINTED = {
    "post": ("""curl -X POST \\
     -H "Content-type:application/json" \\
     http://localhost:3000/api/v1/livechat/message \\
     -d '{"token": "iNKE8a6k6cjbqWhWd", "rid": "zRAeTszXor8CCPceB", "msg": "sending livechat message.."}'""",
             """{"message": {"_id": "ZKWP8LfGnRHQ3ozWa", "msg": "sending livechat message..",
      "u": {"_id": "iNKE8a6k6cjbqWhWd", "username": "guest-4", "name": "Livechat Visitor"}, "ts": "2018-09-14T13:31:33.201Z"},
    "success": true}"""),
    "put": ("""curl -X PUT \\
     -H "Content-type:application/json" \\
     http://localhost:3000/api/v1/livechat/message/ZKWP8LfGnRHQ3ozWa \\
     -d '{"token": "iNKE8a6k6cjbqWhWd", "rid": "zRAeTszXor8CCPceB", "msg": "editing a livechat message.."}'""",
            """{"message": {"_id": "ZKWP8LfGnRHQ3ozWa", "msg": "editing livechat message..",
      "u": {"_id": "YgEoq2djbGdjjZnsL", "username": "guest-4", "name": "Livechat Visitor"}, "ts": "2018-09-14T13:31:33.201Z"},
    "success": true}"""),
    "delete": ("""curl -X DELETE \\
     http://localhost:3000/api/v1/livechat/message/ZKWP8LfGnRHQ3ozWa""",
               """{"message": {"_id": "ZKWP8LfGnRHQ3ozWa", "ts": "2018-09-14T13:31:33.279Z"}, "success": true}"""),
    "history": ("""curl http://localhost:3000/api/v1/livechat/messages.history/KuACMJ5MpN6SfAFWg?token=iNKE8a6k6cjbqWhWd""",
                """{"messages": [{"_id": "ZKWP8LfGnRHQ3ozWa", "rid": "KuACMJ5MpN6SfAFWg", "msg": "editing livechat message..",
      "token": "iNKE8a6k6cjbqWhWd", "alias": "Livechat Visitor", "ts": "2018-09-14T13:31:33.201Z",
      "u": {"_id": "YgEoq2djbGdjjZnsL", "username": "guest-4", "name": "Livechat Visitor"}, "mentions": [], "channels": [],
      "_updatedAt": "2018-09-14T13:31:33.222Z", "editedAt": "2018-09-14T13:31:33.219Z",
      "editedBy": {"_id": "YgEoq2djbGdjjZnsL", "username": "guest-4"}, "urls": []}], "unreadNotLoaded": 0, "success": true}"""),
    "offline": ("""curl -X POST \\
     -H "Content-type:application/json" \\
     http://localhost:3000/api/v1/livechat/offline.message \\
     -d '{"name": "Livechat Visitor", "email": "visitor@rocket.chat", "message": "I need help"}'""",
                """{"message": "Livechat offline message sent", "success": true}"""),
}


def missing(printed, got, at="answer"):
    """Fields that the documentation prints and the answer lacks, or has with another type."""
    if type(printed) is not type(got):
        return [f"{at}: {got!r} is not like {printed!r}"]
    if isinstance(printed, dict):
        return [text for key, value in printed.items() for text in
                (missing(value, got[key], f"{at}.{key}") if key in got else [f"{at}.{key} is missing"])]
    if isinstance(printed, list) and printed:
        return missing(printed[0], got[0], f"{at}[0]") if got else [f"{at} is empty"]
    if isinstance(printed, str) and TIME.fullmatch(printed) and not TIME.fullmatch(got):
        return [f"{at}: {got!r} is no time"]
    return []


class Documentation(Case):
    def curl(self, daemon, name, token, rid, message=""):
        command, answer = PRINTED[name]
        for old, new in (("http://localhost:3000", f"http://127.0.0.1:{daemon.public}"), ("iNKE8a6k6cjbqWhWd", token),
                         ("zRAeTszXor8CCPceB", rid), ("KuACMJ5MpN6SfAFWg", rid), ("ZKWP8LfGnRHQ3ozWa", message)):
            command = command.replace(old, new).replace("\\\n", " ")
        done = subprocess.run([*shlex.split(command), "-sS", "-w", "\n%{http_code} %{content_type}"], capture_output=True, text=True,
                              timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        body, status = done.stdout.rsplit("\n", 1)
        self.assertEqual(status, "200 application/json", body)
        got = json.loads(body)
        self.assertEqual(missing(json.loads(answer), got), [], got)
        return got

    def test_every_printed_call_works_as_printed(self):
        daemon = self.daemon(source_rocketchat() + DESTINATIONS, RULES)
        client = Livechat(daemon.public)
        visitor = client.visitor(name="Livechat Visitor")
        token, rid = visitor["token"], client.room(visitor["token"])
        sent = self.curl(daemon, "post", token, rid)["message"]
        self.assertEqual((sent["msg"], sent["u"]["_id"]), ("sending livechat message..", visitor["_id"]))
        edited = self.curl(daemon, "put", token, rid, sent["_id"])["message"]
        self.assertEqual((edited["msg"], edited["ts"]), ("editing a livechat message..", sent["ts"]))
        self.assertEqual(self.curl(daemon, "history", token, rid)["messages"][0]["_id"], sent["_id"])
        self.curl(daemon, "delete", token, rid, sent["_id"])
        self.assertNotIn(sent["_id"], [m["_id"] for m in client.history(token, rid)])
        self.curl(daemon, "offline", token, rid)

    def test_ts_starts_the_range_and_unread_messages_are_counted(self):
        daemon = self.daemon(source_rocketchat() + DESTINATIONS, RULES)
        client = Livechat(daemon.public)
        token = client.visitor()["token"]
        rid = client.room(token)
        said = [client.say(token, rid, str(n)) for n in range(6)]
        ids = [m["_id"] for m in said]
        self.assertEqual([m["_id"] for m in client.history(token, rid, ts=said[2]["ts"])], ids[:1:-1], "inclusive")
        self.assertEqual([m["_id"] for m in client.history(token, rid, end=said[2]["ts"])][:2], [ids[1], ids[0]], "exclusive")
        self.assertEqual([m["_id"] for m in client.history(token, rid, ts=said[1]["ts"], end=said[3]["ts"])], [ids[2], ids[1]])
        page = client.ok("GET", f"messages.history/{rid}?token={token}&limit=2&ls={said[0]['ts']}")
        self.assertEqual((len(page["messages"]), page["unreadNotLoaded"], page["firstUnread"]["_id"]), (2, 3, ids[1]))
        page = client.ok("GET", f"messages.history/{rid}?token={token}&limit=2")
        self.assertEqual((page["unreadNotLoaded"], "firstUnread" in page), (0, False))

    def test_the_id_alone_deletes_only_for_a_while_and_not_when_strict(self):
        for more, status in (("strict: true", 400), ("delete_window: 1s", 400), ("", 200)):
            with self.subTest(more):
                daemon = self.daemon(source_rocketchat(more) + DESTINATIONS, RULES)
                client = Livechat(daemon.public)
                token = client.visitor()["token"]
                rid = client.room(token)
                message = client.say(token, rid, "hello")
                if "window" in more:  # until the server's own clock says that it is over
                    def over():
                        fresh = client.ok("POST", "visitor.status", {"token": token, "status": "online"})
                        return fresh and time.time() * 1000 - epoch_ms(message["ts"]) > 1100
                    wait_for(over, "the window is over")
                answer = client.call("DELETE", f"message/{message['_id']}")
                self.assertEqual(answer.status, status, answer)
                there = message["_id"] in [m["_id"] for m in client.history(token, rid)]
                self.assertEqual(there, status != 200)
                daemon.stop()


def epoch_ms(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


class Strangers(Case):
    def served(self, more="", limits=NO_LIMITS):
        daemon = self.daemon(source_rocketchat(more, limits=limits) + DESTINATIONS, RULES)
        return daemon, Livechat(daemon.public)

    def test_browsers_of_configured_origins_may_call_and_others_not(self):
        daemon, client = self.served('origins: ["https://shop.example"]')
        for method in ("POST", "PUT", "DELETE", "GET"):
            ask = {"Origin": "https://shop.example", "Access-Control-Request-Method": method,
                   "Access-Control-Request-Headers": "content-type"}
            answer = client.call("OPTIONS", "message/x", headers=ask)
            self.assertIn(answer.status, (200, 204), answer)
            self.assertEqual(answer.headers.get("access-control-allow-origin"), "https://shop.example")
            self.assertIn(method, answer.headers.get("access-control-allow-methods", ""))
            self.assertIn("content-type", answer.headers.get("access-control-allow-headers", "").lower())
            self.assertIn("origin", answer.headers.get("vary", "").lower())
        for origin in ("https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null", "https://SHOP.example.", "*"):
            answer = client.call("OPTIONS", "message", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
            self.assertNotIn("access-control-allow-origin", answer.headers, origin)
            answer = client.call("GET", "config", headers={"Origin": origin})
            self.assertNotIn("access-control-allow-origin", answer.headers, origin)
        good = {"Origin": "https://shop.example"}
        self.assertEqual(client.call("GET", "config", headers=good).headers["access-control-allow-origin"], "https://shop.example")
        refused = client.call("POST", "message", {}, good)
        self.assertEqual((refused.status, refused.headers.get("access-control-allow-origin")), (400, "https://shop.example"),
                         "a page must be able to read why it was refused")

    def test_a_visitor_who_calls_too_often_waits_and_others_do_not(self):
        limits = NO_LIMITS.replace("message: 1000000/min", "message: 3/min", 1)
        daemon, client = self.served(limits=limits)
        token = client.visitor()["token"]
        rid = client.room(token)
        for left in (2, 1, 0):
            answer = client.call("POST", "message", {"token": token, "rid": rid, "msg": "x"})
            self.assertEqual((answer.status, answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]),
                             (200, "3", str(left)))
        for body in ({"token": token, "rid": rid, "msg": "too much"}, {"token": token}):  # before the schema is looked at
            answer = client.call("POST", "message", body)
            self.assertEqual(answer.status, 429, answer)
            self.assertEqual(answer.headers["content-type"], "application/json")
            self.assertEqual(set(answer.json), {"success", "error"})
            self.assertIs(answer.json["success"], False)
            said = re.fullmatch(r"Error, too many requests\. Please slow down\. You must wait (\d+) seconds before trying this endpoint "
                                r"again\. \[error-too-many-requests\]", answer.json["error"])
            self.assertTrue(said, answer.json)
            self.assertTrue(1 <= int(said.group(1)) <= 60, said.group(0))
            self.assertTrue(1 <= int(answer.headers["retry-after"]) <= 60)
            self.assertEqual(answer.headers["x-ratelimit-remaining"], "0")
            self.assertTrue(0 < int(answer.headers["x-ratelimit-reset"]) - time.time() * 1000 <= 61_000, "epoch milliseconds")
        self.assertNotIn("too much", [m["msg"] for m in client.history(token, rid)], "what was refused is not stored")
        other = client.visitor()["token"]
        client.say(other, client.room(other), "not my fault")
        client.visitor(token=token)  # other endpoints have limits of their own

    def test_one_address_with_many_tokens_is_limited_too(self):
        limits = NO_LIMITS.replace("message: 1000000/min", "message: 2/min", 1).replace("}", ", per_address: 3}")
        daemon, client = self.served(limits=limits)
        statuses = []
        for _ in range(5):
            token = client.visitor()["token"]
            rid = client.room(token)
            statuses += [client.call("POST", "message", {"token": token, "rid": rid, "msg": "x"}).status for _ in range(2)]
        self.assertEqual(statuses, [200] * 6 + [429] * 4)
        made_up = [client.call("POST", "message", {"token": f"made-up-{n}", "rid": "x", "msg": "x"}).status for n in range(3)]
        self.assertEqual(made_up, [429] * 3, "new tokens do not help")

    def test_offline_messages_are_limited_by_address_alone(self):
        daemon, client = self.served(limits=NO_LIMITS.replace("offline_message: 1000000/min", "offline_message: 2/min"))
        form = {"name": "Ann", "email": "ann@example.com", "message": "hello"}
        self.assertEqual([client.call("POST", "offline.message", form).status for _ in range(3)], [200, 200, 429])

    def test_rooms_of_one_visitor_are_bounded(self):
        daemon, client = self.served("rooms_per_visitor: 3")
        token = client.visitor()["token"]
        for _ in range(3):
            client.close_room(token, client.room(token))
        answer = client.call("GET", f"room?token={token}")
        self.assertEqual((answer.status, type(answer.json["error"])), (400, str), answer)
        client.room(client.visitor()["token"])

    def test_what_is_cut_or_too_large_is_not_stored(self):
        daemon, client = self.served()
        token = client.visitor()["token"]
        rid = client.room(token)
        body = json.dumps({"token": token, "rid": rid, "msg": "cut"})
        for sent in (body[:-1], body):  # one byte less than announced; all of it, but more announced
            with socket.create_connection(("127.0.0.1", daemon.public)) as s:
                s.sendall(f"POST {LIVECHAT_API}message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                          f"Content-Length: {len(body) + (sent is body)}\r\n\r\n{sent}".encode())
                s.shutdown(socket.SHUT_WR)
                s.settimeout(20)
                got = s.recv(4096)
                self.assertNotIn(b" 200 ", got.split(b"\r\n")[0])
        self.assertEqual(len(client.history(token, rid)), 1)
        answer = Livechat(daemon.public).call("POST", "message", {"token": token, "rid": rid, "msg": "x" * 2_000_000})
        self.assertEqual(answer.status, 413, answer)
        self.assertEqual(len(client.history(token, rid)), 1)

    def test_wrong_methods_unknown_paths_and_odd_queries(self):
        daemon, client = self.served()
        token = client.visitor()["token"]
        rid = client.room(token)
        for method, path in (("PATCH", "message"), ("DELETE", "message"), ("GET", "message"), ("POST", "messages.history/x"), ("PUT", "room"),
                             ("GET", "nothing"), ("POST", ""), ("GET", "message/a/b/c"), ("DELETE", "messages.history/x"),
                             ("GET", "offline.message"), ("GET", "Message/x"), ("POST", "config")):
            answer = client.call(method, path, "{}" if method != "GET" else None)
            self.assertIn(answer.status, (404, 405), (method, path, answer))
            self.assertIs(answer.json["success"], False)
            self.assertIsInstance(answer.json["error"], str)
        for path in ("..%2f..%2fetc", "../../../etc", "message/%zz", "message/%2e%2e%2fx", "//message"):
            answer = client.call("GET", path)
            self.assertIn(answer.status, (400, 404, 405), (path, answer))
        for query in ("token=%", "token=%ff%fe", "&&&=", "token=" + "x" * 5000, f"token={token}&limit=-1", f"token={token}&limit=99999999999999999999",
                      f"token={token}&offset=-5", f"token={token}&end=garbage", f"token={token}&wait=abc", f"token={token}&limit=1&limit=2",
                      f"token[$ne]=x", f"token={token}&ls[]=1", f"token={token}&end=9999999-01-01", f"token={token}&offset=1e30"):
            answer = client.call("GET", f"messages.history/{rid}?{query}")
            self.assertIn(answer.status, (200, 400), (query, answer))
            self.assertEqual(answer.headers["content-type"], "application/json")
        deep = '{"token":' + "[" * 100_000
        self.assertEqual(client.call("POST", "message", deep).status, 400)
        for rid_like in ("%00", "%2e%2e", "a%20b", "'%20or%201=1--", "%F0%9F%98%80"):
            answer = client.call("GET", f"messages.history/{rid_like}?token={token}")
            error = "Invalid path" if rid_like == "%00" else "invalid-room"
            self.assertEqual((answer.status, answer.json), (400, {"success": False, "error": error}), rid_like)
        for limit in ("1000000000", "1e9"):
            self.assertEqual(len(client.history(token, rid, limit=limit)), 1)

    def test_hosts_keep_two_sites_apart(self):
        second = source_rocketchat("hosts: [b.example]", name="second").split("\n", 1)[1]
        daemon = self.daemon(source_rocketchat("hosts: [a.example]", name="first") + second + DESTINATIONS, RULES)
        a, b = Livechat(daemon.public, "a.example"), Livechat(daemon.public, "b.example:8080")
        visitor = a.visitor()
        rid = a.room(visitor["token"])
        message = a.say(visitor["token"], rid, "hello")["_id"]
        self.assertEqual(b.call("GET", f"room?token={visitor['token']}").json, {"success": False, "error": "invalid-token"})
        b.visitor(token=visitor["token"])  # the same token is another visitor there
        self.assertEqual(b.call("GET", f"messages.history/{rid}?token={visitor['token']}").json, {"success": False, "error": "invalid-room"})
        self.assertEqual(b.call("DELETE", f"message/{message}").status, 400)
        self.assertEqual(len(a.history(visitor["token"], rid)), 2)
        stranger = Livechat(daemon.public, "c.example").call("GET", "config")
        self.assertIn(stranger.status, (404, 421), stranger)

    def test_a_source_that_does_not_serve_answers_nothing(self):
        daemon = self.daemon('sources:\n  desk: {system: rocketchat, secrets: ["a-shared-secret"]}\n' + DESTINATIONS, RULES)
        self.assertEqual(Livechat(daemon.public).call("GET", "config").status, 404)

    def test_tokens_stay_out_of_log_and_listings(self):
        daemon, client = self.served()
        token = client.visitor(name="Ann")["token"]
        rid = client.room(token)
        client.say(token, rid, "hello")
        client.call("GET", f"messages.history/{rid}?token={token}&x=1")
        client.call("GET", f"visitor/{token}")
        client.close_room(token, rid)
        archive = pathlib.Path(daemon.directory / "archive.jsonl")
        wait_for(lambda: archive.exists() and "chat_deactivated" in archive.read_text(), "all of it is archived")
        self.assertNotIn(token, archive.read_text())
        self.assertNotIn(token, daemon.log_text())
        self.assertNotIn(OPERATOR, daemon.log_text())
        for command in (("events", "list"), ("chats", "list"), ("deliveries", "list")):
            self.assertNotIn(token, daemon.cli(*command, "--json").stdout)


if __name__ == "__main__":
    main()
