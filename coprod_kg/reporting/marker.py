"""The inside of the sandbox that marks a workbook; it runs no formula, follows no link.

Every formula becomes the text it is written as, so that nothing in what is given back computes.
A workbook that holds what would be lost on the way (pictures, charts, pivot tables) is refused
with the reason, never given back the poorer. Run by `coprod_kg.reporting.marks`.
"""

import os
import re
import resource
import signal
import sys
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from coprod_kg.reading.columns import MENDING
from coprod_kg.reading.job import read_frame, write_frame

__all__ = ["main", "mark"]

_LOST: Final = (
    ("charts/", "charts"),
    ("media/", "pictures"),
    ("pivot", "pivot tables"),
    ("slicers/", "slicers"),
    ("ctrlProps/", "form controls"),
    ("activeX/", "controls"),
    ("embeddings/", "embedded files"),
    ("threadedComments/", "comments in threads"),
    ("vbaProject", "macros"),
)
_UNPACKED_MOST: Final = 512 * 2**20
_PARTS_MOST: Final = 2000
_ORDER: Final = ("Violation", "Warning", "Info")
_COLOURS: Final = {"Violation": "FFC7CE", "Warning": "FFEB9C", "Info": "DDEBF7"}
_EDGES: Final = {"Violation": "9C0006", "Warning": "9C5700", "Info": "1F4E78"}
_AUTHOR: Final = "coprod-kg"
_TO_COLOUR: Final = (
    "The cells are coloured: red must be mended, yellow is worth a look, blue is a hint."
)
_HOW: Final = (
    "Point at a coloured cell to read what to do. You may send this workbook again as it is: "
    "this sheet is not read."
)


def mark(content: bytes, job: Mapping[str, Any]) -> tuple[bytes, str]:
    """The marked workbook, or why there is none.

    Args:
        content: the workbook.
        job: the marks, the causes and the verdict.
    """
    lost = _refused(content)
    if lost:
        return b"", lost
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = load_workbook(BytesIO(content), keep_links=False)
    for sheet in book.worksheets:
        _neutralise(sheet)
    _mark_cells(book, job["marks"])
    _summarise(book, job)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue(), ""


def _refused(content: bytes) -> str:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = archive.infolist()
    if len(members) > _PARTS_MOST or sum(one.file_size for one in members) > _UNPACKED_MOST:
        return "it is too large"
    found = {name for one in members for part, name in _LOST if part in one.filename}
    return f"it holds {' and '.join(sorted(found))}, which would be lost" if found else ""


def _neutralise(sheet: Worksheet) -> None:
    """Make a text of whatever a spreadsheet program would compute."""
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell, Cell) and cell.data_type == "f":
                text = getattr(cell.value, "text", None) or str(cell.value)
                cell.value = text
                cell.data_type = "s"
                cell.quotePrefix = True


def _mark_cells(book: Workbook, marks: Sequence[Mapping[str, Any]]) -> None:
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in marks:
        spot = one["spot"]
        if spot["sheet"] not in book.sheetnames:
            continue
        where = (spot["cell"] or f"A{spot['row'] or 1}").partition(":")[0]
        where = where if re.fullmatch(r"[A-Z]{1,3}\d+", where) else f"A{spot['row'] or 1}"
        cells.setdefault((spot["sheet"], where), []).append(one)
    for (name, where), told in cells.items():
        cell = book[name][where]
        worst = min((one["severity"] for one in told), key=_ORDER.index)
        if not isinstance(cell, Cell):  # inside merged cells
            continue
        cell.fill = PatternFill("solid", start_color=_COLOURS[worst])
        side = Side(style="medium", color=_EDGES[worst])  # for those who do not see the colours
        cell.border = Border(left=side, right=side, top=side, bottom=side)
        texts = list(dict.fromkeys(one["text"] for one in told))
        before = [cell.comment.text] if cell.comment else []
        text = "\n\n".join([*texts, *before])[:2000]
        cell.comment = Comment(text, _AUTHOR, width=320, height=40 + 22 * (1 + len(text) // 45))


def _summarise(book: Workbook, job: Mapping[str, Any]) -> None:
    name = MENDING
    while name in book.sheetnames:
        name += "_"
    sheet = book.create_sheet(name, 0)
    for at, width in zip("ABCDE", (16, 8, 62, 62, 46), strict=True):
        sheet.column_dimensions[at].width = width
    for number, text in enumerate((job["verdict"], _TO_COLOUR, _HOW), 1):
        _write(sheet, number, 1, text)
    sheet.cell(1, 1).font = Font(bold=True, size=13)
    for column, text in enumerate(("What", "Times", "What is wrong", "What to do", "Where"), 1):
        _write(sheet, 5, column, text)
        sheet.cell(5, column).font = Font(bold=True)
    for number, one in enumerate(job["causes"], 6):
        _cause(sheet, number, one)
    sheet.freeze_panes = "A6"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    book.active = 0


def _cause(sheet: Worksheet, number: int, one: Mapping[str, Any]) -> None:
    spots = list(one["spots"])
    more = one["count"] - len(spots)
    where = ", ".join(spots) + (f" and {more} more" if spots and more > 0 else "")
    fix = one["fix"] or "See the comments in the cells."
    for column, value in enumerate((one["weight"], one["count"], one["title"], fix, where), 1):
        _write(sheet, number, column, value)
        sheet.cell(number, column).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.cell(number, 2).alignment = Alignment(horizontal="center", vertical="top")
    lines = max(len(one["title"]) // 55, len(fix) // 55, len(where) // 40) + 1
    sheet.row_dimensions[number].height = 15 * lines + 3
    if one["link"]:
        link = Hyperlink(ref=f"E{number}", location=one["link"], display=where)
        sheet.cell(number, 5).hyperlink = link
        sheet.cell(number, 5).font = Font(color="0563C1", underline="single")
    sheet.cell(number, 1).fill = PatternFill("solid", start_color=_COLOURS[one["severity"]])


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
    frame = read_frame(sys.stdin.buffer, sys.maxsize)
    if frame is None:
        return
    job, (content,) = frame
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, job["limits"]["seconds"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        cap = (job["limits"]["memory_mb"] + 256) << 20
        resource.setrlimit(resource.RLIMIT_AS, (cap, cap))
    try:
        made, why = mark(content, job)
    except MemoryError:
        os.abort()
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, zipfile.BadZipFile):
        made, why = b"", "it is made in a way that cannot be written back safely"
    write_frame(sys.stdout.buffer, {"refused": why}, (made,))


if __name__ == "__main__":
    main()
