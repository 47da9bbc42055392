"""
The names of steps, as they travel in the URLs that bring a call back.

A continuation URL is the voice URL of its tenant without credentials, plus `c` (the random
token of the episode), `s` (the step to answer), `o` (the outcome that leads here, where there
are several) and `k`, a MAC over all of them and over tenant and account. The MAC alone lets a
request in, so that what it covers is spelled in one way only.

Not here: where keys come from, and whether a step may still run.

Source: contract/dialogs.md §3; contract/request.md (a URL is sent back as it was given).
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

NAMES: Final = frozenset({"c", "s", "o", "k"})
"""Query parameters that belong to a step token."""

EPISODE_BYTES: Final = 12
"""96 random bits name an episode: 16 characters in a URL."""

_EPISODE: Final = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)
_STEP_NO: Final = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_MAC_BYTES: Final = 18
_MAC: Final = re.compile(rb"[A-Za-z0-9_-]{24}")
_MOST_OUTCOME_BYTES: Final = 256
_PURPOSE: Final = "reception step token 1"


@dataclass(frozen=True, slots=True)
class StepToken:
    """
    One step of one episode.

    Shape:
        episode: 16 of ``A-Z a-z 0-9 _ -``.
        step_no: 1 to 9999; step 0 has no token, since its URL is the operator's.
        outcome: what led here, at most 256 bytes of text; "" where there is one way only.
    """

    episode: str
    step_no: int
    outcome: str = ""


def episode_token(entropy: bytes) -> str:
    """
    Name an episode by 12 random bytes.

    >>> episode_token(bytes(12))
    'AAAAAAAAAAAAAAAA'
    """
    return base64.urlsafe_b64encode(entropy[:EPISODE_BYTES]).decode()


def render_step_target(
    app_id: str, token: StepToken, *, account_id: str, by_path: bool, key: bytes
) -> str:
    """
    Write path and query of the URL that asks for a step.

    Shape:
        by_path: the tenant was called by path (`/v1/apps/{APPID}/voice`), and will be again.
        key: the tenant's newest key.

    >>> render_step_target(
    ...     "acme", StepToken("AAAAAAAAAAAAAAAA", 3), account_id="", by_path=False, key=b"0"
    ... ).partition("&k=")[0]
    '/voice?APPID=acme&c=AAAAAAAAAAAAAAAA&s=3'
    """
    mac = _mac(key, app_id, account_id, token).decode()
    outcome = f"&o={quote(token.outcome, safe='')}" if token.outcome else ""
    query = f"c={token.episode}&s={token.step_no}{outcome}&k={mac}"
    if by_path:
        return f"/v1/apps/{app_id}/voice?{query}"
    return f"/voice?APPID={app_id}&{query}"


def read_step_token(values: Mapping[str, bytes]) -> StepToken | None:
    """
    Read the token of a query; None where it is not exactly as `render_step_target` writes it.

    Shape:
        values: `c`, `s` and perhaps `o` as they stand in the query, still escaped.

    >>> read_step_token({"c": b"AAAAAAAAAAAAAAAA", "s": b"3"})
    StepToken(episode='AAAAAAAAAAAAAAAA', step_no=3, outcome='')
    """
    try:
        episode, step_no = values["c"].decode("ascii"), values["s"].decode("ascii")
        escaped = values.get("o", b"").decode("ascii")
    except (KeyError, UnicodeDecodeError):
        return None
    if not _EPISODE.fullmatch(episode) or not _STEP_NO.fullmatch(step_no):
        return None
    if not escaped:
        return StepToken(episode, int(step_no))
    outcome = unquote(escaped)
    if len(escaped) > 3 * _MOST_OUTCOME_BYTES or quote(outcome, safe="") != escaped:
        return None
    return StepToken(episode, int(step_no), outcome)


def is_step_of(
    token: StepToken, mac: bytes, app_id: str, account_id: str, keys: Sequence[bytes]
) -> bool:
    """Did this tenant give this token to a call of this account? Every key is tried."""
    if not _MAC.fullmatch(mac):
        mac = b"?" * 24
    found = False
    for key in keys:
        found |= hmac.compare_digest(_mac(key, app_id, account_id, token), mac)
    return found


def _mac(key: bytes, app_id: str, account_id: str, token: StepToken) -> bytes:
    # None of the parts but the last can hold a line break, so that no two tokens look alike.
    account = account_id if account_id.isalnum() else quote(account_id)
    signed = f"{_PURPOSE}\n{app_id}\n{token.episode}\n{token.step_no}\n{account}\n{token.outcome}"
    digest = hmac.digest(key, signed.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(digest[:_MAC_BYTES])
