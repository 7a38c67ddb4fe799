"""Datasets that a source offers on organisations, by its own description, and refusals of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import DataError, NotFound
from coprod_kg.model.namespaces import expand
from coprod_kg.publishing.fetched import Fetched

__all__ = [
    "MOVING",
    "UNWELL",
    "HarvestRefused",
    "Offered",
    "SourceDescription",
    "checked_offers",
    "refuse_other_number",
    "refuse_other_than_ok",
    "whose_graph",
]

UNWELL: Final = "Nothing was changed. Try again when the source is well."
MOVING: Final = "Nothing was changed. The source may be changing just now: try again."
_ELSEWHERE: Final = "Nothing was changed. Give the address of a service, a dump or an endpoint."
_INCOMPLETE: Final = "Nothing was changed. Tell those who run the source."
_SLUG: Final = "([a-z0-9]+(?:-[a-z0-9]+)*)$"
_NAME: Final = re.compile(f"/dataset/organisation-{_SLUG}")
_GRAPH: Final = re.compile(f"/graph/(?:organisation|same-as)/{_SLUG}")


class HarvestRefused(DataError):
    """The source is broken, has shrunk, or contradicts its description."""

    title = "The source cannot be harvested"


@dataclass(frozen=True, slots=True)
class Offered:
    """The data on one organisation, as a source offers it.

    Attributes:
        organisation: its name, the last part of its IRI.
        licence: the IRI of its licence.
        triples: the number of its statements; None where none is stated.
        address: of the file in Turtle, or the graph that has the statements.
        size: of the file in bytes.
        digest: the SHA-256 of the file.
    """

    organisation: str
    licence: str
    triples: int | None
    address: str
    size: int = -1
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """A source's description of its datasets: subject → property → values.

    Attributes:
        address: of the source.
        values: subject → property → values.
    """

    address: str
    values: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, triple: Any) -> None:
        """Add a statement whose value is an IRI or a literal."""
        if isinstance(triple.subject, ox.NamedNode) and not isinstance(triple.object, ox.BlankNode):
            properties = self.values.setdefault(triple.subject.value, {})
            properties.setdefault(triple.predicate.value, []).append(triple.object.value)

    def all(self, subject: str, path: str) -> list[str]:
        """The values of a property, in order."""
        iri = path if "://" in path else expand(path)
        return sorted(self.values.get(subject, {}).get(iri, []))

    def value(self, subject: str, path: str) -> str:
        """The first of them, or nothing."""
        return next(iter(self.all(subject, path)), "")

    def datasets(self) -> Iterator[tuple[str, str]]:
        """Each dataset of an organisation, with the name of that."""
        for dataset in sorted(self.values):
            name = _NAME.search(dataset)
            if name and expand("dcat:Dataset") in self.all(dataset, "rdf:type"):
                yield dataset, name[1]

    def complete(self, dataset: str, values: dict[str, str]) -> tuple[str, ...]:
        """The values of a dataset, by what each is, once none is missing.

        Raises:
            HarvestRefused: something is missing.
        """
        missing = next((name for name, text in values.items() if not text), None)
        if missing:
            raise HarvestRefused(f"{dataset} has no {missing}", where=self.address, fix=_INCOMPLETE)
        return tuple(values.values())

    def licence_number_graph(self, dataset: str) -> tuple[str, int, str]:
        """The licence of a dataset, the number of its statements, and the graph that has them.

        Raises:
            HarvestRefused: one of them is missing.
        """
        values = {
            "licence": self.value(dataset, "dcterms:license"),
            "number of statements": self.value(dataset, "void:triples"),
            "graph": self.value(dataset, "prov:wasDerivedFrom"),
        }
        licence, number, graph = self.complete(dataset, values)
        return licence, int(number) if number.isascii() and number.isdigit() else -1, graph


def whose_graph(iri: str) -> str:
    """The name of the organisation whose statements a graph has, or nothing."""
    match = _GRAPH.search(iri)
    return match[1] if match else ""


def checked_offers(offers: list[Offered], address: str) -> list[Offered]:
    """The offers of a source.

    Raises:
        NotFound: there is none.
    """
    if not offers:
        raise NotFound(
            "it offers no data on organisations",
            where=address,
            fix="Give the address of a service like this one, of a dump or of its endpoint.",
        )
    return offers


def refuse_other_than_ok(response: Fetched, requested: str, address: str) -> None:
    """Refuse a source that does not hand out something.

    Raises:
        HarvestRefused: the answer is not 200.
    """
    if response.status != 200:
        answer = f"HTTP {response.status}" if response.status else "no answer"
        fix = _ELSEWHERE if response.status in (404, 410) else UNWELL
        raise HarvestRefused(f"a request for {requested} got {answer}", where=address, fix=fix)


def refuse_other_number(name: str, stated: int | None, counted: int, address: str) -> None:
    """Refuse a source that has another number of statements than its description.

    Raises:
        HarvestRefused: it has.
    """
    if stated != counted:
        raise HarvestRefused(
            f"it has {counted} statements on {name}, and its description says {stated}",
            where=address,
            fix=MOVING,
        )
