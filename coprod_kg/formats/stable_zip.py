"""Reproducible .xlsx files: the same bytes for the same workbook.

openpyxl writes the time of day into the archive and its properties: here both are set to one day.
"""

import re
import zipfile
from io import BytesIO
from typing import Final

from openpyxl import Workbook

__all__ = ["packed"]

_DAY: Final = (1980, 1, 1, 0, 0, 0)
_STAMP: Final = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def packed(book: Workbook) -> bytes:
    """The workbook as the bytes of an .xlsx file."""
    written, made = BytesIO(), BytesIO()
    book.save(written)
    with (
        zipfile.ZipFile(written) as source,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        # First by convention: programs that guess the type of a file look at its first entry.
        for name in sorted(
            source.namelist(), key=lambda entry: (entry != "[Content_Types].xml", entry)
        ):
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z\g<2>", content)
            target.writestr(zipfile.ZipInfo(name, _DAY), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
