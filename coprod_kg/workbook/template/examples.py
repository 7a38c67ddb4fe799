"""The example row of a sheet, as a person would have filled it in."""

from coprod_kg.workbook.columns import EXAMPLE, Holds, Sheet, SheetColumn

__all__ = ["example"]


def example(sheet: Sheet, language: str) -> list[str]:
    """The values of the example row, column by column.

    Args:
        sheet: the sheet.
        language: the language of labels from lists.
    """
    return [_value(sheet, column, language) for column in sheet.columns]


def _value(sheet: Sheet, column: SheetColumn, language: str) -> str:
    if column.holds is Holds.IDENTIFIER:
        return EXAMPLE
    text = sheet.example.get(column.path or "", "")
    if column.choices is None or not text:
        return text
    codes = text.split("; ")
    return "; ".join(
        next(choice.label(language) for choice in column.choices.find(code)) for code in codes
    )
