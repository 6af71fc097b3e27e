"""Writes rows of the board into the state file of a laptop: `rows.py FILE COUNT` once, then every second a third of them anew,
until its input ends. Prints the size of all rows by DynamoDB's rules, in bytes."""

import json
import random
import select
import sqlite3
import sys
import time

WORDS = "I would like to know where my order is and why nobody has called me back".split()


def row(number, now, roll):
    average = round(roll.random(), 3)
    made = {
        "k": "c", "s": now - 60_000 - number * 400, "u": now, "h": now - 900,
        "c": [int(average * 1000), roll.choice([-1, 0, 1])], "a": [700, 0],
        "p": [[(6 - at) * 45, int(1000 * roll.random())] for at in range(7)],
        "l": " ".join(roll.choices(WORDS, k=14))[:84], "i": f"agent-{number:03}", "n": f"Agent Number {number}", "q": "billing",
        "w": [40_000 + number, 30_000, 0, 0],
    }
    if average < 0.1:
        made["x"] = {"r": "customer-average", "v": "9f2c01ab", "m": now - 5000, "c": int(average * 1000), "s": "severe", "d": "3f1b9c20d7aa"}
        made["f"] = ["customer-average"]
        if average < 0.05:
            made["y"] = [{"r": "recording-notice-missing", "v": "0b6e4f1d2c3a", "m": now - 30_000, "s": "warn"}]
            made["f"].append("recording-notice-missing")
    return made


def write(database, numbers, roll):
    now = int(time.time() * 1000)
    size = 0
    for number in numbers:
        body = json.dumps(row(number, now, roll), separators=(",", ":"))
        key = f"row#interaction-{number:04}"
        database.execute(
            "INSERT OR REPLACE INTO state (pk, sk, body, version, expires_at) VALUES ('board#0', ?, ?, ?, ?)",
            (key, body, roll.getrandbits(62), now // 1000 + 900),
        )
        # Names and values of pk, sk, body, version and expires_at.
        size += 2 + 7 + 2 + len(key) + 4 + len(body.encode()) + 7 + 11 + 10 + 6
    database.commit()
    return size


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    roll = random.Random(7)
    database = sqlite3.connect(path, timeout=30)
    print(write(database, range(count), roll), flush=True)
    while True:
        if select.select([sys.stdin], [], [], 1)[0]:
            return
        write(database, roll.sample(range(count), count // 3), roll)


main()
