"""SKOS concept schemes of the model, read once from its Turtle files."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pyoxigraph import Literal, NamedNode, Quad, parse

from coprod_kg.errors import ModelError
from coprod_kg.model.files import files

__all__ = ["Concept", "Scheme", "schemes"]

_SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
_RDF_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept of a scheme.

    Attributes:
        iri: its name.
        slug: its notation, or the last part of its IRI where it has none.
        labels: language → preferred label.
    """

    iri: str
    slug: str
    labels: Mapping[str, str]

    def label(self, language: str = "en") -> str:
        """The label in a language, else in English, else the slug."""
        return self.labels.get(language) or self.labels.get("en") or self.slug


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
        """The concept a person names by slug, by prefix and slug, or by IRI."""
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
    quads = [quad for path in sorted(folder.glob("*.ttl")) for quad in _read(path)]
    names = {
        quad.subject.value
        for quad in quads
        if quad.predicate.value == _RDF_TYPE
        and quad.object == NamedNode(_SKOS + "ConceptScheme")
        and isinstance(quad.subject, NamedNode)
    }
    read = (_scheme(iri, quads) for iri in sorted(names))
    return MappingProxyType({scheme.name: scheme for scheme in read})


def _read(path: Path) -> list[Quad]:
    try:
        return list(parse(path=str(path)))
    except SyntaxError as error:
        raise ModelError(
            f"this is not Turtle: {error.msg}", where=f"{path}:{error.lineno}"
        ) from None


def _scheme(iri: str, quads: list[Quad]) -> Scheme:
    members = {
        quad.subject.value
        for quad in quads
        if quad.predicate.value in (_SKOS + "inScheme", _SKOS + "topConceptOf")
        and quad.object == NamedNode(iri)
        and isinstance(quad.subject, NamedNode)
    }
    slugs = {member: _last(member) for member in members}
    labels: dict[str, dict[str, str]] = {member: {} for member in members}
    for quad in quads:
        subject = quad.subject.value if isinstance(quad.subject, NamedNode) else ""
        if subject not in members or not isinstance(quad.object, Literal):
            continue
        if quad.predicate.value == _SKOS + "notation":
            slugs[subject] = quad.object.value
        elif quad.predicate.value == _SKOS + "prefLabel":
            labels[subject][quad.object.language or ""] = quad.object.value
    ordered = sorted(members, key=lambda member: slugs[member])
    concepts = {
        slugs[member]: Concept(member, slugs[member], MappingProxyType(labels[member]))
        for member in ordered
    }
    return Scheme(_last(iri), iri, MappingProxyType(concepts))


def _last(iri: str) -> str:
    return iri.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1]
