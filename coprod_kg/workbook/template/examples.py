"""The example row of a sheet, and untrusted text as cells that no spreadsheet program runs."""

from typing import Final

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell

from coprod_kg.workbook.columns import EXAMPLE, ColumnKind, Sheet, SheetColumn

__all__ = [
    "example",
    "neutral",
    "put_text",
]


_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_LONGEST: Final = 32_767


def example(sheet: Sheet, language: str) -> list[str]:
    """The values of the example row, column by column.

    Args:
        sheet: the sheet.
        language: the language of labels from lists.
    """
    return [_value(sheet, column, language) for column in sheet.columns]


def _value(sheet: Sheet, column: SheetColumn, language: str) -> str:
    if column.holds is ColumnKind.IDENTIFIER:
        return EXAMPLE
    text = sheet.example.get(column.path or "", "")
    if column.choices is None or not text:
        return text
    codes = text.split("; ")
    return "; ".join(
        next(choice.label(language) for choice in column.choices.find(code)) for code in codes
    )


def neutral(text: str) -> str:
    """The text for a CSV cell: one that a program might run gets an apostrophe in front.

    Reading takes the apostrophe off again.

    >>> neutral("=1+1"), neutral("Memory café")
    ("'=1+1", 'Memory café')
    """
    return f"'{text}" if text.startswith(_STARTS) else text


def put_text(cell: Cell | MergedCell, text: str) -> None:
    """Write text into a cell of a workbook as text, never as a formula.

    Args:
        cell: the cell.
        text: untrusted text; nothing is written inside a merged area, and characters that XML
            cannot hold become �.
    """
    if isinstance(cell, MergedCell):
        return
    cell.value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)[:_LONGEST]
    cell.data_type = "s"
    if text.startswith(_STARTS):
        cell.quotePrefix = True
