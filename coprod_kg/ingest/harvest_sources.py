"""The interfaces by which another service's data is harvested: catalogue, dump, SPARQL endpoint.

Each lists the datasets on organisations by the service's own description, and returns a file of
each, once its content agrees with the description.
"""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import IO, Final, Protocol, cast

import pyoxigraph as ox

from coprod_kg.ingest.harvest_offers import (
    MOVING,
    UNWELL,
    HarvestRefused,
    Offered,
    SourceDescription,
    checked_offers,
    refuse_other_number,
    refuse_other_than_ok,
    whose_graph,
)
from coprod_kg.ingest.outcome import SubmittedFile
from coprod_kg.model.namespaces import expand
from coprod_kg.publishing.fetched import Fetch, Fetched
from coprod_kg.publishing.serialisations import written

__all__ = [
    "CatalogueSource",
    "Construct",
    "DumpSource",
    "EndpointSource",
    "HarvestSource",
]

Construct = Callable[[str, str], Fetched]
"""Asks an endpoint a CONSTRUCT query: its address, the query."""

_MOST_PAGES: Final = 10_000
_MOST_UNPACKED: Final = 16 << 30
_TURTLE: Final = "text/turtle"
_MEDIA: Final = f"http://www.iana.org/assignments/media-types/{_TURTLE}"
_SPDX: Final = "http://spdx.org/rdf/terms#"
_DATASETS: Final = f"""CONSTRUCT {{
  ?dataset a ?kind ; <{expand("dcterms:license")}> ?licence ; <{expand("void:triples")}> ?triples ;
    <{expand("prov:wasDerivedFrom")}> ?graph
}} WHERE {{
  VALUES ?kind {{ <{expand("dcat:Dataset")}> }}
  GRAPH ?catalogue {{
    ?dataset a ?kind ; <{expand("prov:wasDerivedFrom")}> ?graph
    OPTIONAL {{ ?dataset <{expand("dcterms:license")}> ?licence }}
    OPTIONAL {{ ?dataset <{expand("void:triples")}> ?triples }}
  }}
  FILTER(CONTAINS(STR(?dataset), "/dataset/organisation-"))
}}"""


class HarvestSource(Protocol):
    """An interface of another service."""

    @property
    def address(self) -> str:
        """The address of the interface."""

    @property
    def service(self) -> str:
        """The address of the service, with a slash at its end."""

    def offered(self) -> list[Offered]:
        """What it offers on organisations.

        Raises:
            HarvestRefused: it is broken, or an offer lacks what has to be told of it.
            NotFound: there is none.
        """

    def file(self, part: Offered) -> SubmittedFile:
        """The file of an organisation.

        Raises:
            HarvestRefused: it is not there, or not what was offered.
        """


@dataclass(frozen=True, slots=True)
class CatalogueSource:
    """A catalogue in DCAT, and the files that it names."""

    address: str
    fetch: Fetch

    @property
    def service(self) -> str:
        """The address of the service."""
        return _service(self.address, "/catalogue")

    def offered(self) -> list[Offered]:
        """What it offers on organisations, from all its pages; each with its file."""
        description = SourceDescription(self.address)
        for triple in _pages(f"{self.service}catalogue", self.fetch):
            description.add(triple)
        offers = []
        for dataset, name in description.datasets():
            files = description.all(dataset, "dcat:distribution")
            file = next(
                (link for link in files if description.value(link, "dcat:mediaType") == _MEDIA), ""
            )
            checksum = description.value(file, f"{_SPDX}checksum")
            licence = description.value(file, "dcterms:license")
            values = {
                "file in Turtle": description.value(file, "dcat:downloadURL"),
                "licence": licence or description.value(dataset, "dcterms:license"),
                "size of its file in Turtle": description.value(file, "dcat:byteSize"),
                "SHA-256 of its file in Turtle": description.value(
                    checksum, f"{_SPDX}checksumValue"
                ),
            }
            link, licence, size, digest = description.complete(dataset, values)
            triples = _number(description.value(dataset, "void:triples"))
            offers.append(
                Offered(
                    name,
                    licence,
                    None if triples < 0 else triples,
                    link,
                    _number(size),
                    digest.lower(),
                )
            )
        return checked_offers(offers, self.address)

    def file(self, part: Offered) -> SubmittedFile:
        """The file, compared with its size and SHA-256 in the catalogue."""
        response = self.fetch("GET", part.address, _TURTLE)
        refuse_other_than_ok(response, "the file", part.address)
        if (
            len(response.content) != part.size
            or sha256(response.content).hexdigest() != part.digest
        ):
            raise HarvestRefused(
                "its size or SHA-256 is not the one in the catalogue",
                where=part.address,
                fix=MOVING,
            )
        return SubmittedFile(part.address, response.content, _TURTLE, part.organisation)


