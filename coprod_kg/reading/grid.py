"""A table as it stands in a file, before anybody asks what it means; it never interprets."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Cell", "CellKind", "Grid", "Row"]


class CellKind(StrEnum):
    """What a cell holds as the spreadsheet program sees it."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_OR_NO = "yes or no"
    FORMULA = "formula"
    ERROR = "error"


class Cell(NamedTuple):
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
    cells: dict[int, Cell]


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
