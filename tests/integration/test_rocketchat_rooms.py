"""Two visitors know nothing of each other; pages of a history neither overlap nor skip, whatever is written meanwhile."""
import json
import os
import random
import re
import threading

from harness import OPERATOR, Case, Livechat, main, source_rocketchat

CONFIG = source_rocketchat("message_length_max: 200, transcript_to: mailbox, rooms_per_visitor: 10000") + """destinations:
  mailbox: {kind: email, smtp: "maildir:mail", from: chat@example.com, to: [support@example.com]}
"""
PAGE = {"title": "t", "change": "url", "location": {"href": "https://shop.example/"}}
# Every route that a visitor's token or a room's or message's id can be told to, said by Eve (B) about what is Ann's:
# RID and MID are Ann's or do not exist; EVE_RID is Eve's own.
ROUTES = [
    ("POST", "message", {"token": "B", "rid": "RID", "msg": "x"}),
    ("POST", "message", {"token": "B", "rid": "RID", "msg": "x", "_id": "MID"}),
    ("GET", "message/MID?token=B&rid=RID", None),
    ("GET", "message/MID?token=B&rid=EVE_RID", None),
    ("PUT", "message/MID", {"token": "B", "rid": "RID", "msg": "taken over"}),
    ("PUT", "message/MID", {"token": "B", "rid": "EVE_RID", "msg": "taken over"}),
    ("PUT", "message/MID", {"token": "B", "rid": "RID", "msg": "taken over", "_id": "MID"}),
    ("DELETE", "message/MID", {"token": "B", "rid": "RID"}),
    ("DELETE", "message/MID", {"token": "B", "rid": "EVE_RID"}),
    ("DELETE", "message/MID?token=B&rid=RID", {}),
    ("GET", "messages.history/RID?token=B", None),
    ("GET", "messages.history/RID?token=B&wait=1", None),
    ("GET", "messages.history/RID?token=B&limit=1&offset=1", None),
    ("GET", "room?token=B&rid=RID", None),
    ("POST", "room.close", {"token": "B", "rid": "RID"}),
    ("POST", "room.survey", {"token": "B", "rid": "RID", "data": [{"name": "satisfaction", "value": "1"}]}),
    ("POST", "page.visited", {"token": "B", "rid": "RID", "pageInfo": PAGE}),
    ("GET", "agent.info/RID/B", None),
    ("POST", "transcript", {"token": "B", "rid": "RID", "email": "eve@example.com"}),
    ("POST", "upload/RID", {"token": "B"}),
    ("POST", "room.transfer", {"token": "B", "rid": "RID", "department": "x"}),
    # A visitor's public id, which agents and answers show, is no token.
    ("GET", "visitor/VID", None),
    ("DELETE", "visitor/VID", {}),
    ("GET", "visitor/VID/room", None),
    ("GET", "config?token=VID", None),
    ("GET", "room?token=VID", None),
    ("GET", "agent.next/VID", None),
    ("POST", "visitor.status", {"token": "VID", "status": "away"}),
    ("POST", "message", {"token": "VID", "rid": "RID", "msg": "x"}),
    ("PUT", "message/MID", {"token": "VID", "rid": "RID", "msg": "x"}),
    ("DELETE", "message/MID", {"token": "VID", "rid": "RID"}),
    ("GET", "messages.history/RID?token=VID", None),
    ("POST", "room.close", {"token": "VID", "rid": "RID"}),
    ("POST", "custom.field", {"token": "VID", "key": "k", "value": "v", "overwrite": True}),
    ("POST", "page.visited", {"token": "VID", "rid": "RID", "pageInfo": PAGE}),
]


def filled(text, names):
    return re.sub(r"\b(EVE_RID|RID|MID|VID|B)\b", lambda m: names[m.group(1)], text)


