"""Zip archives of CSV files: read to grids, and packed from a folder.

Nested archives are refused.
"""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from coprod_kg.errors import TooLarge, Unreadable
from coprod_kg.workbook.delimited import read_csv
from coprod_kg.workbook.grid import Grid
from coprod_kg.workbook.package import Package

__all__ = ["Bundle", "pack", "read_bundle"]

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_ARCHIVES: Final = (".zip", ".7z", ".rar", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".xlsx", ".xlsm")
_LITTER: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_FILE_MOST: Final = 128 * 2**20
_MOST_FILES: Final = 200


@dataclass(frozen=True, slots=True)
class Bundle:
    """The content of a zip of CSV files.

    Attributes:
        grids: the files read.
        unread: paths of other files.
    """

    grids: tuple[Grid, ...]
    unread: tuple[str, ...] = ()


def read_bundle(package: Package, score: Callable[[list[str]], int]) -> Bundle:
    """Read the CSV files of an archive.

    Args:
        package: the archive.
        score: how many of the headers in a row are known ones.

    Raises:
        Unreadable: a file is no CSV, or the archive holds another one.
        TooLarge: it is too large.
    """
    grids, unread = [], []
    if len(package.members) > _MOST_FILES:
        raise TooLarge(
            f"the archive holds {len(package.members)} files (at most {_MOST_FILES})",
            where=package.name,
            fix="Pack the CSV files of one organisation only.",
        )
    for path in package.members:
        name = PurePosixPath(path).name
        if any(path.startswith(litter) or name == litter for litter in _LITTER):
            continue
        if name.lower().endswith(_ARCHIVES):
            raise Unreadable(
                f"the archive holds another one ({path}), which is not opened",
                where=package.name,
                fix="Pack the CSV files themselves, or send the workbook as it is.",
            )
        if not name.lower().endswith((".csv", ".tsv")):
            unread.append(path)
            continue
        grids.append(read_csv(package.read(path, _FILE_MOST), name, score))
    return Bundle(tuple(grids), tuple(unread))


def pack(folder: Path, most: int) -> bytes:
    """The files of a folder as a zip, the same bytes for the same files.

    Args:
        folder: where they are; folders in it are passed over.
        most: the most bytes that they may have together.

    Raises:
        TooLarge: they have more.
        Unreadable: one cannot be opened.
    """
    buffer, size = BytesIO(), 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or not path.is_file():
                continue
            try:
                content = path.read_bytes() if size + path.stat().st_size <= most else None
            except OSError as error:
                raise Unreadable(
                    f"the file cannot be opened: {error.strerror}", where=str(path)
                ) from None
            if content is None:
                raise TooLarge(
                    "the files are too large together",
                    where=str(folder),
                    fix="Send the data in parts, one organisation each.",
                )
            size += len(content)
            archive.writestr(zipfile.ZipInfo(path.name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
