"""
From nodes to bytes: compact ASCII JSON, as the platform is sent it.

The rule this file keeps: it writes what it is given, in the order in which it is given
it, and without recursion where flows hang in flows. ASCII, because bytes that are no UTF-8
kill the platform's worker, and ASCII cannot be spoiled on the way.
"""

from __future__ import annotations

import re
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from reception.callflow.value import Flow

_NOT_ASCII: Final = re.compile("[^\x00-\x7f]")
_encode: Final = msgspec.json.Encoder().encode
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode


class Step(msgspec.Struct, frozen=True, gc=False):
    """
    One node of a flow, ready to be written.

    Shape:
        head: its JSON up to the children: ASCII, without the closing brace.
        data: what `head` says, plain JSON values; nobody changes it.
        extra: keys of the node that the platform does not know.
        branches: every branch but the default one.
    """

    module: str
    head: bytes
    data: dict[str, Any]
    extra: dict[str, Any] | None = None
    branches: tuple[tuple[str, Flow], ...] = ()


def start_of(module: str) -> bytes:
    """Write a node up to its data."""
    return b'{"module":' + encode_basestring_ascii(module).encode() + b',"data":'


def written(data: Any) -> bytes:
    """
    Write data, or a part of it, as compact ASCII JSON.

    Errors:
        UnicodeEncodeError, RecursionError, ValueError: it holds half a surrogate pair, is
            nested too deeply, or has a number that is too long.
    """
    body = _encode(data)
    if body.isascii():
        return body
    return _NOT_ASCII.sub(_escaped, body.decode()).encode()


def _escaped(match: re.Match[str]) -> str:
    return encode_basestring_ascii(match.group())[1:-1]


def joined(flow: Flow, *, canonical: bool) -> bytes:
    """Write a flow, iteratively: branches may hang in branches to any depth."""
    if not canonical:
        line = _line(flow._spine)
        if line is not None:
            return line
    out: list[bytes] = []
    waiting: list[Flow | bytes] = [flow]
    while waiting:
        item = waiting.pop()
        if isinstance(item, bytes):
            out.append(item)
            continue
        known = item._canonical if canonical else item._rendered
        if known is not None:
            out.append(known)
            continue
        spine = item._spine
        line = None if canonical else _line(spine)
        if line is not None:
            out.append(line)
            continue
        parts: list[Flow | bytes] = []
        for step in spine:
            parts.append(_sorted_head(step) if canonical else step.head)
            mark = b',"children":{'
            branches = sorted(step.branches, key=_key) if canonical else step.branches
            for key, following in branches:
                parts.append(mark + encode_basestring_ascii(key).encode() + b":")
                parts.append(following)
                mark = b","
            parts.append(mark + b'"_":')
        # The last node has no default child: take its opening away again, then close all.
        last = parts.pop()
        assert isinstance(last, bytes)
        parts.append(last[: -len(b'"_":')].rstrip(b","))
        parts.append(b"}" * (2 * len(spine)))
        waiting.extend(reversed(parts))
    return b"".join(out)


def _line(spine: tuple[Step, ...]) -> bytes | None:
    """Write nodes that only follow one another, as most flows are; None where one branches."""
    heads = []
    for step in spine:
        if step.branches:
            return None
        heads.append(step.head)
    return b',"children":{"_":'.join(heads) + b',"children":{}' + b"}" * (2 * len(heads) - 1)


def _key(branch: tuple[str, Flow]) -> str:
    return branch[0]


def _sorted_head(step: Step) -> bytes:
    return _encode_sorted({**(step.extra or {}), "module": step.module, "data": step.data})[:-1]
