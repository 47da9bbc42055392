"""
`reception phone`: call a voice URL, or an app of this folder, from the terminal.

The command chooses: URL or `module:app`, script or keyboard, virtual or real time; it
prints what the simulator reports and turns the ending into an exit code. It knows nothing
of what the platform does. Whatever a server or a script holds, the answer is a sentence,
never a traceback.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import click

from reception.bootstrap.cli.caller import caller_options, pairs, setup_of
from reception.bootstrap.cli.dialogue import KeyboardLines, Printer
from reception.bootstrap.cli.reporting import mishaps_of, report_options, webhooks_of
from reception.bootstrap.problems import reason_of
from reception.errors import NeedsHuman, ReceptionError
from reception.simulator.call import Platform
from reception.simulator.clock import Clock, RealClock, VirtualClock
from reception.simulator.phone import BodyFormat, Dialled, place_call
from reception.simulator.quirks import Quirks, parse_quirks
from reception.simulator.script import Script, parse_script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.settings import NAMES, Settings, parse_settings
from reception.simulator.typed import TypedWorld
from reception.simulator.world import World

_USAGE: Final = 2
_DROPPED: Final = 1
_LARGEST_SCRIPT: Final = 1024 * 1024

_EPILOG: Final = """
\b
A script has one action a line; # begins a comment:
  press 12#                 when next asked for keys
  press 1 early | now       during the next prompt | at once
  wait 3                    seconds before the next line
  hangup
  answer ID after 5 for 60  what a phone does when it rings (no ID: any phone)
  busy ID, noanswer ID, reject ID, nothing ID, missing ID
  fail ID NO_RESOURCES sip:503
  voicemail leave 10, voicemail hangup
  lasts welcome.wav 2.5     how long a recording plays
  menu ID retries 2 timeout 5 digits 3
  document ID {"flow": {...}, "numbers": ["100"]}   one of the account's, as JSON
  outcome MODULE ID WORD    such as: outcome fax_detect ON_FAX; the ID may be left out
  time 2026-11-25T09:30     the account's local time when the call begins

