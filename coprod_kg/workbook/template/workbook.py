"""The template as an .xlsx workbook."""

from typing import Final

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from coprod_kg.formats.xlsx import packed
from coprod_kg.workbook.columns import LABEL, LISTS, ColumnKind, Sheet, SheetColumn, Sheets
from coprod_kg.workbook.template.examples import example, put_text
from coprod_kg.workbook.template.front import (
    DARK,
    GREY,
    LIGHT,
    add_explanations,
    add_readme,
    set_page,
    typeface,
)
from coprod_kg.workbook.words import languages

__all__ = ["as_workbook"]

FIRST_ROW: Final = 3
_LAST_ROW: Final = 2000
_DATE_FORMAT: Final = "[<3000]0;yyyy-mm-dd"
_FORMATS: Final = {ColumnKind.DATE: _DATE_FORMAT, ColumnKind.IDENTIFIER: "@"}
_WIDTHS: Final = {
    ColumnKind.IDENTIFIER: 15,
    ColumnKind.TEXT: 30,
    ColumnKind.CHOICE: 26,
    ColumnKind.THING: 26,
    ColumnKind.LINK: 34,
    ColumnKind.DATE: 13,
    ColumnKind.NUMBER: 12,
    ColumnKind.YES_OR_NO: 18,
    ColumnKind.LANGUAGE: 11,
}
_LINE: Final = Border(bottom=Side(style="thin", color="BFBFBF"))


def as_workbook(sheets: Sheets, language: str) -> bytes:
    """The workbook as the bytes of an .xlsx file, the same for the same sheets.

    Args:
        sheets: the sheets.
        language: the language of labels from lists.
    """
    book = Workbook()
    front = book.active
    if not isinstance(front, Worksheet):
        raise TypeError(front)
    add_readme(front, sheets, language)
    for sheet in sheets.members:
        _add_sheet(book.create_sheet(sheet.title), sheet, language)
    add_explanations(book.create_sheet(), sheets, language)
    _add_lists(book, sheets, language)
    book.properties.creator = "coprod-kg"
    book.properties.title = "Template for co-production data"
    book.properties.language = language
    return packed(book)


def _add_sheet(worksheet: Worksheet, sheet: Sheet, language: str) -> None:
    for number, column in enumerate(sheet.columns, 1):
        _add_column(worksheet, number, column)
    for number, text in enumerate(example(sheet, language), 1):
        cell = worksheet.cell(2, number)
        put_text(cell, text)
        cell.font = Font(name="Calibri", size=11, italic=True, color="6B6B6B")
        cell.fill = PatternFill("solid", fgColor=GREY)
        cell.alignment = Alignment(vertical="top", wrap_text=True)
    worksheet.row_dimensions[1].height = 33
    worksheet.row_dimensions[2].height = 62
    worksheet.freeze_panes = "C2" if sheet.named else "B2"
    worksheet.sheet_properties.tabColor = DARK if sheet.named else "7F9DB9"
    worksheet.print_title_rows = "1:1"
    set_page(worksheet, "landscape")


def _add_column(worksheet: Worksheet, number: int, column: SheetColumn) -> None:
    letter = get_column_letter(number)
    cell = worksheet.cell(1, number)
    put_text(cell, column.header + ("*" if column.required else ""))
    cell.font = typeface("FFFFFF" if column.required else DARK, bold=True)
    cell.fill = PatternFill("solid", fgColor=DARK if column.required else LIGHT)
    cell.alignment = Alignment(vertical="center", wrap_text=True)
    cell.border = _LINE
    cell.comment = Comment(_note(column), "coprod-kg", height=150, width=320)
    dimension = worksheet.column_dimensions[letter]
    dimension.width = _WIDTHS[column.holds]
    if column.holds in _FORMATS:
        dimension.number_format = _FORMATS[column.holds]
    check = _check(column, letter)
    if check:
        check.add(f"{letter}{FIRST_ROW}:{letter}{_LAST_ROW}")
        worksheet.add_data_validation(check)


