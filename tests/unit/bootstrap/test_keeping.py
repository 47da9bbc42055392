"""What the supervisor has done every night, and what it does when a part of that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from reception.bootstrap import keeping
from reception.bootstrap.keeping import nightly_work
from reception.errors import NeedsHuman
from reception.store.embedded import EmbeddedServer


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run in processes of their own."""
    commands: list[list[str]] = []
    monkeypatch.setattr(keeping, "_run", lambda _code, words, _: commands.append(words))
    return commands


def test_old_calls_are_forgotten_also_when_there_is_no_room_for_a_backup(
    tmp_path: Path, ran: list[list[str]]
) -> None:
    (tmp_path / "a file").touch()
    store = {
        "config": "reception.toml",
        "backup_dir": str(tmp_path / "a file" / "backups"),
        "backups_kept": 14,
    }
    _, do = nightly_work(EmbeddedServer(tmp_path / "data"), store)
    with pytest.raises(NeedsHuman, match="no backup can be made"):
        do(lambda: False)
    assert [["prune", "--config", "reception.toml"]] == ran


def test_a_machine_that_is_off_every_night_forgets_too(
    tmp_path: Path, ran: list[list[str]]
) -> None:
    store = {"config": "reception.toml", "backup_dir": "", "backups_kept": 14}
    last_at, do = nightly_work(EmbeddedServer(tmp_path / "data"), store)
    assert last_at() is None
    do(lambda: False)
    assert [["prune", "--config", "reception.toml"]] == ran