Exit status: 0 the call ended normally; 1 the platform would have dropped it or rejected
a reply; 2 wrong usage.
"""


@click.command(epilog=_EPILOG)
@click.argument("target")
@caller_options
@click.option(
    "--platform",
    type=click.Choice(["4", "5"]),
    default="4",
    show_default=True,
    help="The platform's version to imitate.",
)
@click.option(
    "--format",
    "body_format",
    type=click.Choice(["json", "form", "get"]),
    default="json",
    show_default=True,
    help="How the first request is sent.",
)
@click.option(
    "--request-timeout",
    "timeout_ms",
    type=click.IntRange(1, 5000),
    default=5000,
    show_default=True,
    metavar="MS",
    help="Patience of the first request.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="custom_request_headers of the first request; version 5 sends them.",
)
@click.option("--cdr-url", default=None, metavar="URL", help="cdr_url of the first request.")
@report_options
@click.option(
    "--quirk",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a setting of the platform; see the simulator's reference.",
)
@click.option(
    "--script", "script_name", metavar="FILE", help="Play a script; - reads it from stdin."
)
@click.option("--real-time", is_flag=True, help="Let ringing and prompts take their time.")
@click.option("--nodes", is_flag=True, help="Also show each node as it is entered.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object per line.")
def phone(
    target: str,
    platform: str,
    body_format: str,
    timeout_ms: int,
    headers: tuple[str, ...],
    cdr_url: str | None,
    hook_urls: tuple[str, ...],
    hook_format: str,
    mishaps: tuple[str, ...],
    changes: tuple[str, ...],
    script_name: str | None,
    real_time: bool,
    nodes: bool,
    is_json: bool,
    **caller: Any,
) -> None:
    """
    Call TARGET as the platform would, and follow the call to its end.

    TARGET is a voice URL (http://127.0.0.1:8080/voice?APPID=acme-crm) or an app of this
    folder (module:app), which is served for the length of the call.

    On a terminal you are the caller: type keys, what ringing phones do, or hangup. With
    --script the lines of a file act instead. Time is virtual: 30 s of ringing take none.
    """
    version: Platform = 4 if platform == "4" else 5
    first: BodyFormat = _body_format(body_format)
    printer = Printer(is_json=is_json, shows_nodes=nodes)
    try:
        setup = setup_of(**caller)
        quirks, settings = _changed(version, changes)
        script = _script(script_name)
        with _voice_url(target) as url:
            clock: Clock = RealClock() if real_time else VirtualClock()
            world = _world(script, clock, printer, real_time=real_time)
            dialled = Dialled(url, first, timeout_ms, cdr_url and _checked(cdr_url), pairs(headers))
            urls = tuple(_checked(each) for each in hook_urls)
            ending = asyncio.run(
                place_call(
                    dialled,
                    setup,
                    platform=version,
                    clock=clock,
                    world=world,
                    note=printer.note,
                    quirks=quirks,
                    settings=settings,
                    webhooks=webhooks_of(urls, hook_format, setup.account_id),
                    mishaps=mishaps_of(mishaps),
                )
            )
    except ReceptionError as error:
        click.echo(f"reception phone: {error.message}", err=True)
        sys.exit(_USAGE)
    except KeyboardInterrupt:
        printer.interrupted()
        sys.exit(0)
    except BrokenPipeError:
        # Whoever read the transcript has gone; nothing is left to say, and to whom.
        sys.stderr.close()
        sys.exit(0)
    sys.exit(0 if ending.outcome.ok else _DROPPED)


def _changed(version: Platform, changes: tuple[str, ...]) -> tuple[Quirks, Settings]:
    """
    Read ``NAME=VALUE``: of the platform's HTTP edge, or of its executor.

    A phone that is gone after its call sends nothing again by itself.
    """
    named: dict[str, object] = {"retry_after_posts": 1}
    of_executor: dict[str, str] = {}
    for change in changes:
        name, sign, value = change.partition("=")
        if not sign:
            raise NeedsHuman("phone.quirk", f"{change!r} is no NAME=VALUE")
        if name.strip() in NAMES:
            of_executor[name.strip()] = value
        else:
            named[name.strip()] = value
    return parse_quirks(version, named), parse_settings(version, of_executor)


def _world(script: Script | None, clock: Clock, printer: Printer, *, real_time: bool) -> World:
    """A script if there is one, else the person at the terminal, else nobody."""
    if script is None and sys.stdin.isatty():
        lines = KeyboardLines(sys.stdin.fileno())
        return TypedWorld(lines, clock, show=printer.ask, real_time=real_time)
    return ScriptedWorld(script or Script(), clock)


@contextlib.contextmanager
def _voice_url(target: str) -> Iterator[str]:
    """Give the URL to call, serving an app for as long as it takes."""
    if "://" in target:
        yield _checked(target)
        return
    if ":" not in target:
        raise NeedsHuman(
            "phone.target",
            f"{target!r} is neither a URL (http://...) nor an app (module:app)",
        )
    # Imported here: a call to a URL needs no server.
    from reception.bootstrap.local import serving

    with serving(target) as url:
        yield url


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        readable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        readable = False
    if not readable:
        raise NeedsHuman("phone.target", f"{url!r} is no http or https URL with a host")
    return url


def _script(name: str | None) -> Script | None:
    if name is None:
        return None
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(_LARGEST_SCRIPT + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(_LARGEST_SCRIPT + 1)
        if len(raw) > _LARGEST_SCRIPT:
            raise NeedsHuman("phone.script", f"{name}: larger than a script may be (1 MiB)")
        return parse_script(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NeedsHuman("phone.script", f"{name}: is no UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise NeedsHuman("phone.script", f"cannot read {name}: {reason_of(error)}") from None
    except NeedsHuman as error:
        faults = "\n".join(f"{name}, {line}" for line in error.message.splitlines())
        raise NeedsHuman(error.code, faults) from None


def _body_format(word: str) -> Literal["json", "form", "get"]:
    match word:
        case "form":
            return "form"
        case "get":
            return "get"
        case _:
            return "json"
