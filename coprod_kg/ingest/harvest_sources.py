"""The faces by which another service's data is harvested: catalogue, dump, SPARQL endpoint.

Each offers what it says it has on every organisation, and hands out a file of it, once that is what
was said.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import IO, Any, Final, Protocol, cast

import pyoxigraph as ox

from coprod_kg.errors import DataError, NotFound
from coprod_kg.ingest.outcome import Sent
from coprod_kg.model.namespaces import expand
from coprod_kg.publishing.portal_check import Fetch, Fetched
from coprod_kg.publishing.serialisations import written

__all__ = [
    "CatalogueSource",
    "Construct",
    "DumpSource",
    "EndpointSource",
    "HarvestRefused",
    "HarvestSource",
    "Offered",
]

Construct = Callable[[str, str], Fetched]
"""Asks an endpoint a CONSTRUCT query: its address, the query."""

_MOST_PAGES: Final = 10_000
_MOST_UNPACKED: Final = 16 << 30
_TURTLE: Final = "text/turtle"
_MEDIA: Final = f"http://www.iana.org/assignments/media-types/{_TURTLE}"
_SPDX: Final = "http://spdx.org/rdf/terms#"
_SLUG: Final = "([a-z0-9]+(?:-[a-z0-9]+)*)$"
_NAME: Final = re.compile(f"/dataset/organisation-{_SLUG}")
_GRAPH: Final = re.compile(f"/graph/(?:organisation|same-as)/{_SLUG}")
_UNCHANGED: Final = "Nothing was changed. Try again when the source is well."
_MOVING: Final = "Nothing was changed. The source may be changing just now: try again."
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


class HarvestRefused(DataError):
    """The source is broken, shrunken, or not what it says."""

    title = "The source cannot be harvested"


@dataclass(frozen=True, slots=True)
class Offered:
    """The data on one organisation, as a source offers it.

    Attributes:
        organisation: its name, the last part of its IRI.
        licence: the IRI of its licence.
        triples: how many statements it has, where that is told.
        address: of the file in Turtle, or the graph that has the statements.
        size: of the file in bytes.
        digest: the SHA-256 of the file.
    """

    organisation: str
    licence: str
    triples: int
    address: str
    size: int = -1
    digest: str = ""


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
class _Said:
    """What a source says of its datasets: subject → property → values."""

    values: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, triple: Any) -> None:
        """Take up a statement whose value is a name or a text."""
        if isinstance(triple.subject, ox.NamedNode) and not isinstance(triple.object, ox.BlankNode):
            found = self.values.setdefault(triple.subject.value, {})
            found.setdefault(triple.predicate.value, []).append(triple.object.value)

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
        said = _Said()
        for triple in _pages(f"{self.service}catalogue", self.fetch):
            said.add(triple)
        found = []
        for dataset, name in said.datasets():
            files = said.all(dataset, "dcat:distribution")
            file = next(
                (link for link in files if said.value(link, "dcat:mediaType") == _MEDIA), ""
            )
            told = {
                "a file in Turtle": said.value(file, "dcat:downloadURL"),
                "a licence": said.value(file, "dcterms:license")
                or said.value(dataset, "dcterms:license"),
                "a size": said.value(file, "dcat:byteSize"),
                "a SHA-256": said.value(
                    said.value(file, f"{_SPDX}checksum"), f"{_SPDX}checksumValue"
                ),
            }
            _refuse_untold(told, dataset, self.address)
            link, licence, size, digest = told.values()
            triples = _number(said.value(dataset, "void:triples"), 0)
            found.append(Offered(name, licence, triples, link, _number(size), digest.lower()))
        return _some(found, self.address)

    def file(self, part: Offered) -> Sent:
        """The file, compared with what the catalogue says of it."""
        got = self.fetch("GET", part.address, _TURTLE)
        if got.status != 200:
            raise HarvestRefused(f"it answers {got.status or 'nothing'}", where=part.address)
        if len(got.content) != part.size or sha256(got.content).hexdigest() != part.digest:
            raise HarvestRefused(
                "its bytes are not those that the catalogue tells", where=part.address, fix=_MOVING
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
        said = _Said()
        self.graphs.clear()
        for quad in self._quads():
            graph = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
            if whose := _GRAPH.search(graph):
                self.graphs.setdefault(whose[1], []).append(quad.triple)
            elif graph.endswith("/graph/catalogue"):
                said.add(quad.triple)
        found = []
        for dataset, name in said.datasets():
            licence, number = _licence_and_number(said, dataset, self.address)
            held = len(self.graphs.get(name, ()))
            _refuse_other_number(name, number, held, self.address)
            found.append(Offered(name, licence, number, dataset))
        untold = sorted(self.graphs.keys() - {part.organisation for part in found})
        if untold:
            raise HarvestRefused(
                f"it has statements on {untold[0]}, of which it tells no dataset with a licence",
                where=self.address,
            )
        return _some(found, self.address)

    def file(self, part: Offered) -> Sent:
        """The statements as the file that the service itself would hand out."""
        return _sent(self.address, part.organisation, self.graphs[part.organisation])

    def _quads(self) -> Iterator[ox.Quad]:
        got = self.fetch("GET", self.address, "application/n-quads, application/trig;q=0.9")
        _refuse_other_than_ok(got, "the dump", self.address)
        told = got.headers.get("content-sha256")
        if told and told.lower() != sha256(got.content).hexdigest():
            what = "its bytes are not those whose SHA-256 it tells"
            raise HarvestRefused(what, where=self.address, fix=_MOVING)
        trig = ".trig" in self.address.rpartition("/")[2] or got.media_type == "application/trig"
        raw: IO[bytes] = BytesIO(got.content)
        if got.content.startswith(b"\x1f\x8b"):
            raw = cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
        form = ox.RdfFormat.TRIG if trig else ox.RdfFormat.N_QUADS
        try:
            yield from ox.parse(cast("IO[bytes]", _Counted(raw)), format=form)
        except (OSError, EOFError, zlib.error, SyntaxError, ValueError) as error:
            what = f"the dump cannot be read: {error}"
            raise HarvestRefused(what, where=self.address, fix=_UNCHANGED) from None


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
        said = _Said()
        for triple in self._asked(_DATASETS):
            said.add(triple)
        found = []
        for dataset, name in said.datasets():
            licence, number = _licence_and_number(said, dataset, self.address)
            graph = said.value(dataset, "prov:wasDerivedFrom")
            found.append(Offered(name, licence, number, graph))
        return _some(found, self.address)

    def file(self, part: Offered) -> Sent:
        """The statements of a graph; an endpoint that hands out only some of them is refused."""
        links = part.address.replace("/graph/organisation/", "/graph/same-as/")
        triples = self._asked(
            f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ VALUES ?graph {{ <{part.address}> <{links}> }} "
            "GRAPH ?graph { ?s ?p ?o } }"
        )
        _refuse_other_number(part.organisation, part.triples, len(triples), self.address)
        return _sent(self.address, part.organisation, triples)

    def _asked(self, query: str) -> list[ox.Triple]:
        got = self.construct(self.address, query)
        _refuse_other_than_ok(got, "the endpoint", self.address)
        try:
            return _triples(got)
        except (SyntaxError, ValueError) as error:
            what = f"its answer cannot be read: {error}"
            raise HarvestRefused(what, where=self.address, fix=_UNCHANGED) from None


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
            raise HarvestRefused("its pages lead in a circle", where=page)
        seen.add(page)
        got = fetch("GET", page, _TURTLE)
        _refuse_other_than_ok(got, "the catalogue", page)
        try:
            found = _triples(got)
        except (SyntaxError, ValueError) as error:
            raise HarvestRefused(f"a page cannot be read: {error}", where=page) from None
        triples += found
        following = (
            triple.object for triple in found if triple.predicate.value == expand("hydra:next")
        )
        page = next((str(node.value) for node in following if isinstance(node, ox.NamedNode)), None)
    return triples


def _refuse_other_than_ok(got: Fetched, face: str, address: str) -> None:
    if got.status != 200:
        what = f"{face} answers {got.status or 'nothing'}"
        raise HarvestRefused(what, where=address, fix=_UNCHANGED)


def _triples(got: Fetched) -> list[ox.Triple]:
    form = ox.RdfFormat.from_media_type(got.media_type)
    if form is None:
        raise ValueError(f"{got.media_type or 'nothing'} is no RDF")
    return [quad.triple for quad in ox.parse(got.content, format=form)]


def _licence_and_number(said: _Said, dataset: str, address: str) -> tuple[str, int]:
    told = {
        "a licence": said.value(dataset, "dcterms:license"),
        "a number of statements": said.value(dataset, "void:triples"),
        "a graph": said.value(dataset, "prov:wasDerivedFrom"),
    }
    _refuse_untold(told, dataset, address)
    return told["a licence"], _number(told["a number of statements"])


def _refuse_untold(told: dict[str, str], dataset: str, address: str) -> None:
    missing = [what for what, text in told.items() if not text]
    if missing:
        raise HarvestRefused(f"{dataset} has no {missing[0].partition(' ')[2]}", where=address)


def _refuse_other_number(name: str, told: int, held: int, address: str) -> None:
    if told != held:
        raise HarvestRefused(
            f"it has {held} statements on {name} and tells {told}", where=address, fix=_MOVING
        )


def _some(found: list[Offered], address: str) -> list[Offered]:
    if not found:
        raise NotFound(
            "it offers no data on organisations",
            where=address,
            fix="Give the address of a service like this one, of a dump or of its endpoint.",
        )
    return found


def _sent(address: str, name: str, triples: Iterable[ox.Triple]) -> Sent:
    return Sent(f"{address}#organisation-{name}", written(triples, _TURTLE), _TURTLE, name)


def _number(text: str, other: int = -1) -> int:
    return int(text) if text.isascii() and text.isdigit() else other
