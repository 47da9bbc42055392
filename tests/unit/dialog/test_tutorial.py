"""The dialog of the tutorial does what the page says, with the simulator's phone."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from reception import App
from reception.bootstrap.determinism import watched
from reception.dialog import check_source
from tests.unit.dialog.rig import FALLBACK, Rig
from tests.unit.dialog.test_replies import call_up, heard


@pytest.fixture
def tutorial(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    text = (repository / "docs" / "tutorial" / "dialogs.md").read_text(encoding="utf-8")
    source = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    assert () == check_source(source)
    module = ModuleType("tutorial")
    monkeypatch.setitem(sys.modules, "tutorial", module)
    exec(compile(source, "tutorial.py", "exec"), vars(module))
    return module


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("press 2\npress 4711", "Your balance is zero."),
        ("press 2\npress 1234", "Goodbye."),
        ("press 1\nbusy agent", "The line is busy. Goodbye."),
        ("press 1\nnoanswer agent", "Nobody is there. Goodbye."),
        ("press 7\npress 8\npress 2\npress 4711", "Your balance is zero."),
        ("wait 1", "Goodbye."),
    ],
)
def test_the_tutorials_dialog(tutorial: Any, script: str, words: str) -> None:
    async def find(number: str) -> Any:
        return tutorial.Customer("Ada", "agent")

    find.__annotations__["return"] = tutorial.Customer | None
    tutorial.find = find
    app: App = tutorial.app
    rig = Rig(app, sandbox=watched, fallback=FALLBACK)
    told, _ = call_up(rig, script)
    texts = heard(told).replace('"', "")
    assert all(part in texts for part in words.split(". "))
    assert b"4711" not in b"".join(step.entries for step in rig.steps)
