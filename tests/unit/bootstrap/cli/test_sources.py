"""`reception check` of applications: what it finds in source and prompts, and its pages."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reception.bootstrap.cli.check import check
from reception.bootstrap.cli.sources import CODES, check_file, check_prompts
from reception.dialog import Catalogue

Write = Callable[..., str]

HEAD = "from reception import App, flow, prompt\n"
APP = """
app = App("demo", fallback=flow.hangup(), prompts={prompts})
@app.answer
async def answer(call):
    try:
        await call.ask({asked})
    finally:
        {last}
    return flow.hangup()
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def written(
        name: str, *, prompts: str = "None", asked: str = '"Room?"', last: str = "pass"
    ) -> str:
        text = HEAD + APP.format(prompts=prompts, asked=asked, last=last)
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        return f"{name}:app"

    return written


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(check, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_a_sound_application_is_valid(write: Write) -> None:
    result = run(write("checked_sound"))
    assert (0, True) == (result.exit_code, "checked_sound.py: valid" in result.stdout)


def test_a_remark_has_file_line_words_and_page(write: Write) -> None:
    result = run(write("checked_finally", last="print()"))
    assert 0 == result.exit_code
    assert "warning checked_finally.py:9:9 (RC201 runs at every question)" in result.stdout
    assert "docs/lint/RC201.md" in result.stdout


def test_what_some_caller_would_stumble_over_is_an_error(write: Write) -> None:
    target = write("checked_await", last='call.say("Bye")')
    assert 1 == run(target).exit_code
    (line,) = map(json.loads, run("--json", target).stdout.splitlines())
    assert ["file", "valid", "errors", "warnings"] == list(line)
    assert [("9:9", "RC204")] == [(each["path"], each["rule"]) for each in line["errors"]]


def test_prompts_are_compared_and_looked_for(write: Write) -> None:
    target = write(
        "checked_prompts",
        prompts="{'en': 'a=\"A {x}\"\\nb=\"B\"', 'de': 'a=\"A {y}\"\\nc=\"C\"'}",
        asked='prompt("d")',
    )
    result = run("--json", target)
    assert 1 == result.exit_code
    found = {
        (line["file"], each["path"], each.get("code") or each["rule"])
        for line in map(json.loads, result.stdout.splitlines())
        for each in (*line["errors"], *line["warnings"])
    }
    assert {
        ("checked_prompts.py", "7:24", "RC211"),
        ("prompts/de.toml", "a", "RC212"),
        ("prompts/de.toml", "b", "RC210"),
        ("prompts/en.toml", "c", "RC211"),
    } == found


def test_a_file_of_python_is_checked_without_being_imported(write: Write) -> None:
    write("checked_file", last='call.say("Bye")\n    raise SystemExit')
    result = run("checked_file.py")
    assert (1, True) == (result.exit_code, "checked_file.py:9:9 (RC204" in result.stdout)


@pytest.mark.usefixtures("write")
def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (", "utf-8")
    for name in ("broken.py", "broken:app", "absent_module:app", "absent.py"):
        result = run(name)
        assert 2 == result.exit_code, name
        assert "reception check: " in result.stderr


def test_callflows_and_applications_can_be_checked_together(tmp_path: Path, write: Write) -> None:
    (tmp_path / "flow.json").write_text('{"module":"hangup","data":{}}', "utf-8")
    result = run("flow.json", write("checked_both"))
    assert (0, "2 files; errors: 0, warnings: 0") == (
        result.exit_code,
        result.stdout.splitlines()[-1],
    )


# --- the pages ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(repository: Path) -> Path:
    return repository / "docs" / "lint"


def test_every_code_has_a_page_and_a_line_in_the_index(pages: Path) -> None:
    assert set(CODES) == {page.stem for page in pages.glob("RC2*.md")}
    listed = re.findall(
        r"^\| \[(RC2\d+)\]\((RC2\d+)\.md\) \| (.+?) \| (.+) \|$",
        (pages / "README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert [(code, code, told.name, told.summary) for code, told in CODES.items()] == listed


@pytest.mark.parametrize("code", CODES)
def test_the_example_of_a_page_has_the_finding_before_and_none_after(
    code: str, pages: Path
) -> None:
    text = (pages / f"{code}.md").read_text("utf-8")
    assert text.startswith(f"# {code}: {CODES[code].name}\n\n{CODES[code].summary}\n")
    for heading in ("## What", "## Why", "## How to mend"):
        assert f"\n{heading}\n" in text
    before, after = re.findall(r"```(?:python|toml)\n(.*?)```", text, re.DOTALL)
    assert ({code}, set()) == (codes_in(before), codes_in(after))


def codes_in(example: str) -> set[str]:
    if "# prompts/" not in example:
        return {each.code for each in check_file("example.py", example).found}
    _, *parts = re.split(r"# prompts/(\w+)\.toml\n", example)
    catalogue = Catalogue.parse(dict(zip(parts[::2], parts[1::2], strict=True)))
    return {each.code for source in check_prompts(catalogue) for each in source.found}
