"""Live Helper Chat's REST API on the wire: a golden case for each shape of its answers, the requests that its own client sends as they
were captured, and answers of the shapes that its server gives."""
import json
import re
import socket

from harness import (LHC_KEY, LHC_LIMITED_KEY, LHC_OTHER_KEY, LHC_PASSWORD, SOURCE_DIR, Answer, Case, LiveHelperChat, basic, main,
                     source_livehelperchat)
from test_rocketchat import WILDCARDS, differences

FOLDER = SOURCE_DIR / "tests/golden/livehelperchat_api"
CASES = sorted(FOLDER.glob("*.txt"))
WILDCARDS.update({
    "<hash>": lambda v: isinstance(v, str) and re.fullmatch(r"[0-9a-zA-Z]{40}", v) is not None,
    "<vid>": lambda v: isinstance(v, str) and re.fullmatch(r"[0-9a-f]{32}", v) is not None,
    "<operator>": lambda v: isinstance(v, int) and not isinstance(v, bool) and v > 0,
    "<string>": lambda v: isinstance(v, str),
    "<errors>": lambda v: isinstance(v, (list, dict)),
})
ARCHIVE = "destinations:\n  archive: {kind: file, path: archive.jsonl}\n"
RULES = """rules:
  - name: everything is kept
    on: "*"
    deliver: [{to: archive}]
"""


class World:
    """What a golden case speaks of, made when it is named: accounts, visitors and chats of its own."""

    def __init__(self, client, text):
        self.client = client
        self.known = {
            "admin": basic("admin", LHC_KEY), "limited": basic("limited", LHC_LIMITED_KEY), "other": basic("other", LHC_OTHER_KEY),
            "scheme_in_capitals": basic("admin", LHC_KEY).replace("Basic", "BASIC"), "password_by_user": basic("person", LHC_PASSWORD),
            "password_by_email": basic("person@example.com", LHC_PASSWORD), "wrong_key": basic("admin", LHC_KEY + "x"),
            "empty_key": basic("admin", ""), "key_with_email": basic("admin@example.com", LHC_KEY),
            "wrong_password": basic("person", LHC_PASSWORD + "x"), "another_users_key": basic("limited", LHC_KEY),
            "wrong_hash": "4f52728f48b0c192d22f8fe7b7c4be4bab9ae430"}
        text = text.replace('"{chat#}"', "{chat}")  # the number, not the text
        self.text = re.sub(r"\{([a-z_]+)\}", lambda m: self[m.group(1)], text)

    def __getitem__(self, name):
        if name not in self.known:
            getattr(self, "make_" + name)()
        return self.known[name]

    def make_chat(self):
        chat = self.client.start()
        self.known.update(chat=str(chat["id"]), hash=chat["hash"])

    make_hash = make_chat

    def make_closed_chat(self):
        chat = self.client.start()
        self.known.update(closed_chat=str(chat["id"]), closed_hash=chat["hash"])
        self.client.fine("GET", f"closechatasvisitor?chat_id={chat['id']}&hash={chat['hash']}", authorization=None)

    make_closed_hash = make_closed_chat

    def make_other_hash(self):
        self.known["other_hash"] = self.client.start()["hash"]

    def make_vid(self):
        self.known["vid"] = self.client.check()["vid"]

    def make_new_vid(self):
        self.known["new_vid"] = self.client.check()["vid"]


def read_case(client, file):
    """Answers what to ask, and what must come: status, content type ("*": any), text."""
    request, _, expected = World(client, file.read_text()).text.partition("\n----------\n")
    head, _, body = request.partition("\n\n")
    first, *headers = head.split("\n")
    method, path = first.split(" ", 1)
    headers = dict(line.split(": ", 1) for line in headers)
    first, _, text = expected.partition("\n")
    status, _, content_type = first.partition(" ")
    return (method, path, body.rstrip("\n") or None, headers), (int(status), content_type or "application/json", text.rstrip("\n"))


class Golden(Case):
    def check_type(self, answer, wanted):
        got = answer.headers.get("content-type", "")
        if wanted == "<xml>":
            self.assertRegex(got, r"^(application|text)/xml")
        elif wanted != "*":
            self.assertEqual(got, wanted)
        self.assertEqual(answer.headers.get("x-content-type-options"), "nosniff")

    def test_every_shape(self):
        self.assertGreater(len(CASES), 130, "the golden cases are not where they were")
        daemon = self.daemon(source_livehelperchat("message_length_max: 100") + ARCHIVE, RULES)
        client = LiveHelperChat(daemon.public)
        for file in CASES:
            with self.subTest(file.stem):
                (method, path, body, headers), (status, content_type, wanted) = read_case(client, file)
                answer = client.call(method, path, body, {"User-Agent": "Mozilla/5.0", **headers})
                self.assertEqual(answer.status, status, answer)
                if not wanted:
                    self.assertEqual(answer.text, "")
                    continue
                self.check_type(answer, content_type)
                if wanted[0] in "{[":
                    self.assertEqual(differences(json.loads(wanted), answer.json), [], answer)
                else:
                    self.assertEqual(answer.text.replace("\n", ""), wanted.replace("\n", ""))
        self.assertEqual(daemon.stop(), 0)


