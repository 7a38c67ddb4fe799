"""Dates as people write them: a day, a month or a year; ambiguous ones are refused."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from pyoxigraph import Literal

from coprod_kg.errors import WrongUsage
from coprod_kg.model.terms import literal
from coprod_kg.workbook.grid import CellKind, GridCell
from coprod_kg.workbook.markup import whole
from coprod_kg.workbook.number_formats import EARLIEST_SHOWN

__all__ = ["HOW", "NotADay", "day"]

HOW: Final = "Write a day as 2021-03-01, a month as 2021-03 or a year as 2021."
_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_ISO: Final = (
    ("gYear", re.compile(r"\d{4}", re.ASCII)),
    ("gYearMonth", re.compile(r"\d{4}-\d{2}", re.ASCII)),
    ("date", re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)),
)
_DAY_FIRST: Final = re.compile(
    r"(\d{1,2})\s*([./-])\s*(\d{1,2})\s*([./ -])\s*(\d{4}|\d{2})", re.ASCII
)
_ZONED: Final = re.compile(r"(\d{4}(?:-\d{2}){0,2})(?:Z|[+-]\d{2}:\d{2})", re.ASCII)
_ODD_YEAR: Final = re.compile(r"(?:-\d{4,}|\d{5,})(?:-\d{2}){0,2}(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)
_YEAR_FIRST: Final = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})", re.ASCII)
_MONTH_YEAR: Final = re.compile(r"(\d{1,2})[./-](\d{4})", re.ASCII)
_WORDS: Final = re.compile(r"(?:(\d{1,2})\.?\s+)?([^\W\d_]{3,12})\.?,?\s+(\d{4})")
_MONTHS: Final = (
    ("jan", "jän"), ("feb",), ("mar", "mär", "mrz"), ("apr",), ("may", "maj", "mai"), ("jun",),
    ("jul",), ("aug",), ("sep",), ("oct", "okt"), ("nov",), ("dec", "dez"),
)  # fmt: skip
_SERIALS: Final = range(20000, 80000)


@dataclass(frozen=True, slots=True)
class NotADay:
    """Why a cell is no day.

    Attributes:
        what: what arrived.
        fix: what to write.
    """

    what: str
    fix: str


def day(cell: GridCell) -> Literal | NotADay:
    """The day, month or year in a cell.

    >>> str(day(GridCell(CellKind.TEXT, "2021-03")))
    '"2021-03"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>'
    >>> day(GridCell(CellKind.TEXT, "1.3.2021")).fix
    'Write 2021-03-01 if you mean 1 March 2021.'
    """
    text = cell.text.strip()
    if cell.kind is CellKind.DATE:
        return _shown_day(text)
    if cell.kind is CellKind.NUMBER and whole(text) in _SERIALS:
        meant = date.fromordinal(date(1899, 12, 30).toordinal() + whole(text))
        return NotADay(
            f"the number {text} is no date",
            f"Write {meant.isoformat()} if it was a date before its cell lost the date format.",
        )
    exact = _TIME.fullmatch(text) or _ZONED.fullmatch(text)
    text = exact[1] if exact else text
    if cell.kind is not CellKind.NUMBER and _ODD_YEAR.fullmatch(text):
        return NotADay(f"{text[:60]!r} is a year before the first or after 9999", HOW)
    for datatype, form in _ISO:
        if form.fullmatch(text):
            try:
                return literal(text, datatype)
            except WrongUsage:
                return NotADay(f"{text!r} is not in the calendar", HOW)
    return NotADay(f"{cell.text.strip()[:60]!r} is no date as it is read here", _advice(text))


def _shown_day(text: str) -> Literal | NotADay:
    """A day that the spreadsheet program knows to be one."""
    try:
        shown = date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return NotADay(f"{text[:60]!r} is not in the calendar", HOW)
    if shown.isoformat() < EARLIEST_SHOWN:
        serial = (shown - date(1899, 12, 30)).days
        return NotADay(
            f"the cell shows the day {text}",
            f"If you typed the year {serial}, give the cell the format General or Text; "
            "else write the day as text.",
        )
    return next(literal(text, datatype) for datatype, form in _ISO if form.fullmatch(text))


def _advice(text: str) -> str:
    """How to write what was likely meant, else how a date is written."""
    meant = [
        f"{meaning.isoformat()} if you mean {meaning.day} {meaning:%B} {meaning.year}"
        for meaning in _days(text)
    ]
    if meant:
        return f"Write {', or '.join(meant)}."
    named = _WORDS.fullmatch(text)
    month = _month(named[2]) if named and not named[1] else None
    if named and month:
        return f"Write {named[3]}-{month:02}."
    numbered = _MONTH_YEAR.fullmatch(text)
    if numbered and 1 <= int(numbered[1]) <= len(_MONTHS):
        return f"Write {numbered[2]}-{int(numbered[1]):02}."
    return HOW


def _days(text: str) -> list[date]:
    """The days that a text may mean: the day first, as in Danish and German, or the month."""
    found = _YEAR_FIRST.fullmatch(text)
    if found:
        return _existing([(int(found[1]), int(found[2]), int(found[3]))])
    named = _WORDS.fullmatch(text)
    month = _month(named[2]) if named and named[1] else None
    if named and month:
        return _existing([(int(named[3]), month, int(named[1]))])
    found = _DAY_FIRST.fullmatch(text)
    if not found:
        return []
    one, two = int(found[1]), int(found[3])
    year = int(found[5]) + (2000 if len(found[5]) == 2 else 0)
    # "1.5.2019" and the Danish "1/5-2019" begin with the day; "1/5/2019" may not.
    day_first = found[2] == "." or found[2] != found[4]
    orders = [(year, two, one)] if day_first else [(year, two, one), (year, one, two)]
    return _existing(dict.fromkeys(orders))


def _existing(
    orders: "list[tuple[int, int, int]] | dict[tuple[int, int, int], None]",
) -> list[date]:
    days = []
    for order in orders:
        try:
            days.append(date(*order))
        except ValueError:
            continue
    return days


def _month(word: str) -> int | None:
    start = word.lower()[:3]
    return next((n for n, names in enumerate(_MONTHS, 1) if start in names), None)
