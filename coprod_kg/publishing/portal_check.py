"""Check of a service as a portal meets it: harvest, rules, links, files and numbers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.namespaces import expand

__all__ = ["CheckedPortal", "Defect", "Fetch", "Fetched", "PortalRecord", "check_portal"]

_MOST_PAGES: Final = 10_000
_MOST_BYTES: Final = 64 << 20
"""Bytes of files that are read to compare their checksums; others are asked for their size."""
_SPDX: Final = "http://spdx.org/rdf/terms#"
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
_COUNTS: Final = (
    ("statements", "void:triples", "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"),
    ("subjects", "void:distinctSubjects", "SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s ?p ?o }"),
)
_CLASSES: Final = "SELECT ?c (COUNT(*) AS ?n) WHERE { ?s a ?c FILTER(ISIRI(?c)) } GROUP BY ?c"
_LINKS: Final = (
    "SELECT (COUNT(*) AS ?n) WHERE {{ ?s <{path}> ?o "
    'FILTER(ISIRI(?o) && STRSTARTS(STR(?o), "{space}")) }}'
)
_PROPERTIES: Final = "SELECT ?p (COUNT(*) AS ?n) WHERE { ?s ?p ?o } GROUP BY ?p"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a request was answered with.

    Attributes:
        status: of the answer, 0 where there was none.
        media_type: of its body, without parameters.
        headers: its other headers, by their names in small letters.
        content: its body.
    """

    status: int
    media_type: str
    headers: Mapping[str, str]
    content: bytes


Fetch = Callable[[str, str, str], Fetched]
"""Sends a request: method, address, what is accepted."""


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
    return _Check(root, fetch).run()


