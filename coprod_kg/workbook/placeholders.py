"""Removal of cells that only say that there is no value, such as N/A, with a finding."""

from collections import Counter
from dataclasses import replace
from typing import Final

from coprod_kg.validation.report import Severity
from coprod_kg.workbook.columns import Holds, SheetColumn
from coprod_kg.workbook.findings import CellFinding, CellProblem
from coprod_kg.workbook.grid import CellKind, GridCell, Row
from coprod_kg.workbook.headers import HeadedGrid
from coprod_kg.workbook.words import is_placeholder, language_of

__all__ = ["without_placeholders"]

_NOT_ASKED: Final = frozenset({Holds.YES_OR_NO})


def without_placeholders(headed: HeadedGrid) -> tuple[HeadedGrid, list[CellFinding]]:
    """The sheet without the cells that hold N/A, ?, unbekannt and their kind.

    Each word is told once a column, at its first cell.
    """
    first: dict[tuple[int, str], int] = {}
    counts: Counter[tuple[int, str]] = Counter()
    rows: list[Row] = []
    for row in headed.grid.rows:
        empty = [
            (number, cell.text.strip())
            for number, cell in row.cells.items()
            if row.number > headed.row and _says_nothing(cell, headed.columns.get(number))
        ]
        for key in empty:
            counts[key] += 1
            first.setdefault(key, row.number)
        gone = {number for number, _ in empty}
        kept = {number: cell for number, cell in row.cells.items() if number not in gone}
        if kept:
            rows.append(row if not gone else Row(row.number, kept))
    if not counts:
        return headed, []
    made = replace(headed, grid=replace(headed.grid, rows=tuple(rows)))
    return made, [_told(headed, *key, row, counts[key]) for key, row in first.items()]


def _says_nothing(cell: GridCell, column: SheetColumn | None) -> bool:
    if cell.kind is not CellKind.TEXT or column is None or column.holds in _NOT_ASKED:
        return False
    if column.choices and column.choices.is_proper(cell.text):
        return False  # "Unknown" is a value where the list has it
    if column.holds is Holds.LANGUAGE and language_of(cell.text):
        return False  # "nn" is Nynorsk
    return is_placeholder(cell.text)


def _told(headed: HeadedGrid, number: int, text: str, row: int, count: int) -> CellFinding:
    key = "placeholder.several" if count > 1 else "placeholder"
    problem = CellProblem(key, {"value": text[:40], "count": count - 1}, severity=Severity.INFO)
    place = headed.place(row, number)
    return CellFinding(problem, place, text[:200], path=headed.columns[number].path)
