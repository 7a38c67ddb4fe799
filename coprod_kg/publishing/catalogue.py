"""DCAT-AP 3.0.1 and VoID description of a version: catalogue, datasets, services, releases.

What every installation says stands in ``catalogue.ttl``; here is added what comes from the data,
from the settings (which `publish_model` put into the graph) and from the tags of versions.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.files import files
from coprod_kg.model.licence import LICENCE
from coprod_kg.model.linked import linked_datasets
from coprod_kg.model.namespaces import expand, last_part, prefixes, term
from coprod_kg.model.turtle import read
from coprod_kg.publishing.documents import document
from coprod_kg.publishing.serialisations import SERIALISATIONS, serialised
from coprod_kg.store.description import Described, Said

__all__ = ["describe", "seeds"]

_MEDIA: Final = "http://www.iana.org/assignments/media-types/"
_FILE_TYPES: Final = "http://publications.europa.eu/resource/authority/file-type/"
_AUTHORITY: Final = "http://publications.europa.eu/resource/authority/"
_THEMES: Final = f"{_AUTHORITY}data-theme/"
_PUBLIC: Final = ox.NamedNode(f"{_AUTHORITY}access-right/PUBLIC")
_IRREGULAR: Final = ox.NamedNode(f"{_AUTHORITY}frequency/IRREG")
_LANGUAGES: Final = {"en": "ENG", "da": "DAN", "de": "DEU"}
_SUFFIXES: Final = (
    *("", "#record"),
    *(f"#{name}{part}" for name in SERIALISATIONS for part in ("", "-sha256")),
)
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


def seeds(
    base_iri: str, root: str, publisher: tuple[str, str], contact: str, themes: Iterable[str]
) -> Iterator[ox.Triple]:
    """What the settings say of an installation; nothing for what is not set.

    Args:
        base_iri: where things have their names.
        root: the public address of the service.
        publisher: its name and its web address, either of them empty where it is not known.
        contact: a web address or an e-mail address.
        themes: codes of the themes of the European data portal.
    """
    graph = ox.NamedNode(f"{base_iri}graph/catalogue")
    yield ox.Triple(graph, _t("void:sparqlEndpoint"), ox.NamedNode(f"{root}sparql"))
    name, page = publisher
    if name:
        node = ox.NamedNode(f"{base_iri}catalogue#publisher")
        yield ox.Triple(graph, _t("dcterms:publisher"), node)
        yield ox.Triple(node, _t("rdf:type"), _t("foaf:Agent"))
        yield ox.Triple(node, _t("foaf:name"), ox.Literal(name))
        if page:
            yield ox.Triple(node, _t("foaf:homepage"), ox.NamedNode(page))
    if contact:
        node = ox.NamedNode(f"{base_iri}catalogue#contact")
        vcard = "http://www.w3.org/2006/vcard/ns#"
        address = "hasURL" if contact.startswith(("http://", "https://")) else "hasEmail"
        link = contact if ":" in contact else f"mailto:{contact}"
        yield ox.Triple(graph, _t("dcat:contactPoint"), node)
        yield ox.Triple(node, _t("rdf:type"), ox.NamedNode(f"{vcard}Kind"))
        yield ox.Triple(node, ox.NamedNode(f"{vcard}fn"), ox.Literal(name or link))
        yield ox.Triple(node, ox.NamedNode(f"{vcard}{address}"), ox.NamedNode(link))
    for code in themes:
        theme = ox.NamedNode(_THEMES + code)
        yield ox.Triple(graph, _t("dcat:theme"), theme)
        yield from (triple for triple in _parsed("themes.ttl", base_iri) if triple.subject == theme)


def describe(described: Described) -> Said:
    """What is to be said of a version; see `coprod_kg.store.description.Describe`."""
    return _Version(described).said()


@dataclass(frozen=True, slots=True)
class _Version:
    """A version that is being described."""

    described: Described

    @property
    def base(self) -> str:
        return self.described.base_iri

    @property
    def graph(self) -> ox.NamedNode:
        return ox.NamedNode(f"{self.base}graph/catalogue")

    def objects(
        self, subject: ox.NamedNode, path: str, graph: ox.NamedNode | None = None
    ) -> list[ox.NamedNode | ox.Literal]:
        quads = self.described.match(subject, _t(path), None, graph or self.graph)
        found = (quad.object for quad in quads)
        return [node for node in found if isinstance(node, ox.NamedNode | ox.Literal)]

    def said(self) -> Said:
        """Every part that may have changed."""
        said: dict[ox.NamedNode, list[ox.Triple]] = {}
        root, whole = self._root(), self.described.whole
        start, stem = f"{self.base}dataset/organisation-", f"{self.base}graph/organisation/"
        touched = {graph.removeprefix(stem) for graph in self._graphs() if graph.startswith(stem)}
        parts: list[ox.NamedNode] = []
        gone = self._listed(start) - touched if whole else set[str]()
        triples = list(self._static(root))
        for name in sorted(touched):
            told = list(self._organisation(name, root))
            triples += told
            if told:
                parts.append(self.dataset(f"organisation-{name}"))
            else:
                gone.add(name)
        own = [self.dataset(name) for name in ("all", "model", "releases")]
        releases = [self.dataset(f"release-{name}") for name in self.described.tags]
        triples += self._whole(root)
        members = [triple for node in (*own, *parts, *releases) for triple in self._members(node)]
        for triple in (*triples, *(members if whole else ())):
            said.setdefault(triple.subject, []).append(triple)
        for name in gone:
            for suffix in _SUFFIXES:
                said.setdefault(ox.NamedNode(f"{start}{name}{suffix}"), [])
        subjects = {subject: list(dict.fromkeys(told)) for subject, told in said.items()}
        if whole:
            return Said(subjects)
        left = [t for name in gone for t in self._members(ox.NamedNode(f"{start}{name}"))]
        return Said(subjects, left, members)

    def _members(self, node: ox.NamedNode) -> Iterator[ox.Triple]:
        """What says that a dataset is in the catalogue, and its record."""
        catalogue, record = ox.NamedNode(f"{self.base}catalogue"), f"{node.value}#record"
        yield ox.Triple(catalogue, _t("dcat:dataset"), node)
        yield ox.Triple(catalogue, _t("dcat:record"), ox.NamedNode(record))

    def _listed(self, start: str) -> set[str]:
        """The names of the datasets that are in the catalogue, after how they begin."""
        nodes = self.objects(ox.NamedNode(f"{self.base}catalogue"), "dcat:dataset")
        return {node.value.removeprefix(start) for node in nodes if node.value.startswith(start)}

    def _is_new(self, release: str) -> bool:
        node = self.dataset(f"release-{release}")
        quads = self.described.match(None, _t("dcat:dataset"), node, self.graph)
        return self.described.whole or not any(True for _ in quads)

    def dataset(self, name: str) -> ox.NamedNode:
        return ox.NamedNode(f"{self.base}dataset/{name}")

    def _graphs(self) -> Iterable[str]:
        return self.described.graphs

    def _root(self) -> str:
        found = self.objects(self.graph, "void:sparqlEndpoint")
        return found[0].value.removesuffix("sparql") if found else self.base

    def _parts(self) -> list[str]:
        """The datasets of ours that are told anew: those that changed."""
        described = self.described
        model = f"{self.base}graph/ontology" in described.graphs
        tagged = any(self._is_new(name) for name in described.tags)
        found = ["all"]
        found += ["model"] if described.whole or model else []
        return found + (["releases"] if described.whole or tagged else [])

    def _static(self, root: str) -> Iterator[ox.Triple]:
        parts = [self.dataset(name) for name in self._parts()]
        told = {*parts, ox.NamedNode(f"{self.base}catalogue")}
        for triple in _parsed("catalogue.ttl", self.base):
            subject, value = _placed(triple.subject, root), _placed(triple.object, root)
            if str(subject).startswith("<template:"):
                continue
            if self.described.whole or subject in told:
                yield ox.Triple(subject, triple.predicate, value)
        if self.described.whole:
            yield from linked_datasets()
        for node in parts:
            yield from self._common(node, root)

    def _common(self, node: ox.NamedNode, root: str) -> Iterator[ox.Triple]:
        """What is said alike of every dataset, and the record of it in the catalogue."""
        name = node.value.rpartition("/")[2]
        page = ox.NamedNode(f"{root}dataset/{name}")
        for path, value in (
            ("rdf:type", _t("dcat:Dataset")),
            ("rdf:type", _t("dcat:Resource")),
            ("dcterms:license", ox.NamedNode(LICENCE)),
            ("dcterms:accessRights", _PUBLIC),
            ("dcterms:accrualPeriodicity", _IRREGULAR),
            ("dcat:landingPage", page),
            ("dcat:keyword", ox.Literal("co-production", language="en")),
            ("dcat:keyword", ox.Literal("public services", language="en")),
            ("dcat:keyword", ox.Literal("samskabelse", language="da")),
            ("dcat:keyword", ox.Literal("Koproduktion", language="de")),
        ):
            yield ox.Triple(node, _t(path), value)
        yield ox.Triple(page, _t("rdf:type"), _t("foaf:Document"))
        for path in ("dcterms:publisher", "dcat:contactPoint", "dcat:theme"):
            yield from (
                ox.Triple(node, _t(path), value) for value in self.objects(self.graph, path)
            )

    def _record(self, node: ox.NamedNode, issued: str, modified: str) -> Iterator[ox.Triple]:
        record = ox.NamedNode(f"{node.value}#record")
        yield ox.Triple(record, _t("rdf:type"), _t("dcat:CatalogRecord"))
        yield ox.Triple(record, _t("foaf:primaryTopic"), node)
        for subject in (node, record):
            yield ox.Triple(subject, _t("dcterms:issued"), _moment(issued))
            yield ox.Triple(subject, _t("dcterms:modified"), _moment(modified))

    def _whole(self, root: str) -> Iterator[ox.Triple]:
        described, catalogue = self.described, ox.NamedNode(f"{self.base}catalogue")
        now, number = described.made.isoformat(timespec="milliseconds"), str(described.version)
        first = self._made(1) or now
        yield ox.Triple(catalogue, _t("dcterms:issued"), _moment(first))
        yield ox.Triple(catalogue, _t("dcterms:modified"), _moment(now))
        for path in ("dcterms:publisher",):
            for value in self.objects(self.graph, path):
                yield ox.Triple(catalogue, _t(path), value)
        parts = self._parts()
        everything, model = self.dataset("all"), self.dataset("model")
        yield ox.Triple(everything, _t("dcat:version"), ox.Literal(number))
        yield ox.Triple(everything, _t("void:uriSpace"), ox.Literal(self.base))
        for code in _LANGUAGES.values():
            language = ox.NamedNode(f"{_AUTHORITY}language/{code}")
            for node in (everything, model) if "model" in parts else (everything,):
                yield ox.Triple(node, _t("dcterms:language"), language)
        for thing in self._examples():
            yield ox.Triple(everything, _t("void:exampleResource"), thing)
        for name in parts:
            yield from self._record(self.dataset(name), first, now)
        yield from self._dumps(everything, number, root)
        if "model" in parts:
            yield from self._model(model, root)
        for name, version in described.tags.items():
            if self._is_new(name):
                yield from self._release(name, version, root)

    def _examples(self) -> list[ox.NamedNode]:
        kind = ox.NamedNode(term("Initiative"))
        found: list[ox.NamedNode] = []
        for quad in self.described.match(None, _t("rdf:type"), kind, ox.DefaultGraph()):
            if isinstance(quad.subject, ox.NamedNode):
                found.append(quad.subject)
            if len(found) == _EXAMPLES:
                break
        return found

    def _made(self, version: int) -> str | None:
        """When a version was made."""
        node = ox.NamedNode(f"{self.base}version/{version}")
        records = ox.NamedNode(f"{self.base}graph/provenance")
        found = self.objects(node, "prov:generatedAtTime", records)
        return found[0].value if found else None

    def _dumps(self, node: ox.NamedNode, version: str, root: str) -> Iterator[ox.Triple]:
        """The whole of a version as files; how large they are is known when they are made."""
        for name, (media, file_type) in _DUMPS.items():
            part = ox.NamedNode(f"{node.value}#{name}")
            address = f"{root}dump/{version}.{name}.gz"
            yield from self._distribution(node, part, address, (media, file_type))
            gzip = ox.NamedNode(f"{_MEDIA}application/gzip")
            yield ox.Triple(part, _t("dcat:compressFormat"), gzip)
            yield ox.Triple(node, _t("void:dataDump"), ox.NamedNode(address))

    def _distribution(
        self, node: ox.NamedNode, part: ox.NamedNode, address: str, kind: tuple[str, str]
    ) -> Iterator[ox.Triple]:
        media, file_type = kind
        yield ox.Triple(node, _t("dcat:distribution"), part)
        for path, value in (
            ("rdf:type", _t("dcat:Distribution")),
            ("dcterms:title", ox.Literal(address.rpartition("/")[2])),
            ("dcat:accessURL", ox.NamedNode(address)),
            ("dcat:downloadURL", ox.NamedNode(address)),
            ("dcat:mediaType", ox.NamedNode(_MEDIA + media)),
            ("dcterms:format", ox.NamedNode(_FILE_TYPES + file_type)),
            ("dcterms:license", ox.NamedNode(LICENCE)),
        ):
            yield ox.Triple(part, _t(path), value)

    def _size(self, part: ox.NamedNode, content: bytes) -> Iterator[ox.Triple]:
        """How large a file is, and its SHA-256."""
        # what the engine keeps; the document has the type that DCAT wants
        size = ox.Literal(str(len(content)), datatype=_t("xsd:integer"))
        checksum = ox.NamedNode(f"{part.value}-sha256")
        spdx = "http://spdx.org/rdf/terms#"
        digest = ox.Literal(sha256(content).hexdigest(), datatype=_t("xsd:hexBinary"))
        yield ox.Triple(part, _t("dcat:byteSize"), size)
        yield ox.Triple(part, ox.NamedNode(f"{spdx}checksum"), checksum)
        yield ox.Triple(checksum, _t("rdf:type"), ox.NamedNode(f"{spdx}Checksum"))
        algorithm = ox.NamedNode(f"{spdx}checksumAlgorithm_sha256")
        yield ox.Triple(checksum, ox.NamedNode(f"{spdx}algorithm"), algorithm)
        yield ox.Triple(checksum, ox.NamedNode(f"{spdx}checksumValue"), digest)

    def _model(self, node: ox.NamedNode, root: str) -> Iterator[ox.Triple]:
        path = (files("ontology") / "coprod.ttl",)
        for name, (media, file_type) in _MODEL_FILES.items():
            part = ox.NamedNode(f"{node.value}#{name}")
            address = f"{root}ontology.{name}"
            yield from self._distribution(node, part, address, (media, file_type))
            yield from self._size(part, document(path, media))
            yield ox.Triple(node, _t("void:dataDump"), ox.NamedNode(address))
        for mapped in sorted((files("ontology") / "alignments").glob("coprod-to-*.ttl")):
            yield from self._linksets(node, mapped, root)

    def _linksets(self, node: ox.NamedNode, path: Path, root: str) -> Iterator[ox.Triple]:
        """The mappings of the model to another vocabulary, a set for each kind of mapping."""
        name, triples = path.stem.removeprefix("coprod-to-"), read(path)
        source = expand("sssom:object_source")
        whose = next(triple.object for triple in triples if triple.predicate.value == source)
        counts = Counter(
            triple.predicate
            for triple in triples
            if str(triple.subject).startswith(f"<{prefixes()['cp']}")
            and triple.predicate != _t("rdf:type")
        )
        dump = ox.NamedNode(f"{root}ontology/alignments/{name}")
        for predicate, count in counts.items():
            part = ox.NamedNode(f"{node.value}#{name}-{last_part(predicate.value)}")
            number = ox.Literal(str(count), datatype=_t("xsd:integer"))
            yield ox.Triple(node, _t("void:subset"), part)
            yield ox.Triple(part, _t("rdf:type"), _t("void:Linkset"))
            yield ox.Triple(part, _t("void:subjectsTarget"), node)
            yield ox.Triple(part, _t("void:objectsTarget"), whose)
            yield ox.Triple(part, _t("void:linkPredicate"), predicate)
            yield ox.Triple(part, _t("void:triples"), number)
            yield ox.Triple(part, _t("void:dataDump"), dump)

    def _release(self, name: str, version: int, root: str) -> Iterator[ox.Triple]:
        node = self.dataset(f"release-{name}")
        made = self._made(version) or self.described.made.isoformat(timespec="milliseconds")
        yield from self._common(node, root)
        yield from self._named("release", node, {"": name})
        yield from self._record(node, made, made)
        yield from self._dumps(node, str(version), root)
        yield ox.Triple(node, _t("dcat:version"), ox.Literal(str(version)))
        yield ox.Triple(node, _t("dcterms:identifier"), ox.Literal(f"release-{name}"))
        yield ox.Triple(node, _t("dcat:inSeries"), self.dataset("releases"))

    def _named(
        self, kind: str, node: ox.NamedNode, names: Mapping[str, str]
    ) -> Iterator[ox.Triple]:
        """Title and description by a template, in each language that it has."""
        for triple in _parsed("catalogue.ttl", self.base):
            text = triple.object
            ours = triple.subject == ox.NamedNode(f"template:{kind}")
            if ours and isinstance(text, ox.Literal):
                name = names.get(text.language or "") or names[""]
                written = ox.Literal(text.value.replace("{}", name), language=text.language)
                yield ox.Triple(node, triple.predicate, written)

    def _organisation(self, name: str, root: str) -> Iterator[ox.Triple]:
        """One organisation's data; nothing where there is none."""
        graph = ox.NamedNode(f"{self.base}graph/organisation/{name}")
        links = ox.NamedNode(f"{self.base}graph/same-as/{name}")
        triples = [
            quad.triple
            for part in (graph, links)
            for quad in self.described.match(None, None, None, part)
        ]
        if not triples:
            return
        node = self.dataset(f"organisation-{name}")
        subject = ox.NamedNode(f"{self.base}id/organisation/{name}")
        yield from self._common(node, root)
        yield from self._named("organisation", node, self._names(subject, triples, name))
        number = str(self.described.version)
        issued, modified = self._sent(graph)
        yield from self._record(node, issued, modified)
        void = ox.Literal(str(len(triples)), datatype=_t("xsd:integer"))
        yield ox.Triple(node, _t("rdf:type"), _t("void:Dataset"))
        yield ox.Triple(node, _t("void:triples"), void)
        yield ox.Triple(node, _t("void:rootResource"), subject)
        # where the graph is hidden, this is how its dataset is found
        yield ox.Triple(node, _t("prov:wasDerivedFrom"), graph)
        yield ox.Triple(node, _t("dcterms:identifier"), ox.Literal(f"organisation-{name}"))
        yield ox.Triple(node, _t("dcat:version"), ox.Literal(number))
        yield from self._about(node, triples)
        yield from self._sender(node, graph)
        for form, (media, file_type) in SERIALISATIONS.items():
            part = ox.NamedNode(f"{node.value}#{form}")
            address = f"{root}dump/{number}/organisation-{name}.{form}"
            yield from self._distribution(node, part, address, (media, file_type))
            yield from self._size(part, serialised(triples, form, root))
            yield ox.Triple(node, _t("void:dataDump"), ox.NamedNode(address))

    def _names(
        self, subject: ox.NamedNode, triples: Iterable[ox.Triple], name: str
    ) -> dict[str, str]:
        found = {
            triple.object.language or "": triple.object.value
            for triple in triples
            if triple.subject == subject
            and triple.predicate == _t("rdfs:label")
            and isinstance(triple.object, ox.Literal)
        }
        other = found.get("en") or next(iter(found.values()), name)
        return {**found, "": found.get("") or other}

    def _about(self, node: ox.NamedNode, triples: Iterable[ox.Triple]) -> Iterator[ox.Triple]:
        """Languages and places that the data itself has."""
        country = ox.NamedNode(term("country"))
        for triple in triples:
            value = triple.object
            if isinstance(value, ox.Literal) and value.language in _LANGUAGES:
                language = f"{_AUTHORITY}language/{_LANGUAGES[value.language]}"
                yield ox.Triple(node, _t("dcterms:language"), ox.NamedNode(language))
            if triple.predicate == country and isinstance(value, ox.NamedNode):
                yield ox.Triple(node, _t("dcterms:spatial"), value)
                yield ox.Triple(value, _t("rdf:type"), _t("dcterms:Location"))

    def _sent(self, graph: ox.NamedNode) -> tuple[str, str]:
        """When data of a graph was sent first and last."""
        records = ox.NamedNode(f"{self.base}graph/provenance")
        times = [
            time.value
            for submission in self.objects(graph, "prov:wasGeneratedBy", records)
            if isinstance(submission, ox.NamedNode)
            for time in self.objects(submission, "prov:endedAtTime", records)
        ]
        now = self.described.made.isoformat(timespec="milliseconds")
        return min(times, default=now), max(times, default=now)

    def _sender(self, node: ox.NamedNode, graph: ox.NamedNode) -> Iterator[ox.Triple]:
        records = ox.NamedNode(f"{self.base}graph/provenance")
        senders = [
            agent
            for agent in self.objects(graph, "prov:wasAttributedTo", records)
            if isinstance(agent, ox.NamedNode)
        ]
        for agent in senders:
            names = self.objects(agent, "rdfs:label", records)
            if names:
                yield ox.Triple(node, _t("dcterms:creator"), agent)
                yield ox.Triple(agent, _t("rdf:type"), _t("foaf:Agent"))
                yield ox.Triple(agent, _t("foaf:name"), names[0])


def _placed(node: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple, root: str) -> ox.NamedNode:
    """A term of the template with the address of the service in the place of ``root:``."""
    if isinstance(node, ox.NamedNode) and node.value.startswith("root:"):
        return ox.NamedNode(root + node.value.removeprefix("root:"))
    return node  # type: ignore[return-value]  # a literal stays one; the template has nothing else


@cache
def _parsed(name: str, base_iri: str) -> tuple[ox.Triple, ...]:
    path = Path(__file__).with_name(name)
    quads = ox.parse(path=path, format=ox.RdfFormat.TURTLE, base_iri=base_iri)
    return tuple(quad.triple for quad in quads)


def _moment(text: str) -> ox.Literal:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return ox.Literal(moment.isoformat(timespec="seconds"), datatype=_t("xsd:dateTime"))


@cache
def _t(name: str) -> ox.NamedNode:
    return ox.NamedNode(expand(name))
