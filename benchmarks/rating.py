"""
Measure how fast a deck is loaded and calls are rated, on one core, in processor time.

``python -m benchmarks.rating``: a made-up deck of 50,000 prefixes with bands, and calls that are
split by them and taxed twice. Targets: less than 1 s for the deck, 5,000 calls a second.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from reception.hotel.rating import Call, property_of, rate, read_deck

PREFIXES: Final = 50_000
CALLS: Final = 20_000
_BANDS: Final = "12345 08:00-20:00 0.25; 1234567 00:00-24:00 0.10"
_HOTEL: Final = {
    "currency": "EUR",
    "digits": 2,
    "tz": "Europe/Paris",
    "country": "33",
    "outside": "0",
    "intl": ["00"],
    "band_mode": "split",
    "taxes": [["state", "8.875"], ["city", "1.5"]],
    "markup": {"*": "50"},
}


def main() -> None:
    """Run it and print the best of three."""
    chance = random.Random(1)
    prefixes: set[str] = set()
    while len(prefixes) < PREFIXES:
        prefixes.add(str(chance.randint(10, 9_999_999)))
    ordered = sorted(prefixes)
    lines = ["prefix,class,rate,connect,initial,sub,bands,name\n"]
    lines += [
        f"{prefix},international,{chance.randint(1, 500) / 1000},0.25,60,6,"
        f"{_BANDS if number % 4 == 0 else ''},Place {prefix}\n"
        for number, prefix in enumerate(ordered)
    ]
    hotel = property_of(_HOTEL, ZoneInfo)
    when = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    loads, rates = [], []
    for _ in range(3):
        began = time.process_time()
        deck = read_deck(lines)
        loads.append(time.process_time() - began)
        calls = [
            Call(f"+{chance.choice(ordered)}1234567", chance.randint(1, 7200), when)
            for _ in range(CALLS)
        ]
        began = time.process_time()
        for call in calls:
            rate(call, hotel, deck)
        rates.append(CALLS / (time.process_time() - began))
    print(f"a deck of {PREFIXES:,} prefixes: {min(loads):.2f} s (target below 1)")
    print(f"calls rated a second: {max(rates):,.0f} (target 5,000)")


if __name__ == "__main__":
    main()
