"""Index of the triples in Turtle files, by subject and by object."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.namespaces import expand

__all__ = ["ModelStatements", "Node", "read", "text_of"]

Node = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
_FIRST: Final = "rdf:first"
_REST: Final = "rdf:rest"


@dataclass(frozen=True, slots=True)
class ModelStatements:
    """Triples by subject and by object, in the order of their files.

    Attributes:
        said: subject → predicate IRI → objects.
        back: object → predicate IRI → subjects.
    """

    said: Mapping[Node, Mapping[str, tuple[Node, ...]]]
    back: Mapping[Node, Mapping[str, tuple[Node, ...]]]

    def objects(self, subject: Node, name: str) -> tuple[Node, ...]:
        """The values of a property, given by its short name such as ``skos:broader``."""
        return self.said.get(subject, {}).get(expand(name), ())

    def subjects(self, name: str, value: Node) -> tuple[Node, ...]:
        """Of what a property says this value."""
        return self.back.get(value, {}).get(expand(name), ())

    def one(self, subject: Node, name: str) -> Node | None:
        """The first value, or None."""
        return next(iter(self.objects(subject, name)), None)

    def text(self, subject: Node, name: str, language: str = "en") -> str:
        """The text in a language, else one without a language, else nothing."""
        texts = self.texts(subject, name)
        return texts.get(language) or texts.get("") or ""

    def texts(self, subject: Node, name: str) -> dict[str, str]:
        """Language → text, the first of each."""
        found: dict[str, str] = {}
        for value in self.objects(subject, name):
            if isinstance(value, ox.Literal):
                found.setdefault(value.language or "", value.value)
        return found

    def all_texts(self, subject: Node, name: str, language: str = "en") -> tuple[str, ...]:
        """Every text in a language or in none."""
        return tuple(
            value.value
            for value in self.objects(subject, name)
            if isinstance(value, ox.Literal) and value.language in (language, None)
        )

    def items(self, head: Node | None) -> Iterator[Node]:
        """The members of an RDF list."""
        while head is not None and (first := self.one(head, _FIRST)) is not None:
            yield first
            head = self.one(head, _REST)

    def typed(self, *names: str) -> tuple[ox.NamedNode, ...]:
        """Everything with a name that is of one of these types, each once."""
        found = (
            subject
            for name in names
            for subject in self.subjects("rdf:type", ox.NamedNode(expand(name)))
            if isinstance(subject, ox.NamedNode)
        )
        return tuple(dict.fromkeys(found))

    def beside(self, other: "ModelStatements") -> "ModelStatements":
        """The union of these statements and others."""
        return ModelStatements(_merged(self.said, other.said), _merged(self.back, other.back))

    def is_a(self, subject: Node, name: str) -> bool:
        """Whether the files give a subject this type."""
        return ox.NamedNode(expand(name)) in self.objects(subject, "rdf:type")


def read(paths: Iterable[Path]) -> ModelStatements:
    """The statements of these files, indexed.

    Raises:
        ModelError: one of them is not Turtle.
    """
    said: dict[Node, dict[str, list[Node]]] = {}
    back: dict[Node, dict[str, list[Node]]] = {}
    for path in paths:
        for quad in _quads(path):
            said.setdefault(quad.subject, {}).setdefault(quad.predicate.value, []).append(
                quad.object
            )
            back.setdefault(quad.object, {}).setdefault(quad.predicate.value, []).append(
                quad.subject
            )
    return ModelStatements(_frozen(said), _frozen(back))


def text_of(node: Node | None) -> str:
    """The IRI or the lexical form; nothing for a node without a name."""
    return node.value if isinstance(node, ox.NamedNode | ox.Literal) else ""


def _merged(
    first: Mapping[Node, Mapping[str, tuple[Node, ...]]],
    second: Mapping[Node, Mapping[str, tuple[Node, ...]]],
) -> dict[Node, Mapping[str, tuple[Node, ...]]]:
    found = {**first, **second}
    for key in first.keys() & second.keys():
        one, other = first[key], second[key]
        found[key] = {name: (*one.get(name, ()), *other.get(name, ())) for name in {**one, **other}}
    return found


def _quads(path: Path) -> list[ox.Quad]:
    try:
        return list(ox.parse(path=path, format=ox.RdfFormat.TURTLE, rename_blank_nodes=True))
    except (OSError, SyntaxError, ValueError) as error:
        raise ModelError(f"it cannot be read as Turtle: {error}", where=str(path)) from error


def _frozen(
    index: dict[Node, dict[str, list[Node]]],
) -> dict[Node, dict[str, tuple[Node, ...]]]:
    return {
        key: {predicate: tuple(values) for predicate, values in inner.items()}
        for key, inner in index.items()
    }