# ---- as Live Helper Chat's own client

def type_of(value):
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def misshapen(wanted, got, at="body"):
    """Where two documents have other members, or members of other types. Of a list, the first element is the pattern of all."""
    if at.endswith((".lat", ".lon")):  # 0, or text as it came
        return []
    if type_of(wanted) != type_of(got):
        return [f"{at}: {got!r} is no {type_of(wanted)}"]
    if isinstance(wanted, dict):
        found = [f"{at}.{key} is missing" for key in wanted.keys() - got.keys()] + [f"{at}.{key} is too much" for key in got.keys() - wanted.keys()]
        return found + [text for key in wanted.keys() & got.keys() for text in misshapen(wanted[key], got[key], f"{at}.{key}")]
    if isinstance(wanted, list) and wanted:
        return [text for i, each in enumerate(got) for text in misshapen(wanted[0], each, f"{at}[{i}]")]
    return []


def derived(name):
    return json.loads((FOLDER / "derived" / name).read_text())


class Shapes(Case):
    """The answers have the members of Live Helper Chat's, with values of the same types."""

    def test_chats_and_messages(self):
        daemon = self.daemon(source_livehelperchat() + ARCHIVE, RULES)
        client = LiveHelperChat(daemon.public)
        form = {"Username": "Visitor name", "Email": "visitor@example.com", "Question": "my Question", "DepartamentID": "5", "ip": "192.0.2.10",
                "data": '{"chat_id":{"val":"chat_id attribute"}}'}
        started = client.fine("POST", "startchat/(department)/5", form)
        chat = started["result"]["chat"]
        pending = client.fine("GET", f"checkchatstatus?chat_id={chat['id']}&hash={chat['hash']}")
        said = client.fine("POST", "addmsguser", {"chat_id": chat["id"], "hash": chat["hash"], "msg": "User message here"}, authorization=None)
        fetched = client.fine("GET", f"fetchchat?chat_id={chat['id']}")  # its members `user` and `plain_user_name` are false without an operator
        answered = client.fine("POST", "addmsgadmin", {"chat_id": chat["id"], "msg": "Operator reply", "operator_name": "Support nick"})
        answers = {
            "startchat.ok.json": started, "checkchatstatus.pending.json": pending, "addmsguser.ok.json": said, "addmsgadmin.ok.json": answered,
            "chat_get.ok.json": client.fine("GET", f"chat/{chat['id']}"), "fetchchat.ok.json": fetched,
            "fetchchatmessages.ok.ints.json": client.fine("GET", f"fetchchatmessages?chat_id={chat['id']}"),
        }
        for name, got in answers.items():
            with self.subTest(name):
                self.assertEqual(misshapen(derived(name), got), [])
        listed = client.fine("GET", "chats?departament_id=5&status_ids=0,1")
        wanted = derived("chats.ok.json")
        self.assertEqual(misshapen({**wanted, "filter": {}}, {**listed, "filter": {}}), [])
        self.assertEqual([c["id"] for c in listed["list"]], [chat["id"]])
        record = client.chat(chat)
        self.assertEqual((record["nick"], record["email"], record["dep_id"], record["hash"]), ("Visitor name", "visitor@example.com", 5, chat["hash"]))
        self.assertIn("chat_id attribute", record["additional_data"])

    def test_text_is_ascii_with_escapes_as_php_writes_it(self):
        daemon = self.daemon(source_livehelperchat() + ARCHIVE, RULES)
        client = LiveHelperChat(daemon.public)
        chat = client.start()
        text = 'Ahoj 👋 č & = % + / "q" \\ <b> \u2028'
        self.assertEqual(client.say(chat, text)["msg"], text)
        raw = client.ask("GET", f"fetchchatmessages?chat_id={chat['id']}").text
        self.assertTrue(raw.isascii(), raw)
        self.assertIn("\\/", raw)
        self.assertIn("\\ud83d\\udc4b", raw)


