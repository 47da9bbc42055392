"""`reception rate` and `reception deck`: what they print, and the status they end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reception.bootstrap.cli.deck import deck
from reception.bootstrap.cli.rate import rate
from tests.unit.hotel.rating.hotels import PARIS
from tests.unit.hotel.rating.test_cases import FILE

TABLE = "prefix,class,rate,connect\n33,national,0.06,0.10\n"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("deck.csv").write_text(TABLE)
    Path("hotel.json").write_text(json.dumps(PARIS))
    Path("hotel.toml").write_text(
        'currency = "EUR"\ndigits = 2\ntz = "Europe/Paris"\ncountry = "33"\noutside = "0"\n'
        "min_charge = 0.50\n"
    )
    return tmp_path


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(rate, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def priced(*arguments: str, hotel: str = "hotel.json") -> Result:
    return run("--deck", "deck.csv", "--property", hotel, *arguments)


@pytest.mark.usefixtures("files")
def test_a_price_is_explained() -> None:
    result = priced("0 0142961234", "60", "--at", "2026-03-10T10:00")
    assert 0 == result.exit_code
    assert "0.10 + 60 s × 0.06/60 = 0.16" in result.output
    assert "0.16 EUR" in result.output
    assert "2026-03-10 10:00:00+01:00" in result.output


@pytest.mark.usefixtures("files")
def test_a_property_may_be_toml_and_its_numbers_are_exact() -> None:
    result = priced("+33142961234", "60", "--json", hotel="hotel.toml")
    assert "0.50" == json.loads(result.output)["total"]


@pytest.mark.usefixtures("files")
def test_a_call_without_a_price_is_no_success() -> None:
    result = priced("+4930123456", "60")
    assert (1, True) == (result.exit_code, "unrated_suspense" in result.output)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["1", "x"], 2, "not a valid integer"),
        (["1"], 2, "are needed"),
        (["1", "60", "--at", "noon"], 2, "is no time"),
    ],
)
def test_wrong_usage_says_what_is_right(arguments: list[str], status: int, words: str) -> None:
    result = priced(*arguments)
    assert (status, True) == (result.exit_code, words in result.output)


@pytest.mark.usefixtures("files")
def test_a_file_that_is_wrong_is_named_with_its_line() -> None:
    Path("deck.csv").write_bytes(TABLE.encode() + b"44,\xff,1\n")
    assert (1, "deck.csv: line 3: is not UTF-8; save the file as UTF-8\n") == (
        priced("1", "1").exit_code,
        priced("1", "1").output,
    )
    result = run("--deck", "nowhere.csv", "--property", "hotel.json", "1", "1")
    assert (2, True) == (result.exit_code, "nowhere.csv" in result.output)
    Path("hotel.json").write_text("[]")
    assert 1 == priced("1", "1").exit_code
    Path("hotel.json").write_text("[" * 100_000)
    assert 1 == priced("1", "1").exit_code


@pytest.mark.usefixtures("files")
def test_cases_are_run_and_differences_printed() -> None:
    Path("cases.json").write_text(json.dumps(FILE))
    assert (0, "1 cases, 0 with differences\n") == (
        run("--cases", "cases.json").exit_code,
        run("--cases", "cases.json").output,
    )
    case = FILE["cases"][0] | {"expect": {"total": "9"}}  # type: ignore[index]  # a list
    Path("cases.json").write_text(json.dumps(FILE | {"cases": [case]}))
    result = run("--cases", "cases.json")
    assert (1, True) == (result.exit_code, "a: total: expected 9, got 0.16" in result.output)


@pytest.mark.usefixtures("files")
def test_a_deck_is_checked_and_compared() -> None:
    Path("new.csv").write_text(TABLE.replace("0.06", "0.07") + "44,international,0.2,0\n")
    result = CliRunner().invoke(deck, ["new.csv", "--against", "deck.csv"])
    assert 0 == result.exit_code
    assert "changed: 33: rate 0.06 -> 0.07" in result.output
    assert "added: 44" in result.output
    assert "warning: deck: calls to" in result.output
    report = json.loads(CliRunner().invoke(deck, ["new.csv", "--json"]).output)
    assert (2, []) == (report["prefixes"], report["changes"])
    Path("new.csv").write_text("prefix\n")
    assert 1 == CliRunner().invoke(deck, ["new.csv"]).exit_code


@pytest.mark.usefixtures("files")
def test_a_price_that_a_file_has_twice_is_not_one_of_the_two() -> None:
    price = '{"cls": "national", "rate": "%s"}'
    Path("deck.json").write_text(f'{{"33": {price % 1}, "33": {price % 2}}}')
    result = CliRunner().invoke(deck, ["deck.json"])
    assert (1, True) == (result.exit_code, "'33' is in one object twice" in result.output)
