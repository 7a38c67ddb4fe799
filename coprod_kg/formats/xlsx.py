"""Writer of .xlsx workbooks, the same bytes for the same rows, in which no text is ever a formula.

Whatever begins like a formula is stored as text and marked as quoted, so that it stays text when
somebody edits the cell.
"""

import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from io import BytesIO
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from coprod_kg.errors import TooLarge
from coprod_kg.formats.table import Cell, Table

__all__ = [
    "MOST_ROWS",
    "packed",
    "workbook",
]


MOST_ROWS: Final = 200_000
_MOST_CHARACTERS: Final = 32_767
_CUT: Final = " … (cut here: a cell holds no more)"
_EXACT: Final = 10**15
"""From here on a spreadsheet rounds whole numbers, so that they are written as text."""
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_FIRST_YEAR: Final = 1901
_WIDTHS: Final = (10, 60)

_MEMBER_DAY: Final = (1980, 1, 1, 0, 0, 0)
_STAMP: Final = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def workbook(table: Table, headings: Mapping[str, str], about: Sequence[tuple[str, str]]) -> bytes:
    """A workbook of two sheets: the rows, and what they answer.

    Args:
        table: the answer.
        headings: column → what a person calls it; the column's name where it is missing.
        about: what the second sheet says: a word, and what it stands for.

    Raises:
        TooLarge: there are more rows than a person can use.
    """
    if len(table.rows) > MOST_ROWS:
        raise TooLarge(
            f"{len(table.rows)} rows are too many for a workbook of at most {MOST_ROWS}",
            fix="Take them as CSV, or bind more parameters.",
        )
    book = Workbook(write_only=True)
    _rows(book.create_sheet("Rows"), table, headings)
    sheet = book.create_sheet("About")
    sheet.column_dimensions["A"].width = 20
    sheet.column_dimensions["B"].width = 100
    for name, value in about:
        sheet.append([_text(sheet, name, bold=True), _text(sheet, value)])
    return packed(book)


def _rows(sheet: Any, table: Table, headings: Mapping[str, str]) -> None:
    if table.truth is not None:
        sheet.append([_text(sheet, "answer", bold=True)])
        sheet.append([table.truth])
        return
    sheet.freeze_panes = "A2"
    for number, column in enumerate(table.columns, start=1):
        sample = (row[column].value for row in table.rows[:200] if column in row)
        longest = max(map(len, (headings.get(column, column), *sample)))
        width = min(max(longest + 2, _WIDTHS[0]), _WIDTHS[1])
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.append([_text(sheet, headings.get(name, name), bold=True) for name in table.columns])
    for row in table.rows:
        sheet.append([_cell(sheet, row.get(name)) for name in table.columns])


def _cell(sheet: Any, cell: Cell | None) -> Any:
    """A number, a truth value or a full day as what it is; all else as text."""
    if cell is None:
        return None
    datatype = (cell.datatype or "").rpartition("#")[2]
    if datatype == "boolean" and cell.value in ("true", "false", "1", "0"):
        return cell.value in ("true", "1")
    if datatype == "date" and _DAY.fullmatch(cell.value) and int(cell.value[:4]) >= _FIRST_YEAR:
        try:
            day = WriteOnlyCell(sheet, value=datetime.fromisoformat(cell.value))
        except ValueError:
            return _text(sheet, cell.value)
        day.number_format = "yyyy-mm-dd"
        return day
    number = _number(cell.value) if cell.is_number else None
    return _text(sheet, cell.value) if number is None else number


def _number(text: str) -> int | float | None:
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return None
    if not exact.is_finite() or abs(exact) >= _EXACT:
        return None
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _text(sheet: Any, text: str, *, bold: bool = False) -> Any:
    """Text that stays text, whatever it begins with."""
    clean = _FORBIDDEN.sub("\ufffd", text)
    if len(clean) > _MOST_CHARACTERS:
        clean = clean[: _MOST_CHARACTERS - len(_CUT)] + _CUT
    cell = WriteOnlyCell(sheet)
    cell.value = clean
    cell.data_type = "s"
    if clean[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        cell.quotePrefix = True
    if bold:
        cell.font = Font(bold=True)
    return cell


def packed(book: Workbook) -> bytes:
    """The workbook as the bytes of an .xlsx file."""
    saved, stable = BytesIO(), BytesIO()
    book.save(saved)
    with (
        zipfile.ZipFile(saved) as source,
        zipfile.ZipFile(stable, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        # First by convention: programs that guess the type of a file look at its first entry.
        for name in sorted(
            source.namelist(), key=lambda entry: (entry != "[Content_Types].xml", entry)
        ):
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z\g<2>", content)
            target.writestr(zipfile.ZipInfo(name, _MEMBER_DAY), content, zipfile.ZIP_DEFLATED)
    return stable.getvalue()