def _note(column: SheetColumn) -> str:
    """The text of the note at a header."""
    requirement = "Needed in every row." if column.required else "Optional."
    advice = {
        ColumnKind.DATE: "Write 2021-03-01, 2021-03 or 2021.",
        ColumnKind.LINK: "Write the whole address, beginning with https://",
        ColumnKind.CHOICE: "Choose from the list.",
        ColumnKind.YES_OR_NO: "Write yes or no.",
        ColumnKind.NUMBER: "Write a number.",
    }.get(column.holds, "")
    if column.kinds:
        advice = "Write the name as it stands in its sheet, or its identifier."
    separator_advice = "Several values are parted by a semicolon." if column.many else ""
    return "\n\n".join(
        text for text in (column.note, f"{requirement} {advice} {separator_advice}".strip()) if text
    )


def _check(column: SheetColumn, letter: str) -> DataValidation | None:
    """The data validation of a column's cells."""
    first = f"{letter}{FIRST_ROW}"
    if column.choices:
        check = DataValidation("list", f"=list_{column.choices.name}", allow_blank=True)
    elif column.kinds:
        check = DataValidation("list", f"=names_{column.kinds[0].replace('-', '_')}")
        return _lenient(check) if column.kinds[0] in _KINDS_WITH_NAMES else None
    elif column.holds is ColumnKind.YES_OR_NO:
        check = DataValidation("list", '"yes,no"', allow_blank=True)
    elif column.holds is ColumnKind.LANGUAGE:
        return _lenient(DataValidation("list", f'"{",".join(languages())}"', allow_blank=True))
    elif column.holds is ColumnKind.NUMBER:
        check = DataValidation("decimal", "-1E+300", "1E+300", operator="between")
    elif column.holds is ColumnKind.DATE:
        formula = f"OR(ISNUMBER({first}),ISNUMBER(VALUE(LEFT({first},4))))"
        check = DataValidation("custom", formula, allow_blank=True)
    else:
        return None
    check.errorTitle = column.header
    check.error = _note(column)[-200:]
    check.errorStyle = "warning" if column.holds in (ColumnKind.DATE, ColumnKind.NUMBER) else "stop"
    check.showErrorMessage = True  # without it a spreadsheet program takes any word silently
    return _lenient(check) if column.many else check


_KINDS_WITH_NAMES: Final = ("initiative", "organisation", "evidence", "agent", "public-service")


def _lenient(check: DataValidation) -> DataValidation:
    """A list to choose from that lets something else be typed too."""
    check.allow_blank, check.showErrorMessage = True, False
    return check


def _add_lists(book: Workbook, sheets: Sheets, language: str) -> None:
    """The hidden sheet of the lists, two columns each, and a name for the range of each."""
    worksheet = book.create_sheet(LISTS)
    worksheet.sheet_state = "hidden"
    for number, (name, choices) in enumerate(sheets.choices.items()):
        label, code = 2 * number + 1, 2 * number + 2
        put_text(worksheet.cell(1, label), choices.title)
        put_text(worksheet.cell(1, code), "Code")
        for row, choice in enumerate(choices.members, 2):
            put_text(worksheet.cell(row, label), choice.label(language))
            put_text(worksheet.cell(row, code), choice.slug)
        letter = get_column_letter(label)
        last = len(choices.members) + 1
        _define(book, f"list_{name}", f"{LISTS}!${letter}$2:${letter}${last}")
    for sheet in sheets.members:
        if sheet.named:
            number = next(n for n, column in enumerate(sheet.columns, 1) if column.path == LABEL)
            letter = get_column_letter(number)
            area = f"'{sheet.title}'!${letter}${FIRST_ROW}:${letter}${_LAST_ROW}"
            start = f"'{sheet.title}'!${letter}${FIRST_ROW}"
            _define(
                book,
                f"names_{sheet.kind.replace('-', '_')}",
                f"OFFSET({start},0,0,MAX(1,COUNTA({area})),1)",
            )


def _define(book: Workbook, name: str, reference: str) -> None:
    book.defined_names[name] = DefinedName(name, attr_text=reference)
