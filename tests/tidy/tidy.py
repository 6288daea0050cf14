#!/usr/bin/env python3
"""The house rules that a compiler does not check: direction of includes, where libraries may appear, and the g++ 12 trap.

Usage: tidy.py ROOT. Prints file:line: message for each finding and exits 1 if there is any.
`tidy.py --self-test` shows that each rule finds what it is for.
"""
import pathlib
import re
import sys

# A room may include the rooms listed for it, and itself. ARCHITECTURE.md draws the same picture.
BASE = {"common"}
PLAIN = BASE | {"event", "config", "expression"}
ALLOWED = {
    "common": set(),
    "event": BASE,
    "config": BASE,
    "expression": BASE | {"config"},
    "http": BASE,
    "store": BASE | {"event"},
    "presence": BASE | {"config", "http"},
    "systems": PLAIN,
    "conversations": PLAIN | {"store"},
    "rules": PLAIN | {"store", "conversations"},
    "destinations": PLAIN | {"http", "store", "conversations", "rules"},
    "ingest": PLAIN | {"http", "store", "systems"},
    "deliver": PLAIN | {"http", "store", "systems", "conversations", "presence", "rules", "destinations"},
    "admin": PLAIN | {"http", "store", "systems", "conversations", "presence", "rules", "destinations", "ingest", "deliver"},
    "app": PLAIN | {"http", "store", "systems", "conversations", "presence", "rules", "destinations", "ingest", "deliver", "admin"},
}
# Contract headers are the doors of these rooms; what lies deeper belongs to the room and to app.
DOORS = {
    "store": {"store/store.hpp"},
    "destinations": {"destinations/destination.hpp"},
}
# What a system serves (its endpoints) speaks HTTP and commits into the store; what it receives (its source) stays pure, so
# that a recorded webhook is enough to test it.
ENDPOINTS = re.compile(r"^src/systems/(endpoints\.hpp$|endpoint_commands\.hpp$|[^/]+/endpoints/)")
ALLOWED_ENDPOINTS = PLAIN | {"http", "store", "conversations", "presence", "rules"}
# Inner folders that may not see each other: systems and destinations stand side by side.
SIDE_BY_SIDE = {"systems", "destinations"}

# A library, and the only places that may include it.
LIBRARIES = [
    (re.compile(r"<yaml-cpp/"), ["src/config/"], "yaml-cpp"),
    (re.compile(r"<(jq|jv)\.h>"), ["src/expression/"], "libjq"),
    (re.compile(r"<sqlite3\.h>"), ["src/store/sqlite/"], "SQLite"),
    (re.compile(r"<curl/"), ["src/http/"], "libcurl"),
    (re.compile(r"<spdlog/"), ["src/common/"], "spdlog"),
    (re.compile(r"<CLI/"), ["src/admin/cli/"], "CLI11"),
    # Hours are presence's business; the zones themselves are also what transcripts show times in.
    (re.compile(r"<date/"), ["src/presence/", "src/common/zone."], "date"),
    (re.compile(r"<crypt\.h>"), ["src/common/"], "libcrypt"),
    (re.compile(r"<systemd/"), ["src/app/"], "libsystemd"),
]
NO_ASIO = ["src/event/", "src/config/", "src/expression/", "src/rules/", "src/systems/", "src/conversations/", "src/store/"]
NO_ASIO_FILES = re.compile(r"src/deliver/(retry_policy|rate_limit|circuit|lanes)\.")
ASIO = re.compile(r"<boost/(asio|beast)")

INCLUDE = re.compile(r'^\s*#\s*include\s+(<[^>]+>|"[^"]+")')
# Inside a co_await expression nothing may be built: an aggregate temporary or a capturing lambda (g++ 12 corrupts memory).
CO_AWAIT_BUILDS = re.compile(r"co_await\s[^;]*?(\(|,\s*)\[[^\]]*[&=\w][^\]]*\]\s*(\(|\{|mutable)|co_await\s[^;]*\b[A-Z]\w*\{[^;]*")
LEFTOVER = re.compile(r"\b(FIXME|XXX|TODO)\b")


def room_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def check_include(path, line, target):
    room = room_of(path)
    if target.startswith("<"):
        for pattern, places, name in LIBRARIES:
            if path.startswith("src/") and pattern.match(target) and not any(path.startswith(p) for p in places):
                yield f"{path}:{line}: {name} may be included in {', '.join(places)} only"
        if ASIO.match(target) and path.startswith("src/"):
            plain = any(path.startswith(p) for p in NO_ASIO) and not ENDPOINTS.match(path)
            if plain or NO_ASIO_FILES.match(path):
                yield f"{path}:{line}: Asio and Beast do not belong here: this room is tested without an event loop"
        return
    name = target.strip('"')
    if room is None or "/" not in name:
        return
    to = name.split("/")[0]
    if ENDPOINTS.match("src/" + name) and room != "app" and not ENDPOINTS.match(path):
        yield f"{path}:{line}: endpoints are known to app and to each other only"
        return
    if to not in ALLOWED or to == room:
        if to == room and room in SIDE_BY_SIDE:
            mine, other = path.split("/")[2:-1], name.split("/")[1:-1]
            if mine and other and mine[0] != other[0]:
                yield f"{path}:{line}: {room}/{mine[0]} must not know {room}/{other[0]}"
        return
    if to not in (ALLOWED_ENDPOINTS if ENDPOINTS.match(path) else ALLOWED[room]):
        yield f"{path}:{line}: {room} must not include {to} (includes go down only)"
    elif room != "app" and to in DOORS and name not in DOORS[to]:
        yield f"{path}:{line}: {to} is entered through {', '.join(sorted(DOORS[to]))}, not {name}"


