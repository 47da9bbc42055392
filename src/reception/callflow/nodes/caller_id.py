"""
Nodes that look at who calls, or change what a callee sees of it.

The rule this file keeps: facts only. None of these changes the ``Caller-ID-*`` fields of
the next request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from reception.callflow.facts import Default, Key, Length, Part, Required
from reception.callflow.node import ANY, Ends, Keys, Node


class CallerId(Part, frozen=True):
    """A caller id: the number, and the name beside it."""

    number: str | None = None
    name: str | None = None


class ExternalCallerId(Part, frozen=True):
    """The caller id that calls to the outside show."""

    external: CallerId | Mapping[str, Any] | None = None


class SetCid(Node, frozen=True):
    """
    Set the caller id that later bridges show.

    Children: ``_``. Answers: no.

    Shape:
        name, number: the platform fills a missing one with "", which erases what an earlier
            node had set.

    Source:
        kazoo cf_set_cid.
    """

    module: ClassVar[str] = "set_cid"

    name: Annotated[str | None, Key("caller_id_name"), Default("")] = None
    number: Annotated[str | None, Key("caller_id_number"), Default("")] = None


class PrependCid(Node, frozen=True):
    """
    Put a prefix before the caller's name or number, as in "Sales: Ann".

    Children: ``_``. Answers: no.

    Shape:
        action: ``reset`` takes earlier prefixes away (platform: ``prepend``).
        apply_to: ``current`` piles prefixes up, ``original`` starts from what arrived.

    Source:
        kazoo cf_prepend_cid.
    """

    module: ClassVar[str] = "prepend_cid"

    caller_id_name_prefix: Annotated[str | None, Default("")] = None
    caller_id_number_prefix: Annotated[str | None, Default("")] = None
    action: Annotated[Literal["reset", "prepend"] | None, Default("prepend")] = None
    apply_to: Annotated[Literal["original", "current"] | None, Default("current")] = None


class DynamicCid(Node, frozen=True):
    """
    Let the caller choose the caller id, by keys or from a stored list, and dial on.

    The number to dial comes from the capture group of the stored callflow that led here.
    Children: ``_``. Ends: when the number is not allowed (after a prompt).

    Source:
        kazoo cf_dynamic_cid.
    """

    module: ClassVar[str] = "dynamic_cid"
    ends: ClassVar[Ends] = "on success"

    action: Literal["list", "lists", "manual", "static"] | None = None
    id: str | None = None
    caller_id: CallerId | Mapping[str, Any] | None = None
    idx_name: str | None = None
    media_id: str | None = None
    min_digits: int | None = None
    max_digits: int | None = None
    interdigit_timeout: int | None = None
    whitelist_regex: str | None = None
    enforce_call_restriction: Annotated[bool | None, Default(True)] = None
    permit_custom_callflow: Annotated[bool | None, Default(False)] = None


class CheckCid(Node, frozen=True):
    """
    Branch on the caller's number.

    Children: ``match`` or ``nomatch``; with `use_absolute_mode` the number itself. ``_`` when
    the child is missing.

    Shape:
        regex: platform: ``.*``, which matches everybody.
        caller_id: what to set when it matched.

    Surprises:
        In absolute mode a number without a child goes to ``_``, not to ``nomatch``.

    Source:
        kazoo cf_check_cid.
    """

    module: ClassVar[str] = "check_cid"
    takes: ClassVar[Keys] = ANY

    regex: Annotated[str | None, Default(".*")] = None
    use_absolute_mode: Annotated[bool | None, Default(False)] = None
    caller_id: ExternalCallerId | Mapping[str, Any] | None = None
    user_id: str | None = None


class CidListMatch(Node, frozen=True):
    """
    Branch on whether the caller's number is in a stored list.

    Children: ``match`` or ``nomatch``; ``_`` when the child is missing.

    Source:
        kazoo cf_cidlistmatch.
    """

    module: ClassVar[str] = "cidlistmatch"
    takes: ClassVar[Keys] = Keys(names=frozenset({"match", "nomatch"}))

    id: str


class LookupCidName(Node, frozen=True):
    """
    Find the caller's name in stored lists.

    Children: ``_``.

    Surprises:
        The name reaches the phones, but the next request may still carry the old one.

    Source:
        kazoo cf_lookupcidname.
    """

    module: ClassVar[str] = "lookupcidname"

    lists: Annotated[Sequence[str], Default([]), Required()]


class Nomorobo(Node, frozen=True):
    """
    Ask a service how likely the caller is a robot.

    Children: the highest number (``0`` to ``10``) that is not above the score; ``_`` without
    a score.

    Shape:
        username, password: 1 to 1,000 characters each. The schema asks for the name only;
            the module reads both.

    Source:
        kazoo cf_nomorobo.
    """

    module: ClassVar[str] = "nomorobo"
    takes: ClassVar[Keys] = Keys(pattern=r"10|[0-9]")

    username: Annotated[str, Length(1, 1000), Required()]
    password: Annotated[str, Length(1, 1000)]


class Privacy(Node, frozen=True):
    """
    Hide the caller id.

    Children: a captured number runs its own callflow first; then, or without one, ``_``.
    Ends: when looking that number up failed.

    Source:
        kazoo cf_privacy.
    """

    module: ClassVar[str] = "privacy"
    ends: ClassVar[Ends] = "on success"

    mode: Annotated[Literal["full", "name", "number", "yes"] | None, Default("full")] = None
    endpoint_strategy: Annotated[Literal["overwrite", "merge"] | None, Default("overwrite")] = None


class SetAlertInfo(Node, frozen=True):
    """
    Set the ``Alert-Info`` header of later bridges: how the phone shall ring.

    Children: ``_``. Answers: no.

    Source:
        kazoo cf_set_alert_info.
    """

    module: ClassVar[str] = "set_alert_info"

    alert_info: Annotated[str, Required()]
