"""Forms of statements: what of a statement decides for which counts it counts.

Statements of one form are counted together, and only their number is added to each count that they
are part of: the 117,000 of the example data have 3,000.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Final, TypeAlias

import pyoxigraph as ox

from coprod_kg.model.installed import linked_spaces
from coprod_kg.store import merged

__all__ = [
    "MOST_KNOWN",
    "TYPE",
    "Classes",
    "Form",
    "Forms",
    "Statements",
    "Subject",
    "Tally",
    "classes_in",
    "form",
    "keys",
    "linked",
]

Tally: TypeAlias = Counter[tuple[str, ...]]
"""Counts of triples and entities: () all triples, ("subjects",), ("class", C), ("property", P),
("class", C, P), ("class", C, P, DATATYPE), ("leads", C, P, the class of what it leads to),
("link", P, a dataset of others)."""

Subject: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Triple
Statements: TypeAlias = tuple[ox.Quad, ...]
"""All that is said of a subject, in the order of the engine."""

Form: TypeAlias = tuple[tuple[str, ...], str, str | None, tuple[str, ...], str, str]
"""What of a statement decides for which counts it counts: the classes of its subject, its property,
the datatype of a literal; the classes of a thing, its IRI if it is the class of the subject, the
dataset of others that it belongs to."""

TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_TYPE_IRI: Final = TYPE.value
MOST_KNOWN: Final = 100_000
"""Things whose classes are remembered."""


class Classes:
    """The classes of things, each looked up once: right for as long as none changes."""

    def __init__(
        self, store: ox.Store, told: Mapping[Subject, tuple[str, ...]] | None = None
    ) -> None:
        """Those of now, or of before a change.

        Args:
            store: where they are looked up.
            told: the classes of things that are not looked up: of those touched since, or of some
                now.
        """
        self._store = store
        self._told = told or {}
        self._known: dict[object, tuple[str, ...]] = {}

    def of(self, thing: object) -> tuple[str, ...]:
        """The classes of a thing; a literal has none."""
        if not isinstance(thing, ox.NamedNode | ox.BlankNode):
            return ()
        told = self._told.get(thing)
        if told is not None:
            return told
        found = self._known.get(thing)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            quads = self._store.quads_for_pattern(thing, TYPE, None, merged.MERGED)
            found = self._known[thing] = classes_in(quads)
        return found


class Forms:
    """How many statements there are of each form.

    Attributes:
        subjects: how many subjects there are.
    """

    def __init__(self, classes: Classes) -> None:
        """None yet.

        Args:
            classes: those of all things.
        """
        self.subjects = 0
        self._classes = classes
        self._counts: dict[Form, int] = {}

    def add_subject(self, quads: Collection[ox.Quad] | Collection[ox.Triple]) -> None:
        """Count all statements about one subject."""
        rows = [(quad.predicate.value, quad.object) for quad in quads]
        own = tuple(
            value.value
            for path, value in rows
            if path == _TYPE_IRI and isinstance(value, ox.NamedNode)
        )
        for path, value in rows:
            self.add(form(path, value, own, self._classes))
        self.subjects += bool(rows)

    def add(self, found: Form, count: int = 1) -> None:
        """Count statements of one form, but not their subjects."""
        self._counts[found] = self._counts.get(found, 0) + count

    def tally(self) -> Tally:
        """The counts that they are part of."""
        found = Tally({("subjects",): self.subjects})
        for counted, count in self._counts.items():
            for key in keys(counted):
                found[key] += count
        return found


def classes_in(quads: Iterable[ox.Quad | ox.Triple]) -> tuple[str, ...]:
    """The classes that some statements give their subject."""
    return tuple(
        quad.object.value
        for quad in quads
        if quad.predicate == TYPE and isinstance(quad.object, ox.NamedNode)
    )


def form(path: str, value: object, own: tuple[str, ...], classes: Classes) -> Form:
    """The form of a statement, by its property, what it leads to, and its subject's classes."""
    if isinstance(value, ox.Literal):
        return own, path, value.datatype.value, (), "", ""
    ends = classes.of(value) if own else ()
    if not isinstance(value, ox.NamedNode):
        return own, path, None, ends, "", ""
    iri = value.value
    return own, path, None, ends, iri if path == _TYPE_IRI else "", linked(iri)


def keys(counted: Form) -> list[tuple[str, ...]]:
    """What a statement of a form counts for, beside its subject; each key once for each time."""
    own, path, datatype, ends, kind, linked = counted
    found: list[tuple[str, ...]] = [(), ("property", path)]
    found += [("class", name, path) for name in own]
    if datatype is not None:
        return found + [("class", name, path, datatype) for name in own]
    found += [("leads", name, path, end) for end in ends for name in own]
    found += [("class", kind)] if kind else []
    return found + ([("link", path, linked)] if linked else [])


@cache
def _spaces() -> tuple[str, ...]:
    return tuple(linked_spaces())


def linked(iri: str) -> str:
    """The dataset of others that a name belongs to, if to any."""
    if not iri.startswith(_spaces()):
        return ""
    return next(whose for space, whose in linked_spaces().items() if iri.startswith(space))
