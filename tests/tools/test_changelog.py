"""Fragments become a release, and nothing that was released changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tools import changelog

TODAY = dt.date(2030, 1, 31)


def _repository(folder: Path, page: str, **fragments: str) -> Path:
    (folder / "changes").mkdir()
    (folder / "changes" / "README.md").write_text("How to write one.", encoding="utf-8")
    (folder / "CHANGELOG.md").write_text(page, encoding="utf-8")
    for name, text in fragments.items():
        path = folder / "changes" / f"{name.replace('_', '.')}.md"
        path.write_text(text, encoding="utf-8")
    return folder


def test_fragments_become_the_newest_release_and_are_removed(tmp_path: Path) -> None:
    old = "# Changelog\n\n## Unreleased\n\nIn changes/.\n\n## 0.1.0 – 2029-12-01\n\n- First.\n"
    root = _repository(
        tmp_path,
        old,
        voice_fixed="A call\nis not lost.\n",
        menu_added="Menus.",
        bill_fixed="Bills.",
    )

    changelog.release(root, "0.2.0", TODAY)

    assert (
        "# Changelog\n\n## Unreleased\n\nIn changes/.\n\n"
        "## 0.2.0 – 2030-01-31\n\n"
        "### Added\n\n- Menus.\n\n"
        "### Fixed\n\n- Bills.\n- A call\n  is not lost.\n\n"
        "## 0.1.0 – 2029-12-01\n\n- First.\n"
    ) == (root / "CHANGELOG.md").read_text("utf-8")
    assert ["README.md"] == [path.name for path in (root / "changes").iterdir()]


def test_the_first_release_needs_no_older_one(tmp_path: Path) -> None:
    root = _repository(tmp_path, "# Changelog\n\n## Unreleased\n\nIn changes/.\n", a_added="A.")

    changelog.release(root, "0.1.0", TODAY)

    assert (
        (root / "CHANGELOG.md")
        .read_text("utf-8")
        .endswith("## 0.1.0 – 2030-01-31\n\n### Added\n\n- A.\n")
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("voice.md", "No type."),
        ("voice.improved.md", "No such type."),
        ("Voice.fixed.md", "Capitals."),
        ("voice.fixed.txt", "Not Markdown."),
        ("voice.fixed.md", "  \n"),
        ("voice.fixed.md", "- a list"),
    ],
)
def test_a_fragment_that_cannot_be_used_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")

    (found,) = changelog.problems(tmp_path)

    assert found.startswith(f"changes/{name}: ")
