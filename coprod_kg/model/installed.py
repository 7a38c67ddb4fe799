"""The model of an installation: files, graphs, shapes, others' datasets, each read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

import pyoxigraph as ox

from coprod_kg.model.advice import ShapeWords, shape_words
from coprod_kg.model.files import files, read
from coprod_kg.model.graph import Graph
from coprod_kg.model.schemes import Concept, concepts_of, schemes_of

__all__ = [
    "Model",
    "linked_datasets",
    "linked_spaces",
]


_SPACE = "http://rdfs.org/ns/void#uriSpace"


@dataclass(frozen=True)
class Model:
    """The ontology, schemes, shapes, rules and profiles.

    A file that is not Turtle is a `ModelError` of whichever graph is asked for first.

    Attributes:
        ontology: files of the ontology and its schemes.
        shapes: files of the submission shapes.
        rules: files of the rules.
        stages: files of the profiles of the stages.
    """

    ontology: tuple[Path, ...]
    shapes: tuple[Path, ...]
    rules: tuple[Path, ...]
    stages: tuple[Path, ...] = ()

    @classmethod
    @cache
    def installed(cls) -> "Model":
        """The model of this installation."""
        ontology, shapes = files("ontology"), files("shapes")
        return cls(
            ontology=(ontology / "coprod.ttl", *sorted((ontology / "vocab").glob("*.ttl"))),
            shapes=(
                ontology / "prefixes.ttl",
                shapes / "checks.ttl",
                *sorted((shapes / "submission").glob("*.ttl")),
            ),
            rules=tuple(sorted((files("queries") / "rules").glob("*.ru"))),
            stages=tuple(sorted((shapes / "stages").glob("*.ttl"))),
        )

    @cached_property
    def background(self) -> list[ox.Triple]:
        """The triples of the ontology and its schemes, in the order of their files."""
        return read(*self.ontology)

    @cached_property
    def graph(self) -> Graph:
        """The ontology and its schemes."""
        return Graph(self.background)

    @cached_property
    def concepts(self) -> Mapping[str, Concept]:
        """IRI → concept, of every scheme."""
        return concepts_of(schemes_of(self.graph))

    @cached_property
    def submission(self) -> Graph:
        """The submission shapes."""
        return Graph(read(*self.shapes))

    @cached_property
    def words(self) -> Mapping[str, ShapeWords]:
        """Shape IRI → what a submission shape says to people."""
        return shape_words(self.submission)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all its files: conclusions made with another model are out of date."""
        digest = sha256()
        for path in (*self.ontology, *self.shapes, *self.rules, *self.stages):
            digest.update(sha256(path.read_bytes()).digest())
        return digest.hexdigest()


@cache
def linked_datasets() -> tuple[ox.Triple, ...]:
    """The triples of ``ontology/linked.ttl``, about datasets of others that the model links to."""
    return tuple(read(files("ontology") / "linked.ttl"))


@cache
def linked_spaces() -> Mapping[str, str]:
    """Beginning of the IRIs of a linked dataset (``void:uriSpace``) → the dataset."""
    return MappingProxyType(
        {
            triple.object.value: triple.subject.value
            for triple in linked_datasets()
            if triple.predicate.value == _SPACE
            and isinstance(triple.subject, ox.NamedNode)
            and isinstance(triple.object, ox.Literal)
        }
    )
