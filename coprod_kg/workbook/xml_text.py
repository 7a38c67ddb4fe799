"""Preparation of XML for the RDF/XML parser: complete, no DOCTYPE, language tags not empty."""

import re
from typing import Any, Final
from xml.parsers import expat

from coprod_kg.errors import Unreadable

__all__ = ["NO_LANGUAGE", "prepared"]

NO_LANGUAGE: Final = "x-none"
"""The tag (for private use, RFC 5646) that stands for ``xml:lang=""`` on its way to the parser."""
_LANGUAGE: Final = "xml:lang"
_PARSE_TYPE: Final = re.compile(r"(?:^|:)parseType$")
_ATTRIBUTE: Final = re.compile(rb"""\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
_TAG: Final = re.compile(rb"<[^\s/>]+")


class _Doctype(Exception):
    """A document type declaration begins: the parse ends there."""


def prepared(content: bytes, name: str, fix: str) -> bytes:
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
    scan = _Scan(parser)
    try:
        parser.Parse(content, True)
    except _Doctype:
        raise Unreadable(
            "a DOCTYPE is refused: the entities it can define may grow without end",
            where=f"{name}, line {parser.CurrentLineNumber}",
            fix="Take out the DOCTYPE and write the IRIs in full.",
        ) from None
    except expat.ExpatError as error:
        whole = error.code != expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
        reason = expat.ErrorString(error.code) if whole else "it breaks off before its end"
        raise Unreadable(
            f"this is not XML: {reason}",
            where=f"{name}, line {error.lineno}, column {error.offset + 1}",
            fix=fix,
        ) from None
    for start in reversed(scan.without_language):
        content = _tagged(content, start)
    return content


class _Scan:
    """Where elements begin whose language is taken away, outside XML literals."""

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


def _tagged(content: bytes, start: int) -> bytes:
    """The document with the empty language of the element that begins there replaced."""
    tag = _TAG.match(content, start)
    at = tag.end() if tag else start
    while found := _ATTRIBUTE.match(content, at):
        if found[1] == _LANGUAGE.encode() and len(found[2]) == len(b'""'):
            return content[: found.start(2)] + f'"{NO_LANGUAGE}"'.encode() + content[found.end(2) :]
        at = found.end()
    return content
