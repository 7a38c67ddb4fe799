"""Reader of RDF in any accepted format: bytes to triples, or the reason why not.

Call it only in a process that may be lost (`coprod_kg.ingest.child`): the parser gets untrusted
bytes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from xml.parsers import expat

import pyoxigraph as ox

from coprod_kg.errors import Unreadable
from coprod_kg.ingest.rdf_formats import RdfSyntax, likely_format
from coprod_kg.ingest.unread import of_graphs, of_keys
from coprod_kg.publishing.json_context import with_context_inside
from coprod_kg.validation.report import Finding

__all__ = ["NO_LANGUAGE", "RdfRead", "parser_xml", "read", "skolemised"]

_POSITION: Final = re.compile(r"^Parser error at line .*?: ", re.DOTALL)
_MAGIC: Final = (
    (b"PK\x03\x04", "a zip archive or an office document (such as .xlsx)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old office document (such as .xls)"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
)
_WIDE_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


@dataclass(frozen=True, slots=True)
class RdfRead:
    """The statements of a file, and findings on the parts that were left out.

    Attributes:
        triples: the statements.
        findings: the parts of the file that are no statements, and were left out.
    """

    triples: tuple[ox.Triple, ...]
    findings: tuple[Finding, ...]


def read(content: bytes, name: str, form: RdfSyntax, base_iri: str) -> RdfRead:
    """The statements in a file, and findings on its other parts.

    Args:
        content: the bytes.
        name: what to call the file in an error.
        form: the format they are in.
        base_iri: what relative IRIs are resolved against.

    Raises:
        Unreadable: the bytes are not RDF in that format; ``where`` holds line and column
            where they are known.
    """
    text = _text(content, name, form)
    if form.rdf == ox.RdfFormat.JSON_LD:
        text = with_context_inside(text)
    parser_input = text.encode()
    if form.rdf == ox.RdfFormat.RDF_XML:
        parser_input = parser_xml(parser_input, name, _fix(text, form.name))
    quads = list(_quads(parser_input, text, name, form, base_iri))
    if not quads:
        raise Unreadable(
            "there is not one statement in the file", where=name, fix="Send a file with data in it."
        )
    findings = of_keys(text, base_iri) if form.rdf == ox.RdfFormat.JSON_LD else ()
    findings = (*findings, *of_graphs(quads, base_iri))
    triples = tuple(quad.triple for quad in quads)
    if NO_LANGUAGE.encode() in parser_input.lower():
        triples = tuple(map(_without_no_language, triples))
    return RdfRead(triples, findings)


def skolemised(triples: Iterable[ox.Triple], base_iri: str) -> list[ox.Triple]:
    """The statements sorted and without duplicates, blank nodes skolemised.

    A blank node has no name outside its graph, but what we conclude about it lies in another
    graph: so each gets an IRI under ``.well-known/genid/`` (RDF 1.1, section 3.5), made from
    the content alone, the same on every submission of the same statements.
    """
    distinct = dict.fromkeys(triples)
    if not any(
        isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode)
        for triple in distinct
    ):
        return sorted(distinct, key=str)
    dataset = ox.Dataset(ox.Quad(*triple) for triple in distinct)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    canonical = sorted((quad.triple for quad in dataset), key=str)
    digest = sha256("\n".join(map(str, canonical)).encode()).hexdigest()[:16]
    stem = f"{base_iri}.well-known/genid/{digest}-"
    renamed = (
        ox.Triple(_skolem(triple.subject, stem), triple.predicate, _skolem(triple.object, stem))
        for triple in canonical
    )
    return sorted(renamed, key=str)


def _skolem(term: Any, stem: str) -> Any:
    return ox.NamedNode(stem + term.value) if isinstance(term, ox.BlankNode) else term


def _text(content: bytes, name: str, form: RdfSyntax) -> str:
    """The bytes as text; raises where they are in another format or encoding."""
    if not content.strip():
        raise Unreadable("the file is empty", where=name, fix="Send a file with data in it.")
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            raise Unreadable(
                f"this is {kind}, not {form.name}", where=name, fix="Save or export it as RDF."
            )
    wide = next((kind for mark, kind in _WIDE_MARKS if content.startswith(mark)), None)
    if wide or b"\0" in content[:64]:
        raise Unreadable(
            f"the file is in {wide or 'UTF-16'}, not in UTF-8",
            where=name,
            fix="Save it again with the encoding UTF-8.",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(content, error.start, name) from None


def _not_utf8(content: bytes, offset: int, name: str) -> Unreadable:
    line = content.count(b"\n", 0, offset) + 1
    guess = ""
    if content[offset] >= 0x80:
        character = content[offset : offset + 1].decode("cp1252", errors="replace")
        guess = f"; in Windows-1252 it would be {character!r}, which is likely what was meant"
    return Unreadable(
        f"the byte {content[offset]:#04x} is not UTF-8{guess}",
        where=f"{name}, line {line}",
        fix="Save the file again with the encoding UTF-8.",
    )


def _quads(
    parser_input: bytes, text: str, name: str, form: RdfSyntax, base_iri: str
) -> Iterator[ox.Quad]:
    try:
        for quad in ox.parse(parser_input, form.rdf, base_iri=base_iri):
            _refuse_rdf_12(quad, name)
            yield quad
    except SyntaxError as error:
        raise _syntax(error, text, name, form) from None
    except (ValueError, OSError) as error:
        raise Unreadable(f"this is not {form.name}: {error}", where=name) from None


def _without_no_language(triple: ox.Triple) -> ox.Triple:
    """The statement with a text that has no language where the language was taken away."""
    value = triple.object
    if isinstance(value, ox.Literal) and value.language == NO_LANGUAGE:
        return ox.Triple(triple.subject, triple.predicate, ox.Literal(value.value))
    return triple


def _refuse_rdf_12(quad: ox.Quad, name: str) -> None:
    if isinstance(quad.object, ox.Triple):
        raise Unreadable(
            f"a triple term of RDF 1.2 stands at {quad.subject} {quad.predicate}",
            where=name,
            fix="Say it with RDF 1.1: make the statement about a claim that has an IRI.",
        )
    if isinstance(quad.object, ox.Literal) and quad.object.direction is not None:
        raise Unreadable(
            f"a text with a direction (RDF 1.2) stands at {quad.subject} {quad.predicate}",
            where=name,
            fix='Leave the direction out: "…"@ar.',
        )


def _syntax(error: SyntaxError, text: str, name: str, form: RdfSyntax) -> Unreadable:
    reason = _POSITION.sub("", str(error.args[0])).strip()
    where = name
    if error.lineno:
        where = f"{name}, line {error.lineno}, column {error.offset}"
    if "LoadDocumentCallback" in reason:
        return Unreadable(
            "its @context is on another server, and no link in a file is followed",
            where=name,
            fix="Copy the context into the file.",
        )
    if "stack size" in reason:
        reason = "it is nested deeper than the parser can follow"
    return Unreadable(f"this is not {form.name}: {reason}", where=where, fix=_fix(text, form.name))


def _fix(text: str, read_as: str) -> str:
    """The advice on text that is not in the format it was read as."""
    likely = likely_format(text)
    if likely == "HTML":
        return "It is a web page (HTML): download the data rather than the page about it."
    if likely and likely != read_as and (likely, read_as) != ("Turtle", "TriG"):
        return f"It looks like {likely}: name the file so, or state its format."
    return f"Mend it at that place; the rest of the file was not read (as {read_as})."


NO_LANGUAGE: Final = "x-none"
"""The tag (for private use, RFC 5646) that stands for ``xml:lang=""`` on its way to the parser."""
_LANGUAGE: Final = "xml:lang"
_PARSE_TYPE: Final = re.compile(r"(?:^|:)parseType$")
_ATTRIBUTE: Final = re.compile(rb"""\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
_TAG: Final = re.compile(rb"<[^\s/>]+")


