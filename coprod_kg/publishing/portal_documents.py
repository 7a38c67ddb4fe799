"""Documents for portals: the catalogue and the statistics as RDF, a dataset for its page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.graph import Graph, Node, text_of
from coprod_kg.model.namespaces import last_part, named
from coprod_kg.publishing.serialisations import written
from coprod_kg.queries.labels import concepts

__all__ = [
    "DatasetFile",
    "DatasetView",
    "File",
    "Paging",
    "dataset_list",
    "dataset_views",
    "portal_document",
]

_SHOWN: Final = (
    *("dcat:version", "dcterms:issued", "dcterms:modified", "dcat:keyword"),
    *("dcterms:license", "dcterms:publisher", "dcterms:creator", "dcterms:spatial"),
    *("dcterms:language", "void:triples", "void:rootResource", "dcat:theme"),
    *("dcat:landingPage", "dcterms:identifier", "dcterms:accessRights"),
    *("dcterms:isPartOf", "dcterms:hasPart", "dcterms:isVersionOf", "prov:wasDerivedFrom"),
)
_LABELLED: Final = ("dcterms:publisher", "dcterms:creator", "dcterms:language", "dcat:theme")
_LABELS: Final = ("skos:prefLabel", "foaf:name", "dcterms:title")


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a page of the catalogue stands among the others.

    Attributes:
        catalogue: the IRI of the catalogue.
        page: the address of this page.
        total: how many datasets there are.
        links: ``first``, ``previous``, ``next`` and ``last``, as far as there are any.
    """

    catalogue: str
    page: str
    total: int
    links: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class File:
    """A file that is there: its size and the SHA-256 of its bytes."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """A file of a dataset as its page shows it."""

    name: str
    address: str
    media_type: str
    size: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A dataset as its page shows it; texts by language.

    Attributes:
        iri: its name.
        titles: by language.
        descriptions: by language.
        values: short name of a property → its values; ``NAME label``, ``NAME homepage`` and
            ``NAME code`` → what is said of those values, where anything is.
        files: what can be downloaded.
    """

    iri: str
    titles: Mapping[str, str]
    descriptions: Mapping[str, str]
    values: Mapping[str, tuple[str, ...]]
    files: tuple[DatasetFile, ...]

    def one(self, name: str) -> str:
        """One value of a property, or nothing."""
        return next(iter(self.values.get(name, ())), "")


def portal_document(
    lines: bytes,
    media_type: str,
    paging: Paging | None = None,
    files: Mapping[str, File] | None = None,
) -> bytes:
    """Statements of the catalogue in a format.

    Args:
        lines: they, as N-Triples.
        media_type: of the format.
        paging: where they are a page of several.
        files: the address of a download → what is known of it since it was made.
    """
    triples = [*_typed(lines), *_sizes(lines, files or {}), *(_paged(paging) if paging else ())]
    return written(dict.fromkeys(triples), media_type)


def _typed(lines: bytes) -> Iterator[ox.Triple]:
    """The statements, sizes with the type that DCAT wants: the engine keeps one kind of integer."""
    sizes, integer = named("dcat:byteSize"), named("xsd:nonNegativeInteger")
    for triple in _read(lines):
        if triple.predicate == sizes and isinstance(triple.object, ox.Literal):
            value = ox.Literal(triple.object.value, datatype=integer)
            yield ox.Triple(triple.subject, triple.predicate, value)
        else:
            yield triple


def _sizes(lines: bytes, files: Mapping[str, File]) -> Iterator[ox.Triple]:
    for triple in _read(lines) if files else ():
        node = triple.object
        if triple.predicate != named("dcat:downloadURL") or not isinstance(node, ox.NamedNode):
            continue
        file, part = files.get(node.value), triple.subject
        if file is None or not isinstance(part, ox.NamedNode):
            continue
        size = ox.Literal(str(file.size), datatype=named("xsd:nonNegativeInteger"))
        digest = ox.Literal(file.sha256, datatype=named("xsd:hexBinary"))
        checksum = ox.NamedNode(f"{part.value}-sha256")
        algorithm = _spdx("checksumAlgorithm_sha256")
        yield ox.Triple(part, named("dcat:byteSize"), size)
        yield ox.Triple(part, _spdx("checksum"), checksum)
        yield ox.Triple(checksum, named("rdf:type"), _spdx("Checksum"))
        yield ox.Triple(checksum, _spdx("algorithm"), algorithm)
        yield ox.Triple(checksum, _spdx("checksumValue"), digest)
        yield ox.Triple(algorithm, named("rdf:type"), _spdx("ChecksumAlgorithm"))


