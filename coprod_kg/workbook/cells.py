"""Conversion of one cell to RDF terms, by what its column holds."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import WrongUsage
from coprod_kg.model.terms import literal
from coprod_kg.validation.report import Severity
from coprod_kg.workbook.columns import Holds, SheetColumn
from coprod_kg.workbook.concepts import Choice, Choices
from coprod_kg.workbook.dates import NotADay, day
from coprod_kg.workbook.findings import Fault
from coprod_kg.workbook.grid import CellKind, GridCell
from coprod_kg.workbook.words import language_of

__all__ = ["SHORT_LIST", "CellProblem", "convert", "parts", "refusal", "text_and_language"]

SHORT_LIST: Final = 12
"""The most permitted values that are listed."""
_LANGUAGE: Final = re.compile(r"\s@([a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8})*)$")
_WEB: Final = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_BETWEEN_LINKS: Final = re.compile(r"[;,]?\s+|[;,](?=https?://)", re.IGNORECASE)
_OTHER_SEPARATORS: Final = re.compile(r"\s*[,/|+&•]\s*|\s+(?:and|og|und|or|eller|oder)\s+")
_DOI: Final = re.compile(r"(?:doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)
_CONTROLS: Final = frozenset(map(chr, range(32))) - {"\n", "\t"} | {"\ufffe", "\uffff"}
_YES: Final = frozenset({"yes", "true", "1", "x", "ja", "sand", "wahr", "y", "j"})
_NO: Final = frozenset({"no", "false", "0", "nej", "nein", "falsk", "falsch", "n"})


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong with a cell.

    Attributes:
        fault: what kind of thing.
        message: what was expected and what arrived.
        fix: what to do.
        permitted: the values that may stand there, where they are few.
        severity: how much it weighs.
    """

    fault: Fault
    message: str
    fix: str
    permitted: tuple[str, ...] = ()
    severity: Severity = Severity.VIOLATION


def convert(
    cell: GridCell, column: SheetColumn, language: str, labels: str = "en"
) -> tuple[list[Any], list[CellProblem]]:
    """The terms in a cell of a column that refers to no other row.

    Args:
        cell: the cell.
        column: what the column holds; neither things nor identifiers.
        language: the language of the row's texts.
        labels: the language in which words of lists are told.
    """
    refused = refusal(cell)
    if refused:
        return [], [refused]
    made: list[Any] = []
    told: list[CellProblem] = []
    tongue = labels if column.holds is Holds.CHOICE else language
    for converted in _CONVERTERS[column.holds](cell, column, tongue):
        (told if isinstance(converted, CellProblem) else made).append(converted)
    if len(made) > 1 and not column.many:
        return [], [_too_many(column)]
    return list(dict.fromkeys(made)), told


def refusal(cell: GridCell) -> CellProblem | None:
    """Why a cell is not looked into at all."""
    if cell.kind is CellKind.FORMULA or (cell.kind is CellKind.TEXT and cell.text[:1] == "="):
        return CellProblem(
            Fault.FORMULA,
            "a formula stands here, and only values are read",
            "Copy the cell and paste it as a value (Paste special, Values).",
        )
    if cell.kind is CellKind.ERROR:
        return CellProblem(
            Fault.ERROR_VALUE,
            f"the spreadsheet program shows the error {cell.text[:20]}",
            "Write the value itself, or empty the cell.",
        )
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
            made.append(
                CellProblem(
                    Fault.BAD_TEXT,
                    f"the text holds the control character U+{ord(odd):04X}",
                    "Retype the text by hand.",
                )
            )
            continue
        try:
            made.append(literal(text, language=tag))
        except WrongUsage as error:
            made.append(CellProblem(Fault.BAD_TEXT, error.what, "Retype the text by hand."))
    return made


