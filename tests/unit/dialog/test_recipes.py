"""The recipes for dialogs are whole applications, and do what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from reception import App
from reception.bootstrap.determinism import watched
from reception.dialog import check_source
from tests.unit.dialog.rig import Rig
from tests.unit.dialog.test_replies import call_up, heard


@pytest.fixture
def recipes(repository: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, App]:
    text = (repository / "docs" / "how-to" / "write-dialogs.md").read_text(encoding="utf-8")
    found = {}
    for number, source in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL)):
        assert () == check_source(source)
        module = ModuleType(f"recipe{number}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(source, f"{module.__name__}.py", "exec"), vars(module))
        app: App = module.app
        found[app.name] = app
    return found


@pytest.mark.parametrize(
    ("name", "script", "words"),
    [
        ("menu", "press 4#\npress 1*\npress 21#", "4 guests, 21 nights."),
        ("menu", "wait 60", "Please call again."),
        ("booking", "press 20\npress 1", "That is taken. There is one at 21. Table 4 is yours."),
        ("booking", "press 19", "Table 4 is yours."),
        ("vault", "press 1234\npress 4711", "That was not right. Welcome."),
        ("status", "wait 1", "Your order is on its way, your invoice is paid."),
        ("hours", "press 1", "We are closed."),
        ("room", "press 1", "It is yours for now."),
        ("hotline", "press 2", "You pressed 2."),
    ],
)
def test_a_recipe_does_what_it_says(
    recipes: dict[str, App], name: str, script: str, words: str
) -> None:
    rig = Rig(recipes[name], sandbox=watched)
    told, _ = call_up(rig, script)
    texts = heard(told)
    assert all(part in texts for part in words.split(". "))
    assert b"4711" not in b"".join(step.entries for step in rig.steps)


def test_the_room_is_released_when_the_caller_hangs_up(recipes: dict[str, App]) -> None:
    app = recipes["room"]
    held = sys.modules[app.handler.__module__].held
    rig = Rig(app)
    rig.arrive()
    assert ["101"] == held
    assert rig.end().error is None
    assert [] == held
