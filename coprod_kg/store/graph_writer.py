"""Changes of graphs as the engine carries them out: line by line, in one transaction, or in bulk.

Each may be broken off at any moment and made again: whatever a graph holds then that the merge of
all graphs lacks is put in.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.base import Change
from coprod_kg.store.bounded_file import BoundedFile

__all__ = ["LARGE", "Difference", "GraphWriter", "difference", "quads_of"]

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


class Difference(NamedTuple):
    """What a graph holds and what it is to hold, as N-Triples, without what is in both.

    Attributes:
        gone: what only the graph holds.
        added: what it lacks.
    """

    gone: bytes
    added: bytes


class GraphWriter:
    """Carries out changes in a store and in the merge of its graphs.

    Args:
        store: open for writing.
    """

    def __init__(self, store: ox.Store) -> None:
        self._store = store

    def apply(
        self,
        changes: Sequence[Change],
        differences: Mapping[str, Difference] | None = None,
        *,
        again: bool = False,
    ) -> None:
        """Make some changes, one after the other.

        Args:
            changes: they.
            differences: those of graphs that they replace, as far as they are known.
            again: whether they were made before, perhaps in part, when the process ended.
        """
        for change in changes:
            new = self._fill(change)
            for graph, triples in change.replace.items():
                if graph not in new:
                    known = (differences or {}).get(graph)
                    self._replace(graph, triples, known, labels_stay=change.shared_blank_nodes)
                    if again:  # what was there already may not have come into the merge
                        merged.add_to_merge(self._store, merged.graph_node(graph))
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
        for triples in (*large.values(), b"\n".join(new[graph] for graph in small)):
            self._store.bulk_load(triples, ox.RdfFormat.N_TRIPLES, to_graph=merged.MERGED)
        for graph, triples in large.items():
            self._store.bulk_load(
                triples, ox.RdfFormat.N_TRIPLES, to_graph=merged.graph_node(graph)
            )
        quads = b"".join(quads_of(new[graph], merged.graph_node(graph)) for graph in small)
        self._store.bulk_load(quads, ox.RdfFormat.N_QUADS)
        return new

    def _replace(
        self, graph: str, triples: bytes, known: Difference | None, *, labels_stay: bool
    ) -> None:
        node = merged.graph_node(graph)
        put = self._extend if labels_stay else self._load
        if not self._store.contains_named_graph(node) and (labels_stay or b"_:" not in triples):
            put(merged.MERGED, triples)
            put(node, triples)
        elif known is not None:
            self._exchange(node, known)
        elif found := difference(self._store, node, triples, labels_stay=labels_stay):
            self._exchange(node, found)
        else:
            merged.remove_from_merge(self._store, node)
            self._store.remove_graph(node)
            put(node, triples)
            merged.add_to_merge(self._store, node)
        if triples.strip() or (triples and node != merged.CLIENT_DEFAULT):
            self._store.add_graph(node)
        else:
            self._store.remove_graph(node)

    def _exchange(self, node: ox.NamedNode, found: Difference) -> None:
        """Take out of a graph what it should not hold, and put in what it lacks."""
        for quad in ox.parse(found.gone, ox.RdfFormat.N_TRIPLES):
            merged.remove_quad(self._store, merged.in_graph(quad, node))
        merged.add_triples(self._store, node, list(ox.parse(found.added, ox.RdfFormat.N_TRIPLES)))

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


def difference(
    store: ox.Store, node: ox.NamedNode, wanted: bytes, *, labels_stay: bool = False
) -> Difference | None:
    """What has to leave a graph and come into it; None where its lines cannot be compared.

    Those are too many then, or a blank node is among them, which gets another label in the engine.

    Args:
        store: holds the graph.
        node: its name.
        wanted: what it is to hold, as N-Triples.
        labels_stay: whether blank nodes keep the labels that they have.
    """
    if len(wanted) > _COMPARED_BYTES or (b"_:" in wanted and not labels_stay):
        return None
    file = BoundedFile(_COMPARED_BYTES)
    try:
        store.dump(file, format=ox.RdfFormat.N_TRIPLES, from_graph=node)
    except OverflowError:
        return None
    held_lines, wanted_lines = set(file.getvalue().splitlines()), set(wanted.splitlines())
    return Difference(_text(held_lines - wanted_lines), _text(wanted_lines - held_lines))


def _text(lines: Collection[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
