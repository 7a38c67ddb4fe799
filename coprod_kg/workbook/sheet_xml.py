"""Reader of one sheet's XML: events to a grid of its cells, numbers as they are shown."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import isfinite
from typing import Final

from coprod_kg.errors import TooLarge
from coprod_kg.workbook.grid import CellKind, Grid, GridCell, Row, visible
from coprod_kg.workbook.markup import Handlers, unescaped, whole_number

__all__ = [
    "MOST_CELLS",
    "Formats",
    "SheetReader",
    "column_of",
]


EARLIEST_SHOWN: Final = "1909-01-01"
"""An earlier day in a cell is likely a year that was typed into a cell for days."""
_MONTH_AND_YEAR: Final = 17
_BUILT_IN_DATES: Final = frozenset({14, 15, 16, 17, 22, *range(27, 37), *range(50, 59)})
_QUOTED: Final = re.compile(r'"[^"]*"|\\.|_.|\*.')
_BRACKETS: Final = re.compile(r"\[(?![hms]+\])[^\]]*\]", re.IGNORECASE)
_SMALL_IS_A_NUMBER: Final = re.compile(r"^\[<\d+\]\s*0+\s*;", re.IGNORECASE)
_BEGINNING: Final = date(1899, 12, 30)
_LEAP_BUG: Final = 60
_LAST_DAY: Final = 2958465
_1904: Final = 1462

MOST_CELLS: Final = 3_000_000
"""The most cells with content that a file may have."""
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_YEARS_BELOW: Final = 3000


class NumberDisplay(StrEnum):
    """The way that a number is shown."""

    NUMBER = "number"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    DAY_OR_YEAR = "day or year"
    """A day, and a number below 3000 as it stands: the format of the template's date cells."""


def display_of(number: int, code: str | None) -> NumberDisplay:
    """What a number format shows a number as.

    >>> display_of(14, None), display_of(164, 'dd"."mm"."yyyy'), display_of(165, "#,##0")
    (<NumberDisplay.DAY: 'day'>, <NumberDisplay.DAY: 'day'>, <NumberDisplay.NUMBER: 'number'>)
    >>> display_of(17, None), display_of(167, "[$-406]mmmm yyyy"), display_of(168, "yyyy;@")
    (<NumberDisplay.MONTH: 'month'>, <NumberDisplay.MONTH: 'month'>, <NumberDisplay.YEAR: 'year'>)
    >>> display_of(166, "[<3000]0;yyyy-mm-dd")
    <NumberDisplay.DAY_OR_YEAR: 'day or year'>
    """
    if code is None:
        if number == _MONTH_AND_YEAR:
            return NumberDisplay.MONTH
        return NumberDisplay.DAY if number in _BUILT_IN_DATES else NumberDisplay.NUMBER
    if _SMALL_IS_A_NUMBER.match(code) and "y" in code.lower():
        return NumberDisplay.DAY_OR_YEAR
    bare = _BRACKETS.sub("", _QUOTED.sub("", code)).lower().replace("general", "")
    bare = bare.partition(";")[0]
    if "d" in bare:
        return NumberDisplay.DAY
    if "y" not in bare:
        return NumberDisplay.NUMBER
    return NumberDisplay.MONTH if "m" in bare else NumberDisplay.YEAR


def day_of(serial: float, *, since_1904: bool) -> date | None:
    """The day that a serial number stands for, or None where there is none.

    >>> day_of(44256, since_1904=False)
    datetime.date(2021, 3, 1)
    """
    days = int(serial) + (_1904 if since_1904 else 0)
    if not 1 <= days <= _LAST_DAY or days == _LEAP_BUG:
        return None
    return _BEGINNING + timedelta(days=days + (1 if days < _LEAP_BUG else 0))


@dataclass(frozen=True, slots=True)
class Formats:
    """The strings and formats that the sheets of a workbook share.

    Attributes:
        strings: the shared strings.
        displays: style → how it shows a number.
        since_1904: whether days are counted from 1904.
    """

    strings: list[GridCell]
    displays: list[NumberDisplay]
    since_1904: bool


