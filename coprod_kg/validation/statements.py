"""Layered index of triples by subject and by object.

Two layers: a background that stays (ontology and schemes), and the data of one organisation over
it. Only terms and dictionaries: neither rdflib nor a store, so that a web process can hold it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Self

import pyoxigraph as ox

__all__ = ["RDF_TYPE", "Triples", "TwoWayIndex"]

RDF_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_FIRST, _REST, _NIL = (ox.NamedNode(_RDF + name) for name in ("first", "rest", "nil"))
_SUBCLASS: Final = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#subClassOf")
_NONE: Final[Sequence[Any]] = ()

Triples = tuple[ox.Triple, ...]
"""Some statements, in an order that means something."""


class TwoWayIndex:
    """A set of statements with both indexes.

    Args:
        triples: the statements.
        below: statements that hold as well.
    """

    def __init__(self, triples: Iterable[ox.Triple], below: Self | None = None) -> None:
        self._below = below
        self._objects: dict[tuple[Any, Any], dict[Any, None]] = {}
        self._subjects: dict[tuple[Any, Any], dict[Any, None]] = {}
        self._users: dict[Any, dict[Any, None]] = {}
        for subject, predicate, obj in triples:
            self._objects.setdefault((subject, predicate), {})[obj] = None
            self._subjects.setdefault((predicate, obj), {})[subject] = None
            self._users.setdefault(predicate, {})[subject] = None

    def objects(self, subject: Any, predicate: ox.NamedNode) -> Iterable[Any]:
        """The objects of a property of the subject, each once."""
        own = self._objects.get((subject, predicate), _NONE)
        if self._below is None or not (below := self._below.objects(subject, predicate)):
            return own
        return dict.fromkeys([*own, *below]) if own else below

    def subjects(self, predicate: ox.NamedNode, obj: Any) -> Iterable[Any]:
        """The subjects that have this value for the property, each once."""
        own = self._subjects.get((predicate, obj), _NONE)
        if self._below is None or not (below := self._below.subjects(predicate, obj)):
            return own
        return dict.fromkeys([*own, *below]) if own else below

    def value(self, subject: Any, predicate: ox.NamedNode) -> Any:
        """One object of a property of the subject, or None."""
        return next(iter(self.objects(subject, predicate)), None)

    def own_users(self, predicate: ox.NamedNode) -> Iterable[Any]:
        """The subjects of the property in this layer alone."""
        return self._users.get(predicate, _NONE)

    def own_subjects(self, predicate: ox.NamedNode, obj: Any) -> Iterable[Any]:
        """The subjects that have this value for the property in this layer alone."""
        return self._subjects.get((predicate, obj), _NONE)

    def members(self, head: Any) -> Iterator[Any]:
        """The members of an RDF list."""
        while head is not None and head != _NIL:
            yield self.value(head, _FIRST)
            head = self.value(head, _REST)

    def is_list(self, node: Any) -> bool:
        """Whether an RDF list starts here."""
        return node == _NIL or self.value(node, _FIRST) is not None

    def subclasses(self, of: Any) -> set[Any]:
        """The class and every class below it."""
        classes, ahead = {of}, [of]
        while ahead:
            for narrower in self.subjects(_SUBCLASS, ahead.pop()):
                if narrower not in classes:
                    classes.add(narrower)
                    ahead.append(narrower)
        return classes
