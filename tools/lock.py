"""
Make the lock files in requirements/ anew from the .in files beside them.

Every lock is universal (one file for all systems and for Python 3.11 and later), carries the
hash of every file that may be installed, and names no package index: which index is asked is
the business of the machine that installs. Only releases that are at least a week old are
taken, so that a release that turns out to be poisoned has time to be found and withdrawn.

Run it with `make lock`, which gives it the uv of requirements/locker.lock. Nothing is
installed here, and no lock is left half written: all are made first, then all are moved.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
COOL_DOWN = dt.timedelta(days=7)
OLDEST_PYTHON = "3.11"

# In the order of making: each lock takes over the versions of those named after it.
LOCKS: dict[str, tuple[str, ...]] = {
    "locker": (),
    "build": (),
    "run": (),
    "dev": ("run", "build"),
    "bench": ("dev",),
}

HEADER = """\
# Made by `make lock` from {name}.in: do not edit. Install with pip --require-hashes.
# It names versions and hashes, and no index: the machine that installs chooses that.
"""


def compile_lock(uv: Path, name: str, made: Path, not_after: str) -> str:
    """Return the text of one lock; `made` holds the locks that were made before it."""
    command = [str(uv), "pip", "compile", f"{name}.in"]
    command += ["--universal", "--generate-hashes", "--python-version", OLDEST_PYTHON]
    command += ["--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    command += ["--exclude-newer", not_after]
    for earlier in LOCKS[name]:
        command += ["--constraint", str(made / f"{earlier}.lock")]
    done = subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True)
    # The path of a constraint file says where this machine keeps its temporary files.
    text = done.stdout.replace(f"{made}/", "")
    if found := re.search(r"https?://|file:|--(?:extra-)?index-url|--find-links", text):
        sys.exit(f"{name}.lock would name where packages come from ({found.group()}); not written")
    return HEADER.format(name=name) + text


def main(arguments: list[str]) -> int:
    """Make all locks with the uv named by the one argument; 0 when they are in place."""
    if len(arguments) != 1:
        print("usage: python tools/lock.py PATH_OF_UV", file=sys.stderr)
        return 2
    uv = Path(arguments[0]).absolute()
    not_after = (dt.datetime.now(dt.UTC) - COOL_DOWN).strftime("%Y-%m-%dT00:00:00Z")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        for name in LOCKS:
            print(f"  {name}.lock", flush=True)
            try:
                text = compile_lock(uv, name, made, not_after)
            except subprocess.CalledProcessError as error:
                print(error.stderr, file=sys.stderr)
                return 1
            (made / f"{name}.lock").write_text(text, encoding="utf-8")
        for name in LOCKS:
            target = FOLDER / f"{name}.lock"
            target.write_text((made / target.name).read_text(encoding="utf-8"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
