"""Event parser of the XML parts of a workbook; refuses entities and document types.

OOXML has no document type, so a DOCTYPE is refused where it begins: no entity is ever defined.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from xml.parsers import expat

from coprod_kg.errors import Unreadable

__all__ = ["Attributes", "Handlers", "parse", "unescaped", "whole_number"]

Attributes = Mapping[str, str]
Handlers = tuple[
    Callable[[str, dict[str, str]], None], Callable[[str], None], Callable[[str], None]
]
"""What is called at the start of an element, at its end and for text, with local names."""
_LONGEST_NUMBER: Final = 9
_SURROGATES: Final = range(0xD800, 0xE000)
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


class _Doctype(Exception):
    """Breaks the parse off where a document type begins."""


def parse(chunks: Iterable[bytes], handlers: Handlers, where: str) -> None:
    """Parse one part, piece by piece.

    Args:
        chunks: its bytes.
        handlers: what is called for elements and text; names come without the prefix, where
            the outermost element has one.
        where: what to call the part in an error.

    Raises:
        Unreadable: it is not XML, or has a document type.
    """
    parser = _parser(handlers)
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except _Doctype:
        raise Unreadable(
            "a DOCTYPE inside the workbook is refused: the entities it can define may grow "
            "without end",
            where=where,
            fix="Open the file in a spreadsheet program and save it again as .xlsx.",
        ) from None
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise Unreadable(
            f"a part of the workbook is not XML: {error}",
            where=where,
            fix="Open the file in a spreadsheet program and save it again as .xlsx.",
        ) from None


def _parser(handlers: Handlers) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    start, end, text = handlers

    def begin(name: str, attributes: dict[str, str]) -> None:
        """Take the prefix off every name, where the outermost element has one."""
        if ":" in name:
            parser.StartElementHandler = lambda name, its: start(name.rpartition(":")[2], its)
            parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
        else:
            parser.StartElementHandler, parser.EndElementHandler = start, end
        start(name.rpartition(":")[2], attributes)

    parser.StartElementHandler = begin
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def unescaped(text: str) -> str:
    """The text with OOXML's own escapes undone.

    >>> unescaped("one_x0041_two")
    'oneAtwo'
    """
    if "_x" not in text:
        return text
    return _ESCAPE.sub(lambda match: _character(int(match[1], 16)), text)


def whole_number(text: str | None, default: int = 0) -> int:
    """The whole number that an attribute holds, or the default where it holds none.

    >>> whole_number("12"), whole_number(None), whole_number("-1"), whole_number("9" * 5000)
    (12, 0, 0, 0)
    """
    fits = text and len(text) <= _LONGEST_NUMBER and text.isascii() and text.isdigit()
    return int(text) if text and fits else default


def _character(code: int) -> str:
    """A character; half of a pair, which alone is none, as the mark for that."""
    return chr(code) if code not in _SURROGATES else "\ufffd"


def _refuse_doctype(*_: object) -> None:
    raise _Doctype
