"""The explaining sheets of the template (read-me, meanings of the list values), and page set-up."""

from typing import Final, Literal

from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from coprod_kg.workbook.columns import EXPLANATIONS, README, TEXT_LANGUAGE, Sheets
from coprod_kg.workbook.template.examples import put_text
from coprod_kg.workbook.template.folder import readme

__all__ = [
    "DARK",
    "GREY",
    "LIGHT",
    "add_explanations",
    "add_readme",
    "set_page",
    "typeface",
]


_WRAPPED: Final = Alignment(vertical="top", wrap_text=True)
_CHARACTERS_PER_LINE: Final = 118
_HEIGHT: Final = 15.5

DARK: Final = "1F4E78"
LIGHT: Final = "D9E6F2"
GREY: Final = "F2F2F2"


def add_readme(worksheet: Worksheet, sheets: Sheets, language: str) -> None:
    """Fill the read-me sheet."""
    worksheet.title = README
    worksheet.column_dimensions["A"].width, worksheet.column_dimensions["B"].width = 28, 90
    worksheet.sheet_view.showGridLines = False
    _put(
        worksheet,
        1,
        1,
        "How co-production is mainstreamed: your data",
        typeface(DARK, 18, bold=True),
    )
    worksheet.merge_cells("A1:B1")
    worksheet.row_dimensions[1].height = 32
    _put(worksheet, 2, 1, TEXT_LANGUAGE, typeface(bold=True))
    _put(worksheet, 2, 2, language)
    row = 3
    for line in readme():
        heading = line.startswith("# ")
        row += 1 + heading
        worksheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=2)
        font = typeface(DARK, 13, bold=True) if heading else typeface()
        _put(worksheet, row, 1, line.removeprefix("# "), font)
        worksheet.row_dimensions[row].height = (
            20 if heading else _HEIGHT * (1 + len(line) // _CHARACTERS_PER_LINE)
        )
    row += 2
    _put(worksheet, row, 1, "The sheets", typeface(DARK, 13, bold=True))
    for sheet in sheets.members:
        row += 1
        _put(worksheet, row, 1, sheet.title)
        worksheet.cell(row, 1).hyperlink = f"#'{sheet.title}'!A1"
        worksheet.cell(row, 1).font = typeface(DARK, bold=True)
        _put(worksheet, row, 2, sheet.purpose)
        worksheet.row_dimensions[row].height = _HEIGHT * (1 + len(sheet.purpose) // 88)
    row += 1
    _put(worksheet, row, 1, EXPLANATIONS, typeface(bold=True))
    _put(worksheet, row, 2, "What each word in the lists means.")
    row += 1
    _put(worksheet, row, 1, "Lists (hidden)", typeface(bold=True))
    _put(
        worksheet,
        row,
        2,
        "What the drop-down lists show. To see it, right-click a tab and choose Unhide.",
    )
    set_page(worksheet, "portrait")


def add_explanations(worksheet: Worksheet, sheets: Sheets, language: str) -> None:
    """Fill the sheet that says what each word of the lists means."""
    worksheet.title = EXPLANATIONS
    for number, (header, width) in enumerate(
        (("List", 26), ("Label", 38), ("Code", 34), ("What it means", 90)), 1
    ):
        cell = worksheet.cell(1, number)
        _put(worksheet, 1, number, header, typeface("FFFFFF", bold=True))
        cell.fill = PatternFill("solid", fgColor=DARK)
        worksheet.column_dimensions[get_column_letter(number)].width = width
    row = 1
    for choices in sheets.choices.values():
        for member in choices.members:
            row += 1
            meaning = member.definition(language)
            texts = (choices.title, member.label(language), member.slug, meaning)
            for number, text in enumerate(texts, 1):
                _put(worksheet, row, number, text)
            worksheet.row_dimensions[row].height = _HEIGHT * (1 + len(meaning) // 95)
    worksheet.freeze_panes = "A2"
    worksheet.auto_filter.ref = f"A1:D{row}"
    worksheet.print_title_rows = "1:1"
    set_page(worksheet, "landscape")


def _put(worksheet: Worksheet, row: int, column: int, text: str, font: Font | None = None) -> None:
    cell = worksheet.cell(row, column)
    put_text(cell, text)
    cell.alignment = _WRAPPED
    cell.font = font or typeface()


def set_page(worksheet: Worksheet, orientation: Literal["portrait", "landscape"]) -> None:
    """Set a sheet up for printing: A4, as wide as the paper, its name below."""
    worksheet.page_setup.orientation = orientation
    worksheet.page_setup.paperSize = 9  # A4
    worksheet.page_setup.fitToWidth, worksheet.page_setup.fitToHeight = 1, 0
    worksheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    footer = HeaderFooterItem()
    footer.center.text = "&A, page &P of &N"
    worksheet.oddFooter = footer


def typeface(colour: str = "000000", size: int = 11, *, bold: bool = False) -> Font:
    """The one typeface of the workbook."""
    return Font(name="Calibri", size=size, color=colour, bold=bold)
