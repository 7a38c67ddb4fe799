"""Sentences for people who fill in the workbook, in its language, from ``sentences.toml``."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from coprod_kg.model.advice import filled
from coprod_kg.model.schemes import Concept

__all__ = [
    "Slot",
    "either",
    "fault_and_advice",
    "in_every_language",
    "sentence",
    "slot_text",
    "title",
]

Slot = str | int | date | Concept | tuple["Slot", ...]
"""A value for a sentence: a date and a concept are written in the language, several with "or"."""


def sentence(key: str, language: str, **slots: Slot) -> str:
    """The sentence of a key, in English where it has none in the language."""
    texts = _catalogue()["say"][key]
    return _filled(texts.get(language) or texts["en"], language, slots)


def in_every_language(key: str) -> frozenset[str]:
    """The sentence of a key without slots, in each of its languages."""
    return frozenset(_catalogue()["say"][key].values())


def fault_and_advice(key: str, language: str, slots: Mapping[str, Slot]) -> tuple[str, str]:
    """What is wrong, and what to do where that is always the same.

    Args:
        key: the kind of fault and, behind a full stop, which of its cases it is.
        language: the language.
        slots: what is filled in.
    """
    kind, _, case = key.partition(".")
    texts = _catalogue()[kind]
    texts = texts[case] if case else texts
    fault, advice = texts.get(language) or texts["en"]
    return _filled(fault, language, slots), _filled(advice, language, slots)


def title(kind: str, language: str) -> str:
    """The title of all findings of a kind of fault, or an empty text where there is no such."""
    titles: dict[str, str] = _catalogue().get(kind, {}).get("title", {})
    return titles.get(language) or titles.get("en", "")


def either(values: Sequence[str], language: str) -> str:
    """Alternatives as people list them, parted by semicolons where one of them has a comma.

    >>> either(["a", "b", "c"], "da")
    'a, b eller c'
    >>> either(["ad hoc", "ad hoc, collective", "pilot"], "en")
    'ad hoc; ad hoc, collective or pilot'
    """
    if len(values) < 2:
        return "".join(values)
    comma = "; " if any(", " in value for value in values) else ", "
    return sentence("or", language, first=comma.join(values[:-1]), last=values[-1])


def slot_text(value: Slot, language: str) -> str:
    """A value as it is filled in.

    >>> slot_text(date(2021, 3, 1), "de")
    '1. März 2021'
    """
    if isinstance(value, tuple):
        return either([slot_text(part, language) for part in value], language)
    if isinstance(value, date):
        month = sentence("months", language).split()[value.month - 1]
        return sentence("day", language, day=value.day, month=month, year=value.year)
    return value.label(language) if isinstance(value, Concept) else str(value)


def _filled(text: str, language: str, slots: Mapping[str, Slot]) -> str:
    return filled(text, lambda name: slot_text(slots[name], language))


@cache
def _catalogue() -> dict[str, Any]:
    path = Path(__file__).with_name("sentences.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
