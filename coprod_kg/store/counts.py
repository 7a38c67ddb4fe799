"""Counts of what a store says, kept by what each change touches.

Every number is a sum over subjects, so a commit counts anew the subjects of which it made
something else be said. Only the classes of what a statement leads to are told by another subject:
where those change, the statements that lead there are looked up.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.new_statements import NOTHING_NEW, NewSubjects, new_subjects
from coprod_kg.store.statement_forms import (
    TYPE,
    Classes,
    Forms,
    Statements,
    Subject,
    Tally,
    classes_in,
    form,
    keys,
)

__all__ = ["change_and_count", "count_store", "replace_triples", "statements", "update_counts"]


def statements(store: ox.Store, subject: Subject) -> Statements:
    """What the merge of all graphs says of a subject."""
    return tuple(store.quads_for_pattern(subject, None, None, merged.MERGED))


def count_store(store: ox.Store) -> Tally:
    """The statistics of a whole store, counted anew."""
    forms = Forms(Classes(store))
    # The engine keeps the default graph in the order of its subjects.
    quads = store.quads_for_pattern(None, None, None, merged.MERGED)
    for _, alike in groupby(quads, key=lambda quad: quad.subject):
        forms.add_subject(list(alike))
    return forms.tally()


def update_counts(
    store: ox.Store,
    before: Mapping[Subject, Statements],
    tally: Tally | None,
    apart: Collection[ox.Triple] = (),
    new: NewSubjects = NOTHING_NEW,
) -> dict[Subject, str]:
    """Bring the counts up to date after a change.

    Args:
        store: as it is now.
        before: the subjects that the change touched → what was said of each.
        tally: the counts, where they are kept.
        apart: statements about other subjects that it touched too, and that are counted apart.
        new: the subjects that the change added, as far as they are known.

    Returns:
        The subjects of which something else is said now → ``created``, ``updated`` or ``removed``.
    """
    then = Classes(store, {subject: classes_in(said) for subject, said in before.items()})
    now = Classes(store, new.classes)
    had, has = Forms(then), Forms(now)
    found: dict[Subject, str] = {}
    for subject, said in before.items():
        if subject in new.classes:
            found[subject] = "created"
            continue
        says = statements(store, subject)
        if says == said:
            continue
        found[subject] = "updated" if said and says else "created" if says else "removed"
        if tally is not None:
            had.add_subject(said)
            has.add_subject(says)
    if tally is not None:
        new.count(has, now)
        tally.subtract(had.tally())
        tally.update(has.tally())
        # What leads to the others now is said of subjects that changed too.
        led = {subject: None for subject in found if subject not in new.unreferenced}
        _recount_links_to(store, (then, now), led, found, tally, apart)
    return found


def _recount_links_to(
    store: ox.Store,
    classes: tuple[Classes, Classes],
    led: Iterable[Subject],
    changed: Collection[Subject],
    tally: Tally,
    apart: Collection[ox.Triple],
) -> None:
    """Count anew what leads from other subjects to some that changed, where that is due."""
    then, now = classes
    for subject in led:
        had, has = set(then.of(subject)), set(now.of(subject))
        leading = store.quads_for_pattern(None, None, subject, merged.MERGED) if had != has else ()
        for quad in leading:
            if quad.subject in changed or (apart and quad.triple in apart):
                continue
            for own in now.of(quad.subject):
                start = "leads", own, quad.predicate.value
                tally.subtract((*start, end) for end in had - has)
                tally.update((*start, end) for end in has - had)


def replace_triples(
    store: ox.Store,
    graph: ox.NamedNode,
    gone: Iterable[ox.Triple],
    added: Iterable[ox.Triple],
    tally: Tally | None = None,
) -> None:
    """Remove triples from a graph, add others, and keep the counts.

    A subject is counted anew as a whole only where it is new or its classes change. Of any other
    only the triples that change are: the catalogue may have a million. A literal that takes the
    place of one with the same property and datatype changes no count: most of a small commit is
    such numbers.
    """
    gone, added = list(gone), list(added)
    replaced = set() if tally is None else _replaced(store, graph, gone, added)

    def change() -> None:
        for triple in gone:
            if triple in replaced:  # it has been looked for in the other graphs
                for place in (merged.MERGED, graph):
                    store.remove(merged.in_graph(triple, place))
            else:
                merged.remove_quad(store, merged.in_graph(triple, graph))
        merged.add_triples(store, graph, added)

    if tally is None:
        change()
        return
    triples = {*gone, *added} - replaced
    subjects = {triple.subject for triple in triples}
    there = {subject for subject in subjects if _is_there(store, subject)}
    whole = {triple.subject for triple in triples if triple.predicate == TYPE}
    whole |= subjects - there  # of these all is among what is added
    few = {triple for triple in triples if triple.subject not in whole}
    tally.subtract(_keys_there(store, few))
    new = [triple for triple in added if triple.subject in whole]
    lines = ox.serialize(new, format=ox.RdfFormat.N_TRIPLES) or b""
    change_and_count(store, whole, tally, change, few, lines)
    tally.update(_keys_there(store, few))
    for subject in subjects - whole:
        tally["subjects",] -= not _is_there(store, subject)


def _replaced(
    store: ox.Store, graph: ox.NamedNode, gone: Iterable[ox.Triple], added: Iterable[ox.Triple]
) -> set[ox.Triple]:
    """The literals that go and those that take their places, where the merge changes likewise.

    That is where no other graph holds the one, and none the other already.
    """
    places: dict[tuple[Subject, str, str], tuple[list[ox.Triple], list[ox.Triple]]] = {}
    for side, triples in enumerate((gone, added)):
        for triple in triples:
            if isinstance(triple.object, ox.Literal):
                key = triple.subject, triple.predicate.value, triple.object.datatype.value
                places.setdefault(key, ([], []))[side].append(triple)
    return {
        triple
        for before, after in places.values()
        if len(before) == len(after) == 1
        and merged.in_graph(after[0], merged.MERGED) not in store
        and merged.in_graph(before[0], graph) in store
        and not merged.is_elsewhere(store, before[0], graph)
        for triple in (*before, *after)
    }


def _keys_there(store: ox.Store, triples: Iterable[ox.Triple]) -> Iterator[tuple[str, ...]]:
    """What those of some statements count for that are there."""
    classes = Classes(store)
    for triple in triples:
        if merged.in_graph(triple, merged.MERGED) in store:
            own = classes.of(triple.subject)
            yield from keys(form(triple.predicate.value, triple.object, own, classes))


def _is_there(store: ox.Store, subject: Subject) -> bool:
    return any(True for _ in store.quads_for_pattern(subject, None, None, merged.MERGED))


def change_and_count(
    store: ox.Store,
    subjects: set[Subject],
    tally: Tally,
    change: Callable[[], object],
    apart: Collection[ox.Triple] = (),
    added: bytes = b"",
) -> None:
    """Make a change that touches some subjects only, and keep the counts.

    Args:
        store: is changed.
        subjects: they.
        tally: the counts.
        change: makes the change.
        apart: statements about other subjects that it touches too, and that are counted apart.
        added: what it adds, as N-Triples, as far as that is known.
    """
    before = {subject: statements(store, subject) for subject in subjects}
    new = new_subjects(store, [added], before)
    change()
    update_counts(store, before, tally, apart, new)
