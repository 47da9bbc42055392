"""
Numbers as the platform normalises them: E.164 where its rules say so, else unchanged.

The rules are three patterns, tried in this order, and stranger than they look: a number of
ten digits whose exchange begins with 0 or 1 is none of North America's, so it falls to the
last rule and becomes one abroad.

Source: the default ``e164_converters`` of KAZOO's number manager (knm_converter_regex.erl);
wire/pivot_json 03. An operator may have others.
"""

from __future__ import annotations

import re
from typing import Final

_NORTH_AMERICAN: Final = re.compile(r"(?:\+?1)?([2-9]\d{2}[2-9]\d{6})", re.ASCII)
_DIALLED_ABROAD: Final = re.compile(r"(?:011|00)(\d{5,})", re.ASCII)
_BARE: Final = re.compile(r"[2-9]\d{7,}", re.ASCII)


def e164(number: str) -> str:
    """
    Normalise a number as the platform does; what no rule fits stays as it is.

    >>> e164("5559876543"), e164("15559876543"), e164("442079460000"), e164("011442079460000")
    ('+15559876543', '+15559876543', '+442079460000', '+442079460000')
    >>> e164("2000"), e164("*97"), e164("+442079460000"), e164("5551234567")
    ('2000', '*97', '+442079460000', '+5551234567')
    """
    if number.startswith("+"):
        return number
    if matched := _NORTH_AMERICAN.fullmatch(number):
        return "+1" + matched[1]
    if matched := _DIALLED_ABROAD.fullmatch(number):
        return "+" + matched[1]
    return "+" + number if _BARE.fullmatch(number) else number
