"""Statements of an ontology, looked up by property and by class; it gives them no meaning."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyoxigraph as ox

from coprod_kg.model.namespaces import expand

__all__ = ["Listing"]


class Listing:
    """Statements with what is asked of them.

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
        """What is said to be of the class."""
        wanted = ox.NamedNode(expand(name))
        return [subject for subject, kind in self.pairs("rdf:type") if kind == wanted]

    def values(self, node: Any, name: str) -> list[Any]:
        """What the property says of the node."""
        return self._values.get((node, expand(name)), [])

    def value(self, node: Any, name: str) -> Any:
        """One thing that the property says of the node, or None."""
        return next(iter(self.values(node, name)), None)

    def members(self, head: Any) -> Iterator[Any]:
        """What stands in an RDF list."""
        while (first := self.value(head, "rdf:first")) is not None:
            yield first
            head = self.value(head, "rdf:rest")
