"""
A second rater, written apart and plainly, agrees with ours on every call.

It knows the rules and nothing of our code: whole numbers of a millionth, one increment after
another, and the decimal module's own rounding.

Source: hotel/rating.md, "Rule set".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from reception.hotel.rating.cases import as_expected, rated_case

EXACT: Final = Context(prec=90)
ROUNDINGS: Final = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "up": ROUND_CEILING}

WORK: Final = {"days": "12345", "start": "08:00", "end": "20:00", "rate": "0.25"}
NIGHT: Final = {"days": "67", "start": "22:30", "end": "06:00", "rate": "0.035"}
REST: Final = {"days": "1234567", "start": "00:00", "end": "24:00", "rate": "0.10"}

HOUSES: Final[dict[str, dict[str, Any]]] = {
    "PAR": {
        "currency": "EUR",
        "digits": 2,
        "tz": "Europe/Paris",
        "country": "33",
        "outside": "0",
        "intl": ["00"],
        "extensions": "^[1-9][0-9]{2,3}$",
        "emergency": ["112", "15", "17", "18"],
    },
    "NYC": {
        "currency": "USD",
        "digits": 2,
        "tz": "America/New_York",
        "country": "1",
        "outside": "9",
        "intl": ["011"],
        "extensions": "^[1-8][0-9]{2,3}$",
        "emergency": ["911", "933"],
    },
    "TYO": {
        "currency": "JPY",
        "digits": 0,
        "tz": "Asia/Tokyo",
        "country": "81",
        "outside": "0",
        "intl": ["010"],
        "extensions": "^[1-9][0-9]{2,3}$",
        "emergency": ["110", "119"],
    },
    "KWI": {
        "currency": "KWD",
        "digits": 3,
        "tz": "Asia/Kuwait",
        "country": "965",
        "outside": "",
        "intl": ["00"],
        "extensions": "^[1-8][0-9]{2,3}$",
        "emergency": ["112"],
    },
}
TRUNKS: Final = {"33": "0", "1": "1", "81": "0", "965": ""}
DECK: Final[dict[str, dict[str, Any]]] = {
    "33": {"cls": "national", "rate": "0.06", "connect": "0.10", "initial": 1, "sub": 1},
    "336": {"cls": "mobile", "rate": "0.18", "connect": "0.15", "initial": 60, "sub": 1},
    "33800": {"cls": "tollfree", "rate": "0", "connect": "0", "initial": 1, "sub": 1},
    "1": {
        "cls": "national",
        "rate": "0.10",
        "connect": "0.75",
        "initial": 60,
        "sub": 60,
        "bands": [NIGHT, WORK],
    },
    "49": {
        "cls": "international",
        "rate": "0.31",
        "connect": "0.255",
        "initial": 45,
        "sub": 7,
        "bands": [WORK, NIGHT, REST],
    },
    "81": {"cls": "national", "rate": "10", "connect": "0", "initial": 180, "sub": 180},
    "965": {"cls": "national", "rate": "0.025", "connect": "0", "initial": 0, "sub": 30},
}


def second(case: dict[str, Any]) -> tuple[str, str, str, list[list[str]], int]:
    """Status, net, total, taxes and billed seconds of a case."""
    house = HOUSES[case["property"]] | case["override"]
    nothing = str(EXACT.quantize(Decimal(0), Decimal(1).scaleb(-house["digits"])))
    status, to = classified(case, house)
    if status:
        return status, nothing, nothing, [], 0
    prefix = max((each for each in DECK if to.startswith(each)), key=len, default=None)
    if prefix is None:
        return "unrated_suspense", nothing, nothing, [], 0
    rate, talked = DECK[prefix], case["billsec"]
    if talked <= house.get("grace", 0):
        return "grace_free", nothing, nothing, [], 0
    free = 0
    if not case["exempt"] and rate["cls"] in house.get("free_classes", []):
        free = house.get("free_seconds_per_call", 0) + case["allowance_left"]
    if talked <= free:
        return "allowance_free", nothing, nothing, [], 0
    at = datetime.fromisoformat(case["answer_at"]).astimezone(UTC)
    millionths, billed = counted(rate, house, talked, free, at)
    if case["exempt"]:
        return "exempt", nothing, nothing, [], billed
    # In units of one in 6,000 millionths: a rate is for 60 s, a markup is of 100.
    markup = house.get("markup", {})
    percent = int(markup[rate["cls"]] if rate["cls"] in markup else markup.get("*", "0"))
    amount = millionths * (100 + percent)
    amount += 6000 * millionth(house.get("flat_surcharge", "0"))
    amount = max(amount, 6000 * millionth(house.get("min_charge", "0")))
    if "max_charge" in house:
        amount = min(amount, 6000 * millionth(house["max_charge"]))
    exact = EXACT.divide(Decimal(amount), Decimal(6000 * 10**6))
    return "rated", *taxed(exact, house), billed


def classified(case: dict[str, Any], house: dict[str, Any]) -> tuple[str, str]:
    kept = re.sub("[^0-9+]", "", case["dialed"])
    behind = kept.removeprefix(house["outside"])
    if {kept, behind} & set(house["emergency"]):
        return "emergency_free", ""
    if re.match(house["extensions"], kept):
        return "internal_free", ""
    if case["billsec"] < 0:
        return "unrated_suspense", ""
    if not case["answered"] or case["billsec"] == 0:
        return "not_answered", ""
    digits, (intl,), trunk = behind.replace("+", ""), house["intl"], TRUNKS[house["country"]]
    if behind.startswith("+"):
        return "", digits
    if digits.startswith(intl):
        return "", digits[len(intl) :]
    if trunk and digits.startswith(trunk):
        digits = digits[len(trunk) :]
    return "", digits and house["country"] + digits


def counted(
    rate: dict[str, Any], house: dict[str, Any], talked: int, free: int, answer: datetime
) -> tuple[int, int]:
    """Sixty times the cost in millionths, and the seconds, one increment after another."""
    zone, billed, cost = ZoneInfo(house["tz"]), 0, 60 * millionth(rate["connect"])
    while billed < talked - free:
        size = rate["initial"] if billed == 0 and rate["initial"] else rate["sub"]
        is_split = house["band_mode"] == "split"
        at = answer + timedelta(seconds=free + billed) if is_split else answer
        cost += size * millionth(price(rate, at.astimezone(zone)))
        billed += size
    return cost, billed


def price(rate: dict[str, Any], local: datetime) -> str:
    clock, today = local.strftime("%H:%M"), str(local.isoweekday())
    yesterday = str((local.date() - timedelta(days=1)).isoweekday())
    for band in rate.get("bands", []):
        start, end = band["start"], band["end"]
        if start <= end:
            fits = today in band["days"] and start <= clock < end
        else:
            fits = (today in band["days"] and clock >= start) or (
                yesterday in band["days"] and clock < end
            )
        if fits:
            return str(band["rate"])
    return str(rate["rate"])


def taxed(exact: Decimal, house: dict[str, Any]) -> tuple[str, str, list[list[str]]]:
    unit = Decimal(1).scaleb(-house["digits"])
    rounded = exact.quantize(unit, ROUNDINGS[house["rounding"]], EXACT)
    taxes = []
    for name, text in house.get("taxes", []):
        percent = Decimal(text)
        whole = 100 + percent if house["tax_mode"] == "inclusive" else Decimal(100)
        share = EXACT.divide(rounded * percent, whole)
        taxes.append((name, share.quantize(unit, ROUND_HALF_UP, EXACT)))
    every = sum((amount for _, amount in taxes), Decimal(0))
    is_inclusive = house["tax_mode"] == "inclusive"
    net, total = (rounded - every, rounded) if is_inclusive else (rounded, rounded + every)
    return str(net), str(total), [[name, str(amount)] for name, amount in taxes]


def millionth(text: str) -> int:
    return int(Decimal(text) * 10**6)


amounts = st.sampled_from(["0.5", "1", "0.015", "2.005"])
overrides = st.fixed_dictionaries(
    {
        "rounding": st.sampled_from(list(ROUNDINGS)),
        "band_mode": st.sampled_from(["split", "at_answer"]),
        # Of several inclusive taxes the shares are a decision of ours: see ADR 0017.
        "tax_mode": st.sampled_from(["exclusive", "inclusive"]),
        "taxes": st.sampled_from([[], [["vat", "20"]], [["state", "8.875"]]]),
    },
    optional={
        "grace": st.integers(0, 90),
        "free_classes": st.sampled_from([["national"], ["mobile", "international"]]),
        "free_seconds_per_call": st.integers(0, 300),
        "markup": st.sampled_from([{"*": "50"}, {"mobile": "7", "*": "33"}, {"national": "0"}]),
        "flat_surcharge": amounts,
        "min_charge": amounts,
        "max_charge": amounts,
    },
)
# Around both changes of the clocks of 2026 in Europe and North America.
moments = st.builds(
    lambda day, second: (datetime.fromisoformat(day) + timedelta(seconds=second)).isoformat(),
    st.sampled_from(
        [
            "2026-03-08T00:00:00-05:00",
            "2026-03-28T19:00:00+01:00",
            "2026-10-24T19:00:00+02:00",
            "2026-11-01T00:00:00-04:00",
            "2026-03-10T00:00:00+00:00",
        ]
    ),
    st.integers(0, 3 * 86_400),
)
dialled = st.one_of(
    st.sampled_from(
        [
            "+49301234567",
            "0 0142961234",
            "0142961234",
            "+33612345678",
            "0 0800123456",
            "912125550100",
            "9 011 49 30 1234567",
            "9 2125550100",
            "0 0312345678",
            "22412345",
            "112",
            "0-112",
            "9911",
            "933",
            "214",
            "+8821234567",
        ]
    ),
    st.text("0123456789+ ()", min_size=1, max_size=14).filter(
        lambda text: bool(re.search("[0-9]", text))
    ),
)
cases = st.fixed_dictionaries(
    {
        "property": st.sampled_from(list(HOUSES)),
        "override": overrides,
        "dialed": dialled,
        "billsec": st.one_of(st.integers(-2, 200), st.integers(0, 20_000)),
        "answer_at": moments,
        "answered": st.sampled_from([True, True, True, False]),
        "exempt": st.sampled_from(["", "", "", "staff"]),
        "allowance_left": st.sampled_from([0, 0, 50, 1000]),
    }
)


@given(cases)
def test_a_second_rater_agrees(case: dict[str, Any]) -> None:
    properties = {name: house | {"deck": DECK} for name, house in HOUSES.items()}
    ours = as_expected(rated_case(case, properties, ZoneInfo))
    found = tuple(ours[name] for name in ("status", "net", "total", "taxes", "billed_seconds"))
    assert second(case) == found
