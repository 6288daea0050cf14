#!/usr/bin/env python3
"""Years of schedules, worked out with Python's zoneinfo, for schedule_year_test.cpp.

Prints one JSON object a line: a schedule as YAML, when it changes in a year, and how it stands at some instants. Nothing here knows
how Schedule works: a year is a row of 5-minute cells, each labelled with what the clock on the wall shows, and a span covers the cells
from the first that shows its beginning or later to the last that shows less than its end.
"""
import datetime
import json
import random
import zoneinfo

CELL = 300
DAY = 86400
UTC = datetime.timezone.utc
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

# Zones with a reason each.
YEARS = [
    ("Europe/Vienna", 2026),
    ("America/New_York", 2026),
    ("Europe/Dublin", 2026),         # winter time is the exception there
    ("Australia/Lord_Howe", 2026),   # half an hour, and the southern half of the year
    ("America/Havana", 2026),        # changes at midnight: a day begins twice, or at one
    ("America/Sao_Paulo", 2018),     # the same, and set back into the day before
    ("Africa/Casablanca", 2026),     # around Ramadan
    ("Asia/Gaza", 2026),
    ("Antarctica/Troll", 2026),      # two hours
    ("Pacific/Chatham", 2026),       # 12:45 before UTC
    ("Asia/Kathmandu", 2026),        # 5:45, no summer time
    ("Pacific/Apia", 2011),          # 30 December was left out
    ("UTC", 2028),                   # a leap year
]
SCHEDULES_PER_YEAR = 4


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


def random_spans(rng):
    """Up to three spans of a day as (begin, end) in minutes, without overlaps; the last may go past midnight."""
    kind = rng.random()
    if kind < 0.1:
        return []
    if kind < 0.2:
        return [(0, 1440)]
    cuts = sorted(rng.sample(range(0, 1441, 5), 2 * rng.randint(1, 3)))
    if rng.random() < 0.4:
        cuts = sorted(rng.sample(range(0, 360, 5), 2 * rng.randint(1, 3)))  # when clocks change
    spans = list(zip(cuts[::2], cuts[1::2]))
    if rng.random() < 0.3:
        begin = rng.randrange(max(spans[-1][1], 5), 1445, 5)
        if begin < 1440:
            spans.append((begin, 1440 + rng.randrange(5, begin, 5) if begin > 5 else 1440))
    return spans


def yaml_of(spans):
    if not spans:
        return "closed"
    if spans == [(0, 1440)]:
        return "open"
    texts = [f"{clock(b)}-{clock(e if e <= 1440 else e - 1440)}" for b, e in spans]
    return texts[0] if len(texts) == 1 else json.dumps(texts)


class Year:
    """The row of cells: from two days before the year to two days after it."""

    def __init__(self, name, year):
        self.name, self.year = name, year
        zone = zoneinfo.ZoneInfo(name)
        begin = datetime.datetime(year, 1, 1, tzinfo=UTC).timestamp() - 2 * DAY
        end = datetime.datetime(year + 1, 1, 1, tzinfo=UTC).timestamp() + 2 * DAY
        self.instants = list(range(int(begin), int(end), CELL))
        self.wall = []  # seconds since 1970 as the wall shows them
        for at in self.instants:
            offset = datetime.datetime.fromtimestamp(at, zone).utcoffset()
            self.wall.append(at + int(offset.total_seconds()))

    def cells_of(self, begin, end):
        """The cells from the first that shows `begin` or later up to behind the last that shows less than `end`."""
        def around(wall):
            middle = (wall - self.instants[0]) // CELL
            return range(max(0, middle - 26 * 12), min(len(self.wall), middle + 26 * 12))
        first = next((i for i in around(begin) if self.wall[i] >= begin), None)
        last = next((i for i in reversed(around(end)) if self.wall[i] < end), None)
        return range(0) if first is None or last is None else range(first, last + 1)


def work_out(year, week, special):
    """Open or not, for every cell."""
    is_open = [False] * len(year.wall)
    day = datetime.date(year.year, 1, 1) - datetime.timedelta(days=5)
    while day.year <= year.year or day.day < 6:
        midnight = int(datetime.datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        for begin, end in special.get(day, week[day.weekday()]):
            if day + datetime.timedelta(days=1) in special:
                end = min(end, 1440)
            for cell in year.cells_of(midnight + begin * 60, midnight + end * 60):
                is_open[cell] = True
        day += datetime.timedelta(days=1)
    return is_open


def make_case(year, seed):
    rng = random.Random(f"{year.name} {year.year} {seed}")
    week = [random_spans(rng) for _ in WEEK]
    special = {}
    lines = ["hours:"] + [f"  {name}: {yaml_of(spans)}" for name, spans in zip(WEEK, week)] + ["days:"]
    for _ in range(rng.randint(1, 25)):
        day = datetime.date(year.year, 1, 1) + datetime.timedelta(days=rng.randrange(365))
        if day in special:
            continue
        special[day] = random_spans(rng)
        key = f"{day.month:02}-{day.day:02}" if rng.random() < 0.3 else str(day)
        lines.append(f"  {key}: {yaml_of(special[day])}")
    is_open = work_out(year, week, special)
    inside = range(3 * DAY // CELL, len(is_open) - 3 * DAY // CELL)
    changes = [year.instants[i] for i in inside if is_open[i] != is_open[i - 1] and i > inside[0]]
    samples = [rng.choice(inside) for _ in range(300)]
    return {
        "name": f"{year.name} {year.year} #{seed}",
        "zone": year.name,
        "yaml": "\n".join(lines),
        "begin_ms": year.instants[inside[0]] * 1000,
        "end_ms": year.instants[inside[-1]] * 1000,
        "open_at_begin": is_open[inside[0]],
        "changes_ms": [at * 1000 for at in changes],
        "samples": [[year.instants[i] * 1000 + rng.randrange(CELL * 1000), is_open[i]] for i in samples],
    }


def main():
    for name, number in YEARS:
        year = Year(name, number)
        for seed in range(SCHEDULES_PER_YEAR):
            print(json.dumps(make_case(year, seed)))


if __name__ == "__main__":
    main()
