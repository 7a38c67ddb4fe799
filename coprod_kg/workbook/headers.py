"""Recognition of the headers of a grid and its columns; warnings about hidden or merged cells."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from coprod_kg.validation.report import Severity
from coprod_kg.workbook.columns import Sheet, SheetColumn, Sheets
from coprod_kg.workbook.concepts import near, plain
from coprod_kg.workbook.findings import CellFinding, CellProblem, Place, letters
from coprod_kg.workbook.grid import Grid, Row
from coprod_kg.workbook.sheet_xml import column_of

__all__ = [
    "HeadedGrid",
    "find_headers",
    "known_headers",
    "sheet_by_headers",
    "sheet_warnings",
]


_ROWS_LOOKED_AT: Final = 6
_FEWEST_KNOWN: Final = 3
_MOST_COLUMNS: Final = 256
_MOST_FINDINGS: Final = 10

_RANGE: Final = re.compile(r"([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)")
_MOST_MERGED: Final = 50


@dataclass(frozen=True, slots=True)
class HeadedGrid:
    """A grid whose headers were understood.

    Attributes:
        grid: the grid.
        sheet: the sheet of the template that it is.
        columns: column number → the column that it is.
        headers: column number → what stands above it.
        row: number of the row with the headers.
        absent: required columns that are not there.
    """

    grid: Grid
    sheet: Sheet
    columns: dict[int, SheetColumn]
    headers: dict[int, str]
    row: int
    absent: tuple[SheetColumn, ...] = ()

    def data(self) -> Iterator[Row]:
        """The rows below the headers."""
        return (row for row in self.grid.rows if row.number > self.row)

    def place(self, row: int, column: int) -> Place:
        """The place of one cell."""
        return Place(self.grid.name, row, self.headers.get(column), f"{letters(column)}{row}")


def known_headers(sheets: Sheets) -> frozenset[str]:
    """All known headers of all sheets, normalised for comparison."""
    return frozenset(name for sheet in sheets.members for name in _names(sheet))


def sheet_by_headers(grid: Grid, sheets: Sheets) -> Sheet | None:
    """The sheet of the template that a grid is by its headers, whatever it is called.

    It has every column that the sheet needs, three known ones at least, and one unknown to three
    known ones at most; of several sheets it is the one that knows the most of its headers.
    """
    candidates: list[tuple[int, Sheet]] = []
    for sheet in sheets.members:
        names = _names(sheet)
        for row in grid.rows[:_ROWS_LOOKED_AT]:
            keys = {_key(cell.text) for cell in row.cells.values()}
            columns = {names[key].header for key in keys if key in names}
            has_required = all(
                column.header in columns for column in sheet.columns if column.required
            )
            if has_required and max(_FEWEST_KNOWN, 0.75 * len(keys)) <= len(columns):
                candidates.append((len(columns), sheet))
    most = max((count for count, _ in candidates), default=0)
    matches = {sheet.title: sheet for count, sheet in candidates if count == most}
    return next(iter(matches.values())) if len(matches) == 1 else None


def find_headers(grid: Grid, sheet: Sheet) -> tuple[HeadedGrid, list[CellFinding]]:
    """Understand the headers of a grid.

    Args:
        grid: the grid.
        sheet: the sheet of the template that it is.
    """
    names = _names(sheet)
    candidates = grid.rows[:_ROWS_LOOKED_AT]
    row = max(
        candidates,
        key=lambda candidate: sum(_key(cell.text) in names for cell in candidate.cells.values()),
        default=Row(1, {}),
    )
    headers = {column: cell.text.strip() for column, cell in row.cells.items()}
    columns: dict[int, SheetColumn] = {}
    findings: list[CellFinding] = []
    for number, header in sorted(headers.items()):
        column = names.get(_key(header))
        place = Place(grid.name, row.number, header[:60], f"{letters(number)}{row.number}")
        if column is None:
            findings.append(_unknown(header, place, sheet))
        elif column in columns.values():
            problem = CellProblem("repeated-column", {"value": header[:60]})
            findings.append(CellFinding(problem, place, header[:80]))
        else:
            columns[number] = column
    absent = tuple(
        missing for missing in sheet.columns if missing.required and missing not in columns.values()
    )
    headed_grid = HeadedGrid(grid, sheet, columns, headers, row.number, absent)
    findings = _at_most(findings, grid.name, row.number)
    findings += [_absent(missing, headed_grid) for missing in absent]
    return headed_grid, findings + list(_headless(headed_grid))


def _names(sheet: Sheet) -> dict[str, SheetColumn]:
    """Accepted header → column; a column's own header wins over another's other names."""
    by_other_header = {
        plain(name): column for column in sheet.columns for name in column.other_headers if name
    }
    return by_other_header | {plain(column.header): column for column in sheet.columns}


def _key(header: str) -> str:
    return plain(header.strip().rstrip("*"))


def _unknown(header: str, place: Place, sheet: Sheet) -> CellFinding:
    headers_by_key = {plain(column.header): column.header for column in sheet.columns}
    close = near(_key(header), headers_by_key)
    problem = CellProblem(
        "unknown-column",
        {
            "sheet": sheet.title,
            "value": header[:60],
            "meant": headers_by_key[close[0]] if close else "",
        },
        "mend-header" if close else "",
        severity=Severity.VIOLATION if close else Severity.WARNING,
    )
    return CellFinding(problem, place, header[:80])


def _absent(column: SheetColumn, headed: HeadedGrid) -> CellFinding:
    problem = CellProblem("missing-column", {"column": column.header})
    place = Place(headed.grid.name, headed.row, column.header)
    return CellFinding(problem, place, path=column.path)


def _at_most(findings: list[CellFinding], name: str, row: int) -> list[CellFinding]:
    """The findings on headers; unknown headers beyond the first few share one finding."""
    unknown = [finding for finding in findings if finding.severity is Severity.WARNING]
    if len(unknown) <= _MOST_FINDINGS:
        return findings
    surplus = unknown[_MOST_FINDINGS:]
    problem = CellProblem("unknown-column.more", {"count": len(surplus)}, severity=Severity.WARNING)
    names = ", ".join(str(finding.value) for finding in surplus)[:200]
    rest = CellFinding(problem, Place(name, row), names)
    return [finding for finding in findings if finding not in surplus] + [rest]


def _headless(headed: HeadedGrid) -> Iterator[CellFinding]:
    """Findings on columns with values and no header, and on columns past the limit."""
    reported: set[int] = set()
    for row in headed.data():
        for number in row.cells:
            if number in headed.headers or number in reported or len(reported) > _MOST_FINDINGS:
                continue
            reported.add(number)
            key = "too-many-columns" if number > _MOST_COLUMNS else "value-without-header"
            problem = CellProblem(key, severity=Severity.WARNING)
            place = headed.place(row.number, number)
            yield CellFinding(problem, place, row.cells[number].text[:80])


def sheet_warnings(headed: HeadedGrid) -> Iterator[CellFinding]:
    """Warnings about hidden rows and columns, merged cells and a guessed encoding."""
    grid = headed.grid
    if grid.hidden:
        yield CellFinding(CellProblem("hidden.sheet"), Place(grid.name))
    for first, last in _runs([row for row in grid.hidden_rows if row > headed.row]):
        key = "hidden.row" if first == last else "hidden.rows"
        problem = CellProblem(key, {"first": first, "last": last})
        yield CellFinding(problem, Place(grid.name, first, None, f"{first}:{last}"))
    for first, last in grid.hidden_columns:
        columns_used = [
            column
            for column in headed.columns
            if first <= column <= last and _holds(headed, column)
        ]
        if columns_used:
            cells = f"{letters(columns_used[0])}:{letters(columns_used[-1])}"
            place = Place(grid.name, headed.row, headed.headers[columns_used[0]], cells)
            yield CellFinding(CellProblem("hidden.column"), place)
    if grid.encoding:
        slots = {"encoding": grid.encoding}
        yield CellFinding(CellProblem("encoding", slots, severity=Severity.INFO), Place(grid.name))
    yield from _merged(headed)


def _merged(headed: HeadedGrid) -> Iterator[CellFinding]:
    """The merged cells that touch the data, as far as they are not too many."""
    count = 0
    for reference in headed.grid.merged:
        match = _RANGE.fullmatch(reference)
        if match is None or int(match[4]) <= headed.row or count >= _MOST_MERGED:
            continue
        first, last = column_of(match[1]), column_of(match[3])
        touched = next(
            (column for column in sorted(headed.columns) if first <= column <= last), None
        )
        if touched is None or int(match[2]) > max(row.number for row in headed.grid.rows):
            continue
        count += 1
        place = Place(headed.grid.name, int(match[2]), headed.headers[touched], reference)
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
