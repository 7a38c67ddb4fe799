"""Lookup of concepts by what people write: a code, or a label in any language.

A near miss is no match: it is offered as "did you mean".
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the mapping engine loads this file by its path, without our package
    from coprod_kg.model.schemes import Concept

__all__ = ["Choices", "near", "plain"]

_CUTOFF: Final = 0.72
_MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True)
class Choices:
    """The concepts that may stand in a column.

    Attributes:
        name: the name of the list, of letters, digits and ``_``.
        title: its name for people.
        members: the concepts, in the order to show them.
    """

    name: str
    title: str
    members: "tuple[Concept, ...]"
    _matches: "dict[str, tuple[Concept, ...]]" = field(
        default_factory=dict, compare=False, repr=False
    )
    """Cache of `find`: text → the concepts."""

    def find(self, text: str) -> "tuple[Concept, ...]":
        """The concepts that a text may mean: one, none, or several where it is ambiguous.

        A code or a preferred label wins over any other name.
        """
        if text not in self._matches:
            if len(self._matches) >= _MOST_REMEMBERED:
                self._matches.clear()
            key = plain(text)
            self._matches[text] = (
                self._by_proper_name.get(key) or self._by_other_name.get(key) or ()
            )
        return self._matches[text]

    def is_proper(self, text: str) -> bool:
        """Whether a text is a code or a preferred label, not another name."""
        return plain(text) in self._by_proper_name

    def near(self, text: str) -> tuple[str, ...]:
        """The names nearest to a text, the nearest first, as they are written; one of a concept."""
        names_by_key = {**self._names_by_key(weak=True), **self._names_by_key(weak=False)}
        names: dict[tuple[str, ...], str] = {}
        for key in near(plain(text), names_by_key):
            names.setdefault(tuple(choice.iri for choice in self.find(key)), names_by_key[key])
        return tuple(names.values())

    @cached_property
    def _by_proper_name(self) -> "dict[str, tuple[Concept, ...]]":
        return _by_name(
            (name, member)
            for member in self.members
            for name in (
                member.slug,
                member.iri,
                f"<{member.iri}>",
                f"{self.name.replace('_', '-')}:{member.slug}",
                *member.labels.values(),
            )
        )

    @cached_property
    def _by_other_name(self) -> "dict[str, tuple[Concept, ...]]":
        return _by_name((name, member) for member in self.members for name in member.names)

    def _names_by_key(self, *, weak: bool) -> dict[str, str]:
        return {
            plain(name): name
            for member in self.members
            for name in (member.names if weak else (member.slug, *member.labels.values()))
        }


def plain(text: str) -> str:
    """The text as names are compared: case, spaces, hyphens and typographic marks evened out.

    >>> plain("  Ad-hoc   Facilitation ") == plain("ad hoc facilitation")
    True
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    for mark in "-\u2010\u2011\u2012\u2013\u2014_":
        text = text.replace(mark, " ")
    return " ".join(text.replace("\u2019", "'").split())


def near(text: str, names: Iterable[str]) -> list[str]:
    """The names most like a text, at most three."""
    return get_close_matches(text[:200], list(names), n=3, cutoff=_CUTOFF)


def _by_name(pairs: "Iterable[tuple[str, Concept]]") -> "dict[str, tuple[Concept, ...]]":
    by_name: dict[str, dict[str, Concept]] = {}
    for name, choice in pairs:
        by_name.setdefault(plain(name), {})[choice.iri] = choice
    return {name: tuple(choices.values()) for name, choices in by_name.items()}