@dataclass(slots=True)
class _Check:
    root: str
    fetch: Fetch
    found: CheckedPortal = field(default_factory=CheckedPortal)
    triples: set[ox.Triple] = field(default_factory=set)
    said: dict[str, dict[str, list[ox.NamedNode | ox.Literal]]] = field(default_factory=dict)

    def run(self) -> CheckedPortal:
        version = self._harvest()
        for triple in self.triples:
            if isinstance(triple.subject, ox.BlankNode) and triple.object == _t("dcat:Dataset"):
                self._wrong(
                    str(triple.subject),
                    "a dataset is a blank node",
                    "Give it an IRI: a portal takes it for a new one at each harvest.",
                )
            if isinstance(triple.subject, ox.NamedNode) and isinstance(
                triple.object, ox.NamedNode | ox.Literal
            ):
                values = self.said.setdefault(triple.subject.value, {})
                values.setdefault(triple.predicate.value, []).append(triple.object)
        if self.triples:
            self._rules()
            self._links()
            self._numbers(version)
            self._show()
        return self.found

    def _wrong(self, where: str, what: str, fix: str = "") -> None:
        self.found.defects.append(Defect(where, what, fix))

    def _harvest(self) -> str:
        """Take the catalogue page by page, as ckanext-dcat does: HEAD, then GET, any format."""
        address: str | None = f"{self.root}catalogue"
        kind, seen, versions = "", set[str](), set[str]()
        while address and address not in seen and len(seen) < _MOST_PAGES:
            seen.add(address)
            head = self.fetch("HEAD", address, "*/*")
            page = self.fetch("GET", address, "*/*")
            if page.status != 200:
                self._wrong(address, _answer(page), "Check it again when the service is well.")
                return ""
            if head.status != 200 or head.media_type != page.media_type:
                told = f"HEAD gets {head.status} {head.media_type}"
                self._wrong(address, f"{told}, GET {page.status} {page.media_type}")
            kind = kind or page.media_type
            form = ox.RdfFormat.from_media_type(kind)
            if form is None or page.media_type != kind:
                what = f"page 1 is {kind}" if page.media_type != kind else "that is no RDF"
                self._wrong(address, f"it is {page.media_type}, and {what}")
                return ""
            try:
                triples = {quad.triple for quad in ox.parse(page.content, format=form)}
            except (SyntaxError, ValueError) as error:
                self._wrong(address, f"it cannot be read: {error}")
                return ""
            self.triples |= triples
            self.found.pages += 1
            versions.add(page.headers.get("dataset-version", ""))
            address = next(
                (str(t.object.value) for t in triples if t.predicate == _t("hydra:next")),
                None,
            )
        if len(versions) > 1:
            self._wrong(f"{self.root}catalogue", "its pages are of several versions")
        return versions.pop() if versions else ""

    def _of(self, kind: str) -> list[str]:
        path, node = expand("rdf:type"), _t(kind)
        return sorted(name for name, values in self.said.items() if node in values.get(path, ()))

    def _values(self, subject: str, path: str) -> list[str]:
        iri = path if "://" in path else expand(path)
        return sorted(node.value for node in self.said.get(subject, {}).get(iri, ()))

    def _rules(self) -> None:
        missing: dict[tuple[str, str], list[str]] = {}
        for kind, paths in _NEEDED:
            for node in self._of(kind):
                for path in paths:
                    if not self._values(node, path):
                        missing.setdefault((kind, path), []).append(node)
        for (kind, path), nodes in missing.items():
            more = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
            self._wrong(nodes[0] + more, f"a {kind} has no {path}", _SETTINGS.get(path, ""))
        for node in self._of("dcat:Dataset"):
            titles = self.said[node].get(expand("dcterms:title"), [])
            if any(isinstance(title, ox.Literal) and not title.language for title in titles):
                self._wrong(node, "its title has no language")

    def _links(self) -> None:
        """Follow every link, and compare the files with what is said of them."""
        left = _MOST_BYTES
        for part in self._of("dcat:Distribution"):
            for address in self._values(part, "dcat:downloadURL"):
                sizes = self._values(part, "dcat:byteSize")
                size = int(sizes[0]) if sizes else None
                sums = self._values(part, f"{_SPDX}checksum")
                digests = self._values(sums[0], f"{_SPDX}checksumValue") if sums else []
                whole = size is not None and size <= left and bool(digests)
                left -= size if whole and size is not None else 0
                self._file(address, size, digests[0] if whole else "")
        for kind, path in (("dcat:Dataset", "dcat:landingPage"), ("dcat:Dataset", "")):
            for node in self._of(kind):
                for address in self._values(node, path) if path else [node]:
                    self._page(address)
        for node in self._of("dcat:DataService"):
            for path in ("dcat:endpointURL", "dcat:endpointDescription"):
                for address in self._values(node, path):
                    question = "?default" if address.endswith("/data") else ""
                    self._follow("GET", address + question)

    def _page(self, address: str) -> None:
        base = next(iter(self._of("dcat:Catalog")), "").removesuffix("catalogue")
        # a name below the base is looked for here, where the base leads to
        named = bool(base) and address.startswith(base)
        self._follow("GET", self.root + address.removeprefix(base) if named else address)

    def _file(self, address: str, size: int | None, digest: str) -> None:
        got = self._follow("GET" if digest else "HEAD", address)
        if got is None:
            return
        length = got.headers.get("content-length")
        told = len(got.content) if digest else int(length) if length else None
        if size is not None and told is not None and told != size:
            self._wrong(address, f"it has {told} bytes, the catalogue says {size}")
        if digest:
            self.found.files += 1
            if sha256(got.content).hexdigest() != digest.lower():
                self._wrong(address, "its SHA-256 is not the one in the catalogue")

    def _follow(self, method: str, address: str) -> Fetched | None:
        self.found.links += 1
        got = self.fetch(method, address, "*/*")
        if got.status != 200:
            self._wrong(address, _answer(got))
            return None
        return got

    def _numbers(self, version: str) -> None:
        """Compare the statistics with what a query counts in the same version."""
        got = self._follow("GET", f"{self.root}.well-known/void?version={version}")
        if got is None:
            return
        form = ox.RdfFormat.from_media_type(got.media_type) or ox.RdfFormat.TURTLE
        void = list(ox.parse(got.content, format=form))
        parts = {q.object for q in void if q.predicate == _t("void:propertyPartition")}
        divided = (q.subject for q in void if q.predicate == _t("void:classPartition"))
        whole = next((node for node in divided if node not in parts), None)
        for name, path, text in _COUNTS:
            said = [q.object for q in void if q.subject == whole and q.predicate == _t(path)]
            counted = self._rows(text, version)
            told = said[0].value if said and isinstance(said[0], ox.Literal) else "nothing"
            self._compare(name, told, counted[0][-1] if counted else "nothing")
        by_node: dict[str, dict[str, str]] = {}
        for quad in void:
            if isinstance(quad.subject, ox.NamedNode) and isinstance(
                quad.object, ox.NamedNode | ox.Literal
            ):
                path = quad.predicate.value
                by_node.setdefault(quad.subject.value, {})[path] = quad.object.value
        for link, of, number, text in (
            ("void:classPartition", "void:class", "void:entities", _CLASSES),
            ("void:propertyPartition", "void:property", "void:triples", _PROPERTIES),
        ):
            parts = [q.object for q in void if q.subject == whole and q.predicate == _t(link)]
            nodes = (by_node[part.value] for part in parts if isinstance(part, ox.NamedNode))
            said_of = {node[expand(of)]: node[expand(number)] for node in nodes}
            counted_of = {row[0]: row[-1] for row in self._rows(text, version)}
            for name in sorted({*said_of, *counted_of}):
                self._compare(name, said_of.get(name, "0"), counted_of.get(name, "0"))
        sets = [q.object for q in void if q.subject == whole and q.predicate == _t("void:subset")]
        for part in sets:
            node = by_node.get(part.value, {}) if isinstance(part, ox.NamedNode) else {}
            path = node.get(expand("void:linkPredicate"), "")
            target = by_node.get(node.get(expand("void:objectsTarget"), ""), {})
            space = target.get(expand("void:uriSpace"), "")
            counted = self._rows(_LINKS.format(path=path, space=space), version)
            told = node.get(expand("void:triples"), "nothing")
            self._compare(f"{path} to {space}", told, counted[0][-1] if counted else "nothing")

    def _compare(self, what: str, said: str, counted: str) -> None:
        self.found.counts += 1
        if said != counted:
            self._wrong(what, f"the statistics say {said}, a query counts {counted}")

    def _rows(self, text: str, version: str) -> list[list[str]]:
        address = f"{self.root}sparql?version={version}&query=" + _quoted(text)
        got = self.fetch("GET", address, "text/csv")
        if got.status != 200:
            self._wrong(f"{self.root}sparql", f"a query: {_answer(got)}")
            return []
        return [line.split(",") for line in got.content.decode().splitlines()[1:]]

    def _show(self) -> None:
        for node in self._of("dcat:Dataset"):
            titles = {
                title.language: title.value
                for title in self.said[node].get(expand("dcterms:title"), [])
                if isinstance(title, ox.Literal)
            }
            publishers = self._values(node, "dcterms:publisher")
            names = self._values(publishers[0], "foaf:name") if publishers else []
            formats = [
                form.rpartition("/")[2]
                for part in self._values(node, "dcat:distribution")
                for form in self._values(part, "dcterms:format")
            ]
            modified = self._values(node, "dcterms:modified")
            self.found.records.append(
                PortalRecord(
                    node,
                    titles.get("en") or next(iter(titles.values()), node),
                    names[0] if names else "",
                    tuple(dict.fromkeys(formats)),
                    modified[0][:10] if modified else "",
                )
            )


def _answer(got: Fetched) -> str:
    return f"it answers with HTTP {got.status}" if got.status else "it does not answer"


def _quoted(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", lambda sign: f"%{ord(sign[0]):02X}", text)


def _t(name: str) -> ox.NamedNode:
    return ox.NamedNode(expand(name))
