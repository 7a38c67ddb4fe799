"""A marked workbook keeps what the sender had, and marked again only what is wrong now is red."""

import json
import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import Workbook, load_workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Border, PatternFill, Side

from coprod_kg.cli.submit import validate
from tests.workbooks.building import Tables, book, changed, saved, small, with_parts

INIT = "Initiatives"
GREEN = PatternFill("solid", start_color="C6EFCE")
DOTTED = Border(bottom=Side(style="dotted", color="112233"))
SPREADSHEETML = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def marked(content: bytes, folder: Path) -> tuple[Workbook | None, str]:
    """The workbook that comes back, if one does; and what was said."""
    sent, back = folder / "sent.xlsx", folder / "back.xlsx"
    back.unlink(missing_ok=True)
    sent.write_bytes(content)
    told = CliRunner().invoke(validate, [str(sent), "--format", "json", "--marked", str(back)])
    assert json.loads(told.stdout), told.output
    return (load_workbook(back, rich_text=True) if back.exists() else None), told.stderr or str(
        told.exception
    )


def given_back(content: bytes, folder: Path) -> Workbook:
    found, said = marked(content, folder)
    assert found is not None, said
    return found


def red(workbook: Workbook) -> list[str]:
    return [
        f"{sheet.title} {cell.coordinate}"
        for sheet in workbook.worksheets
        if not sheet.title.startswith("To mend")
        for row in sheet.iter_rows()
        for cell in row
        if str(cell.fill.fgColor.rgb).endswith("FFC7CE")
    ]


def two_mistakes() -> Tables:
    content = changed(INIT, "D2", "Helth")
    content[INIT][1][4] = "1.3.2021"
    return content


def dressed(content: Tables) -> Workbook:
    """A workbook whose wrong cells have a style and a comment of their own."""
    made = book(content)
    for name in ("D2", "E2"):
        made[INIT][name].fill, made[INIT][name].border = GREEN, DOTTED
    made[INIT]["D2"].comment = Comment("Ask Ann.", "Bo")
    return made


def test_a_cell_that_was_mended_has_its_own_looks_again(tmp_path: Path) -> None:
    once = given_back(saved(dressed(two_mistakes())), tmp_path)
    assert red(once) == [f"{INIT} D2", f"{INIT} E2"]
    assert "Ask Ann." in once[INIT]["D2"].comment.text
    once[INIT]["D2"].value = "Health"
    twice = given_back(saved(once), tmp_path)
    assert red(twice) == [f"{INIT} E2"]
    mended = twice[INIT]["D2"]
    assert mended.comment.text == "Ask Ann."
    assert mended.fill.fgColor.rgb == "00C6EFCE"
    assert mended.border.bottom.style == "dotted"
    assert twice[INIT]["E2"].comment.text.count("2021-03-01") == 1
    assert [one for one in twice.sheetnames if one.startswith("To mend")] == ["To mend"]
    twice[INIT]["E2"].value = "2021-03-01"
    assert red(given_back(saved(twice), tmp_path)) == []


def test_a_mark_that_was_moved_with_its_row_goes_all_the_same(tmp_path: Path) -> None:
    once = given_back(saved(dressed(two_mistakes())), tmp_path)
    once[INIT]["D2"].value, once[INIT]["E2"].value = "Health", "2021-03-01"
    once[INIT].insert_rows(2)
    back = given_back(saved(once), tmp_path)
    assert red(back) == []
    assert back[INIT]["D3"].comment.text == "Ask Ann."
    assert back[INIT]["E3"].comment is None


def test_a_sheet_of_the_sender_s_with_that_name_stays(tmp_path: Path) -> None:
    back = given_back(saved(book({**two_mistakes(), "To mend": [["My own list"]]})), tmp_path)
    assert back["To mend"]["A1"].value == "My own list"


