"""The link checker finds what is broken, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import docs_links


def _repository(folder: Path, **pages: str) -> Path:
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder.resolve()


@pytest.mark.parametrize(
    "text",
    [
        "[there](other.md)",
        "[there](other.md#two-words)",
        '[there](<other.md> "with a title")',
        "[here](#a-heading-of-its-own)\n\n## A heading, of its own",
        "[web](https://example.com/nothing#at-all)",
        "[ref]\n\n[ref]: other.md",
        "in code: `[x](nowhere.md)`",
        "```\n[x](nowhere.md)\n```",
        "~~~~ text\n~~~\n[x](nowhere.md)\n~~~~",
        "![picture](other.md)",
        "[twice](other.md#again-1)",
        "[code](other.md#the-check-command)",
    ],
)
def test_a_link_that_leads_somewhere_is_left_alone(tmp_path: Path, text: str) -> None:
    other = "# Two words\n\n## Again\n\n## Again\n\n## The `check` command\n"

    root = _repository(tmp_path, page=text, other=other)

    assert [] == list(docs_links.findings(root))


@pytest.mark.parametrize(
    "text",
    [
        "[there](missing.md)",
        "[there](other.md#missing)",
        "[here](#missing)",
        "[empty]()",
        "[root](/etc/hosts)",
        "[disk](file:///etc/hosts)",
        "[out](../outside.md)",
        "[ref]\n\n[ref]: missing.md",
        "![picture](missing.png)",
        "[![badge](missing.svg)](other.md)",
        "```\ncode\n```\n[after](missing.md)",
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, text: str) -> None:
    root = _repository(tmp_path, page=text, other="# Other\n")

    (found,) = docs_links.findings(root)

    assert found.startswith("page.md:")


def test_the_line_of_the_link_is_named(tmp_path: Path) -> None:
    root = _repository(tmp_path, page="one\n\nthree [x](missing.md)\n")

    assert ["page.md:3: missing.md does not exist"] == list(docs_links.findings(root))
