"""The formats that the engine writes, and the choice of one for the form of a query."""

import io
from collections.abc import Callable, Iterable, Mapping
from typing import IO, TypeAlias, cast

import pyoxigraph as ox

from coprod_kg.errors import NotAcceptable
from coprod_kg.model.namespaces import prefixes
from coprod_kg.store.xml_text import XmlText

__all__ = ["GRAPH_FORMATS", "RESULT_FORMATS", "choose"]

RESULT_FORMATS: Mapping[str, ox.QueryResultsFormat] = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "text/csv": ox.QueryResultsFormat.CSV,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}
"""Media type → what SELECT and ASK are written in."""

GRAPH_FORMATS: Mapping[str, ox.RdfFormat] = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
}
"""Media type → what CONSTRUCT and DESCRIBE are written in."""

Results: TypeAlias = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples

Serialise: TypeAlias = Callable[[io.RawIOBase], object]


def choose(results: Results, media_types: Iterable[str]) -> tuple[str, Serialise]:
    """The first of the media types that fits the form of the query.

    Returns:
        The media type, and a function that writes the answer to a file object.

    Raises:
        NotAcceptable: none does.
    """
    if isinstance(results, ox.QueryTriples):
        triples = results
        graph = _first(GRAPH_FORMATS, media_types, "a CONSTRUCT or DESCRIBE query")
        if graph == "text/turtle":  # people read it, so it has prefixes
            return graph, lambda file: ox.serialize(
                triples, _file(file), ox.RdfFormat.TURTLE, prefixes=dict(prefixes())
            )
        return graph, _writer(
            graph, lambda file: triples.serialize(_file(file), GRAPH_FORMATS[graph])
        )
    rows = results
    table = _first(RESULT_FORMATS, media_types, "a SELECT or ASK query")
    return table, _writer(table, lambda file: rows.serialize(_file(file), RESULT_FORMATS[table]))


def _writer(media_type: str, serialise: Serialise) -> Serialise:
    if not media_type.endswith("+xml"):
        return serialise

    def write(file: io.RawIOBase) -> None:
        text = XmlText(file)
        serialise(text)
        text.finish()

    return write


def _first(formats: Iterable[str], wanted: Iterable[str], form: str) -> str:
    for media_type in wanted:
        if media_type in formats:
            return media_type
    raise NotAcceptable(
        f"the answer to {form} is not written in {', '.join(wanted) or 'that format'}",
        fix="It is written in " + ", ".join(formats) + ".",
    )


def _file(file: io.RawIOBase) -> IO[bytes]:
    """The engine only ever calls ``write``, which any raw file has."""
    return cast("IO[bytes]", file)