def _choices(cell: GridCell, column: SheetColumn, language: str) -> list[Any]:
    choices = column.choices or Choices("", "", ())
    made: list[Any] = []
    for part in parts(cell.text, lambda text: bool(choices.find(text))):
        found = choices.find(part)
        if len(found) == 1:
            made.append(ox.NamedNode(found[0].iri))
            if not choices.is_proper(part):
                made.append(_read_as(part, found[0], language))
        elif found:
            made.append(_ambiguous(part, found, language))
        else:
            several = other_separator(part, lambda text: bool(choices.find(text)), column)
            made.append(several or _unknown(part, choices, language))
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
        Fault.TOO_MANY_VALUES,
        f"{text[:80]!r} are {len(found)} values, and only a semicolon parts values",
        f"Write {'; '.join(found)}"[:200] + "."
        if column.many
        else "Keep one value, and give each other one a row of its own.",
    )


def _read_as(text: str, choice: Choice, language: str) -> CellProblem:
    return CellProblem(
        Fault.READ_AS,
        f"{text[:60]!r} was read as {choice.label(language)}",
        "If you mean something else, choose it from the list in the cell.",
        severity=Severity.INFO,
    )


def _ambiguous(text: str, found: tuple[Choice, ...], language: str) -> CellProblem:
    names = tuple(choice.label(language) for choice in found)
    return CellProblem(
        Fault.AMBIGUOUS_VALUE,
        f"{text!r} may be {' or '.join(names)}",
        "Write the one you mean.",
        names,
    )


def _unknown(text: str, choices: Choices, language: str) -> CellProblem:
    labels = tuple(member.label(language) for member in choices.members)
    near = choices.near(text)
    short = labels if len(labels) <= SHORT_LIST else ()
    if near:
        fix = f"Did you mean {' or '.join(near)}?"
    elif short:
        fix = f"Write one of: {', '.join(short)}."
    else:
        fix = "Choose from the list in the cell, or see the sheet Explanations."
    return CellProblem(
        Fault.UNKNOWN_VALUE, f"{text[:80]!r} is not in the list {choices.title}", fix, short
    )


def _links(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    made: list[Any] = []
    for one in _BETWEEN_LINKS.split(cell.text.strip().rstrip(";,")):
        one = one.strip("<>")
        try:
            made.append(ox.NamedNode(one) if _WEB.fullmatch(one) else _bad_link(one, cell.text))
        except ValueError:
            made.append(_bad_link(one, cell.text))
    told = [problem for problem in made if isinstance(problem, CellProblem)]
    return [told[0]] if told else made


def _bad_link(part: str, whole: str) -> CellProblem:
    doi = _DOI.fullmatch(part)
    fix = "Write the whole address, such as https://example.org/report."
    if doi:
        fix = f"Write https://doi.org/{doi[1]}"
    elif part.lower().startswith("www."):
        fix = f"Write https://{part}"
    return CellProblem(Fault.BAD_LINK, f"{whole.strip()[:80]!r} is no link", fix)


def _days(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    made = day(cell)
    return [CellProblem(Fault.BAD_DATE, made.what, made.fix) if isinstance(made, NotADay) else made]


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
    fix = "Write a whole number such as 12." if whole else "Write a number such as 1.5 or 1,5."
    if ambiguous:
        fix = f"Write {text.replace(',', '')} or {text.replace(',', '.')}, whichever you mean."
    return [
        CellProblem(
            Fault.BAD_NUMBER, f"{cell.text.strip()[:60]!r} is not the number asked for", fix
        )
    ]


def _yes_or_no(cell: GridCell, column: SheetColumn, _: str) -> list[Any]:
    text = cell.text.strip().casefold()
    if text in _YES | _NO:
        return [literal("true" if text in _YES else "false", "boolean")]
    return [
        CellProblem(
            Fault.BAD_YES_OR_NO,
            f"{cell.text.strip()[:60]!r} is neither yes nor no",
            "Write yes or no, or leave the cell empty.",
            ("yes", "no"),
        )
    ]


def _too_many(column: SheetColumn) -> CellProblem:
    return CellProblem(
        Fault.TOO_MANY_VALUES,
        f"there is one {column.header.lower()} at most",
        "Keep one value, and give each other one a row of its own.",
    )


_CONVERTERS: Final[Mapping[Holds, Callable[[GridCell, SheetColumn, str], list[Any]]]] = {
    Holds.TEXT: _texts,
    Holds.CHOICE: _choices,
    Holds.LINK: _links,
    Holds.DATE: _days,
    Holds.NUMBER: _numbers,
    Holds.YES_OR_NO: _yes_or_no,
}