def test_a_text_in_several_fonts_keeps_them(tmp_path: Path) -> None:
    made = book(two_mistakes())
    text = CellRichText("Memory ", TextBlock(InlineFont(b=True), "café"))
    made[INIT]["B2"].value = text
    assert given_back(saved(made), tmp_path)[INIT]["B2"].value == text


def strict(content: bytes) -> bytes:
    """The workbook as "Strict Open XML Spreadsheet" names its parts."""
    return with_parts(
        content,
        lambda _, part: part.replace(
            SPREADSHEETML, b"http://purl.oclc.org/ooxml/spreadsheetml/main"
        ).replace(RELATIONS, b"http://purl.oclc.org/ooxml/officeDocument/relationships"),
    )


def backslashes(content: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            info = zipfile.ZipInfo("x")
            info.filename = name.replace("/", "\\")
            target.writestr(info, source.read(name))
    return buffer.getvalue()


def leading_nowhere(content: bytes) -> bytes:
    """Every sheet names a drawing and old comments that are not there, as R's openxlsx does."""
    relations = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="rId1" Type="' + RELATIONS + b'/drawing" Target="../drawings/d1.xml"/>'
        b'<Relationship Id="rId2" Type="' + RELATIONS + b'/vmlDrawing" Target="../drawings/v.vml"/>'
        b"</Relationships>"
    )
    named = (
        b'<drawing xmlns:r="' + RELATIONS + b'" r:id="rId1"/>'
        b'<legacyDrawing xmlns:r="' + RELATIONS + b'" r:id="rId2"/></worksheet>'
    )
    return with_parts(
        content,
        lambda name, part: part.replace(b"</worksheet>", named) if "sheet2" in name else part,
        {"xl/worksheets/_rels/sheet2.xml.rels": relations},
    )


@pytest.mark.parametrize(
    "written", [strict, backslashes, leading_nowhere], ids=lambda one: one.__name__
)
def test_what_is_read_comes_back_whole(written: Callable[[bytes], bytes], tmp_path: Path) -> None:
    back = given_back(written(saved(book(two_mistakes()))), tmp_path)
    assert back.sheetnames == ["To mend", *small()]
    assert red(back) == [f"{INIT} D2", f"{INIT} E2"]
    assert back["Organisations"]["B2"].value == "Sampleby"


def with_chart() -> bytes:
    made = book(two_mistakes())
    chart = BarChart()
    chart.add_data(Reference(made[INIT], min_col=5, min_row=1, max_row=2))
    made[INIT].add_chart(chart)
    return saved(made)


def with_relation(kind: str, target: str) -> bytes:
    """A part of a kind that belongs to the first sheet."""
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId9" Type="{RELATIONS.decode()}/{kind}" Target="/{target}"/>'
        "</Relationships>"
    )
    rels = "xl/worksheets/_rels/sheet1.xml.rels"
    return with_parts(
        saved(book(two_mistakes())), more={rels: relations.encode(), target: b"<a><Anchor/></a>"}
    )


def with_sparklines() -> bytes:
    extension = (
        b'<extLst><ext uri="{05C60535-1F16-4fd2-B633-F4F36F0B64E0}"><a/></ext></extLst></worksheet>'
    )
    return with_parts(
        saved(book(two_mistakes())),
        lambda name, part: re.sub(b"</worksheet>", extension, part) if "sheet1" in name else part,
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (with_chart, "charts"),
        (lambda: with_relation("drawing", "xl/drawings/d.xml"), "drawings"),
        (lambda: with_relation("threadedComment", "xl/threads/t.xml"), "comments in threads"),
        (lambda: with_relation("holograms", "xl/h.xml"), "'holograms'"),
        (with_sparklines, "sparklines"),
    ],
    ids=["chart", "text box", "thread", "unknown", "sparklines"],
)
def test_what_would_be_lost_is_not_given_back_and_named(
    content: Callable[[], bytes], words: str, tmp_path: Path
) -> None:
    found, said = marked(content(), tmp_path)
    assert found is None
    assert words in said
