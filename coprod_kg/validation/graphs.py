"""An rdflib graph for the shapes that caches the answers of its look-ups.

pySHACL asks the same few questions of the shapes at every value it looks at, some hundred thousand
times for one workbook. Each is looked up once, until the shapes change.
"""

from collections.abc import Generator
from typing import Any

import rdflib
from rdflib.plugins.stores.memory import Memory

__all__ = ["shapes_graph"]


class _Remembering(Memory):
    """An rdflib store of one graph that caches its answers."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: dict[Any, Any] = {}

    def add(self, triple: Any, context: Any, quoted: bool = False) -> None:
        """Add as the base class does."""
        self._answers.clear()
        super().add(triple, context, quoted)

    def remove(self, triple_pattern: Any, context: Any = None) -> None:
        """Remove as the base class does."""
        self._answers.clear()
        super().remove(triple_pattern, context)

    def triples(self, triple_pattern: Any, context: Any = None) -> Generator[Any, None, None]:
        """Find what the base class finds, in the order in which it did the first time."""
        found = self._answers.get(triple_pattern)
        if found is None:
            answer = super().triples(triple_pattern, context)
            found = self._answers[triple_pattern] = tuple((triple, ()) for triple, _ in answer)
        yield from found


def shapes_graph() -> rdflib.Graph:
    """An empty graph whose look-ups are cached."""
    return rdflib.Graph(store=_Remembering())
