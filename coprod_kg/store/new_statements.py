"""The statements that a commit makes about new subjects, read from its lines, not from the store.

To have the statements back from the engine takes three times as long as to read their lines here.
A commit may be large, so its statements are not held: its lines are read once for the subjects and
their classes, and once more to be counted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.graph_writes import subjects_of
from coprod_kg.store.statement_forms import (
    MOST_KNOWN,
    TYPE,
    Classes,
    Form,
    Forms,
    Statements,
    Subject,
    linked,
)

__all__ = ["NOTHING_NEW", "NewSubjects", "new_subjects"]

_LINE: Final = re.compile(
    rb"""
    ^(<[^>\\\n]*+>)[ ]<([^>\\\n]*+)>[ ]
    (?: (<[^>\\\n]*+>)
      | "(?:[^"\\\n]++|\\["\\nr])*+" (?: @([a-z0-9-]++) | \^\^<([^>\\\n]*+)> )?+
    )[ ]\.\n""",
    re.VERBOSE | re.MULTILINE,
)
"""A statement in the one spelling that it has: subject, property, then a thing, or a literal with
its language or its datatype. Left out are blank nodes, which get other labels in the engine, and
escapes for what can be written without them."""

_TYPE: Final = TYPE.value.encode()
_STRING: Final = b"http://www.w3.org/2001/XMLSchema#string"
_LANGUAGE_STRING: Final = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
_DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class NewSubjects:
    """Subjects about which the store had no statement before a change.

    Attributes:
        classes: all classes of each.
        unreferenced: those that no statement referred to either.
        lines: what the change writes, as N-Triples.
    """

    classes: Mapping[Subject, tuple[str, ...]] = field(default_factory=dict)
    unreferenced: frozenset[Subject] = frozenset()
    lines: Sequence[bytes] = ()

    def count(self, forms: Forms, classes: Classes) -> None:
        """Add all statements about them to some counts; one that several graphs hold counts once.

        Args:
            forms: the counts.
            classes: those of all things after the change.
        """
        owns = {str(subject).encode(): own for subject, own in self.classes.items()}
        counter, seen = _FormCounter(classes), set[bytes]()
        for lines in self.lines if owns else ():
            for match in _LINE.finditer(lines):
                own = owns.get(match[1])
                if own is None:
                    continue
                digest = blake2b(match[0], digest_size=_DIGEST_BYTES).digest()
                if digest not in seen:
                    seen.add(digest)
                    counter.add(own, match)
        for form, count in counter.forms():
            forms.add(form, count)
        forms.subjects += len(owns)


_End = tuple[str | None, tuple[str, ...], str, str]
"""What the object of a statement adds to its form."""


class _FormCounter:
    """Counts the forms of lines: the few that differ are made once, at the end.

    Args:
        classes: those of all things.
    """

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._owns: dict[tuple[str, ...], int] = {}
        self._ends: dict[_End, int] = {}
        self._known: dict[bytes, int] = {}
        """Thing, class or datatype → the number of what it adds to a form."""
        self._counts: dict[tuple[int, bytes, int], int] = {}

    def add(self, own: tuple[str, ...], line: re.Match[bytes]) -> None:
        """Count a statement whose subject has some classes."""
        _, path, thing, language, datatype = line.groups()
        if thing is None:
            name = _LANGUAGE_STRING if language else datatype or _STRING
        else:
            name = _TYPE + thing if path == _TYPE else thing
        end = self._known.get(name)
        if end is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            told = self._end(thing, path == _TYPE) if thing else (name.decode(), (), "", "")
            end = self._known[name] = self._ends.setdefault(told, len(self._ends))
        key = self._owns.setdefault(own, len(self._owns)), path, end
        self._counts[key] = self._counts.get(key, 0) + 1

    def _end(self, thing: bytes, is_class: bool) -> _End:
        iri = thing[1:-1].decode()
        return None, self._classes.of(ox.NamedNode(iri)), iri if is_class else "", linked(iri)

    def forms(self) -> Iterator[tuple[Form, int]]:
        """Each form, and how many statements have it."""
        owns, ends = [*self._owns], [*self._ends]
        for (own, path, end), count in self._counts.items():
            yield (owns[own], path.decode(), *ends[end]), count


NOTHING_NEW: Final = NewSubjects()


def new_subjects(
    store: ox.Store, lines: Sequence[bytes], before: Mapping[Subject, Statements]
) -> NewSubjects:
    """The subjects that a change adds, told before it is made.

    Args:
        store: as it is before the change.
        lines: what the change adds, as N-Triples.
        before: the statements about each subject that it touches.
    """
    classes_by_name = _classes(lines)
    classes = {
        subject: tuple(classes_by_name[name])
        for subject, statements in before.items()
        if not statements and (name := str(subject).encode()) in classes_by_name
    }
    referred_to = {
        subject
        for subject in classes
        if any(True for _ in store.quads_for_pattern(None, None, subject, merged.MERGED))
    }
    return NewSubjects(classes, frozenset(classes.keys() - referred_to), lines)


def _classes(texts: Iterable[bytes]) -> dict[bytes, list[str]]:
    """The classes of each subject of some lines.

    A subject is left out where the engine may have other statements about it than the lines say:
    blank nodes get other labels there, and of two numbers or dates written differently it may make
    one.
    """
    found: dict[bytes, list[str]] = {}
    literals: dict[tuple[bytes, bytes, bytes], bytes] = {}
    left_out = set[bytes]()
    for lines in texts:
        end = 0
        for match in _LINE.finditer(lines):
            if match.start() != end:
                left_out |= _names(lines[end : match.start()])
            end = match.end()
            subject, path, thing, _, datatype = match.groups()
            classes = found.setdefault(subject, [])
            if datatype is not None:
                literal = literals.setdefault((subject, path, datatype), match[0])
                # an explicit xsd:string is a plain literal in the engine
                if literal != match[0] or datatype == _STRING:
                    left_out.add(subject)
            elif path == _TYPE and thing is not None:
                kind = thing[1:-1].decode()
                if kind not in classes:
                    classes.append(kind)
        left_out |= _names(lines[end:])
    return {subject: classes for subject, classes in found.items() if subject not in left_out}


def _names(lines: bytes) -> set[bytes]:
    return {str(subject).encode() for subject in subjects_of(lines)}
