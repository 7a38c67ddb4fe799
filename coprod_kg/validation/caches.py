"""Caches for rdflib: parsed queries, and look-ups in the shapes.

pySHACL asks the query of a shape again at every focus node, and rdflib parses its text anew each
time: three quarters of the time of a validation. It also asks the same few questions of the shapes
at every value, some hundred thousand times for one workbook. With these caches both happen once.
"""

from collections.abc import Generator, Mapping
from functools import lru_cache
from typing import Any

import rdflib
from rdflib import plugin
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.processor import SPARQLProcessor
from rdflib.plugins.stores.memory import Memory
from rdflib.query import Processor

__all__ = ["CachingProcessor", "caching_graph", "install"]


class CachingProcessor(SPARQLProcessor):
    """A SPARQL processor that parses each text once."""

    def query(  # type: ignore[override]  # the base class names its first parameter in camel case
        self,
        text: Any,
        initBindings: Any = None,  # noqa: N803  # the name rdflib calls it by
        initNs: Any = None,  # noqa: N803  # likewise
        base: str | None = None,
        DEBUG: bool = False,  # noqa: N803  # likewise
    ) -> Mapping[str, Any]:
        """Answer as the base class does."""
        if isinstance(text, str):
            text = _translated(text, base, tuple(sorted((initNs or {}).items())))
        return super().query(text, initBindings, initNs, base, DEBUG)


@lru_cache(maxsize=256)
def _translated(text: str, base: str | None, namespaces: tuple[tuple[str, Any], ...]) -> Any:
    return translateQuery(parseQuery(text), base, dict(namespaces))


class _CachingMemory(Memory):
    """An rdflib store of one graph that caches its answers until it changes."""

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


def caching_graph() -> rdflib.Graph:
    """An empty graph whose look-ups are cached."""
    return rdflib.Graph(store=_CachingMemory())


def install() -> None:
    """Let every rdflib graph of this process parse its queries by the caching processor."""
    plugin.register("sparql", Processor, __name__, CachingProcessor.__name__)
