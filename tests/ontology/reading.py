"""The ontology's files as graphs, and a way to look into them; it makes no claim itself."""

from functools import cache
from pathlib import Path

from rdflib import Graph, URIRef, Variable

from coprod_kg.model.files import files
from coprod_kg.model.namespaces import prefixes, prologue, shorten

FOLDER = files("ontology")
CORE = FOLDER / "coprod.ttl"
CP = prefixes()["cp"]
ONTOLOGY = URIRef("https://w3id.org/coprod/ontology")
ALIGNMENTS = sorted((FOLDER / "alignments").glob("*.ttl"))
CANONICAL = [CORE, FOLDER / "prefixes.ttl", *ALIGNMENTS]


@cache
def parsed(path: Path) -> Graph:
    graph = Graph(bind_namespaces="none")
    graph.parse(path, format="turtle")
    return graph


def found(pattern: str, graph: Graph | None = None) -> list[str]:
    """The short names of what a pattern finds in the ontology as ``?it``, in order."""
    graph = graph or parsed(CORE)
    query = f"{prologue()}SELECT DISTINCT ?it WHERE {{ {pattern} }}"
    return sorted(shorten(str(binding[Variable("it")])) for binding in graph.query(query).bindings)


DECLARED = "?it rdfs:isDefinedBy <https://w3id.org/coprod/ontology> ."
