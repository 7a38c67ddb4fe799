"""View of a `Graph` for rdflib: pySHACL reads it without a copy.

Of a file pySHACL reads only the neighbourhood of what may be wrong, so terms are made when they are
first asked for.
"""

from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import Any

import pyoxigraph as ox
import rdflib
from rdflib.plugins.stores.memory import SimpleMemory

from coprod_kg.model.graph import Graph

__all__ = ["View", "rdflib_triple"]


class View(SimpleMemory):
    """An rdflib store that holds nothing itself and answers from a graph that is shown to it."""

    context_aware = graph_aware = True  # else pySHACL's own graph refuses it

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
