"""One database for all tests here to begin with: making it takes most of a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reception.store.embedded import cluster
from tests.unit.store.embedded.servers import copy_of_made, remove_made


@pytest.fixture(scope="package", autouse=True)
def _made_database() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        # Nobody cuts the power here, and the disk may be busy with other things.
        patched.setattr(cluster, "SYNC", ("--no-sync",))
        yield
    remove_made()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory of a server that was stopped in order."""
    return copy_of_made(tmp_path / "data")
