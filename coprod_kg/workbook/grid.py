"""A table as it stands in a file: grids, rows and typed cells, not interpreted yet."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["CellKind", "Grid", "GridCell", "Row", "visible"]

_SPACES: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_INVISIBLE: Final = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_JOINERS: Final = "\u200c\u200d"
"""Within a word they shape letters and emoji; at its ends they are remains of a web page."""


def visible(text: str) -> str:
    r"""The text without characters that nobody sees, and with every space an ordinary one.

    >>> visible("Health\u200b"), visible("Home\u00a0care"), visible("Sam\u00adpleby")
    ('Health', 'Home care', 'Sampleby')
    """
    if text.isascii():
        return text
    return _INVISIBLE.sub("", _SPACES.sub(" ", text)).strip(_JOINERS)


class CellKind(StrEnum):
    """What a cell holds as the spreadsheet program sees it."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_OR_NO = "yes or no"
    FORMULA = "formula"
    ERROR = "error"


class GridCell(NamedTuple):
    """One cell.

    Attributes:
        kind: what it holds.
        text: that as text: a number in its shortest form, a date as ``2021-03-01``, yes or no
            as ``true`` or ``false``, a formula as its source.
    """

    kind: CellKind
    text: str


class Row(NamedTuple):
    """One row that holds something: its number, and column number → cell, both from 1."""

    number: int
    cells: dict[int, GridCell]


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet or one CSV file.

    Attributes:
        name: what it is called.
        rows: its rows that are not empty, in order.
        hidden: whether the sheet is hidden.
        hidden_rows: numbers of rows with content that are hidden.
        hidden_columns: first and last number of hidden columns.
        merged: the merged cells, as ``A2:A4``.
        encoding: how the text was encoded, where that had to be guessed.
    """

    name: str
    rows: tuple[Row, ...]
    hidden: bool = False
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[tuple[int, int], ...] = ()
    merged: tuple[str, ...] = ()
    encoding: str | None = None
