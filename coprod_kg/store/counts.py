"""Counts of what a store says, kept by what each change touches.

Every number is a sum over subjects, so a commit counts anew the subjects of which it made
something else be said. Only the classes of what a statement leads to are told by another subject:
where those change, the statements that lead there are looked up.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import Final, TypeAlias

import pyoxigraph as ox

from coprod_kg.model.installed import linked_spaces
from coprod_kg.store import merged

__all__ = [
    "Statements",
    "Subject",
    "Tally",
    "counted",
    "exchange",
    "recounted",
    "statements",
    "tallied",
]

Tally: TypeAlias = Counter[tuple[str, ...]]
"""Counts of triples and entities: () all triples, ("subjects",), ("class", C), ("property", P),
("class", C, P), ("class", C, P, DATATYPE), ("leads", C, P, the class of what it leads to),
("link", P, a dataset of others)."""

Subject: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Triple
Statements: TypeAlias = tuple[ox.Quad, ...]
"""All that is said of a subject, in the order of the engine."""

_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_MOST_KNOWN: Final = 100_000


class _Classes:
    """The classes of things, each looked up once: right for as long as none changes."""

    def __init__(self, store: ox.Store, before: Mapping[Subject, Statements] | None = None) -> None:
        """Those of now, or of before a change.

        Args:
            store: where they are looked up.
            before: what was said of each subject that was touched since.
        """
        self._store = store
        self._before = before or {}
        self._known: dict[object, tuple[str, ...]] = {}

    def of(self, thing: object) -> tuple[str, ...]:
        """The classes of a thing; a literal has none."""
        if not isinstance(thing, ox.NamedNode | ox.BlankNode):
            return ()
        found = self._known.get(thing)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            quads: Iterable[ox.Quad] | None = self._before.get(thing)
            if quads is None:
                quads = self._store.quads_for_pattern(thing, _TYPE, None, merged.MERGED)
            found = self._known[thing] = _classes(quads)
        return found


def statements(store: ox.Store, subject: Subject) -> Statements:
    """What the merge of all graphs says of a subject."""
    return tuple(store.quads_for_pattern(subject, None, None, merged.MERGED))


def _counted_for(quads: Collection[ox.Quad], classes: _Classes) -> list[tuple[str, ...]]:
    """What the statements about one subject count for, each key once for each time.

    No counts of them: adding up thousands of small tallies takes twice as long as counting once.
    """
    own = _classes(quads)
    found: list[tuple[str, ...]] = [("subjects",)] if quads else []
    for quad in quads:
        found += _keys(quad, own, classes)
    return found


def _classes(quads: Iterable[ox.Quad]) -> tuple[str, ...]:
    return tuple(
        quad.object.value
        for quad in quads
        if quad.predicate == _TYPE and isinstance(quad.object, ox.NamedNode)
    )


def _keys(
    quad: ox.Quad | ox.Triple, own: tuple[str, ...], classes: _Classes
) -> list[tuple[str, ...]]:
    """What a statement counts for, beside its subject, of which the classes are given."""
    path, value = quad.predicate.value, quad.object
    found: list[tuple[str, ...]] = [(), ("property", path)]
    found += [("class", name, path) for name in own]
    if isinstance(value, ox.Literal):
        found += [("class", name, path, value.datatype.value) for name in own]
        return found
    if own:
        found += [("leads", name, path, end) for end in classes.of(value) for name in own]
    if isinstance(value, ox.NamedNode):
        iri = value.value
        if quad.predicate == _TYPE:
            found.append(("class", iri))
        if iri.startswith(_spaces()):
            found.append(("link", path, _linked(iri)))
    return found


@cache
def _spaces() -> tuple[str, ...]:
    return tuple(linked_spaces())


def _linked(iri: str) -> str:
    """The dataset of others that a name belongs to."""
    return next(whose for space, whose in linked_spaces().items() if iri.startswith(space))


def counted(store: ox.Store) -> Tally:
    """The statistics of a whole store, counted anew."""
    found, classes = Tally(), _Classes(store)
    # The engine keeps the default graph in the order of its subjects.
    quads = store.quads_for_pattern(None, None, None, merged.MERGED)
    for _, alike in groupby(quads, key=lambda quad: quad.subject):
        found.update(_counted_for(list(alike), classes))
    return found


def recounted(
    store: ox.Store,
    before: Mapping[Subject, Statements],
    tally: Tally | None,
    apart: Collection[ox.Triple] = (),
) -> dict[Subject, str]:
    """Bring the counts up to date after a change.

    Args:
        store: as it is now.
        before: the subjects that the change touched → what was said of each.
        tally: the counts, where they are kept.
        apart: statements about other subjects that it touched too, and that are counted apart.

    Returns:
        The subjects of which something else is said now → ``created``, ``updated`` or ``removed``.
    """
    then, now = _Classes(store, before), _Classes(store)
    found: dict[Subject, str] = {}
    for subject, said in before.items():
        says = statements(store, subject)
        if says == said:
            continue
        found[subject] = "updated" if said and says else "created" if says else "removed"
        if tally is not None:
            tally.subtract(_counted_for(said, then))
            tally.update(_counted_for(says, now))
    if tally is not None:
        _count_leading(store, (then, now), found, tally, apart)
    return found


def _count_leading(
    store: ox.Store,
    classes: tuple[_Classes, _Classes],
    changed: Collection[Subject],
    tally: Tally,
    apart: Collection[ox.Triple],
) -> None:
    """Count anew what leads from other subjects to those that changed, where that is due."""
    then, now = classes
    for subject in changed:
        had, has = set(then.of(subject)), set(now.of(subject))
        leading = store.quads_for_pattern(None, None, subject, merged.MERGED) if had != has else ()
        for quad in leading:
            if quad.subject in changed or (apart and quad.triple in apart):
                continue
            for own in now.of(quad.subject):
                start = "leads", own, quad.predicate.value
                tally.subtract((*start, end) for end in had - has)
                tally.update((*start, end) for end in has - had)


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
            merged.remove_quad(store, _in(triple, graph))
        store.extend(_in(triple, place) for triple in added for place in (graph, merged.MERGED))

    if tally is None:
        change()
        return
    triples = {*gone, *added}
    retyped = {triple.subject for triple in triples if triple.predicate == _TYPE}
    few = {triple for triple in triples if triple.subject not in retyped}
    subjects = {triple.subject for triple in few}
    known = {subject for subject in subjects if _is_there(store, subject)}
    tally.subtract(_keys_there(store, few))
    tallied(store, retyped, tally, change, few)
    tally.update(_keys_there(store, few))
    for subject in subjects:
        tally["subjects",] += _is_there(store, subject) - (subject in known)


def _keys_there(store: ox.Store, triples: Iterable[ox.Triple]) -> Iterator[tuple[str, ...]]:
    """What those of some statements count for that are there."""
    classes = _Classes(store)
    for triple in triples:
        if _in(triple, merged.MERGED) in store:
            yield from _keys(triple, classes.of(triple.subject), classes)


def _is_there(store: ox.Store, subject: Subject) -> bool:
    return any(True for _ in store.quads_for_pattern(subject, None, None, merged.MERGED))


def _in(triple: ox.Triple, graph: ox.NamedNode | ox.DefaultGraph) -> ox.Quad:
    return ox.Quad(triple.subject, triple.predicate, triple.object, graph)


def tallied(
    store: ox.Store,
    subjects: set[Subject],
    tally: Tally,
    change: Callable[[], object],
    apart: Collection[ox.Triple] = (),
) -> None:
    """Make a change that touches some subjects only, and keep the counts.

    Args:
        store: is changed.
        subjects: they.
        tally: the counts.
        change: makes the change.
        apart: statements about other subjects that it touches too, and that are counted apart.
    """
    before = {subject: statements(store, subject) for subject in subjects}
    change()
    recounted(store, before, tally, apart)
