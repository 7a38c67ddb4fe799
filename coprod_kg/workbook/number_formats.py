"""Number formats of a workbook: whether a number is shown as a day, a year or a number."""

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

__all__ = ["EARLIEST_SHOWN", "NumberDisplay", "day_of", "shown_by"]

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


class NumberDisplay(StrEnum):
    """The way that a number is shown."""

    NUMBER = "number"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    DAY_OR_YEAR = "day or year"
    """A day, and a number below 3000 as it stands: the format of the template's date cells."""


def shown_by(number: int, code: str | None) -> NumberDisplay:
    """What a number format shows a number as.

    >>> shown_by(14, None), shown_by(164, 'dd"."mm"."yyyy'), shown_by(165, "#,##0")
    (<NumberDisplay.DAY: 'day'>, <NumberDisplay.DAY: 'day'>, <NumberDisplay.NUMBER: 'number'>)
    >>> shown_by(17, None), shown_by(167, "[$-406]mmmm yyyy"), shown_by(168, "yyyy;@")
    (<NumberDisplay.MONTH: 'month'>, <NumberDisplay.MONTH: 'month'>, <NumberDisplay.YEAR: 'year'>)
    >>> shown_by(166, "[<3000]0;yyyy-mm-dd")
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
