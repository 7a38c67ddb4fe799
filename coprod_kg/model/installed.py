"""File paths of the installed model, its background triples and its digest."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.files import files

__all__ = ["Model"]


@dataclass(frozen=True)
class Model:
    """Where the parts of the model lie.

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
    def installed(cls) -> "Model":
        """The model of this installation."""
        ontology, shapes = files("ontology"), files("shapes")
        return cls(
            ontology=(ontology / "coprod.ttl", *sorted((ontology / "vocab").glob("*.ttl"))),
            shapes=(ontology / "prefixes.ttl", *sorted((shapes / "submission").glob("*.ttl"))),
            rules=tuple(sorted((files("queries") / "rules").glob("*.ru"))),
            stages=tuple(sorted((shapes / "stages").glob("*.ttl"))),
        )

    @cached_property
    def background(self) -> list[ox.Triple]:
        """The statements of the ontology and its schemes.

        Raises:
            ModelError: a file is not Turtle.
        """
        return [triple for path in self.ontology for triple in _triples(path)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all its files: conclusions made with another model are out of date."""
        digest = sha256()
        for path in (*self.ontology, *self.shapes, *self.rules, *self.stages):
            digest.update(sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def _triples(path: Path) -> list[ox.Triple]:
    try:
        parsed = ox.parse(path=path, format=ox.RdfFormat.TURTLE, rename_blank_nodes=True)
        return [quad.triple for quad in parsed]
    except (OSError, SyntaxError, ValueError) as error:
        raise ModelError(f"it cannot be read as Turtle: {error}", where=str(path)) from error