class Visitors(Case):
    def test_no_route_tells_or_changes_what_is_another_visitors(self):
        daemon = self.daemon(CONFIG, "rules: []\n")
        client = Livechat(daemon.public)
        ann, eve = client.visitor(name="Ann"), client.visitor(name="Eve")
        rid, eve_rid = client.room(ann["token"]), client.room(eve["token"])
        client.say(ann["token"], rid, "first")
        message = client.say(ann["token"], rid, "my secret")
        before = client.history(ann["token"], rid)
        visitor_before = client.ok("GET", f"visitor/{ann['token']}")["visitor"]
        theirs = {"B": eve["token"], "EVE_RID": eve_rid, "RID": rid, "MID": message["_id"], "VID": ann["_id"]}
        nobodys = {**theirs, "RID": "Xq7Jm2Tz9LkWc4VbN", "MID": "Yw8Kn3Ua1MlXd5WcP", "VID": "Zv9Lp4Vb2NmYe6XdQ"}
        for method, path, body in ROUTES:
            text = None if body is None else json.dumps(body)
            with self.subTest(f"{method} {path} {text}"):
                answers = []
                for names in (theirs, nobodys):
                    answer = client.call(method, filled(path, names), None if text is None else filled(text, names))
                    plain = answer.text
                    for name, value in names.items():
                        plain = plain.replace(value, name)
                    headers = {k: v for k, v in answer.headers.items() if not k.startswith("x-ratelimit") and k != "date"}
                    answers.append((answer.status, plain, {k: v for k, v in headers.items() if k != "content-length"}))
                self.assertEqual(answers[0], answers[1], "as if it did not exist")
                self.assertNotIn("my secret", answers[0][1])
                if not path.startswith("config"):
                    self.assertGreaterEqual(answers[0][0], 400, answers[0])
        # The one thing that an id can be asked about: whether a message has it already, which is the contract's answer to a
        # repeated `_id`. Ids of ours cannot be guessed, and the answer changes nothing.
        taken = client.call("POST", "message", {"token": eve["token"], "rid": eve_rid, "msg": "x", "_id": message["_id"]})
        self.assertEqual(taken.json, {"success": False, "error": "Cannot convert undefined or null to object"})
        self.assertEqual(client.history(ann["token"], rid), before)
        self.assertEqual(client.ok("GET", f"visitor/{ann['token']}")["visitor"], visitor_before)
        self.assertEqual(client.room(ann["token"]), rid, "still open")
        self.assertEqual(len(client.history(eve["token"], eve_rid)), 1)
        self.assertEqual(list((daemon.directory / "mail").glob("new/*")), [], "no transcript was mailed")

    def test_naming_anothers_phone_mail_or_name_gives_nothing_of_theirs(self):
        daemon = self.daemon(CONFIG, "rules: []\n")
        client = Livechat(daemon.public)
        ann = client.visitor(name="Ann", phone="+356 1234", email="ann@example.com", username="ann")
        rid = client.room(ann["token"])
        eve = client.visitor(name="Ann", phone="+356 1234", email="ann@example.com", username="ann")
        self.assertNotEqual((eve["token"], eve["_id"]), (ann["token"], ann["_id"]))
        self.assertNotEqual(client.room(eve["token"]), rid)
        self.assertEqual(client.ok("GET", f"visitor/{ann['token']}")["visitor"]["_id"], ann["_id"])


class Writer(threading.Thread):
    """Posts, edits and deletes its own messages in a room that it shares, and remembers what was answered 200."""

    def __init__(self, port, token, rid, seed, steps):
        super().__init__(daemon=True)
        self.client, self.token, self.rid = Livechat(port), token, rid
        self.rng, self.steps, self.seed = random.Random(seed), steps, seed
        self.texts, self.error = {}, None  # id -> text

    def run(self):
        try:
            for n in range(self.steps):
                self.step(n)
        except BaseException as error:  # shown by the test
            self.error = error

    def step(self, n):
        own = {"token": self.token, "rid": self.rid}
        chosen = self.rng.choice(sorted(self.texts)) if self.texts else None
        dice = self.rng.random()
        if chosen is None or dice < 0.6:
            more = {"_id": f"w{self.seed}-{n}"} if dice < 0.2 else {}
            message = self.client.say(self.token, self.rid, f"{self.seed} {n}", **more)
            self.texts[message["_id"]] = message["msg"]
        elif dice < 0.8:
            self.client.ok("PUT", f"message/{chosen}", {**own, "msg": f"{self.seed} edited {n}"})
            self.texts[chosen] = f"{self.seed} edited {n}"
        else:
            self.client.ok("DELETE", f"message/{chosen}", own)
            del self.texts[chosen]


