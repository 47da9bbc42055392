"""
Where a placed call is reported to, and what goes wrong on the way: options of `phone`.

They are only read here. What a report looks like and when it is sent again is the
simulator's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from reception.bootstrap.cli.caller import pairs
from reception.errors import NeedsHuman
from reception.simulator.reports.hooks import Webhook
from reception.simulator.reports.mishaps import Mishaps

_Command = TypeVar("_Command", bound=Callable[..., Any])

_MISHAPS: Final = {"loses": float, "doubles": float, "delays_s": float, "seed": int}
_OPTIONS: Final = (
    click.option(
        "--webhook",
        "hook_urls",
        multiple=True,
        metavar="URL",
        help="Send the account's channel_* webhooks there.",
    ),
    click.option(
        "--webhook-format",
        "hook_format",
        type=click.Choice(["form-data", "json"]),
        default="form-data",
        show_default=True,
        help="How webhooks are sent.",
    ),
    click.option(
        "--mishap",
        "mishaps",
        multiple=True,
        metavar="NAME=VALUE",
        help="What goes wrong with reports: loses, doubles (shares), delays_s, seed.",
    ),
)


def report_options(command: _Command) -> _Command:
    """Give a command the options that say where calls are reported to."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def webhooks_of(urls: tuple[str, ...], body_format: str, account_id: str) -> list[Webhook]:
    """Make one webhook for every event, at each of the addresses."""
    return [
        Webhook(
            f"{number:032x}",
            account_id,
            url,
            hook="all",
            format="json" if body_format == "json" else "form-data",
        )
        for number, url in enumerate(urls, 1)
    ]


def mishaps_of(given: tuple[str, ...]) -> Mishaps:
    """
    Read what is to go wrong.

    Errors:
        NeedsHuman: a name that is none, or a value that is no number in its bounds.
    """
    read: dict[str, Any] = {}
    for name, value in pairs(given).items():
        kind = _MISHAPS.get(name)
        if kind is None:
            raise NeedsHuman("phone.mishap", f"{name!r} is none of {', '.join(_MISHAPS)}")
        try:
            read[name] = kind(value)
        except ValueError:
            raise NeedsHuman("phone.mishap", f"{name} takes a number, not {value!r}") from None
    return Mishaps(**read)
