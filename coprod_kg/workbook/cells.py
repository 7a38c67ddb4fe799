"""Conversion of one cell to RDF terms, by what its column holds."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import WrongUsage
from coprod_kg.model.namespaces import expand
from coprod_kg.model.terms import literal
from coprod_kg.validation.report import Severity
from coprod_kg.workbook.columns import Holds, SheetColumn
from coprod_kg.workbook.concepts import Choices
from coprod_kg.workbook.dates import day
from coprod_kg.workbook.findings import CellProblem
from coprod_kg.workbook.grid import CellKind, GridCell
from coprod_kg.workbook.sentences import Slot
from coprod_kg.workbook.words import language_of

__all__ = ["SHORT_LIST", "convert", "parts", "refusal", "text_and_language"]

SHORT_LIST: Final = 12
"""The most permitted values that are listed."""
_STRING: Final = expand("xsd:string")
"""Of a code such as a currency, which is in no language."""
_LANGUAGE: Final = re.compile(r"\s@([a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8})*)$")
_WEB: Final = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_BETWEEN_LINKS: Final = re.compile(r"[;,]?\s+|[;,](?=https?://)", re.IGNORECASE)
_OTHER_SEPARATORS: Final = re.compile(r"\s*[,/|+&•]\s*|\s+(?:and|og|und|or|eller|oder)\s+")
_DOI: Final = re.compile(r"(?:doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)
_CONTROLS: Final = frozenset(map(chr, range(32))) - {"\n", "\t"} | {"\ufffe", "\uffff"}
_YES: Final = frozenset({"yes", "true", "1", "x", "ja", "sand", "wahr", "y", "j"})
_NO: Final = frozenset({"no", "false", "0", "nej", "nein", "falsk", "falsch", "n"})


def convert(
    cell: GridCell, column: SheetColumn, language: str
) -> tuple[list[Any], list[CellProblem]]:
    """The terms in a cell of a column that refers to no other row.

    Args:
        cell: the cell.
        column: what the column holds; neither things nor identifiers.
        language: the language of the row's texts.
    """
    refused = refusal(cell)
    if refused:
        return [], [refused]
    made: list[Any] = []
    told: list[CellProblem] = []
    for converted in _CONVERTERS[column.holds](cell, column, language):
        (told if isinstance(converted, CellProblem) else made).append(converted)
    if len(made) > 1 and not column.many:
        return [], [_too_many(column)]
    return list(dict.fromkeys(made)), told


def refusal(cell: GridCell) -> CellProblem | None:
    """Why a cell is not looked into at all."""
    if cell.kind is CellKind.FORMULA or (cell.kind is CellKind.TEXT and cell.text[:1] == "="):
        return CellProblem("formula")
    if cell.kind is CellKind.ERROR:
        return CellProblem("error-value", {"value": cell.text[:20]})
    return None


def parts(text: str, choices: Callable[[str], bool]) -> list[str]:
    """The values in a cell: the whole where that is one, else what stands between ``;``."""
    text = text.strip()
    if choices(text) or not re.search(r"[;\n]", text):
        return [text]
    found = [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]
    return found or [text]  # marks between no values are no value either


def text_and_language(text: str, language: str) -> tuple[str, str]:
    """A text without the language that may stand behind it, and that language.

    >>> text_and_language("Kommunen @da", "en")
    ('Kommunen', 'da')
    """
    text = unescaped_text(text).strip()
    found = _LANGUAGE.search(text)
    if not found:
        return text, language
    return text[: found.start()].rstrip(), language_of(found[1]) or found[1].lower()


def unescaped_text(text: str) -> str:
    """The text without the mark that keeps a spreadsheet program from running it."""
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _texts(cell: GridCell, column: SheetColumn, language: str) -> list[Any]:
    source = cell.text.replace("\r\n", "\n").replace("\r", "\n")
    found = parts(source, lambda _: False) if column.many else [source]
    made: list[Any] = []
    for part in found:
        text, tag = text_and_language(unicodedata.normalize("NFC", part), language)
        if not text:
            continue
        odd = next(
            (c for c in text if (ord(c) < 32 and c not in "\n\t") or c in "\ufffe\uffff"), ""
        )
        if odd:
            made.append(CellProblem("bad-text.control", {"code": f"U+{ord(odd):04X}"}))
            continue
        try:
            made.append(
                literal(text) if column.datatype == _STRING else literal(text, language=tag)
            )
        except WrongUsage as error:
            made.append(CellProblem("bad-text", {"what": error.what}))
    return made


def _choices(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    choices = column.choices or Choices("", "", ())
    made: list[Any] = []
    slots: dict[str, Slot]
    for part in parts(cell.text, lambda text: bool(choices.find(text))):
        found = choices.find(part)
        if len(found) == 1:
            made.append(ox.NamedNode(found[0].iri))
            if not choices.is_proper(part):
                slots = {"value": part[:60], "concept": found[0]}
                made.append(CellProblem("read-as.concept", slots, severity=Severity.INFO))
        elif found:
            slots = {"value": part, "concepts": found}
            made.append(CellProblem("ambiguous-value", slots, permitted=found))
        else:
            several = other_separator(part, lambda text: bool(choices.find(text)), column)
            made.append(several or _unknown(part, choices))
    return made


def other_separator(
    text: str, known: Callable[[str], bool], column: SheetColumn
) -> CellProblem | None:
    """The problem of values separated by something else than a semicolon, or None.

    Args:
        text: what stands in the cell.
        known: whether a text is one of the values that may stand there.
        column: the column.
    """
    found = [part.strip() for part in _OTHER_SEPARATORS.split(text) if part.strip()]
    if len(found) < 2 or not all(map(known, found)):
        return None
    return CellProblem(
        "too-many-values.separator",
        {"value": text[:80], "count": len(found), "values": "; ".join(found)[:200]},
        "write" if column.many else "one-row-each",
    )


def _unknown(text: str, choices: Choices) -> CellProblem:
    near = choices.near(text)
    short = choices.members if len(choices.members) <= SHORT_LIST else ()
    return CellProblem(
        "unknown-value",
        {
            "value": text[:80],
            "list": choices.title,
            "meant": near,
            "values": short,
        },
        "meant" if near else "one-of" if short else "",
        short,
    )


def _links(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    made: list[Any] = []
    for link in _BETWEEN_LINKS.split(cell.text.strip().rstrip(";,")):
        link = link.strip("<>")
        try:
            made.append(ox.NamedNode(link) if _WEB.fullmatch(link) else _bad_link(link, cell.text))
        except ValueError:
            made.append(_bad_link(link, cell.text))
    told = [problem for problem in made if isinstance(problem, CellProblem)]
    return [told[0]] if told else made


def _bad_link(part: str, whole: str) -> CellProblem:
    doi = _DOI.fullmatch(part)
    meant = f"https://doi.org/{doi[1]}" if doi else ""
    if part.lower().startswith("www."):
        meant = f"https://{part}"
    slots = {"value": whole.strip()[:80]}
    if not meant:
        return CellProblem("bad-link", slots)
    return CellProblem("bad-link", {**slots, "link": meant}, "write-link")


def _days(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    return [day(cell)]


def _numbers(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    text = cell.text.strip().replace("\u00a0", "").replace("\u2212", "-")
    whole = bool(column.datatype and column.datatype.endswith(("integer", "int")))
    ambiguous = re.fullmatch(r"[+-]?\d{1,3},\d{3}", text)
    if _NUMBER.fullmatch(text) and not ambiguous:
        text = text.replace(",", ".")
        if whole and "." in text and float(text).is_integer():
            text = text.partition(".")[0]
        if not (whole and "." in text):
            return [literal(text, column.datatype or "decimal")]
    slots: dict[str, Slot] = {"value": cell.text.strip()[:60]}
    if ambiguous:
        slots["values"] = (text.replace(",", ""), text.replace(",", "."))
        return [CellProblem("bad-number", slots, "whichever")]
    return [CellProblem("bad-number", slots, "whole-number" if whole else "")]


def _yes_or_no(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    text = cell.text.strip().casefold()
    if text in _YES | _NO:
        return [literal("true" if text in _YES else "false", "boolean")]
    return [
        CellProblem("bad-yes-or-no", {"value": cell.text.strip()[:60]}, permitted=("yes", "no"))
    ]


def _too_many(column: SheetColumn) -> CellProblem:
    return CellProblem("too-many-values", {"column": column.header.lower()})


_CONVERTERS: Final[Mapping[Holds, Callable[[GridCell, SheetColumn, str], list[Any]]]] = {
    Holds.TEXT: _texts,
    Holds.CHOICE: _choices,
    Holds.LINK: _links,
    Holds.DATE: _days,
    Holds.NUMBER: _numbers,
    Holds.YES_OR_NO: _yes_or_no,
}
