"""What a commit writes into each graph, and the subjects that it touches there."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.base import Change
from coprod_kg.store.graph_writer import Difference, difference
from coprod_kg.store.statement_forms import Subject

__all__ = [
    "GraphWrite",
    "differences",
    "graph_writes",
    "lines_in",
    "subjects_in",
    "subjects_of",
    "written_graphs",
]


def written_graphs(changes: Iterable[Change]) -> Iterator[tuple[str, bytes, bool]]:
    """What some changes write: a graph, the lines, and whether they are all that it holds then."""
    for change in changes:
        yield from ((graph, lines, True) for graph, lines in change.replace.items())
        yield from ((graph, lines, False) for graph, lines in change.add.items())


class GraphWrite(NamedTuple):
    """What a commit writes into one graph.

    Attributes:
        graph: its name.
        lines: what the graph does not hold yet, as N-Triples; all lines that are written where that
            is not known.
        subjects: those of which the graph may say something else afterwards.
        replaces: whether what is written is all that the graph holds then.
        found: how that differs from what it holds, where that is known.
    """

    graph: str
    lines: bytes
    subjects: frozenset[Subject]
    replaces: bool
    found: Difference | None = None


def graph_writes(store: ox.Store, changes: Iterable[Change]) -> list[GraphWrite]:
    """What some changes write, told before they are made.

    Of a graph that is replaced only the lines that differ touch a subject: most of what is sent
    or concluded anew is there already, and to read a subject takes longer than to compare it.
    """
    return [_graph_write(store, *written) for written in written_graphs(changes)]


def _graph_write(store: ox.Store, graph: str, lines: bytes, replaces: bool) -> GraphWrite:
    node = merged.graph_node(graph)
    if not replaces or not store.contains_named_graph(node):
        return GraphWrite(graph, lines, frozenset(subjects_of(lines)), replaces)
    found = difference(store, node, lines)
    if found is None:
        subjects = subjects_of(lines) | subjects_in(store, graph)
        return GraphWrite(graph, lines, frozenset(subjects), replaces)
    subjects = subjects_of(found.gone + found.added)
    return GraphWrite(graph, found.added, frozenset(subjects), replaces, found)


def subjects_in(store: ox.Store, graph: str) -> set[Subject]:
    """The subjects that a graph holds."""
    quads = store.quads_for_pattern(None, None, None, merged.graph_node(graph))
    return {quad.subject for quad in quads}


def differences(writes: Sequence[GraphWrite]) -> dict[str, Difference]:
    """Graph → how what is written differs from what it holds, where it is written once."""
    times = Counter(write.graph for write in writes)
    return {
        write.graph: write.found
        for write in writes
        if write.found is not None and times[write.graph] == 1
    }


def lines_in(writes: Sequence[GraphWrite]) -> list[bytes]:
    """The lines that are written; none where a graph that is replaced is written twice.

    It may lose lines: all its subjects are read from the store then.
    """
    times = Counter(write.graph for write in writes)
    if any(write.replaces and times[write.graph] > 1 for write in writes):
        return []
    return [write.lines for write in writes]


def subjects_of(lines: bytes) -> set[Subject]:
    """The subjects of N-Triples; of lines that begin alike one is parsed."""
    firsts = {}
    for line in lines.splitlines(keepends=True):
        start = line.partition(b" ")[0]
        # A subject that is itself a triple has spaces: its lines begin alike and differ.
        firsts[line if start.startswith(b"<<") else start] = line
    return {quad.subject for quad in ox.parse(b"".join(firsts.values()), ox.RdfFormat.N_TRIPLES)}
