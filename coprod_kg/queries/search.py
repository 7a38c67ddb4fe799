"""Search of saved queries by words and tags."""

from collections.abc import Iterable

from coprod_kg.queries.library import SavedQuery

__all__ = ["find"]


def find(queries: Iterable[SavedQuery], words: str, tags: Iterable[str]) -> list[SavedQuery]:
    """The questions that hold all words and have all tags, in the order they came.

    Args:
        queries: what is looked through.
        words: words or parts of words, separated by spaces, in any case.
        tags: whole tags.
    """
    wanted, must = words.casefold().split(), frozenset(tags)
    return [
        query
        for query in queries
        if must <= set(query.tags) and all(word in _searched(query) for word in wanted)
    ]


def _searched(query: SavedQuery) -> str:
    parts = (query.name, query.summary, query.description, *query.tags, *query.answers)
    translated = (text for _, text in (*query.summaries, *query.descriptions))
    takes = (f"{parameter.name} {parameter.description}" for parameter in query.parameters)
    gives = (column.name for column in query.columns)
    return " ".join((*parts, *translated, *takes, *gives)).casefold()
