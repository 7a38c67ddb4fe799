"""Dates as people write them: a day, a month or a year; ambiguous ones are refused."""

import re
from datetime import date
from typing import Final

from pyoxigraph import Literal

from coprod_kg.errors import WrongUsage
from coprod_kg.model.terms import literal
from coprod_kg.workbook.findings import CellProblem
from coprod_kg.workbook.grid import CellKind, GridCell
from coprod_kg.workbook.markup import whole
from coprod_kg.workbook.sentences import Slot
from coprod_kg.workbook.sheet_xml import EARLIEST_SHOWN

__all__ = ["day"]

_HOW: Final = "how-dates"
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


def day(cell: GridCell) -> Literal | CellProblem:
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
        return CellProblem("bad-date.number", {"value": text, "date": meant.isoformat()})
    exact = _TIME.fullmatch(text) or _ZONED.fullmatch(text)
    text = exact[1] if exact else text
    if cell.kind is not CellKind.NUMBER and _ODD_YEAR.fullmatch(text):
        return CellProblem("bad-date.far", {"value": text[:60]}, _HOW)
    for datatype, form in _ISO:
        if form.fullmatch(text):
            try:
                return literal(text, datatype)
            except WrongUsage:
                return CellProblem("bad-date.calendar", {"value": text}, _HOW)
    advice, slots = _advice(text)
    return CellProblem("bad-date", {**slots, "value": cell.text.strip()[:60]}, advice)


def _shown_day(text: str) -> Literal | CellProblem:
    """A day that the spreadsheet program knows to be one."""
    try:
        shown = date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return CellProblem("bad-date.calendar", {"value": text[:60]}, _HOW)
    if shown.isoformat() < EARLIEST_SHOWN:
        serial = (shown - date(1899, 12, 30)).days
        return CellProblem("bad-date.shown", {"value": text, "year": serial})
    return next(literal(text, datatype) for datatype, form in _ISO if form.fullmatch(text))


def _advice(text: str) -> tuple[str, dict[str, Slot]]:
    """The sentence with what was likely meant, else with how a date is written."""
    days = _days(text)
    if days:
        slots: dict[str, Slot] = {"date": days[0].isoformat(), "day": days[0]}
        if len(days) == 1:
            return "the-day", slots
        return "either-day", {**slots, "other-date": days[1].isoformat(), "other-day": days[1]}
    named = _WORDS.fullmatch(text)
    month = _month(named[2]) if named and not named[1] else None
    if named and month:
        return "write", {"values": f"{named[3]}-{month:02}"}
    numbered = _MONTH_YEAR.fullmatch(text)
    if numbered and 1 <= int(numbered[1]) <= len(_MONTHS):
        return "write", {"values": f"{numbered[2]}-{int(numbered[1]):02}"}
    return _HOW, {}


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
    first, second = int(found[1]), int(found[3])
    year = int(found[5]) + (2000 if len(found[5]) == 2 else 0)
    # "1.5.2019" and the Danish "1/5-2019" begin with the day; "1/5/2019" may not.
    day_first = found[2] == "." or found[2] != found[4]
    orders = (
        [(year, second, first)] if day_first else [(year, second, first), (year, first, second)]
    )
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
