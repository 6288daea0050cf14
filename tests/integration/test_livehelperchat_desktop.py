"""config/examples/desktop as it is shipped: a shell script with curl, and PHP, log windows and show what an operator left."""
import json
import os
import shutil
import subprocess

from harness import BINARY, SOURCE_DIR, Case, main, wait_for

HERE = SOURCE_DIR / "config/examples/desktop"


class Desktop(Case):
    def relay(self):
        directory = self.directory()
        shipped = (HERE / "chatrelay.yaml").read_text()
        listen = "listen: {public: 127.0.0.1:8080, admin: 127.0.0.1:8081}"
        self.assertIn(listen, shipped)
        return self.daemon(shipped.replace(listen, "listen: {public: 127.0.0.1:0, admin: 127.0.0.1:0}"), (HERE / "rules/desktop.yaml").read_text(),
                           directory=directory, environment={"DESKTOP_DIR": str(directory), "LHC_KEY": "desktop-key-0123456789"})

    def log(self, daemon, command, window, key="desktop-key-0123456789"):
        return subprocess.run([*command, window], capture_output=True, text=True, timeout=30, env={
            **os.environ, "LHC_HOST": f"http://127.0.0.1:{daemon.public}", "LHC_KEY": key, "VID_FILE": str(daemon.directory / "vid")})

    def windows(self, daemon):
        archive = daemon.directory / "archive.jsonl"
        return [json.loads(line) for line in archive.read_text().splitlines()] if archive.exists() else []

    def logs_windows_and_reads_what_was_left(self, command):
        daemon = self.relay()
        for window in ("Orders - Main window", "Orders - \"About\" & 100 % ž", "Orders - Price list"):
            done = self.log(daemon, command, window)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        wait_for(lambda: any(w["window"] == "Orders - Price list" for w in self.windows(daemon)), "the windows are archived")
        logged = [w for w in self.windows(daemon) if w["type"] == "visitor_activity"]
        self.assertEqual(list(dict.fromkeys(w["window"] for w in logged)), ["Orders - Main window", "Orders - \"About\" & 100 % ž", "Orders - Price list"])
        self.assertEqual(len({w["visitor"] for w in logged}), 1, "it is one visitor: the id was kept")
        left = wait_for(lambda: self.log(daemon, command, "Orders - Price list").stdout, "what the operator left")
        self.assertEqual(left, "Jo: Can I help you with an offer?\n")
        refused = self.log(daemon, command, "Orders", key="wrong")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("Authorization failed!", refused.stderr)

    def test_the_example_passes_its_own_tests(self):
        for command in (["check"], ["rules", "test"]):
            done = subprocess.run([BINARY, *command, "--config", str(HERE / "chatrelay.yaml")], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, "LHC_KEY": "desktop-key-0123456789"})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\d+ of \d+ tests passed")

    def test_by_curl(self):
        self.logs_windows_and_reads_what_was_left([str(HERE / "log_window.sh")])

    def test_by_php(self):
        php = shutil.which("php")
        if not php:
            self.assertFalse(os.environ.get("CHATRELAY_TEST_ALL"), "php is missing: scripts/test --all installs Debian's php-cli")
            self.skipTest("PHP is tested by scripts/test --all")
        self.logs_windows_and_reads_what_was_left([php, str(HERE / "log_window.php")])


if __name__ == "__main__":
    main()
