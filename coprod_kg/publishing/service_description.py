"""The SPARQL 1.1 Service Description of this service, in RDF."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

__all__ = ["service_description"]

_SD: Final = "http://www.w3.org/ns/sparql-service-description#"
_VOID: Final = "http://rdfs.org/ns/void#"
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
_READ: Final = ("Turtle", "JSON-LD", "N-Triples", "RDF_XML")


def service_description(
    endpoint: str,
    graphs: Iterable[str],
    union: bool,
    media_type: str,
    numbers: Mapping[str, Mapping[str, int]] | None = None,
) -> bytes:
    """The SPARQL 1.1 Service Description.

    Args:
        endpoint: the absolute address of the endpoint.
        graphs: the names of the graphs of the dataset.
        union: whether the default graph is the union of them.
        media_type: the RDF format to write.
        numbers: graph → property of VoID → number, as far as it is counted; of the union of all
            graphs under the empty text.
    """
    form = RdfFormat.from_media_type(media_type) or RdfFormat.TURTLE
    prefixes = {"sd": _SD, "formats": _FORMATS, "void": _VOID} if form == RdfFormat.TURTLE else None
    written = serialize(
        _triples(endpoint, graphs, union, numbers or {}), format=form, prefixes=prefixes
    )
    return written or b""


def _triples(
    endpoint: str,
    graphs: Iterable[str],
    union: bool,
    numbers: Mapping[str, Mapping[str, int]],
) -> Iterator[Triple]:
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
    if union:
        yield from _counted(default, numbers.get("", {}))
    for number, graph in enumerate(graphs):
        node = BlankNode(f"graph{number}")
        yield Triple(dataset, _sd("namedGraph"), node)
        yield Triple(node, _TYPE, _sd("NamedGraph"))
        yield Triple(node, _sd("name"), NamedNode(graph))
        if graph in numbers:
            content = BlankNode(f"content{number}")
            yield Triple(node, _sd("graph"), content)
            yield Triple(content, _TYPE, _sd("Graph"))
            yield from _counted(content, numbers[graph])


def _counted(node: NamedNode | BlankNode, numbers: Mapping[str, int]) -> Iterator[Triple]:
    for name, number in numbers.items():
        yield Triple(node, NamedNode(name), Literal(number))


def _sd(name: str) -> NamedNode:
    return NamedNode(_SD + name)
