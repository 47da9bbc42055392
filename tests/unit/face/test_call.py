"""What a developer writes, and what is made of it before a dialog runs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reception import App, Call, flow
from reception.callflow.handing_over import handler_name
from reception.errors import AppError
from reception.face.handlers import runs_how
from reception.wire import PivotRequest

FALLBACK = flow.hangup()


def call() -> Call:
    return Call(PivotRequest(call_id="c-1"), params={}, pivot_url=lambda params: "")


def plain(call: Call) -> Any:
    return flow.hangup()


async def one_step(call: Call) -> Any:
    return flow.tts(call.caller_number)


async def looks_alike(call: Call, client: Any = None) -> Any:
    await client.ask(call.id)
    await client.run(call)
    return flow.hangup()


async def dialog(call: Call) -> Any:
    return flow.tts(await call.ask("x"))


async def inner(call: Call) -> Any:
    async def menu() -> str:
        return await call.ask("x")

    return flow.tts(await menu())


class Handlers:
    async def method(self, call: Call) -> Any:
        return flow.tts(await call.ask("x"))

    async def __call__(self, call: Call) -> Any:
        return flow.hangup()


@pytest.mark.parametrize(
    ("handler", "how"),
    [
        (plain, "thread"),
        (one_step, "loop"),
        (looks_alike, "loop"),
        (dialog, "dialog"),
        (inner, "dialog"),
        (Handlers().method, "dialog"),
        (Handlers(), "loop"),
    ],
)
def test_a_handler_is_a_dialog_when_it_takes_an_operation_off_its_call(
    handler: Any, how: str
) -> None:
    assert how == runs_how(handler)


def test_outside_of_a_dialog_every_operation_says_where_it_belongs() -> None:
    uses: tuple[Callable[[], Any], ...] = (
        lambda: call().ask("x"),
        lambda: call().say("x"),
        lambda: call().play("x"),
        lambda: call().run(flow.user("u")),
        lambda: call().step(plain, call()),
        lambda: call().now(),
        lambda: call().random(),
        lambda: call().gather(),
        lambda: call().on_end(plain, call()),
        lambda: call().changed("x"),
    )
    for use in uses:
        with pytest.raises(AppError, match=r"works in a dialog: an `async def`"):
            use()
    assert not call().ending


def test_a_call_keeps_the_id_that_it_began_with() -> None:
    request = PivotRequest(call_id="renamed")
    kept = Call(request, params={}, pivot_url=lambda params: "", call_id="first")
    assert ("first", "renamed") == (kept.id, kept.request.call_id)


def test_states_are_registered_by_name_once() -> None:
    app = App("demo", fallback=FALLBACK)
    assert dialog is app.state(dialog)
    assert dialog is app.state(dialog)
    app.answer(one_step)
    assert {handler_name(dialog), handler_name(one_step)} == set(app.handlers)
    assert one_step is app.handler_named(None)
    assert dialog is app.handler_named(handler_name(dialog))
    with pytest.raises(AppError, match=r"keep it, marked with @app\.state"):
        app.handler_named("gone:handler")
    with pytest.raises(AppError, match="stands in a module"):
        app.state(lambda call: flow.hangup())


def test_a_pivot_takes_one_address() -> None:
    assert b"next.invalid" in flow.pivot(next=dialog).render()
    with pytest.raises(AppError, match="one of url, serverless and next"):
        flow.pivot(url="https://a.example", next=dialog)


@pytest.mark.parametrize("policy", ["ignore", plain, 3])
def test_a_policy_that_is_none_is_refused(policy: Any) -> None:
    with pytest.raises(AppError, match="on_drift of demo"):
        App("demo", fallback=FALLBACK, on_drift=policy)


def test_prompts_are_read_where_they_are_given() -> None:
    app = App("demo", fallback=FALLBACK, prompts={"de": 'menu = "Eins?"'}, language="de")
    assert app.catalogue is not None
    assert ("de",) == app.catalogue.languages
    assert "prompts" == App("demo", fallback=FALLBACK, prompts="prompts").prompts_folder
    with pytest.raises(AppError, match=r"prompts/de\.toml"):
        App("demo", fallback=FALLBACK, prompts={"de": "menu ="})


TYPED = """
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from reception import App, Call, Flow, Secret, flow

@dataclass
class Customer:
    agent: str
    vip: bool

async def find(number: str, deep: bool = False) -> Customer | None: ...
def count(room: str) -> int: ...
def verify(pin: Secret) -> bool: ...
async def log(text: str) -> None: ...

app = App("demo", fallback=flow.hangup())

@app.answer
async def answer(call: Call) -> Flow:
    reveal_type(await call.step(find, call.caller_number))
    reveal_type(await call.step(find, "1", True, key="k", while_=flow.play("x")))
    reveal_type(await call.step(count, "0101"))
    reveal_type(await call.step(partial(find, deep=True), "1"))
    reveal_type(await call.ask("x", valid="12"))
    pin = await call.ask("x", secret=True)
    reveal_type(pin)
    reveal_type(await call.step(verify, pin))
    reveal_type(pin and await call.step(verify, pin))
    reveal_type(await call.ask("x") or await call.step(find, "1"))
    reveal_type([await call.step(count, room) for room in ("0101", "0102")])
    reveal_type(await call.gather(*[call.step(count, room) for room in ("0101", "0102")]))
    reveal_type(await call.gather())
    reveal_type(await call.step(count, room="0101"))
    reveal_type(await call.gather(call.step(find, "1"), call.step(count, "1"), call.now()))
    reveal_type(await call.now())
    reveal_type(await call.random())
    reveal_type(await call.random(1, 6))
    reveal_type(await call.run(flow.user("u")))
    reveal_type(call.changed("x"))
    await call.enqueue(log, "x", after_s=3)
    call.on_end(log, "bye")
    await call.step(find, 7)
    await call.enqueue(log, 7)
    call.say("forgotten")
    return flow.pivot(next=answer)
"""

EXPECTED = [
    "Customer | None",
    "Customer | None",
    "int",
    "Customer | None",
    "str",
    "Secret",
    "bool",
    "Secret | bool",
    "str | Customer | None",
    "list[int]",
    "tuple[int, ...]",
    "tuple[()]",
    "Any",
    "tuple[t.Customer | None, int, datetime.datetime]",
    "datetime.datetime",
    "float",
    "int",
    "str",
    "bool",
]


def test_a_users_type_checker_knows_what_every_operation_gives(
    tmp_path: Path, repository: Path
) -> None:
    source = tmp_path / "t.py"
    source.write_text(textwrap.dedent(TYPED), encoding="utf-8")
    config = tmp_path / "mypy.ini"
    config.write_text(
        f"[mypy]\nstrict = True\nenable_error_code = unused-awaitable\n"
        f"mypy_path = {repository / 'src'}\ncache_dir = {repository / '.mypy_cache' / 'users'}\n"
        "disable_error_code = empty-body\n",
        encoding="utf-8",
    )
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", config, source],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    lines = run.stdout.splitlines()
    revealed = [line.split('"')[1] for line in lines if "Revealed type is" in line]
    short = [
        text.replace("t.Customer", "Customer").replace("reception.dialog.secret.", "")
        for text in revealed
    ]
    assert [text.replace("t.Customer", "Customer") for text in EXPECTED] == short, run.stdout
    errors = [line for line in lines if ": error:" in line]
    assert 5 == len(errors), run.stdout
    assert "call-overload" in errors[0]
    assert "unused-awaitable" in errors[-1]
