"""What a platform can put into a request, as Hypothesis strategies."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from reception.wire.fold import OTHER_KEYS, READERS, USUAL_KEYS

TEXT_KEYS = sorted(
    key for key, attribute in {**USUAL_KEYS, **OTHER_KEYS}.items() if attribute not in READERS
)
DURATIONS = ["Recording-Duration", "RecordingDuration", "DialCallDuration"]

# Any character of Unicode that UTF-8 can spell: also NUL, DEL, emoji and right-to-left text.
characters = st.characters(exclude_categories=["Cs"])
texts = st.text(characters, max_size=12)
# Keys that the platform's form encoding can carry: it does not encode them.
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="&=]"), max_size=6)

numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
leaves = texts | numbers | st.booleans()
_objects = st.recursive(
    st.dictionaries(names, leaves, max_size=3),
    lambda inner: st.dictionaries(names, leaves | st.lists(leaves | inner, max_size=3) | inner),
    max_leaves=12,
)
custom = _objects

# The keys with attributes, and unknown ones ("!" begins no key of the platform).
unknown = names.map(lambda name: "!" + name.replace("[", ""))


def requests(*, nested_extra: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies with the types that the platform uses, in any combination."""
    known = st.fixed_dictionaries(
        {"Call-ID": st.text(characters, min_size=1, max_size=20)},
        optional={key: texts for key in TEXT_KEYS if key != "Call-ID"}
        | {key: st.integers(0, 10**6) for key in DURATIONS}
        | {
            "User-ID": texts | st.lists(texts, max_size=3),
            "Digits": texts | st.dictionaries(names, texts, max_size=4),
            "Custom-Application-Vars": custom,
            "Custom-SIP-Headers": st.dictionaries(names, texts, max_size=4),
        },
    )
    others = st.dictionaries(unknown, (leaves | custom) if nested_extra else texts, max_size=3)
    return st.builds(lambda first, second: second | first, known, others)


# Everything JSON can hold, with null, and with keys of the platform among the others.
any_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*USUAL_KEYS, *OTHER_KEYS]) | texts, inner, max_size=6)
    ),
    max_leaves=25,
)
any_object = st.dictionaries(
    st.sampled_from([*USUAL_KEYS, *OTHER_KEYS]) | texts, any_json, max_size=12
)
