"""The description in a copy of a store from which data is taken: it speaks of what is left."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.counts import change_and_count, replace_triples
from coprod_kg.store.statement_forms import TYPE, Subject, Tally
from coprod_kg.store.statistics import read_statistics, write_statistics

__all__ = ["CopiedDescription"]

_EXAMPLE: Final = ox.NamedNode("http://rdfs.org/ns/void#exampleResource")
_REFERRED_TO: Final = (
    ox.NamedNode("http://xmlns.com/foaf/0.1/Agent"),
    ox.NamedNode("http://purl.org/dc/terms/Location"),
    ox.NamedNode("http://xmlns.com/foaf/0.1/Document"),
)
_DERIVED: Final = ox.NamedNode("http://www.w3.org/ns/prov#wasDerivedFrom")


class CopiedDescription:
    """The description in one copy of a store."""

    def __init__(self, store: ox.Store, base_iri: str) -> None:
        """Read what the copy says of itself, if anything."""
        self._store = store
        self._base_iri = base_iri
        self._graph = ox.NamedNode(f"{base_iri}graph/catalogue")
        self._written = read_statistics(store, self._graph, base_iri)
        self._tally = Tally(self._written)
        for key in (("classes",), ("properties",)):
            del self._tally[key]

    def change(self, subjects: set[Subject], change: Callable[[], object]) -> None:
        """Make a change that touches some subjects only."""
        if self._written:
            change_and_count(self._store, subjects, self._tally, change)
        else:
            change()

    def leave_out(self, graphs: Iterable[str]) -> None:
        """Say nothing of datasets that come from some graphs, and write the numbers anew."""
        if not self._written:
            return
        names = {
            quad.subject.value
            for graph in graphs
            for quad in self._quads(None, _DERIVED, ox.NamedNode(graph))
            if isinstance(quad.subject, ox.NamedNode)
        }
        self._drop(list(self._naming(names)))
        gone = [
            quad
            for quad in self._quads(None, _EXAMPLE, None)
            if isinstance(quad.object, ox.NamedNode)
            and not any(self._store.quads_for_pattern(quad.object, None, None, merged.MERGED))
        ]
        self._drop(gone)
        # What only those referred to: who sent them, where they are, their pages.
        for kind in _REFERRED_TO:
            for node in {quad.subject for quad in self._quads(None, TYPE, kind)}:
                if not any(self._quads(None, None, node)):
                    self._drop(list(self._quads(node, None, None)))
        write_statistics(self._store, self._graph, self._base_iri, self._tally, self._written)

    def _quads(self, subject: Any, predicate: ox.NamedNode | None, value: Any) -> Iterator[ox.Quad]:
        return self._store.quads_for_pattern(subject, predicate, value, self._graph)

    def _naming(self, names: set[str]) -> Iterator[ox.Quad]:
        """What is said of some datasets and of their parts, which are names with a fragment."""
        for quad in self._quads(None, None, None) if names else ():
            for node in (quad.subject, quad.object):
                if isinstance(node, ox.NamedNode) and node.value.partition("#")[0] in names:
                    yield quad

    def _drop(self, quads: Iterable[ox.Quad]) -> None:
        replace_triples(self._store, self._graph, {quad.triple for quad in quads}, (), self._tally)
