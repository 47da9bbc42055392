"""
Check that the links in the project's Markdown pages lead somewhere.

A link to a file must name a file of this repository, a link to a heading must name one that
exists, as GitHub spells it. Links to the web are not followed: a check that needs the network
fails for reasons of its own. Text inside code is not looked at.

Prints `file:line: what is wrong` for every finding; exit 0 none, 1 some. Only the form of links
is judged here, not the words.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
NOT_OURS = {".git", ".venv", ".make", ".hypothesis", ".pytest_cache", "node_modules"}

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
# From the closing bracket on: a picture may stand inside the text of a link.
_LINK = re.compile(r"\]\(\s*<?([^\s<>)]*)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:")


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number and line for every line outside fenced code; inline code is blanked."""
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        found = _FENCE.match(line)
        if fence:
            if found and found.group(1).startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if found:
            fence = found.group(1)
            continue
        yield number, line


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(text: str) -> set[str]:
    """Return every anchor of a page; the second heading of one name gets `-1`, and so on."""
    found: set[str] = set()
    times: dict[str, int] = {}
    for _, line in prose(text):
        found.update(_ANCHOR.findall(line))
        if heading := _HEADING.match(line):
            name = slug(heading.group(1))
            count = times.get(name, 0)
            times[name] = count + 1
            found.add(f"{name}-{count}" if count else name)
    return found


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number and target of every link in a page."""
    for number, line in prose(text):
        plain = _CODE.sub("", line)
        for match in _LINK.finditer(plain):
            yield number, match.group(1)
        if reference := _REFERENCE.match(plain):
            yield number, reference.group(1)


def problem(page: Path, target: str, root: Path) -> str | None:
    """Return what is wrong with one link on a page, or None."""
    if _SCHEME.match(target):
        return "a link to a file of one machine" if target.startswith("file:") else None
    if not target:
        return "a link without a target"
    path, _, anchor = target.partition("#")
    path = unquote(path)
    if path.startswith("/"):
        return f"{target} starts at the root of somebody's disk: write it relative to this page"
    goal = (page.parent / path).resolve() if path else page
    if not goal.is_relative_to(root):
        return f"{target} leads out of the repository"
    if not goal.exists():
        return f"{target} does not exist"
    if anchor and goal.suffix == ".md" and anchor not in anchors(goal.read_text("utf-8")):
        return f"{target}: {goal.name} has no heading #{anchor}"
    return None


def pages(root: Path) -> list[Path]:
    """Return the Markdown pages of the repository, sorted."""
    found = root.rglob("*.md")
    return sorted(p for p in found if not NOT_OURS.intersection(p.relative_to(root).parts))


def findings(root: Path) -> Iterator[str]:
    """Yield one line for each link that leads nowhere."""
    for page in pages(root):
        for number, target in links(page.read_text("utf-8")):
            if wrong := problem(page, target, root):
                yield f"{page.relative_to(root)}:{number}: {wrong}"


def main() -> int:
    """Check the whole repository."""
    wrong = list(findings(ROOT))
    print("\n".join(wrong) or f"{len(pages(ROOT))} pages, every link leads somewhere.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
