"""The longest prefix decides, and the version in force when the call was answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reception.hotel.rating import Deck, Decks, Rate

prefixes = st.text("123", min_size=1, max_size=5)


@given(st.sets(prefixes, max_size=12), st.text("123", max_size=7))
def test_the_longest_prefix_decides(known: set[str], number: str) -> None:
    deck = Deck({prefix: Rate(prefix, "x", Decimal(1)) for prefix in known})
    fitting = [prefix for prefix in known if number.startswith(prefix)]
    found = deck.rate_of(number)
    assert (max(fitting, key=len) if fitting else None) == (found.prefix if found else None)


def test_a_call_has_the_deck_that_was_in_force_when_it_was_answered() -> None:
    first, second = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    decks = Decks([(second, Deck({}, version="b")), (first, Deck({}, version="a"))])

    def version(when: datetime) -> str | None:
        deck = decks.at(when)
        return deck.version if deck is not None else None

    assert None is version(first - timedelta(seconds=1))
    assert "a" == version(first)
    assert "a" == version(second - timedelta(seconds=1))
    assert "b" == version(second)
