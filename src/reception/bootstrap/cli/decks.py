"""
Decks and properties in files, for the commands that price calls.

Only reading: what a deck or a property must be is `hotel.rating`'s, and so is every wording of
what is wrong with it; here each line of that gets the name of its file.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from reception.bootstrap.problems import reason_of
from reception.errors import NeedsHuman
from reception.hotel.rating import Deck, Property, deck_of, property_of, read_deck

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
WRONG: Final = 1
NOT_READ: Final = 2


def deck_in(name: str) -> Deck:
    """Read a deck: CSV, or JSON where the name says so. Its version is made of its content."""
    raw = content_of(name)
    version = hashlib.blake2b(raw, digest_size=6).hexdigest()
    try:
        if name.lower().endswith(".json"):
            data = decoded(name, raw)
            return deck_of(data.get("deck", data), version=version)
        return read_deck(text_of(name, raw).splitlines(keepends=True), version=version)
    except NeedsHuman as error:
        stop(name, error)


def property_in(name: str) -> Property:
    """Read a property: JSON, or TOML where the name says so."""
    raw = content_of(name)
    if name.lower().endswith(".toml"):
        try:
            data: dict[str, Any] = tomllib.loads(text_of(name, raw), parse_float=Decimal)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            refuse(name, f"is no TOML: {error}")
    else:
        data = decoded(name, raw)
    try:
        return property_of(data, zone)
    except NeedsHuman as error:
        stop(name, error)


def decoded(name: str, raw: bytes) -> dict[str, Any]:
    """Read a JSON object with exact numbers."""
    try:
        data = json.loads(text_of(name, raw), parse_float=Decimal, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        refuse(name, f"is no JSON: {error}")
    if not isinstance(data, Mapping):
        refuse(name, "must hold one JSON object")
    return dict(data)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that an object has twice: one of two prices would be lost without a word."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{twice[:40]!r} is in one object twice")
    return found


def zone(name: str) -> tzinfo | None:
    """Find a time zone in what this machine knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def content_of(name: str) -> bytes:
    """Read a file, or say why it cannot be read."""
    try:
        with Path(name).open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that holds a NUL
        click.echo(f"cannot read {click.format_filename(name)}: {reason_of(error)}", err=True)
        sys.exit(NOT_READ)
    if len(raw) > MAX_FILE_BYTES:
        click.echo(f"{click.format_filename(name)} is larger than 64 MiB", err=True)
        sys.exit(NOT_READ)
    return raw


def text_of(name: str, raw: bytes) -> str:
    """Decode UTF-8, with or without a byte order mark."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        refuse(name, f"line {line}: is not UTF-8; save the file as UTF-8")


def stop(name: str, error: NeedsHuman) -> NoReturn:
    """Print everything that is wrong with a file, and end."""
    for line in error.message.splitlines():
        click.echo(f"{click.format_filename(name)}: {line}", err=True)
    sys.exit(WRONG)


def refuse(name: str, words: str) -> NoReturn:
    """Print the one thing that is wrong with a file, and end."""
    click.echo(f"{click.format_filename(name)}: {words}", err=True)
    sys.exit(WRONG)
