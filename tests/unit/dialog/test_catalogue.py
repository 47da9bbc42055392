"""Prompts by name: every language says the same, or somebody hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from reception import Call, flow, prompt
from reception.dialog import Catalogue
from reception.errors import AppError
from tests.unit.dialog.rig import Rig, app_of, nodes

ENGLISH = """
welcome = "Welcome, {name}."

[menu]
main = "Press 1 or 2."
hold = { media = "0123456789abcdef0123456789abcdef" }
jingle = { url = "https://media.example/jingle.wav" }
bye = { text = "Bye {{not a parameter}}", voice = "male" }
"""
GERMAN = """
welcome = "Willkommen, {name}."
[menu]
main = "Drücken Sie 1 oder 2."
"""


def both() -> Catalogue:
    return Catalogue.parse({"en": ENGLISH, "de": GERMAN})


@pytest.mark.parametrize(
    ("key", "params", "language", "expected"),
    [
        ("welcome", {"name": "Ada"}, "en-us", ("tts", {"text": "Welcome, Ada.", "language": "en"})),
        (
            "welcome",
            {"name": "Ada"},
            "de_DE",
            ("tts", {"text": "Willkommen, Ada.", "language": "de"}),
        ),
        ("menu.main", {}, "fr-fr", ("tts", {"text": "Press 1 or 2.", "language": "en"})),
        ("menu.main", {}, "", ("tts", {"text": "Press 1 or 2.", "language": "en"})),
        ("menu.jingle", {}, "de", ("play", {"id": "https://media.example/jingle.wav"})),
        (
            "menu.bye",
            {},
            "en",
            ("tts", {"text": "Bye {not a parameter}", "language": "en", "voice": "male"}),
        ),
    ],
)
def test_the_caller_hears_the_language_that_there_is(
    key: str, params: dict[str, Any], language: str, expected: Any
) -> None:
    assert expected == both().node(key, params, language)


def test_what_is_missing_or_differs_is_found_beforehand() -> None:
    wrong = Catalogue.parse(
        {"en": ENGLISH, "de": 'welcome = "Willkommen, {gast}."', "fr": 'only = "x"'}, default="en"
    )
    found = [(m.language, m.key, m.message) for m in wrong.findings()]
    assert ("de", "menu.main", "is missing here, and is there in en") in found
    assert ("de", "welcome", "differs from en in {gast, name}") in found
    assert ("en", "only", "is missing here, and is there in fr") in found
    assert () == Catalogue.parse({"en": ENGLISH}).findings()
    assert "default language" in Catalogue.parse({"de": GERMAN}).findings()[0].message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("welcome = ", "prompts/en.toml: "),
        ("welcome = 3", "welcome: a prompt is a text"),
        ('welcome = ""', "welcome: text must be a text that is not empty"),
        ('[a]\ntext = "x"\nmedia = "y"', "a: give only one of text and media"),
        ('[a]\ntext = "x"\nspeed = "y"', "'speed' is not known"),
        ('a = "{"', "braces"),
        (f'a = "{"x" * 1001}"', "at most 1000"),
    ],
)
def test_a_catalogue_that_cannot_be_read_names_file_and_key(text: str, words: str) -> None:
    with pytest.raises(AppError) as caught:
        Catalogue.parse({"en": text})
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("key", "params", "words"),
    [
        ("nothing", {}, "no prompt 'nothing'"),
        ("welcome", {}, "asks for the parameters name, and got none"),
        ("welcome", {"name": "x", "more": "y"}, "got more, name"),
    ],
)
def test_a_prompt_that_is_not_there_says_so(key: str, params: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError, match=words):
        both().node(key, params, "en")


def test_a_dialog_speaks_its_callers_language() -> None:
    async def answer(call: Call) -> Any:
        await call.play(prompt("welcome", name="Ada"))
        await call.ask(prompt("menu.main"), valid="12")
        return flow.hangup()

    rig = Rig(app_of(answer, prompts={"en": ENGLISH, "de": GERMAN}), language="de-de")
    assert "Willkommen, Ada. Drücken Sie 1 oder 2." == nodes(rig.arrive().reply)[1][1]["text"]


def test_without_a_catalogue_a_prompt_says_what_is_missing() -> None:
    async def answer(call: Call) -> Any:
        await call.ask(prompt("menu"))
        return flow.hangup()

    with pytest.raises(AppError, match="give the App `prompts=`"):
        Rig(app_of(answer)).arrive()
