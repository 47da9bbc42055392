"""
The rules of the house that no linter knows.

They keep the map true: every package has a floor and stands in the contracts of its floor, every
public name is exported on purpose, every waiver has its reason, no lock names a source.
What one package promises is tested in the folder of that package, never here.
"""

from __future__ import annotations

import ast
import configparser
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "reception"

MODULES = sorted(SOURCE.rglob("*.py"))
CHECKED = sorted(
    path
    for folder in ("src", "tests", "tools", "examples", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
PUBLIC = ("reception", "reception.callflow", "reception.wire", "reception.face")
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))

# Names that say where a line was put, and not what it is for.
NAMES_WITHOUT_MEANING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
HARD_LIMIT_LINES = 600


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _contract(name: str) -> configparser.SectionProxy:
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter", encoding="utf-8")
    return rules[f"importlinter:contract:{name}"]


def _floors() -> list[set[str]]:
    """Return the names on each floor, the top one first, brackets taken off."""
    layers = _contract("floors")["layers"].strip().splitlines()
    return [{name.strip("() ") for name in re.split(r"[|:]", line)} for line in layers]


def _listed(contract: str, key: str) -> set[str]:
    lines = _contract(contract)[key].strip().splitlines()
    return {line.removeprefix("reception.") for line in lines if not line.startswith("#")}


def _packages() -> set[str]:
    """Return every module and package directly under `reception`."""
    return {
        path.stem
        for path in SOURCE.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem != "__init__"
    }


def _core() -> set[str]:
    """Return what exists of the core: `ports` and all floors under it."""
    floors = _floors()
    first = next(i for i, floor in enumerate(floors) if "ports" in floor)
    return set().union(*floors[first:]) & _packages()


def _requirements(path: Path) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text("utf-8"), flags=re.MULTILINE)
    return dict(found)


# --- the map --------------------------------------------------------------------------------------


def test_every_package_has_a_floor() -> None:
    assert set() == _packages() - set().union(*_floors())


def test_every_package_of_the_core_is_held_free_of_input_and_output() -> None:
    assert _core() == _listed("pure-core", "source_modules")


def test_the_core_calls_no_builtin_that_reads_or_runs_something() -> None:
    banned = {"open", "input", "print", "exec", "eval", "compile", "breakpoint", "__import__"}
    called = [
        f"{_name(path)}:{node.lineno}: {node.func.id}()"
        for path in MODULES
        if path.relative_to(SOURCE).parts[0].removesuffix(".py") in _core()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in banned
    ]

    assert [] == called


def test_the_simulator_is_held_off_every_package_but_wire_and_callflow() -> None:
    allowed = {"simulator", "wire", "callflow", "errors", "values", "__main__", "testing"}

    assert _packages() - allowed == _listed("simulator", "forbidden_modules")


def test_no_module_is_named_after_nothing() -> None:
    assert [] == [_name(path) for path in MODULES if path.stem in NAMES_WITHOUT_MEANING]


def test_no_module_is_longer_than_anybody_reads() -> None:
    lengths = {_name(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}

    assert {} == {name: lines for name, lines in lengths.items() if lines > HARD_LIMIT_LINES}


def test_every_module_opens_with_what_it_is_for() -> None:
    heads = {path: ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "" for path in MODULES}
    lengths = {path: len(head.splitlines()) for path, head in heads.items()}

    # A package or an entry point may say it in one line; a module has a rule to keep.
    assert {} == {
        _name(path): lines
        for path, lines in lengths.items()
        if not (1 if path.stem in {"__init__", "__main__"} else 3) <= lines <= 25
    }


# --- the face -------------------------------------------------------------------------------------


def _public_names(module: ModuleType) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_exported_on_purpose(name: str) -> None:
    module = importlib.import_module(name)
    exported = set(module.__all__)

    assert set() == _public_names(module) - exported, "public, but not in __all__"
    assert set() == {each for each in exported if not hasattr(module, each)}, "does not exist"


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    assert (SOURCE / "py.typed").is_file()
    assert ["py.typed"] == project["tool"]["setuptools"]["package-data"]["reception"]


# --- waivers --------------------------------------------------------------------------------------

_WAIVER = re.compile(
    r"#\s*(?:type:\s*ignore\[[^\]]+\]|noqa:\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*|pragma:\s*no cover)"
)


def _unexplained(path: Path) -> Iterator[str]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if found := list(_WAIVER.finditer(line)):
            reason = line[found[-1].end() :].strip(" #:;,-–()")
            if len(reason.split()) < 2:
                yield f"{_name(path)}:{number}: {line.strip()}"


def test_every_waiver_says_why_on_its_line() -> None:
    assert [] == [line for path in CHECKED for line in _unexplained(path)]


# --- what is installed ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").iterdir()), ids=_name)
def test_no_requirement_names_where_packages_come_from(path: Path) -> None:
    found = re.findall(r"https?:|file:|index-url|find-links|trusted-host", path.read_text("utf-8"))

    assert [] == found


@pytest.mark.parametrize("path", LOCKS, ids=_name)
def test_every_locked_package_has_its_hashes(path: Path) -> None:
    blocks = re.split(r"^(?=[a-z0-9])", path.read_text("utf-8"), flags=re.MULTILINE)[1:]

    assert blocks
    assert [] == [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block]


@pytest.mark.parametrize("other", ["dev", "bench"])
def test_tests_and_benchmark_use_the_versions_that_run(other: str) -> None:
    run = _requirements(ROOT / "requirements" / "run.lock")
    there = _requirements(ROOT / "requirements" / f"{other}.lock")

    assert {name: run[name] for name in run if name in there} == {
        name: there[name] for name in there if name in run
    }


def test_every_package_that_runs_is_argued_for_in_the_docs() -> None:
    wanted = (ROOT / "requirements" / "run.in").read_text("utf-8")
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")

    names = re.findall(r"^([a-z0-9-]+)", wanted, flags=re.MULTILINE)
    assert [] == [name for name in names if f"| `{name}` |" not in page]


# --- the commands ---------------------------------------------------------------------------------


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")

    assert re.search(r"^make test$", readme, flags=re.MULTILINE)
    assert re.search(r"^clean make test\b", script, flags=re.MULTILINE)
    assert re.search(r"^clean make check\b", script, flags=re.MULTILINE)


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    released = re.findall(r"^## (\d+\.\d+\.\d+)", changelog, flags=re.MULTILINE)

    assert not released or released[0] == project["version"]
