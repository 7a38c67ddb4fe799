"""rdflib stores over our triples: a view that pySHACL reads without a copy, and caches.

pySHACL reads only the neighbourhood of the doubtful nodes of a file, so each term is converted at
its first use.
"""

from collections.abc import Generator, Iterator, Mapping
from functools import lru_cache
from typing import Any

import pyoxigraph as ox
import rdflib
from rdflib import plugin
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.processor import SPARQLProcessor
from rdflib.plugins.stores.memory import Memory, SimpleMemory
from rdflib.query import Processor

from coprod_kg.model.graph import Graph

__all__ = [
    "View",
    "caching_graph",
    "install",
    "rdflib_triple",
]


class View(SimpleMemory):
    """An rdflib store that holds nothing itself and answers from a graph that is shown to it."""

    context_aware = graph_aware = True  # pySHACL's dataset refuses a store without these

    def show(self, graph: Graph) -> None:
        """Answer from this graph from now on."""
        self._graph = graph
        self._size = sum(
            len(layer.pairs(name)) for layer in graph.layers() for name in layer.predicates()
        )

    def triples(self, triple_pattern: Any, context: Any = None) -> Generator[Any, None, None]:
        """The statements that fit the pattern, each once."""
        subject, predicate, value = map(_ox_term, triple_pattern)
        names = (
            dict.fromkeys(name for layer in self._graph.layers() for name in layer.predicates())
            if predicate is None
            else (predicate,)
        )
        for name in names:
            for start, end in self._pairs(subject, name, value):
                yield (rdflib_term(start), rdflib_term(name), rdflib_term(end)), ()

    def _pairs(self, subject: Any, name: ox.NamedNode, value: Any) -> Iterator[tuple[Any, Any]]:
        if subject is not None:
            for end in self._graph.objects(subject, name):
                if value is None or value == end:
                    yield subject, end
        elif value is not None:
            for start in self._graph.subjects(name, value):
                yield start, value
        else:
            yield from dict.fromkeys(
                pair for layer in self._graph.layers() for pair in layer.pairs(name)
            )

    def __len__(self, context: Any = None) -> int:
        """How many statements there are at most: a few may stand in both layers."""
        return self._size


def rdflib_triple(triple: ox.Triple) -> Any:
    """The triple as rdflib has it."""
    return tuple(map(rdflib_term, triple))


@lru_cache(maxsize=20_000)
def rdflib_term(term: Any) -> Any:
    """The term as rdflib has it, the literal as it was written."""
    if isinstance(term, ox.NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return rdflib.BNode(term.value)
    if term.language:
        return rdflib.Literal(term.value, lang=term.language)
    if term.datatype.value == "http://www.w3.org/2001/XMLSchema#string":
        return rdflib.Literal(term.value)
    return rdflib.Literal(term.value, datatype=rdflib.URIRef(term.datatype.value), normalize=False)


def _ox_term(term: Any) -> Any:
    if term is None:
        return None
    if isinstance(term, rdflib.URIRef):
        return ox.NamedNode(term)
    if isinstance(term, rdflib.BNode):
        return ox.BlankNode(term)
    if term.language:
        return ox.Literal(str(term), language=term.language)
    datatype = ox.NamedNode(term.datatype) if term.datatype else None
    return ox.Literal(str(term), datatype=datatype)


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
            text = _parsed_query(text, base, tuple(sorted((initNs or {}).items())))
        return super().query(text, initBindings, initNs, base, DEBUG)


@lru_cache(maxsize=256)
def _parsed_query(text: str, base: str | None, namespaces: tuple[tuple[str, Any], ...]) -> Any:
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
        """Find what the base class finds; a repeated search keeps the order of the first."""
        answers = self._answers.get(triple_pattern)
        if answers is None:
            answer = super().triples(triple_pattern, context)
            answers = self._answers[triple_pattern] = tuple((triple, ()) for triple, _ in answer)
        yield from answers


def caching_graph() -> rdflib.Graph:
    """An empty graph whose look-ups are cached."""
    return rdflib.Graph(store=_CachingMemory())


def install() -> None:
    """Let every rdflib graph of this process parse its queries by the caching processor."""
    plugin.register("sparql", Processor, __name__, CachingProcessor.__name__)
