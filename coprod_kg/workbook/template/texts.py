"""Untrusted text written into cells, so that no spreadsheet program runs it as a formula."""

from typing import Final

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell

__all__ = ["neutral", "put_text"]

_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_LONGEST: Final = 32_767


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
