"""Saved questions found by words and tags, and put in groups; it runs none of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coprod_kg.catalogue.queries import SavedQuery

__all__ = ["Found", "find", "found"]


@dataclass(frozen=True, slots=True)
class Found:
    """What the page of the questions shows.

    Attributes:
        words: what was searched for, as it was written.
        chosen: the tags that a question must have.
        tags: every tag with the number of questions found that have it, the commonest first.
        groups: the first tag of a question → the questions, each once.
        queries: all of them, in the order of the catalogue.
        total: how many there are in the catalogue.
    """

    words: str
    chosen: tuple[str, ...]
    tags: tuple[tuple[str, int], ...]
    groups: Mapping[str, list[SavedQuery]]
    queries: tuple[SavedQuery, ...]
    total: int


def find(queries: Iterable[SavedQuery], words: str, tags: Iterable[str]) -> list[SavedQuery]:
    """The questions that hold all words and have all tags, in the order they came."""
    wanted, must = words.casefold().split(), frozenset(tags)
    return [
        query
        for query in queries
        if must <= set(query.tags) and all(word in _searched(query) for word in wanted)
    ]


def found(queries: Mapping[str, SavedQuery], words: str, tags: tuple[str, ...]) -> Found:
    """What a search gives, in groups."""
    kept = find(queries.values(), words, tags)
    number = Counter(tag for query in kept for tag in query.tags)
    groups: dict[str, list[SavedQuery]] = {}
    for query in kept:
        groups.setdefault(query.tags[0] if query.tags else "other", []).append(query)
    return Found(
        words=words,
        chosen=tags,
        tags=tuple(sorted(number.items(), key=lambda one: (-one[1], one[0]))),
        groups=dict(sorted(groups.items(), key=lambda one: (-len(one[1]), one[0]))),
        queries=tuple(kept),
        total=len(queries),
    )


def _searched(query: SavedQuery) -> str:
    parts = (query.name, query.summary, query.description, *query.tags, *query.answers)
    takes = (f"{one.name} {one.description}" for one in query.parameters)
    gives = (one.name for one in query.columns)
    return " ".join((*parts, *takes, *gives)).casefold()
