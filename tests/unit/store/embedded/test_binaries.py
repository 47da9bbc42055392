"""Which programs a server runs, and that it gets at them whatever folder they are in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from reception.errors import NeedsHuman
from reception.store.embedded import binaries
from reception.store.embedded.account import Account, ourselves
from reception.store.embedded.binaries import MAJOR, binaries_for, may_reach, shipped_majors
from tests.unit.store.embedded.servers import ROOT, running

STRANGER = Account(uid=54321, gid=54321, name="stranger", is_other=True)


def test_the_wheel_has_ours_and_one_to_upgrade_from() -> None:
    assert (MAJOR, 16) == shipped_majors()
    assert os.access(binaries_for(ourselves())["postgres"], os.X_OK)


def test_no_programs_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_PACKAGE", "nothing_of_this_name")
    with pytest.raises(NeedsHuman, match="set database_url") as caught:
        binaries_for(ourselves())
    assert "store.binaries" == caught.value.code


def test_a_private_folder_on_the_way_is_seen(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    program = tmp_path / "folder" / "program"
    program.parent.mkdir(mode=0o755)
    program.write_text("")
    program.chmod(0o755)
    owner = Account(os.geteuid(), os.getegid(), "us", is_other=False)
    assert may_reach(owner, program)
    program.parent.chmod(0o700)
    assert not may_reach(STRANGER, program)
    program.parent.chmod(0o755)
    program.chmod(0o700)
    assert not may_reach(STRANGER, program)


@ROOT
def test_programs_in_a_private_folder_are_copied_once(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = binaries._package()
    assert package is not None
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    os.symlink(package, private / package.name)  # reached through the private folder only
    cache = Path("/tmp") / f"reception-test-cache-{os.getpid()}"
    monkeypatch.setattr(binaries, "_COPIES", cache)
    monkeypatch.setattr(binaries, "_package", lambda: private / package.name)
    try:
        with running(data_dir) as server:
            assert server.is_alive()
        (copy,) = cache.iterdir()
        made_at = copy.stat().st_mtime_ns
        with running(data_dir) as server:
            assert server.is_alive()
        assert [made_at] == [path.stat().st_mtime_ns for path in cache.iterdir()]
    finally:
        shutil.rmtree(cache, ignore_errors=True)
