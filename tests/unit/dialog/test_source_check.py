"""What the checker finds in a dialog's source, and what it leaves alone."""

from __future__ import annotations

import pytest

from reception.dialog import check_source
from reception.errors import AppError


def codes(body: str, head: str = "async def answer(call):") -> list[tuple[int, str]]:
    source = head + "\n" + "\n".join("    " + line for line in body.strip("\n").splitlines())
    return [(remark.line, remark.code) for remark in check_source(source)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("try:\n    await call.ask('x')\nfinally:\n    db.close()", [(5, "RC201")]),
        ("try:\n    await menu(call)\nfinally:\n    db.close()", [(5, "RC201")]),
        ("try:\n    x = 1\nfinally:\n    db.close()", []),
        ("try:\n    await call.ask('x')\nfinally:\n    await call.step(db.close)", []),
        ("try:\n    await call.ask('x')\nfinally:\n    if call.ending:\n        db.close()", []),
        (
            "try:\n    await call.ask('x')\nfinally:\n    if ready:\n        db.close()",
            [(5, "RC201")],
        ),
        ("with lock:\n    await call.ask('x')", [(2, "RC202")]),
        ("async with client:\n    if x:\n        await call.run(f)", [(2, "RC202")]),
        ("with suppress(CallEnded):\n    await call.ask('x')", []),
        ("with contextlib.suppress(BaseException):\n    await call.ask('x')", [(2, "RC203")]),
        ("with suppress(CallEnded), lock:\n    await call.ask('x')", [(2, "RC202")]),
        ("with open('x') as f:\n    text = f.read()\nawait call.ask(text)", []),
        ("try:\n    await call.ask('x')\nexcept BaseException:\n    pass", [(4, "RC203")]),
        ("try:\n    await call.ask('x')\nexcept:\n    raise", []),
        ("try:\n    await call.ask('x')\nexcept Exception:\n    pass", []),
        ("call.say('x')", [(2, "RC204")]),
        ("await call.say('x')\ncall.on_end(f)\ncall.pivot_url()", []),
    ],
)
def test_the_checker_flags_what_runs_at_every_question(
    body: str, expected: list[tuple[int, str]]
) -> None:
    assert expected == codes(body)


@pytest.mark.parametrize(
    ("head", "is_dialog"),
    [
        ("async def answer(c: Call):", True),
        ("async def answer(c: 'reception.Call'):", True),
        ("async def answer(c):", False),
        ("async def answer(self, call, more=1):", True),
    ],
)
def test_a_dialog_is_known_by_its_parameter(head: str, is_dialog: bool) -> None:
    name = "call" if "call" in head else "c"
    assert is_dialog == bool(codes(f"{name}.say('x')", head))


def test_functions_inside_are_dialogs_of_their_own() -> None:
    body = "def clean():\n    try:\n        pass\n    finally:\n        x()\nawait call.ask('x')"
    assert [] == codes(body)


def test_what_is_no_python_says_so() -> None:
    with pytest.raises(AppError, match=r"app\.py"):
        check_source("async def", "app.py")
