"""Page set-up and typeface of a sheet."""

from typing import Final, Literal

from openpyxl.styles import Font
from openpyxl.worksheet.header_footer import HeaderFooterItem
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["DARK", "GREY", "LIGHT", "face", "set_page"]

DARK: Final = "1F4E78"
LIGHT: Final = "D9E6F2"
GREY: Final = "F2F2F2"


def set_page(made: Worksheet, orientation: Literal["portrait", "landscape"]) -> None:
    """Set a sheet up for printing: A4, as wide as the paper, its name below."""
    made.page_setup.orientation = orientation
    made.page_setup.paperSize = 9  # A4
    made.page_setup.fitToWidth, made.page_setup.fitToHeight = 1, 0
    made.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    footer = HeaderFooterItem()
    footer.center.text = "&A, page &P of &N"
    made.oddFooter = footer


def face(colour: str = "000000", size: int = 11, *, bold: bool = False) -> Font:
    """The one typeface of the workbook."""
    return Font(name="Calibri", size=size, color=colour, bold=bold)
