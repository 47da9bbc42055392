"""
Rated calls with their expected results, run as a hotel's own acceptance test.

Only comparing: how a case file is read and what is printed is the command's.

Source: hotel/rating_cases.json (the shape), hotel/rating.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from reception.errors import NeedsHuman
from reception.hotel.rating.fields import Zone
from reception.hotel.rating.price import shown
from reception.hotel.rating.rate import Call, Rated, rate
from reception.hotel.rating.reading import deck_of, property_of


class Difference(Struct, frozen=True):
    """One field of one case that came out differently."""

    case: str
    field: str
    expected: Any
    got: Any


def differences(data: Mapping[str, Any], zone: Zone) -> Iterator[tuple[str, list[Difference]]]:
    """
    Rate the cases of a file one after another: the id of each, and what differs.

    A case that cannot be read is one difference, and the others are still rated.

    Errors:
        NeedsHuman("rating.cases"): the file has no cases or no properties.
    """
    properties, cases = data.get("properties"), data.get("cases")
    if not isinstance(properties, Mapping) or not isinstance(cases, list):
        raise NeedsHuman("rating.cases", 'a file of cases has "properties" and a list of "cases"')
    for number, case in enumerate(cases):
        name = str(case.get("id", number)) if isinstance(case, Mapping) else str(number)
        try:
            yield name, list(_compared(name, case, rated_case(case, properties, zone)))
        except (
            NeedsHuman,
            LookupError,
            TypeError,
            ValueError,
            ArithmeticError,
            AttributeError,
        ) as error:
            said = (
                str(error) if isinstance(error, NeedsHuman) else f"{type(error).__name__}: {error}"
            )
            yield name, [Difference(name, "(cannot be read)", "", said)]


def rated_case(case: Mapping[str, Any], properties: Mapping[str, Any], zone: Zone) -> Rated:
    """Rate one case: its property with what the case overrides."""
    settings = {**properties[case["property"]], **(case.get("override") or {})}
    hotel = property_of(settings, zone)
    answered = datetime.fromisoformat(case["answer_at"]) if case.get("answer_at") else None
    if answered is not None and answered.tzinfo is None:
        raise NeedsHuman("rating.cases", "answer_at needs its offset, like +01:00")
    call = Call(
        dialled=case.get("dialed") or "",
        seconds=seconds if type(seconds := case.get("billsec")) is int else None,
        answered=answered if case.get("answered", True) else None,
        exempt=str(case.get("exempt") or ""),
        allowance_left=case.get("allowance_left") or 0,
    )
    return rate(call, hotel, deck_of(settings.get("deck", {})))


def as_expected(rated: Rated) -> dict[str, Any]:
    """Write a result the way a case file writes what it expects."""
    result: dict[str, Any] = {
        "status": rated.status,
        "net": rated.net_text,
        "total": rated.total_text,
        "taxes": [[tax.name, shown(tax.minor, rated.digits)] for tax in rated.taxes],
        "prefix": rated.prefix,
        "billed_seconds": rated.billed_seconds,
        "allowance_used": rated.allowance_used,
    }
    if rated.status == "rated":
        result["fias_TA"] = rated.fias_amount
    return result


def _compared(name: str, case: Mapping[str, Any], rated: Rated) -> Iterator[Difference]:
    got = as_expected(rated)
    for field, expected in case.get("expect", {}).items():
        # null: nothing is to come out, as of a call without a price.
        is_nothing = expected is None and rated.status != "rated"
        if got.get(field) != expected and not (is_nothing and _is_empty(got.get(field))):
            yield Difference(name, field, expected, got.get(field))


def _is_empty(value: Any) -> bool:
    return not value or (isinstance(value, str) and not value.strip("0."))
