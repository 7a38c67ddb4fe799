"""SKOS concept schemes of the model, read once from its Turtle files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from pyoxigraph import NamedNode

from coprod_kg.model.files import files, read
from coprod_kg.model.graph import Graph
from coprod_kg.model.namespaces import last_part

__all__ = ["Concept", "Scheme", "concepts_of", "schemes", "schemes_of"]


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept of a scheme.

    Attributes:
        iri: its name.
        slug: its notation, or the last part of its IRI where it has none.
        labels: language → preferred label.
        names: its other names: alternative labels, other codes.

        definitions: language → what it means.
        rank: its place where the scheme has an order (``cp:order`` or ``cp:rank``), else 0.
    """

    iri: str
    slug: str
    labels: Mapping[str, str]
    names: tuple[str, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    rank: int = 0

    def label(self, language: str = "en") -> str:
        """The label in a language, else in English, else the slug."""
        return self.labels.get(language) or self.labels.get("en") or self.slug

    def definition(self, language: str = "en") -> str:
        """What it means, in a language, else in English, else an empty text."""
        return self.definitions.get(language) or self.definitions.get("en") or ""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A concept scheme.

    Attributes:
        name: the last part of its IRI, and the prefix of its concepts.
        iri: its name in the graph.
        concepts: slug → concept, by slug.
    """

    name: str
    iri: str
    concepts: Mapping[str, Concept]

    def find(self, text: str) -> Concept | None:
        """The concept a person names by slug, by prefix and slug, or by IRI, also in brackets."""
        slug = text.removeprefix(f"{self.name}:")
        if slug in self.concepts:
            return self.concepts[slug]
        iri = text[1:-1] if text.startswith("<") and text.endswith(">") else text
        return next((concept for concept in self.concepts.values() if concept.iri == iri), None)


@lru_cache(maxsize=8)
def schemes(folder: Path | None = None) -> Mapping[str, Scheme]:
    """Every scheme of the Turtle files of a folder, by name.

    Args:
        folder: where the files are; the model's own by default.

    Raises:
        ModelError: a file is not Turtle.
    """
    folder = folder or files("ontology") / "vocab"
    return schemes_of(Graph(read(*sorted(folder.glob("*.ttl")))))


def schemes_of(graph: Graph) -> Mapping[str, Scheme]:
    """Every scheme of a graph, by name."""
    nodes = sorted(graph.instances("skos:ConceptScheme"), key=lambda node: node.value)
    found_schemes = (_scheme(node, graph) for node in nodes)
    return MappingProxyType({scheme.name: scheme for scheme in found_schemes})


def concepts_of(schemes_by_name: Mapping[str, Scheme]) -> Mapping[str, Concept]:
    """IRI → concept, of some schemes."""
    return {
        concept.iri: concept
        for scheme in schemes_by_name.values()
        for concept in scheme.concepts.values()
    }


def _scheme(node: NamedNode, graph: Graph) -> Scheme:
    members = dict.fromkeys(
        member
        for name in ("skos:inScheme", "skos:topConceptOf")
        for member in graph.subjects(name, node)
        if isinstance(member, NamedNode)
    )
    concepts = sorted(
        (_concept(member, graph) for member in members), key=lambda concept: concept.slug
    )
    by_slug = MappingProxyType({concept.slug: concept for concept in concepts})
    return Scheme(last_part(node.value), node.value, by_slug)


def _concept(node: NamedNode, graph: Graph) -> Concept:
    slug = graph.text(node, "skos:notation") or last_part(node.value)
    names = (*graph.objects(node, "skos:altLabel"), *graph.objects(node, "dcterms:identifier"))
    rank = graph.value(node, "cp:order") or graph.value(node, "cp:rank")
    return Concept(
        node.value,
        slug,
        MappingProxyType(graph.texts(node, "skos:prefLabel")),
        tuple(name.value for name in names),
        MappingProxyType(graph.texts(node, "skos:definition")),
        int(rank.value) if rank is not None else 0,
    )
