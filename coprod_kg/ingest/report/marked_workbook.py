"""Child process that marks the findings in a workbook.

Every formula becomes the text it is written as, so that nothing in the returned workbook computes.
A workbook that holds what would be lost on the way (pictures, charts, pivot tables) is refused
with the reason. What the marks cover (styles, comments) is kept on the sheet of what is to be
mended, so that marks of an earlier time are taken off again. Run by
`coprod_kg.ingest.report.marks`.
"""

import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from io import BytesIO
from typing import Any, Final, NamedTuple

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from coprod_kg.errors import Unreadable, UnsupportedMedia
from coprod_kg.ingest.report.openpyxl_input import lost_parts, openpyxl_bytes
from coprod_kg.sandbox.child import Payloads, serve
from coprod_kg.sandbox.limits import limited
from coprod_kg.workbook.columns import MENDING
from coprod_kg.workbook.package import Package
from coprod_kg.workbook.sentences import in_every_language

__all__ = ["main", "mark"]

_LOST_EXTENSIONS: Final = {
    "Conditional Formatting": "conditional formats of newer kinds",
    "Data Validation": "lists that lead to another sheet",
    "Slicer List": "slicers",
    "Sparkline Group": "sparklines",
    "Timeline Ref": "timelines",
}
"""Extension in a warning of openpyxl that drops it → the words of the refusal."""
_ORDER: Final = ("Violation", "Warning", "Info")
_COLOURS: Final = {"Violation": "FFC7CE", "Warning": "FFEB9C", "Info": "DDEBF7"}
_EDGES: Final = {"Violation": "9C0006", "Warning": "9C5700", "Info": "1F4E78"}
_AUTHOR: Final = "coprod-kg"
_FIRST_ROW: Final = 6
"""The first row of the list of causes."""
_KEPT_COLUMN: Final = 7
"""The first of the hidden columns with the covered formats and comments."""
_LONGEST_COMMENT: Final = 2000


class _Covered(NamedTuple):
    """The formatting and comment that a mark covers.

    Attributes:
        place: the sheet and the cell.
        fill: the fill that was there.
        border: the border that was there.
        comment: the comment that was there, or an empty text.
        mark: the comment that took its place.
    """

    place: tuple[str, str]
    fill: Any
    border: Any
    comment: str
    mark: str


def mark(content: bytes, job: Mapping[str, Any]) -> bytes:
    """The marked workbook.

    Args:
        content: the workbook.
        job: the marks, the causes, and the texts above them.

    Raises:
        UnsupportedMedia: something in it would be lost.
        Unreadable: its sheets are not found in it.
    """
    package = Package.opened(content, "the workbook")
    lost = lost_parts(package)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        book = load_workbook(BytesIO(openpyxl_bytes(package)), keep_links=False, rich_text=True)
    dropped = " ".join(str(warning.message) for warning in caught)
    lost += [words for name, words in _LOST_EXTENSIONS.items() if f"{name} ext" in dropped]
    if lost:
        raise UnsupportedMedia(f"it holds {' and '.join(sorted(set(lost)))}, which would be lost")
    if not book.worksheets:
        raise Unreadable("its sheets were not found in it")
    for sheet in book.worksheets:
        _neutralise(sheet)
    _unmark(book)
    covered = _mark_cells(book, job["marks"])
    _keep(_summarise(book, job), covered)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _unmark(book: Workbook) -> None:
    """Take off the marks of an earlier time, and the sheet that lists them."""
    mending_sheets = [
        worksheet
        for worksheet in book.worksheets
        if worksheet.title.rstrip("_") == MENDING
        and worksheet["A2"].value in in_every_language("colours")
    ]
    if not mending_sheets:
        return
    entries = [covered for sheet in mending_sheets for covered in _kept_entries(sheet)]
    places = {covered.place: covered for covered in entries}
    comments = {_comparable(covered.mark): covered.comment for covered in entries}
    for sheet in book.worksheets:
        for row in sheet.iter_rows() if sheet not in mending_sheets else ():
            for cell in row:
                if isinstance(cell, Cell) and (cell.has_style or cell.comment):
                    _restore(cell, places.get((sheet.title, cell.coordinate)), comments)
    for sheet in mending_sheets:
        book.remove(sheet)


def _restore(cell: Cell, covered: _Covered | None, comments: Mapping[str, str]) -> None:
    """Give a cell back what a mark covers; one that was moved loses the mark's colours."""
    marked = _is_marked(cell)
    if marked and covered:
        cell.fill, cell.border = copy(covered.fill), copy(covered.border)
    elif marked:
        cell.fill, cell.border = PatternFill(), Border()
    text = cell.comment.text if cell.comment else ""
    if _comparable(text) in comments and text:
        old_text = comments[_comparable(text)]
        cell.comment = _comment(old_text) if old_text else None
    elif marked and text and cell.comment and cell.comment.author == _AUTHOR and cell.row > 1:
        cell.comment = None  # of a mark from before they were kept


def _is_marked(cell: Cell) -> bool:
    fill = str(cell.fill.fgColor.rgb)[-6:] if cell.fill.fill_type == "solid" else ""
    severity = next((name for name, colour in _COLOURS.items() if colour == fill), None)
    side = cell.border.left
    edge = str(side.color.rgb)[-6:] if side and side.color else ""
    return severity is not None and edge == _EDGES[severity]


def _comparable(text: str) -> str:
    """A comment as programs compare it: one writes line ends otherwise, one adds its author."""
    return " ".join(text.removeprefix(f"{_AUTHOR}:").split())


