"""Each second has the price of the band at its increment's first second, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import groupby
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from reception.hotel.rating.bands import rate_at, split
from reception.hotel.rating.deck import Band, Rate
from reception.hotel.rating.rate import increments

EVERY_DAY = frozenset(range(1, 8))
NIGHT = Rate("1", "x", Decimal("0.10"), bands=(Band(EVERY_DAY, 23 * 60, 7 * 60, Decimal("0.04")),))
PARIS = ZoneInfo("Europe/Paris")
# Zones that change by an hour and by half an hour, at other times of the day and not at all.
ZONES = [
    PARIS,
    ZoneInfo("America/New_York"),
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("Asia/Kolkata"),
]

bands = st.builds(
    Band,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.sampled_from([Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]),
).filter(lambda band: band.start != band.end)
moments = st.one_of(
    st.integers(0, 11 * 86_400).map(
        lambda s: datetime(2026, 3, 27, tzinfo=UTC) + timedelta(seconds=s)
    ),
    st.integers(0, 33 * 86_400).map(
        lambda s: datetime(2026, 10, 1, tzinfo=UTC) + timedelta(seconds=s)
    ),
)


def one_by_one(
    rate: Rate, begins: datetime, billed: int, zone: tzinfo
) -> list[tuple[Decimal, int]]:
    """The same by asking for each increment; slow, and plainly right."""
    at, found = 0, []
    while at < billed:
        seconds = rate.initial if at == 0 and rate.initial else rate.sub
        found.append((rate_at(rate, begins + timedelta(seconds=at), zone), seconds))
        at += seconds
    return [
        (price, sum(seconds for _, seconds in group))
        for price, group in groupby(found, key=lambda each: each[0])
    ]


@given(
    st.lists(bands, max_size=3),
    moments,
    st.integers(0, 20_000),
    st.integers(0, 90),
    st.integers(1, 400),
    st.sampled_from(ZONES),
)
def test_a_split_call_is_priced_increment_by_increment(
    some: list[Band], begins: datetime, seconds: int, initial: int, sub: int, zone: ZoneInfo
) -> None:
    rate = Rate("1", "x", Decimal("0.5"), initial=initial, sub=sub, bands=tuple(some))
    billed = increments(seconds, initial, sub)
    found = [(part.rate, part.seconds) for part in split(rate, begins, billed, zone)]
    assert one_by_one(rate, begins, billed, zone) == found
    assert billed == sum(seconds for _, seconds in found)


def test_a_band_begins_with_its_minute_and_ends_before_its_end() -> None:
    def price(text: str) -> str:
        return str(rate_at(NIGHT, datetime.fromisoformat(text), PARIS))

    assert "0.10" == price("2026-03-10T22:59:59+01:00")
    assert "0.04" == price("2026-03-10T23:00:00+01:00")
    assert "0.04" == price("2026-03-11T06:59:59+01:00")
    assert "0.10" == price("2026-03-11T07:00:00+01:00")


def test_a_band_past_midnight_has_the_day_on_which_it_began() -> None:
    friday = Rate("1", "x", Decimal(1), bands=(Band(frozenset({5}), 1320, 360, Decimal(0)),))

    def price(text: str) -> int:
        return int(rate_at(friday, datetime.fromisoformat(text), PARIS))

    assert 0 == price("2026-03-13T22:00:00+01:00")  # a Friday
    assert 0 == price("2026-03-14T05:59:00+01:00")
    assert 1 == price("2026-03-13T05:00:00+01:00")
    assert 1 == price("2026-03-14T22:00:00+01:00")


def test_the_first_of_two_bands_counts() -> None:
    both = (Band(EVERY_DAY, 0, 720, Decimal(1)), Band(EVERY_DAY, 0, 1440, Decimal(2)))
    rate = Rate("1", "x", Decimal(3), bands=both)
    assert Decimal(1) == rate_at(rate, datetime(2026, 3, 10, 8, tzinfo=PARIS), PARIS)
    assert Decimal(2) == rate_at(rate, datetime(2026, 3, 10, 13, tzinfo=PARIS), PARIS)


def test_the_hour_that_autumn_repeats_is_two_hours() -> None:
    # 02:00 to 03:00 local comes twice; both are in the band.
    small = Rate("1", "x", Decimal(1), bands=(Band(EVERY_DAY, 120, 180, Decimal(0)),))
    parts = split(
        small, datetime(2026, 10, 25, 0, 0, tzinfo=UTC) - timedelta(hours=1), 4 * 3600, PARIS
    )
    assert [(1, 3600), (0, 7200), (1, 3600)] == [(int(part.rate), part.seconds) for part in parts]
