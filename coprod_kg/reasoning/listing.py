"""Index of an ontology's triples by property and by class."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyoxigraph as ox

from coprod_kg.model.namespaces import expand

__all__ = ["Listing"]


class Listing:
    """Triples, indexed by property and by class.

    Args:
        triples: the statements.
    """

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        self.triples = tuple(triples)
        self._pairs: dict[str, list[tuple[Any, Any]]] = {}
        self._values: dict[tuple[Any, str], list[Any]] = {}
        for subject, predicate, obj in self.triples:
            self._pairs.setdefault(predicate.value, []).append((subject, obj))
            self._values.setdefault((subject, predicate.value), []).append(obj)

    def pairs(self, name: str) -> list[tuple[Any, Any]]:
        """Subject and object of every statement with the property."""
        return self._pairs.get(expand(name), [])

    def instances(self, name: str) -> list[Any]:
        """The nodes stated to be of the class."""
        wanted = ox.NamedNode(expand(name))
        return [subject for subject, kind in self.pairs("rdf:type") if kind == wanted]

    def values(self, node: Any, name: str) -> list[Any]:
        """The values of a property of the node."""
        return self._values.get((node, expand(name)), [])

    def value(self, node: Any, name: str) -> Any:
        """One value of a property of the node, or None."""
        return next(iter(self.values(node, name)), None)

    def members(self, head: Any) -> Iterator[Any]:
        """The members of an RDF list."""
        while (first := self.value(head, "rdf:first")) is not None:
            yield first
            head = self.value(head, "rdf:rest")