def _kept_entries(sheet: Worksheet) -> Iterator[_Covered]:
    """The inverse of `_keep`."""
    for row in sheet.iter_rows(min_row=_FIRST_ROW, min_col=_KEPT_COLUMN, max_col=_KEPT_COLUMN + 2):
        place, comment, text = row
        if isinstance(place, Cell) and place.value and text.value:
            name, _, where = str(place.value).rpartition("!")
            yield _Covered(
                (name, where), place.fill, place.border, str(comment.value or ""), str(text.value)
            )


def _keep(sheet: Worksheet, covered: Sequence[_Covered]) -> None:
    """Store in hidden columns what the marks cover, so that `_unmark` can restore it."""
    for number, entry in enumerate(covered, _FIRST_ROW):
        _write(sheet, number, _KEPT_COLUMN, "!".join(entry.place))
        place = sheet.cell(number, _KEPT_COLUMN)
        if isinstance(place, Cell):
            place.fill, place.border = copy(entry.fill), copy(entry.border)
        _write(sheet, number, _KEPT_COLUMN + 1, entry.comment)
        _write(sheet, number, _KEPT_COLUMN + 2, entry.mark)
    for column in "GHI":
        sheet.column_dimensions[column].hidden = True


def _neutralise(sheet: Worksheet) -> None:
    """Turn whatever a spreadsheet program would compute into text."""
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell, Cell) and cell.data_type == "f":
                text = getattr(cell.value, "text", None) or str(cell.value)
                cell.value = text
                cell.data_type = "s"
                cell.quotePrefix = True


def _mark_cells(book: Workbook, marks: Sequence[Mapping[str, Any]]) -> list[_Covered]:
    """Colour and comment the cells; returns the covered formats and comments."""
    covered: list[_Covered] = []
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for marking in marks:
        spot = marking["spot"]
        if spot["sheet"] not in book.sheetnames:
            continue
        where = (spot["cell"] or f"A{spot['row'] or 1}").partition(":")[0]
        where = where if re.fullmatch(r"[A-Z]{1,3}\d+", where) else f"A{spot['row'] or 1}"
        cells.setdefault((spot["sheet"], where), []).append(marking)
    for (name, where), markings in cells.items():
        cell = book[name][where]
        worst = min((marking["severity"] for marking in markings), key=_ORDER.index)
        if not isinstance(cell, Cell):  # inside merged cells
            continue
        fill, border = copy(cell.fill), copy(cell.border)
        cell.fill = PatternFill("solid", start_color=_COLOURS[worst])
        side = Side(style="medium", color=_EDGES[worst])  # for those who do not see the colours
        cell.border = Border(left=side, right=side, top=side, bottom=side)
        texts = list(dict.fromkeys(marking["text"] for marking in markings))
        old_comment = cell.comment.text if cell.comment else ""
        text = "\n\n".join([*texts, *([old_comment] if old_comment else [])])[:_LONGEST_COMMENT]
        cell.comment = _comment(text)
        covered.append(_Covered((name, where), fill, border, old_comment, text))
    return covered


def _comment(text: str) -> Comment:
    return Comment(text, _AUTHOR, width=320, height=40 + 22 * (1 + len(text) // 45))


def _summarise(book: Workbook, job: Mapping[str, Any]) -> Worksheet:
    name = MENDING
    while name in book.sheetnames:
        name += "_"
    sheet: Worksheet = book.create_sheet(name, 0)
    for letter, width in zip("ABCDE", (16, 8, 62, 62, 46), strict=True):
        sheet.column_dimensions[letter].width = width
    for number, text in enumerate(job["head"], 1):
        _write(sheet, number, 1, text)
    sheet.cell(1, 1).font = Font(bold=True, size=13)
    for column, text in enumerate(job["headings"], 1):
        _write(sheet, 5, column, text)
        sheet.cell(5, column).font = Font(bold=True)
    for number, cause in enumerate(job["causes"], _FIRST_ROW):
        _cause(sheet, number, cause)
    sheet.freeze_panes = "A6"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    book.active = 0
    return sheet


def _cause(sheet: Worksheet, number: int, cause: Mapping[str, Any]) -> None:
    where, fix = cause["where"], cause["fix"]
    for column, value in enumerate(
        (cause["weight"], cause["count"], cause["title"], fix, where), 1
    ):
        _write(sheet, number, column, value)
        sheet.cell(number, column).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.cell(number, 2).alignment = Alignment(horizontal="center", vertical="top")
    lines = max(len(cause["title"]) // 55, len(fix) // 55, len(where) // 40) + 1
    sheet.row_dimensions[number].height = 15 * lines + 3
    if cause["link"]:
        link = Hyperlink(ref=f"E{number}", location=cause["link"], display=where)
        sheet.cell(number, 5).hyperlink = link
        sheet.cell(number, 5).font = Font(color="0563C1", underline="single")
    sheet.cell(number, 1).fill = PatternFill("solid", start_color=_COLOURS[cause["severity"]])


def _write(sheet: Worksheet, row: int, column: int, value: Any) -> None:
    """Write a value, a text always as a text."""
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", value)
        cell.data_type = "s"
        cell.quotePrefix = value[:1] in "=+-@"
    else:
        cell.value = value


def main() -> None:
    """Mark the workbook on standard input and write it to standard output."""
    serve(_work)


def _work(job: dict[str, Any], payloads: list[bytes]) -> Payloads:
    try:
        with limited(job["limits"]["seconds"], job["limits"]["memory_mb"]):
            return {}, [mark(payloads[0], job)]
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, zipfile.BadZipFile):
        raise Unreadable("it is made in a way that cannot be written back safely") from None


if __name__ == "__main__":
    main()
