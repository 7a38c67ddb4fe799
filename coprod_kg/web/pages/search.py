"""Content of the search page for saved queries: matches grouped by tag."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from coprod_kg.queries.library import SavedQuery, find

__all__ = ["QuestionSearch", "found"]


@dataclass(frozen=True, slots=True)
class QuestionSearch:
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


def found(queries: Mapping[str, SavedQuery], words: str, tags: tuple[str, ...]) -> QuestionSearch:
    """The result of a search, grouped."""
    kept = find(queries.values(), words, tags)
    number = Counter(tag for query in kept for tag in query.tags)
    groups: dict[str, list[SavedQuery]] = {}
    for query in kept:
        groups.setdefault(query.tags[0] if query.tags else "other", []).append(query)
    return QuestionSearch(
        words=words,
        chosen=tags,
        tags=tuple(sorted(number.items(), key=lambda pair: (-pair[1], pair[0]))),
        groups=dict(sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))),
        queries=tuple(kept),
        total=len(queries),
    )
