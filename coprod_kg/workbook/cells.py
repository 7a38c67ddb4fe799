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
from coprod_kg.workbook.columns import ColumnKind, SheetColumn
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
    problem = refusal(cell)
    if problem:
        return [], [problem]
    terms: list[Any] = []
    problems: list[CellProblem] = []
    for converted in _CONVERTERS[column.holds](cell, column, language):
        (problems if isinstance(converted, CellProblem) else terms).append(converted)
    if len(terms) > 1 and not column.many:
        return [], [_too_many(column)]
    return list(dict.fromkeys(terms)), problems


def refusal(cell: GridCell) -> CellProblem | None:
    """The problem of a cell that is not converted: a formula or an error value; else None."""
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
    values = [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]
    return values or [text]  # separators alone are no list: the cell is converted as it stands


def text_and_language(text: str, language: str) -> tuple[str, str]:
    """A text without the language that may stand behind it, and that language.

    >>> text_and_language("Kommunen @da", "en")
    ('Kommunen', 'da')
    """
    text = unescaped_text(text).strip()
    match = _LANGUAGE.search(text)
    if not match:
        return text, language
    return text[: match.start()].rstrip(), language_of(match[1]) or match[1].lower()


def unescaped_text(text: str) -> str:
    """The text without the mark that keeps a spreadsheet program from running it."""
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _texts(cell: GridCell, column: SheetColumn, language: str) -> list[Any]:
    source = cell.text.replace("\r\n", "\n").replace("\r", "\n")
    pieces = parts(source, lambda _: False) if column.many else [source]
    terms: list[Any] = []
    for part in pieces:
        text, tag = text_and_language(unicodedata.normalize("NFC", part), language)
        if not text:
            continue
        odd = next(
            (c for c in text if (ord(c) < 32 and c not in "\n\t") or c in "\ufffe\uffff"), ""
        )
        if odd:
            terms.append(CellProblem("bad-text.control", {"code": f"U+{ord(odd):04X}"}))
            continue
        try:
            terms.append(
                literal(text) if column.datatype == _STRING else literal(text, language=tag)
            )
        except WrongUsage as error:
            terms.append(CellProblem("bad-text", {"what": error.what}))
    return terms


def _choices(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    choices = column.choices or Choices("", "", ())
    terms: list[Any] = []
    slots: dict[str, Slot]
    for part in parts(cell.text, lambda text: bool(choices.find(text))):
        matches = choices.find(part)
        if len(matches) == 1:
            terms.append(ox.NamedNode(matches[0].iri))
            if not choices.is_proper(part):
                slots = {"value": part[:60], "concept": matches[0]}
                terms.append(CellProblem("read-as.concept", slots, severity=Severity.INFO))
        elif matches:
            slots = {"value": part, "concepts": matches}
            terms.append(CellProblem("ambiguous-value", slots, permitted=matches))
        else:
            separator_problem = other_separator(part, lambda text: bool(choices.find(text)), column)
            terms.append(separator_problem or _unknown(part, choices))
    return terms


def other_separator(
    text: str, is_value: Callable[[str], bool], column: SheetColumn
) -> CellProblem | None:
    """The problem of values separated by something else than a semicolon, or None.

    Args:
        text: the text of the cell.
        is_value: whether a text is one of the permitted values.
        column: the column.
    """
    values = [part.strip() for part in _OTHER_SEPARATORS.split(text) if part.strip()]
    if len(values) < 2 or not all(map(is_value, values)):
        return None
    return CellProblem(
        "too-many-values.separator",
        {"value": text[:80], "count": len(values), "values": "; ".join(values)[:200]},
        "write" if column.many else "one-row-each",
    )


def _unknown(text: str, choices: Choices) -> CellProblem:
    near = choices.near(text)
    short_list = choices.members if len(choices.members) <= SHORT_LIST else ()
    return CellProblem(
        "unknown-value",
        {
            "value": text[:80],
            "list": choices.title,
            "meant": near,
            "values": short_list,
        },
        "meant" if near else "one-of" if short_list else "",
        short_list,
    )


def _links(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    terms: list[Any] = []
    for link in _BETWEEN_LINKS.split(cell.text.strip().rstrip(";,")):
        link = link.strip("<>")
        try:
            terms.append(ox.NamedNode(link) if _WEB.fullmatch(link) else _bad_link(link, cell.text))
        except ValueError:
            terms.append(_bad_link(link, cell.text))
    problems = [problem for problem in terms if isinstance(problem, CellProblem)]
    return [problems[0]] if problems else terms


def _bad_link(part: str, cell_text: str) -> CellProblem:
    doi = _DOI.fullmatch(part)
    meant = f"https://doi.org/{doi[1]}" if doi else ""
    if part.lower().startswith("www."):
        meant = f"https://{part}"
    slots = {"value": cell_text.strip()[:80]}
    if not meant:
        return CellProblem("bad-link", slots)
    return CellProblem("bad-link", {**slots, "link": meant}, "write-link")


def _days(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    return [day(cell)]


def _numbers(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    text = cell.text.strip().replace("\u00a0", "").replace("\u2212", "-")
    integral = bool(column.datatype and column.datatype.endswith(("integer", "int")))
    ambiguous = re.fullmatch(r"[+-]?\d{1,3},\d{3}", text)
    if _NUMBER.fullmatch(text) and not ambiguous:
        text = text.replace(",", ".")
        if integral and "." in text and float(text).is_integer():
            text = text.partition(".")[0]
        if not (integral and "." in text):
            return [literal(text, column.datatype or "decimal")]
    slots: dict[str, Slot] = {"value": cell.text.strip()[:60]}
    if ambiguous:
        slots["values"] = (text.replace(",", ""), text.replace(",", "."))
        return [CellProblem("bad-number", slots, "whichever")]
    return [CellProblem("bad-number", slots, "whole-number" if integral else "")]


def _yes_or_no(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    text = cell.text.strip().casefold()
    if text in _YES | _NO:
        return [literal("true" if text in _YES else "false", "boolean")]
    return [
        CellProblem("bad-yes-or-no", {"value": cell.text.strip()[:60]}, permitted=("yes", "no"))
    ]


def _too_many(column: SheetColumn) -> CellProblem:
    return CellProblem("too-many-values", {"column": column.header.lower()})


_CONVERTERS: Final[Mapping[ColumnKind, Callable[[GridCell, SheetColumn, str], list[Any]]]] = {
    ColumnKind.TEXT: _texts,
    ColumnKind.CHOICE: _choices,
    ColumnKind.LINK: _links,
    ColumnKind.DATE: _days,
    ColumnKind.NUMBER: _numbers,
    ColumnKind.YES_OR_NO: _yes_or_no,
}
