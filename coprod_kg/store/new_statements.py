"""What a commit says of subjects of which nothing was said, told from its lines.

The engine takes three times as long to give a statement back as its parser takes to read it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.base import Change
from coprod_kg.store.statement_forms import Subject, Told

__all__ = ["subjects_of", "told", "told_in", "unled", "written"]

_TEXTS: Final = frozenset(
    {
        "http://www.w3.org/2001/XMLSchema#string",
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString",
    }
)
_MOST_BYTES: Final = 32 << 20
"""A commit of more is not held in memory as statements; these are looked up in the store then."""


def told(triples: Iterable[ox.Triple]) -> Told:
    """What statements say of each subject, as the engine will have it once it holds them.

    Left out is each subject where that cannot be told from the statements: blank nodes get other
    labels there, and of two numbers or dates written differently it may make one.
    """
    found: dict[Subject, dict[ox.Triple, None]] = {}
    for triple in triples:
        found.setdefault(triple.subject, {})[triple] = None
    return {subject: tuple(said) for subject, said in found.items() if _is_plain(subject, said)}


def _is_plain(subject: Subject, said: Iterable[ox.Triple]) -> bool:
    if not isinstance(subject, ox.NamedNode):
        return False
    seen = set[tuple[str, str]]()
    for triple in said:
        value = triple.object
        if isinstance(value, ox.Literal):
            datatype = value.datatype.value
            if datatype in _TEXTS:
                continue
            if (key := (triple.predicate.value, datatype)) in seen:
                return False
            seen.add(key)
        elif not isinstance(value, ox.NamedNode):
            return False
    return True


def unled(store: ox.Store, subjects: Iterable[Subject]) -> set[Subject]:
    """Those of some subjects to which no statement leads."""
    return {
        subject
        for subject in subjects
        if not any(True for _ in store.quads_for_pattern(None, None, subject, merged.MERGED))
    }


def written(changes: Iterable[Change]) -> Iterator[tuple[str, bytes, bool]]:
    """What some changes write: a graph, the lines, and whether they are all that it holds then."""
    for change in changes:
        yield from ((graph, lines, True) for graph, lines in change.replace.items())
        yield from ((graph, lines, False) for graph, lines in change.add.items())


def told_in(written: Sequence[tuple[str, bytes, bool]]) -> Told:
    """What is written, by subject; nothing where some is written over, or it is too much."""
    graphs = Counter(graph for graph, _, _ in written)
    over = any(replaces and graphs[graph] > 1 for graph, _, replaces in written)
    if over or sum(len(lines) for _, lines, _ in written) > _MOST_BYTES:
        return {}
    return told(
        quad.triple for _, lines, _ in written for quad in ox.parse(lines, ox.RdfFormat.N_TRIPLES)
    )


def subjects_of(lines: bytes) -> set[Subject]:
    """The subjects of N-Triples; of lines that begin alike one is parsed."""
    firsts = {}
    for line in lines.splitlines(keepends=True):
        start = line.partition(b" ")[0]
        # A subject that is itself a triple has spaces: its lines begin alike and differ.
        firsts[line if start.startswith(b"<<") else start] = line
    return {quad.subject for quad in ox.parse(b"".join(firsts.values()), ox.RdfFormat.N_TRIPLES)}
