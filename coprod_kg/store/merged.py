"""Maintenance of the merged graph of a version: the RDF merge of all its graphs.

It lies in the engine's default graph, where a query that names no dataset finds it with nothing
to join; the engine's own union would count a triple once for each graph that holds it. The graph
that clients know as the default one lies under a name instead (`CLIENT_DEFAULT`).

Code that changes a graph of a store keeps the merge: `remove_from_merge` before triples leave the
graph, `add_to_merge` after they were put in. Both may be broken off and begun again.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from typing import Final

import pyoxigraph as ox

from coprod_kg.store.base import DEFAULT_GRAPH

__all__ = [
    "CLIENT_DEFAULT",
    "MERGED",
    "add_quads",
    "add_to_merge",
    "add_triples",
    "build",
    "client_default_quads",
    "drop_merge",
    "graph_node",
    "in_graph",
    "is_current",
    "is_elsewhere",
    "named_graphs",
    "remove_from_merge",
    "remove_quad",
]

MERGED: Final = ox.DefaultGraph()
"""Where a store that is published keeps the merge of its graphs."""
CLIENT_DEFAULT: Final = ox.NamedNode("urn:uuid:0f5a4f0e-7d3c-4b1e-9a52-6f0c2f6c7c11")
"""Where such a store keeps the default graph that clients write; it is there if that holds
something. No query lists it and nobody may write a graph of this name."""

_VERSION: Final = ox.NamedNode("http://www.w3.org/ns/dcat#version")
_FEW: Final = 5_000
"""From so many triples on they are loaded in bulk, which keeps memory level. A transaction takes
four times the processor time for 26,000, and as much for 1,500."""


def graph_node(graph: str) -> ox.NamedNode:
    """The engine's name for a graph, by the name that clients know, in a published store."""
    return CLIENT_DEFAULT if graph == DEFAULT_GRAPH else ox.NamedNode(graph)


def named_graphs(store: ox.Store) -> list[ox.NamedNode | ox.BlankNode]:
    """The graphs that have a name for clients."""
    return [graph for graph in store.named_graphs() if graph != CLIENT_DEFAULT]


def in_graph(
    quad: ox.Quad | ox.Triple, graph: ox.NamedNode | ox.BlankNode | ox.DefaultGraph
) -> ox.Quad:
    """The same triple in another graph."""
    return ox.Quad(quad.subject, quad.predicate, quad.object, graph)


def remove_from_merge(store: ox.Store, graph: ox.NamedNode) -> None:
    """Take out of the merge what only this graph holds, before it is removed from the graph.

    In this order a process that dies midway leaves a graph from which it can be done again.
    """
    for quad in store.quads_for_pattern(None, None, None, graph):
        if not is_elsewhere(store, quad.triple, graph):
            store.remove(in_graph(quad, MERGED))


def add_to_merge(store: ox.Store, graph: ox.NamedNode) -> None:
    """Put what a graph holds now into the merge."""
    quads = store.quads_for_pattern(None, None, None, graph)
    add_quads(store, (in_graph(quad, MERGED) for quad in quads))


def remove_quad(store: ox.Store, quad: ox.Quad) -> None:
    """Take one triple out of a graph, and out of the merge where no other graph holds it."""
    if not is_elsewhere(store, quad.triple, quad.graph_name):
        store.remove(in_graph(quad, MERGED))
    store.remove(quad)


def is_elsewhere(store: ox.Store, triple: ox.Triple, graph: object) -> bool:
    """Whether another graph than this one holds a triple; one that does is enough."""
    quads = store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
    return any(quad.graph_name not in (MERGED, graph) for quad in quads)


def add_triples(
    store: ox.Store, graph: ox.NamedNode, triples: Collection[ox.Triple | ox.Quad]
) -> None:
    """Put triples into a graph and into the merge.

    A process that dies midway leaves none in the graph that the merge lacks, so that they can be
    missed in the graph and put in again.
    """
    if len(triples) < _FEW:
        store.extend(in_graph(triple, place) for triple in triples for place in (MERGED, graph))
        return
    plain = (ox.Triple(triple.subject, triple.predicate, triple.object) for triple in triples)
    written = ox.serialize(plain, format=ox.RdfFormat.N_TRIPLES) or b""
    for place in (MERGED, graph):
        if b"_:" in written:  # as text, blank nodes would get other labels
            store.bulk_extend(in_graph(triple, place) for triple in triples)
        else:  # half the processor time
            store.bulk_load(written, ox.RdfFormat.N_TRIPLES, to_graph=place)


def add_quads(store: ox.Store, quads: Iterable[ox.Quad]) -> None:
    """Put quads in: few in one transaction, many in bulk."""
    rest = iter(quads)
    some = list(islice(rest, _FEW))
    if len(some) < _FEW:
        store.extend(some)
    else:
        store.bulk_extend(chain(some, rest))


def is_current(store: ox.Store, base_iri: str, version: int) -> bool:
    """Whether a store keeps its merge as of a version: every commit's own record is in it."""
    if version == 0:
        return next(iter(store.named_graphs()), None) is None
    return _record(base_iri, version) in store


def build(store: ox.Store, base_iri: str, version: int) -> None:
    """Make the merge of a store that has none, or not that of its newest version.

    It may be broken off at any moment and is then begun again: the record by which the merge is
    known to be whole goes in last.
    """
    if is_current(store, base_iri, version):
        return
    if not store.contains_named_graph(CLIENT_DEFAULT) and not _was_merged(store, base_iri):
        own = store.quads_for_pattern(None, None, None, ox.DefaultGraph())
        store.extend(in_graph(quad, CLIENT_DEFAULT) for quad in own)  # one transaction
        store.add_graph(CLIENT_DEFAULT)  # from now on the default graph is the merge's
    store.clear_graph(MERGED)
    record = _record(base_iri, version)
    quads = (in_graph(quad, MERGED) for quad in store)
    add_quads(store, (quad for quad in quads if quad != record))
    if version:
        store.add(record)
    if not any(store.quads_for_pattern(None, None, None, CLIENT_DEFAULT)):
        store.remove_graph(CLIENT_DEFAULT)
    store.flush()


def _record(base_iri: str, version: int) -> ox.Quad:
    """The quad of a commit's record that holds its number, as it stands in the merge."""
    return ox.Quad(ox.NamedNode(f"{base_iri}version/{version}"), _VERSION, ox.Literal(version))


def _was_merged(store: ox.Store, base_iri: str) -> bool:
    """Whether the default graph is the merge of some version, and not what clients wrote."""
    start = f"{base_iri}version/"
    records = store.quads_for_pattern(None, _VERSION, None, MERGED)
    subjects = (quad.subject for quad in records)
    return any(
        isinstance(subject, ox.NamedNode) and subject.value.startswith(start)
        for subject in subjects
    )


def drop_merge(store: ox.Store) -> None:
    """Turn a copy into a plain store: its default graph is the one that clients write, no merge."""
    store.clear_graph(MERGED)
    if store.contains_named_graph(CLIENT_DEFAULT):
        add_quads(store, client_default_quads(store))
        store.remove_graph(CLIENT_DEFAULT)


def client_default_quads(store: ox.Store) -> Iterator[ox.Quad]:
    """The triples that clients wrote to the default graph."""
    for quad in store.quads_for_pattern(None, None, None, CLIENT_DEFAULT):
        yield in_graph(quad, ox.DefaultGraph())
