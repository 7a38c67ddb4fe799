"""Check of a service as a portal meets it: harvest, rules, links, files and numbers."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

import pyoxigraph as ox

from coprod_kg.model.graph import RDF_TYPE, Graph, text_of
from coprod_kg.model.namespaces import named
from coprod_kg.publishing.fetched import Fetch, Fetched
from coprod_kg.publishing.portal_numbers import numbers

__all__ = ["CheckedPortal", "Defect", "PortalRecord", "check_portal"]

_MOST_PAGES: Final = 10_000
_MOST_BYTES: Final = 64 << 20
"""Bytes of files that are read to compare their checksums; others are asked for their size."""
_CHECKSUM, _CHECKSUM_VALUE = (
    ox.NamedNode(f"http://spdx.org/rdf/terms#{name}") for name in ("checksum", "checksumValue")
)
_NEEDED: Final = (
    ("dcat:Catalog", ("dcterms:title", "dcterms:description", "dcterms:publisher")),
    (
        "dcat:Dataset",
        (
            *("dcterms:title", "dcterms:description", "dcterms:license", "dcterms:publisher"),
            *("dcat:contactPoint", "dcat:theme"),
        ),
    ),
    ("dcat:Distribution", ("dcat:accessURL", "dcterms:license", "dcterms:format")),
    ("dcat:DataService", ("dcterms:title", "dcat:endpointURL")),
    ("dcat:CatalogRecord", ("dcterms:modified", "foaf:primaryTopic")),
    ("foaf:Agent", ("foaf:name",)),
)
_SETTINGS: Final = {
    "dcterms:publisher": "Set publisher and publisher-url, and start the service again.",
    "dcat:contactPoint": "Set contact, and start the service again.",
    "dcat:theme": "Set theme, for example to SOCI,GOVE, and start the service again.",
}


@dataclass(frozen=True, slots=True)
class Defect:
    """Something that a portal would stumble over."""

    where: str
    what: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class PortalRecord:
    """A dataset as the portal will list it."""

    iri: str
    title: str
    publisher: str
    formats: tuple[str, ...]
    modified: str


@dataclass(slots=True)
class CheckedPortal:
    """What was found.

    Attributes:
        pages: of the catalogue.
        links: how many were followed.
        files: how many were read whole and compared.
        counts: how many numbers were compared.
        records: the datasets, as the portal will list them.
        defects: all that is wrong.
    """

    pages: int = 0
    links: int = 0
    files: int = 0
    counts: int = 0
    records: list[PortalRecord] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)


def check_portal(root: str, fetch: Fetch) -> CheckedPortal:
    """Look a service over as portals, search engines and editors will.

    Args:
        root: its address, with a slash at its end.
        fetch: sends a request.
    """
    check = _Check(root, fetch)
    catalogue, version = check.harvested()
    if not check.found.pages:
        return check.found
    if not _named(catalogue, "dcat:Catalog"):
        check.found.defects.append(Defect(f"{root}catalogue", "there is no dcat:Catalog in it"))
    check.found.defects += _broken_rules(catalogue)
    check.links(catalogue)
    check.numbers(version)
    check.found.records += _records(catalogue)
    return check.found


@dataclass(slots=True)
class _Check:
    """A check under way: what was found so far."""

    root: str
    fetch: Fetch
    found: CheckedPortal = field(default_factory=CheckedPortal)

    def harvested(self) -> tuple[Graph, str]:
        """All pages of the catalogue, and the version of which they are."""
        triples: list[ox.Triple] = []
        versions = set[str]()
        for page, said in self._pages():
            triples += said
            versions.add(page.headers.get("dataset-version", ""))
            self.found.pages += 1
        if len(versions) > 1:
            self._wrong(f"{self.root}catalogue", "its pages are of several versions")
        return Graph(triples), next(iter(versions), "")

    def _pages(self) -> Iterator[tuple[Fetched, list[ox.Triple]]]:
        """The pages and what they say, taken as ckanext-dcat does: HEAD, then GET, any format."""
        address, kind, seen = f"{self.root}catalogue", "", set[str]()
        while address and address not in seen and len(seen) < _MOST_PAGES:
            seen.add(address)
            head = self.fetch("HEAD", address, "*/*")
            page = self.fetch("GET", address, "*/*")
            if page.status != 200:
                self._wrong(address, _answer(page), "Check it again when the service is well.")
                return
            if head.status != 200 or head.media_type != page.media_type:
                told = f"HEAD gets {head.status} {head.media_type}"
                self._wrong(address, f"{told}, GET {page.status} {page.media_type}")
            kind = kind or page.media_type
            if page.media_type != kind:
                self._wrong(address, f"it is {page.media_type}, and page 1 is {kind}")
                return
            try:
                triples = page.triples()
            except (SyntaxError, ValueError) as error:
                self._wrong(address, f"it cannot be read: {error}")
                return
            yield page, triples
            following = Graph(triples).pairs("hydra:next")
            address = next((text_of(node) for _, node in following), "")

    def links(self, catalogue: Graph) -> None:
        """Follow every link, and compare the files with what is said of them."""
        left = _MOST_BYTES
        for part in _named(catalogue, "dcat:Distribution"):
            size = text_of(catalogue.value(part, "dcat:byteSize"))
            checksum = catalogue.value(part, _CHECKSUM)
            digest = text_of(catalogue.value(checksum, _CHECKSUM_VALUE))
            for address in _texts(catalogue, part, "dcat:downloadURL"):
                read = size.isdigit() and bool(digest) and int(size) <= left
                left -= int(size) if read else 0
                self._file(address, size, digest if read else "")
        base = next((node.value for node in _named(catalogue, "dcat:Catalog")), "")
        for dataset in _named(catalogue, "dcat:Dataset"):
            for page in (dataset.value, *_texts(catalogue, dataset, "dcat:landingPage")):
                self._follow("GET", self._here(page, base.removesuffix("catalogue")))
        for service in _named(catalogue, "dcat:DataService"):
            for path in ("dcat:endpointURL", "dcat:endpointDescription"):
                for address in _texts(catalogue, service, path):
                    graphs = address.endswith("/data")
                    self._follow("GET", f"{address}?default" if graphs else address)

    def _here(self, address: str, base: str) -> str:
        """Where a name is looked for: one below the base here, where the base leads to."""
        below = bool(base) and address.startswith(base)
        return self.root + address.removeprefix(base) if below else address

    def _file(self, address: str, size: str, digest: str) -> None:
        """Compare a file with its size and its checksum, where that is given."""
        got = self._follow("GET" if digest else "HEAD", address)
        if got is None:
            return
        told = str(len(got.content)) if digest else got.headers.get("content-length", "")
        if size and told and told != size:
            self._wrong(address, f"it has {told} bytes, the catalogue says {size}")
        if digest:
            self.found.files += 1
            if sha256(got.content).hexdigest() != digest.lower():
                self._wrong(address, "its SHA-256 is not the one in the catalogue")

    def numbers(self, version: str) -> None:
        """Compare the statistics with what queries count in the same version."""
        address = f"{self.root}.well-known/void?version={version}"
        got = self._follow("GET", address)
        if got is None:
            return
        try:
            void = Graph(got.triples())
        except (SyntaxError, ValueError) as error:
            self._wrong(address, f"it cannot be read: {error}")
            return
        for number in numbers(void, lambda text: self._rows(text, version)):
            self.found.counts += 1
            if number.said != number.counted:
                told = f"the statistics say {number.said}, a query counts {number.counted}"
                self._wrong(number.what, told)

    def _rows(self, query: str, version: str) -> list[list[str]]:
        asked = f"{self.root}sparql?version={version}&query={quote(query, safe='')}"
        got = self.fetch("GET", asked, "text/csv")
        if got.status != 200:
            self._wrong(f"{self.root}sparql", f"a query: {_answer(got)}")
            return []
        return list(csv.reader(got.content.decode().splitlines()))[1:]

    def _follow(self, method: str, address: str) -> Fetched | None:
        self.found.links += 1
        got = self.fetch(method, address, "*/*")
        if got.status == 200:
            return got
        self._wrong(address, _answer(got))
        return None

    def _wrong(self, where: str, what: str, fix: str = "") -> None:
        self.found.defects.append(Defect(where, what, fix))


def _broken_rules(catalogue: Graph) -> Iterator[Defect]:
    """What a portal needs and does not find."""
    for node in catalogue.subjects(RDF_TYPE, named("dcat:Dataset")):
        if isinstance(node, ox.BlankNode):
            fix = "Give it an IRI: a portal takes it for a new one at each harvest."
            yield Defect(str(node), "a dataset is a blank node", fix)
    for kind, paths in _NEEDED:
        for path in paths:
            without = [n for n in _named(catalogue, kind) if not catalogue.objects(n, path)]
            if without:
                more = f" and {len(without) - 1} more" if len(without) > 1 else ""
                where = without[0].value + more
                yield Defect(where, f"a {kind} has no {path}", _SETTINGS.get(path, ""))
    for node in _named(catalogue, "dcat:Dataset"):
        if "" in catalogue.texts(node, "dcterms:title"):
            yield Defect(node.value, "its title has no language")


def _records(catalogue: Graph) -> Iterator[PortalRecord]:
    """The datasets, as the portal will list them."""
    for node in _named(catalogue, "dcat:Dataset"):
        titles = catalogue.texts(node, "dcterms:title")
        publisher = catalogue.value(node, "dcterms:publisher")
        formats = dict.fromkeys(
            form.rpartition("/")[2]
            for part in catalogue.objects(node, "dcat:distribution")
            for form in _texts(catalogue, part, "dcterms:format")
        )
        yield PortalRecord(
            node.value,
            titles.get("en") or next(iter(titles.values()), node.value),
            text_of(catalogue.value(publisher, "foaf:name")),
            tuple(sorted(formats)),
            text_of(catalogue.value(node, "dcterms:modified"))[:10],
        )


def _named(catalogue: Graph, kind: str) -> list[ox.NamedNode]:
    """What has a name and is of a kind, in one order."""
    return sorted(catalogue.instances(kind), key=text_of)


def _texts(catalogue: Graph, node: Any, path: str) -> list[str]:
    return sorted(map(text_of, catalogue.objects(node, path)))


def _answer(got: Fetched) -> str:
    return f"it answers with HTTP {got.status}" if got.status else "it does not answer"
