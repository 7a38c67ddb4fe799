"""Placeholders and language names as people write them, from ``words.toml``."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from coprod_kg.workbook.concepts import plain

__all__ = ["is_placeholder", "language_name", "language_of", "languages"]

_TAG: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


def is_placeholder(text: str) -> bool:
    """Whether a text only says that there is no value.

    >>> is_placeholder("N/A"), is_placeholder(" ? "), is_placeholder("Naestved")
    (True, True, False)
    """
    if not any(character.isalnum() for character in text):
        return bool(text.strip())
    return plain(text) in _placeholders()


def languages() -> tuple[str, ...]:
    """The tags of the languages that the template offers."""
    return tuple(_catalogue()["languages"])


def language_name(tag: str) -> str:
    """The English name of a language of the template, else its tag."""
    names: list[str] = _catalogue()["languages"].get(tag, [tag])
    return names[0]


def language_of(text: str) -> str | None:
    """The tag of a language by its tag, with or without a country, or by its name.

    >>> language_of("Danish"), language_of("da-DK"), language_of("pt-BR"), language_of("Runes")
    ('da', 'da', 'pt-br', None)
    """
    known = _languages()
    for name in (text, text.partition("(")[0], text.partition("/")[0]):
        if plain(name) in known:
            return known[plain(name)]
    tag = text.strip().lower().replace("_", "-")
    first = tag.partition("-")[0]
    if not _TAG.fullmatch(tag):
        return None
    return known.get(first, tag)


@cache
def _catalogue() -> dict[str, Any]:
    path = Path(__file__).with_name("words.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _placeholders() -> frozenset[str]:
    found: dict[str, list[str]] = _catalogue()["placeholders"]
    return frozenset(plain(word) for words in found.values() for word in words)


@cache
def _languages() -> dict[str, str]:
    found: dict[str, list[str]] = _catalogue()["languages"]
    return {plain(name): tag for tag, names in found.items() for name in (tag, *names)}