class Captured(Case):
    """Requests as the published client sends them, byte for byte but for host, length and the names of what exists."""

    def send(self, daemon, name, names):
        head, _, body = (FOLDER / "wire" / name).read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
        body = body.replace(b"\n", b"\r\n") if b"multipart" in head else body.strip()
        for old, new in names.items():
            head, body = head.replace(old.encode(), new.encode()), body.replace(old.encode(), new.encode())
        lines = [line for line in head.split(b"\n") if not line.lower().startswith((b"content-length:", b"host:"))]
        lines += [b"Host: 127.0.0.1", b"Connection: close"] + ([b"Content-Length: %d" % len(body)] if body else [])
        with socket.create_connection(("127.0.0.1", daemon.public), timeout=20) as s:
            s.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            got = b""
            while part := s.recv(65536):
                got += part
        head, _, text = got.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        return Answer(int(first.split(" ")[1]), headers, text.decode())

    def test_every_request_gets_an_answer_that_the_client_can_use(self):
        left = {file.name for file in (FOLDER / "wire").glob("*.http")}
        daemon = self.daemon(source_livehelperchat() + '  hook: {system: livehelperchat, secrets: ["hook-secret-0123456789"], secret_in: path}\n' + ARCHIVE, RULES)
        client = LiveHelperChat(daemon.public)

        def use(name, names=()):
            left.remove(name)
            answer = self.send(daemon, name, dict(names))
            self.assertEqual(answer.status, 200, (name, answer))
            # What it cannot parse is an exception there, and `error` is all that it looks at.
            self.assertIsInstance(answer.json, dict, (name, answer))
            self.assertFalse(answer.json.get("error", False), (name, answer))
            return answer.json

        first = use("chatcheck.first.empty_vid.http")
        self.assertEqual(misshapen(derived("chatcheck.continue.json"), first), [])
        vid = first["result"]["vid"]
        self.assertEqual(use("chatcheck.next.http", {"8bcyn2z5nguhpc5orks4": vid})["result"], {"action": "continue", "vid": vid})
        started = use("startchat.url_append_dup_vid.http", {"8bcyn2z5nguhpc5orks4": vid})
        self.assertEqual(misshapen(derived("startchat.ok.json"), started), [])
        chat = started["result"]["chat"]
        self.assertEqual((chat["nick"], chat["email"], chat["dep_id"]), ("Visitor name", "visitor@example.com", 5))
        names = {"5388": str(chat["id"]), "4f52728f48b0c192d22f8fe7b7c4be4bab9ae430": chat["hash"]}
        said = use("addmsguser.multipart_utf8.http", names)
        self.assertEqual(misshapen(derived("addmsguser.ok.json"), said), [])
        self.assertEqual(said["msg"]["msg"], 'Ahoj 👋 č & = % + / "q"')
        messages = use("fetchchatmessages.http", names)["result"]["messages"]
        self.assertEqual(messages[-1]["msg"], said["msg"]["msg"])
        use("chat.put_multipart.http", names)
        self.assertEqual(client.chat(chat)["remarks"], "x")
        client.answer(chat, "hello")  # now it is active, and listed with status=1
        listed = use("chats.http", {"user_id=1": "user_id=7"})
        self.assertEqual([c["id"] for c in listed["list"]], [chat["id"]])
        self.assertEqual([d["name"] for d in use("departaments.bare_question_mark.http")["list"]], ["Sales", "Support"])
        daemon.cli("presence", "set", "online", "--user", "1")
        self.assertEqual(use("setoperatorstatus.http"), {"offline": 1})
        self.assertEqual(client.fine("GET", "isonlineuser/1"), {"isonline": False})
        self.assertIs(use("closechatasvisitor.http", names)["result"], True)
        self.assertEqual(client.chat(chat)["status"], 2)
        self.assertIs(use("chat.delete.http", names)["result"], True)
        self.assertEqual(client.ask("GET", f"chat/{chat['id']}").status, 400, "it is gone")

        left.remove("isonline.jsonp.http")  # its client takes this for unparsable, but a browser does not
        self.assertEqual(self.send(daemon, "isonline.jsonp.http", {}).text, (FOLDER / "derived/isonline.jsonp.txt").read_text().strip().replace("true", "false"))
        for name in ("botrest.json_body_no_content_type.http", "botrest.put_bearer_json.http"):  # its webhooks
            left.remove(name)
            answer = self.send(daemon, name, {" /hook ": " /hooks/hook/hook-secret-0123456789 "})
            self.assertEqual((answer.status, answer.text), (200, ""), "it would show anything else to the visitor")
        self.assertEqual(left, set())


if __name__ == "__main__":
    main()
