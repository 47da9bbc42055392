"""
A whole account in one file: what the platform is like, what the account holds, what people do.

The rule this file keeps: whoever wrote the file hears of everything that is wrong with it at
once, each with its place; a name that is not known is wrong, because it would change nothing.

The shape, as TOML reads it::

    platform = 5  # 4 or 5
    account_id = "0123…"  # 32 hex digits
    api_key = "my key"
    realm = "hotel.example"
    cdr_delay_s = 5.0
    real_time = false
    people = "answer after 8 for 20"  # a script, as of `reception phone`
    unregistered = ["<device>"]

    [quirks]  # settings of the platform by name
    [mishaps]  # of reports: loses, doubles, delays_s, seed
    [numbers]  # number = voice URL
    [[devices]]  # documents of the account, with an id of their own
    id = "…"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reception.callflow.client_url import client_url_fault
from reception.errors import NeedsHuman
from reception.simulator.call import Platform
from reception.simulator.quirks import QUIRKS, Quirks, parse_quirks
from reception.simulator.reports.mishaps import Mishaps
from reception.simulator.rest.account import SUMMARIES
from reception.simulator.script import Script, parse_script

_HEX_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NUMBER: Final = re.compile(r"\+?[0-9]{1,20}", re.ASCII)
_PLAIN: Final = {
    "account_id": str,
    "api_key": str,
    "realm": str,
    "cdr_delay_s": float,
    "real_time": bool,
}
_MISHAPS: Final = ("loses", "doubles", "delays_s", "seed")


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    What a rehearsal begins with.

    Shape:
        documents: kind, id (None: the platform makes one) and body, in order.
        numbers: voice URLs by number.
    """

    quirks: Quirks = QUIRKS[5]
    account_id: str = "0123456789abcdef0123456789abcdef"
    api_key: str = "my key"
    realm: str = "account.example"
    cdr_delay_s: float = 5.0
    real_time: bool = False
    people: Script = field(default_factory=Script)
    mishaps: Mishaps = field(default_factory=Mishaps)
    numbers: Mapping[str, str] = field(default_factory=dict)
    unregistered: frozenset[str] = frozenset()
    documents: tuple[tuple[str, str | None, Mapping[str, Any]], ...] = ()


def read_scenario(data: Mapping[str, Any]) -> Scenario:
    """
    Read a scenario.

    Errors:
        NeedsHuman("simulate.scenario"): everything that is wrong, a line each.
    """
    reader = _Reader(data)
    scenario = reader.scenario()
    if reader.problems:
        raise NeedsHuman("simulate.scenario", "\n".join(reader.problems))
    return scenario


class _Reader:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data: Final = data
        self.problems: Final[list[str]] = []

    def scenario(self) -> Scenario:
        known = {*_PLAIN, *SUMMARIES, "platform", "people", "quirks", "mishaps", "numbers"}
        for name in self._data.keys() - known - {"unregistered"}:
            self._wrong(name, "is not known here")
        plain = {name: self._plain(name, kind) for name, kind in _PLAIN.items()}
        if not _HEX_ID.fullmatch(plain["account_id"] or "0" * 32):
            self._wrong("account_id", "must be 32 hexadecimal digits")
        return Scenario(
            quirks=self._quirks(),
            people=self._people(),
            mishaps=self._mishaps(),
            numbers=self._numbers(),
            unregistered=frozenset(self._texts("unregistered")),
            documents=tuple(self._documents()),
            **{name: value for name, value in plain.items() if value is not None},
        )

    def _wrong(self, place: str, words: str) -> None:
        self.problems.append(f"{place}: {words}")

    def _plain(self, name: str, kind: type) -> Any:
        value = self._data.get(name)
        if value is None:
            return None
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind or value == "":
            words = {str: "a text", float: "a number", bool: "true or false"}[kind]
            self._wrong(name, f"must be {words}")
            return None
        return value

    def _table(self, name: str) -> Mapping[str, Any]:
        value = self._data.get(name, {})
        if not isinstance(value, Mapping):
            self._wrong(name, "must be a table")
            return {}
        return value

    def _texts(self, name: str) -> list[str]:
        value = self._data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._wrong(name, "must be a list of texts")
            return []
        return value

    def _quirks(self) -> Quirks:
        version = self._data.get("platform", 5)
        if version not in (4, 5) or type(version) is not int:
            self._wrong("platform", "must be 4 or 5")
            version = 5
        platform: Platform = 4 if version == 4 else 5
        try:
            return parse_quirks(platform, self._table("quirks"))
        except NeedsHuman as error:
            self._wrong("quirks", error.message)
            return QUIRKS[platform]

    def _people(self) -> Script:
        text = self._data.get("people", "")
        if not isinstance(text, str):
            self._wrong("people", "must be a text: a script, a line for each action")
            return Script()
        try:
            return parse_script(text)
        except NeedsHuman as error:
            self._wrong("people", error.message)
            return Script()

    def _mishaps(self) -> Mishaps:
        given = self._table("mishaps")
        for name in given.keys() - set(_MISHAPS):
            self._wrong(f"mishaps.{name}", "is not known here")
        numbers = {name: given[name] for name in _MISHAPS if name in given}
        if not all(type(value) in (int, float) for value in numbers.values()):
            self._wrong("mishaps", "must be numbers")
            return Mishaps()
        try:
            return Mishaps(**numbers)
        except NeedsHuman as error:
            self._wrong("mishaps", error.message)
            return Mishaps()

    def _numbers(self) -> Mapping[str, str]:
        numbers = self._table("numbers")
        for number, url in numbers.items():
            if not _NUMBER.fullmatch(number):
                self._wrong(f"numbers.{number}", "must be digits, with a + before them or without")
            if not isinstance(url, str):
                self._wrong(f"numbers.{number}", "must be a voice URL")
            elif fault := client_url_fault(url, anywhere=True):
                self._wrong(f"numbers.{number}", fault)
        return numbers

    def _documents(self) -> list[tuple[str, str | None, Mapping[str, Any]]]:
        found: list[tuple[str, str | None, Mapping[str, Any]]] = []
        for kind in SUMMARIES:
            bodies = self._data.get(kind, [])
            if not isinstance(bodies, list):
                self._wrong(kind, f"must be a list: [[{kind}]]")
                continue
            for number, body in enumerate(bodies):
                if not isinstance(body, Mapping):
                    self._wrong(f"{kind}[{number}]", "must be a table")
                    continue
                name = body.get("id")
                if name is not None and not isinstance(name, str):
                    self._wrong(f"{kind}[{number}].id", "must be a text")
                    continue
                found.append((kind, name, {key: body[key] for key in body if key != "id"}))
        return found