def check_text(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield from check_include(path, number, found.group(1))
        if LEFTOVER.search(line):
            yield f"{path}:{number}: leftover {LEFTOVER.search(line).group(1)}"
    if path.endswith(".hpp") and path.startswith("src/") and not text.startswith("//"):
        yield f"{path}:1: a header opens with what it is and what it promises"
    code = re.sub(r"//[^\n]*", "", text)
    for found in CO_AWAIT_BUILDS.finditer(code):
        number = code.count("\n", 0, found.start()) + 1
        yield f"{path}:{number}: something is built inside a co_await expression: name it first (g++ 12 corrupts memory)"


def check_tree(root):
    for top in ("src", "tests"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix in (".cpp", ".hpp"):
                yield from check_text(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))


SELF_TEST = [
    ("src/common/a.hpp", '// a\n#include "event/event.hpp"\n', True),
    ("src/event/a.hpp", '// a\n#include "common/clock.hpp"\n', False),
    ("src/deliver/a.cpp", '#include "store/sqlite/sqlite_store.hpp"\n', True),
    ("src/app/a.cpp", '#include "store/sqlite/sqlite_store.hpp"\n', False),
    ("src/systems/livechat/a.cpp", '#include "systems/generic/generic_source.hpp"\n', True),
    ("src/systems/livechat/a.cpp", '#include "systems/source.hpp"\n', False),
    ("src/systems/livechat/a.cpp", '#include "store/store.hpp"\n', True),
    ("src/systems/rocketchat/rocketchat_source.cpp", '#include "http/server.hpp"\n', True),
    ("src/systems/rocketchat/rocketchat_source.cpp", '#include "conversations/rooms.hpp"\n', True),
    ("src/systems/rocketchat/rocketchat_source.cpp", "#include <boost/asio/post.hpp>\n", True),
    ("src/systems/rocketchat/rocketchat_source.cpp", '#include "systems/rocketchat/endpoints/api.hpp"\n', True),
    ("src/systems/rocketchat/rocketchat_source.cpp", '#include "systems/endpoints.hpp"\n', True),
    ("src/systems/endpoints.cpp", '#include "store/store.hpp"\n', True),
    ("src/systems/endpoints.hpp", '// a\n#include "http/server.hpp"\n#include "rules/rules.hpp"\n', False),
    ("src/systems/endpoints.hpp", "// a\n#include <boost/asio/awaitable.hpp>\n", False),
    ("src/systems/rocketchat/endpoints/a.cpp", '#include "store/store.hpp"\n#include "conversations/rooms.hpp"\n', False),
    ("src/systems/rocketchat/endpoints/a.cpp", '#include "systems/endpoints.hpp"\n#include <boost/asio/post.hpp>\n', False),
    ("src/systems/rocketchat/endpoints/a.cpp", '#include "systems/rocketchat/endpoints/b.hpp"\n', False),
    ("src/systems/rocketchat/endpoints/a.cpp", '#include "store/sqlite/sqlite_store.hpp"\n', True),
    ("src/systems/rocketchat/endpoints/a.cpp", '#include "systems/livechat/livechat_source.hpp"\n', True),
    ("src/systems/rocketchat/endpoints/a.cpp", '#include "deliver/planner.hpp"\n', True),
    ("src/systems/rocketchat/endpoints/a.cpp", '#include "destinations/destination.hpp"\n', True),
    ("src/ingest/a.cpp", '#include "systems/endpoints.hpp"\n', True),
    ("src/app/a.cpp", '#include "systems/rocketchat/endpoints/rocketchat_endpoints.hpp"\n', False),
    ("src/rules/a.cpp", "#include <boost/asio/post.hpp>\n", True),
    ("src/deliver/circuit.hpp", "// a\n#include <boost/asio/post.hpp>\n", True),
    ("src/http/a.cpp", "#include <yaml-cpp/yaml.h>\n", True),
    ("src/http/a.cpp", "co_await run([this] { go(); });\n", True),
    ("src/http/a.cpp", "co_await send(Request{1, 2});\n", True),
    ("src/http/a.cpp", "co_await send(std::move(request));\n", False),
    ("src/http/a.hpp", "#pragma once\n", True),
]


def main():
    if sys.argv[1:] == ["--self-test"]:
        wrong = [(p, t) for p, t, bad in SELF_TEST if bool(list(check_text(p, t))) != bad]
        for path, text in wrong:
            print(f"self-test: {path}: {text!r} was judged wrongly")
        print(f"{len(SELF_TEST) - len(wrong)} of {len(SELF_TEST)} judged rightly")
        return 1 if wrong else 0
    findings = list(check_tree(pathlib.Path(sys.argv[1])))
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} finding(s)")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
