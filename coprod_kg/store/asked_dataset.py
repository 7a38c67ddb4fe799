"""Construction of a query's RDF dataset (SPARQL 1.1 Query, section 13.2; Protocol, 2.1.4).

The engine joins several graphs that a query names for its default graph as a bag. So those are
merged in memory first, and the query runs over the merge.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import pyoxigraph as ox

from coprod_kg.errors import QueryMemory, QueryRefused
from coprod_kg.sparql.dataset import may_name_graphs
from coprod_kg.store import merged

__all__ = ["dataset", "found_graphs"]

_BYTES: Final = 400
"""Bytes of the engine's memory for one triple, rounded up."""


def dataset(
    request: Mapping[str, Any], store: ox.Store, base_iri: str, memory_mb: int
) -> tuple[ox.Store, dict[str, Any]]:
    """The store that a query runs over, and the graphs of it that are passed to the engine.

    Args:
        request: as `coprod_kg.store.worker_client.request` makes it.
        store: a published version.
        base_iri: what relative IRIs are resolved against.
        memory_mb: the memory that the query may use, in MiB.

    Raises:
        QueryRefused: the graphs that the text names cannot be found.
        QueryMemory: merged, they would not fit.
    """
    if request["default_graphs"] or request["named_graphs"]:
        default = _named(request["default_graphs"])
        return _over(store, default, _named(request["named_graphs"]), memory_mb)
    if request["dataset_query"]:
        default, named = found_graphs(request["dataset_query"], base_iri)
        return _over(store, default, named, memory_mb)
    if request["dataset_query"] is not None:
        return store, {}
    graphs: dict[str, Any] = {
        "default_graph": merged.MERGED if request["union"] else merged.CLIENT_DEFAULT
    }
    apart = set(request["excluded_graphs"])
    hides = apart or store.contains_named_graph(merged.CLIENT_DEFAULT)
    if hides and may_name_graphs(request["text"]):
        seen = merged.named_graphs(store)
        graphs["named_graphs"] = [graph for graph in seen if graph.value not in apart]
    return store, graphs


def found_graphs(text: str, base_iri: str) -> tuple[list[ox.NamedNode], list[ox.NamedNode]]:
    """The graphs that a SELECT of ``?default`` and ``?named`` finds without any data.

    Raises:
        QueryRefused: it is not SPARQL.
    """
    datasets = dict[str, list[ox.NamedNode]](default=[], named=[])
    try:
        for solution in cast("ox.QuerySolutions", ox.Store().query(text, base_iri=base_iri)):
            for name, graphs in datasets.items():
                if isinstance(graph := solution[name], ox.NamedNode):
                    graphs.append(graph)
    except SyntaxError:
        raise QueryRefused(
            "the graphs that are to be merged cannot be read",
            fix="Write the name of each of them as an IRI in angle brackets, or with a prefix.",
        ) from None
    return datasets["default"], datasets["named"]


def _named(graphs: Sequence[str]) -> list[ox.NamedNode]:
    return [ox.NamedNode(iri) for iri in graphs]


def _over(
    store: ox.Store, default: list[ox.NamedNode], named: list[ox.NamedNode], memory_mb: int
) -> tuple[ox.Store, dict[str, Any]]:
    """Some graphs as they lie in the store, or merged in memory where that makes a difference."""
    filled = [graph for graph in dict.fromkeys(default) if any(_triples(store, graph))]
    if len(filled) < 2:
        return store, {"default_graph": filled, "named_graphs": named}
    most = (memory_mb << 20) // 2 // _BYTES
    copy = ox.Store()
    copy.bulk_extend(_capped(_quads(store, filled, named), most))
    return copy, {"default_graph": merged.MERGED, "named_graphs": named}


def _quads(
    store: ox.Store, default: Iterable[ox.NamedNode], named: Iterable[ox.NamedNode]
) -> Iterator[ox.Quad]:
    for graph in default:
        for quad in _triples(store, graph):
            yield merged.in_graph(quad, merged.MERGED)
    for graph in dict.fromkeys(named):
        yield from _triples(store, graph)


def _capped(quads: Iterable[ox.Quad], most: int) -> Iterator[ox.Quad]:
    for number, quad in enumerate(quads):
        if number == most:
            raise QueryMemory(
                f"the graphs that the query names hold more than {most:,} statements, and no more "
                "can be merged in the memory that a query may use",
                fix="Name fewer graphs, or none: all graphs are kept merged already. The cap is "
                "the setting query-memory-mb.",
            )
        yield quad


def _triples(store: ox.Store, graph: ox.NamedNode) -> Iterator[ox.Quad]:
    return store.quads_for_pattern(None, None, None, graph)
