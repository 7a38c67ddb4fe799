"""The formats that the engine writes: the choice of one, and an answer in one as another.

The engine writes XML with characters that XML 1.0 does not have, carriage returns that every reader
turns into newlines, and, where a predicate has no local name, an element without a name. A filter
(`XmlText`) makes it well-formed and lossless for every parser, or refuses.
"""

import io
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias, cast

import pyoxigraph as ox

from coprod_kg.errors import NotAcceptable
from coprod_kg.model.namespaces import prefixes
from coprod_kg.store.engine_errors import failed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["GRAPH_FORMATS", "RESULT_FORMATS", "XmlText", "choose", "rewritten"]

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

_NO_CHARACTER: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
"""What is no Char of XML 1.0, in UTF-8: control characters, U+FFFE and U+FFFF."""
_NO_NAME: Final = re.compile(rb'<(oxprefix|\w+):[ />](?:xmlns:\1="([^"]*))?')
_UNWRITTEN: Final = {
    *(
        f"http://www.w3.org/2001/XMLSchema#{name}"
        for name in ("boolean", "decimal", "double", "integer", "string")
    ),
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString",
}
"""Datatypes that Turtle leaves out."""
_SMALL_ANSWER: Final = 1000
"""Triples up to which an answer is looked through for its prefixes."""
_LONGEST: Final = 12
"""Bytes at the end of a piece in which the beginning of one of them may stand."""
_FIX: Final = "Ask for another format: JSON holds every row, Turtle and N-Triples every graph."

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
        return graph, _writer(graph, lambda file: _write_graph(triples, file, graph))
    rows = results
    table = _first(RESULT_FORMATS, media_types, "a SELECT or ASK query")
    return table, _writer(table, lambda file: rows.serialize(_file(file), RESULT_FORMATS[table]))


def rewritten(data: bytes, before: str, after: str, *, foreign: bool = False) -> bytes:
    """An answer in another format, the same bytes as if the store had written that.

    Args:
        data: rows or a truth value, or a graph.
        before: its media type: SPARQL JSON results, or one of `GRAPH_FORMATS`.
        after: the media type wanted.
        foreign: whether another engine wrote it, which spells a format in its own way.

    Raises:
        NotAcceptable: the format cannot hold it.
    """
    if before == after and not foreign:
        return data

    def write(file: io.RawIOBase) -> object:
        if after in GRAPH_FORMATS:
            triples = (quad.triple for quad in ox.parse(data, GRAPH_FORMATS[before]))
            return _write_graph(triples, file, after)
        rows: Any = ox.parse_query_results(data, RESULT_FORMATS[before])
        return rows.serialize(_file(file), RESULT_FORMATS[after])

    file: Any = io.BytesIO()
    try:
        _writer(after, write)(file)
    except (OSError, ValueError, SyntaxError) as error:
        raise failed(error, "query") from None
    written: bytes = file.getvalue()
    return written


def _write_graph(triples: Iterable[ox.Triple], file: io.RawIOBase, media_type: str) -> object:
    form = GRAPH_FORMATS[media_type]
    if form != ox.RdfFormat.TURTLE:
        return ox.serialize(triples, _file(file), form)
    # People read Turtle: it has prefixes, and of a small answer those alone that it uses.
    rest = iter(triples)
    first = list(islice(rest, _SMALL_ANSWER + 1))
    known = _used(first) if len(first) <= _SMALL_ANSWER else dict(prefixes())
    return ox.serialize(chain(first, rest), _file(file), form, prefixes=known)


def _used(triples: Iterable[ox.Triple]) -> dict[str, str]:
    """The prefixes of which a triple has an IRI."""
    iris = _iris(triples) - _UNWRITTEN
    spaces = {iri[: max(iri.rfind("#"), iri.rfind("/")) + 1] for iri in iris}
    return {prefix: space for prefix, space in prefixes().items() if space in spaces}


def _iris(triples: Iterable[ox.Triple]) -> set[str]:
    """The IRIs in triples, those of datatypes and in triples that are terms among them."""
    terms = {term for triple in triples for term in triple}
    iris = {term.value for term in terms if isinstance(term, ox.NamedNode)}
    iris |= {term.datatype.value for term in terms if isinstance(term, ox.Literal)}
    quoted = [term for term in terms if isinstance(term, ox.Triple)]
    return iris | _iris(quoted) if quoted else iris


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


class XmlText(io.RawIOBase):
    """A file for the engine's XML; `finish` it.

    Args:
        file: where it goes.
    """

    def __init__(self, file: io.RawIOBase) -> None:
        super().__init__()
        self._file = file
        self._held = b""

    def writable(self) -> bool:
        """True, as the engine asks of a file that it writes to."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Take some bytes.

        Raises:
            NotAcceptable: they cannot be XML.
        """
        piece = self._held + bytes(data)
        end = max(piece.rfind(b"<", -_LONGEST), piece.rfind(b"\xef", -2))
        end = len(piece) if end < 0 else end
        self._held = piece[end:]
        self._pass(piece[:end])
        return len(memoryview(data))

    def finish(self) -> None:
        """Take no more; raises what `write` raises."""
        self._pass(self._held)
        self._held = b""

    def _pass(self, piece: bytes) -> None:
        if match := _NO_CHARACTER.search(piece):
            code = ord(match[0].decode())
            raise NotAcceptable(
                f"the answer holds the character U+{code:04X}, which XML cannot", fix=_FIX
            )
        if match := _NO_NAME.search(piece):
            called = f" <{match[2].decode()}>" if match[2] else ""
            raise NotAcceptable(
                f"the answer holds a predicate{called} that does not end with a name, which "
                "RDF/XML cannot write",
                fix=_FIX,
            )
        self._file.write(piece.replace(b"\r", b"&#xD;"))
