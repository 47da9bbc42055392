"""
What one call costs, and why.

The rule this file keeps: a call whose price is not known is never free and never guessed: it
is put aside for a person (`unrated_suspense`). The result holds what it was made of, so that
a person can check it and the same call rated again gives the same.

Source: hotel/rating.md, "Rule set".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from reception.hotel.rating.bands import Stretch, rate_at, split
from reception.hotel.rating.deck import Deck, Rate
from reception.hotel.rating.numbers import dialled
from reception.hotel.rating.price import Price, TaxAmount, exactly, fias_amount, priced, shown
from reception.hotel.rating.property import Property

Status = Literal[
    "rated",
    "emergency_free",
    "internal_free",
    "not_answered",
    "grace_free",
    "exempt",
    "allowance_free",
    "unrated_suspense",
]

_NOTHING: Final = Fraction(0)
# No call lasts for a month: such seconds are a time, or a fault of the sender's.
_MOST_S: Final = 31 * 86_400


class Call(Struct, frozen=True):
    """
    An outside leg as it was reported.

    Attributes:
        dialled: as the guest dialled it.
        seconds: that were talked, as the platform bills them: whole, without ringing; None
            where the report had no number there.
        answered: when it was answered; aware, None where nobody answered.
        exempt: why it costs nothing ("staff", "vip"); "" where it does.
        allowance_left: free seconds that are left of the stay's pool.
    """

    dialled: str
    seconds: int | None
    answered: datetime | None
    exempt: str = ""
    allowance_left: int = 0


class Rated(Struct, frozen=True):
    """
    A rated call.

    Attributes:
        status: only "rated" is a charge; "unrated_suspense" waits for a person.
        reason: why, in words, where it is not "rated".
        number: digits of the E.164 number; as dialled where it is none.
        prefix, cls: of the rate, where one was looked up.
        billed_seconds: after free seconds and increments.
        allowance_used: free seconds taken from the stay's pool.
        cost: before markup; of an exempt call what it would have been.
        net, taxes, total: in minor units of `currency`.
        digits: decimals of the minor unit.
        deck_version: of the deck that priced it.
        work: the arithmetic, for a person to check.
        is_long: so long that its channel may have been stuck.
    """

    status: Status
    currency: str
    digits: int
    reason: str = ""
    number: str = ""
    prefix: str = ""
    cls: str = ""
    billed_seconds: int = 0
    allowance_used: int = 0
    cost: Fraction = _NOTHING
    net: int = 0
    taxes: tuple[TaxAmount, ...] = ()
    total: int = 0
    deck_version: str = ""
    work: str = ""
    is_long: bool = False

    @property
    def is_charge(self) -> bool:
        """Whether something is to be posted: a total of nothing is recorded only."""
        return self.status == "rated" and self.total > 0

    @property
    def fias_amount(self) -> str:
        """The total as FIAS wants it in ``TA``."""
        return fias_amount(self.total, self.digits)

    @property
    def net_text(self) -> str:
        """The net amount with its decimals, without the currency."""
        return shown(self.net, self.digits)

    @property
    def total_text(self) -> str:
        """The total with its decimals, without the currency."""
        return shown(self.total, self.digits)


def rate(call: Call, hotel: Property, deck: Deck | None) -> Rated:
    """
    Rate one call.

    Shape:
        deck: the version that was in force when the call was answered; None where there was
            none (`Decks.at`).
    """
    to = dialled(call.dialled, hotel.numbers)
    if to.kind == "emergency":
        return _free(hotel, "emergency_free", "an emergency number", to.number)
    if to.kind == "internal":
        return _free(hotel, "internal_free", "a number inside the house", to.number)
    seconds = call.seconds
    if seconds is None or not 0 <= seconds <= _MOST_S:
        why = "no seconds were reported" if seconds is None else f"{seconds} seconds cannot be"
        return _free(hotel, "unrated_suspense", why, to.number)
    if call.answered is None or seconds == 0:
        return _free(hotel, "not_answered", "nobody answered", to.number)
    if to.kind == "nothing":
        return _free(hotel, "unrated_suspense", "no number was reported", call.dialled)
    found = deck.rate_of(to.number) if deck is not None else None
    if deck is None or found is None:
        why = "no deck was in force" if deck is None else "no prefix of the deck fits"
        return _free(hotel, "unrated_suspense", why, to.number)
    return _Answered(call, seconds, call.answered, to.number).rated(hotel, deck, found)


def increments(seconds: int, initial: int, sub: int) -> int:
    """
    Give the seconds that are charged for so many.

    >>> [increments(seconds, 60, 6) for seconds in (0, 1, 60, 61, 66, 67)]
    [0, 60, 60, 66, 66, 72]
    """
    if seconds <= 0:
        return 0
    if seconds <= initial:
        return initial
    return initial + -(-(seconds - initial) // sub) * sub


class _Answered(Struct, frozen=True):
    """A call that was answered, with its number."""

    call: Call
    seconds: int
    answered: datetime
    number: str

    def rated(self, hotel: Property, deck: Deck, found: Rate) -> Rated:
        """Rate it by the rate of its prefix."""
        call, seconds = self.call, self.seconds
        known = Rated(
            "rated",
            hotel.currency,
            hotel.digits,
            number=self.number,
            prefix=found.prefix,
            cls=found.cls,
            deck_version=deck.version,
            is_long=seconds > hotel.long_call,
        )
        if seconds <= hotel.grace:
            why = f"{seconds} s is within {hotel.grace} s of grace"
            return replace(known, status="grace_free", reason=why)
        per_call = pool = 0
        if found.cls in hotel.free_classes and not call.exempt:
            per_call = min(seconds, hotel.free_seconds_per_call)
            pool = min(seconds - per_call, max(0, call.allowance_left))
        left = seconds - per_call - pool
        if not left:
            why = f"{seconds} s: {per_call} s free a call, {pool} s of the stay"
            return replace(known, status="allowance_free", reason=why, allowance_used=pool)
        billed = increments(left, found.initial, found.sub)
        stretches = self._stretches(hotel, found, seconds - left, billed)
        cost = Fraction(found.connect) + sum(
            (Fraction(part.rate) * part.seconds / 60 for part in stretches), _NOTHING
        )
        work = _work(seconds, per_call, pool, found, stretches) + f" = {exactly(cost)}"
        known = replace(known, billed_seconds=billed, cost=cost, work=work)
        if call.exempt:
            why = f"exempt ({call.exempt}): it would have cost {exactly(cost)}"
            return replace(known, status="exempt", reason=why)
        price = priced(cost, found.cls, hotel)
        return replace(
            known,
            allowance_used=pool,
            net=price.net,
            taxes=price.taxes,
            total=price.total,
            work=work + _priced(price, hotel),
        )

    def _stretches(self, hotel: Property, found: Rate, free: int, billed: int) -> list[Stretch]:
        if not found.bands or hotel.band_mode == "at_answer":
            return [Stretch(billed, rate_at(found, self.answered, hotel.zone))]
        return split(found, self.answered + timedelta(seconds=free), billed, hotel.zone)


def _free(hotel: Property, status: Status, reason: str, number: str) -> Rated:
    return Rated(status, hotel.currency, hotel.digits, reason, number)


# --- the arithmetic, for people -------------------------------------------------------------------


def _work(seconds: int, per_call: int, pool: int, found: Rate, stretches: list[Stretch]) -> str:
    free = f" - {per_call} s free a call" if per_call else ""
    free += f" - {pool} s of the stay" if pool else ""
    billed = sum(part.seconds for part in stretches)
    said = f"{seconds} s{free}, billed {billed} s: "
    parts = [str(found.connect)] if found.connect else []
    parts += [f"{part.seconds} s × {part.rate}/60" for part in stretches]
    return said + " + ".join(parts)


def _priced(price: Price, hotel: Property) -> str:
    said = ""
    if price.steps:
        said += f"; {'; '.join(price.steps)} = {exactly(price.exact)}"
    said += f"; {hotel.rounding}"
    if hotel.tax_mode == "inclusive":
        said += f" {shown(price.total, hotel.digits)}"
        return said + "".join(
            f", of it {shown(tax.minor, hotel.digits)} {tax.name}" for tax in price.taxes
        )
    said += f" {shown(price.net, hotel.digits)}"
    said += "".join(f" + {shown(tax.minor, hotel.digits)} {tax.name}" for tax in price.taxes)
    if price.taxes:
        said += f" = {shown(price.total, hotel.digits)}"
    return said
