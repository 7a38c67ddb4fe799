"""Warnings about what a sheet hides or merges, so that nobody sends what they do not see."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from coprod_kg.validation.report import Severity
from coprod_kg.workbook.findings import CellFinding, CellProblem, Place, letters
from coprod_kg.workbook.headers import HeadedGrid
from coprod_kg.workbook.sheet_xml import column_of

__all__ = ["of_grid"]

_RANGE: Final = re.compile(r"([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)")
_MOST_TOLD: Final = 50


def of_grid(headed: HeadedGrid) -> Iterator[CellFinding]:
    """The warnings about a sheet."""
    grid = headed.grid
    if grid.hidden:
        yield CellFinding(CellProblem("hidden.sheet"), Place(grid.name))
    for first, last in _runs([row for row in grid.hidden_rows if row > headed.row]):
        key = "hidden.row" if first == last else "hidden.rows"
        problem = CellProblem(key, {"first": first, "last": last})
        yield CellFinding(problem, Place(grid.name, first, None, f"{first}:{last}"))
    for first, last in grid.hidden_columns:
        used = [
            column
            for column in headed.columns
            if first <= column <= last and _holds(headed, column)
        ]
        if used:
            cells = f"{letters(used[0])}:{letters(used[-1])}"
            place = Place(grid.name, headed.row, headed.headers[used[0]], cells)
            yield CellFinding(CellProblem("hidden.column"), place)
    if grid.encoding:
        slots = {"encoding": grid.encoding}
        yield CellFinding(CellProblem("encoding", slots, severity=Severity.INFO), Place(grid.name))
    yield from _merged(headed)


def _merged(headed: HeadedGrid) -> Iterator[CellFinding]:
    """The merged cells that touch the data, as far as they are not too many."""
    told = 0
    for reference in headed.grid.merged:
        found = _RANGE.fullmatch(reference)
        if found is None or int(found[4]) <= headed.row or told >= _MOST_TOLD:
            continue
        first, last = column_of(found[1]), column_of(found[3])
        touched = next(
            (column for column in sorted(headed.columns) if first <= column <= last), None
        )
        if touched is None or int(found[2]) > max(row.number for row in headed.grid.rows):
            continue
        told += 1
        place = Place(headed.grid.name, int(found[2]), headed.headers[touched], reference)
        yield CellFinding(CellProblem("merged-cells"), place)


def _holds(headed: HeadedGrid, column: int) -> bool:
    return any(column in row.cells for row in headed.data())


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Numbers as runs of neighbours."""
    start = last = None
    for number in numbers:
        if last is not None and number == last + 1:
            last = number
            continue
        if start is not None and last is not None:
            yield start, last
        start = last = number
    if start is not None and last is not None:
        yield start, last
