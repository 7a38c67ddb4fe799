"""What this service says of itself in RDF; it never claims a feature that is not there.

The catalogue of saved queries is written as editors of SPARQL read their galleries of examples.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

from coprod_kg.catalogue.queries import SavedQuery
from coprod_kg.namespaces import prefixes as known_prefixes

__all__ = ["catalogue", "entry", "service_description"]

_SD: Final = "http://www.w3.org/ns/sparql-service-description#"
_FORMATS: Final = "http://www.w3.org/ns/formats/"
_TYPE: Final = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_RESULTS: Final = (
    "SPARQL_Results_JSON",
    "SPARQL_Results_XML",
    "SPARQL_Results_CSV",
    "SPARQL_Results_TSV",
    "Turtle",
    "JSON-LD",
    "N-Triples",
    "RDF_XML",
)
_SH: Final = "http://www.w3.org/ns/shacl#"
_SCHEMA: Final = "https://schema.org/"
_TERMS: Final = "http://purl.org/dc/terms/"
_RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
_ANY_URI: Final = NamedNode("http://www.w3.org/2001/XMLSchema#anyURI")
_READ: Final = ("Turtle", "JSON-LD", "N-Triples", "RDF_XML")


def service_description(
    endpoint: str, graphs: Iterable[str], union: bool, media_type: str
) -> bytes:
    """The SPARQL 1.1 Service Description.

    Args:
        endpoint: the absolute address of the endpoint.
        graphs: the names of the graphs of the dataset.
        union: whether the default graph is the union of them.
        media_type: the RDF format to write.
    """
    form = RdfFormat.from_media_type(media_type) or RdfFormat.TURTLE
    prefixes = {"sd": _SD, "formats": _FORMATS} if form == RdfFormat.TURTLE else None
    written = serialize(_triples(endpoint, graphs, union), format=form, prefixes=prefixes)
    return written or b""


def _triples(endpoint: str, graphs: Iterable[str], union: bool) -> Iterator[Triple]:
    service = NamedNode(f"{endpoint}#service")
    dataset = NamedNode(f"{endpoint}#dataset")
    default = NamedNode(f"{endpoint}#default-graph")
    yield Triple(service, _TYPE, _sd("Service"))
    yield Triple(service, _sd("endpoint"), NamedNode(endpoint))
    yield Triple(service, _sd("supportedLanguage"), _sd("SPARQL11Query"))
    yield Triple(service, _sd("supportedLanguage"), _sd("SPARQL11Update"))
    for name in _READ:
        yield Triple(service, _sd("inputFormat"), NamedNode(_FORMATS + name))
    for name in _RESULTS:
        yield Triple(service, _sd("resultFormat"), NamedNode(_FORMATS + name))
    if union:
        yield Triple(service, _sd("feature"), _sd("UnionDefaultGraph"))
    yield Triple(service, _sd("defaultDataset"), dataset)
    yield Triple(dataset, _TYPE, _sd("Dataset"))
    yield Triple(dataset, _sd("defaultGraph"), default)
    yield Triple(default, _TYPE, _sd("Graph"))
    for number, graph in enumerate(graphs):
        node = BlankNode(f"graph{number}")
        yield Triple(dataset, _sd("namedGraph"), node)
        yield Triple(node, _TYPE, _sd("NamedGraph"))
        yield Triple(node, _sd("name"), NamedNode(graph))


def _sd(name: str) -> NamedNode:
    return NamedNode(_SD + name)


def catalogue(queries: Mapping[str, SavedQuery], base_iri: str, root: str = "") -> bytes:
    """The saved queries as ``sh:SPARQLExecutable``, in N-Triples.

    Args:
        queries: the saved queries, by name.
        base_iri: where the graph and the queries have their names.
        root: the public address of the service, where its endpoint is; else the base IRI.
    """
    return (
        serialize(_listed(queries, base_iri, root or base_iri), format=RdfFormat.N_TRIPLES) or b""
    )


def _listed(queries: Mapping[str, SavedQuery], base_iri: str, root: str) -> Iterator[Triple]:
    prologue = NamedNode(f"{base_iri}graph/catalogue#prefixes")
    for prefix, namespace in known_prefixes().items():
        declared = BlankNode(f"prefix-{prefix}")
        yield Triple(prologue, NamedNode(f"{_SH}declare"), declared)
        yield Triple(declared, NamedNode(f"{_SH}prefix"), Literal(prefix))
        yield Triple(declared, NamedNode(f"{_SH}namespace"), Literal(namespace, datatype=_ANY_URI))
    for query in queries.values():
        yield from entry(query, base_iri, root)


def entry(query: SavedQuery, base_iri: str, root: str) -> Iterator[Triple]:
    """What the catalogue says of one saved query.

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
