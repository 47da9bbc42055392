"""
Prompts by name, in several languages: what a caller hears, apart from the code.

The rule this file keeps: parsing takes text and is pure; who reads ``prompts/de.toml`` hands
its content in. A key means the same in every language: what is missing in one, or asks for
other parameters there, is a finding before a caller finds it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from reception.errors import AppError

_FORMS: Final = ("text", "media", "url")
_FIELD: Final = re.compile(r"\{\{|\}\}|\{([a-z_][a-z0-9_]*)\}|[{}]")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_LONGEST_TEXT: Final = 1_000


class Wording(NamedTuple):
    """
    One prompt in one language.

    Shape:
        form: "text" is spoken; "media" (an id on the platform) and "url" are played.
        value: the text with its ``{parameters}``, the id or the URL.
        voice: of a text; None for the platform's own.
        parameters: the names in the text.
    """

    form: Literal["text", "media", "url"]
    value: str
    voice: str | None
    parameters: frozenset[str]


class Missing(NamedTuple):
    """One thing that is wrong with a catalogue: in which language, at which key, what."""

    language: str
    key: str
    message: str


class Catalogue:
    """
    All prompts of an application.

    >>> catalogue = Catalogue.parse({"en": 'menu = "Press {key}."'})
    >>> catalogue.node("menu", {"key": "1"}, "en-us")
    ('tts', {'text': 'Press 1.', 'language': 'en'})
    """

    __slots__ = ("_by_language", "default")

    def __init__(self, by_language: Mapping[str, Mapping[str, Wording]], default: str) -> None:
        self._by_language: Final = by_language
        self.default: Final = default

    @classmethod
    def parse(cls, texts: Mapping[str, str], *, default: str = "en") -> Catalogue:
        """
        Read the files of a catalogue.

        Shape:
            texts: by language ("en", "de-de"), the content of its TOML file. A value is a
                text to speak, or a table with one of ``text``, ``media`` and ``url`` (and
                ``voice`` beside a text); other tables are groups: ``menu.main``.
            default: the language for callers whose own is not there.

        Errors:
            AppError("prompts.unreadable"): with the language and the key or line.
        """
        read = {}
        for name, text in texts.items():
            language = name.lower()
            if not _LANGUAGE.fullmatch(language):
                raise _unreadable(name, "", "a language is written like en or de-de")
            try:
                tree = tomllib.loads(text)
            except tomllib.TOMLDecodeError as problem:
                raise _unreadable(name, "", str(problem)) from None
            read[language] = dict(_wordings(name, tree, ""))
        return cls(read, default.lower())

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages there are, in alphabetical order."""
        return tuple(sorted(self._by_language))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all languages, in alphabetical order."""
        return tuple(sorted({key for wordings in self._by_language.values() for key in wordings}))

    def node(
        self, key: str, params: Mapping[str, Any], language: str
    ) -> tuple[str, dict[str, Any]]:
        """
        The node, module and data, that makes a caller hear a prompt.

        Errors:
            AppError("prompts.missing"): no such key in the caller's or the default language.
            AppError("prompts.parameters"): other parameters than its text asks for.
        """
        for spoken in self._choices(language):
            wording = self._by_language[spoken].get(key)
            if wording is not None:
                return _node(key, wording, params, spoken)
        raise AppError(
            "prompts.missing",
            f"There is no prompt {key!r} for {language or 'this caller'} nor in the default"
            f" language {self.default}; the catalogue has {', '.join(self.languages) or 'nothing'}:"
            f" add it to prompts/{self.default}.toml, or mend its name",
        )

    def findings(self) -> tuple[Missing, ...]:
        """Everything that some caller would miss, in the order of languages and keys."""
        found: list[Missing] = []
        keys = sorted({key for wordings in self._by_language.values() for key in wordings})
        if self.default not in self._by_language:
            found.append(Missing(self.default, "", "the default language has no file"))
        for language in self.languages:
            for key in keys:
                wording = self._by_language[language].get(key)
                if wording is None:
                    others = [name for name in self.languages if key in self._by_language[name]]
                    found.append(
                        Missing(language, key, f"is missing here, and is there in {others[0]}")
                    )
                    continue
                model = self._by_language.get(self.default, {}).get(key, wording)
                if model.form == wording.form and model.parameters != wording.parameters:
                    names = ", ".join(sorted(model.parameters ^ wording.parameters))
                    found.append(
                        Missing(language, key, f"differs from {self.default} in {{{names}}}")
                    )
        return tuple(found)

    def _choices(self, language: str) -> Iterator[str]:
        """The caller's language, the same without its region, the default one."""
        asked = language.lower().replace("_", "-")
        tried = [asked, asked.partition("-")[0], self.default, self.default.partition("-")[0]]
        return (name for name in dict.fromkeys(tried) if name in self._by_language)


def _wordings(language: str, tree: Mapping[str, Any], group: str) -> Iterator[tuple[str, Wording]]:
    for name, value in tree.items():
        key = f"{group}{name}"
        if isinstance(value, str):
            yield key, _wording(language, key, "text", value, None)
        elif not isinstance(value, dict):
            raise _unreadable(
                language, key, "a prompt is a text, or a table with text, media or url"
            )
        elif not set(_FORMS) & set(value):
            yield from _wordings(language, value, f"{key}.")
        else:
            forms = [form for form in _FORMS if form in value]
            if len(forms) > 1:
                raise _unreadable(language, key, f"give only one of {' and '.join(forms)}")
            odd = set(value) - {forms[0], "voice"}
            if odd:
                raise _unreadable(language, key, f"{min(odd)!r} is not known here")
            yield key, _wording(language, key, forms[0], value[forms[0]], value.get("voice"))


def _wording(language: str, key: str, form: Any, value: Any, voice: Any) -> Wording:
    if not isinstance(value, str) or not value.strip():
        raise _unreadable(language, key, f"{form} must be a text that is not empty")
    if voice is not None and not isinstance(voice, str):
        raise _unreadable(language, key, "voice must be a text")
    names: set[str] = set()
    if form == "text":
        if len(value) > _LONGEST_TEXT:
            raise _unreadable(language, key, f"a text has at most {_LONGEST_TEXT} characters")
        for match in _FIELD.finditer(value):
            if match.group(1):
                names.add(match.group(1))
            elif match.group() in "{}":
                raise _unreadable(language, key, "write {{ and }} for braces that are no parameter")
    return Wording(form, value, voice, frozenset(names))


def _node(
    key: str, wording: Wording, params: Mapping[str, Any], language: str
) -> tuple[str, dict[str, Any]]:
    if wording.form != "text":
        return "play", {"id": wording.value}
    if params.keys() != wording.parameters:
        wanted = ", ".join(sorted(wording.parameters)) or "none"
        given = ", ".join(sorted(params)) or "none"
        raise AppError(
            "prompts.parameters",
            f"The prompt {key!r} ({language}) asks for the parameters {wanted}, and got {given}",
        )

    def filled(match: re.Match[str]) -> str:
        name = match.group(1)
        return str(params[name]) if name else match.group()[0]

    data: dict[str, Any] = {"text": _FIELD.sub(filled, wording.value), "language": language}
    if wording.voice is not None:
        data["voice"] = wording.voice
    return "tts", data


def _unreadable(language: str, key: str, message: str) -> AppError:
    where = f"prompts/{language}.toml" + (f", {key}" if key else "")
    return AppError("prompts.unreadable", f"{where}: {message}")
