"""What was just written is at hand, and never more of it than there is room for."""

from __future__ import annotations

from datetime import UTC, datetime

from reception.dialog import Journal
from reception.service.recent import Past, Recent

AT = datetime(2026, 1, 1, tzinfo=UTC)
JOURNAL = Journal.load()


def past(size: int) -> Past:
    return Past("c1", JOURNAL, size, b"", AT)


def test_what_was_put_is_given_once_and_to_its_tenant_only() -> None:
    recent = Recent()
    recent.put("a", "e", past(10))
    assert recent.take("b", "e") is None
    assert past(10) == recent.take("a", "e")
    assert recent.take("a", "e") is None


def test_the_silent_are_forgotten_first() -> None:
    recent = Recent(most_bytes=50_000)
    for number in range(10):
        recent.put("a", str(number), past(1_000))
        recent.put("a", "0", past(1_000))
    assert recent.take("a", "1") is None
    assert recent.take("a", "0") is not None
    assert recent.take("a", "9") is not None


def test_taking_makes_room() -> None:
    recent = Recent(most_bytes=50_000)
    for number in range(100):
        recent.put("a", str(number), past(2_000))
        assert recent.take("a", str(number)) is not None
    assert 0 == recent._bytes
