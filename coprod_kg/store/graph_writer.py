"""Changes of graphs as the engine carries them out: line by line, in one transaction, or in bulk.

Each may be broken off at any moment and made again: the merge of all graphs is changed in such an
order that a replay finds what is missing.
"""

import re
from collections.abc import Collection, Sequence

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.base import Change
from coprod_kg.store.bounded_file import BoundedFile

__all__ = ["LARGE", "GraphWriter", "quads_of"]

_COMPARED_BYTES = 8 << 20
"""Up to this size the lines of a graph are compared with those that are to be there, in memory."""
_BULK_BYTES = 1 << 19
"""From this size on triples are loaded in bulk, which keeps memory level and the processor free."""
LARGE = 1 << 20
"""From this size on new graphs go in together in bulk, which takes half the processor time."""

_PLAIN = re.compile(
    rb"(?:(?:<[^>\n]*+>|_:\S++) <[^>\n]*+> "
    rb'(?:<[^>\n]*+>|_:\S++|"(?:[^"\\\n]++|\\.)*+"(?:@[A-Za-z0-9-]++|\^\^<[^>\n]*+>)?) \.\n)*+'
)
"""N-Triples with one triple a line, spaces in the one place, and no comments: as they are written
here, and by the engine. In them a space, a full stop and a line's end always end a triple."""


class GraphWriter:
    """Carries out changes in a store and in the merge of its graphs.

    Args:
        store: open for writing.
    """

    def __init__(self, store: ox.Store) -> None:
        self._store = store

    def apply(self, changes: Sequence[Change]) -> None:
        """Make some changes, one after the other."""
        for change in changes:
            new = self._fill(change)
            for graph, triples in change.replace.items():
                if graph not in new:
                    self._replace(graph, triples, change.shared_blank_nodes)
            for graph, triples in change.add.items():
                self._load(merged.graph_node(graph), triples)
                self._load(merged.MERGED, triples)

    def _fill(self, change: Change) -> Collection[str]:
        """Put the graphs in that are new and plain, if they are large together; which they were."""
        new = {
            graph: triples
            for graph, triples in change.replace.items()
            if triples.strip()
            and b"_:" not in triples
            and not self._store.contains_named_graph(merged.graph_node(graph))
        }
        if sum(map(len, new.values())) < LARGE:
            return ()
        large = {graph: triples for graph, triples in new.items() if len(triples) >= LARGE}
        small = new.keys() - large.keys()
        # The merge first, or a replay would take the graphs for whole.
        for triples in (*large.values(), b"\n".join(new[graph] for graph in small)):
            self._store.bulk_load(triples, ox.RdfFormat.N_TRIPLES, to_graph=merged.MERGED)
        for graph, triples in large.items():
            self._store.bulk_load(
                triples, ox.RdfFormat.N_TRIPLES, to_graph=merged.graph_node(graph)
            )
        quads = b"".join(quads_of(new[graph], merged.graph_node(graph)) for graph in small)
        self._store.bulk_load(quads, ox.RdfFormat.N_QUADS)
        return new

    def _replace(self, graph: str, triples: bytes, shared_blank_nodes: bool) -> None:
        node = merged.graph_node(graph)
        held = None if len(triples) > _COMPARED_BYTES else _lines(self._store, node)
        put = self._extend if shared_blank_nodes else self._load
        if held is None or not (shared_blank_nodes or b"_:" not in triples):
            merged.remove_from_merge(self._store, node)
            self._store.remove_graph(node)
            put(node, triples)
            merged.add_to_merge(self._store, node)
        elif held:
            self._exchange(node, held, set(triples.splitlines()))
        else:
            put(merged.MERGED, triples)  # first, or a replay would take the graph for complete
            put(node, triples)
        if triples.strip() or (triples and node != merged.CLIENT_DEFAULT):
            self._store.add_graph(node)
        else:
            self._store.remove_graph(node)

    def _exchange(self, node: ox.NamedNode, held: set[bytes], wanted: set[bytes]) -> None:
        """Take out of a graph the lines that it should not hold, and put in those it does not."""
        for quad in ox.parse(b"\n".join(held - wanted), ox.RdfFormat.N_TRIPLES):
            merged.remove_quad(self._store, merged.in_graph(quad, node))
        missing = ox.parse(b"\n".join(wanted - held), ox.RdfFormat.N_TRIPLES)
        merged.add_triples(self._store, node, list(missing))

    def _extend(self, node: ox.NamedNode | ox.DefaultGraph, triples: bytes) -> None:
        """Put triples in under the labels that their blank nodes have."""
        quads = (merged.in_graph(quad, node) for quad in ox.parse(triples, ox.RdfFormat.N_TRIPLES))
        (self._store.bulk_extend if len(triples) > _BULK_BYTES else self._store.extend)(quads)

    def _load(self, node: ox.NamedNode | ox.DefaultGraph, triples: bytes) -> None:
        if triples:
            load = self._store.bulk_load if len(triples) > _BULK_BYTES else self._store.load
            load(triples, ox.RdfFormat.N_TRIPLES, to_graph=node)


def quads_of(triples: bytes, graph: ox.NamedNode) -> bytes:
    """N-Triples as N-Quads of one graph."""
    if not _PLAIN.fullmatch(triples):
        triples = (
            ox.serialize(ox.parse(triples, ox.RdfFormat.N_TRIPLES), format=ox.RdfFormat.N_TRIPLES)
            or b""
        )
    return triples.replace(b" .\n", f" {graph} .\n".encode())


def _lines(store: ox.Store, node: ox.NamedNode) -> set[bytes] | None:
    """The N-Triples lines of a graph, or None where they exceed what is compared line by line."""
    file = BoundedFile(_COMPARED_BYTES)
    try:
        store.dump(file, format=ox.RdfFormat.N_TRIPLES, from_graph=node)
    except OverflowError:
        return None
    return set(file.getvalue().splitlines())
