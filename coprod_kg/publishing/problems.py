"""The kinds of problems that a client may be told of, each with a name, a meaning and a status."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import CoprodError
from coprod_kg.model.namespaces import named
from coprod_kg.publishing.serialisations import written

__all__ = ["PROBLEMS", "ProblemKind", "as_rdf", "name_of", "problem_kinds"]

PROBLEMS: Final = "https://w3id.org/coprod/problem/"
"""Where the kinds of problems are named; the ``type`` of a problem document is one of them."""


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem, as the hierarchy of errors has it."""

    name: str
    title: str
    status: int
    meaning: str
    broader: str

    @property
    def iri(self) -> str:
        """Its name in full."""
        return PROBLEMS + self.name


def name_of(kind: type[CoprodError]) -> str:
    """The name of a kind of error in words with hyphens, such as ``query-timeout``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def problem_kinds() -> dict[str, ProblemKind]:
    """Every kind that this process can tell of, by name."""
    return {kind.name: kind for kind in sorted(_below(CoprodError), key=lambda kind: kind.name)}


def _below(error: type[CoprodError], broader: str = "") -> Iterator[ProblemKind]:
    meaning = (error.__doc__ or "").strip().partition("\n")[0]
    if error is CoprodError:
        meaning = "A fault of the service that was not foreseen."
    name = name_of(error)
    yield ProblemKind(name, error.title, error.status, meaning, broader)
    for narrower in error.__subclasses__():
        yield from _below(narrower, name)


def as_rdf(kinds: dict[str, ProblemKind], media_type: str) -> bytes:
    """Kinds of problems as a concept scheme in RDF."""
    return written(_triples(kinds), media_type)


def _triples(kinds: dict[str, ProblemKind]) -> Iterator[ox.Triple]:
    scheme = ox.NamedNode(PROBLEMS.rstrip("/"))
    label = ox.Literal("Kinds of problems", language="en")
    yield ox.Triple(scheme, named("rdf:type"), named("skos:ConceptScheme"))
    yield ox.Triple(scheme, named("skos:prefLabel"), label)
    for kind in kinds.values():
        node = ox.NamedNode(kind.iri)
        told = f"{kind.meaning} It is answered with the status {kind.status}."
        yield ox.Triple(node, named("rdf:type"), named("skos:Concept"))
        yield ox.Triple(node, named("skos:inScheme"), scheme)
        yield ox.Triple(node, named("skos:notation"), ox.Literal(kind.name))
        yield ox.Triple(node, named("skos:prefLabel"), ox.Literal(kind.title, language="en"))
        yield ox.Triple(node, named("skos:definition"), ox.Literal(told, language="en"))
        if kind.broader:
            broader = ox.NamedNode(PROBLEMS + kind.broader)
            yield ox.Triple(node, named("skos:broader"), broader)
