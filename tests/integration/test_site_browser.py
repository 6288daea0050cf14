"""The example page of config/examples/site. Debian's Chromium, driven by playwright-core from npm, uses its widget, chat, offline form and
Livechatoo bridge against the real daemon: on an origin of its own, and as the daemon serves it. A screenshot is kept as build/site.png."""
import collections
import functools
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import unittest

from harness import BINARY, SOURCE_DIR, Case, Livechat, main, npm_ci, wait_for

HERE = pathlib.Path(__file__).resolve().parent / "browser"
SITE = SOURCE_DIR / "config/examples/site"
DESK = "desk-secret-0123456789"


class Website:
    """The example page on an origin of its own, as a shop would serve it: with the address of its relay written into it."""

    def __init__(self):
        site = self
        self.relay = None

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                if self.path not in ("/", "/index.html"):
                    return super().do_GET()
                text = (SITE / "index.html").read_text().replace("http://127.0.0.1:8080", site.relay).encode()
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the browser went away

        self.server = Server(("127.0.0.1", 0), functools.partial(Handler, directory=str(SITE)))
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def site_config(origin=None):
    """The example as it is shipped, but on free ports. `origin`: of the page, when the environment does not say it."""
    shipped = (SITE / "chatrelay.yaml").read_text()
    listen = "listen: {public: 127.0.0.1:8080, admin: 127.0.0.1:8081, site: .}"
    own = "${SITE_ORIGIN:-http://127.0.0.1:8080}"
    assert listen in shipped and shipped.count(own) == 2
    config = shipped.replace(listen, f"listen: {{public: 127.0.0.1:0, admin: 127.0.0.1:0, site: {SITE}}}")
    return config.replace(own, origin) if origin else config


