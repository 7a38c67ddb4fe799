"""Counts of what a store says, kept by what each change touches.

Every number is a sum over subjects, so a commit counts the subjects that it touches before and
after, and nothing else.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from itertools import groupby
from typing import Final, TypeAlias

import pyoxigraph as ox

from coprod_kg.model.linked import linked_spaces
from coprod_kg.store import merged

__all__ = ["Subject", "Tally", "counted", "exchange", "of_subject", "tallied"]

Tally: TypeAlias = Counter[tuple[str, ...]]
"""Counts of triples and entities: () all triples, ("subjects",), ("class", C), ("property", P),
("class", C, P), ("class", C, P, DATATYPE), ("link", P, a dataset of others)."""

Subject: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Triple

_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_NOTHING: Final[tuple[Tally, str]] = (Counter(), "")


def of_subject(store: ox.Store, subject: Subject, *, hashed: bool = True) -> tuple[Tally, str]:
    """What a subject contributes, and a hash of its triples where one is wanted."""
    quads = list(store.quads_for_pattern(subject, None, None, merged.MERGE))
    if not quads:
        return _NOTHING  # one for all: most subjects of a large load were not there before
    if not hashed:
        return _tally(quads), ""
    text = "\n".join(sorted(f"{quad.predicate} {quad.object}" for quad in quads))
    return _tally(quads), sha256(text.encode()).hexdigest()


def _tally(quads: list[ox.Quad]) -> Tally:
    """What the statements about one subject, of which there are some, contribute."""
    classes = _classes(quads)
    found: Tally = Counter(key for quad in quads for key in _keys(quad, classes))
    found["subjects",] = 1
    return found


def _classes(quads: Iterable[ox.Quad]) -> list[str]:
    return [
        quad.object.value
        for quad in quads
        if quad.predicate == _TYPE and isinstance(quad.object, ox.NamedNode)
    ]


def _keys(quad: ox.Quad | ox.Triple, classes: list[str]) -> list[tuple[str, ...]]:
    """What a statement counts for, beside its subject."""
    path, value = quad.predicate.value, quad.object
    found: list[tuple[str, ...]] = [(), ("property", path)]
    found += [("class", name, path) for name in classes]
    if isinstance(value, ox.Literal):
        found += [("class", name, path, value.datatype.value) for name in classes]
    elif isinstance(value, ox.NamedNode):
        if quad.predicate == _TYPE:
            found.append(("class", value.value))
        if value.value.startswith(_spaces()):
            found.append(("link", path, _linked(value.value)))
    return found


@cache
def _spaces() -> tuple[str, ...]:
    return tuple(linked_spaces())


def _linked(iri: str) -> str:
    """The dataset of others that a name belongs to."""
    return next(whose for space, whose in linked_spaces().items() if iri.startswith(space))


def counted(store: ox.Store) -> Tally:
    """The statistics of a whole store, counted anew."""
    found: Tally = Counter()
    # The engine keeps the default graph in the order of its subjects.
    quads = store.quads_for_pattern(None, None, None, merged.MERGE)
    for _, alike in groupby(quads, key=lambda quad: quad.subject):
        found.update(_tally(list(alike)))
    return found


def exchange(
    store: ox.Store,
    graph: ox.NamedNode,
    gone: Iterable[ox.Triple],
    added: Iterable[ox.Triple],
    tally: Tally | None = None,
) -> None:
    """Take triples out of a graph and put others in, and keep the counts.

    A subject of which much is said, as the catalogue, is not read whole for the few that change:
    only what it is of has to be known, so those whose classes change are.
    """
    gone, added = list(gone), list(added)

    def change() -> None:
        for triple in gone:
            merged.discard(store, _in(triple, graph))
        store.extend(_in(triple, place) for triple in added for place in (graph, merged.MERGE))

    if tally is None:
        change()
        return
    triples = {*gone, *added}
    retyped = {triple.subject for triple in triples if triple.predicate == _TYPE}
    few = [triple for triple in triples if triple.subject not in retyped]
    before = {triple for triple in few if _in(triple, merged.MERGE) in store}
    subjects = {triple.subject for triple in few}
    known = {subject for subject in subjects if _is_there(store, subject)}
    tallied(store, retyped, tally, change)
    for subject in subjects:
        tally["subjects",] += _is_there(store, subject) - (subject in known)
    classes = {
        subject: _classes(store.quads_for_pattern(subject, _TYPE, None, merged.MERGE))
        for subject in subjects
    }
    for triple in few:
        step = (_in(triple, merged.MERGE) in store) - (triple in before)
        for key in _keys(triple, classes[triple.subject]) if step else ():
            tally[key] += step


def _is_there(store: ox.Store, subject: Subject) -> bool:
    return any(True for _ in store.quads_for_pattern(subject, None, None, merged.MERGE))


def _in(triple: ox.Triple, graph: ox.NamedNode | ox.DefaultGraph) -> ox.Quad:
    return ox.Quad(triple.subject, triple.predicate, triple.object, graph)


def tallied(
    store: ox.Store, subjects: set[Subject], tally: Tally, change: Callable[[], object]
) -> None:
    """Make a change that touches some subjects only, and keep the counts."""
    for subject in subjects:
        tally.subtract(of_subject(store, subject, hashed=False)[0])
    change()
    for subject in subjects:
        tally.update(of_subject(store, subject, hashed=False)[0])
