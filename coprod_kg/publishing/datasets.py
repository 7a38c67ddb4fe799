"""The datasets of a version in DCAT-AP 3.0.1 and VoID: what each is, its record, its files.

Texts that every installation has stand in ``catalogue.ttl``; here is added what comes from the
data, from the settings and from the tags of versions.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.files import files, read
from coprod_kg.model.namespaces import LICENCE, expand, last_part, named, prefixes, term
from coprod_kg.publishing.documents import document
from coprod_kg.store.description import VersionToDescribe

__all__ = ["LANGUAGES", "Datasets", "distribution", "moment", "number", "template"]

_MEDIA: Final = "http://www.iana.org/assignments/media-types/"
_FILE_TYPES: Final = "http://publications.europa.eu/resource/authority/file-type/"
_AUTHORITY: Final = "http://publications.europa.eu/resource/authority/"
_SPDX: Final = "http://spdx.org/rdf/terms#"
_PUBLIC: Final = ox.NamedNode(f"{_AUTHORITY}access-right/PUBLIC")
_IRREGULAR: Final = ox.NamedNode(f"{_AUTHORITY}frequency/IRREG")
_EXAMPLES: Final = 3
_MODEL_FILES: Final = {
    "ttl": ("text/turtle", "RDF_TURTLE"),
    "jsonld": ("application/ld+json", "JSON_LD"),
    "nt": ("application/n-triples", "RDF_N_TRIPLES"),
    "rdf": ("application/rdf+xml", "RDF_XML"),
}
_DUMPS: Final = {
    "nq": ("application/n-quads", "RDF_N_QUADS"),
    "trig": ("application/trig", "RDF_TRIG"),
}

LANGUAGES: Final = {
    code: ox.NamedNode(f"{_AUTHORITY}language/{name}")
    for code, name in (("en", "ENG"), ("da", "DAN"), ("de", "DEU"))
}
"""The languages of an installation in the table of the European Union."""


@dataclass(frozen=True, slots=True)
class Datasets:
    """The datasets of a version that is being described, each as statements.

    Attributes:
        version: it.
        root: the public address of the service.
    """

    version: VersionToDescribe
    root: str

    @property
    def base(self) -> str:
        """Where things and graphs have their names."""
        return self.version.base_iri

    @property
    def records(self) -> ox.NamedNode:
        """The graph that tells who sent what when."""
        return ox.NamedNode(f"{self.base}graph/provenance")

    @property
    def graph(self) -> ox.NamedNode:
        """The graph of the catalogue, of which the settings are said."""
        return ox.NamedNode(f"{self.base}graph/catalogue")

    def node(self, name: str) -> ox.NamedNode:
        """The IRI of a dataset."""
        return ox.NamedNode(f"{self.base}dataset/{name}")

    def values(
        self, subject: ox.NamedNode, path: str, graph: ox.NamedNode | None = None
    ) -> list[ox.NamedNode | ox.Literal]:
        """The values of a property in a graph, that of the catalogue where none is named."""
        quads = self.version.match(subject, named(path), None, graph or self.graph)
        found = (quad.object for quad in quads)
        return [node for node in found if isinstance(node, ox.NamedNode | ox.Literal)]

    def made(self, version: int) -> str | None:
        """When a version was made."""
        node = ox.NamedNode(f"{self.base}version/{version}")
        found = self.values(node, "prov:generatedAtTime", self.records)
        return found[0].value if found else None

    def own(self, name: str, issued: str, now: str) -> Iterator[ox.Triple]:
        """What a dataset that the service compiles has beside the texts of ``catalogue.ttl``."""
        node = self.node(name)
        yield from self.common(node)
        # who compiled what several sent is who publishes it
        for publisher in self.values(self.graph, "dcterms:publisher"):
            yield ox.Triple(node, named("dcterms:creator"), publisher)
        yield from self.record(node, issued, now)
        if name in ("all", "model"):
            for language in LANGUAGES.values():
                yield ox.Triple(node, named("dcterms:language"), language)
        if name == "all":
            yield from self._everything(node)
        elif name == "model":
            yield from self._model(node)
        elif name == "releases":
            yield from self._members(node)

    def _everything(self, node: ox.NamedNode) -> Iterator[ox.Triple]:
        version = str(self.version.number)
        yield ox.Triple(node, named("dcat:version"), ox.Literal(version))
        yield ox.Triple(node, named("void:uriSpace"), ox.Literal(self.base))
        for thing in self._examples():
            yield ox.Triple(node, named("void:exampleResource"), thing)
        yield from self._dumps(node, version)

    def _examples(self) -> list[ox.NamedNode]:
        kind = ox.NamedNode(term("Initiative"))
        found: list[ox.NamedNode] = []
        for quad in self.version.match(None, named("rdf:type"), kind, ox.DefaultGraph()):
            if isinstance(quad.subject, ox.NamedNode):
                found.append(quad.subject)
            if len(found) == _EXAMPLES:
                break
        return found

    def _model(self, node: ox.NamedNode) -> Iterator[ox.Triple]:
        path = (files("ontology") / "coprod.ttl",)
        for name, kind in _MODEL_FILES.items():
            address = f"{self.root}ontology.{name}"
            yield from distribution(node, name, address, kind, document(path, kind[0]))
        for mapped in sorted((files("ontology") / "alignments").glob("coprod-to-*.ttl")):
            yield from self._linksets(node, mapped)

    def _linksets(self, node: ox.NamedNode, path: Path) -> Iterator[ox.Triple]:
        """The mappings of the model to another vocabulary, a set for each kind of mapping."""
        name, triples = path.stem.removeprefix("coprod-to-"), read(path)
        source = expand("sssom:object_source")
        whose = next(triple.object for triple in triples if triple.predicate.value == source)
        counts = Counter(
            triple.predicate
            for triple in triples
            if str(triple.subject).startswith(f"<{prefixes()['cp']}")
            and triple.predicate != named("rdf:type")
        )
        dump = ox.NamedNode(f"{self.root}ontology/alignments/{name}")
        for predicate, count in counts.items():
            part = ox.NamedNode(f"{node.value}#{name}-{last_part(predicate.value)}")
            yield ox.Triple(node, named("void:subset"), part)
            yield ox.Triple(part, named("rdf:type"), named("void:Linkset"))
            yield ox.Triple(part, named("void:subjectsTarget"), node)
            yield ox.Triple(part, named("void:objectsTarget"), whose)
            yield ox.Triple(part, named("void:linkPredicate"), predicate)
            yield ox.Triple(part, named("void:triples"), number(count))
            yield ox.Triple(part, named("void:dataDump"), dump)

    def _members(self, series: ox.NamedNode) -> Iterator[ox.Triple]:
        """The members of the series, beside `dcat:inSeries` which each of them has.

        DCAT 3 allows the inverse only as an addition; it is a part, as `dcat:inSeries` is one of
        `dcterms:isPartOf`.
        """
        for name in self.version.tags:
            for path in ("dcat:seriesMember", "dcterms:hasPart"):
                yield ox.Triple(series, named(path), self.node(f"release-{name}"))

    def release(self, name: str, version: int) -> Iterator[ox.Triple]:
        """A version that was given a name."""
        node, series = self.node(f"release-{name}"), self.node("releases")
        made = self.made(version) or self.version.made.isoformat(timespec="milliseconds")
        yield from self.common(node)
        yield from self.named("release", node, {"": name})
        yield from self.record(node, made, made)
        yield from self._dumps(node, str(version))
        yield ox.Triple(node, named("dcat:version"), ox.Literal(str(version)))
        yield ox.Triple(node, named("dcterms:isVersionOf"), self.node("all"))
        for language in LANGUAGES.values():
            yield ox.Triple(node, named("dcterms:language"), language)
        yield ox.Triple(node, named("dcat:inSeries"), series)
        yield ox.Triple(node, named("dcterms:isPartOf"), series)  # which inSeries implies

    def common(self, node: ox.NamedNode) -> Iterator[ox.Triple]:
        """What is said alike of every dataset."""
        page = ox.NamedNode(f"{self.root}dataset/{last_part(node.value)}")
        for path, value in (
            ("rdf:type", named("dcat:Dataset")),
            ("rdf:type", named("dcat:Resource")),
            # unique among all catalogues: a harvester recognises the dataset by it
            ("dcterms:identifier", ox.Literal(node.value, datatype=named("xsd:anyURI"))),
            ("dcterms:license", ox.NamedNode(LICENCE)),
            ("dcterms:accessRights", _PUBLIC),
            ("dcterms:accrualPeriodicity", _IRREGULAR),
            ("dcat:landingPage", page),
            ("dcat:keyword", ox.Literal("co-production", language="en")),
            ("dcat:keyword", ox.Literal("public services", language="en")),
            ("dcat:keyword", ox.Literal("samskabelse", language="da")),
            ("dcat:keyword", ox.Literal("Koproduktion", language="de")),
        ):
            yield ox.Triple(node, named(path), value)
        yield ox.Triple(page, named("rdf:type"), named("foaf:Document"))
        for path in ("dcterms:publisher", "dcat:contactPoint", "dcat:theme"):
            for value in self.values(self.graph, path):
                yield ox.Triple(node, named(path), value)

    def named(self, kind: str, node: ox.NamedNode, names: Mapping[str, str]) -> Iterator[ox.Triple]:
        """Title and description by a template, in each language that it has."""
        for triple in template("catalogue.ttl", self.base):
            text = triple.object
            ours = triple.subject == ox.NamedNode(f"template:{kind}")
            if ours and isinstance(text, ox.Literal):
                name = names.get(text.language or "") or names[""]
                written = ox.Literal(text.value.replace("{}", name), language=text.language)
                yield ox.Triple(node, triple.predicate, written)

    def record(self, node: ox.NamedNode, issued: str, modified: str) -> Iterator[ox.Triple]:
        """The record of a dataset in the catalogue, and the dates of both."""
        record = ox.NamedNode(f"{node.value}#record")
        yield ox.Triple(record, named("rdf:type"), named("dcat:CatalogRecord"))
        yield ox.Triple(record, named("foaf:primaryTopic"), node)
        for subject in (node, record):
            yield ox.Triple(subject, named("dcterms:issued"), moment(issued))
            yield ox.Triple(subject, named("dcterms:modified"), moment(modified))

    def _dumps(self, node: ox.NamedNode, version: str) -> Iterator[ox.Triple]:
        """The whole of a version as files; how large they are is known when they are made."""
        for name, kind in _DUMPS.items():
            part = ox.NamedNode(f"{node.value}#{name}")
            yield from distribution(node, name, f"{self.root}dump/{version}.{name}.gz", kind)
            gzip = ox.NamedNode(f"{_MEDIA}application/gzip")
            yield ox.Triple(part, named("dcat:compressFormat"), gzip)


def distribution(
    node: ox.NamedNode,
    name: str,
    address: str,
    kind: tuple[str, str],
    content: bytes | None = None,
) -> Iterator[ox.Triple]:
    """A file of a dataset; how large it is, and its SHA-256, where its bytes are there."""
    (media, file_type), part = kind, ox.NamedNode(f"{node.value}#{name}")
    yield ox.Triple(node, named("dcat:distribution"), part)
    yield ox.Triple(node, named("void:dataDump"), ox.NamedNode(address))
    for path, value in (
        ("rdf:type", named("dcat:Distribution")),
        ("dcterms:title", ox.Literal(last_part(address))),
        ("dcat:accessURL", ox.NamedNode(address)),
        ("dcat:downloadURL", ox.NamedNode(address)),
        ("dcat:mediaType", ox.NamedNode(_MEDIA + media)),
        ("dcterms:format", ox.NamedNode(_FILE_TYPES + file_type)),
        ("dcterms:license", ox.NamedNode(LICENCE)),
    ):
        yield ox.Triple(part, named(path), value)
    if content is None:
        return
    checksum, algorithm = f"{part.value}-sha256", f"{_SPDX}checksumAlgorithm_sha256"
    digest = ox.Literal(sha256(content).hexdigest(), datatype=named("xsd:hexBinary"))
    for subject, predicate, value in (
        # the kind of integer that the engine keeps; the document has the type that DCAT wants
        (part, named("dcat:byteSize"), number(len(content))),
        (part, ox.NamedNode(f"{_SPDX}checksum"), ox.NamedNode(checksum)),
        (ox.NamedNode(checksum), named("rdf:type"), ox.NamedNode(f"{_SPDX}Checksum")),
        (ox.NamedNode(checksum), ox.NamedNode(f"{_SPDX}algorithm"), ox.NamedNode(algorithm)),
        (ox.NamedNode(checksum), ox.NamedNode(f"{_SPDX}checksumValue"), digest),
    ):
        yield ox.Triple(subject, predicate, value)


@cache
def template(name: str, base_iri: str) -> tuple[ox.Triple, ...]:
    """The statements of a Turtle file beside this module, its relative names below the base."""
    path = Path(__file__).with_name(name)
    quads = ox.parse(path=path, format=ox.RdfFormat.TURTLE, base_iri=base_iri)
    return tuple(quad.triple for quad in quads)


def moment(text: str) -> ox.Literal:
    """A moment to the second, in UTC."""
    when = datetime.fromisoformat(text).astimezone(UTC)
    return ox.Literal(when.isoformat(timespec="seconds"), datatype=named("xsd:dateTime"))


def number(count: int) -> ox.Literal:
    """A whole number, of the kind that the engine keeps."""
    return ox.Literal(str(count), datatype=named("xsd:integer"))