def _paged(paging: Paging) -> Iterator[ox.Triple]:
    page = ox.NamedNode(paging.page)
    total = ox.Literal(str(paging.total), datatype=named("xsd:integer"))
    yield ox.Triple(page, named("rdf:type"), named("hydra:PartialCollectionView"))
    yield ox.Triple(page, named("hydra:totalItems"), total)
    yield ox.Triple(page, named("dcterms:isPartOf"), ox.NamedNode(paging.catalogue))
    for name, address in paging.links.items():
        yield ox.Triple(page, named(f"hydra:{name}"), ox.NamedNode(address))


def dataset_list(lines: bytes) -> tuple[tuple[str, str], ...]:
    """The datasets and when each was changed last, in the order of the catalogue's pages.

    Args:
        lines: what is said of that, as N-Triples.
    """
    return tuple(sorted((text_of(said.subject), text_of(said.object)) for said in _read(lines)))


def dataset_views(
    lines: bytes, iris: Iterable[str], made: Mapping[str, File] = MappingProxyType({})
) -> list[DatasetView]:
    """Datasets, of what the catalogue says of them.

    Args:
        lines: that, as N-Triples.
        iris: the datasets.
        made: the address of a download → what is known of it since it was made.
    """
    catalogue = Graph(_read(lines))
    return [_view(catalogue, iri, made) for iri in iris]


def _view(catalogue: Graph, iri: str, made: Mapping[str, File]) -> DatasetView:
    node = ox.NamedNode(iri)

    def label(other: Node) -> str:
        found = (_texts(catalogue, other, path) for path in _LABELS)
        return next((texts[0] for texts in found if texts), text_of(other))

    shown = {path: tuple(_texts(catalogue, node, path)) for path in _SHOWN}
    for path in _LABELLED:
        values = sorted(catalogue.objects(node, path), key=text_of)
        shown[f"{path} label"] = tuple(label(other) for other in values)
        shown[f"{path} homepage"] = tuple(
            text_of(catalogue.value(other, "foaf:homepage")) for other in values
        )
    shown["dcterms:spatial label"] = tuple(map(_place, shown["dcterms:spatial"]))
    languages = catalogue.objects(node, "dcterms:language")
    codes = (text_of(catalogue.value(other, "skos:notation")) for other in languages)
    shown["dcterms:language code"] = tuple(sorted(filter(None, codes)))
    titles = catalogue.texts(node, "dcterms:title")
    descriptions = catalogue.texts(node, "dcterms:description")
    return DatasetView(iri, titles, descriptions, shown, tuple(_files(catalogue, node, made)))


def _place(iri: str) -> str:
    """What a country is called in English; the catalogue has only its name in the EU's table."""
    concept = concepts().get(iri)
    return concept.label("en") if concept else last_part(iri)


def _files(
    catalogue: Graph, dataset: ox.NamedNode, made: Mapping[str, File]
) -> Iterator[DatasetFile]:
    for part in sorted(catalogue.objects(dataset, "dcat:distribution"), key=text_of):
        address = text_of(catalogue.value(part, "dcat:downloadURL"))
        size = text_of(catalogue.value(part, "dcat:byteSize"))
        checksum = catalogue.value(part, _spdx("checksum"))
        media = text_of(catalogue.value(part, "dcat:mediaType"))
        known = made.get(address)
        yield DatasetFile(
            text_of(catalogue.value(part, "dcterms:title")),
            address,
            media.partition("media-types/")[2],
            int(size) if size else known.size if known else None,
            text_of(catalogue.value(checksum, _spdx("checksumValue")))
            or (known.sha256 if known else ""),
        )


def _texts(catalogue: Graph, node: Node, path: str) -> list[str]:
    return sorted(map(text_of, catalogue.objects(node, path)))


def _read(lines: bytes) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(lines, format=ox.RdfFormat.N_TRIPLES)]


def _spdx(name: str) -> ox.NamedNode:
    return ox.NamedNode(f"http://spdx.org/rdf/terms#{name}")
