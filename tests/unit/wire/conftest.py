"""The platform's recorded requests, and the shapes of request that it can send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def wire(shared: Path) -> Path:
    """The folder of recorded bytes."""
    return shared / "contract" / "wire"


@pytest.fixture(scope="session")
def twins(wire: Path) -> list[tuple[str, bytes, bytes]]:
    """Name, JSON body and form body of each recorded pair."""
    return [
        (path.stem, path.read_bytes(), (wire / "pivot_form" / f"{path.stem}.body").read_bytes())
        for path in _numbered(wire / "pivot_json")
    ]


def _numbered(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.glob("*.json")) if path.stem.isdigit())
