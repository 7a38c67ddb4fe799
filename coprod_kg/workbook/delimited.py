"""Reader of CSV, alone or in a zip: bytes to grids, encoding and separator detected.

A file in two encodings at once, with NUL bytes or with a quotation mark that is never closed is
refused: what was read from it would not be what the sender wrote.
"""

import csv
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final

from coprod_kg.errors import TooLarge, Unreadable
from coprod_kg.workbook.grid import CellKind, Grid, GridCell, Row, visible
from coprod_kg.workbook.package import Package
from coprod_kg.workbook.sheet_xml import MOST_CELLS

__all__ = [
    "decode",
    "pack",
    "read_bundle",
    "read_csv",
]


_MULTIBYTE: Final = re.compile(rb"[\xc3-\xf4][\x80-\xbf]+")
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_LONGEST_CELL: Final = 131_072
_SEPARATORS: Final = ",;\t|"
_ROWS_LOOKED_AT: Final = 6
"""A title may stand above the headers, so the separator is read off several rows."""
_FROM_WINDOWS: Final = frozenset("\u2018\u2019\u00b4\u00b7\u2013\u2014")
"""Marks that Windows-1252 has and that do stand within a word."""
_LETTERS: Final = frozenset("æøåäöüßéèêëáàâóòôíìúùñçÆØÅÄÖÜÉÈÁÀÓÍÚÑÇ")
_OLDER_ENCODINGS: Final = (
    ("mac_roman", "a Mac (Mac Roman)"),
    ("cp850", "a DOS program (code page 850)"),
)

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_ARCHIVES: Final = (".zip", ".7z", ".rar", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".xlsx", ".xlsm")
_LITTER: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_MOST_FILE_BYTES: Final = 128 * 2**20
_MOST_FILES: Final = 200


def decode(content: bytes, name: str) -> tuple[str, str | None]:
    """The text, and the name of its encoding where that had to be guessed.

    Raises:
        Unreadable: it is no text, or in more than one encoding.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            try:
                return content.decode(encoding), None
            except UnicodeDecodeError:
                raise Unreadable(
                    "it is UTF-16 that breaks off",
                    where=name,
                    fix="Save it again from the spreadsheet program as CSV UTF-8.",
                ) from None
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise Unreadable(
            "there is a NUL byte in it, which no text has",
            where=f"{name}, line {line}",
            fix="Save it again from the spreadsheet program as CSV UTF-8.",
        )
    # The strictest encoding first: text in another one is hardly ever valid UTF-8 by accident.
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        return _windows(content, name, error.start)


def read_csv(content: bytes, name: str, score: Callable[[list[str]], int]) -> Grid:
    """Read one file.

    Args:
        content: its bytes.
        name: its name.
        score: counts the known headers in a row; the separator with the most wins.

    Raises:
        Unreadable: it is no CSV.
        TooLarge: it has too many cells.
    """
    text, encoding = decode(content, name)
    separator, first = _separator(text, score)
    separator_line = _SEPARATOR_LINE.match(text)
    rows, count = [], 0
    for number, fields in enumerate(
        _records(text[separator_line.end() :] if separator_line else text, name, separator), first
    ):
        cells = {
            column: GridCell(CellKind.TEXT, text)
            for column, field in enumerate(fields, 1)
            if (text := visible(field)).strip()
        }
        count += len(cells)
        if count > MOST_CELLS:
            raise TooLarge(
                f"it has more than {MOST_CELLS} cells with content",
                where=name,
                fix="Send the data in parts, one organisation each.",
            )
        if cells:
            rows.append(Row(number, cells))
    return Grid(name, tuple(rows), encoding=encoding)


def _windows(content: bytes, name: str, offset: int) -> tuple[str, str]:
    """The text as Windows-1252, where nothing in it looks like UTF-8."""
    utf8_count = sum(1 for match in _MULTIBYTE.finditer(content) if _is_utf8(match[0]))
    line = content.count(b"\n", 0, offset) + 1
    if utf8_count:
        raise Unreadable(
            f"it is in two encodings: most of it is UTF-8, but not the byte {content[offset]:#04x}",
            where=f"{name}, line {line}",
            fix="Retype what looks odd in that line, and save the file again as CSV UTF-8.",
        )
    _refuse_older(content, name)
    try:
        return content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"the byte {content[error.start]:#04x} is neither UTF-8 nor Windows-1252",
            where=f"{name}, line {content.count(bytes([10]), 0, error.start) + 1}",
            fix="Save it again from the spreadsheet program as CSV UTF-8.",
        ) from None


def _refuse_older(content: bytes, name: str) -> None:
    """Refuse text that makes sense only in an encoding older than Windows-1252.

    K¿ge is the Køge of a Mac. A mark amid the letters of a word gives it away; the likely encoding
    is reported to the sender, and the text is not converted by guess.
    """
    text = content.decode("cp1252", errors="replace")
    for match in re.finditer(r"\S+", text):
        odd = [
            character
            for character in match[0]
            if ord(character) > 127 and character not in _LETTERS
        ]
        if not any(_amid_letters(match[0], character) for character in odd):
            continue
        line = text.count("\n", 0, match.start()) + 1
        raw = content[match.start() : match.end()]  # one byte is one character here
        for encoding, writer in _OLDER_ENCODINGS:
            meant = raw.decode(encoding)
            if all(ord(character) < 128 or character in _LETTERS for character in meant):
                raise Unreadable(
                    f"{match[0][:40]!r} looks wrong: read as the text of {writer} it is "
                    f"{meant[:40]!r}",
                    where=f"{name}, line {line}",
                    fix="Save it again as CSV UTF-8, so that every letter stays as it is.",
                )


def _amid_letters(word: str, odd: str) -> bool:
    """Whether a character that is no letter of our languages stands between two letters."""
    return odd not in _FROM_WINDOWS and bool(
        re.search(rf"(?:[a-zA-Z]{re.escape(odd)}[a-z])|(?:^{re.escape(odd)}[a-z])", word)
    )


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _separator(text: str, score: Callable[[list[str]], int]) -> tuple[str, int]:
    """The separator, and the number of the first row (2 where the separator is stated)."""
    separator_line = _SEPARATOR_LINE.match(text)
    if separator_line:
        return separator_line[1], 2
    beginning = text[:_LONGEST_CELL]

    def header_score(separator: str) -> tuple[int, int]:
        reader = csv.reader(StringIO(beginning, newline=""), delimiter=separator)
        try:
            rows = [(score(row), len(row)) for row in islice(reader, _ROWS_LOOKED_AT)]
        except csv.Error:
            return 0, 0
        return max(rows, default=(0, 0))

    return max(_SEPARATORS, key=header_score), 1


def _records(text: str, name: str, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    row = begins = 1
    try:
        for record in reader:
            yield record
            row, begins = row + 1, reader.line_num + 1
    except csv.Error as error:
        unclosed = "unexpected end" in str(error) or "larger than" in str(error)
        reason = "a quotation mark is never closed" if unclosed else f"this is no CSV: {error}"
        raise Unreadable(
            reason,
            where=f"{name}, line {begins} (row {row})",
            fix="Look at the quotation marks in that line; one inside a text is written twice.",
        ) from None


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
        grids.append(read_csv(package.read(path, _MOST_FILE_BYTES), name, score))
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