class SheetReader:
    """Takes the events of one sheet.

    Args:
        name: the name of the sheet.
        hidden: whether it is hidden.
        formats: what the workbook's sheets share.
    """

    def __init__(self, name: str, hidden: bool, formats: Formats) -> None:
        self._name, self._hidden, self._formats = name, hidden, formats
        self._rows: list[Row] = []
        self._cells: dict[int, GridCell] = {}
        self._count = 0
        self._row, self._column, self._row_hidden = 0, 0, False
        self._type, self._style = "n", ""
        self._element, self._phonetic = "", False
        self._value: list[str] = []
        self._formula: list[str] | None = None
        self._hidden_rows: list[int] = []
        self._hidden_columns: list[tuple[int, int]] = []
        self._merged: list[str] = []

    def handlers(self) -> Handlers:
        """What to call for each event."""
        return self._start, self._end, self._text

    def grid(self) -> Grid:
        """The grid that was read."""
        return Grid(
            self._name,
            tuple(self._rows),
            hidden=self._hidden,
            hidden_rows=tuple(self._hidden_rows),
            hidden_columns=tuple(self._hidden_columns),
            merged=tuple(self._merged),
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t"):
            self._element = "" if self._phonetic else "v"
        elif name == "f":
            self._element, self._formula = "f", []
        elif name == "row":
            self._row = whole_number(attributes.get("r"), self._row + 1)
            self._column, self._row_hidden = 0, attributes.get("hidden") in ("1", "true")
        elif name == "rPh":
            self._phonetic = True
        elif name == "mergeCell":
            self._merged.append(attributes.get("ref", ""))
        elif name == "col" and attributes.get("hidden") in ("1", "true"):
            span = whole_number(attributes.get("min")), whole_number(attributes.get("max"))
            self._hidden_columns.append(span)

    def _start_cell(self, attributes: dict[str, str]) -> None:
        match = _REFERENCE.fullmatch(attributes.get("r", ""))
        self._column = column_of(match[1]) if match else self._column + 1
        self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._value, self._formula = [], None

    def _text(self, data: str) -> None:
        if self._element == "v":
            self._value.append(data)
        elif self._element == "f" and self._formula is not None:
            self._formula.append(data)

    def _end(self, name: str) -> None:
        if name in ("v", "t", "f"):
            self._element = ""
        elif name == "rPh":
            self._phonetic = False
        elif name == "c":
            cell = self._cell()
            if cell is not None:
                self._cells[self._column] = cell
        elif name == "row" and self._cells:
            self._count += len(self._cells)
            if self._count > MOST_CELLS:
                raise TooLarge(
                    f"it has more than {MOST_CELLS} cells with content",
                    where=f"sheet {self._name}",
                    fix="Send the data in parts, one organisation each.",
                )
            self._rows.append(Row(self._row, self._cells))
            if self._row_hidden:
                self._hidden_rows.append(self._row)
            self._cells = {}

    def _cell(self) -> GridCell | None:
        if self._formula is not None:
            return GridCell(CellKind.FORMULA, "=" + "".join(self._formula))
        text = "".join(self._value)
        if not text:
            return None
        if self._type == "s":
            index = whole_number(text.strip(), -1)
            strings = self._formats.strings
            shared = strings[index] if 0 <= index < len(strings) else None
            return shared if shared and shared.text.strip() else None
        if self._type == "b":
            return GridCell(
                CellKind.YES_OR_NO, "true" if text.strip() in ("1", "true") else "false"
            )
        if self._type == "e":
            return GridCell(CellKind.ERROR, text)
        if self._type == "d":
            return GridCell(CellKind.DATE, self._as_displayed(text[:10]))
        if self._type in ("str", "inlineStr"):
            visible_text = visible(unescaped(text))
            return GridCell(CellKind.TEXT, visible_text) if visible_text.strip() else None
        return self._numeric(text)

    def _numeric(self, text: str) -> GridCell:
        try:
            number = float(text)
        except ValueError:
            return GridCell(CellKind.TEXT, text)
        if not isfinite(number):
            return GridCell(CellKind.ERROR, text.strip())
        display = self._display()
        is_year = display is NumberDisplay.DAY_OR_YEAR and number < _YEARS_BELOW
        if display is not NumberDisplay.NUMBER and not is_year:
            day = day_of(number, since_1904=self._formats.since_1904)
            if day is not None:
                return GridCell(CellKind.DATE, self._as_displayed(day.isoformat()))
        return GridCell(CellKind.NUMBER, format(number, ".15g"))

    def _display(self) -> NumberDisplay:
        style = whole_number(self._style)
        return (
            self._formats.displays[style]
            if style < len(self._formats.displays)
            else NumberDisplay.NUMBER
        )

    def _as_displayed(self, day: str) -> str:
        """A day as exact as the cell shows it: "September 2019" is stored as its first day."""
        if day < EARLIEST_SHOWN:  # likely a number in a cell with a date format: reported in full
            return day
        return day[: {NumberDisplay.MONTH: 7, NumberDisplay.YEAR: 4}.get(self._display(), 10)]


def column_of(letters: str) -> int:
    """The number of a column, from 1.

    >>> column_of("A"), column_of("AA"), column_of("XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
