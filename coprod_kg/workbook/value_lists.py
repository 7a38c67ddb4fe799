"""The concepts that a property's values may be, from the schemes."""

from collections.abc import Mapping
from typing import Any

from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.model.schemes import Concept
from coprod_kg.workbook.concepts import Choices, plain
from coprod_kg.workbook.properties import Property

__all__ = ["ValueLists"]


class ValueLists:
    """The lists that columns choose from, each made once.

    Args:
        ontology: the ontology and its schemes.
        concepts: IRI → concept.
    """

    def __init__(self, ontology: Graph, concepts: Mapping[str, Concept]) -> None:
        self._ontology, self._concepts = ontology, concepts
        self._known: dict[Any, Choices] = {}

    def of(self, prop: Property) -> Choices | None:
        """The list of a property, or None where its values are no concepts."""
        schemes = [prop.scheme] if prop.scheme is not None else []
        for node in (*prop.classes, *schemes):
            if node not in self._known:
                predicate = RDF_TYPE if node in prop.classes else "skos:inScheme"
                self._known[node] = self._made(self._ontology.subjects(predicate, node))
            if self._known[node].members:
                return self._known[node]
        return None

    def _made(self, nodes: Any) -> Choices:
        members = [node for node in nodes if getattr(node, "value", "") in self._concepts]
        if not members:
            return Choices("", "", ())
        scheme = self._ontology.value(members[0], "skos:inScheme")
        last = scheme.value.rstrip("/#").rsplit("/", 1)[-1]
        title = self._ontology.text(scheme, "skos:prefLabel") or last.replace("-", " ").capitalize()
        ordered = sorted(
            (self._concepts[node.value] for node in members),
            key=lambda concept: (concept.rank, plain(concept.label()), concept.slug),
        )
        return Choices(last.replace("-", "_"), title, tuple(ordered))
