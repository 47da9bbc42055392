"""What an entry shows: nothing that harms a terminal, lets anybody in, or cannot be written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reception.simulator.transcript import Entry, Kind, printable, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("POST https://u:p@w@h/v?key=a%20b&x=1 now", "POST https://***@h/v?key=***&x=1 now"),
        ('{"voice_url":"http://h/?c=1&s=2&k=MAC"}', '{"voice_url":"http://h/?c=1&s=2&k=***"}'),
        ("http://h/?monkey=1&kk=2#key=3", "http://h/?monkey=1&kk=2#key=3"),
        ("call me at a@b", "call me at a@b"),
        ("?key=", "?key=***"),
    ],
)
def test_secrets_of_urls_are_hidden_wherever_they_stand(text: str, shown: str) -> None:
    assert shown == without_secrets(text) == printable(text)


def test_a_secret_is_hidden_before_the_text_is_cut() -> None:
    assert "sesame" not in printable("http://user:sesame" + "e" * 90 + "@h/", limit=30)


def test_secrets_are_hidden_in_every_detail() -> None:
    data = {"data": {"voice_url": "https://u:pw@h/?key=sesame", "list": ["http://h/?key=sesame"]}}
    shown = json.dumps(Entry(0, Kind.NODE, "pivot", data).to_dict())
    assert "sesame" not in shown
    assert "pw@" not in shown


def test_an_entry_can_be_written_however_deep_its_detail() -> None:
    deep: Any = "end"
    for _ in range(5_000):
        deep = {"a": [deep]}
    shown = json.dumps(Entry(0, Kind.NODE, "noop", {"data": deep, "n": 1}).to_dict())
    assert '"..."' in shown
    assert '"n": 1' in shown
