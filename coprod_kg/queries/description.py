"""Catalogue of the saved queries in RDF (``sh:SPARQLExecutable``), which SPARQL editors read."""

from collections.abc import Iterator, Mapping
from typing import Final

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, serialize

from coprod_kg.model.namespaces import prefixes as known_prefixes
from coprod_kg.queries.library import SavedQuery

__all__ = ["catalogue", "entry"]

_TYPE: Final = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_SH: Final = "http://www.w3.org/ns/shacl#"
_SCHEMA: Final = "https://schema.org/"
_TERMS: Final = "http://purl.org/dc/terms/"
_RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
_ANY_URI: Final = NamedNode("http://www.w3.org/2001/XMLSchema#anyURI")


def catalogue(queries: Mapping[str, SavedQuery], base_iri: str, root: str = "") -> bytes:
    """The saved queries as ``sh:SPARQLExecutable``, in N-Triples.

    Args:
        queries: the saved queries, by name.
        base_iri: where the graph and the queries have their names.
        root: the public address of the service, where its endpoint is; else the base IRI.
    """
    return (
        serialize(
            _catalogue_triples(queries, base_iri, root or base_iri), format=RdfFormat.N_TRIPLES
        )
        or b""
    )


def _catalogue_triples(
    queries: Mapping[str, SavedQuery], base_iri: str, root: str
) -> Iterator[Triple]:
    prologue = NamedNode(f"{base_iri}graph/catalogue#prefixes")
    for prefix, namespace in known_prefixes().items():
        declaration = NamedNode(f"{base_iri}graph/catalogue#prefix-{prefix}")
        yield Triple(prologue, NamedNode(f"{_SH}declare"), declaration)
        yield Triple(declaration, NamedNode(f"{_SH}prefix"), Literal(prefix))
        yield Triple(
            declaration, NamedNode(f"{_SH}namespace"), Literal(namespace, datatype=_ANY_URI)
        )
    for query in queries.values():
        yield from entry(query, base_iri, root)


def entry(query: SavedQuery, base_iri: str, root: str) -> Iterator[Triple]:
    """The catalogue's triples about one saved query.

    Args:
        query: the saved query.
        base_iri: where it has its name.
        root: where the endpoint is.
    """
    node = NamedNode(f"{base_iri}queries/{query.name}")
    prologue = NamedNode(f"{base_iri}graph/catalogue#prefixes")
    yield Triple(node, NamedNode(f"{_SH}prefixes"), prologue)
    yield Triple(node, NamedNode(f"{_SCHEMA}target"), NamedNode(f"{root}sparql"))
    yield Triple(node, _TYPE, NamedNode(f"{_SH}SPARQLExecutable"))
    yield Triple(node, _TYPE, NamedNode(f"{_SH}SPARQL{query.form.capitalize()}Executable"))
    yield Triple(node, NamedNode(f"{_SH}{query.form.lower()}"), Literal(query.text))
    yield Triple(node, NamedNode(f"{_RDFS}comment"), Literal(query.summary, language="en"))
    yield Triple(node, NamedNode(f"{_TERMS}description"), Literal(query.description, language="en"))
    yield Triple(node, NamedNode(f"{_TERMS}identifier"), Literal(query.name))
    for tag in query.tags:
        yield Triple(node, NamedNode(f"{_SCHEMA}keywords"), Literal(tag))