class _Doctype(Exception):
    """A document type declaration begins: the parse ends there."""


def parser_xml(content: bytes, name: str, fix: str) -> bytes:
    """The document as the RDF/XML parser takes it.

    XML 1.0, 2.12, takes a language away by an empty ``xml:lang``, which our parser refuses.

    Args:
        content: the document in UTF-8.
        name: what to call it in an error.
        fix: what to do where it is no XML.

    Raises:
        Unreadable: it is no XML, breaks off (the RDF/XML parser takes half a document for a whole
            one), or has a DOCTYPE.
    """
    parser = expat.ParserCreate("utf-8")
    scan = _LanguageScan(parser)
    try:
        parser.Parse(content, True)
    except _Doctype:
        raise Unreadable(
            "a DOCTYPE is refused: the entities it can define may grow without end",
            where=f"{name}, line {parser.CurrentLineNumber}",
            fix="Take out the DOCTYPE and write the IRIs in full.",
        ) from None
    except expat.ExpatError as error:
        complete = error.code != expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
        reason = expat.ErrorString(error.code) if complete else "it breaks off before its end"
        raise Unreadable(
            f"this is not XML: {reason}",
            where=f"{name}, line {error.lineno}, column {error.offset + 1}",
            fix=fix,
        ) from None
    for start in reversed(scan.without_language):
        content = _with_no_language(content, start)
    return content


class _LanguageScan:
    """Scanner for elements with an empty ``xml:lang``, outside XML literals."""

    def __init__(self, parser: Any) -> None:
        self.without_language: list[int] = []
        self._parser, self._literal = parser, 0
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    def _doctype(self, *_: Any) -> None:
        raise _Doctype

    def _start(self, _: str, attributes: dict[str, str]) -> None:
        literal = any(
            _PARSE_TYPE.search(name) and text not in ("Resource", "Collection")
            for name, text in attributes.items()
        )
        if not self._literal and attributes.get(_LANGUAGE) == "":
            self.without_language.append(self._parser.CurrentByteIndex)
        if self._literal or literal:
            self._literal += 1

    def _end(self, _: str) -> None:
        self._literal = max(0, self._literal - 1)


def _with_no_language(content: bytes, start: int) -> bytes:
    """The document with the empty language of the element that begins there replaced."""
    tag = _TAG.match(content, start)
    offset = tag.end() if tag else start
    while attribute := _ATTRIBUTE.match(content, offset):
        if attribute[1] == _LANGUAGE.encode() and len(attribute[2]) == len(b'""'):
            return (
                content[: attribute.start(2)]
                + f'"{NO_LANGUAGE}"'.encode()
                + content[attribute.end(2) :]
            )
        offset = attribute.end()
    return content