@dataclass(frozen=True, slots=True)
class DumpSource:
    """A whole version as one file: N-Quads or TriG, packed by gzip or not."""

    address: str
    fetch: Fetch
    graphs: dict[str, list[ox.Triple]] = field(default_factory=dict)
    """Organisation → its statements, once the file was read."""

    @property
    def service(self) -> str:
        """The address of the service."""
        return _service(self.address, "/dump/")

    def offered(self) -> list[Offered]:
        """The datasets described in the file, compared with the graphs in it."""
        description = SourceDescription(self.address)
        self.graphs.clear()
        for quad in self._quads():
            graph = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
            if organisation := whose_graph(graph):
                self.graphs.setdefault(organisation, []).append(quad.triple)
            elif graph.endswith("/graph/catalogue"):
                description.add(quad.triple)
        offers = []
        for dataset, name in description.datasets():
            licence, number, _ = description.licence_number_graph(dataset)
            counted = len(self.graphs.get(name, ()))
            refuse_other_number(name, number, counted, self.address)
            offers.append(Offered(name, licence, number, dataset))
        undescribed = sorted(self.graphs.keys() - {part.organisation for part in offers})
        if undescribed:
            raise HarvestRefused(
                f"it has statements on {undescribed[0]}, but describes no dataset of them",
                where=self.address,
                fix="Nothing was changed. Take a whole dump: its graph catalogue has the licences.",
            )
        return checked_offers(offers, self.address)

    def file(self, part: Offered) -> SubmittedFile:
        """The statements as the file that the service itself would hand out."""
        return _statements_file(self.address, part.organisation, self.graphs[part.organisation])

    def _quads(self) -> Iterator[ox.Quad]:
        response = self.fetch("GET", self.address, "application/n-quads, application/trig;q=0.9")
        refuse_other_than_ok(response, "the dump", self.address)
        stated_digest = response.headers.get("content-sha256")
        if stated_digest and stated_digest.lower() != sha256(response.content).hexdigest():
            reason = "its SHA-256 is not the one in its header Content-SHA256"
            raise HarvestRefused(reason, where=self.address, fix=MOVING)
        trig = (
            ".trig" in self.address.rpartition("/")[2] or response.media_type == "application/trig"
        )
        raw: IO[bytes] = BytesIO(response.content)
        if response.content.startswith(b"\x1f\x8b"):
            raw = cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
        form = ox.RdfFormat.TRIG if trig else ox.RdfFormat.N_QUADS
        try:
            yield from ox.parse(cast("IO[bytes]", _LimitedReader(raw)), format=form)
        except (OSError, EOFError, zlib.error, SyntaxError, ValueError) as error:
            reason = f"the dump cannot be read: {error}"
            raise HarvestRefused(reason, where=self.address, fix=UNWELL) from None


@dataclass(frozen=True, slots=True)
class EndpointSource:
    """A SPARQL endpoint, asked by CONSTRUCT."""

    address: str
    construct: Construct

    @property
    def service(self) -> str:
        """The address of the service."""
        return _service(self.address, "/sparql")

    def offered(self) -> list[Offered]:
        """The datasets described in the store."""
        description = SourceDescription(self.address)
        for triple in self._triples(_DATASETS):
            description.add(triple)
        offers = []
        for dataset, name in description.datasets():
            licence, number, graph = description.licence_number_graph(dataset)
            offers.append(Offered(name, licence, number, graph))
        return checked_offers(offers, self.address)

    def file(self, part: Offered) -> SubmittedFile:
        """The statements of a graph; an endpoint that hands out only some of them is refused."""
        links = part.address.replace("/graph/organisation/", "/graph/same-as/")
        triples = self._triples(
            f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ VALUES ?graph {{ <{part.address}> <{links}> }} "
            "GRAPH ?graph { ?s ?p ?o } }"
        )
        refuse_other_number(part.organisation, part.triples, len(triples), self.address)
        return _statements_file(self.address, part.organisation, triples)

    def _triples(self, query: str) -> list[ox.Triple]:
        response = self.construct(self.address, query)
        refuse_other_than_ok(response, "the endpoint", self.address)
        try:
            return response.triples()
        except (SyntaxError, ValueError) as error:
            reason = f"its answer cannot be read: {error}"
            raise HarvestRefused(reason, where=self.address, fix=UNWELL) from None


class _LimitedReader:
    """A file that raises an error where it unpacks to more than the limit.

    Args:
        raw: the file.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._left = raw, _MOST_UNPACKED

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        piece = self._raw.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {_MOST_UNPACKED >> 30} GiB")
        return piece


def _service(address: str, face: str) -> str:
    """The address of a service, with a slash at its end, from that of one of its interfaces."""
    scheme, separator, rest = address.partition("://")
    return f"{scheme}{separator}{rest.partition(face)[0].rstrip('/')}/"


def _pages(start: str, fetch: Fetch) -> Iterable[ox.Triple]:
    """The statements of all pages of a catalogue, each read whole.

    Raises:
        HarvestRefused: one is missing, no RDF, or leads to one that was read already.
    """
    page: str | None = start
    seen: set[str] = set()
    triples: list[ox.Triple] = []
    while page:
        if page in seen or len(seen) >= _MOST_PAGES:
            raise HarvestRefused("its pages lead in a circle", where=page, fix=UNWELL)
        seen.add(page)
        response = fetch("GET", page, _TURTLE)
        refuse_other_than_ok(response, "the catalogue", page)
        try:
            page_triples = response.triples()
        except (SyntaxError, ValueError) as error:
            reason = f"a page cannot be read: {error}"
            raise HarvestRefused(reason, where=page, fix=UNWELL) from None
        triples += page_triples
        following = (
            triple.object
            for triple in page_triples
            if triple.predicate.value == expand("hydra:next")
        )
        page = next((str(node.value) for node in following if isinstance(node, ox.NamedNode)), None)
    return triples


def _number(text: str) -> int:
    """The number that a text is, or -1."""
    return int(text) if text.isascii() and text.isdigit() else -1


def _statements_file(address: str, name: str, triples: Iterable[ox.Triple]) -> SubmittedFile:
    return SubmittedFile(f"{address}#organisation-{name}", written(triples, _TURTLE), _TURTLE, name)
