"""Disk full, and a store that cannot be written: 503, nothing lost, and it goes on by itself afterwards."""
import resource
import signal

from harness import Case, livechat_event, main, source_livechat, wait_for

RULES = "rules:\n  - name: forward\n    on: incoming_event\n    deliver: [{to: hook, with: {body: {text: '{{ .message.text }}'}}}]\n"


class Faults(Case):
    def test_a_full_disk_gives_503_and_loses_nothing(self):
        sink = self.sink()
        config = source_livechat() + f"destinations:\n  hook: {{connector: webhook, url: '{sink.url}', allow_private: true}}\n"

        def small_files():  # the kernel refuses to grow any file beyond this: what a full disk looks like, without root
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, resource.RLIM_INFINITY))
        daemon = self.daemon(config, RULES, preexec=small_files)
        answered, refused = set(), 0
        for n in range(4000):
            status, _, headers = daemon.post("/hooks/livechat", livechat_event(event=str(n), chat=f"C{n % 7}", text=str(n) + " " + "x" * 3000))
            if status == 200:
                answered.add(str(n))
            else:
                self.assertEqual(status, 503)
                self.assertIn("Retry-After", headers)
                refused += 1
            if refused > 5:
                break
        self.assertGreater(len(answered), 20)
        self.assertGreater(refused, 0, "the disk was never full")
        # Room again: it goes on without a restart.
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_for(lambda: daemon.post("/hooks/livechat", livechat_event(event="after", text="after "))[0] == 200, "it takes webhooks again")
        answered.add("after")
        wait_for(lambda: answered <= {r.json()["text"].split(" ")[0] for r in sink.all()}, "everything answered 200 is delivered", 60)


if __name__ == "__main__":
    main()
