"""Dates as people write them: a day, a month or a year; ambiguous ones are refused."""

import re
from datetime import date
from typing import Final

from pyoxigraph import Literal

from coprod_kg.errors import WrongUsage
from coprod_kg.model.terms import literal
from coprod_kg.workbook.findings import CellProblem
from coprod_kg.workbook.grid import CellKind, GridCell
from coprod_kg.workbook.markup import whole_number
from coprod_kg.workbook.sentences import Slot
from coprod_kg.workbook.sheet_xml import EARLIEST_SHOWN

__all__ = ["day"]

_HOW_DATES: Final = "how-dates"
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
_YEAR: Final = re.compile(r"\b(?:19|20)\d{2}\b", re.ASCII)
_SERIALS: Final = range(20000, 80000)


def day(cell: GridCell) -> Literal | CellProblem:
    """The day, month or year in a cell.

    >>> str(day(GridCell(CellKind.TEXT, "2021-03")))
    '"2021-03"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>'
    >>> day(GridCell(CellKind.TEXT, "1.3.2021")).fix
    'Write 2021-03-01 if you mean 1 March 2021.'
    >>> day(GridCell(CellKind.TEXT, "summer 2020")).fix[:53]
    'Write 2020 if no more than the year is known, else a '
    """
    text = cell.text.strip()
    if cell.kind is CellKind.DATE:
        return _shown_day(text)
    if cell.kind is CellKind.NUMBER and whole_number(text) in _SERIALS:
        date_shown = date.fromordinal(date(1899, 12, 30).toordinal() + whole_number(text))
        return CellProblem("bad-date.number", {"value": text, "date": date_shown.isoformat()})
    match = _TIME.fullmatch(text) or _ZONED.fullmatch(text)
    text = match[1] if match else text
    if cell.kind is not CellKind.NUMBER and _ODD_YEAR.fullmatch(text):
        return CellProblem("bad-date.far", {"value": text[:60]}, _HOW_DATES)
    for datatype, form in _ISO:
        if form.fullmatch(text):
            try:
                return literal(text, datatype)
            except WrongUsage:
                return CellProblem("bad-date.calendar", {"value": text}, _HOW_DATES)
    advice, slots = _advice(text)
    return CellProblem("bad-date", {**slots, "value": cell.text.strip()[:60]}, advice)


def _shown_day(text: str) -> Literal | CellProblem:
    """A day that the spreadsheet program knows to be one."""
    try:
        shown_date = date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return CellProblem("bad-date.calendar", {"value": text[:60]}, _HOW_DATES)
    if shown_date.isoformat() < EARLIEST_SHOWN:
        serial = (shown_date - date(1899, 12, 30)).days
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
    words = _WORDS.fullmatch(text)
    month = _month(words[2]) if words and not words[1] else None
    if words and month:
        return "write", {"values": f"{words[3]}-{month:02}"}
    month_year = _MONTH_YEAR.fullmatch(text)
    if month_year and 1 <= int(month_year[1]) <= len(_MONTHS):
        return "write", {"values": f"{month_year[2]}-{int(month_year[1]):02}"}
    years = set(_YEAR.findall(text))
    if len(years) == 1:
        return "year-at-least", {"year": years.pop()}
    return _HOW_DATES, {}


def _days(text: str) -> list[date]:
    """The days that a text may mean: the day first, as in Danish and German, or the month."""
    match = _YEAR_FIRST.fullmatch(text)
    if match:
        return _real_days([(int(match[1]), int(match[2]), int(match[3]))])
    words = _WORDS.fullmatch(text)
    month = _month(words[2]) if words and words[1] else None
    if words and month:
        return _real_days([(int(words[3]), month, int(words[1]))])
    match = _DAY_FIRST.fullmatch(text)
    if not match:
        return []
    first, second = int(match[1]), int(match[3])
    year = int(match[5]) + (2000 if len(match[5]) == 2 else 0)
    # "1.5.2019" and the Danish "1/5-2019" begin with the day; "1/5/2019" may not.
    day_first = match[2] == "." or match[2] != match[4]
    orders = (
        [(year, second, first)] if day_first else [(year, second, first), (year, first, second)]
    )
    return _real_days(dict.fromkeys(orders))


def _real_days(
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
