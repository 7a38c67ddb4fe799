"""Rows as a workbook: what is a number stays one, and no text becomes a formula."""

from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from coprod_kg.errors import TooLarge
from coprod_kg.formats import xlsx
from coprod_kg.formats.media_types import WORKBOOK
from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.derived import AskedQuery
from coprod_kg.queries.library import load

XSD = "http://www.w3.org/2001/XMLSchema#"


def reopened(*cells: Cell) -> list[Any]:
    """The cells of the first row, as a spreadsheet reads them."""
    names = tuple(f"c{place}" for place in range(len(cells)))
    data = xlsx.workbook(Table(names, (dict(zip(names, cells, strict=True)),)), {}, ())
    sheet = load_workbook(BytesIO(data))["Rows"]
    return list(sheet[2])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["", "=", "+", "-", "@", "\t", "\r", "\n=", "'="]), st.text(max_size=30))
def test_no_text_is_ever_a_formula(start: str, rest: str) -> None:
    text = start + rest
    (cell,) = reopened(Cell("literal", text))
    assert cell.data_type in ("s", "inlineStr", "n")
    assert cell.data_type != "n" or cell.value is None
    if text[:1] in ("=", "+", "-", "@"):
        assert cell.quotePrefix


def test_a_formula_is_stored_as_text_in_the_file_itself() -> None:
    rows = ({"a": Cell("literal", '=HYPERLINK("http://x.example","y")')},)
    data = xlsx.workbook(Table(("a",), rows), {"a": "=1+1"}, [("=2+2", "@SUM(A1)")])
    with ZipFile(BytesIO(data)) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "/sheet" in name]
    assert len(sheets) == 2
    assert all(b"<f>" not in sheet and b"<f " not in sheet for sheet in sheets)


def test_numbers_days_and_truth_values_are_what_they_are() -> None:
    cells = reopened(
        Cell("literal", "12", None, f"{XSD}integer"),
        Cell("literal", "1.5", None, f"{XSD}decimal"),
        Cell("literal", "true", None, f"{XSD}boolean"),
        Cell("literal", "2020-02-29", None, f"{XSD}date"),
    )
    assert [cell.value for cell in cells] == [12, 1.5, True, datetime(2020, 2, 29)]


@pytest.mark.parametrize(
    ("text", "datatype"),
    [
        ("2020", "gYear"),
        ("2020-13-45", "date"),
        ("1850-01-01", "date"),
        ("12345678901234567890", "integer"),
        ("INF", "double"),
        ("NaN", "double"),
        ("many", "integer"),
    ],
)
def test_what_a_spreadsheet_would_change_is_text(text: str, datatype: str) -> None:
    (cell,) = reopened(Cell("literal", text, None, XSD + datatype))
    assert cell.value == text
    assert cell.data_type == "s"


def test_what_is_longer_than_a_cell_says_that_it_is_cut() -> None:
    (cell,) = reopened(Cell("literal", "a" * 40_000))
    assert len(cell.value) == 32_767
    assert cell.value.endswith("(cut here: a cell holds no more)")


def test_the_second_sheet_says_what_was_asked() -> None:
    data = xlsx.workbook(Table(("n",), ()), {"n": "Number"}, [("Question", "How many?")])
    book = load_workbook(BytesIO(data))
    assert book.sheetnames == ["Rows", "About"]
    assert [cell.value for cell in book["Rows"][1]] == ["Number"]
    assert [cell.value for cell in book["About"][1]] == ["Question", "How many?"]


def test_a_truth_value_is_a_sheet_of_one_cell() -> None:
    book = load_workbook(BytesIO(xlsx.workbook(Table((), (), True), {}, ())))
    assert [row[0].value for row in book["Rows"].iter_rows()] == ["answer", True]


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 1)
    with pytest.raises(TooLarge, match="2 rows are too many"):
        xlsx.workbook(Table(("a",), ({}, {})), {}, ())


def test_a_heading_of_a_workbook_names_its_unit_once() -> None:
    query = load()["step-durations"]
    row = {one.name: Cell("literal", "7") for one in query.columns}
    table = Table(tuple(row), (row,))
    book = load_workbook(BytesIO(AskedQuery(query, {}, 1).in_format(WORKBOOK, table)))
    heads = [one.value for one in book["Rows"][1]]
    assert "Duration (months)" in heads
    assert len(set(heads)) == len(heads)