class Served(Case):
    """The page as the daemon serves it, without a browser."""

    def test_the_example_passes_its_own_tests(self):
        for command in (["check"], ["rules", "test"]):
            done = subprocess.run([BINARY, *command, "--config", str(SITE / "chatrelay.yaml")], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\d+ of \d+ tests passed")

    def test_the_folder_is_served_and_nothing_else_in_it(self):
        directory = self.directory()
        daemon = self.daemon(site_config(), (SITE / "rules/site.yaml").read_text(), directory=directory, environment={"SITE_DIR": str(directory)})
        client = Livechat(daemon.public)
        self.addCleanup(client.close)
        page = client.call("GET", "/site/")
        self.assertEqual((page.status, page.text), (200, (SITE / "index.html").read_text()))
        self.assertEqual(page.headers["content-type"], "text/html; charset=utf-8")
        self.assertEqual(page.headers["x-content-type-options"], "nosniff")
        self.assertEqual(client.call("GET", "/site/", headers={"If-None-Match": page.headers["etag"]}).status, 304)
        for script in re.findall(r'src="([^"]+)"', page.text):
            self.assertEqual(client.call("GET", "/site/" + script).headers["content-type"], "text/javascript; charset=utf-8", script)
        self.assertEqual(client.call("GET", "/site").headers["location"], "./site/")
        for hidden in ("chatrelay.yaml", "rules/site.yaml", "rules/", "../site/chatrelay.yaml", "%2e%2e/site/index.html", "..%2f..%2fREADME.md"):
            self.assertEqual(client.call("GET", "/site/" + hidden).status, 404, hidden)
        self.assertEqual(client.call("POST", "/site/", "{}").status, 405)
        self.assertEqual(client.call("GET", "/restapi/isonline").json, {"isonline": False}, "what stood beside it is still there")
        self.assertEqual(client.call("GET", "/livechatoo/bridge.js?source=shop").status, 200)


@unittest.skipUnless(os.environ.get("CHATRELAY_TEST_ALL"), "real counterparts are tested by scripts/test --all")
class Browser(Case):
    @classmethod
    def setUpClass(cls):
        cls.playwright = npm_ci(HERE, "browser")
        cls.chromium = shutil.which("chromium")
        if not cls.chromium:
            raise AssertionError("chromium is missing: scripts/test --all installs Debian's")

    def website(self):
        website = Website()
        self.addCleanup(website.close)
        return website

    def relay(self, origin):
        directory = self.directory()
        return self.daemon(site_config(), (SITE / "rules/site.yaml").read_text(), directory=directory,
                           environment={"SITE_DIR": str(directory), "SITE_ORIGIN": origin, "DESK_SECRET": DESK})

    def drive(self, parts=None):
        """On a website of its own."""
        page, strange = self.website(), self.website()
        daemon = self.relay(page.origin)
        page.relay = strange.relay = f"http://127.0.0.1:{daemon.public}"
        screenshot = daemon.directory / "site.png" if parts else SOURCE_DIR / "build/site.png"
        return daemon, self.run_browser(daemon, page.origin + "/", screenshot, parts, strange.origin + "/")

    def run_browser(self, daemon, page, screenshot, parts=None, strange=None):
        given = {"playwright": str(self.playwright), "chromium": self.chromium, "page": page, "strange": strange,
                 "relay": f"http://127.0.0.1:{daemon.public}", "desk": DESK, "presence": [BINARY, "--config", str(daemon.config_file)],
                 "environment": {**daemon.environment, "CHATRELAY_ADMIN": f"127.0.0.1:{daemon.admin}"},
                 "screenshot": str(screenshot), "parts": parts}
        done = subprocess.run(["node", str(HERE / "runner.js"), json.dumps(given)], capture_output=True, text=True, timeout=360)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def events(self, daemon):
        archive = daemon.directory / "archive.jsonl"
        return [json.loads(line) for line in archive.read_text().splitlines()] if archive.exists() else []

    def test_a_browser_on_the_example_page(self):
        daemon, got = self.drive()
        shop = lambda: [e for e in self.events(daemon) if e["source"] == "shop"]
        wait_for(lambda: sum(e["type"] == "trigger_fired" for e in shop()) >= 7, "the last triggers are archived")
        self.bridge_told_each_once(shop())
        self.chat_is_whole(self.events(daemon), got["rid"])
        mails = wait_for(lambda: list((daemon.directory / "mail/new").glob("*")), "the offline message is mailed")
        self.assertTrue(any(b"Offline message from Ann Novak" in mail.read_bytes() for mail in mails))
        text = (daemon.directory / "archive.jsonl").read_text()
        self.assertNotIn("PHPSESSID", text, "what Livechatoo's custom holds is a session")
        self.assertNotIn("from a stranger", text)
        self.assertNotIn("PHPSESSID", daemon.log_text())
        self.assertTrue((SOURCE_DIR / "build/site.png").stat().st_size > 10_000)
        self.assertEqual(daemon.stop(), 0)

    def bridge_told_each_once(self, events):
        of = collections.defaultdict(list)
        for event in events:
            of[event["type"]].append(event)
        self.assertEqual(len(of["incoming_chat"]), 1, "onchatstart and five onchatopened, in two tabs, are one chat")
        chat = of["incoming_chat"][0]
        self.assertEqual(chat["chat"]["initiator"], "client")
        self.assertEqual(chat["visitor"]["name"], "Ann")
        self.assertEqual(chat["visitor"]["email"], "ann@example.com")
        rated = [e["chat"]["rating"] for e in of["chat_rated"]]
        self.assertEqual([(r["score"], r["scale"], r["comment"]) for r in rated], [(5, 5, "very kind")])
        self.assertEqual(of["chat_rated"][0]["chat"]["id"], chat["chat"]["id"], "the ticket says which chat was rated")
        self.assertEqual(sorted(e["message"]["text"] for e in of["offline_message"]), ["Call me tomorrow", "said while leaving"])
        self.assertEqual({e["visitor"]["email"] for e in of["offline_message"]}, {"ann.novak@example.com", "ann@example.com"})
        self.assertEqual(len(of["contact_declined"]), 1)
        updates = of["visitor_updated"]
        self.assertEqual(len(updates), 2, updates)
        self.assertEqual({updates[0]["visitor"]["name"], updates[1]["visitor"]["email"]} & {"Ann Novak", "ann.novak@example.com"},
                         {"Ann Novak", "ann.novak@example.com"})
        titles = sorted(title for e in of["trigger_fired"] for title in ("Help with the basket", "After a reload", "options", "reload", "popup",
                        "none", "throws") if json.dumps(title) in json.dumps(e["activity"]))
        self.assertEqual(titles, sorted(["Help with the basket", "After a reload", "options", "reload", "popup", "none", "throws"]))
        self.assertEqual(len(of["trigger_fired"]), 7)
        self.assertEqual(sum((e["activity"] or {}).get("chat_status") == "max" for e in of["visitor_activity"]), 1)
        self.assertTrue(any((e["activity"] or {}).get("page") == "start-online" for e in of["visitor_activity"]))
        self.assertEqual(len(of["conversion"]), 1)
        self.assertIn("49.9", json.dumps(of["conversion"][0]["activity"]))
        self.assertEqual(of["conversion"][0]["chat"]["id"], chat["chat"]["id"])

    def chat_is_whole(self, events, rid):
        events = [e for e in events if e["source"] == "site" and (e["chat"] or {}).get("id") == rid]
        self.assertEqual([e["type"] for e in events if e["type"] != "incoming_event"],
                         ["incoming_chat", "event_updated", "event_deleted", "chat_deactivated"])
        said = [(e["message"]["author"]["role"], e["message"]["text"]) for e in events if e["type"] == "incoming_event"]
        self.assertIn(("visitor", "Do you ship to Malta?"), said)
        self.assertIn(("agent", "Yes, we do."), said)
        edited = next(e for e in events if e["type"] == "event_updated")
        self.assertEqual(edited["message"]["text"], "Do you ship to Gozo?")

    def test_the_page_as_the_daemon_serves_it(self):
        """Under /site/ the page's origin is the relay's own. It is known once the port is; the page that is in the folder is not changed."""
        daemon = self.relay("http://127.0.0.1:1")
        origin = f"http://127.0.0.1:{daemon.public}"
        daemon.write(site_config(origin))
        daemon.cli("reload")
        got = self.run_browser(daemon, origin + "/site/", daemon.directory / "site.png", ["status", "livechatoo", "chat", "offline"])
        shop = lambda: [e for e in self.events(daemon) if e["source"] == "shop"]
        wait_for(lambda: sum(e["type"] == "trigger_fired" for e in shop()) >= 7, "the last triggers are archived")
        self.bridge_told_each_once(shop())
        self.chat_is_whole(self.events(daemon), got["rid"])
        wait_for(lambda: any(e["type"] == "offline_message" and e["source"] == "site" for e in self.events(daemon)), "the offline message is archived")

    def test_the_chat_and_the_form_alone(self):
        """Parts that need neither Livechatoo nor the widget: what is wrong with those does not hide what is wrong with these."""
        daemon, got = self.drive(["chat", "offline"])
        wait_for(lambda: any(e["type"] == "offline_message" for e in self.events(daemon)), "the offline message is archived")
        self.chat_is_whole(self.events(daemon), got["rid"])


if __name__ == "__main__":
    main()
