"""Two published cases in a workbook, broken in ten ways, are told and marked cell by cell."""

import json
from io import BytesIO
from pathlib import Path

from click.testing import CliRunner
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from coprod_kg.cli.submit import validate
from coprod_kg.workbook.sheets import sheets
from coprod_kg.workbook.template import as_workbook
from tests.test_template import statements
from tests.workbooks.building import saved
from tests.workbooks.filling import fill, rows_of

CASES = ("ryhov-county-hospital", "comune-di-bologna")
# Sheet, header, row (below the header and the example), what stands there, words of the advice.
BROKEN: tuple[tuple[str, str, int, object, str], ...] = (
    ("Initiatives", "Sector", 3, "Helth", "Did you mean Health?"),
    ("Initiatives", "Start", 3, "1.3.2010", "Write 2010-03-01"),
    ("Organisations", "Country", 3, "Itlay", "Did you mean Italy"),
    ("Stage assessments", "About", 3, "nobody-knows", "There is no 'nobody-knows'"),
    ("Stage assessments", "Basis of the claim", 4, None, "Basis of the claim is missing"),
    ("Participations", "Role", 3, "=B3", "A formula stands here"),
    ("Participations", "Identifier", 4, "Bad Identifier!", "Write bad-identifier"),
    ("Barrier reports", "Barrier", 3, "lack of trsut", "Did you mean Lack of trust"),
    ("Knowledge flows", "Direction", 3, "Feed-forward; Feedback", "one direction at most"),
    ("Evidence", "Page", 3, "www.example.org/report", "Write https://www.example.org/report"),
)


def cell(sheet: Worksheet, header: str, row: int) -> str:
    """The name of the cell below a header."""
    for place, one in enumerate(next(sheet.iter_rows(max_row=1, values_only=True)), 1):
        if str(one or "").rstrip("* ") == header:
            return f"{get_column_letter(place)}{row}"
    raise AssertionError(f"{sheet.title} has no {header}")


def two_cases() -> Workbook:
    book = load_workbook(BytesIO(as_workbook(sheets(), "en")))
    said = set().union(*(statements(case) for case in CASES))
    fill(book, sheets(), rows_of(sheets(), said, by_name=False))
    return book


def validated(book: Workbook, folder: Path) -> tuple[dict[str, str], Workbook]:
    """Cell → what must be mended there; and the workbook that comes back."""
    sent, back = folder / "cases.xlsx", folder / "back.xlsx"
    sent.write_bytes(saved(book))
    told = CliRunner().invoke(validate, [str(sent), "--format", "json", "--marked", str(back)])
    document = json.loads(told.stdout)
    found = {
        f"{one['spot']['sheet']} {one['spot']['cell']}": f"{one['message']} {one['fix']}"
        for file in document["files"]
        for one in file["findings"]
        if one["severity"] == "Violation"
    }
    assert told.exit_code == bool(found)
    return found, load_workbook(back)


def test_two_published_cases_in_one_workbook_have_nothing_to_mend(tmp_path: Path) -> None:
    found, _ = validated(two_cases(), tmp_path)
    assert found == {}


def test_ten_mistakes_are_told_and_marked_each_at_its_cell(tmp_path: Path) -> None:
    book = two_cases()
    wanted = {}
    for title, header, row, value, words in BROKEN:
        place = cell(book[title], header, row)
        book[title][place].value = value
        wanted[f"{title} {place}"] = words
    found, back = validated(book, tmp_path)
    assert found.keys() == wanted.keys()
    for place, words in wanted.items():
        assert words in found[place]
        title, _, name = place.rpartition(" ")
        marked = back[title][name]
        assert marked.comment is not None, place
        assert words in marked.comment.text
        assert marked.fill.fgColor.rgb != back[title][f"{name[0]}60"].fill.fgColor.rgb
