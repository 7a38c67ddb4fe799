"""The statements that a commit makes about new subjects, read from its lines, not from the store.

The engine takes three times as long to give a statement back as its parser takes to read it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.base import Change
from coprod_kg.store.statement_forms import Statements, StatementsBySubject, Subject

__all__ = [
    "NOTHING_NEW",
    "NewSubjects",
    "by_subject",
    "new_subjects",
    "statements_in",
    "subjects_of",
    "written_graphs",
]

_TEXTS: Final = frozenset(
    {
        "http://www.w3.org/2001/XMLSchema#string",
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString",
    }
)
_MOST_BYTES: Final = 32 << 20
"""A commit of more is not held in memory as statements; these are looked up in the store then."""


class NewSubjects(NamedTuple):
    """Subjects about which the store had no statement before a change.

    Attributes:
        statements: all statements about each, which are not looked up.
        unreferenced: those that no statement referred to either.
    """

    statements: StatementsBySubject
    unreferenced: frozenset[Subject]


NOTHING_NEW: Final = NewSubjects({}, frozenset())


def by_subject(triples: Iterable[ox.Triple]) -> StatementsBySubject:
    """Statements by their subject, as the engine will have them once it holds them.

    A subject is left out where the engine may have others: blank nodes get other
    labels there, and of two numbers or dates written differently it may make one.
    """
    grouped: dict[Subject, dict[ox.Triple, None]] = {}
    for triple in triples:
        grouped.setdefault(triple.subject, {})[triple] = None
    return {
        subject: tuple(statements)
        for subject, statements in grouped.items()
        if _is_plain(subject, statements)
    }


def _is_plain(subject: Subject, statements: Iterable[ox.Triple]) -> bool:
    if not isinstance(subject, ox.NamedNode):
        return False
    seen = set[tuple[str, str]]()
    for triple in statements:
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


def new_subjects(
    store: ox.Store, added: StatementsBySubject, before: Mapping[Subject, Statements]
) -> NewSubjects:
    """The subjects that a change adds, told before it is made.

    Args:
        store: as it is before the change.
        added: what the change adds of some subjects.
        before: the statements about each subject that it touches.
    """
    new = {
        subject: statements for subject, statements in added.items() if before.get(subject) == ()
    }
    referred_to = {
        subject
        for subject in new
        if any(True for _ in store.quads_for_pattern(None, None, subject, merged.MERGED))
    }
    return NewSubjects(new, frozenset(new.keys() - referred_to))


def written_graphs(changes: Iterable[Change]) -> Iterator[tuple[str, bytes, bool]]:
    """What some changes write: a graph, the lines, and whether they are all that it holds then."""
    for change in changes:
        yield from ((graph, lines, True) for graph, lines in change.replace.items())
        yield from ((graph, lines, False) for graph, lines in change.add.items())


def statements_in(written: Sequence[tuple[str, bytes, bool]]) -> StatementsBySubject:
    """The statements that are written; none where one graph is written twice, or it is too much."""
    graphs = Counter(graph for graph, _, _ in written)
    over = any(replaces and graphs[graph] > 1 for graph, _, replaces in written)
    if over or sum(len(lines) for _, lines, _ in written) > _MOST_BYTES:
        return {}
    return by_subject(
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
