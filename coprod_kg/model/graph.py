"""Index of triples in memory: by property, then by subject or object.

Neither rdflib nor a store, so that a web process can hold it. A property is indexed when it is
first asked for: most readers ask for a few of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, Self

import pyoxigraph as ox

from coprod_kg.model.namespaces import named

__all__ = ["RDF_TYPE", "Graph", "Node", "text_of"]

Node = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
"""A subject or an object."""
RDF_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_FIRST, _REST, _NIL = (ox.NamedNode(_RDF + name) for name in ("first", "rest", "nil"))
_SUBCLASS: Final = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#subClassOf")
_NONE: Final[Sequence[Any]] = ()
_Index = dict[Any, tuple[Any, ...]]
"""Node → the other ends of its triples with one property, each once."""


class Graph:
    """A set of triples in the order of their source, on top of another one or alone.

    Most look-ups see both layers; those of "this layer" see only this one, so that a loop over an
    organisation's data does not run over the model as well.

    Properties are given as nodes or, where speed is no matter, by short names (``skos:broader``).

    Args:
        triples: the triples.
        below: triples that hold as well: those of the model, below those of one organisation.
    """

    def __init__(self, triples: Iterable[ox.Triple] = (), below: Self | None = None) -> None:
        self._below = below
        self._pairs: dict[ox.NamedNode, list[tuple[Any, Any]]] = {}
        self._indexes: tuple[dict[ox.NamedNode, _Index], ...] = ({}, {})
        """By objects (0) and by subjects (1): property → the index of this layer."""
        self._all_indexes: tuple[dict[ox.NamedNode | str, Sequence[_Index]], ...] = ({}, {})
        """The same for all layers that have the property, this one first."""
        self._subclasses: dict[Any, frozenset[Any]] = {}
        for subject, predicate, value in triples:
            self._pairs.setdefault(predicate, []).append((subject, value))

    def objects(self, subject: Any, predicate: ox.NamedNode | str) -> Sequence[Any]:
        """The values of a property of the subject, each once."""
        return self._ends(0, subject, predicate)

    def subjects(self, predicate: ox.NamedNode | str, value: Any) -> Sequence[Any]:
        """The subjects that have this value for the property, each once."""
        return self._ends(1, value, predicate)

    def pairs(self, predicate: ox.NamedNode | str) -> Sequence[tuple[Any, Any]]:
        """Subject and value of every triple of this layer with the property."""
        return self._pairs.get(_node(predicate), _NONE)

    def own_subjects(self, predicate: ox.NamedNode | str, value: Any) -> Iterable[Any]:
        """The subjects that have this value for the property in this layer."""
        return self._index(1, _node(predicate)).get(value, _NONE)

    def triples(self) -> Iterator[ox.Triple]:
        """Every triple of this layer, property by property."""
        for predicate, pairs in self._pairs.items():
            for subject, value in pairs:
                yield ox.Triple(subject, predicate, value)

    def predicates(self) -> Iterable[ox.NamedNode]:
        """Every property of this layer."""
        return self._pairs.keys()

    def properties(self, subject: Any) -> Iterator[ox.NamedNode]:
        """The properties that a subject has in this layer."""
        return (name for name in self._pairs if subject in self._index(0, name))

    def value(self, subject: Any, predicate: ox.NamedNode | str) -> Any:
        """The first value of a property of the subject, or None."""
        return next(iter(self.objects(subject, predicate)), None)

    def texts(self, subject: Any, predicate: ox.NamedNode | str) -> dict[str, str]:
        """Language → text, the first of each; the language of a plain text is empty."""
        texts_by_language: dict[str, str] = {}
        for value in self.objects(subject, predicate):
            if isinstance(value, ox.Literal):
                texts_by_language.setdefault(value.language or "", value.value)
        return texts_by_language

    def text(self, subject: Any, predicate: ox.NamedNode | str, language: str = "en") -> str:
        """The text in a language, else one without a language, else an empty one."""
        texts = self.texts(subject, predicate)
        return texts.get(language) or texts.get("") or ""

    def all_texts(
        self, subject: Any, predicate: ox.NamedNode | str, language: str = "en"
    ) -> tuple[str, ...]:
        """Every text in a language or in none."""
        return tuple(
            value.value
            for value in self.objects(subject, predicate)
            if isinstance(value, ox.Literal) and value.language in (language, None)
        )

    def instances(self, *names: str) -> tuple[ox.NamedNode, ...]:
        """Everything with a name that is stated to be of one of these classes, each once."""
        nodes = (node for name in names for node in self.subjects(RDF_TYPE, named(name)))
        return tuple(dict.fromkeys(node for node in nodes if isinstance(node, ox.NamedNode)))

    def is_a(self, subject: Any, name: str) -> bool:
        """Whether a subject is stated to be of a class."""
        return named(name) in self.objects(subject, RDF_TYPE)

    def members(self, head: Any) -> Iterator[Any]:
        """The members of an RDF list."""
        while (first := self.value(head, _FIRST)) is not None:
            yield first
            head = self.value(head, _REST)

    def is_list(self, node: Any) -> bool:
        """Whether an RDF list starts here."""
        return node == _NIL or self.value(node, _FIRST) is not None

    def subclasses(self, of: Any) -> frozenset[Any]:
        """The class and every class below it."""
        if self._below is not None and _SUBCLASS not in self._pairs:
            return self._below.subclasses(of)
        if of not in self._subclasses:
            classes, unvisited = {of}, [of]
            while unvisited:
                for narrower in self.subjects(_SUBCLASS, unvisited.pop()):
                    if narrower not in classes:
                        classes.add(narrower)
                        unvisited.append(narrower)
            self._subclasses[of] = frozenset(classes)
        return self._subclasses[of]

    def layers(self) -> Iterator["Graph"]:
        """This layer, then those below it."""
        yield self
        if self._below is not None:
            yield from self._below.layers()

    def _ends(self, direction: int, node: Any, predicate: ox.NamedNode | str) -> Sequence[Any]:
        """The other ends of a node's triples: its objects (direction 0) or its subjects (1)."""
        indexes = self._all_indexes[direction].get(predicate)
        if indexes is None:
            indexes = self._indexes_of(direction, predicate)
        if len(indexes) == 1:
            return indexes[0].get(node, _NONE)
        found = [ends for index in indexes if (ends := index.get(node))]
        if len(found) > 1:
            return tuple(dict.fromkeys(chain.from_iterable(found)))
        return found[0] if found else _NONE

    def _indexes_of(self, direction: int, predicate: ox.NamedNode | str) -> Sequence[_Index]:
        """The indexes of a property in one direction in all layers that have it."""
        name = _node(predicate)
        layers = (layer for layer in self.layers() if name in layer._pairs)
        indexes = tuple(layer._index(direction, name) for layer in layers)
        return self._all_indexes[direction].setdefault(predicate, indexes)

    def _index(self, direction: int, predicate: ox.NamedNode) -> _Index:
        """The index of a property in this layer: subject → objects (0), or the other way (1)."""
        index = self._indexes[direction].get(predicate)
        if index is None:
            ends: dict[Any, dict[Any, None]] = {}  # dicts without values keep the order
            for pair in self._pairs.get(predicate, _NONE):
                ends.setdefault(pair[direction], {})[pair[1 - direction]] = None
            index = {node: tuple(others) for node, others in ends.items()}
            self._indexes[direction][predicate] = index
        return index


def text_of(node: Any) -> str:
    """The IRI or the lexical form; nothing for None and for a node without a name."""
    return node.value if isinstance(node, ox.NamedNode | ox.Literal) else ""


def _node(predicate: ox.NamedNode | str) -> ox.NamedNode:
    return named(predicate) if isinstance(predicate, str) else predicate