class Pages(Case):
    def pages(self, client, token, rid, limit, by):
        """The whole history, page by page."""
        found, end = [], None
        while True:
            query = {"limit": limit, "offset": len(found)} if by == "offset" else {"limit": limit, **({"end": end} if end else {})}
            page = client.history(token, rid, **query)
            self.assertLessEqual(len(page), limit)
            found += page
            if not page:
                return found
            end = page[-1]["ts"]

    def test_pages_give_every_message_once_and_in_order(self):
        seed = int(os.environ.get("CHATRELAY_SEED", "20261121"))
        print(f"seed {seed}")
        daemon = self.daemon(CONFIG, "rules: []\n")
        client = Livechat(daemon.public)
        token = client.visitor()["token"]
        rid = client.room(token)
        steady = [client.say(token, rid, f"steady {n}")["_id"] for n in range(25)]  # nobody touches these
        writers = [Writer(daemon.public, token, rid, seed + n, 150) for n in range(2)]
        for writer in writers:
            writer.start()
        rounds = 0
        while any(writer.is_alive() for writer in writers):
            limit = random.Random(seed + rounds).choice([3, 7, 20])
            found = [m["_id"] for m in self.pages(client, token, rid, limit, "end")]
            self.assertEqual(len(found), len(set(found)), f"pages by end of {limit} overlap while others write")
            self.assertEqual([i for i in reversed(found) if i in set(steady)], steady, f"pages by end of {limit} skip while others write")
            rounds += 1
        self.assertGreater(rounds, 0)
        for writer in writers:
            writer.join(120)
            self.assertIsNone(writer.error, writer.error)
        wanted = {i: f"steady {n}" for n, i in enumerate(steady)}
        for writer in writers:
            wanted.update(writer.texts)
        self.assertGreater(len(wanted), 60)
        for limit in (1, 2, 7, 20, 1000):
            for by in ("offset", "end"):
                found = self.pages(client, token, rid, limit, by)
                said = [m for m in found if "t" not in m]
                self.assertEqual(len(found), len(said) + 1, "the start of the chat is there, once")
                self.assertEqual(len(said), len({m["_id"] for m in said}), f"{by} {limit}: once")
                self.assertEqual({m["_id"]: m["msg"] for m in said}, wanted, f"{by} {limit}: every message, as it was changed last")
                times = [m["ts"] for m in found]
                self.assertEqual(times, sorted(set(times), reverse=True), f"{by} {limit}: newest first, no time twice")
        print(f"{rounds} walks while two wrote; {len(wanted)} messages at the end")

    def test_bulk_messages_have_times_of_their_own(self):
        daemon = self.daemon(CONFIG, "rules: []\n")
        client = Livechat(daemon.public)
        token = client.visitor()["token"]
        rid = client.room(token)
        for first in range(0, 500, 100):
            client.ok("POST", "messages", {"visitor": {"token": token}, "messages": [{"msg": str(n)} for n in range(first, first + 100)]},
                      headers={"X-Auth-Token": OPERATOR, "X-User-Id": "u"})
        found = self.pages(client, token, rid, 37, "end")
        self.assertEqual([m["msg"] for m in found[:-1]], [str(n) for n in reversed(range(500))])


if __name__ == "__main__":
    main()
