"""The faces by which another service's data is harvested: catalogue, dump, SPARQL endpoint.

Each offers what it says it has on every organisation, and hands out a file of it, once that is what
was said.
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
from coprod_kg.ingest.outcome import Sent
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
    """A face of another service."""

    @property
    def address(self) -> str:
        """Where it is asked."""

    @property
    def service(self) -> str:
        """The address of the service, with a slash at its end."""

    def offered(self) -> list[Offered]:
        """What it offers on organisations.

        Raises:
            HarvestRefused: it is broken, or an offer lacks what has to be told of it.
            NotFound: there is none.
        """

    def file(self, part: Offered) -> Sent:
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
        said = SourceDescription(self.address)
        for triple in _pages(f"{self.service}catalogue", self.fetch):
            said.add(triple)
        found = []
        for dataset, name in said.datasets():
            files = said.all(dataset, "dcat:distribution")
            file = next(
                (link for link in files if said.value(link, "dcat:mediaType") == _MEDIA), ""
            )
            checksum = said.value(file, f"{_SPDX}checksum")
            licence = said.value(file, "dcterms:license")
            told = {
                "file in Turtle": said.value(file, "dcat:downloadURL"),
                "licence": licence or said.value(dataset, "dcterms:license"),
                "size of its file in Turtle": said.value(file, "dcat:byteSize"),
                "SHA-256 of its file in Turtle": said.value(checksum, f"{_SPDX}checksumValue"),
            }
            link, licence, size, digest = said.complete(dataset, told)
            triples = _number(said.value(dataset, "void:triples"), 0)
            found.append(Offered(name, licence, triples, link, _number(size), digest.lower()))
        return checked_offers(found, self.address)

    def file(self, part: Offered) -> Sent:
        """The file, compared with what the catalogue says of it."""
        got = self.fetch("GET", part.address, _TURTLE)
        refuse_other_than_ok(got, "the file", part.address)
        if len(got.content) != part.size or sha256(got.content).hexdigest() != part.digest:
            raise HarvestRefused(
                "its size or SHA-256 is not the one in the catalogue",
                where=part.address,
                fix=MOVING,
            )
        return Sent(part.address, got.content, _TURTLE, part.organisation)


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
        """What the description in the file says of the graphs in it, compared with these."""
        said = SourceDescription(self.address)
        self.graphs.clear()
        for quad in self._quads():
            graph = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
            if whose := whose_graph(graph):
                self.graphs.setdefault(whose, []).append(quad.triple)
            elif graph.endswith("/graph/catalogue"):
                said.add(quad.triple)
        found = []
        for dataset, name in said.datasets():
            licence, number, _ = said.licence_number_graph(dataset)
            held = len(self.graphs.get(name, ()))
            refuse_other_number(name, number, held, self.address)
            found.append(Offered(name, licence, number, dataset))
        untold = sorted(self.graphs.keys() - {part.organisation for part in found})
        if untold:
            raise HarvestRefused(
                f"it has statements on {untold[0]}, but describes no dataset of them",
                where=self.address,
                fix="Nothing was changed. Take a whole dump: its graph catalogue has the licences.",
            )
        return checked_offers(found, self.address)

    def file(self, part: Offered) -> Sent:
        """The statements as the file that the service itself would hand out."""
        return _sent(self.address, part.organisation, self.graphs[part.organisation])

    def _quads(self) -> Iterator[ox.Quad]:
        got = self.fetch("GET", self.address, "application/n-quads, application/trig;q=0.9")
        refuse_other_than_ok(got, "the dump", self.address)
        told = got.headers.get("content-sha256")
        if told and told.lower() != sha256(got.content).hexdigest():
            what = "its SHA-256 is not the one in its header Content-SHA256"
            raise HarvestRefused(what, where=self.address, fix=MOVING)
        trig = ".trig" in self.address.rpartition("/")[2] or got.media_type == "application/trig"
        raw: IO[bytes] = BytesIO(got.content)
        if got.content.startswith(b"\x1f\x8b"):
            raw = cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
        form = ox.RdfFormat.TRIG if trig else ox.RdfFormat.N_QUADS
        try:
            yield from ox.parse(cast("IO[bytes]", _Counted(raw)), format=form)
        except (OSError, EOFError, zlib.error, SyntaxError, ValueError) as error:
            what = f"the dump cannot be read: {error}"
            raise HarvestRefused(what, where=self.address, fix=UNWELL) from None


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
        """What the description in the store says of each graph."""
        said = SourceDescription(self.address)
        for triple in self._asked(_DATASETS):
            said.add(triple)
        found = []
        for dataset, name in said.datasets():
            licence, number, graph = said.licence_number_graph(dataset)
            found.append(Offered(name, licence, number, graph))
        return checked_offers(found, self.address)

    def file(self, part: Offered) -> Sent:
        """The statements of a graph; an endpoint that hands out only some of them is refused."""
        links = part.address.replace("/graph/organisation/", "/graph/same-as/")
        triples = self._asked(
            f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ VALUES ?graph {{ <{part.address}> <{links}> }} "
            "GRAPH ?graph { ?s ?p ?o } }"
        )
        refuse_other_number(part.organisation, part.triples, len(triples), self.address)
        return _sent(self.address, part.organisation, triples)

    def _asked(self, query: str) -> list[ox.Triple]:
        got = self.construct(self.address, query)
        refuse_other_than_ok(got, "the endpoint", self.address)
        try:
            return got.triples()
        except (SyntaxError, ValueError) as error:
            what = f"its answer cannot be read: {error}"
            raise HarvestRefused(what, where=self.address, fix=UNWELL) from None


class _Counted:
    """A file that ends with an error where it unpacks to more than anybody has.

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
    """The address of a service, with a slash at its end, from that of one of its faces."""
    start, found, rest = address.partition("://")
    return f"{start}{found}{rest.partition(face)[0].rstrip('/')}/"


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
        got = fetch("GET", page, _TURTLE)
        refuse_other_than_ok(got, "the catalogue", page)
        try:
            found = got.triples()
        except (SyntaxError, ValueError) as error:
            what = f"a page cannot be read: {error}"
            raise HarvestRefused(what, where=page, fix=UNWELL) from None
        triples += found
        following = (
            triple.object for triple in found if triple.predicate.value == expand("hydra:next")
        )
        page = next((str(node.value) for node in following if isinstance(node, ox.NamedNode)), None)
    return triples


def _number(text: str, other: int = -1) -> int:
    return int(text) if text.isascii() and text.isdigit() else other


def _sent(address: str, name: str, triples: Iterable[ox.Triple]) -> Sent:
    return Sent(f"{address}#organisation-{name}", written(triples, _TURTLE), _TURTLE, name)
