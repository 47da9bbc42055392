"""
Who calls: the options of the commands that place a call, and the call they set up.

What is not said is what the platform would send of a caller from outside. A caller who is a
user of the account calls from its own realm.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from reception.errors import NeedsHuman
from reception.simulator.call import CallSetup

_Command = TypeVar("_Command", bound=Callable[..., Any])

_PAIR: Final = "NAME=VALUE"
_OPTIONS: Final = (
    click.option(
        "--from", "from_number", default="+15551234567", show_default=True, metavar="NUMBER"
    ),
    click.option("--to", "to_number", default="+15559876543", show_default=True, metavar="NUMBER"),
    click.option("--name", "caller_name", default=None, help="The caller's name."),
    click.option("--anonymous", is_flag=True, help="Call without a caller id."),
    click.option(
        "--user",
        "user_ids",
        multiple=True,
        metavar="ID",
        help="The caller is this user of the account; several own one phone.",
    ),
    click.option("--realm", default="account.example", show_default=True, help="The account's."),
    click.option("--language", default="en-us", show_default=True, help="The account's."),
    click.option(
        "--var", "variables", multiple=True, metavar=_PAIR, help="A variable of the call."
    ),
    click.option(
        "--sip-header", "sip_headers", multiple=True, metavar=_PAIR, help="X-... headers."
    ),
    click.option(
        "--account-id",
        default="0123456789abcdef0123456789abcdef",
        show_default=True,
        help="The platform's Account-ID.",
    ),
    click.option("--call-id", default=None, help="Call-ID; a random one if left out."),
)


def caller_options(command: _Command) -> _Command:
    """Give a command the options that say who calls whom."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def setup_of(
    *,
    from_number: str,
    to_number: str,
    caller_name: str | None,
    anonymous: bool,
    user_ids: tuple[str, ...],
    realm: str,
    language: str,
    variables: tuple[str, ...],
    sip_headers: tuple[str, ...],
    account_id: str,
    call_id: str | None,
) -> CallSetup:
    """
    Set the call up.

    Errors:
        click.UsageError: a text that is none.
        NeedsHuman("phone.pair"): something that is no NAME=VALUE.
    """
    texts = (from_number, to_number, caller_name, realm, language, account_id, call_id)
    for given in (*texts, *user_ids, *variables, *sip_headers):
        # Bytes of the command line that are no UTF-8 arrive as half surrogates.
        if given is not None and not given.isprintable():
            raise click.UsageError("numbers, names and ids must be printable text in UTF-8")
    return CallSetup(
        call_id=call_id or str(uuid.uuid4()),
        account_id=account_id,
        from_number="anonymous" if anonymous else from_number,
        to_number=to_number,
        caller_name=caller_name,
        caller_number=None if anonymous else from_number,
        from_realm=realm if user_ids else "carrier.example",
        to_realm=realm,
        user_ids=user_ids,
        language=language,
        application_vars=pairs(variables),
        sip_headers=pairs(sip_headers),
    )


def pairs(given: Sequence[str]) -> dict[str, str]:
    """
    Read ``NAME=VALUE``, any number of them.

    Errors:
        NeedsHuman("phone.pair"): something else.
    """
    read: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise NeedsHuman("phone.pair", f"{text!r} is no {_PAIR}")
        read[name.strip()] = value
    return read
