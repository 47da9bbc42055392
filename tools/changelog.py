"""
Keep the changelog: check the fragments in changes/, and assemble them for a release.

A fragment is `changes/<id>.<type>.md`, where `<id>` names the change in a few words or by its
issue number and `<type>` is one of `TYPES`. It holds one or a few sentences for the user of
Reception, which become one item of CHANGELOG.md.

    python tools/changelog.py check             every fragment has a name and a text as above
    python tools/changelog.py release 0.2.0     move them under a new heading, dated today

Exit 0 done, 1 something is wrong with a fragment, 2 usage. What is written in CHANGELOG.md
already is never changed.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# In the order in which a reader of a release wants them.
TYPES = ("security", "removed", "deprecated", "added", "changed", "fixed")
UNRELEASED = "## Unreleased"
EXPLAINED = "README.md"

_NAME = re.compile(rf"[a-z0-9][a-z0-9-]*\.({'|'.join(TYPES)})\.md")
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def fragments(folder: Path) -> list[Path]:
    """Return what lies in the folder of fragments, sorted, without the page that explains it."""
    return sorted(path for path in folder.iterdir() if path.name != EXPLAINED)


def problems(folder: Path) -> list[str]:
    """Return one line for each thing that is wrong with a fragment."""
    found = []
    for path in fragments(folder):
        if not _NAME.fullmatch(path.name):
            found.append(
                f"changes/{path.name}: the name must be <id>.<type>.md, <type> one of "
                f"{', '.join(TYPES)}"
            )
        elif not (text := path.read_text("utf-8").strip()):
            found.append(f"changes/{path.name}: says nothing")
        elif text.startswith(("-", "*", "#")):
            found.append(f"changes/{path.name}: write sentences; the list is made from them")
    return found


def section(folder: Path) -> str:
    """Return the items of all fragments, under one heading for each type that occurs."""
    parts = []
    for kind in TYPES:
        items = [p for p in fragments(folder) if p.name.endswith(f".{kind}.md")]
        if items:
            texts = [re.sub(r"\s*\n\s*", "\n  ", p.read_text("utf-8").strip()) for p in items]
            parts.append(f"### {kind.capitalize()}\n\n" + "\n".join(f"- {t}" for t in texts))
    return "\n\n".join(parts)


def release(root: Path, version: str, today: dt.date) -> None:
    """Write the fragments into CHANGELOG.md under `version`, and remove them."""
    page = root / "CHANGELOG.md"
    before, mark, after = page.read_text("utf-8").partition(f"{UNRELEASED}\n")
    note, _, older = after.partition("\n## ")
    text = f"{before}{mark}{note.rstrip()}\n\n## {version} – {today.isoformat()}\n\n"
    text += section(root / "changes") + "\n"
    page.write_text(text + (f"\n## {older}" if older else ""), encoding="utf-8")
    for path in fragments(root / "changes"):
        path.unlink()


def main(arguments: list[str]) -> int:
    """Run one of the two commands."""
    match arguments:
        case ["check"]:
            wrong = problems(ROOT / "changes")
            count = len(fragments(ROOT / "changes"))
            print("\n".join(wrong) or f"{count} changelog fragments, all well formed.")
            return 1 if wrong else 0
        case ["release", version] if _VERSION.fullmatch(version):
            if wrong := problems(ROOT / "changes"):
                print("\n".join(wrong), file=sys.stderr)
                return 1
            release(ROOT, version, dt.datetime.now(dt.UTC).date())
            print(f"CHANGELOG.md has {version}; set the same version in pyproject.toml.")
            return 0
        case _:
            print("usage: python tools/changelog.py check | release 1.2.3", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
