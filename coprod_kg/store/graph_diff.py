"""The graphs whose content differs between two stores, compared by their digests.

The engine writes a graph in the order of its index, so the same triples are the same bytes.
"""

import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import TYPE_CHECKING, cast

import pyoxigraph as ox

from coprod_kg.store.base import DEFAULT_GRAPH, EMPTY

if TYPE_CHECKING:
    from typing import IO

    from _typeshed import ReadableBuffer

__all__ = ["changed"]

_DEFAULT = ox.DefaultGraph()


def changed(
    before: ox.Store,
    after: ox.Store,
    graphs: Iterable[str] | None,
    default: ox.NamedNode | ox.DefaultGraph = _DEFAULT,
) -> Iterator[tuple[str, bytes]]:
    """Each graph that differs, with the content after as `Change.replace` says it.

    Args:
        before: one store.
        after: the other.
        graphs: the only named graphs that may differ; None for any.
        default: where the store before keeps its default graph.
    """
    if graphs is None:
        names = {*before.named_graphs(), *after.named_graphs()}
        graphs = (name.value for name in names - {default} if isinstance(name, ox.NamedNode))
    with ThreadPoolExecutor(2) as both:  # the engine works without Python's lock
        for graph in (DEFAULT_GRAPH, *sorted(set(graphs))):
            nodes = (default if graph == DEFAULT_GRAPH else _node(graph)), _node(graph)
            old, new = both.map(_digest, (before, after), nodes)
            if old != new:
                yield graph, _content(after, graph)


class _Digest(io.RawIOBase):
    """A file that keeps the digest of what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._hash = blake2b()

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        self._hash.update(data)
        return len(memoryview(data))

    def digest(self) -> bytes:
        return self._hash.digest()


def _digest(store: ox.Store, node: ox.NamedNode | ox.DefaultGraph) -> bytes | None:
    if isinstance(node, ox.NamedNode) and not store.contains_named_graph(node):
        return None
    file = _Digest()
    store.dump(cast("IO[bytes]", file), format=ox.RdfFormat.N_TRIPLES, from_graph=node)
    return file.digest()


def _content(store: ox.Store, graph: str) -> bytes:
    node = _node(graph)
    if isinstance(node, ox.DefaultGraph):
        return store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=node) or b""
    if not store.contains_named_graph(node):
        return b""
    return store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=node) or EMPTY


def _node(graph: str) -> ox.NamedNode | ox.DefaultGraph:
    return ox.DefaultGraph() if graph == DEFAULT_GRAPH else ox.NamedNode(graph)
