"""Maintenance of the merged graph of a version: the RDF merge of all its graphs.

It lies in the engine's default graph, where a query that names no dataset finds it with nothing
to join; the engine's own union would count a triple once for each graph that holds it. The graph
that clients know as the default one lies under a name instead (`UNNAMED`).

Code that changes a graph of a store keeps the merge: `withdraw` before triples leave the graph,
`contribute` after they were put in. Both may be broken off and begun again.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

import pyoxigraph as ox

from coprod_kg.store.base import DEFAULT_GRAPH

__all__ = [
    "MERGE",
    "UNNAMED",
    "build",
    "contribute",
    "discard",
    "extend",
    "is_kept",
    "named_graphs",
    "node",
    "placed",
    "separate",
    "unnamed",
    "withdraw",
]

MERGE: Final = ox.DefaultGraph()
"""Where a store that is published keeps the merge of its graphs."""
UNNAMED: Final = ox.NamedNode("urn:uuid:0f5a4f0e-7d3c-4b1e-9a52-6f0c2f6c7c11")
"""Where such a store keeps the default graph that clients write; it is there if that holds
something. No query lists it and nobody may write a graph of this name."""

_VERSION: Final = ox.NamedNode("http://www.w3.org/ns/dcat#version")
_FEW: Final = 100_000
"""From so many triples on they are loaded in bulk, which keeps memory level."""


def node(graph: str) -> ox.NamedNode:
    """The engine's name for a graph, by the name that clients know, in a published store."""
    return UNNAMED if graph == DEFAULT_GRAPH else ox.NamedNode(graph)


def named_graphs(store: ox.Store) -> list[ox.NamedNode | ox.BlankNode]:
    """The graphs that have a name for clients."""
    return [graph for graph in store.named_graphs() if graph != UNNAMED]


def placed(quad: ox.Quad, graph: ox.NamedNode | ox.BlankNode | ox.DefaultGraph) -> ox.Quad:
    """The same triple in another graph."""
    return ox.Quad(quad.subject, quad.predicate, quad.object, graph)


def withdraw(store: ox.Store, graph: ox.NamedNode) -> None:
    """Take out of the merge what only this graph holds, before it is removed from the graph.

    In this order a process that dies midway leaves a graph from which it can be done again.
    """
    for quad in store.quads_for_pattern(None, None, None, graph):
        if not _elsewhere(store, quad.triple, graph):
            store.remove(placed(quad, MERGE))


def contribute(store: ox.Store, graph: ox.NamedNode) -> None:
    """Put what a graph holds now into the merge."""
    quads = store.quads_for_pattern(None, None, None, graph)
    extend(store, (placed(quad, MERGE) for quad in quads))


def discard(store: ox.Store, quad: ox.Quad) -> None:
    """Take one triple out of a graph, and out of the merge where no other graph holds it."""
    if not _elsewhere(store, quad.triple, quad.graph_name):
        store.remove(placed(quad, MERGE))
    store.remove(quad)


def _elsewhere(store: ox.Store, triple: ox.Triple, graph: object) -> bool:
    """Whether another graph than this one holds a triple; one that does is enough."""
    quads = store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
    return any(quad.graph_name not in (MERGE, graph) for quad in quads)


def extend(store: ox.Store, quads: Iterable[ox.Quad]) -> None:
    """Put quads in: few in one transaction, many in bulk."""
    rest = iter(quads)
    some = list(islice(rest, _FEW))
    if len(some) < _FEW:
        store.extend(some)
    else:
        store.bulk_extend(chain(some, rest))


def is_kept(store: ox.Store, base_iri: str, version: int) -> bool:
    """Whether a store keeps its merge as of a version: every commit's own record is in it."""
    if version == 0:
        return next(iter(store.named_graphs()), None) is None
    return _record(base_iri, version) in store


def build(store: ox.Store, base_iri: str, version: int) -> None:
    """Make the merge of a store that has none, or not that of its newest version.

    It may be broken off at any moment and is then begun again: the record by which the merge is
    known to be whole goes in last.
    """
    if is_kept(store, base_iri, version):
        return
    if not store.contains_named_graph(UNNAMED) and not _was_kept(store, base_iri):
        own = store.quads_for_pattern(None, None, None, ox.DefaultGraph())
        store.extend(placed(quad, UNNAMED) for quad in own)  # one transaction
        store.add_graph(UNNAMED)  # from now on the default graph is the merge's
    store.clear_graph(MERGE)
    record = _record(base_iri, version)
    quads = (placed(quad, MERGE) for quad in store)
    extend(store, (quad for quad in quads if quad != record))
    if version:
        store.add(record)
    if not any(store.quads_for_pattern(None, None, None, UNNAMED)):
        store.remove_graph(UNNAMED)
    store.flush()


def _record(base_iri: str, version: int) -> ox.Quad:
    """The quad of a commit's record that holds its number, as it stands in the merge."""
    return ox.Quad(ox.NamedNode(f"{base_iri}version/{version}"), _VERSION, ox.Literal(version))


def _was_kept(store: ox.Store, base_iri: str) -> bool:
    """Whether the default graph is the merge of some version, and not what clients wrote."""
    start = f"{base_iri}version/"
    records = store.quads_for_pattern(None, _VERSION, None, MERGE)
    subjects = (quad.subject for quad in records)
    return any(
        isinstance(subject, ox.NamedNode) and subject.value.startswith(start)
        for subject in subjects
    )


def separate(store: ox.Store) -> None:
    """Turn a copy into a plain store: its default graph is the one that clients write, no merge."""
    store.clear_graph(MERGE)
    if store.contains_named_graph(UNNAMED):
        extend(store, unnamed(store))
        store.remove_graph(UNNAMED)


def unnamed(store: ox.Store) -> Iterator[ox.Quad]:
    """The triples that clients wrote to the default graph."""
    for quad in store.quads_for_pattern(None, None, None, UNNAMED):
        yield placed(quad, ox.DefaultGraph())
